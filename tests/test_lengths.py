"""How long natural steps are, where F is worked out at each point."""

import numpy as np
import pytest
from scipy.special import expit
from sklearn.datasets import load_breast_cancer, load_iris, load_wine
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.preprocessing import StandardScaler

from sklearn_gd_logreg import Backtracking, GDLogisticRegression, NaturalGradient


def nearly_normal(distance, n_rows=500, share=0.5):
    """Two classes of normal rows with one covariance, so far apart; balanced or not."""
    random = np.random.RandomState(0)
    y = (np.arange(n_rows) < share * n_rows).astype(int)
    X = random.standard_normal((n_rows, 3))
    X[:, 0] += distance * y
    return X @ random.standard_normal((3, 3)), y


def rates_of(X, y, **parameters):
    return GDLogisticRegression(**parameters).fit(X, y).history_["learning_rate"][1:]


@pytest.mark.parametrize("distance", [0.8, 1.5])
def test_the_first_natural_step_is_lengthened_by_what_a_regression_explains(distance):
    X, y = nearly_normal(distance)
    A = np.column_stack([X, np.ones(len(y))])
    fitted = A @ np.linalg.lstsq(A, 2 * y - 1, rcond=None)[0]
    r_squared = fitted @ fitted / len(y)
    rates = rates_of(X, y, C=1e6)
    assert rates[0] == pytest.approx((1 - r_squared) ** -0.5, rel=1e-6)


def test_fishers_discriminant_is_so_many_times_the_regression():
    X, y = nearly_normal(1.0, share=0.3)
    A = np.column_stack([X, np.ones(len(y))])
    target = 2 * y - 1
    step = np.linalg.solve(0.25 * A.T @ A, 0.5 * A.T @ target)
    r_squared = target @ A @ step / (2 * len(y))
    lda = LinearDiscriminantAnalysis().fit(X, y)
    np.testing.assert_allclose(step[:-1] / (1 - r_squared), lda.coef_[0], rtol=1e-2)


def test_a_step_that_has_left_a_slope_makes_the_next_one_longer():
    X, y = nearly_normal(4.0, n_rows=400)
    clf = GDLogisticRegression(max_iter=1, tol=0).fit(X, y)
    w, b = clf.coef_[0], clf.intercept_[0]
    longer = rates_of(X, y, max_iter=2, tol=0)[1]

    def slope(t):
        a = expit(t * (X @ w + b))
        dz = (a - y) / len(y)
        return (X @ w + b) @ dz + t * w @ w / len(y)

    slopes = [slope(0), slope(1)]
    assert 0.05 < slopes[1] / slopes[0] < 0.5
    assert longer == pytest.approx(1 / (1 - slopes[1] / slopes[0]), rel=1e-4)


@pytest.mark.parametrize(
    ("parameters", "longest"),
    [
        ({}, 2.0),
        ({"C": 1e8}, 2.0),
        ({"solver": NaturalGradient(exact=True)}, 1.0),
        ({"solver": NaturalGradient(damping=1e-3)}, 1.0),
        ({"l1_ratio": 0.5}, 1.0),
        ({"learning_rate": Backtracking(maximum=1.0)}, 1.0),
    ],
    ids=["default", "hardly a penalty", "exact", "damped", "L1", "a rate of one's own"],
)
def test_natural_steps_are_longer_where_nothing_speaks_against_it(parameters, longest):
    rates = rates_of(*nearly_normal(6.0, n_rows=400), max_iter=50, **parameters)
    assert rates.max() == pytest.approx(longest)


def test_near_the_minimum_natural_steps_are_full():
    assert rates_of(*nearly_normal(4.0, n_rows=400), tol=1e-8)[-1] == 1.0


def test_from_another_start_the_first_natural_step_is_the_full_one():
    X, y = nearly_normal(3.0)
    clf = GDLogisticRegression(max_iter=1, tol=0).fit(X, y, coef_init=np.full((1, 3), 0.1))
    assert clf.history_["learning_rate"][1] == 1.0


@pytest.mark.parametrize("C", [1.0, 1e4])
@pytest.mark.parametrize("load", [load_iris, load_wine, load_breast_cancer])
def test_longer_steps_spare_steps(load, C):
    X, y = load(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    free = GDLogisticRegression(C=C).fit(X, y)
    full = GDLogisticRegression(C=C, solver=NaturalGradient(exact=True)).fit(X, y)
    assert free.stop_reason_ == full.stop_reason_ == "tol"
    assert free.n_iter_ < full.n_iter_
    assert free.history_["passes"][-1] < full.history_["passes"][-1]
    np.testing.assert_allclose(free.history_["cost"][-1], full.history_["cost"][-1], atol=1e-8)
