"""Samples of rows and corrected curvature spare passes, and must not show in the result."""

from dataclasses import replace
from functools import cache
from importlib import import_module
from itertools import pairwise
from types import SimpleNamespace
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from sklearn.preprocessing import normalize

from sklearn_gd_logreg import Backtracking, GDLogisticRegression, NaturalGradient
from sklearn_gd_logreg.data import Dataset, as_dataset, base, csr, dense
from sklearn_gd_logreg.fisher import FisherInformation
from sklearn_gd_logreg.fitting import stopping
from sklearn_gd_logreg.loss import cross_entropy
from sklearn_gd_logreg.objective import Objective, Point
from sklearn_gd_logreg.penalty import ElasticNet
from sklearn_gd_logreg.rules.natural import lbfgs, plan, tuning
from sklearn_gd_logreg.rules.natural.cost_model import hessian_cost, hessian_rows
from sklearn_gd_logreg.rules.natural.curvature import CholeskyFisher
from sklearn_gd_logreg.rules.natural.kronecker import KroneckerFisher
from sklearn_gd_logreg.rules.natural.lbfgs import LBFGS, MIN_PAIRS, PAIRS_BYTES
from sklearn_gd_logreg.rules.natural.prox_newton import ProximalFisher
from sklearn_gd_logreg.rules.natural.subsampling import subsample_ridge, subsample_sizes
from sklearn_gd_logreg.rules.natural.tuning import MIN_SUBSAMPLE_ROWS, SUBSAMPLE_RIDGE_ROWS

from .problems import (
    Problem,
    cost,
    noisy,
    reference,
    solve_lasso,
    sparse_rows,
    uneven_weights,
)

pytestmark = pytest.mark.rounding

TOL = 1e-4
ASKED = TOL**2 / 2
"""What ``tol`` says of J − J*."""

FACTOR, EXCESS = 3.0, 10.0
"""J − J* is at most so many times the estimate; the estimate at most so many times J − J*."""

ROUNDING = 1e-13


# -- problems that are large enough for every shortcut ----------------------------------------


def correlated(X, rho=0.95):
    """Every feature made much like the one before."""
    X = X.copy()
    for j in range(1, X.shape[1]):
        X[:, j] = rho * X[:, j - 1] + np.sqrt(1 - rho**2) * X[:, j]
    return X


def tall(n_classes=2, n_rows=12000, n_features=8, seed=0):
    return Problem(*noisy(n_rows, n_features, n_classes, seed), {"C": 1.0})


def rare_features():
    rng = np.random.RandomState(1)
    often = np.array([0.5, 0.2, 0.1, 0.03, 0.01, 0.003, 0.001, 0.0003])
    X = (rng.uniform(size=(20000, 8)) < often).astype(float)
    y = (X @ rng.standard_normal(8) * 2 + rng.logistic(size=20000) > 0.5).astype(int)
    return Problem(X, y, {"C": 10.0})


def nearly_separable():
    rng = np.random.RandomState(2)
    X = rng.standard_normal((12000, 8))
    score = X @ np.arange(1, 9)
    return Problem(X, (score + 0.3 * rng.logistic(size=12000) > 0).astype(int), {"C": 1e3})


def imbalanced():
    rng = np.random.RandomState(3)
    X = rng.standard_normal((20000, 8))
    score = X @ rng.standard_normal(8) - 7.5
    return Problem(X, (score + rng.logistic(size=20000) > 0).astype(int), {"C": 1.0})


def rhythm():
    """Labels that follow the row number, and a feature that knows of it."""
    rng = np.random.RandomState(4)
    i = np.arange(12000)
    X = rng.standard_normal((12000, 6))
    X[:, 0] += i % 4 == 1
    return Problem(X, i % 4, {"C": 1.0})


def in_order(problem, key):
    order = np.argsort(key, kind="stable")
    return Problem(problem.X[order], problem.y[order], problem.options)


def scaled(problem):
    n_features = problem.X.shape[1]
    return problem.on(problem.X * 10.0 ** np.linspace(-3, 3, n_features))


def weighted(problem, sample_weight):
    return Problem(problem.X, problem.y, problem.options, sample_weight)


def half_of_the_mass(problem):
    """One row weighs as much as all others."""
    weight = np.ones(len(problem.y))
    weight[4321] = len(problem.y)
    return weighted(problem, weight)


def times(problem, seed=0):
    """Weights 0, 1, 2 and 3."""
    return weighted(problem, np.random.RandomState(seed).randint(4, size=len(problem.y)))


def penalised(problem, C, l1_ratio):
    return Problem(problem.X, problem.y, {"C": C, "l1_ratio": l1_ratio})


WELL_POSED = {
    "plain": tall,
    "ill-scaled": lambda: scaled(tall()),
    "correlated": lambda: tall().on(correlated(tall().X)),
    "rare features": rare_features,
    "imbalanced": imbalanced,
    "sorted by class": lambda: in_order(tall(), tall().y),
    "sorted by a feature": lambda: in_order(tall(), tall().X[:, 0]),
    "3 classes": lambda: tall(3),
    "3 classes, sorted": lambda: in_order(tall(3), tall(3).y),
    "10 classes": lambda: tall(10, 16000, 6),
    "periodic": rhythm,
    "F order": lambda: tall().on(np.asfortranarray(tall().X)),
    "CSR": lambda: tall().on(sparse.csr_array(tall().X)),
    "weights 0 to 3": lambda: times(tall()),
    "uneven weights": lambda: weighted(tall(), uneven_weights(12000)),
    "lasso": lambda: penalised(tall(), 0.01, 1.0),
    "elastic net, 3 classes": lambda: penalised(tall(3), 0.01, 0.5),
}

HARDER = {
    "nearly separable": nearly_separable,
    "half of the mass in a row": lambda: half_of_the_mass(tall()),
}

PROBLEMS = WELL_POSED | HARDER


SAMPLE = Dataset.sample


def model(**options):
    return GDLogisticRegression(**({"tol": TOL} | options))


@cache
def problem_of(name):
    return PROBLEMS[name]()


@cache
def fitted(name):
    """The problem fitted by default, and that with samples of its rows."""
    taken = []

    def sample(self, size, mass=None):
        taken.append(size)
        return SAMPLE(self, size, mass)

    with patch.object(Dataset, "sample", sample):
        clf = problem_of(name).fit(model())
    assert taken, "a poor example: no sample was read"
    return clf


@cache
def exact(name):
    """The problem fitted by Fisher scoring on all rows, as far as the numbers reach."""
    return problem_of(name).fit(model(solver=NaturalGradient(exact=True), tol=1e-11))


def cost_of(problem, clf):
    kept = slice(None) if problem.sample_weight is None else problem.sample_weight > 0
    weight = None if problem.sample_weight is None else problem.sample_weight[kept]
    return cost(problem.X[kept], problem.y[kept], clf, weight, **problem.options)


def is_fractional(passes):
    return not float(passes).is_integer()


each_problem = pytest.mark.parametrize("name", PROBLEMS)


# -- where they end --------------------------------------------------------------------------


@each_problem
def test_the_default_ends_as_near_the_optimum_as_asked(name):
    problem, clf = problem_of(name), fitted(name)
    assert clf.stop_reason_ == "tol"
    assert cost_of(problem, clf) - cost_of(problem, exact(name)) <= ASKED


