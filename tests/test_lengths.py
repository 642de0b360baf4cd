"""How long natural steps are, where F is worked out at each point."""

import numpy as np
import pytest
from scipy.special import expit
from sklearn.datasets import load_breast_cancer, load_iris, load_wine
from sklearn.preprocessing import StandardScaler

from sklearn_gd_logreg import Backtracking, GDLogisticRegression, NaturalGradient
from sklearn_gd_logreg.rules.natural.curvature import Step
from sklearn_gd_logreg.rules.natural.step_length import secant_rate


def nearly_normal(distance, n_rows=500, share=0.5):
    """Two classes of normal rows with one covariance, so far apart; balanced or not."""
    random = np.random.RandomState(0)
    y = (np.arange(n_rows) < share * n_rows).astype(int)
    X = random.standard_normal((n_rows, 3))
    X[:, 0] += distance * y
    return X @ random.standard_normal((3, 3)), y


def rates_of(X, y, **parameters):
    return GDLogisticRegression(**parameters).fit(X, y).history_["learning_rate"][1:]


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
    ("parameters", "longer"),
    [
        ({}, True),
        ({"C": 1e8}, True),
        ({"solver": NaturalGradient(exact=True)}, False),
        ({"solver": NaturalGradient(damping=1e-3)}, False),
        ({"l1_ratio": 0.5}, False),
        ({"learning_rate": Backtracking(maximum=1.0)}, False),
    ],
    ids=["default", "hardly a penalty", "exact", "damped", "L1", "a rate of one's own"],
)
def test_natural_steps_are_longer_where_nothing_speaks_against_it(parameters, longer):
    rates = rates_of(*nearly_normal(6.0, n_rows=400), max_iter=50, **parameters)
    assert rates.max() > 1.2 if longer else rates.max() == 1


def test_f_of_a_sample_with_secants_makes_no_longer_steps():
    random = np.random.RandomState(0)
    X = random.standard_normal((20_000, 10))
    y = (X[:, 0] + 0.1 * random.standard_normal(len(X)) > 0).astype(int)
    assert rates_of(X, y).max() == 1.0


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_what_a_slope_says_of_the_next_rate(dtype):
    class At:
        def __init__(self, w, dw, cost=1.0):
            self.w, self.dw, self.cost = (np.array([[v]], dtype) for v in (w, dw, cost))

    def next_rate(before, point, rate=1.0):
        slope = -float(before.dw[0, 0] * (point.w[0, 0] - before.w[0, 0]))
        return secant_rate(before, Step(None, slope / (2 * rate)), point)

    eps = float(np.finfo(dtype).eps)
    assert next_rate(At(0.0, -1.0), At(1.0, -0.2)) == pytest.approx(1.25)
    assert next_rate(At(0.0, -1.0), At(1.0, -0.9)) == 2.0
    assert next_rate(At(0.0, -1.0), At(1.0, -0.9), rate=0.1) == pytest.approx(1.0)
    assert next_rate(At(0.0, -1.0), At(1.0, -0.9), rate=0.15) == pytest.approx(1.5)
    assert next_rate(At(0.0, -1.0), At(1.0, -0.2), rate=1.9) == pytest.approx(1.25)
    assert next_rate(At(0.0, -1.0), At(1.0, -0.04)) == 1.0
    assert next_rate(At(0.0, -1.0), At(1.0, 0.5)) == 1.0
    assert next_rate(At(0.0, 1.0), At(1.0, 0.5)) == 1.0
    assert next_rate(At(0.0, -100 * eps), At(1.0, -20 * eps)) == 1.0
    assert next_rate(At(0.0, -1000 * eps), At(1.0, -200 * eps)) == pytest.approx(1.25)


def test_near_the_minimum_natural_steps_are_full():
    assert rates_of(*nearly_normal(4.0, n_rows=400), tol=1e-8)[-1] == 1.0


@pytest.mark.parametrize("C", [1.0, 1e4])
@pytest.mark.parametrize("load", [load_iris, load_wine, load_breast_cancer])
def test_longer_steps_spare_steps(load, C):
    X, y = load(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    free = GDLogisticRegression(C=C).fit(X, y)
    full = GDLogisticRegression(C=C, solver=NaturalGradient(exact=True)).fit(X, y)
    assert free.stop_reason_ == full.stop_reason_ == "tol"
    assert free.n_iter_ <= full.n_iter_
    assert free.history_["passes"][-1] <= full.history_["passes"][-1]
    np.testing.assert_allclose(free.history_["cost"][-1], full.history_["cost"][-1], atol=1e-8)
