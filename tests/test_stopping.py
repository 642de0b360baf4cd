"""Full-batch descents stop by `tol` or `max_iter`, and by what the history shows."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from sklearn_gd_logreg import (
    GDLogisticRegression,
)

from .descents import (
    BY_BATCHES,
    DESCENTS,
    PENALTIES,
    WITH_PENALTIES,
    by_hand,
    exactly,
    loss_and_cost,
    rows,
)
from .problems import SOLVERS

pytestmark = pytest.mark.rounding


# -- number of iterations ----------------------------------------------------------------------


@pytest.mark.parametrize(("descent", "penalty"), WITH_PENALTIES)
def test_a_tolerance_of_zero_makes_all_iterations_and_no_warning(descent, penalty):
    X, y, weights = rows()
    params = (DESCENTS | BY_BATCHES)[descent] | PENALTIES[penalty]
    clf = exactly(40, **params).fit(X, y, weights)
    assert (clf.n_iter_, clf.stop_reason_) == (40, "max_iter")
    assert clf.history_["iteration"][-1] == 40


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("descent", [*DESCENTS, *BY_BATCHES])
def test_no_iterations_give_the_start(descent, n_classes):
    X, y, weights = rows(n_classes)
    params = (DESCENTS | BY_BATCHES)[descent]
    n_outputs = 1 if n_classes == 2 else n_classes
    coef, intercept = np.arange(5.0 * n_outputs).reshape(-1, 5) / 9, np.arange(n_outputs) / 7
    clf = exactly(0, **params).fit(X, y, weights, coef_init=coef, intercept_init=intercept)
    np.testing.assert_array_equal(clf.coef_, coef)
    np.testing.assert_array_equal(clf.intercept_, intercept)
    assert (clf.n_iter_, clf.stop_reason_) == (0, "max_iter")
    assert clf.history_["cost"] == pytest.approx([loss_and_cost(clf, X, y, weights)[1]])


@pytest.mark.parametrize("tol", [10.0, 0.1, 0.01, 0.003])
def test_descent_stops_at_the_first_gradient_within_the_tolerance(tol):
    X, y, weights = rows()
    norms = by_hand(X, y, weights, 0.5, 0.3, 300)[:, 2]
    clf = GDLogisticRegression(solver="gd", learning_rate=0.3, C=0.5, tol=tol).fit(X, y, weights)
    assert clf.n_iter_ == np.flatnonzero(norms <= tol)[0]
    assert clf.stop_reason_ == "tol"


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("descent", [name for name in DESCENTS if name != "rmsprop"])
def test_every_full_descent_stops_as_soon_as_its_norm_is_within_the_tolerance(descent, penalty):
    X, y, weights = rows()
    params = DESCENTS[descent] | PENALTIES[penalty]
    clf = GDLogisticRegression(tol=2e-3, max_iter=5000, **params).fit(X, y, weights)
    within = clf.history_["gradient_norm"] <= 2e-3
    assert not within[0]
    assert within[-1]
    assert clf.stop_reason_ == "tol"
    if "natural" not in descent:
        assert not within[:-1].any()
        return
    # The next step of the natural gradient is known by then, and is made; more are made where
    # the norm shrinks so slowly that more is to come, or a bound does not agree.
    assert within[-2]
    norms = clf.history_["gradient_norm"]
    ratio = min(norms[-1] / norms[-2], 0.995)
    assert norms[-1] ** 2 / (1 - ratio**2) <= 2e-3**2


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_last_iteration_allowed_may_be_the_one_that_converges(solver):
    X, y, weights = rows()
    clf = GDLogisticRegression(solver=solver, tol=0.05).fit(X, y, weights)
    first = int(np.flatnonzero(clf.history_["gradient_norm"] <= 0.05)[0])
    just = GDLogisticRegression(solver=solver, tol=0.05, max_iter=first)
    just.fit(X, y, weights)
    assert (just.n_iter_, just.stop_reason_) == (first, "tol")


def test_the_tolerance_is_met_by_a_norm_that_equals_it():
    X, y, _ = rows()
    norms = exactly(9, solver="gd").fit(X, y).history_["gradient_norm"]
    clf = GDLogisticRegression(solver="gd", tol=norms[6]).fit(X, y)
    assert clf.n_iter_ == 6


# -- the norm of the natural gradient ----------------------------------------------------------


@pytest.mark.parametrize("C", [0.01, 1.0, 100.0])
@pytest.mark.parametrize("scale", [1.0, "1000 to the power of the column", "standard"])
def test_half_the_square_of_the_natural_norm_estimates_the_excess_of_the_cost(scale, C):
    X, y = load_breast_cancer(return_X_y=True)
    if scale == "standard":
        X = StandardScaler().fit_transform(X)
    elif scale != 1.0:
        X = X * np.where(np.arange(30) % 2, 1e-3, 1e2)
    history = exactly(25, C=C).fit(X, y).history_
    best = LogisticRegression(C=C, solver="newton-cholesky", tol=1e-12).fit(X, y)
    best.l1_ratio = 0.0
    excess = history["cost"] - loss_and_cost(best, X, y, np.ones(len(y)))[1]
    near = (history["gradient_norm"] < 0.1) & (excess > 1e-11)
    assert near.any()
    ratio = history["gradient_norm"][near] ** 2 / 2 / excess[near]
    assert ratio.min() > 0.5
    assert ratio.max() < 2


def test_the_natural_norm_and_path_do_not_depend_on_the_scales():
    X, y, weights = rows(3)
    one, other = (
        exactly(6, C=np.inf).fit(A, y, weights) for A in (X, X * 10.0 ** np.arange(-3, 2))
    )
    for name in ("cost", "gradient_norm", "passes"):
        np.testing.assert_allclose(one.history_[name], other.history_[name], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("batch_size", [None, 2])
@pytest.mark.parametrize("solver", SOLVERS)
def test_features_that_are_all_zero_leave_nothing_to_do(solver, batch_size):
    clf = GDLogisticRegression(
        solver=solver, batch_size=batch_size, fit_intercept=False, C=np.inf, random_state=0
    ).fit(np.zeros((4, 2)), [0, 1, 0, 1])
    assert clf.stop_reason_ == ("plateau" if batch_size else "tol")
    assert not clf.coef_.any()