@pytest.mark.parametrize("name", ["ill-scaled", "sorted by class", "10 classes", "periodic"])
def test_the_full_hessian_ends_where_scikit_learn_does(name):
    problem = problem_of(name)
    best = cost_of(problem, reference(problem.X, problem.y, **problem.options))
    assert abs(cost_of(problem, exact(name)) - best) <= 1e-10


@each_problem
def test_half_the_square_of_the_norm_estimates_what_is_left(name):
    problem, history = problem_of(name), fitted(name).history_
    left = history["cost"] - min(cost_of(problem, exact(name)), history["cost"].min())
    estimate = history["gradient_norm"] ** 2 / 2
    assert (left <= FACTOR * estimate + ROUNDING).all()
    assert (estimate <= EXCESS * left + ROUNDING).all()


@pytest.mark.parametrize("tol", [1e-2, 1e-3, 1e-6])
@pytest.mark.parametrize("name", ["ill-scaled", "correlated", "imbalanced", "10 classes", "lasso"])
def test_other_tolerances_are_kept_too(name, tol):
    problem = problem_of(name)
    clf = problem.fit(model(tol=tol))
    left = cost_of(problem, clf) - cost_of(problem, exact(name))
    assert clf.stop_reason_ == "tol"
    assert left <= tol**2 / 2 + ROUNDING


@pytest.mark.parametrize("n_classes", [3, 10])
@pytest.mark.parametrize("direct_limit", [10, 2000])
def test_more_parameters_than_are_factorised_end_there_too(n_classes, direct_limit):
    problem = tall(n_classes, 6000, 12)
    clf = problem.fit(model(solver=NaturalGradient(direct_limit=direct_limit)))
    best = problem.fit(model(solver=NaturalGradient(exact=True), tol=1e-11))
    assert clf.stop_reason_ == "tol"
    assert cost_of(problem, clf) - cost_of(problem, best) <= ASKED


def test_a_poor_approximation_of_f_does_not_decide_convergence(monkeypatch):
    """The Kronecker product, spoilt by scales that it ignores, gives way to exact products."""
    problem = tall(6, 4000, 60)
    good, used = KroneckerFisher.solve, []

    def poor(self, dw):
        d = np.where(np.arange(len(dw)) < 30, 1e-3, 1.0)[:, np.newaxis]
        used.append(None)
        return d * good(self, d * dw)

    best = problem.fit(model(solver=NaturalGradient(exact=True), tol=1e-11))
    monkeypatch.setattr(KroneckerFisher, "solve", poor)
    clf = problem.fit(model(tol=1e-3))
    assert used
    assert cost_of(problem, clf) - cost_of(problem, best) <= 1e-3**2 / 2
    last = clf.history_["gradient_norm"][-2] ** 2 / 2
    left = clf.history_["cost"][-2] - cost_of(problem, best)
    assert last / FACTOR <= left <= FACTOR * last


@pytest.mark.parametrize("l1_ratio", [0.0, 1.0])
@pytest.mark.parametrize("witness", [True, False])
def test_a_reused_f_that_is_far_too_large_does_not_decide_convergence(
    monkeypatch, witness, l1_ratio
):
    """After its first step F is 10⁶ times too large; F of few rows objects, without a bound too."""
    if not witness:
        monkeypatch.setattr(stopping, "bound_agrees", lambda point, tol: True)
    X, y = noisy(30_000, 20, 2, seed=0)
    problem = Problem(correlated(X), y, {"C": 0.1, "l1_ratio": l1_ratio})
    best = problem.fit(model(solver=NaturalGradient(exact=True), tol=1e-11))
    spoilt = []

    def too_large(self, before, point):
        if self.current_at is None:
            return self
        spoilt.append(None)
        if isinstance(self, LBFGS):
            base = CholeskyFisher.factorise(1e6 * self.base.fisher)
            return LBFGS(base, refresh_cost=50.0, n_rows=len(y))
        return replace(self, fisher=1e6 * self.fisher, refresh_cost=50.0, current_at=None)

    monkeypatch.setattr(tuning, "MAX_NEWTON_COST", 0.0)
    monkeypatch.setattr(tuning, "MIN_SUBSAMPLE_ROWS", np.inf)
    monkeypatch.setattr(LBFGS, "updated", too_large)
    monkeypatch.setattr(ProximalFisher, "updated", too_large)
    clf = problem.fit(model(tol=1e-3))
    assert spoilt
    assert clf.stop_reason_ == "tol"
    assert cost_of(problem, clf) - cost_of(problem, best) <= FACTOR * 1e-3**2 / 2


def test_f_is_factorised_after_a_step_that_took_all_products(monkeypatch):
    X, y = noisy(30_000, 20, 2, seed=0)
    problem = Problem(correlated(X), y, {"C": 0.1})
    best = problem.fit(model(solver=NaturalGradient(exact=True), tol=1e-11))

    def too_large(self, before, point):
        if self.current_at is None:
            return self
        return LBFGS(CholeskyFisher.factorise(1e6 * self.base.fisher), 50.0, len(y))

    monkeypatch.setattr(LBFGS, "updated", too_large)
    monkeypatch.setattr(tuning, "MIN_SUBSAMPLE_ROWS", np.inf)
    for name in ("MAX_NEWTON_COST", "MIN_CG_COST"):
        monkeypatch.setattr(tuning, name, 0.0)
    products = []
    for n_products in (tuning.MAX_PRODUCTS, 1):
        monkeypatch.setattr(tuning, "MAX_PRODUCTS", n_products)
        clf = problem.fit(model(tol=1e-6))
        assert clf.stop_reason_ == "tol"
        assert cost_of(problem, clf) - cost_of(problem, best) <= FACTOR * 1e-6**2 / 2 + 1e-15
        products.append(clf.solver_info_["products"])
    assert products[0] > products[1] > 0


def test_a_poor_approximation_of_f_does_not_end_a_warm_start_at_once(monkeypatch):
    """A warm start whose first step promises less than asked is checked with exact products too."""
    problem = tall(6, 4000, 60)
    best = problem.fit(model(solver=NaturalGradient(exact=True), tol=1e-11))
    start = problem.fit(model())
    start.coef_ *= 0.5
    assert cost_of(problem, start) - cost_of(problem, best) > 100 * 1e-3**2 / 2
    good = KroneckerFisher.solve
    monkeypatch.setattr(KroneckerFisher, "solve", lambda self, dw: 1e-6 * good(self, dw))
    again = model(tol=1e-3, warm_start=True)
    again.coef_, again.intercept_, again.classes_ = start.coef_, start.intercept_, start.classes_
    again.n_features_in_ = start.n_features_in_
    clf = problem.fit(again)
    assert clf.n_iter_ > 0
    assert cost_of(problem, clf) - cost_of(problem, best) <= 1e-3**2 / 2


