"""
Train, dev and test sets: bias, variance and their cures
========================================================

A model errs on new rows. Is it too simple, or does it know its training rows by heart? The errors
on the train and the dev set tell. This page diagnoses both faults with `bias_variance_report`,
cures the second one in two ways, and asks the test set once, at the end. The user guide says more:
:doc:`/user_guide/model_selection`.
"""

# sphinx_gallery_thumbnail_number = 3
from textwrap import fill

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_moons
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from sklearn_gd_logreg import (
    BiasVarianceDisplay,
    CostCurveDisplay,
    GDLogisticRegression,
    bias_variance_report,
    join_dev_set,
    train_dev_test_split,
)

# %%
# The three sets
# --------------
#
# 80 rows train the models, 500 rows judge them during development, and 500 rows stay unseen. The
# two classes overlap, so no model is without error. A model with 20000 training rows shows which
# error is achievable: the *baseline*.

X, y = make_moons(1080, noise=0.3, random_state=1)
sets = train_dev_test_split(X, y, dev_size=500, test_size=500, stratify=y, random_state=0)
X_train, X_dev, X_test, y_train, y_dev, y_test = sets


def polynomial(degree, C):
    features = PolynomialFeatures(degree, include_bias=False)
    return make_pipeline(features, StandardScaler(), GDLogisticRegression(C=C))


many = polynomial(8, C=1e6).fit(*make_moons(20000, noise=0.3, random_state=2))
baseline = 1 - many.score(*make_moons(20000, noise=0.3, random_state=3))

# %%
# The diagnosis
# -------------
#
# A line is too simple: its training error is far above the baseline. That is *bias*. A polynomial
# of degree 8 with almost no penalty fits every training row, and fails on the dev set. That is
# *variance*.

models = {f"degree {n}": polynomial(n, C=1e6).fit(X_train, y_train) for n in (1, 8)}
_, panels = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
for axes, (name, model) in zip(panels, models.items(), strict=True):
    report = bias_variance_report(model, X_train, y_train, X_dev, y_dev, baseline=baseline)
    BiasVarianceDisplay(report.errors, baseline, report.intervals).plot(axes)
    axes.set_title(f"{name}: {report.finding}", loc="right")
    print(fill(f"{name}: {report.action}", 72))

# %%
# First cure: a penalty
# ---------------------
#
# `join_dev_set` gives scikit-learn's grid search a fixed dev set. Each candidate is then fitted
# once, on the train set, and scored on the dev set.

X_both, y_both, cv = join_dev_set(X_train, y_train, X_dev, y_dev)
C_values = np.logspace(-3, 6, 19)
grid = {"gdlogisticregression__C": C_values}
search = GridSearchCV(polynomial(8, C=1), grid, cv=cv, refit=False, return_train_score=True)
C = C_values[search.fit(X_both, y_both).best_index_]
models[f"degree 8, C = {C:.3g}"] = polynomial(8, C).fit(X_train, y_train)

# %%
# Second cure: early stopping
# ---------------------------
#
# This fit has no penalty. It scores each iterate on the dev set, stops when the loss there has had
# no new minimum for 200 iterations, and keeps the best iterate.

features = polynomial(8, C=1)[:-1].fit(X_train)
stopped = GDLogisticRegression(C=np.inf, solver="nesterov", early_stopping=True)
stopped.set_params(n_iter_no_change=200)
stopped.fit(features.transform(X_train), y_train, X_val=features.transform(X_dev), y_val=y_dev)
models["degree 8, stopped"] = make_pipeline(features, stopped)

# %%
# Both pictures show the same: a model that is too stiff, the best one, and one that fits the
# training rows better and better and other rows worse.

_, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
for rows, score, style in (("training", "train", "o-"), ("dev", "test", "s--")):
    error = 1 - search.cv_results_[f"mean_{score}_score"]
    left.plot(C_values, error, style, ms=4, color="#0072b2", label=f"{rows} error")
left.axvline(C, color="0.5", ls=":", label=f"lowest dev error: C = {C:.3g}")
left.set(xscale="log", xlabel="C (weaker penalty to the right)", ylabel="error")
left.legend()
_ = CostCurveDisplay.from_estimator(stopped, ax=right)

# %%
# The test set
# ------------
#
# The curve is where a = ½. The test set was used for no choice, so its error is what to expect of
# new rows.

x1, x2 = np.meshgrid(np.linspace(-1.8, 2.8, 200), np.linspace(-1.3, 1.9, 150))
_, panels = plt.subplots(1, 4, figsize=(10, 2.9), sharex=True, sharey=True, layout="constrained")
for axes, (name, model) in zip(panels, models.items(), strict=True):
    a = model.predict_proba(np.column_stack([x1.ravel(), x2.ravel()]))[:, 1].reshape(x1.shape)
    axes.contourf(x1, x2, a, np.linspace(0, 1, 11), cmap="PuOr_r", alpha=0.5)
    axes.contour(x1, x2, a, [0.5], colors="0.3")
    for label, marker, colour in ((0, "o", "#5b3a8c"), (1, "^", "#b35806")):
        axes.plot(*X_train[y_train == label].T, marker, ms=4, color=colour, mec="white", mew=0.4)
    error = 1 - model.score(X_test, y_test)
    axes.set(title=f"{name}\ntest error {error:.1%}", xticks=[], yticks=[])
plt.show()

# %%
# Either cure leads to a lower test error than those of the line and of the uncured polynomial. The
# baseline is lower still: its model has 250 times as many training rows.
