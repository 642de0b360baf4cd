"""The default fit is the model that LogisticRegression's tightest solver finds.

The defaults are GDLogisticRegression(): natural gradient, tol=1e-4. Warnings are errors.
"""

import numpy as np
import pytest
from scipy import sparse

from sklearn_gd_logreg import GDLogisticRegression, NaturalGradient

from .pairwise import pairwise
from .problems import (
    Problem,
    cost,
    load,
    noisy,
    sparse_rows,
    strict_complementarity,
)
from .problems import uneven_weights as uneven

pytestmark = pytest.mark.rounding

PROBABILITIES = 1e-4
"""The promise: no probability differs by more."""

ROWS = {"iris": None, "wine": None, "breast_cancer": None, "digits": 400}
"""Data sets, and how many rows of them are taken; None takes all."""

KINDS = {
    "plain": {},
    "weighted": {},
    "balanced": {"class_weight": "balanced"},
    "without intercept": {"fit_intercept": False},
    "sparse": {},
}


def fit(problem, **parameters):
    model = problem.fit(GDLogisticRegression(**parameters))
    assert model.stop_reason_ == "tol"
    return model


def difference(one, other, X):
    return np.abs(one.predict_proba(X) - other.predict_proba(X)).max()


def problem_of(name, scaled, kind, C, rows=None):
    X, y = load(name, scaled, rows)
    weight = uneven(len(y)) if kind == "weighted" else None
    X = sparse.csr_array(X) if kind == "sparse" else X
    return Problem(X, y, {"C": C} | KINDS[kind], weight)


def excess_cost(problem, model, optimum):
    rows = (problem.X, problem.y)
    mine, best = (
        cost(*rows, m, problem.sample_weight, **problem.options) for m in (model, optimum)
    )
    return mine - best


def assert_same_model(problem, model, optimum):
    largest = difference(model, optimum, problem.X)
    assert largest <= PROBABILITIES
    excess = excess_cost(problem, model, optimum)
    assert excess <= 1e-8


# -- L2 -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("C", "kind", "scaled", "name"), pairwise([0.01, 1, 100], KINDS, [False, True], ROWS)
)
def test_defaults_find_the_probabilities_of_logistic_regression(name, scaled, kind, C):
    rows = 150 if (name, kind) == ("digits", "sparse") else ROWS[name]
    problem = problem_of(name, scaled, kind, C, rows)
    assert_same_model(problem, fit(problem), problem.optimum())


@pytest.mark.parametrize("scaled", [False, True], ids=["raw", "scaled"])
def test_defaults_find_the_probabilities_on_all_digits(scaled):
    problem = problem_of("digits", scaled, "plain", 1)
    assert_same_model(problem, fit(problem), problem.optimum())