@pytest.mark.parametrize("direct_limit", [10, 2000])
@pytest.mark.parametrize("n_classes", [2, 6])
def test_a_descent_that_resumes_with_a_smaller_tol_ends_there(n_classes, direct_limit, monkeypatch):
    """And an F that was too large to be factorised before is so still."""
    factorise, sides = CholeskyFisher.factorise.__func__, []

    def noted(cls, fisher, *least):
        sides.append(len(fisher))
        return factorise(cls, fisher, *least)

    monkeypatch.setattr(CholeskyFisher, "factorise", classmethod(noted))
    problem = tall(n_classes, 4000, 60)
    best = problem.fit(model(solver=NaturalGradient(exact=True), tol=1e-11))
    sides.clear()
    clf = model(tol=1e-1, warm_start=True, solver=NaturalGradient(direct_limit=direct_limit))
    problem.fit(clf)
    problem.fit(clf.set_params(tol=1e-6))
    assert clf.history_["gradient_norm"][-2] <= 1e-6
    assert direct_limit == 2000 or not sides
    assert cost_of(problem, clf) - cost_of(problem, best) <= 1e-6**2 / 2 + ROUNDING


@pytest.mark.parametrize(
    ("n_rows", "n_features", "n_classes", "C", "tol"),
    [
        (500, 1200, 2, 1.0, 1e-2),
        (600, 1500, 2, 1e4, 1e-4),
        (500, 800, 3, 1e4, 1e-4),
        (300, 320, 4, 1e3, 1e-4),
        (400, 350, 6, 1e4, 1e-4),
    ],
)
def test_the_end_is_where_tol_says_where_f_all_but_vanishes(n_rows, n_features, n_classes, C, tol):
    """Classes that can be told apart, on about as many features as rows or more.

    An old F does not know of what has vanished, and products gain by fits and starts.
    """
    rng = np.random.RandomState(1)
    X = rng.standard_normal((n_rows, n_features))
    scores = X @ rng.standard_normal((n_features, n_classes))
    X[rng.uniform(size=X.shape) < 1 / 3] = 0
    problem = Problem(X, scores.argmax(axis=1), {"C": C})
    clf = problem.fit(model(tol=tol, max_iter=2000))
    exact = NaturalGradient(exact=True)
    best = cost_of(problem, problem.fit(model(solver=exact, tol=tol / 100)))
    assert clf.stop_reason_ == "tol"
    assert cost_of(problem, clf) - best <= FACTOR * tol**2 / 2


@pytest.mark.parametrize("precision", [np.float64, np.float32])
@pytest.mark.parametrize("tol", [1e-1, 1e-2])
@pytest.mark.parametrize("n_classes", [4, 5, 10])
def test_wide_data_without_a_penalty_get_weights_of_a_sane_size(n_classes, tol, precision):
    """In the row space F is singular with the intercept, and in what all scores share."""
    rng = np.random.RandomState(0)
    X = rng.standard_normal((60, 250)).astype(precision)
    problem = Problem(X, rng.randint(n_classes, size=60), {"C": np.inf})
    clf = problem.fit(model(tol=tol))
    assert clf.stop_reason_ == "tol"
    assert clf.score(X, problem.y) == 1
    assert np.abs(clf.coef_).max() < 10
    assert cost_of(problem, clf) == pytest.approx(clf.history_["cost"][-1], rel=1e-2)


def rare_classes():
    """Ten classes, of which some have a few rows, and two constant columns."""
    rng = np.random.RandomState(0)
    y = rng.choice(10, size=1500, p=np.r_[0.55, 0.3, np.full(8, 0.15 / 8)])
    X = rng.standard_normal((1500, 50)) + 0.8 * rng.standard_normal((10, 50))[y]
    return Problem(np.hstack([X, np.ones((1500, 1)), np.full((1500, 1), 7.0)]), y, {"C": 1e4})


@pytest.mark.parametrize("tols", [(1e-2, 1e-3), (1e-2, 1e-1, 1e-4), (1e-1, 1e-2, 1e-3, 1e-4)])
@pytest.mark.parametrize("direct_limit", [50, 2000])
def test_a_warm_start_ends_where_its_own_tol_says(direct_limit, tols):
    """The norm of the point where the last fit ended is looked at again, for this tol."""
    problem = rare_classes()
    best = problem.fit(model(solver=NaturalGradient(exact=True), tol=1e-9))
    clf = model(warm_start=True, solver=NaturalGradient(direct_limit=direct_limit))
    for tol in tols:
        problem.fit(clf.set_params(tol=tol))
        assert clf.stop_reason_ == "tol"
        assert cost_of(problem, clf) - cost_of(problem, best) <= FACTOR * tol**2 / 2


def counts(n_classes, precision):
    """Words counted, 20 in every row: with the intercept the features are collinear."""
    rng = np.random.RandomState(2)
    frequency = 1 / (np.arange(700) + 3)
    words = rng.choice(700, size=800 * 20, p=frequency / frequency.sum())
    X = sparse.csr_array((np.ones(len(words)), (np.repeat(np.arange(800), 20), words)))
    z = X @ rng.standard_normal((X.shape[1], n_classes)) + rng.gumbel(size=(800, n_classes))
    return Problem(X.astype(precision), z.argmax(axis=1), {"C": np.inf})


@pytest.mark.parametrize("precision", [np.float64, np.float32])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_collinear_features_without_a_penalty_are_not_blown_up(n_classes, precision):
    """All rows can be told apart, so that J is 0 in the end: F is singular from the start."""
    problem = counts(n_classes, precision)
    clf = problem.fit(model(tol=1e-3))
    assert clf.stop_reason_ == "tol"
    assert clf.history_["cost"][-1] <= 1e-3**2 / 2
    assert clf.history_["passes"][-1] < 60


def test_a_sum_of_slow_steps_is_what_is_left(monkeypatch):
    """Where F is too large, a step promises too little: the steps to come count as well."""
    problem = tall()
    best = cost_of(problem, problem.fit(model(solver=NaturalGradient(exact=True), tol=1e-11)))
    good = CholeskyFisher.solve
    monkeypatch.setattr(CholeskyFisher, "solve", lambda self, dw: 0.1 * good(self, dw))
    monkeypatch.setattr(NaturalGradient, "_contracts_slowly", lambda self, memory: False)
    monkeypatch.setattr(LBFGS, "updated", without_correction)
    history = problem.fit(model(tol=1e-3, max_iter=200)).history_
    left, estimate = history["cost"] - best, history["gradient_norm"] ** 2 / 2
    assert len(left) > 20
    assert (left[10:-3] <= FACTOR * estimate[10:-3] + ROUNDING).all()


def without_correction(self, before, point):
    return replace(self, current_at=None)


def text(C, fit_intercept=True, scales=0.0):
    """Rows of 20 words by Zipf's law, of length 1; every word in a unit of its own."""
    rng = np.random.RandomState(0)
    frequency = 1 / (np.arange(2500) + 3)
    words = rng.choice(2500, size=6000 * 20, p=frequency / frequency.sum())
    counts = sparse.csr_array((np.ones(len(words)), (np.repeat(np.arange(6000), 20), words)))
    X = sparse.csr_array(normalize(counts))
    z = X @ rng.standard_normal(X.shape[1])
    y = (rng.logistic(size=6000) < 4 * z).astype(int)
    units = 10 ** rng.uniform(-scales, scales, X.shape[1])
    X = sparse.csr_array(X @ sparse.diags(units))
    return Problem(X, y, {"C": C, "fit_intercept": fit_intercept})


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize(("C", "most"), [(1.0, 29), (100.0, 56), (1e4, 180)])
def test_text_needs_few_passes(C, fit_intercept, most):
    problem = text(C, fit_intercept)
    clf = problem.fit(model())
    best = problem.fit(model(tol=1e-9))
    assert clf.stop_reason_ == "tol"
    assert cost_of(problem, clf) - cost_of(problem, best) <= ASKED
    plain = problem.fit(model(solver=NaturalGradient(exact=True)))
    assert clf.history_["passes"][-1] <= min(most, plain.history_["passes"][-1])


