"""How long natural steps are, where F is computed at each point."""

import numpy as np
import pytest
from scipy.special import log_softmax
from sklearn.datasets import load_breast_cancer, load_iris, load_wine
from sklearn.preprocessing import StandardScaler

from sklearn_gd_logreg import Backtracking, GDLogisticRegression, NaturalGradient

from .pairwise import pairwise


def nearly_normal(distance, n_rows=500, share=0.5):
    """Two classes of normal rows with one covariance, so far apart; balanced or not."""
    random = np.random.RandomState(0)
    y = (np.arange(n_rows) < share * n_rows).astype(int)
    X = random.standard_normal((n_rows, 3))
    X[:, 0] += distance * y
    return X @ random.standard_normal((3, 3)), y


def rates_of(X, y, **parameters):
    return GDLogisticRegression(**parameters).fit(X, y).history_["learning_rate"][1:]


@pytest.mark.parametrize(
    ("n_classes", "dtype", "start", "distance"),
    pairwise([2, 3], [np.float64, np.float32], [False, True], [1.0, 4.0, 8.0]),
)
def test_the_first_step_goes_where_j_hardly_falls_any_more(distance, start, dtype, n_classes):
    X, y = nearly_normal(distance, n_rows=400)
    X, y = X.astype(dtype), np.where(X[:, 1] > 1, n_classes - 1, y)
    coef = np.full((1 if n_classes == 2 else n_classes, 3), 0.1) if start else None
    clf = GDLogisticRegression(max_iter=1, tol=0).fit(X, y, coef_init=coef)
    step, alpha = clf.coef_ - (coef if start else 0), clf.history_["learning_rate"][1]

    def cost(part):
        z = (X @ (clf.coef_ + (part - 1) * step).T + part * clf.intercept_).astype(np.float64)
        loss = log_loss_of(z, y)
        return loss + ((clf.coef_ + (part - 1) * step) ** 2).sum() / (2 * len(y))

    def slope(part):
        return (cost(part + 1e-4) - cost(part - 1e-4)) / 2e-4

    assert alpha > 1.0
    assert slope(0.0) < 0
    assert abs(slope(1.0)) < 0.021 * abs(slope(0.0))


def log_loss_of(z, y):
    """The mean cross-entropy of scores."""
    if z.shape[1] == 1:
        z = np.hstack([np.zeros_like(z), z])
    return -log_softmax(z, axis=1)[np.arange(len(y)), y].mean()


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
    ids=["default", "hardly a penalty", "exact", "damped", "L1", "a given rate"],
)
def test_natural_steps_are_longer_where_nothing_speaks_against_it(parameters, longer):
    rates = rates_of(*nearly_normal(6.0, n_rows=400), max_iter=50, **parameters)
    assert rates.max() > 1.2 if longer else rates.max() == 1


def test_subsampled_newton_makes_no_longer_steps():
    random = np.random.RandomState(0)
    X = random.standard_normal((20_000, 10))
    y = (X[:, 0] + 0.1 * random.standard_normal(len(X)) > 0).astype(int)
    assert rates_of(X, y).max() == 1.0


def test_near_the_minimum_natural_steps_are_full():
    assert rates_of(*nearly_normal(4.0, n_rows=400), tol=1e-8)[-1] == 1.0


@pytest.mark.parametrize("C", [1.0, 1e4])
@pytest.mark.parametrize("load", [load_iris, load_wine, load_breast_cancer])
def test_longer_steps_need_fewer_iterations(load, C):
    X, y = load(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    free = GDLogisticRegression(C=C).fit(X, y)
    full = GDLogisticRegression(C=C, solver=NaturalGradient(exact=True)).fit(X, y)
    assert free.stop_reason_ == full.stop_reason_ == "tol"
    assert free.n_iter_ <= full.n_iter_
    np.testing.assert_allclose(free.history_["cost"][-1], full.history_["cost"][-1], atol=1e-8)
