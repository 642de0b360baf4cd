"""More features than rows: flat directions are left alone, and rows of weight 0 are absent."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import make_classification

from sklearn_gd_logreg import GDLogisticRegression
from sklearn_gd_logreg.rules.natural.hessian_free import conjugate_gradients

from .pairwise import pairwise

pytestmark = pytest.mark.rounding


def wide(n_rows, n_features, seed, n_classes=2):
    rng = np.random.RandomState(seed)
    X, direction = rng.randn(n_rows, n_features), rng.randn(n_features, n_classes)
    new = rng.randn(1000, n_features)
    return X, np.argmax(X @ direction, axis=1), new, np.argmax(new @ direction, axis=1)


def least_norm(X, scores):
    """The smallest weights with these scores, up to a constant that b takes."""
    centred = scores - scores.mean(axis=0)
    return np.linalg.lstsq(X - X.mean(axis=0), centred, rcond=1e-10)[0]


# -- flat directions: more features than rows, no penalty --------------------------------------


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("dtype", ["f8", "f4"])
@pytest.mark.parametrize(("n_rows", "n_features"), [(210, 315), (300, 400), (100, 700)])
def test_weights_without_a_penalty_are_no_larger_than_their_scores_need(
    n_rows, n_features, dtype, n_classes
):
    X, y, new, truth = wide(n_rows, n_features, 0, n_classes)
    clf = GDLogisticRegression(C=np.inf).fit(X.astype(dtype), y)
    w = clf.coef_.T.astype(float)
    assert np.linalg.norm(w) <= 1.05 * np.linalg.norm(least_norm(X, X @ w))
    scores = X @ w + clf.intercept_
    least = least_norm(X, X @ w)
    z = new @ least + (scores - X @ least).mean(axis=0)
    right = (z.argmax(axis=1) if n_classes > 2 else z[:, 0] > 0) == truth
    assert abs(clf.score(new, truth) - right.mean()) < 0.03


def test_a_bootstrap_with_fewer_distinct_rows_than_features_is_wide_data_too():
    X, y, _, _ = wide(500, 400, 0)
    drawn = np.random.RandomState(0).randint(0, 500, 500)
    clf = GDLogisticRegression(C=np.inf).fit(X[drawn], y[drawn])
    w = clf.coef_.T
    assert np.linalg.norm(w) <= 1.05 * np.linalg.norm(least_norm(X[drawn], X[drawn] @ w))


@pytest.mark.parametrize("precision", [np.float64, np.float32])
def test_conjugate_gradients_leave_a_flat_direction_alone(precision):
    rng = np.random.RandomState(0)
    basis = np.linalg.qr(rng.randn(40, 40))[0]
    curvatures = np.r_[np.zeros(10), np.geomspace(0.1, 1, 30)]
    matrix = ((basis * curvatures) @ basis.T).astype(precision)
    seen = basis[:, 10:] @ rng.randn(30)
    rounding = np.finfo(precision).eps * basis[:, :10] @ rng.randn(10)
    solution, *_ = conjugate_gradients(
        lambda v: (matrix @ v.astype(precision)).astype(float),
        np.copy,
        seen + rounding,
        0.0,
        0.0,
        max_products=200,
        precision=precision,
    )
    exact = basis[:, 10:] @ ((basis[:, 10:].T @ seen) / curvatures[10:])
    assert np.linalg.norm(solution - exact) <= 1e-2 * np.linalg.norm(exact)


# -- rows of weight 0 --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("storage", "n_classes", "C", "shape"),
    pairwise([np.array, sparse.csr_array], [2, 3], [np.inf, 1e6, 1.0], [(60, 200), (110, 100)]),
)
def test_rows_of_weight_0_are_absent_where_the_others_are_fewer_than_features(
    shape, C, n_classes, storage
):
    rng = np.random.RandomState(0)
    X, y = rng.randn(*shape), rng.randint(0, n_classes, shape[0])
    weights = rng.randint(0, 3, shape[0]).astype(float)
    there = weights > 0
    assert there.sum() < shape[1]
    clf = GDLogisticRegression(C=C, tol=1e-6)
    with_them = clf.fit(storage(X), y, weights).predict_proba(X)
    without = clf.fit(storage(X[there]), y[there], weights[there]).predict_proba(X)
    np.testing.assert_allclose(with_them, without, atol=1e-6)


def test_early_stopping_on_wide_data_learns_from_the_rows_that_stay():
    X, y = make_classification(60, 200, n_informative=10, random_state=0)
    clf = GDLogisticRegression(early_stopping=True, random_state=0).fit(X, y)
    assert clf.best_iter_ > 0
    assert clf.history_["val_loss"].max() < 1
    assert clf.score(X, y) > 0.9
