"""
The sigmoid, and why not a straight line
========================================

Given a measurement x, how likely is y = 1? Linear regression answers with wᵀx + b, and logistic
regression with σ(wᵀx + b). This page shows what the sigmoid σ does, and what goes wrong without it.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import expit
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LinearRegression

from sklearn_gd_logreg import GDLogisticRegression

BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "#6b6b6b"
plt.rcParams.update({"axes.grid": True, "axes.axisbelow": True, "grid.color": "#80808040"})
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False})

# sphinx_gallery_thumbnail_number = 2

# %%
# The sigmoid
# -----------
#
# .. math:: σ(z) = \frac{1}{1 + e^{-z}}
#
# For a large z the term :math:`e^{-z}` vanishes and σ(z) → 1. For a very negative z it is huge and
# σ(z) → 0. In between, σ(0) = ½, and there the curve is steepest, with slope ¼.

for score in (-10, -2, 0, 2, 10):
    print(f"σ({score:3}) = {expit(score):.6f}")

z = np.linspace(-8, 8, 401)
figure, ax = plt.subplots(figsize=(8, 3.4), layout="constrained")
ax.plot(z, expit(z), color=BLUE, lw=2.5)
ax.plot([-2, 2], [0, 1], color=GREY, ls="--", label="slope ¼ at z = 0")
ax.plot(0, 0.5, "o", color=BLUE, ms=8)
ax.axhline(1, color=GREY, lw=1)
ax.axhline(0, color=GREY, lw=1)
ax.annotate("σ(0) = ½", (0, 0.5), (0.7, 0.42))
ax.annotate("σ(z) → 1", (6.3, 0.88))
ax.annotate("σ(z) → 0", (-7.8, 0.08))
ax.set(xlabel="z = wᵀx + b", ylabel="ŷ = σ(z)", yticks=[0, 0.5, 1])
ax.legend(loc="upper left", bbox_to_anchor=(0, 0.9))
plt.show()

# %%
# Why not a straight line
# -----------------------
#
# One measurement, the mean radius of a tumour, and y = 1 if it is malignant. Both models are
# fitted to the same 569 rows: the line by least squares, the sigmoid by cross-entropy, without a
# penalty.

data = load_breast_cancer()
x, y = data.data[:, [0]], 1 - data.target  # the data set has 0 for malignant
line = LinearRegression().fit(x, y)
sigmoid = GDLogisticRegression(C=np.inf).fit(x, y)

for name, output in ("line", line.predict(x)), ("sigmoid", sigmoid.predict_proba(x)[:, 1]):
    outside = np.mean((output < 0) | (output > 1))
    print(f"{name:8} from {output.min():6.3f} to {output.max():.3f}, {outside:.0%} outside [0, 1]")

# %%
# A probability lies between 0 and 1. The line leaves this range on both sides; in the shaded parts
# of the picture its output is no probability. The sigmoid stays inside for every x, and it is as
# steep in the middle as the data ask for.

radius = np.linspace(x.min() - 2, x.max() + 2, 300)[:, np.newaxis]
figure, ax = plt.subplots(figsize=(8, 3.8), layout="constrained")
ax.plot(x, y, "|", color="grey", alpha=0.6, ms=12, label="a tumour")
ax.plot(radius, line.predict(radius), color=ORANGE, ls="--", lw=2, label="line, wx + b")
ax.plot(radius, sigmoid.predict_proba(radius)[:, 1], color=BLUE, lw=2.5, label="σ(wx + b)")
for low, high in (-0.6, 0), (1, 1.9):
    ax.axhspan(low, high, color=ORANGE, alpha=0.1, lw=0)
ax.set(xlabel="mean radius x", ylabel="ŷ", ylim=(-0.6, 1.9), yticks=[-0.5, 0, 0.5, 1, 1.5])
ax.legend(loc="upper left")
plt.show()

# %%
# The θ-form
# ----------
#
# Some texts put b among the weights: each x gets a first entry x₀ = 1, and θ₀ = b, so that
# ŷ = σ(θᵀx). That is the same model:

ones = np.ones_like(x)
theta = GDLogisticRegression(C=np.inf, fit_intercept=False).fit(np.hstack([ones, x]), y).coef_[0]
print(f"b  = {sigmoid.intercept_[0]:.4f}, w  = {sigmoid.coef_[0, 0]:.4f}")
print(f"θ₀ = {theta[0]:.4f}, θ₁ = {theta[1]:.4f}")

# %%
# The course keeps b and w apart, and so does the estimator, as ``intercept_`` and ``coef_``. One
# reason is the penalty: it shrinks the weights but not b. The θ-form would shrink θ₀ too.
#
# Next: :doc:`plot_loss` says how w and b are found. The course map has the formulas and the code
# that evaluates them: :doc:`/course_map`.
