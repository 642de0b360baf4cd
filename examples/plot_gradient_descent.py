"""
Gradient descent, step by step
==============================

Gradient descent repeats w := w − α dw, where dw is the derivative dJ/dw and α the learning rate.
Why does that lead to the minimum, and how large may α be? One parameter is enough to see both, and
to see where 2/L, the limit of the rate, comes from.
"""

import matplotlib.pyplot as plt
import numpy as np

from sklearn_gd_logreg import GDLogisticRegression, LearningRateDisplay

BLUE, ORANGE, GREEN, GREY, PINK = "#0072b2", "#d55e00", "#009e73", "#808080", "#cc79a7"
plt.rcParams.update({"axes.grid": True, "axes.axisbelow": True, "grid.color": "#80808040"})
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False})

# sphinx_gallery_thumbnail_number = 2

# %%
# The sign of the slope
# ---------------------
#
# Six examples have one feature x; there is no b. An L2 penalty makes the cost
#
# .. math::
#
#    J(w) &= \frac{1}{m} \sum_i \bigl(\log(1 + e^{w x_i}) - y_i w x_i\bigr) + \frac{λ}{2} w^2, \\
#    dw &= \frac{1}{m} \sum_i x_i (a_i - y_i) + λ w,
#
# with :math:`a_i = 1 / (1 + e^{-w x_i})` and :math:`λ = 1 / (Cm)`.

x, y, C = np.array([-2, -1, -1, 1, 1, 2]), np.array([0, 0, 1, 1, 0, 1]), 0.25
penalty = 1 / (C * len(x))


def cost(w):
    z = np.multiply.outer(w, x)
    return np.mean(np.logaddexp(0, z) - y * z, axis=-1) + penalty / 2 * w**2


def slope(w):
    return np.mean(x * (1 / (1 + np.exp(-w * x)) - y)) + penalty * w


w = np.linspace(-3.2, 3.8, 300)
figure, ax = plt.subplots(figsize=(8, 3.6), layout="constrained")
ax.plot(w, cost(w), color=BLUE, lw=2.5)
for at, text in (-2, "dw < 0, so w grows"), (2.5, "dw > 0, so w shrinks"):
    ax.axline((at, cost(at)), slope=slope(at), color=ORANGE, ls="--")
    ax.plot(at, cost(at), "o", color=ORANGE, ms=9)
    ax.quiver(at, 0.15, -0.5 * slope(at), 0, color=ORANGE, angles="xy", scale_units="xy", scale=1)
    ax.text(at, 0.4, text, ha="center")
ax.set(xlabel="w", ylabel="cost J", ylim=(0, 6))
plt.show()

# %%
# The dashed lines have the slope dw. Left of the minimum the slope is negative: −α dw is positive,
# and w grows. Right of it the slope is positive, and w shrinks. The arrows are the steps with
# α = 0.5: both lead towards the minimum. Close to it dw is small, and so is the step.
#
# Too small, right, too large
# ---------------------------
#
# How long a step may be depends on L, the largest curvature of J. The second derivative of the loss
# by z is a(1 − a), at most ¼, so here L = ¼ mean(x²) + λ.

L = np.mean(x**2) / 4 + penalty
print(f"L = {L:.3f}, 1/L = {1 / L:.3f}, 2/L = {2 / L:.3f}, 2/λ = {2 / penalty:.3f}")


def descend(alpha, n_steps, w=-3.0):
    path = [w]
    for _ in range(n_steps):
        path.append(path[-1] - alpha * slope(path[-1]))
    return np.array(path)


figure, panels = plt.subplots(1, 3, figsize=(8, 3.2), layout="constrained")
names = "too small", "right", "too large"
for ax, name, factor in zip(panels, names, (0.2, 1, 3.6), strict=True):
    path = descend(factor / L, n_steps=8)
    print(f"α = {factor:3}/L: w =", *(f"{w:5.1f}" for w in path))
    w = np.linspace(path.min() - 1, max(path.max(), 3) + 1, 300)
    ax.plot(w, cost(w), color=BLUE, lw=2)
    ax.plot(path, cost(path), "o-", color=ORANGE, ms=5, lw=1.2)
    ax.set(title=f"{name}: α = {factor}/L", xlabel="w", ylabel="cost J", ylim=0)
plt.show()

# %%
# Each picture shows eight steps from w = −3. With a small rate they creep. With 1/L they arrive.
# With 3.6/L each step jumps over the minimum and lands higher than before, so the next one is
# longer still: the descent diverges. The third picture needs wider axes.
#
# The limit 2/L
# -------------
#
# Below 2/L every step lowers J. Above 2/L that is not sure. Far from the minimum the logistic loss
# grows only linearly, so J is less curved there: just above the limit the descent circles around
# the minimum. But the penalty grows with w², so the curvature is λ at least: above 2/λ the descent
# diverges.
#
# :class:`~sklearn_gd_logreg.GDLogisticRegression` with ``solver="gd"`` makes the same steps:

X = x[:, np.newaxis]
clf = GDLogisticRegression(C=C, fit_intercept=False, solver="gd", learning_rate=0.2 / L, tol=0)
clf.set_params(max_iter=20).fit(X, y, coef_init=[[-3]])
print(f"20 steps of 0.2/L: w = {descend(0.2 / L, 20)[-1]:.6f}, estimator {clf.coef_[0, 0]:.6f}")

best = GDLogisticRegression(C=C, fit_intercept=False, tol=1e-10).fit(X, y).coef_[0, 0]
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
styles = {
    0.2: (BLUE, "o"),
    1: (GREEN, "s"),
    1.9: (PINK, "^"),
    2.6: (GREY, "D"),
    3.6: (ORANGE, "v"),
}
for factor, (colour, marker) in styles.items():
    height = cost(descend(factor / L, 20)) - cost(best)
    left.plot(height, color=colour, marker=marker, ms=5, label=f"α = {factor}/L")
left.set(yscale="log", ylim=(1e-5, 1e4), xticks=range(0, 21, 5), xlabel="step", ylabel="J − J*")
left.legend(ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1), frameon=False)
LearningRateDisplay.from_estimator(clf, X, y, max_iter=10, kind="final", ax=right)
plt.show()

# %%
# Left: J above its minimum J*. 0.2/L is slow and 1/L is fast. 1.9/L jumps to and fro and yet
# descends, 2.6/L circles for ever, and with 3.6/L the cost grows without limit. Right:
# :class:`~sklearn_gd_logreg.LearningRateDisplay` draws the cost after ten steps from w = 0. Rates
# below 2/L lower the cost; those above end higher than they began. ``learning_rate="auto"`` is 1/L.
#
# Next: :doc:`plot_vectorisation` computes dw for many features. :doc:`/user_guide/learning_rates`
# has schedules, and the line search, which finds the rate by trial.
