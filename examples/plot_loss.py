"""
The loss, and why it is not the squared error
=============================================

A prediction ŷ is a probability, and the truth y is 0 or 1. How wrong is ŷ? This page reads the
cross-entropy loss for both values of y. Then it compares its cost with that of the squared error
½(ŷ − y)²: the first is a bowl, the second has flat parts and a second minimum.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import expit

from sklearn_gd_logreg import GDLogisticRegression

BLUE, ORANGE = "#0072b2", "#d55e00"
plt.rcParams.update({"axes.grid": True, "axes.axisbelow": True, "grid.color": "#80808040"})
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False})

# sphinx_gallery_thumbnail_number = 3

# %%
# The loss of one example
# -----------------------
#
# .. math:: \mathcal{L}(\hat y, y) = -\bigl(y \log \hat y + (1 - y) \log(1 - \hat y)\bigr)
#
# One of the two terms is always 0. For y = 1 the loss is −log ŷ, which is small when ŷ is close to
# 1. For y = 0 it is −log(1 − ŷ), which is small when ŷ is close to 0. A sure and wrong prediction
# costs without limit; its squared error is never above ½.

y_hat = np.linspace(0.005, 0.995, 400)
figure, panels = plt.subplots(1, 2, figsize=(8, 3.4), sharey=True, layout="constrained")
for ax, truth, of_truth in (panels[0], 1, y_hat), (panels[1], 0, 1 - y_hat):
    ax.plot(y_hat, -np.log(of_truth), color=BLUE, lw=2.5, label="cross-entropy")
    ax.plot(y_hat, (y_hat - truth) ** 2 / 2, color=ORANGE, ls="--", lw=2, label="½(ŷ − y)²")
    ax.set(title=f"loss for y = {truth}", xlabel="prediction ŷ", xlim=(0, 1))
panels[0].legend()
plt.show()

# %%
# The cost over one weight
# ------------------------
#
# The cost J is the mean of the losses. Eight examples with one feature x show the difference. The
# two that are far from 0 have the sign of x as their label; those close to 0 mostly have the
# opposite label. With z = wx + b and ŷ = σ(z) the cross-entropy is log(1 + eᶻ) − yz.

x, y = np.array([-8, -1.5, -1, -0.5, 0.5, 1, 1.5, 8]), np.array([0, 1, 1, 0, 1, 0, 0, 1])


def costs(w, b):
    z = np.multiply.outer(w, x) + np.expand_dims(b, -1)
    losses = {"cross-entropy": np.logaddexp(0, z) - y * z, "squared error": (expit(z) - y) ** 2 / 2}
    return {name: loss.mean(axis=-1) for name, loss in losses.items()}


w = np.linspace(-4, 4, 1601)
figure, panels = plt.subplots(1, 2, figsize=(8, 3.4), layout="constrained")
for ax, (name, J) in zip(panels, costs(w, 0).items(), strict=True):
    lowest = 1 + np.flatnonzero((J[1:-1] < J[:-2]) & (J[1:-1] < J[2:]))
    print(f"{name}: minima at w =", " and ".join(f"{at:.3f}" for at in w[lowest]))
    ax.plot(w, J, color=BLUE, lw=2.5)
    ax.plot(w[lowest], J[lowest], "*", color=ORANGE, mec="black", ms=15)
    ax.set(title=name, xlabel="weight w, with b = 0", ylabel="cost J", ylim=0)
plt.show()

# %%
# Stars are the minima. The cross-entropy is convex: it has one minimum, and from any w the slope
# leads there. The squared error has a second minimum, on the wrong side of 0, and becomes flat far
# from 0. In the second minimum both far examples are predicted wrongly, but σ is so flat there that
# they hardly pull on w, and the near ones hold it.
#
# Both costs as surfaces
# ----------------------
#
# Over both parameters, w and b, the cross-entropy is a bowl. The squared error has a deep hollow,
# a shallow one to the left of it, and plateaus.

W, B = np.meshgrid(np.linspace(-3, 3, 121), np.linspace(-6, 6, 121))
view = {"projection": "3d", "elev": 40, "azim": -65}
figure, panels = plt.subplots(1, 2, figsize=(8, 4), subplot_kw=view, layout="constrained")
for ax, (name, J) in zip(panels, costs(W, B).items(), strict=True):
    ax.plot_surface(W, B, J, cmap="viridis", rcount=60, ccount=60)
    ax.set(title=f"cost J, {name}", xlabel="w", ylabel="b")
    ax.locator_params(axis="z", nbins=5)
plt.show()

# %%
# Descents from several starts
# ----------------------------
#
# Gradient descent needs dz, the derivative of the loss by z. For the cross-entropy it is a − y,
# with a = ŷ. For the squared error it is (a − y) · a(1 − a). The factor a(1 − a) vanishes when the
# prediction is sure, right or wrong.

dz_of = {"cross-entropy": lambda a: a - y, "squared error": lambda a: (a - y) * a * (1 - a)}


def descend(name, w, b, alpha=0.3, n_steps=3000):
    path = [(w, b)]
    for _ in range(n_steps):
        dz = dz_of[name](expit(w * x + b))
        w, b = w - alpha * np.mean(x * dz), b - alpha * np.mean(dz)
        path.append((w, b))
    return np.array(path)


figure, panels = plt.subplots(1, 2, figsize=(8, 4), sharey=True, layout="constrained")
for ax, (name, J) in zip(panels, costs(W, B).items(), strict=True):
    levels = np.quantile(J, np.linspace(0, 1, 25))
    ax.contourf(W, B, J, levels, cmap="viridis")
    ax.contour(W, B, J, levels, colors="black", linewidths=0.4)
    for start in (-2, 2), (2.5, 5), (2.5, -2.5), (-1, -5):
        path = descend(name, *start)
        print(f"{name} from {start!s:11} to", "({:z.3f}, {:z.3f})".format(*path[-1]))
        ax.plot(*path.T, color="white", lw=2)
        ax.plot(*path[0], "o", color="white", mec="black", ms=8)
        ax.plot(*path[-1], "s", color=ORANGE, mec="black", ms=8)
    ax.set(title=name, xlabel="w", ylabel="b")
plt.show()

# %%
# Each path leads from a circle to a square, 3000 steps later; the thin lines join points of equal
# cost. With the cross-entropy all four reach the same point. With the squared error one path ends
# in the shallow hollow. Closed lines surround its end, so it is a minimum over both parameters.
# Another path is still on a plateau, where the steps are tiny.
#
# :class:`~sklearn_gd_logreg.GDLogisticRegression` minimises the cross-entropy and finds the same w
# and b:

clf = GDLogisticRegression(C=np.inf).fit(x[:, np.newaxis], y)
print(f"w = {clf.coef_[0, 0]:.3f}, b = {clf.intercept_[0]:.3f}")

# %%
# Next: :doc:`plot_gradient_descent` takes the steps one by one. :doc:`/user_guide/cost` says what
# else J can contain.
