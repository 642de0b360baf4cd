"""For more than two classes a common shift of all scores is left out of the parameters."""

import pickle
import warnings

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import scale

from sklearn_gd_logreg import GDLogisticRegression, Trajectory

from .pairwise import pairwise
from .problems import SOLVERS, needs_callbacks, reference

X, Y = load_iris(return_X_y=True)
Z = scale(X)


def fitted(X=Z, method="fit", **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        clf = GDLogisticRegression(**{"random_state": 0, **options})
        return clf.fit(X, Y) if method == "fit" else clf.partial_fit(X, Y, [0, 1, 2])


def assert_centred(array, precision=1e-13):
    array = array.reshape(3, -1).astype(float)
    assert np.abs(array.sum(axis=0)).max() <= precision * (1 + np.abs(array).max())


def cost(clf, X):
    """J, written out anew."""
    loss = -clf.predict_log_proba(X)[np.arange(len(Y)), Y].mean()
    w, rho = clf.coef_, clf.l1_ratio
    return loss + ((1 - rho) / 2 * np.square(w).sum() + rho * np.abs(w).sum()) / (clf.C * len(Y))


@pytest.mark.parametrize(
    ("method", "batch_size", "rows", "solver"),
    pairwise(["fit", "partial_fit"], [None, 20], [X, Z], SOLVERS),
)
def test_without_a_penalty_all_parameters_sum_to_0(solver, rows, batch_size, method):
    clf = fitted(rows, method, C=np.inf, solver=solver, batch_size=batch_size, max_iter=40)
    assert_centred(clf.coef_)
    assert_centred(clf.intercept_)


@pytest.mark.parametrize(
    ("method", "l1_ratio", "solver"), pairwise(["fit", "partial_fit"], [0.0, 0.5, 1.0], SOLVERS)
)
def test_with_a_penalty_the_intercepts_sum_to_0(solver, l1_ratio, method):
    clf = fitted(Z, method, l1_ratio=l1_ratio, solver=solver, max_iter=40)
    assert_centred(clf.intercept_)


@pytest.mark.parametrize("C", [1e-2, 1.0, 1e4, 1e8, 1e12])
@pytest.mark.parametrize("rows", [X, Z], ids=["raw", "scaled"])
def test_with_an_l2_penalty_the_weights_come_to_sum_to_0(rows, C):
    assert_centred(fitted(rows, C=C, tol=1e-8).coef_, 1e-9)


@pytest.mark.parametrize(
    ("C", "l1_ratio", "solver"), pairwise([1.0, 1e8, np.inf], [0.0, 0.5, 1.0], SOLVERS)
)
def test_the_last_cost_of_the_history_is_that_of_the_model(solver, l1_ratio, C):
    clf = fitted(C=C, l1_ratio=l1_ratio, solver=solver, max_iter=30)
    assert cost(clf, Z) == pytest.approx(clf.history_["cost"][-1], rel=1e-9)


def test_exact_zeros_of_an_l1_penalty_stay():
    clf = fitted(C=0.3, l1_ratio=1.0, tol=1e-8)
    saga = reference(Z, Y, C=0.3, l1_ratio=1.0)
    np.testing.assert_array_equal(clf.coef_ == 0, saga.coef_ == 0)
    np.testing.assert_allclose(clf.intercept_, saga.intercept_, atol=1e-5)


@pytest.mark.parametrize(("l1_ratio", "C", "solver"), pairwise([0.0, 0.5], [1.0, np.inf], SOLVERS))
def test_a_descent_resumes_as_if_the_shift_were_still_there(solver, C, l1_ratio):
    options = {"C": C, "l1_ratio": l1_ratio, "solver": solver, "tol": 0, "warm_start": True}
    once = fitted(max_iter=9, **options)
    clf = pickle.loads(pickle.dumps(fitted(max_iter=4, **options))).set_params(max_iter=5)
    clf.fit(Z, Y)
    np.testing.assert_array_equal(clf.coef_, once.coef_)
    np.testing.assert_array_equal(clf.history_["cost"], once.history_["cost"])


def test_the_best_iterate_of_early_stopping_is_centred():
    for solver in ("adam", "natural"):
        clf = fitted(C=np.inf, solver=solver, early_stopping=True, max_iter=40)
        assert_centred(clf.coef_)
        assert_centred(clf.intercept_)


def test_float32_is_centred_to_its_rounding():
    clf = fitted(X.astype(np.float32), C=np.inf)
    assert clf.coef_.dtype == np.float32
    assert_centred(clf.coef_, 1e-6)


@needs_callbacks
def test_models_that_callbacks_see_are_centred():
    trajectory = Trajectory()
    clf = GDLogisticRegression(C=np.inf, solver="adam", max_iter=5, tol=0)
    clf.set_callbacks(trajectory).fit(Z, Y)
    for point in trajectory.path_:
        assert_centred(point)


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_shift_of_a_start_is_the_users(solver):
    """The descent adds none to it, and without iterations the model is the start."""
    rng = np.random.default_rng(0)
    coef, intercept = rng.normal(size=(3, 4)), rng.normal(size=3)
    clf = GDLogisticRegression(C=np.inf, solver=solver, max_iter=7, tol=0)
    clf.fit(Z, Y, coef_init=coef, intercept_init=intercept)
    assert_centred(clf.coef_ - coef, 1e-12)
    assert_centred(clf.intercept_ - intercept, 1e-12)
    clf.set_params(max_iter=0).fit(Z, Y, coef_init=coef, intercept_init=intercept)
    np.testing.assert_array_equal(clf.coef_, coef)
    np.testing.assert_array_equal(clf.intercept_, intercept)