@pytest.mark.parametrize("C", [1.0, 100.0, 1e4])
def test_quasi_newton_estimates_of_the_remaining_decrease_have_the_right_size(C):
    """No less than half and no more than twice, in the middle, of steps that differ widely."""
    problem = text(C)
    history = problem.fit(model()).history_
    best = cost_of(problem, problem.fit(model(tol=1e-9)))
    ratio = history["gradient_norm"] ** 2 / 2 / (history["cost"] - best)
    assert 0.5 <= np.median(ratio[5:-2]) <= 2


def test_slow_quasi_newton_steps_are_kept_but_not_for_ever(monkeypatch):
    """Products with F on the way cost more passes, but fewer iterations."""
    problem = text(1e4)
    kept = problem.fit(model())
    monkeypatch.setattr(tuning, "MAX_STEPS_BEFORE_CG", 20)
    left = problem.fit(model())
    assert (np.diff(kept.history_["passes"])[:-4] < 5).all()
    assert kept.history_["passes"][-1] < left.history_["passes"][-1]
    assert kept.n_iter_ > left.n_iter_ > 20
    assert kept.stop_reason_ == left.stop_reason_ == "tol"
    assert abs(cost_of(problem, kept) - cost_of(problem, left)) <= ASKED


def test_interpolation_spares_passes_along_the_line():
    rates = [Backtracking(grow=1e16, maximum=1.0, interpolate=flag) for flag in (True, False)]
    with_it, without = (text(100.0).fit(model(learning_rate=rate)).history_ for rate in rates)
    np.testing.assert_array_equal(text(100.0).fit(model()).history_["cost"], with_it["cost"])
    assert ((with_it["learning_rate"] % 0.5 > 0) & (with_it["learning_rate"] < 1)).any()
    assert with_it["passes"][-1] < without["passes"][-1]


def test_words_in_odd_units_still_end_at_the_optimum():
    problem = text(100.0, scales=2.0)
    clf = problem.fit(model())
    best = problem.fit(model(tol=1e-9, solver=NaturalGradient(exact=True)))
    assert clf.stop_reason_ == "tol"
    assert cost_of(problem, clf) - cost_of(problem, best) <= ASKED


def test_quasi_newton_steps_without_corrections_give_way_to_conjugate_gradients(monkeypatch):
    monkeypatch.setattr(LBFGS, "updated", lambda self, before, point: self)
    monkeypatch.setattr(tuning, "MAX_STEPS_BEFORE_CG", 20)
    clf = text(1e4).fit(model())
    assert clf.stop_reason_ == "tol"
    assert clf.n_iter_ < 60


def test_the_last_point_is_not_solved_for_again():
    """Exact products decide convergence; the norm of the last entry is an L-BFGS estimate."""
    passes = np.diff(text(1.0).fit(model()).history_["passes"])
    assert passes[-1] == 1 < passes[-2]


def test_curvature_pairs_take_no_more_than_a_few_megabytes():
    rng = np.random.RandomState(0)
    for n in (10, 3000, 50_000, 400_000):
        points = [SimpleNamespace(w=w, dw=w) for w in rng.standard_normal((30, n, 1))]
        metric = LBFGS(KroneckerFisher(np.eye(1), [CholeskyFisher.factorise(np.eye(1))]))
        with patch.object(KroneckerFisher, "solve", lambda self, dw: dw):
            for before, point in pairwise(points):
                metric = metric.updated(before, point)
        held = sum(part.nbytes for pair in metric.pairs for part in (pair.s, pair.y))
        assert held <= PAIRS_BYTES or len(metric.pairs) == MIN_PAIRS
        assert len(metric.pairs) <= lbfgs.MAX_PAIRS


# -- the form of the rows --------------------------------------------------------------------


def probabilities(problem, clf, rows=200):
    return clf.predict_proba(problem.X[:rows])


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_memory_map_gives_the_same_model(tmp_path, order):
    problem = tall()
    X = np.asarray(problem.X, order=order)
    mapped = np.memmap(tmp_path / "X", dtype=X.dtype, mode="w+", shape=X.shape, order=order)
    mapped[...] = X
    one = problem.on(X).fit(model())
    other = problem.on(np.memmap(tmp_path / "X", X.dtype, "r", 0, X.shape, order)).fit(model())
    np.testing.assert_array_equal(one.coef_, other.coef_)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_float32_ends_there_to_its_precision(n_classes):
    problem = tall(n_classes)
    clf = problem.on(problem.X.astype(np.float32)).fit(model(tol=1e-3))
    assert clf.stop_reason_ == "tol"
    assert is_fractional(clf.history_["passes"][-1])
    best = problem.fit(model(solver=NaturalGradient(exact=True), tol=1e-11))
    assert cost_of(problem, clf) - cost_of(problem, best) <= 1e-6


@pytest.mark.parametrize("name", ["plain", "ill-scaled", "3 classes", "10 classes", "lasso"])
def test_the_order_of_the_rows_does_not_matter(name):
    problem = problem_of(name)
    order = np.random.RandomState(7).permutation(len(problem.y))
    shuffled = Problem(problem.X[order], problem.y[order], problem.options)
    other = shuffled.fit(model())
    assert cost_of(problem, other) - cost_of(problem, exact(name)) <= ASKED
    np.testing.assert_allclose(
        probabilities(problem, fitted(name)), probabilities(problem, other), atol=1e-3
    )


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_weight_is_as_good_as_copies(n_classes):
    problem = times(tall(n_classes))
    copies = np.repeat(np.arange(len(problem.y)), problem.sample_weight)
    repeated = Problem(problem.X[copies], problem.y[copies], problem.options)
    one, other = problem.fit(model(tol=1e-6)), repeated.fit(model(tol=1e-6))
    assert all(is_fractional(clf.history_["passes"][-1]) for clf in (one, other))
    np.testing.assert_allclose(one.coef_, other.coef_, atol=1e-5)


# -- starts ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ill-scaled", "3 classes", "lasso"])
def test_no_sample_spoils_a_start_at_the_optimum(name):
    problem, best = problem_of(name), exact(name)
    clf = model(**problem.options)
    clf.fit(problem.X, problem.y, coef_init=best.coef_, intercept_init=best.intercept_)
    assert clf.n_iter_ == 0
    assert clf.history_["passes"][-1] <= 3
    np.testing.assert_array_equal(clf.coef_, best.coef_)


