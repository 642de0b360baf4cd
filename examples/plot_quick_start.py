"""
Quick start
===========

You use :class:`~sklearn.linear_model.LogisticRegression`. How do you use
:class:`~sklearn_gd_logreg.GDLogisticRegression` in its place, and what do you see that you did not
see before?

This page fits both to the same data, puts ours into a pipeline, searches the penalty and the
learning rate of plain gradient descent on a grid, and draws how the cost falls.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_gd_logreg import CostCurveDisplay, GDLogisticRegression

# %%
# Beside LogisticRegression
# -------------------------
#
# The data are 569 tumours with 30 measurements of each; the label is malignant or benign. The
# measurements are not scaled: areas reach thousands, other features stay below 0.1. Both classes
# minimise the same cost for the same ``C``.

X, y = load_breast_cancer(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)

models = {
    "GDLogisticRegression": GDLogisticRegression(),
    "LogisticRegression, newton-cholesky": LogisticRegression(solver="newton-cholesky"),
    "LogisticRegression, lbfgs": LogisticRegression(max_iter=10_000),
}
for model in models.values():
    model.fit(X_train, y_train)

# %%
# The last column is the largest difference from the coefficients in the first row.

coef = models["GDLogisticRegression"].coef_
print(f"{'':35}  iterations  accuracy  max |Δcoef|")
for name, model in models.items():
    difference = np.abs(model.coef_ - coef).max()
    accuracy = model.score(X_test, y_test)
    print(f"{name:35}  {np.max(model.n_iter_):10}  {accuracy:8.3f}  {difference:11.1e}")

# %%
# There is one optimum, and all three reach it, each to its own tolerance. Our default solver is
# Newton's method, written as natural gradient descent: it needs few iterations and no scaling.
# On features of such different scales lbfgs needs thousands of iterations; with its default
# ``max_iter=100`` it would warn that it has not converged.
#
# A printed model says how its fit went.

print(models["GDLogisticRegression"])

# %%
# In a pipeline
# -------------
#
# Plain gradient descent, w := w − α dw, is ``solver="gd"``. It has one learning rate α for all
# features, so the features must have one scale: a pipeline scales them.

descent = make_pipeline(
    StandardScaler(),
    GDLogisticRegression(solver="gd", max_iter=200, tol=0),  # exactly 200 steps
)
descent.fit(X_train, y_train)
print(f"accuracy on the test rows: {descent.score(X_test, y_test):.3f}")

# %%
# In a grid search
# ----------------
#
# A grid search reaches every parameter, the learning rate too. The score is the mean
# cross-entropy, with a minus sign, on the rows that a fit has not seen.

C, rates = [0.01, 0.1, 1, 10], [0.01, 0.03, 0.1, 0.3, 1]
grid = {"gdlogisticregression__C": C, "gdlogisticregression__learning_rate": rates}
search = GridSearchCV(descent, grid, scoring="neg_log_loss", cv=3).fit(X_train, y_train)
loss = -search.cv_results_["mean_test_score"].reshape(len(C), len(rates))
c, rate = search.best_params_.values()
print(f"best: C = {c}, learning rate = {rate}")

# %%
# Left: the cross-validated loss after 200 steps. With a low rate the descent is not finished,
# whatever ``C`` is. From C = 1 on the penalty hardly matters. A good rate and a good ``C`` are
# found together. Right: the cost of the best pipeline at every step, beside that of the default
# solver with the same ``C``.

figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.6), layout="constrained")
left.imshow(loss, cmap="viridis_r", norm="log", aspect="auto")
left.set(xlabel="learning rate α", ylabel="C", title="cross-validated loss")
left.set_xticks(range(len(rates)), rates)
left.set_yticks(range(len(C)), C)
for (row, column), value in np.ndenumerate(loss):
    colour = "white" if value > np.sqrt(loss.min() * loss.max()) else "black"
    left.text(column, row, f"{value:.3f}", ha="center", va="center", color=colour)

natural = make_pipeline(StandardScaler(), GDLogisticRegression(C=c))
natural.fit(X_train, y_train)
fits = {"gradient descent": search, "natural, the default": natural}
CostCurveDisplay.from_estimators(fits, scale="log", x_scale="log", ax=right)
right.set_title("cost at every step")
plt.show()

# %%
# Next: :doc:`/user_guide/solvers` says when to use which solver, and
# :doc:`/coming_from_logistic_regression` lists every parameter and attribute beside those of
# ``LogisticRegression``.
