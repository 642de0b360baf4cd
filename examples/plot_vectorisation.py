"""
Vectorisation: one gradient, three times
========================================

The gradient of J sums over m examples and n features. Written as loops it follows the formulas word
by word, and it is slow. How much faster is it without loops? This page writes it three times,
checks that the results agree, and measures the times.
"""

from math import exp, log
from timeit import repeat

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import expit

from sklearn_gd_logreg import GDLogisticRegression

# %%
# The data have the form of 209 pictures of 32 × 32 points in three colours: each is a vector of
# 3072 numbers between 0 and 1. Here the numbers are random, since only the time matters.

rng = np.random.default_rng(0)
X, y = rng.random((209, 3072)), rng.integers(0, 2, 209)
w, b = rng.normal(scale=0.01, size=3072), 0.5

# %%
# Two loops
# ---------
#
# J, dw and db begin at 0. The outer loop adds each example to them; the inner loops go over the
# features, once for z and once for dw. At the end everything is divided by m.


def two_loops(X, y, w, b):
    J, dw, db = 0.0, [0.0] * len(w), 0.0
    for x_i, y_i in zip(X, y, strict=True):
        z = b
        for j in range(len(w)):
            z += w[j] * x_i[j]
        a = 1 / (1 + exp(-z))
        J -= y_i * log(a) + (1 - y_i) * log(1 - a)
        dz = a - y_i
        for j in range(len(w)):
            dw[j] += x_i[j] * dz
        db += dz
    return J / len(y), [dw_j / len(y) for dw_j in dw], db / len(y)


# %%
# One loop
# --------
#
# The loops over the features become operations on vectors: z = wᵀx + b, and dw grows by x dz.


def one_loop(X, y, w, b):
    J, dw, db = 0.0, np.zeros(len(w)), 0.0
    for x_i, y_i in zip(X, y, strict=True):
        a = expit(w @ x_i + b)
        J -= y_i * np.log(a) + (1 - y_i) * np.log(1 - a)
        dw += x_i * (a - y_i)
        db += a - y_i
    return J / len(y), dw / len(y), db / len(y)


# %%
# No loop
# -------
#
# The loop over the examples becomes two products with the matrix X: forward X w, backward Xᵀ dz.


def no_loop(X, y, w, b):
    a = expit(X @ w + b)
    J = -np.mean(y * np.log(a) + (1 - y) * np.log(1 - a))
    dz = (a - y) / len(y)
    return J, X.T @ dz, dz.sum()


# %%
# The same gradient
# -----------------
#
# The two loops get lists of Python numbers, which they read faster than arrays. The estimator is
# asked too: after one step with α = 1 and no penalty its parameters are w − dw and b − db. The last
# column is the largest difference from the dw without a loop.

arrays, lists = (X, y, w, b), (X.tolist(), y.tolist(), w.tolist(), b)
clf = GDLogisticRegression(solver="gd", learning_rate=1.0, C=np.inf, max_iter=1, tol=0)
clf.fit(X, y, coef_init=[w], intercept_init=[b])
results = {
    "two loops": two_loops(*lists),
    "one loop": one_loop(*arrays),
    "no loop": no_loop(*arrays),
    "estimator": (clf.history_["cost"][0], w - clf.coef_[0], b - clf.intercept_[0]),
}
for name, (J, dw, db) in results.items():
    difference = np.abs(dw - results["no loop"][1]).max()
    print(f"{name:9}: J = {J:.10f}, db = {db:.10f}, dw differs by {difference:.0e}")

# %%
# The times
# ---------
#
# Each bar is the best of several runs.

times = {
    "no loop": min(repeat(lambda: no_loop(*arrays), number=1, repeat=100)),
    "one loop": min(repeat(lambda: one_loop(*arrays), number=1, repeat=20)),
    "two loops": min(repeat(lambda: two_loops(*lists), number=1, repeat=2)),
}
slowest = times["two loops"]
labels = [f"{1e3 * t:.2g} ms, {slowest / t:.0f} times as fast" for t in times.values()]

figure, ax = plt.subplots(figsize=(8, 2.8), layout="constrained")
bars = ax.barh(list(times), times.values(), color="#0072b2", height=0.6)
ax.bar_label(bars, [*labels[:2], f"{1e3 * slowest:.0f} ms"], padding=5)
ax.set(xscale="log", xlim=(times["no loop"] / 3, 4 * slowest), xlabel="time of one gradient (s)")
ax.spines[["top", "right"]].set_visible(False)
plt.show()

# %%
# Each labelled tick of the axis is a factor of ten. A loop in Python pays for every number it
# touches; a product of arrays pays once. In the package the two products are ``Rows.forward`` and
# ``Rows.backward``: the :doc:`course map </course_map>` shows where each line of the formulas runs.