@pytest.mark.parametrize("name", ["plain", "ill-scaled", "10 classes", "lasso"])
@pytest.mark.parametrize("far", [0.1, 5.0, 100.0])
def test_a_start_far_out_leads_there_too(name, far):
    problem, best = problem_of(name), exact(name)
    start = best.coef_ + far * np.random.RandomState(5).standard_normal(
        best.coef_.shape
    ) / problem.X.std(axis=0)
    clf = model(**problem.options).fit(problem.X, problem.y, coef_init=start)
    assert clf.stop_reason_ == "tol"
    assert cost_of(problem, clf) - cost_of(problem, best) <= ASKED


# -- passes ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", [name for name in WELL_POSED if name not in ("rare features", "imbalanced")]
)
def test_few_passes_suffice_for_a_well_posed_problem(name):
    assert fitted(name).history_["passes"][-1] <= (
        13 if "l1_ratio" in problem_of(name).options else 10
    )


@each_problem
def test_no_more_passes_than_with_all_rows_always(name):
    problem = problem_of(name)
    plain = problem.fit(model(solver=NaturalGradient(exact=True)))
    assert fitted(name).history_["passes"][-1] <= plain.history_["passes"][-1] + 5


@each_problem
def test_growing_samples_read_little_and_lead_near(name):
    """A quarter of the rows at most, some eight times: for the cost, and for F."""
    history = fitted(name).history_
    rare = name in ("imbalanced", *HARDER)
    assert 1 < history["passes"][0] <= 1 + (5 if rare else 2.1)
    fall = history["cost"][0] - history["cost"][-1]
    assert history["cost"][1] - history["cost"][-1] <= (0.2 if rare else 0.05) * fall


@pytest.mark.parametrize("name", ["imbalanced", "half of the mass in a row"])
def test_a_sample_that_does_not_do_gives_way_to_more_rows(monkeypatch, name):
    problem, used = problem_of(name), []
    made = plan.hessian_subsample

    def spy(point, n_rows):
        if point.objective.data.n_rows == len(problem.y):
            used.append(n_rows)
        return made(point, n_rows)

    monkeypatch.setattr(plan, "hessian_subsample", spy)
    clf = problem.fit(model(tol=1e-9))
    plain = problem.fit(model(tol=1e-9, solver=NaturalGradient(exact=True)))
    assert max(used) == len(problem.y)
    assert clf.history_["passes"][-1] <= plain.history_["passes"][-1]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("start", [None, 0.3])
@pytest.mark.parametrize("name", ["plain", "weights 0 to 3"])
def test_subsamples_pass_f_on(monkeypatch, name, start, dtype):
    """So the first step on all rows takes no F of its own, and is a good one."""
    problem, used = problem_of(name), []
    made = plan.hessian_subsample

    def spy(point, n_rows):
        sample = made(point, n_rows)
        used.append(sample.objective.data.n_rows)
        return sample

    monkeypatch.setattr(plan, "hessian_subsample", spy)
    X, y, n_outputs = problem.X.astype(dtype), problem.y, len(fitted(name).coef_)
    coef = None if start is None else np.full((n_outputs, X.shape[1]), start)
    clf = model(max_iter=1, tol=1e-12, **problem.options)
    clf.fit(X, y, problem.sample_weight, coef_init=coef)
    assert used
    assert len(y) not in used
    clf = model(tol=1e-4, **problem.options).fit(X, y, problem.sample_weight, coef_init=coef)
    history = clf.history_
    assert history["cost"][2] - exact_cost(name) <= 0.2 * (history["cost"][1] - exact_cost(name))


@pytest.mark.parametrize(
    "name", ["plain", "3 classes", "CSR", "F order", "uneven weights", "lasso", "10 classes"]
)
def test_all_products_of_float32_rows_are_in_float32(monkeypatch, name):
    """On samples too. A factor in float64 would have X converted, block by block."""
    seen = set()

    def noting(product):
        def noted(self, factor):
            seen.update({self.X.dtype.name, factor.dtype.name})
            return product(self, factor)

        return noted

    for product in ("times", "transposed_times"):
        for kind in (dense.DenseRows, csr.SparseRows):
            monkeypatch.setattr(kind, product, noting(getattr(kind, product)))
    problem = problem_of(name)
    problem.on(problem.X.astype(np.float32)).fit(model())
    assert seen == {"float32"}


def levels(n_rows, counts, seed=0):
    """One-hot rows of categorical features whose k-th level is 1/k as frequent as the first."""
    random = np.random.RandomState(seed)
    shares = [1 / np.arange(1, count + 1) for count in counts]
    chosen = [random.choice(len(p), n_rows, p=p / p.sum()) for p in shares]
    X = np.hstack([np.eye(len(p))[level] for p, level in zip(shares, chosen, strict=True)])
    z = X @ random.standard_normal(X.shape[1]) * 1.5
    return X, (random.rand(n_rows) < 1 / (1 + np.exp(z.mean() - z))).astype(int)


def objective_of(X, y, n_classes=2, l2=1e-3):
    loss = cross_entropy(n_classes)
    data = as_dataset(X, loss.targets(y), None, True)
    return Objective(data, loss, ElasticNet(l2, 0.0, X.shape[1]))


def restraint(X):
    return subsample_ridge(objective_of(X, np.arange(X.shape[0]) % 2))


@pytest.mark.parametrize("storage", [np.asarray, np.asfortranarray, sparse.csr_array])
def test_a_sample_is_restrained_by_the_usual_size_of_rare_features(storage):
    X = levels(6000, [5, 40])[0]
    assert restraint(storage(3 * X)) == pytest.approx(9 * SUBSAMPLE_RIDGE_ROWS)
    mixed = np.hstack([3 * X, 0.1 * np.sign(noisy(6000, 1, 2, seed=0)[0])])
    assert restraint(storage(mixed)) == pytest.approx(0.01 * SUBSAMPLE_RIDGE_ROWS)
    assert restraint(storage(np.hstack([X, 1e200 * X]))) == pytest.approx(SUBSAMPLE_RIDGE_ROWS)
    assert restraint(storage(1e200 * X)) == 0


def test_a_stored_zero_is_no_entry():
    X = sparse.csr_array(levels(6000, [5, 40])[0])
    padded = X.copy()
    padded.data = padded.data.copy()
    padded.data[::3] = 0
    assert restraint(padded) == restraint(X) == SUBSAMPLE_RIDGE_ROWS


def test_nothing_restrains_samples_without_rare_features():
    assert restraint(noisy(6000, 5, 2, seed=0)[0]) == 0
    assert restraint(100 + noisy(6000, 5, 2, seed=0)[0]) == 0


