"""
Derivatives, and the computation graph that finds them
======================================================

What is a derivative, and how does a program find those of a whole computation? A derivative is a
slope: how much the result changes for a small change of the input. A computation graph finds all
of them in one walk from right to left. Logistic regression for one example is such a graph.
"""

import matplotlib.pyplot as plt
import numpy as np

from sklearn_gd_logreg import GDLogisticRegression
from sklearn_gd_logreg.computation_graph import log, logistic_graph, numerical_derivative, variable

# sphinx_gallery_thumbnail_number = 2

# %%
# Slopes
# ------
#
# Nudge a from 2 to 2.001 and see how much f(a) grows: the quotient of both changes is nearly the
# slope of the tangent at 2. ``backward()`` gives the slope itself.

functions = {"3a": lambda a: 3 * a, "a²": lambda a: a**2, "a³": lambda a: a**3, "ln a": log}
figure, panels = plt.subplots(2, 2, figsize=(8, 5.4), layout="constrained")
print("f         f(2)   f(2.001)   quotient   slope")
for axes, (name, f) in zip(panels.flat, functions.items(), strict=True):
    a = variable(2, "a")
    f(a).backward()
    quotient = numerical_derivative(f, 2, h=0.001, scheme="forward")
    print(f"{name:4} {f(2):9.5f}  {f(2.001):9.5f}  {quotient:9.5f}  {a.grad:6.3f}")
    curve = np.linspace(0.3, 4, 100)
    axes.plot(curve, [f(at) for at in curve.tolist()], color="#0072b2", label="f(a)")
    axes.plot([1, 4], [f(2) - a.grad, f(2) + 2 * a.grad], "--", color="#d55e00", label="tangent")
    axes.plot([2, 3, 3], [f(2), f(2), f(2) + a.grad], color="0.4", lw=1)
    axes.annotate("1", (2.5, f(2)), (0, -4), textcoords="offset points", ha="center", va="top")
    axes.text(3.1, f(2) + a.grad / 2, f"{a.grad:g}", va="center")
    axes.plot(2, f(2), "o", color="#d55e00")
    axes.set(title=f"{name}: slope {a.grad:g} at a = 2", xlabel="a")
_ = panels[0, 0].legend()

# %%
# The line 3a has the slope 3 everywhere; the slopes of the other three depend on a.
#
# The computation graph
# ---------------------
#
# J = 3(a + bc) is three operations. From left to right they give the value; from right to left the
# chain rule gives the derivative of J by every node. A change of b by 0.001 changes u by 0.002, so
# v by 0.002, so J by 0.006: dJ/db = 6.

a, b, c = variable(5, "a"), variable(3, "b"), variable(2, "c")
u = (b * c).named("u")
v = (a + u).named("v")
J = (3 * v).named("J")
J.backward()
J.plot()

b.value = 3.001
print(f"b = 3.001: J = {J.forward():.3f}")

# %%
# One example, forward and backward
# ---------------------------------
#
# Logistic regression for one example with two features: z = w₁x₁ + w₂x₂ + b, a = σ(z), and the
# loss ℒ(a, y). From right to left come da = −y/a + (1 − y)/(1 − a), dz = a − y, dw₁ = x₁ dz, dw₂ =
# x₂ dz and db = dz.

w, b, X, y = [0.5, -0.25], 0.1, np.array([[2.0, 4.0], [-1.0, 0.5], [1.0, -2.0]]), [1, 0, 1]
graph = logistic_graph(w, b, X[0], y[0])
graph.loss.plot()
print(f"da = {graph.da:.4f}, dz = {graph.dz:.4f}, a − y = {graph.a.value - y[0]:.4f}")

# %%
# The gradient of the estimator
# -----------------------------
#
# The cost is the mean of the losses, so its gradient is the mean of theirs. One step of
# :class:`~sklearn_gd_logreg.GDLogisticRegression` with α = 1 and without a penalty subtracts just
# this gradient from w and b.

graphs = [logistic_graph(w, b, *example) for example in zip(X, y, strict=True)]
gradients = np.array([[*graph.dw, graph.db] for graph in graphs])
model = GDLogisticRegression(C=np.inf, solver="gd", learning_rate=1.0, max_iter=1, tol=0)
model.fit(X, y, coef_init=w, intercept_init=b)
step = np.append(w - model.coef_[0], b - model.intercept_)
rows = {f"example {k}": row for k, row in enumerate(gradients, start=1)}
rows |= {"mean": gradients.mean(axis=0), "estimator": step}
print(f"{'':10} {'dw₁':>9} {'dw₂':>9} {'db':>9}")
for name, row in rows.items():
    print(f"{name:10}", *(f"{value:9.5f}" for value in row))
plt.show()

# %%
# The last two rows agree: the graph and the estimator have the same gradient.
#
# Next: :doc:`plot_vectorisation` computes this mean without a loop.
