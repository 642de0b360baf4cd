"""The optimum is the same from any start, however far, and for features that are all 0."""

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from sklearn_gd_logreg import GDLogisticRegression

from .problems import SOLVERS, load

pytestmark = pytest.mark.rounding


@pytest.mark.parametrize("l1_ratio", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("distance", [0.3, 1.0, 3.0, 10.0, 30.0, 1e3, 1e6])
@pytest.mark.parametrize("name", ["iris", "breast_cancer"])
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


@pytest.mark.parametrize("batch_size", [None, 2])
@pytest.mark.parametrize("solver", SOLVERS)
def test_features_that_are_all_zero_leave_nothing_to_do(solver, batch_size):
    clf = GDLogisticRegression(
        solver=solver, batch_size=batch_size, fit_intercept=False, C=np.inf, random_state=0
    ).fit(np.zeros((4, 2)), [0, 1, 0, 1])
    assert clf.stop_reason_ == ("plateau" if batch_size else "tol")
    assert not clf.coef_.any()


def test_one_lucky_epoch_does_not_make_a_plateau_above_the_start_a_success():
    X, y = load("breast_cancer")
    clf = GDLogisticRegression(solver="rmsprop", batch_size=128, random_state=2)
    with pytest.warns(
        ConvergenceWarning, match=r"diverged: the cost is .*StandardScaler"
    ) as caught:
        clf.fit(X, y)
    costs = clf.history_["cost"]
    assert costs.min() < costs[0] < costs[-1]
    assert "'auto'" not in str(caught[0].message)  # which is what failed


def test_features_large_beside_the_intercept_are_named_as_a_cause():
    Z, y = load("breast_cancer", True)
    with pytest.warns(ConvergenceWarning, match="100 times that of the intercept, 1.*centre"):
        GDLogisticRegression(solver="gd").fit(Z + 100, y)


def test_a_rate_may_be_an_array_without_dimensions():
    X, y = load("iris", True)
    rated = GDLogisticRegression(
        solver="gd", max_iter=3, tol=0, learning_rate=lambda k: np.array(0.5)
    )
    given = GDLogisticRegression(solver="gd", max_iter=3, tol=0, learning_rate=0.5)
    np.testing.assert_array_equal(rated.fit(X, y).coef_, given.fit(X, y).coef_)
