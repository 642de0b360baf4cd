"""Estimators that between them take every path of a descent, and rows for them."""

import warnings
from itertools import cycle, product

import numpy as np
from scipy.special import expit
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss
from sklearn.utils.class_weight import compute_class_weight

from sklearn_gd_logreg import (
    GDLogisticRegression,
    NaturalGradient,
)

from .problems import SOLVERS

PENALTIES = {
    "L2": {},
    "L1": {"l1_ratio": 1.0},
    "elastic net": {"l1_ratio": 0.3},
    "none": {"C": np.inf},
}

DESCENTS = {name: {"solver": name} for name in SOLVERS} | {
    "gd backtracking": {"solver": "gd", "learning_rate": "backtracking"},
    "nesterov backtracking": {"solver": "nesterov", "learning_rate": "backtracking"},
    "natural at a given rate": {"learning_rate": 0.5},
    "natural by products": {"solver": NaturalGradient(direct_limit=1)},
}

BY_BATCHES = {
    f"{name} batches": {"solver": name, "batch_size": 16, "random_state": 0} for name in SOLVERS
}

WITH_PENALTIES = [
    *product([name for name in DESCENTS if "natural" in name], PENALTIES),
    *zip([name for name in DESCENTS | BY_BATCHES if "natural" not in name], cycle(PENALTIES)),
    *product(["natural batches"], PENALTIES),
]
"""Each penalty has its own code in the natural gradient; the other rules share one prox."""


def rows(n_classes=2, n_rows=70, n_features=5):
    """Rows, labels that do not separate them, and weights of which some are 0."""
    rng = np.random.default_rng(n_classes)
    X = rng.normal(size=(n_rows, n_features)) * [1, 2, 0.5, 1, 3]
    scores = X @ rng.normal(size=(n_features, n_classes)) + 2 * rng.gumbel(size=(n_rows, n_classes))
    return X, scores.argmax(axis=1), np.arange(n_rows) % 4.0


def exactly(n_iterations, **params):
    """An estimator that makes so many iterations, no more and no less."""
    return GDLogisticRegression(max_iter=n_iterations, tol=0, **params)


def brief(**params):
    """An estimator that makes three iterations, whatever happens."""
    return GDLogisticRegression(max_iter=3, tol=0, **params)


def converged_or_warned(clf, X, y, sample_weight=None):
    """Fit, and tell whether the fit claims to have converged."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        clf.fit(X, y, sample_weight)
    warned = [w for w in caught if issubclass(w.category, ConvergenceWarning)]
    assert bool(warned) == (clf.stop_reason_ != "tol")
    return not warned


def loss_and_cost(clf, X, y, weights):
    """Mean loss and J of a fitted model, from its probabilities and its parameters alone."""
    copies = np.repeat(y, weights.astype(int))  # balance counts a weight of k as k rows
    factors = compute_class_weight(clf.class_weight, classes=clf.classes_, y=copies)
    weights = weights * factors[np.searchsorted(clf.classes_, y)]
    seen = weights > 0
    p = clf.predict_proba(X)[seen]
    loss = log_loss(y[seen], p, sample_weight=weights[seen], labels=clf.classes_)
    squares, sizes = np.square(clf.coef_).sum(), np.abs(clf.coef_).sum()
    penalty = (1 - clf.l1_ratio) / 2 * squares + clf.l1_ratio * sizes
    return loss, loss + penalty / (clf.C * weights.sum())


def by_hand(X, y, weights, C, alpha, n_steps):
    """Loss, cost and max-norm of the gradient of plain descent, two classes, a row a step."""
    share, w, b, entries = weights / weights.sum(), np.zeros(X.shape[1]), 0.0, []
    l2, signs = 1 / (C * weights.sum()), np.where(y == 1, -1, 1)
    for _ in range(n_steps + 1):
        dz = share * (expit(X @ w + b) - y)
        dw, db = X.T @ dz + l2 * w, dz.sum()
        loss = share @ np.logaddexp(0, signs * (X @ w + b))
        entries.append((loss, loss + l2 / 2 * w @ w, max(np.abs(dw).max(), abs(db))))
        w, b = w - alpha * dw, b - alpha * db
    return np.array(entries)
