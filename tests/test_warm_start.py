"""A descent starts from a warm start or a given one, and finds the same optimum."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler

from sklearn_gd_logreg import (
    GDLogisticRegression,
)

from .pairwise import pairwise
from .problems import SOLVERS, load

pytestmark = pytest.mark.rounding

RAW = load_breast_cancer(return_X_y=True)

SCALED = StandardScaler().fit_transform(RAW[0]), RAW[1]

IRIS = load_iris(return_X_y=True)

SCALED_IRIS = StandardScaler().fit_transform(IRIS[0]), IRIS[1]


def cost(clf, X, y, sample_weight=None):
    """J of the model with an L2 penalty, from its probabilities."""
    s = np.ones(len(y)) if sample_weight is None else sample_weight
    loss = log_loss(y, clf.predict_proba(X), sample_weight=s)
    return loss + np.square(clf.coef_).sum() / (2 * clf.C * s.sum())


def enough(solver, **params):
    """An estimator that converges on the scaled data."""
    return GDLogisticRegression(solver=solver, tol=2e-3, max_iter=20_000, **params)


@pytest.mark.parametrize("data", [SCALED, SCALED_IRIS], ids=["two classes", "three classes"])
@pytest.mark.parametrize("solver", [s for s in SOLVERS if s != "rmsprop"])
def test_a_warm_start_finds_the_new_optimum_in_fewer_iterations(solver, data):
    X, y = data
    warm = enough(solver, warm_start=True, C=1.0).fit(X, y)
    old = cost(warm.set_params(C=0.9), X, y)
    cold = enough(solver, C=0.9).fit(X, y)
    warm.fit(X, y)
    assert warm.history_["cost"][0] == pytest.approx(old, rel=1e-12)
    assert warm.n_iter_ < cold.n_iter_
    np.testing.assert_allclose(warm.predict_proba(X), cold.predict_proba(X), atol=0.05)
    assert warm.history_["cost"][-1] == pytest.approx(cold.history_["cost"][-1], rel=1e-2)


@pytest.mark.parametrize("solver", [s for s in SOLVERS if s != "rmsprop"])
def test_a_warm_start_at_the_optimum_makes_no_step(solver):
    clf = enough(solver, warm_start=True).fit(*SCALED)
    before, n_iter = clf.coef_.copy(), clf.n_iter_
    assert n_iter > 1
    assert clf.fit(*SCALED).n_iter_ == n_iter
    assert clf.set_params(random_state=1, C=1.0 + 1e-15).fit(*SCALED).n_iter_ == 0
    np.testing.assert_array_equal(clf.coef_, before)


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_plain_descent_in_two_parts_is_plain_descent(container):
    X, y = container(SCALED_IRIS[0]), SCALED_IRIS[1]
    whole = GDLogisticRegression(solver="gd", max_iter=9, tol=0).fit(X, y)
    parts = GDLogisticRegression(solver="gd", max_iter=4, tol=0, warm_start=True).fit(X, y)
    parts.set_params(max_iter=5).fit(X, y)
    np.testing.assert_array_equal(parts.coef_, whole.coef_)
    np.testing.assert_array_equal(parts.history_["cost"], whole.history_["cost"])


@pytest.mark.parametrize(
    ("batch_size", "warm_start", "solver"), pairwise([None, 20], [False, True], SOLVERS)
)
def test_the_given_start_is_entry_zero_and_goes_before_a_warm_start(solver, warm_start, batch_size):
    X, y = SCALED_IRIS
    rng = np.random.default_rng(0)
    coef, intercept = rng.normal(size=(3, 4)), rng.normal(size=3)
    clf = GDLogisticRegression(solver=solver, warm_start=warm_start, batch_size=batch_size)
    clf.set_params(tol=0, max_iter=2, random_state=0).fit(X, y)
    clf.fit(X, y, coef_init=coef, intercept_init=intercept)
    scores = X @ coef.T + intercept
    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    loss = log_loss(y, p)
    assert clf.history_["loss"][0] == pytest.approx(loss, rel=1e-12)
    penalty = np.square(coef).sum() / (2 * len(y))
    assert clf.history_["cost"][0] == pytest.approx(loss + penalty, rel=1e-12)


@pytest.mark.parametrize("warm_start", [False, True])
def test_a_start_of_one_part_leaves_the_other_where_it_would_have_been(warm_start):
    X, y = SCALED
    clf = GDLogisticRegression(warm_start=warm_start).fit(X, y)
    old = clf.coef_ if warm_start else 0 * clf.coef_
    clf.set_params(max_iter=0, tol=0).fit(X, y, intercept_init=[0.5])
    np.testing.assert_array_equal(clf.coef_, old)
    np.testing.assert_array_equal(clf.intercept_, [0.5])


@pytest.mark.parametrize("n_rows", [20, 150])
def test_neither_start_nor_previous_model_is_written_to(n_rows):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(n_rows, 40)), np.arange(n_rows) % 2
    start, b = rng.normal(size=(1, 40)), np.ones(1)
    copies = start.copy(), b.copy()
    clf = GDLogisticRegression(warm_start=True).fit(X, y, coef_init=start, intercept_init=b)
    first = clf.coef_
    before = first.copy()
    clf.set_params(C=0.1).fit(X, y)
    np.testing.assert_array_equal(start, copies[0])
    np.testing.assert_array_equal(b, copies[1])
    np.testing.assert_array_equal(first, before)
    assert not np.array_equal(clf.coef_, before)


def test_a_warm_start_continues_in_the_precision_of_the_new_data():
    X, y = SCALED
    clf = GDLogisticRegression(warm_start=True).fit(X, y)
    assert clf.fit(X.astype(np.float32), y).coef_.dtype == np.float32
    assert clf.history_["cost"][0] < 0.5
    assert clf.fit(X, y).coef_.dtype == np.float64


@pytest.mark.parametrize("n_features", [30, 700])
def test_the_optimum_does_not_depend_on_the_start(n_features):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(100, n_features)), np.arange(100) % 2
    start = rng.normal(size=(1, n_features))
    here, there = (
        GDLogisticRegression(tol=1e-8).fit(X, y, coef_init=init) for init in (None, start)
    )
    np.testing.assert_allclose(here.coef_, there.coef_, atol=1e-6)


@pytest.mark.parametrize(
    ("l1_ratio", "distance", "name"),
    pairwise([0.0, 0.5, 1.0], [0.3, 1.0, 3.0, 10.0, 30.0, 1e3, 1e6], ["iris", "breast_cancer"]),
)
def test_the_natural_gradient_finds_the_optimum_from_any_start(name, distance, l1_ratio):
    X, y = load(name, True, 150)
    clf = GDLogisticRegression(C=10.0, l1_ratio=l1_ratio).fit(X, y)
    far = distance * np.random.RandomState(0).standard_normal(clf.coef_.shape)
    best = clf.history_["cost"][-1]
    clf.fit(X, y, coef_init=far)
    assert clf.stop_reason_ == "tol"
    assert clf.history_["cost"][-1] == pytest.approx(best, abs=1e-8)


@pytest.mark.parametrize("scale", [1.0, 1e3])
def test_a_warm_start_may_come_from_features_of_another_scale(scale):
    X, y = load("breast_cancer")
    Z, _ = load("breast_cancer", True)
    clf = GDLogisticRegression(warm_start=True).fit(Z, y).fit(scale * X, y)
    cold = GDLogisticRegression().fit(scale * X, y)
    assert clf.history_["cost"][-1] == pytest.approx(cold.history_["cost"][-1], abs=1e-8)
