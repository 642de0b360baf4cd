"""
Scale drives progress
=====================

Does more data help? It helps a model that is large enough to use it.

The :doc:`course </course_map>` gives three reasons why deep learning took off: more data, more
computation and better algorithms. Logistic regression shows the first two. The size of a model is
here the number of its features.
"""

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from scipy.special import expit
from sklearn.datasets import load_digits
from sklearn.kernel_approximation import RBFSampler
from sklearn.model_selection import ShuffleSplit, learning_curve
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_gd_logreg import GDLogisticRegression

# %%
# Three models
# ------------
# The data are 1797 images of digits. The small model sees them at 4 × 4 pixels, the medium one at
# 8 × 8. The large one gets 400 random Fourier features, which are cosines of random sums of the
# pixels. Its cost is convex too, but curves, not planes, separate the digits.


def halve_resolution(X):
    return X.reshape(-1, 4, 2, 4, 2).mean(axis=(2, 4)).reshape(-1, 16)


X, y = load_digits(return_X_y=True)
X = X / 16  # pixels between 0 and 1
clf = GDLogisticRegression(C=100, tol=1e-3)
cosines = RBFSampler(n_components=400, gamma=0.1, random_state=0)
models = {
    "small, 16 features": make_pipeline(FunctionTransformer(halve_resolution), clf),
    "medium, 64 features": clf,
    "large, 400 features": make_pipeline(cosines, clf),
}

# %%
# More data, more computation
# ---------------------------
# Each model learns from 40 up to 1300 digits and is tested on 400 others, for three random splits.
# The table has the mean errors, and in the last columns the error on the 1300 training digits and
# the seconds of a fit.

sizes = [40, 100, 250, 600, 1300]
splits = ShuffleSplit(3, train_size=1300, test_size=400, random_state=0)
errors, rows = {}, {}
for name, model in models.items():
    _, train, test, seconds, _ = learning_curve(
        model, X, y, train_sizes=sizes, cv=splits, return_times=True
    )
    errors[name] = 1 - test
    summary = {"train": 1 - train[-1].mean(), "seconds": seconds[-1].mean()}
    rows[name] = dict(zip(sizes, errors[name].mean(axis=1), strict=True)) | summary
print(pd.DataFrame.from_dict(rows, orient="index").round(3))

# %%
# The small model errs even on the digits that it was trained on: it saturates. The others err on
# none of theirs and gain from more data, the large one most. With 40 digits it is no better than
# the medium one. It takes the most computation. The bands in the picture are the three splits.

plt.rc("axes", grid=True, axisbelow=True)
plt.rc("axes.spines", top=False, right=False)
plt.rc("grid", color="#80808040")
figure, ax = plt.subplots(figsize=(7, 4.4), layout="constrained")
styles = [("#0072b2", "o"), ("#009e73", "^"), ("#d55e00", "s")]
for (name, error), (colour, marker) in zip(errors.items(), styles, strict=True):
    ax.fill_between(sizes, error.min(axis=1), error.max(axis=1), color=colour, alpha=0.15, lw=0)
    ax.plot(sizes, error.mean(axis=1), marker=marker, color=colour, label=name)
ax.set(xscale="log", yscale="log", xlabel="training digits", ylabel="error on 400 other digits")
ax.set_xticks(sizes, sizes)
ax.set_yticks([0.01, 0.03, 0.1, 0.3], ["1 %", "3 %", "10 %", "30 %"])
ax.legend()
ax.minorticks_off()

# %%
# Better algorithms
# -----------------
# The third reason is about networks. Each layer ends in a function such as σ, and backward
# propagation multiplies the derivatives of these functions, beside the weights. That of σ is at
# most ¼, and near 0 far from z = 0: the gradient vanishes. The derivative of ReLU, max(0, z), is 1
# for every positive z.
#
# Logistic regression has one σ, at its end, and there the cross-entropy cancels its derivative:
# dz = a − y.

z = np.linspace(-8, 8, 401)
a = expit(z)
figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.2), layout="constrained")
left.plot(z, a * (1 - a), color="#0072b2", label="σ′(z) = a (1 − a)")
left.plot(z, z > 0, color="#d55e00", ls="--", label="ReLU′(z)")
left.set(xlabel="z", title="Derivative of one layer")
layers = np.arange(1, 11)
right.semilogy(layers, 0.25**layers, "o-", color="#0072b2", label="σ, at most")
right.semilogy(layers, 1.0**layers, "s--", color="#d55e00", label="ReLU, z > 0")
right.set(xlabel="layers", title="Product of the derivatives")
for ax in (left, right):
    ax.legend()
plt.show()