@pytest.mark.parametrize("storage", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("C", [1.0, 1e4])
def test_restrained_samples_spare_passes_where_features_are_rare(monkeypatch, storage, C):
    choose = import_module("sklearn_gd_logreg.data.presolve.choose")
    monkeypatch.setattr(
        choose, "merging_rows_pays", lambda data: False
    )  # merged, the rows are too few
    X, y = levels(30000, [50, 100])
    problem = Problem(storage(X), y, {"C": C})
    with_restraint = problem.fit(model())
    monkeypatch.setattr(tuning, "SUBSAMPLE_RIDGE_ROWS", 0.0)
    without = problem.fit(model())
    no_more = 1.0 if storage is sparse.csr_array else 1.1
    assert with_restraint.history_["passes"][-1] <= no_more * without.history_["passes"][-1]
    best = problem.fit(model(tol=1e-9, solver=NaturalGradient(exact=True)))
    for clf in (with_restraint, without):
        assert cost_of(problem, clf) - cost_of(problem, best) <= ASKED


def categories_and_numbers(seed):
    """Categories, the rarest in few rows, and correlated numbers in many units."""
    random = np.random.default_rng(seed)
    n_rows, parts = 11120, []
    for n_levels, zipf, size in ((11, 1.2, 1.0), (39, 2.0, 3.0)):
        p = 1 / np.arange(1, n_levels + 1) ** zipf
        parts.append(size * np.eye(n_levels)[random.choice(n_levels, n_rows, p=p / p.sum())])
    mixed = random.standard_normal((n_rows, 7)) @ random.standard_normal((7, 7))
    X = np.hstack([*parts, mixed * 10.0 ** np.linspace(-2, 2, 7)])
    scale = np.where(X.std(axis=0) > 0, X.std(axis=0), 1.0)
    z = (X - X.mean(axis=0)) / scale @ random.standard_normal(X.shape[1])
    return X, (z + random.logistic(size=n_rows) > 2).astype(int)


@pytest.mark.parametrize(("seed", "C"), [(3, 1e5), (10, 1e5), (6, 1e3)])
def test_no_old_f_ends_the_descent_too_early(seed, C):
    """The part of F that belongs to rows with a rare feature vanishes on the way."""
    problem = Problem(*categories_and_numbers(seed), {"C": C, "fit_intercept": seed == 10})
    clf = problem.fit(model())
    best = problem.fit(model(tol=1e-8, max_iter=500, solver=NaturalGradient(exact=True)))
    assert clf.stop_reason_ == "tol"
    assert cost_of(problem, clf) - cost_of(problem, best) <= FACTOR * ASKED


@pytest.mark.parametrize("n_classes", [2, 3])
def test_what_a_sample_knows_of_f_is_handed_over_without_its_restraint(n_classes):
    """F is as if the penalty had always been that."""
    problem = tall(n_classes, n_rows=500)
    restrained, free = (objective_of(problem.X, problem.y, n_classes, l2) for l2 in (0.3, 1e-3))
    random = np.random.RandomState(0)
    w, dw = random.standard_normal((2, free.data.n_parameters, free.loss.n_outputs)) / 5
    more = (
        free.penalty.gradient(np.ones_like(w)) - restrained.penalty.gradient(np.ones_like(w))
    ).ravel()
    known, expected = (LBFGS(CholeskyFisher.at(Point(part, w), 0.0)) for part in (restrained, free))
    handed = known.transferred(free, more)
    assert handed is not None
    np.testing.assert_allclose(handed.solve(dw), expected.solve(dw), rtol=1e-4, atol=1e-6)


def exact_cost(name):
    return cost_of(problem_of(name), exact(name))


def test_a_sample_that_can_be_separated_is_left_soon():
    """Its own minimum says little of all rows, and takes as many steps as theirs."""
    rng = np.random.RandomState(6)
    X = rng.standard_normal((20000, 50))
    score = 5 * X @ rng.standard_normal(50)
    problem = Problem(X, (score + rng.logistic(size=20000) > 0).astype(int), {"C": 1e4})
    clf = problem.fit(model())
    best = problem.fit(model(solver=NaturalGradient(exact=True), tol=1e-11))
    assert clf.stop_reason_ == "tol"
    assert cost_of(problem, clf) - cost_of(problem, best) <= ASKED
    assert clf.history_["passes"][0] <= 1 + 2.5
    assert clf.history_["passes"][-1] <= 15


def test_an_l1_step_is_shortened_along_a_line():
    """Where F all but vanishes, shorter proximal steps once crept for hundreds of steps."""
    rng = np.random.RandomState(0)
    X = rng.standard_normal((3000, 3)) * np.exp(2 * rng.standard_normal((3000, 3)))
    score = X @ [-0.3, -0.1, 0.3]
    problem = Problem(X, (score + rng.logistic(size=3000) > 0).astype(int))
    far = {"coef_init": [[-2.3, -1.2, 2.7]], "intercept_init": [-5.0]}
    options = {"C": 92.0, "l1_ratio": 1.0}
    clf = model(max_iter=50, **options).fit(problem.X, problem.y, **far)
    assert clf.stop_reason_ == "tol"
    assert clf.n_iter_ < 25


# -- the same again --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ill-scaled", "10 classes", "weights 0 to 3", "CSR", "lasso"])
def test_two_fits_give_the_same_bits_and_draw_no_random_number(name):
    before = np.random.get_state()  # noqa: NPY002 - the global state is what is looked at
    again = problem_of(name).fit(model(random_state=0))
    after = np.random.get_state()  # noqa: NPY002
    np.testing.assert_array_equal(before[1], after[1])
    assert before[2:] == after[2:]
    np.testing.assert_array_equal(again.coef_, fitted(name).coef_)
    np.testing.assert_array_equal(again.intercept_, fitted(name).intercept_)
    for column in set(again.history_) - {"time"}:
        np.testing.assert_array_equal(again.history_[column], fitted(name).history_[column])


# -- Dataset.sample --------------------------------------------------------------------------


def numbered(n_rows, weight=None):
    """A data set whose only feature is the number of the row."""
    X = np.arange(n_rows, dtype=np.float64)[:, np.newaxis]
    share = None if weight is None else (weight / weight.sum())[:, np.newaxis]
    return as_dataset(X, np.zeros(n_rows), share, True)


def rows_and_shares(data, size):
    """Numbers of the rows of a sample, and the share of each."""
    part = data.sample(size)
    blocks = list(part.blocks())
    rows = np.concatenate([np.asarray(b.X)[:, 0] for b in blocks]).astype(int)
    return part, rows, np.concatenate([b.shares() for b in blocks])


weights = st.lists(st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.0, 50.0]), min_size=1, max_size=300)
runs = st.sampled_from([1, 7, 1 << 16])


@given(weights, st.integers(1, 400), runs)
def test_a_sample_has_rows_of_weight_in_order_and_all_of_the_mass(weight, size, run):
    weight = np.array(weight)
    if not weight.any():
        weight[0] = 1.0
    with patch.object(base, "SHARES_PER_PARTIAL_SUM", run):
        _, rows, share = rows_and_shares(numbered(len(weight), weight), size)
    assert (np.diff(rows) > 0).all()
    assert 0 <= rows.min() <= rows.max() < len(weight)
    assert (weight[rows] > 0).all()
    assert share.sum() == pytest.approx(1)


@given(weights, st.integers(1, 400), runs, st.integers(0, 299))
def test_every_run_of_rows_has_its_part_of_a_sample(weight, size, run, cut):
    """So every class of sorted data has; the rows before a cut, to one stratum."""
    weight = np.array(weight) + 0.01
    with patch.object(base, "SHARES_PER_PARTIAL_SUM", run):
        _, rows, share = rows_and_shares(numbered(len(weight), weight), size)
    expected = weight[:cut].sum() / weight.sum()
    assert abs(share[rows < cut].sum() - expected) <= 1 / size + 1e-12