@pytest.mark.parametrize("name", ["iris", "breast_cancer"])
def test_a_tight_tolerance_finds_the_parameters_of_logistic_regression(name):
    problem = problem_of(name, True, "weighted", 1)
    model, optimum = fit(problem, tol=1e-8), problem.optimum()
    # Newton-Cholesky and we agree on the symmetric choice among equal softmax models.
    np.testing.assert_allclose(model.coef_, optimum.coef_, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(
        model.intercept_ - model.intercept_.mean() * (len(model.intercept_) > 1),
        optimum.intercept_ - optimum.intercept_.mean() * (len(optimum.intercept_) > 1),
        rtol=1e-5,
        atol=1e-7,
    )


@pytest.mark.parametrize("n_classes", [2, 4])
def test_no_penalty_is_an_infinite_c(n_classes):
    X, y = noisy(200, 6, n_classes, seed=3)
    problem = Problem(X, y, {"C": np.inf})
    assert_same_model(problem, fit(problem), problem.optimum())


@pytest.mark.parametrize("l1_ratio", [0.0, 0.5, 1.0])
def test_float32_finds_the_same_model_to_its_precision(l1_ratio):
    X, y = load("breast_cancer", True)
    problem = Problem(X, y, {"C": 0.3, "l1_ratio": l1_ratio})
    model = fit(problem.on(X.astype(np.float32)), tol=1e-3)
    assert model.coef_.dtype == model.intercept_.dtype == np.float32
    probabilities = model.predict_proba(X.astype(np.float32))
    assert probabilities.dtype == np.float32
    assert np.abs(probabilities - problem.optimum().predict_proba(X)).max() <= 5e-3


# -- L1 and elastic net ---------------------------------------------------------------------

SPARSE_FITS = [
    ("iris", 1.0, 1.0),
    ("iris", 0.1, 0.5),
    ("wine", 1.0, 1.0),
    ("wine", 0.1, 0.5),
    ("breast_cancer", 0.3, 1.0),
    ("breast_cancer", 0.05, 1.0),
    ("breast_cancer", 1.0, 0.5),
    ("digits", 0.3, 1.0),
    ("digits", 0.1, 0.5),
]
"""Data set, C and l1_ratio."""


@pytest.mark.parametrize("weighted", [False, True], ids=["unweighted", "weighted"])
@pytest.mark.parametrize(("name", "C", "l1_ratio"), SPARSE_FITS)
def test_l1_fits_have_the_probabilities_and_the_zeros_of_saga(name, C, l1_ratio, weighted):
    X, y = load(name, True, 150 if name == "digits" else None)
    weight = uneven(len(y)) if weighted else None
    problem = Problem(X, y, {"C": C, "l1_ratio": l1_ratio}, weight)
    model, optimum = fit(problem), problem.optimum()
    assert_same_model(problem, model, optimum)
    assert_same_zeros(problem, fit(problem, tol=1e-7), optimum)
    assert_same_zeros(problem, model, optimum)


def assert_same_zeros(problem, model, optimum):
    rows = (problem.X, problem.y)
    doubt = strict_complementarity(*rows, optimum, problem.sample_weight, **problem.options)
    assert doubt > 1e-4, "a poor example: its zeros are not beyond doubt"
    assert 0 < np.count_nonzero(model.coef_) < model.coef_.size
    np.testing.assert_array_equal(model.coef_ == 0, optimum.coef_ == 0)


# On raw data saga does not converge, so the conditions of the optimum are the oracle.


@pytest.mark.parametrize(
    ("C", "l1_ratio", "name"),
    pairwise([0.01, 1, 100], [0.5, 1.0], ["iris", "wine", "breast_cancer"]),
)
def test_l1_fits_of_raw_data_satisfy_the_conditions_of_the_optimum(name, l1_ratio, C):
    X, y = load(name)
    problem = Problem(X, y, {"C": C, "l1_ratio": l1_ratio})
    assert_conditions(problem, fit(problem), 1e-4)
    assert_conditions(problem, fit(problem, tol=1e-7), 1e-7)


def assert_conditions(problem, model, tol):
    """The derivatives, in units of the scale of their feature, are 0 to the tolerance."""
    squares = problem.X.power(2) if sparse.issparse(problem.X) else problem.X**2
    coef, intercept = problem.kkt_violation(model)
    scale = np.sqrt(np.maximum(np.asarray(squares.mean(axis=0)).ravel(), 1e-12))
    assert (coef / scale).max() <= tol
    assert intercept.max() <= tol


# -- more features than rows, and many parameters ---------------------------------------------


def wide(kind, n_classes):
    X, y = noisy(60, 300, n_classes, seed=1)
    if kind == "sparse":
        return sparse_rows(60, 300, seed=2, density=0.1), y
    return X * np.logspace(-3, 3, 300) if kind == "uneven" else X, y


@pytest.mark.parametrize(
    ("C", "fit_intercept", "n_classes", "kind"),
    pairwise([0.01, 1, 100], [True, False], [2, 3], ["dense", "sparse", "uneven"]),
)
def test_more_features_than_rows_are_no_obstacle(kind, n_classes, fit_intercept, C):
    options = {"C": C, "fit_intercept": fit_intercept}
    problem = Problem(*wide(kind, n_classes), options, uneven(60))
    assert_same_model(problem, fit(problem), problem.optimum())


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("kind", ["dense", "sparse", "uneven"])
def test_l1_fits_of_more_features_than_rows_satisfy_the_conditions(kind, n_classes):
    problem = Problem(*wide(kind, n_classes), {"C": 1.0, "l1_ratio": 1.0})
    model = fit(problem, tol=1e-6)
    assert np.count_nonzero(model.coef_) < model.coef_.size / 3
    assert_conditions(problem, model, 1e-6)


@pytest.mark.parametrize("C", [0.01, 1, np.inf])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_conjugate_gradients_find_the_same_model_as_a_factorisation(n_classes, C):
    problem = Problem(*noisy(300, 12, n_classes, seed=5), {"C": C}, uneven(300))
    assert_same_model(problem, fit(problem, solver=few_at_once(10)), problem.optimum())


@pytest.mark.parametrize("name", ["wine", "breast_cancer"])
def test_conjugate_gradients_find_the_same_model_on_raw_data(name):
    problem = Problem(*load(name), {"C": 1.0})
    assert_same_model(problem, fit(problem, solver=few_at_once(10)), problem.optimum())


@pytest.mark.parametrize("l1_ratio", [0.5, 1.0])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_working_set_finds_the_same_model_as_all_features(n_classes, l1_ratio):
    options = {"C": 0.1, "l1_ratio": l1_ratio}
    problem = Problem(*noisy(300, 12, n_classes, seed=5), options, uneven(300))
    model, optimum = fit(problem, solver=few_at_once(10), tol=1e-6), problem.optimum()
    assert_same_model(problem, model, optimum)
    assert_same_zeros(problem, model, optimum)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("kind", ["dense", "sparse", "uneven"])
def test_a_working_set_satisfies_the_conditions_on_wide_data(kind, n_classes):
    problem = Problem(*wide(kind, n_classes), {"C": 1.0, "l1_ratio": 1.0})
    assert_conditions(problem, fit(problem, solver=few_at_once(60), tol=1e-6), 1e-6)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("shape", [(60, 500), (100, 250), (100, 300), (50, 1000)])
def test_l1_on_small_wide_data_satisfies_the_conditions(shape, n_classes):
    problem = Problem(*noisy(*shape, n_classes, seed=2), {"C": 1.0, "l1_ratio": 1.0})
    assert_conditions(problem, fit(problem, tol=1e-7), 1e-6)


def few_at_once(limit):
    return NaturalGradient(direct_limit=limit)


def text_like(n_classes):
    """3000 sparse rows of 2500 features with labels that depend on a few of them."""
    X = sparse_rows(3000, 2500, seed=3, density=0.01)
    rng = np.random.RandomState(0)
    w = np.where(rng.uniform(size=(2500, 1)) < 0.05, rng.standard_normal((2500, n_classes)), 0)
    return X, np.argmax(X @ w + 0.5 * rng.gumbel(size=(3000, n_classes)), axis=1)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_thousands_of_sparse_features_give_the_same_model(n_classes):
    problem = Problem(*text_like(n_classes), {"C": 1.0})
    assert_same_model(problem, fit(problem), problem.optimum(solver="lbfgs"))


def test_thousands_of_sparse_features_with_l1_satisfy_the_conditions():
    problem = Problem(*text_like(2), {"C": 1.0, "l1_ratio": 1.0})
    model = fit(problem)
    assert 0 < np.count_nonzero(model.coef_) < 2500
    coef, intercept = problem.kkt_violation(model)
    assert coef.max() <= 1e-6  # the penalty is 3e-4
    assert intercept.max() <= 1e-6


@pytest.mark.parametrize(
    ("n_classes", "shape", "direct_limit", "l1_ratio", "storage"),
    pairwise(
        [2, 3],
        [(100, 300), (600, 80)],
        [50, 2000],
        [0.5, 1.0],
        [np.ascontiguousarray, np.asfortranarray, sparse.csr_array],
    ),
)
def test_where_no_feature_is_worth_its_penalty_all_weights_are_0(
    storage, l1_ratio, direct_limit, shape, n_classes
):
    """Without an intercept no parameter is left to make a Fisher matrix of."""
    rng = np.random.RandomState(0)
    X = storage(rng.standard_normal(shape))
    y = rng.randint(n_classes, size=shape[0])
    solver = NaturalGradient(direct_limit=direct_limit)
    options = {"C": 1e-4, "l1_ratio": l1_ratio, "fit_intercept": False}
    clf = GDLogisticRegression(solver=solver, **options).fit(X, y)
    assert clf.stop_reason_ == "tol"
    assert not clf.coef_.any()
