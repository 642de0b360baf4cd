"""A model prints no distance to the minimum that is not true."""

import re
import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from sklearn_gd_logreg import Constant, GDLogisticRegression, duality_gap

from .pairwise import pairwise
from .problems import SOLVERS, Problem, cost, load, noisy, uneven_weights

ROUNDING = 1e-14

UNKNOWN = "distance to the minimum: see duality_gap(model, X, y)"
UNBOUNDED = "distance to the minimum unknown: without a penalty there is no bound"

PROBLEMS = {
    "two classes": Problem(*noisy(150, 5, 2, seed=0)),
    "four classes": Problem(*noisy(150, 5, 4, seed=0)),
    "rare class": Problem(np.vander(np.linspace(-1, 1, 90), 4), (np.arange(90) == 70).astype(int)),
    "weighted": Problem(*noisy(150, 5, 3, seed=1), {}, uneven_weights(150)),
    "balanced": Problem(*noisy(150, 5, 3, seed=1), {"class_weight": "balanced"}),
    "scaled": Problem(*load("breast_cancer", scaled=True, rows=200)),
    "raw": Problem(*load("iris")),
    "wide": Problem(*noisy(30, 500, 2, seed=2)),
    "sparse": Problem(sparse.csr_array(noisy(150, 5, 2, seed=3)[0]), noisy(150, 5, 2, seed=3)[1]),
}


def fit(p, **options):
    """Fit whatever the warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return p.fit(GDLogisticRegression(**options))


def said(model):
    """The cost, the words about its distance from the minimum, and their number."""
    cost, words = re.fullmatch(r"cost (\S+), (.*)", str(model).splitlines()[-1]).groups()
    number = re.fullmatch(r"(?:about|less than) (\S+) above the minimum", words)
    return float(cost), words, float(number[1]) if number else None


def check(p, model, lowest):
    """What the model says is true, its cost by definition and J* being these."""
    printed, words, number = said(model)
    exact = cost(p.X, p.y, model, p.sample_weight, **p.options)
    rounding = 1e-6 if model.coef_.dtype == np.float32 else ROUNDING
    left = exact - lowest
    assert printed == pytest.approx(exact, rel=max(1e-7, rounding))
    if words == "at the minimum up to rounding":
        assert left <= rounding
    elif words.startswith("about"):
        assert 0.7 * number - rounding <= left <= 1.5 * number + rounding
    elif words.startswith("less than"):
        assert left <= number + rounding
    else:
        assert words == (UNBOUNDED if np.isinf(model.C) else UNKNOWN)
    if number is not None:
        assert number <= exact
    return words


STEPS = [(0, 0), (1, 0), (2, 0), (4, 0), (15, 0), (100, 0), (400, 1e-4), (400, 1e-7)]


@pytest.mark.parametrize(
    ("name", "fit_intercept", "penalty"),
    pairwise(PROBLEMS, [True, False], [(0.01, 0), (1, 0), (1, 0.5), (1, 1), (1e3, 0)]),
)
def test_the_distance_is_true_wherever_a_descent_ends(name, fit_intercept, penalty):
    C, l1_ratio = penalty
    options = {"C": float(C), "l1_ratio": float(l1_ratio), "fit_intercept": fit_intercept}
    p = PROBLEMS[name]
    p = Problem(p.X, p.y, p.options | options, p.sample_weight)
    tight = fit(p, tol=1e-12, max_iter=2000)
    lowest = cost(p.X, p.y, tight, p.sample_weight, **p.options)
    for solver in SOLVERS:
        words = {
            check(p, fit(p, solver=solver, max_iter=n, tol=tol), lowest).split()[0]
            for n, tol in STEPS
        }
        if solver == "natural" and not l1_ratio:
            assert words & {"about", "at"}
        elif not fit_intercept and (C, l1_ratio) == (0.01, 0):
            assert words & {"less", "at"}


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_distance_is_true_without_a_penalty(name):
    p = PROBLEMS[name]
    p = Problem(p.X, p.y, p.options | {"C": np.inf})
    separable = name in ("rare class", "wide", "raw", "scaled")
    tight = fit(p, tol=1e-12, max_iter=2000)
    lowest = 0.0 if separable else cost(p.X, p.y, tight, p.sample_weight, **p.options)
    for solver in SOLVERS:
        for n, tol in STEPS:
            model = fit(p, solver=solver, max_iter=n, tol=tol)
            words = said(model)[1]
            assert "duality_gap" not in words
            if not separable:
                check(p, model, lowest)


@pytest.mark.parametrize("solver", ["gd", "nesterov", "momentum"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_bound_is_told_where_L_is_known_and_falls_with_tol(solver, n_classes):
    p = Problem(*noisy(150, 5, n_classes, seed=0), {"C": 0.1})
    bounds = [said(fit(p, solver=solver, tol=tol))[2] for tol in (1e-3, 1e-5, 1e-7)]
    assert bounds[0] > 10 * bounds[1] > 100 * bounds[2] > 0
    assert said(fit(p, solver=solver, learning_rate=Constant(0.05), tol=1e-5))[1] == UNKNOWN


def test_a_bound_costs_no_pass():
    p = Problem(*noisy(150, 5, 2, seed=0), {"C": 0.1})
    model = fit(p, solver="gd", max_iter=20, tol=0)
    assert said(model)[2] > 0
    assert model.history_["passes"][-1] == model.history_["passes"][0] + 20


@pytest.mark.parametrize(
    "options",
    [
        {"batch_size": 16},
        {"batch_size": 16, "solver": "gd"},
        {"early_stopping": True, "solver": "gd"},
        {"solver": "gd", "learning_rate": 1e9, "max_iter": 30},
    ],
)
def test_where_nothing_is_known_no_number_is_told(options):
    p = Problem(*noisy(150, 5, 2, seed=0))
    model = fit(p, random_state=0, **options)
    assert said(model)[2] is None
    assert said(model)[1] == UNKNOWN
    assert duality_gap(model, p.X, p.y) >= 0
    streamed = GDLogisticRegression(solver=options.get("solver", "natural"))
    assert said(streamed.partial_fit(p.X, p.y, classes=[0, 1]))[1] == UNKNOWN
    assert said(streamed.set_params(C=np.inf).partial_fit(p.X, p.y))[1] == UNBOUNDED


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("l1_ratio", [0.0, 1.0])
def test_in_single_precision_too(solver, l1_ratio):
    X, y = noisy(150, 5, 2, seed=0)
    exact = X.astype(np.float32).astype(np.float64)
    p = Problem(exact, y, {"l1_ratio": l1_ratio, "fit_intercept": False})
    lowest = cost(exact, y, fit(p, tol=1e-12), **p.options)
    for n, tol in STEPS:
        model = fit(p.on(X.astype(np.float32)), solver=solver, max_iter=n, tol=tol)
        check(p, model, lowest)