@given(st.integers(1, 500), st.integers(1, 700))
def test_without_weights_the_rows_of_a_sample_count_alike(n_rows, size):
    part, rows, share = rows_and_shares(numbered(n_rows), size)
    assert (np.diff(rows) >= 0).all()
    assert 0 <= rows[0] <= rows[-1] < n_rows
    np.testing.assert_allclose(share, 1 / size)
    counts = np.bincount(rows, minlength=n_rows)
    assert size // n_rows - 1 <= counts.min() <= counts.max() <= -(-size // n_rows) + 1
    assert part.n_rows == size


@pytest.mark.parametrize("period", [2, 3, 4, 5, 7, 8, 10, 13, 16, 64, 100])
@pytest.mark.parametrize("size", [1000, 1024, 1250, 2500, 5000])
def test_a_sample_has_no_rhythm_in_common_with_the_rows(period, size):
    _, rows, share = rows_and_shares(numbered(20000), size)
    mass = np.bincount(rows % period, weights=share, minlength=period)
    assert np.abs(mass * period - 1).max() <= 5 * np.sqrt(period / size)


def test_heavy_rows_are_taken_as_often_as_they_weigh():
    weight = np.ones(1000)
    weight[500] = 1000.0
    _, rows, share = rows_and_shares(numbered(1000, weight), 100)
    assert share[rows == 500].sum() == pytest.approx(0.5, abs=0.01)


@given(weights, st.integers(1, 400), runs, st.integers(0, 299))
def test_a_sample_by_another_mass_has_as_much_of_it_in_every_run_of_rows(weight, size, run, cut):
    """Of a mass m = share · h: Σ share · h over the rows of the sample is Σ m over all rows."""
    weight = np.array(weight)
    if not weight.any():
        weight[0] = 1.0
    data = numbered(len(weight), weight)
    h = 1 / (1 + np.arange(len(weight)))
    mass = (h * weight / weight.sum()).astype(np.float32)
    with patch.object(base, "SHARES_PER_PARTIAL_SUM", run):
        blocks = list(data.sample(size, mass).blocks())
    rows = np.concatenate([np.asarray(b.X)[:, 0] for b in blocks]).astype(int)
    found = np.concatenate([b.shares() for b in blocks]) * h[rows]
    assert (weight[rows] > 0).all()
    assert found.sum() == pytest.approx(mass.sum(), rel=1e-5)
    assert abs(found[rows < cut].sum() - mass[:cut].sum()) <= (1 / size + 1e-5) * mass.sum()


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("storage", [np.asarray, sparse.csr_array], ids=["dense", "CSR"])
def test_where_most_rows_are_certain_f_is_that_of_the_others(storage, n_classes):
    random = np.random.RandomState(0)
    X = random.standard_normal((40_000, 30))
    truth = random.standard_normal((31, n_classes if n_classes > 2 else 1))
    z = X @ truth[:-1] + truth[-1]
    y = z.argmax(axis=1) if n_classes > 2 else (z[:, 0] > 0).astype(int)
    loss = cross_entropy(n_classes)
    data = as_dataset(storage(X), loss.targets(y), None, True)
    point = Point(Objective(data, loss, ElasticNet(1e-6, 0.0, 30)), 8 * truth)
    exact = point.fisher()
    n_rows = hessian_rows(point.objective)
    assert n_rows < 0.2 * len(X)
    assert point.loss < tuning.MAX_LOSS_FOR_TRACE_SAMPLING * loss.uniform_loss

    def error(sample):
        root = np.linalg.inv(np.linalg.cholesky(exact + 1e-9 * np.eye(len(exact))))
        return np.linalg.norm(root @ (sample.fisher() - exact) @ root.T, 2)

    uniform = Point(point.objective.on(data.sample(n_rows)), point.w)
    assert error(plan.hessian_subsample(point, n_rows)) < 0.6 * error(uniform)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("score", [50.0, 102.0, 1e3, 1e6])
def test_rows_that_are_certain_beyond_rounding_do_no_harm(score, dtype):
    """a(1 − a) vanishes in the one heavy row, or in all rows."""
    random = np.random.RandomState(0)
    X = random.standard_normal((60_000, 12))
    y = (X[:, 0] > 0).astype(int)
    X[:, 0] += np.where(y, 2, -2)
    start = np.zeros((1, 12))
    start[0, 0] = score
    clf = GDLogisticRegression(C=np.inf).fit(X.astype(dtype), y, coef_init=start)
    assert clf.history_["cost"][-1] <= clf.history_["cost"][0] < 1e-20

    X = random.standard_normal((60_000, 12))
    y = (X @ random.standard_normal(12) * 2 + random.logistic(size=60_000) * 0.3 > 0).astype(int)
    plain = GDLogisticRegression(C=1e3).fit(X, y)
    j = np.abs(plain.coef_[0]).argmax()
    X[0], y[0], weight = 0, 1, np.ones(60_000)
    X[0, j] = min(score, 200.0) / plain.coef_[0, j]
    weight[0] = 6e4
    clf = GDLogisticRegression(C=1e3).fit(X.astype(dtype), y, weight)
    best = GDLogisticRegression(C=1e3, solver=NaturalGradient(exact=True)).fit(X, y, weight)
    assert clf.stop_reason_ == "tol"
    np.testing.assert_allclose(clf.history_["cost"][-1], best.history_["cost"][-1], rtol=1e-5)


def test_reading_a_part_is_a_part_of_a_pass():
    data = numbered(1000)
    for part in (data.sample(250), data.take(np.arange(250), 4.0)):
        before = data.passes.count
        part.sum(lambda rows: (rows.X.sum(),))
        assert data.passes.count == before + 0.25
    data.sample(250).sample(50).sum(lambda rows: (rows.X.sum(),))
    assert data.passes.count == 0.5 + 0.05


# -- which sizes pay -------------------------------------------------------------------------


def objective(n_rows, n_features, n_classes=2):
    X = np.broadcast_to(np.zeros((1, n_features)), (n_rows, n_features))
    loss = cross_entropy(n_classes)
    data = as_dataset(X, loss.targets(np.arange(n_rows) % n_classes), None, True)
    return Objective(data, loss, ElasticNet(1e-3, 0.0, n_features))


@pytest.mark.parametrize("n_classes", [2, 5])
@pytest.mark.parametrize("n_features", [1, 10, 100])
def test_the_cost_of_f_grows_with_its_rows(n_features, n_classes):
    it = objective(100_000, n_features, n_classes)
    costs = [hessian_cost(it, n_rows) for n_rows in (100, 1000, 10_000, 100_000)]
    assert costs == sorted(costs)
    assert costs[0] < costs[-1]
    assert hessian_cost(objective(200_000, n_features, n_classes), 1000) < hessian_cost(it, 1000)


@pytest.mark.parametrize("n_features", [1, 10, 100])
def test_samples_grow_fourfold_to_at_most_a_quarter_of_the_rows(n_features):
    before = []
    for n_rows in (1000, 4000, 20_000, 100_000, 1_000_000):
        it = objective(n_rows, n_features)
        sizes = subsample_sizes(it)
        assert len(sizes) >= len(before)
        assert all(4 * a <= b < 4 * (a + 1) for a, b in pairwise(sizes))
        assert all(MIN_SUBSAMPLE_ROWS <= size <= n_rows / 4 for size in sizes)
        before = sizes
    assert before


