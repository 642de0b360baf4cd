"""
Momentum, RMSProp, Adam and the natural gradient
================================================

How does an optimiser walk through a narrow valley, and how soon is it down? This page draws the
paths of five optimisers on one cost of two parameters and trains all five on the digits. Where
PyTorch is installed, it lays PyTorch's own paths over four of them. :doc:`/user_guide/solvers` says
which one to use when.
"""

# sphinx_gallery_thumbnail_number = 2
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from sklearn_gd_logreg import Adam, CostCurveDisplay, GDLogisticRegression, Momentum, RMSProp

try:
    import torch
except ImportError:
    torch = None

# %%
# Five paths through one valley
# -----------------------------
#
# The second feature varies eight times as much as the first. So J is steep along its weight w₂ and
# flat along w₁. With ``warm_start=True`` and ``max_iter=1`` each call of ``fit`` makes one step;
# the next call resumes exactly, with the memory of the optimiser.

rng = np.random.default_rng(0)
X = rng.normal(size=(300, 2)) * [0.5, 4]
y = 1.0 * (X @ [2, 0.1] + rng.logistic(size=300) > 0)
START, N_STEPS = np.array([-2.0, 0.35]), 40
RATES = {"gd": 0.65, "momentum": 0.15, "RMSProp": 0.06, "Adam": 0.15, "natural": "auto"}
RULES = {"momentum": Momentum(beta=0.9), "RMSProp": RMSProp(rho=0.9), "Adam": Adam()}


def our_path(name):
    model = GDLogisticRegression(C=np.inf, fit_intercept=False, warm_start=True)
    model.set_params(solver=RULES.get(name, name), learning_rate=RATES[name], max_iter=1, tol=0)
    path = [START, model.fit(X, y, coef_init=START).coef_[0]]
    return np.array(path + [model.fit(X, y).coef_[0] for _ in range(N_STEPS - 1)])


# %%
# Where PyTorch is installed, its SGD, RMSprop and Adam get the same cost and the same rates, and
# their gradients from PyTorch's automatic differentiation.

PYTORCH = {
    "gd": ("SGD", {}),
    "momentum": ("SGD", {"momentum": 0.9}),
    "RMSProp": ("RMSprop", {"alpha": 0.9}),
    "Adam": ("Adam", {}),
}


def pytorch_path(name):
    cost = torch.nn.functional.binary_cross_entropy_with_logits
    w, (kind, options) = torch.tensor(START, requires_grad=True), PYTORCH[name]
    optimiser, path = getattr(torch.optim, kind)([w], lr=RATES[name], **options), [START]
    for _ in range(N_STEPS):
        optimiser.zero_grad()
        cost(torch.from_numpy(X) @ w, torch.from_numpy(y)).backward()
        optimiser.step()
        path.append(w.detach().numpy().copy())
    return np.array(path)


ours = {name: our_path(name) for name in RATES}
theirs = {name: pytorch_path(name) for name in PYTORCH} if torch else {}
for name, path in theirs.items():
    print(f"{name:8}  largest difference to PyTorch: {np.abs(ours[name] - path).max():.0e}")

# %%
# Both axes have the same scale, so a step is as long as it looks. Gradient descent leaps from wall
# to wall: its rate is nearly the largest that the steep direction bears, and is still small for the
# flat one. Momentum sums up the steps along the valley; it overshoots and swings back. RMSProp and
# Adam divide each derivative by its usual size, so both directions get steps of one length; with a
# constant rate RMSProp keeps swinging. The natural gradient divides by the curvature, and is down
# after a few steps.

w1, w2 = np.meshgrid(np.linspace(-2.3, 2.7, 100), np.linspace(-0.25, 0.5, 60))
z = w1[..., np.newaxis] * X[:, 0] + w2[..., np.newaxis] * X[:, 1]
J = np.mean(np.logaddexp(0, z) - y * z, axis=-1)

_, panels = plt.subplots(3, 2, figsize=(8, 3.8), sharex=True, sharey=True, layout="constrained")
for axes, (name, path) in zip(panels.flat, ours.items(), strict=False):
    axes.contour(w1, w2, np.sqrt(J - J.min()), 12, colors="0.5", linewidths=0.6)
    axes.plot(*path.T, "o-", color="#0072b2", ms=3, lw=1, label=f"{N_STEPS} steps, ours")
    if name in theirs:
        axes.plot(*theirs[name].T, "x", color="#d55e00", ms=6, label="the same, PyTorch's")
    axes.set(title=f"{name}, α = {RATES[name]}", xlabel="w₁", ylabel="w₂", aspect="equal")
    axes.label_outer()
panels[-1, -1].axis("off")
_ = panels[-1, -1].legend(*panels[0, 0].get_legend_handles_labels(), loc="center", frameon=False)

# %%
# The digits
# ----------
#
# A cost of 650 parameters: ten classes, each with 64 weights and an intercept. The rates are
# "auto": 1/L for gradient descent and momentum, 0.01 for RMSProp and Adam, 1 for the natural
# gradient. A pass reads all rows once, forward and backward; a step of the natural gradient may
# need several.

X, y = load_digits(return_X_y=True)
models = {name: GDLogisticRegression(solver=RULES.get(name, name), max_iter=200) for name in RATES}
for model in models.values():
    model.set_params(tol=1e-4 if model.solver == "natural" else 0).fit(X / 16, y)

CostCurveDisplay.from_estimators(models, x="passes", scale="log", x_scale="log")
plt.show()

# %%
# The natural gradient is at the minimum after about ten passes. After 200 passes momentum, RMSProp
# and Adam are close to it, and gradient descent is still far away.