@pytest.mark.parametrize(("n_rows", "n_features"), [(569, 30), (1797, 64), (3000, 100)])
def test_small_data_are_not_sampled(n_rows, n_features):
    assert subsample_sizes(objective(n_rows, n_features)) == []


@pytest.mark.parametrize(("n_rows", "n_features"), [(30_000, 500), (1_000_000, 50), (10**6, 5)])
def test_a_sample_takes_little_memory_beside_x(n_rows, n_features):
    it = objective(n_rows, n_features)
    largest = max(it.data.max_rows_to_copy, 1)
    assert largest * 8 * n_features <= max(it.data.X.size * 8 / 16, 4e6)
    rows = hessian_rows(it)
    assert rows == n_rows or rows <= it.data.max_rows_to_sample
    assert all(size <= it.data.max_rows_to_sample for size in subsample_sizes(it))


# -- an L1 penalty ---------------------------------------------------------------------------


def quadratic(seed, p=60, n_free=1):
    """F of correlated features, c and λ; the last coordinates have no penalty."""
    rng = np.random.RandomState(seed)
    X = correlated(rng.standard_normal((80, p)), 0.9)
    thresholds = np.full(p, 0.3)
    thresholds[p - n_free :] = 0
    return X.T @ X / 80, X.T @ rng.standard_normal(80) / 8, thresholds, rng.standard_normal(p)


def value(fisher, c, thresholds, u):
    return u @ (0.5 * (fisher @ u) - c) + thresholds @ np.abs(u)


@pytest.mark.parametrize("n_free", [0, 1, 3])
@pytest.mark.parametrize("p", [20, 60, 120])
def test_a_quadratic_with_l1_is_minimised_exactly(p, n_free):
    fisher, c, thresholds, start = quadratic(0, p, n_free)
    u = solve_lasso(fisher, c, thresholds, start)
    slope = fisher @ u - c
    zero = (u == 0) & (thresholds > 0)
    assert 0 < zero.sum() < p
    assert (np.abs(slope[zero]) <= thresholds[zero] + 1e-9).all()
    np.testing.assert_allclose(slope[~zero], -(thresholds * np.sign(u))[~zero], atol=1e-8)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("p", [20, 60, 120])
def test_a_step_far_from_the_end_gains_most_of_what_there_is(p, seed):
    fisher, c, thresholds, start = quadratic(seed, p)
    before = value(fisher, c, thresholds, start)
    best = before - value(fisher, c, thresholds, solve_lasso(fisher, c, thresholds, start))
    rough = before - value(fisher, c, thresholds, solve_lasso(fisher, c, thresholds, start, 0.0))
    assert 0.8 * best <= rough <= best + 1e-12


def test_a_step_near_the_end_is_exact():
    fisher, c, thresholds, start = quadratic(0)
    exact = solve_lasso(fisher, c, thresholds, start)
    all_of_it = solve_lasso(fisher, c, thresholds, start, 1e6)
    np.testing.assert_allclose(all_of_it, exact, atol=1e-9)


def lasso_text():
    X = sparse_rows(6000, 2500, 0)
    weights = np.where(np.arange(2500) % 10, 0, np.random.RandomState(0).standard_normal(2500))
    y = (X @ weights + 0.2 * np.random.RandomState(1).logistic(size=6000) > 0).astype(int)
    return Problem(X, y, {"C": 1.0, "l1_ratio": 1.0})


@pytest.mark.parametrize("make", [lambda: penalised(tall(3), 0.01, 1.0), lasso_text])
def test_f_of_a_lasso_is_computed_less_often_than_steps_are_made(monkeypatch, make):
    problem, computed = make(), []
    original = FisherInformation.__call__

    def fisher(self, w, *args):
        if self.data.n_rows == len(problem.y):
            computed.append(None)
        return original(self, w, *args)

    monkeypatch.setattr(FisherInformation, "__call__", fisher)
    clf = problem.fit(model(tol=1e-7))
    n_computed = len(computed)
    exact = problem.fit(model(tol=1e-9, solver=NaturalGradient(exact=True)))
    assert clf.stop_reason_ == "tol"
    assert n_computed <= clf.n_iter_
    assert len(computed) - n_computed == exact.n_iter_ + 1
    assert cost_of(problem, clf) - cost_of(problem, exact) <= 1e-7**2 / 2 + ROUNDING
    np.testing.assert_array_equal(clf.coef_ == 0, exact.coef_ == 0)


def groups_of_near_copies(n_rows, n_features, size, differ, seed, **options):
    """Features of a group differ by little: the best one lets no other in until near the end."""
    random = np.random.RandomState(seed)
    X = np.repeat(random.standard_normal((n_rows, n_features // size)), size, axis=1)
    X += differ * random.standard_normal(X.shape)
    w = np.zeros(n_features)
    w[random.choice(n_features, 40, replace=False)] = random.standard_normal(40)
    y = (random.logistic(size=n_rows) < X @ w).astype(int)
    return Problem(X, y, {"l1_ratio": 1.0, **options})


@pytest.mark.parametrize(
    ("shape", "seed", "C", "tol"),
    [
        ((150, 600, 10), 0, 100.0, 1e-4),
        ((150, 600, 10), 2, 1000.0, 1e-5),
        ((200, 1000, 10), 2, 1000.0, 1e-5),
        ((300, 900, 5), 1, 1000.0, 1e-5),
    ],
)
def test_a_feature_without_f_does_not_let_the_descent_end_too_early(shape, seed, C, tol):
    """Near the optimum F is a hundredth of what it can be, and of a near copy less still."""
    problem = groups_of_near_copies(*shape, 0.05, seed, C=C)
    clf, best = problem.fit(model(tol=tol)), problem.fit(model(tol=1e-7))
    assert clf.stop_reason_ == "tol"
    assert cost_of(problem, clf) - cost_of(problem, best) <= tol**2 / 2


def test_a_model_of_more_features_than_f_may_have_ends_near_what_was_asked():
    """Each step changes a part of the model: the decreases of the steps to come count as well."""
    problem = groups_of_near_copies(200, 1000, 10, 0.2, 0, C=100.0)
    clf = problem.fit(model(tol=1e-3, max_iter=1000, solver=NaturalGradient(direct_limit=40)))
    best = problem.fit(model(tol=1e-7))
    assert clf.stop_reason_ == "tol"
    assert np.count_nonzero(best.coef_) > 40
    assert cost_of(problem, clf) - cost_of(problem, best) <= FACTOR**2 * 1e-3**2 / 2


def test_the_first_norm_promises_no_more_than_j_can_fall():
    """Features that a sample lacks have no curvature there, and a slope on all rows."""
    rng = np.random.RandomState(6)
    X = (rng.uniform(size=(20000, 10)) < 10.0 ** -np.linspace(0.3, 3.5, 10)).astype(float)
    y = (X @ rng.standard_normal(10) + rng.logistic(size=20000) > 0).astype(int)
    history = Problem(X, y, {"C": 10.0, "l1_ratio": 1.0}).fit(model()).history_
    assert history["gradient_norm"][0] ** 2 / 2 <= history["cost"][0]
