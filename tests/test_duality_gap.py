"""The duality gap bounds what a fit has left to gain, whoever made the fit, and is tight."""

import tracemalloc
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, sparse, special
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV, SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_gd_logreg import GDLogisticRegression, duality_gap
from sklearn_gd_logreg.inspection import duality, intercept
from sklearn_gd_logreg.penalty import ElasticNet

from .pairwise import pairwise
from .problems import (
    L1_RATIO_DECIDES,
    Problem,
    class_factors,
    cost,
    load,
    mean_loss_and_gradient,
    noisy,
    sparse_rows,
    uneven_weights,
)

pytestmark = pytest.mark.rounding

ROUNDING = 1e-14


def quietly(estimator, *args, **kwargs):
    """Fit whatever the warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return estimator.fit(*args, **kwargs)


def lr(*, C=1.0, l1_ratio=0.0, **options):
    """A LogisticRegression in the words of the installed version."""
    if L1_RATIO_DECIDES:
        return LogisticRegression(C=C, l1_ratio=l1_ratio, **options)
    if np.isinf(C):
        return LogisticRegression(penalty=None, **options)
    kind = {"penalty": "elasticnet", "l1_ratio": l1_ratio} if l1_ratio else {"penalty": "l2"}
    return LogisticRegression(C=C, **kind, **options)


def cost_of(problem, model):
    """J by its definition."""
    return cost(problem.X, problem.y, model, problem.sample_weight, **problem.options)


def lowest_cost(problem):
    """J* by SciPy: w is the difference of two arrays that are not negative, so J is smooth."""
    X, y, options = problem.X, problem.y, {"C": 1.0, "l1_ratio": 0.0} | problem.options
    s = class_factors(y, problem.sample_weight, options.get("class_weight"))
    strength, l1_ratio = 1 / (options["C"] * s.sum()), options["l1_ratio"]
    n_outputs = len(np.unique(y)) if len(np.unique(y)) > 2 else 1
    shape = (n_outputs, X.shape[1])
    size, has_b = n_outputs * X.shape[1], options.get("fit_intercept", True)

    def value_and_gradient(theta):
        up, down, b = np.split(theta, [size, 2 * size])
        w = (up - down).reshape(shape)
        loss, dw, db = mean_loss_and_gradient(X, y, w, b, s)
        dw = (dw + strength * (1 - l1_ratio) * w).ravel()
        ridge, rough = (1 - l1_ratio) / 2 * np.sum(w**2), l1_ratio * np.sum(up + down)
        l1 = strength * l1_ratio
        gradient = np.concatenate([dw + l1, -dw + l1, db * has_b])
        return loss + strength * (ridge + rough), gradient

    bounds = [(0, None)] * 2 * size + [(None, None)] * n_outputs
    tight = {"ftol": 1e-16, "gtol": 1e-13, "maxiter": 50_000, "maxfun": 100_000, "maxcor": 50}
    theta = np.zeros(2 * size + n_outputs)
    for _ in range(3):
        found = optimize.minimize(
            value_and_gradient, theta, jac=True, bounds=bounds, method="L-BFGS-B", options=tight
        )
        theta = found.x
    return float(found.fun)


def gap_of(problem, model):
    return duality_gap(model, problem.X, problem.y, problem.sample_weight)


# -- a table of costs -----------------------------------------------------------------------

FORMS = {
    "dense": np.asarray,
    "fortran": np.asfortranarray,
    "csr": sparse.csr_array,
    "float32": lambda X: X.astype(np.float32),
    "csr32": lambda X: sparse.csr_array(X.astype(np.float32)),
}
WEIGHTS = {
    "plain": {},
    "weighted": {"sample_weight": uneven_weights(60)},
    "by-class": {"class_weight": {0: 2.0, 1: 0.5}},
    "balanced": {"class_weight": "balanced", "sample_weight": uneven_weights(60, 1)},
}


def problem(n_classes, l1_ratio, weights, fit_intercept, C=1.0):
    X, y = noisy(60, 5, n_classes, seed=3, density=0.7)
    X = X.astype(np.float32).astype(np.float64)  # the same numbers in either precision
    more = dict(WEIGHTS[weights])
    sample_weight = more.pop("sample_weight", None)
    options = {"C": C, "l1_ratio": l1_ratio, "fit_intercept": fit_intercept} | more
    return Problem(X, y, options, sample_weight)


each_cost = pytest.mark.parametrize(
    ("n_classes", "l1_ratio", "weights", "fit_intercept"),
    pairwise([2, 4], [0.0, 0.5, 1.0], WEIGHTS, [True, False]),
)


def points(p, rng):
    """Models anywhere: at random, far out, on the way, and at the start."""
    base = p.fit(GDLogisticRegression(max_iter=0, tol=0))
    yield base
    for scale in (0.1, 1, 30, 1e4):
        model = p.fit(GDLogisticRegression(max_iter=0, tol=0))
        model.coef_ = scale * rng.standard_normal(model.coef_.shape)
        if p.options["fit_intercept"]:
            model.intercept_ = scale * rng.standard_normal(model.intercept_.shape)
        yield model
    for solver, steps in (("natural", 1), ("natural", 3), ("gd", 7), ("nesterov", 20)):
        yield quietly(
            GDLogisticRegression(solver=solver, max_iter=steps, tol=0, **p.options),
            p.X, p.y, p.sample_weight,
        )  # fmt: skip


@each_cost
def test_it_bounds_what_is_left_at_any_point(n_classes, l1_ratio, weights, fit_intercept):
    p = problem(n_classes, l1_ratio, weights, fit_intercept)
    lowest = lowest_cost(p)
    for model in points(p, np.random.default_rng(0)):
        found = duality_gap(model, p.X, p.y, p.sample_weight)
        assert found.cost == pytest.approx(cost_of(p, model), rel=1e-12)
        assert 0 <= found.lower_bound <= lowest + ROUNDING
        assert found.gap == max(found.cost - found.lower_bound, 0)
        assert found.gap >= found.cost - lowest - ROUNDING * found.cost
        assert found.gap <= 1.011 * (found.cost - lowest) + 1e-9


@each_cost
def test_nothing_is_left_at_the_optimum(n_classes, l1_ratio, weights, fit_intercept):
    p = problem(n_classes, l1_ratio, weights, fit_intercept)
    ours = p.fit(GDLogisticRegression(tol=1e-9))
    assert gap_of(p, ours) <= 1e-9
    if not l1_ratio:
        assert gap_of(p, p.optimum()) <= 1e-9


@pytest.mark.parametrize(
    ("form", "n_classes", "fit_intercept"), pairwise(FORMS, [2, 4], [True, False])
)
def test_the_storage_of_the_rows_makes_no_difference(form, n_classes, fit_intercept):
    p = problem(n_classes, 0.5, "weighted", fit_intercept)
    for model in points(p, np.random.default_rng(1)):
        expected = duality_gap(model, p.X, p.y, p.sample_weight)
        found = duality_gap(model, FORMS[form](p.X), p.y, p.sample_weight)
        assert found.cost == pytest.approx(expected.cost, rel=1e-12)
        assert found.lower_bound == pytest.approx(expected.lower_bound, rel=1e-9, abs=1e-12)


@given(
    seed=st.integers(0, 10_000),
    n_rows=st.integers(4, 30),
    n_features=st.integers(1, 8),
    n_classes=st.integers(2, 4),
    log_C=st.floats(-4, 12),
    l1_ratio=st.sampled_from([0.0, 0.01, 0.5, 0.99, 1 - 1e-6, 1.0]),
    steps=st.sampled_from([0, 3]),
    scale=st.floats(0, 20),
    fit_intercept=st.booleans(),
)
def test_it_is_a_bound_for_any_two_models(
    seed, n_rows, n_features, n_classes, log_C, l1_ratio, steps, scale, fit_intercept
):
    """No J is below the bound that any parameters give: here those of another model."""
    X, y = noisy(n_rows, n_features, n_classes, seed)
    rng = np.random.default_rng(seed)
    options = {"C": 10**log_C, "l1_ratio": l1_ratio, "fit_intercept": fit_intercept}
    p = Problem(X, y, options, rng.exponential(size=n_rows) + 0.01)
    model, low = (
        quietly(GDLogisticRegression(max_iter=k, tol=0, **options), X, y, p.sample_weight)
        for k in (0, 30)
    )
    model.coef_ = scale * rng.standard_normal(model.coef_.shape)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duality, "MAX_DESCENT_STEPS", steps)
        found = duality_gap(model, X, y, p.sample_weight)
    assert found.lower_bound <= cost_of(p, low) + ROUNDING
    assert found.gap >= cost_of(p, model) - cost_of(p, low) - ROUNDING * found.cost


# -- a penalty of next to nothing -------------------------------------------------------------

DATA = {
    "two classes": noisy(300, 6, 2, seed=0),
    "three classes": noisy(300, 6, 3, seed=0),
    "breast_cancer": load("breast_cancer", scaled=True),
    "iris": load("iris", scaled=True),
}


@pytest.mark.parametrize(
    ("fit_intercept", "l1_ratio", "name", "C"),
    pairwise([True, False], [1.0, 1 - 1e-6, 0.99, 0.0], DATA, 10.0 ** np.arange(-2, 11, 2)),
)
def test_the_gap_at_the_optimum_does_not_grow_with_C(name, l1_ratio, fit_intercept, C):
    """|X'r| exceeds l1 by what the fit left, and by rounding: much beside l1, nothing beside J."""
    X, y = DATA[name]
    p = Problem(X, y, {"C": C, "l1_ratio": l1_ratio, "fit_intercept": fit_intercept})
    model = quietly(GDLogisticRegression(tol=1e-10, **p.options), X, y)
    if model.stop_reason_ != "max_iter":
        assert gap_of(p, model) <= (1e-9 if C <= 1e8 else 1e-7)


@pytest.mark.parametrize(
    ("l1_ratio", "name", "C"), pairwise([1.0, 1 - 1e-6], DATA, [1e6, 1e8, 1e10])
)
def test_the_gap_bounds_what_is_left_under_a_penalty_of_next_to_nothing(name, l1_ratio, C):
    X, y = DATA[name]
    p = Problem(X, y, {"C": C, "l1_ratio": l1_ratio})
    tight = GDLogisticRegression(tol=1e-12, max_iter=3000, **p.options)
    lowest = cost_of(p, quietly(tight, X, y))
    for steps in (1, 3, 6, 12):
        halted = quietly(GDLogisticRegression(max_iter=steps, tol=0, **p.options), X, y)
        found = duality_gap(halted, X, y)
        left = found.cost - lowest
        assert left - ROUNDING <= found.gap <= 1.02 * left + 1e-7


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_the_gap_is_tight_at_an_optimum_made_by_hand(n_classes, fit_intercept):
    """Rows once with each label, in the proportions of the model: no model has a lower loss."""
    rng = np.random.default_rng(n_classes)
    weights = rng.standard_normal((max(1, n_classes - 1), 3)).round(1)
    coef = weights if n_classes == 2 else np.vstack([weights, np.zeros(3)])
    centres = rng.standard_normal((40, 3)).round(2)
    z = centres @ coef.T
    a = special.softmax(np.hstack([0 * z, z]) if n_classes == 2 else z, axis=1)
    X, y = np.repeat(centres, n_classes, axis=0), np.tile(np.arange(n_classes), 40)
    weight = a.ravel()
    for C in (1e4, 1e8, 1e12):
        for l1_ratio in (1.0, 1 - 1e-6):
            options = {"C": C, "l1_ratio": l1_ratio, "fit_intercept": fit_intercept}
            model = quietly(GDLogisticRegression(max_iter=0, tol=0, **options), X, y, weight)
            model.coef_ = coef.copy()
            least = -weight @ np.log(weight) / weight.sum()  # of the loss, at this model
            found = duality_gap(model, X, y, weight)
            shrinkage = found.cost - least  # J* is between the two
            assert found.lower_bound <= found.cost + 1e-15
            assert found.lower_bound >= least - 1e-9
            assert found.gap <= shrinkage + 1e-9


# -- against the formula, written out anew --------------------------------------------------


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_it_is_no_worse_than_the_formula_for_two_classes(fit_intercept):
    p = problem(2, 0.0, "weighted", fit_intercept)
    share, l2 = p.sample_weight / p.sample_weight.sum(), 1 / p.sample_weight.sum()
    for model in points(p, np.random.default_rng(2)):
        z = p.X @ model.coef_[0]
        if fit_intercept:
            z = z + optimize.brentq(lambda b: share @ (special.expit(z + b) - p.y), -1e6, 1e6)  # noqa: B023
        a = special.expit(z)
        g = p.X.T @ (share * (a - p.y))
        entropy = share @ (special.entr(a) + special.entr(special.expit(-z)))
        found = duality_gap(model, p.X, p.y, p.sample_weight)
        assert found.lower_bound >= entropy - g @ g / (2 * l2) - 1e-10
    ours = p.fit(GDLogisticRegression(tol=1e-3))
    gap = gap_of(p, ours)
    assert gap < 1e-3


def test_it_holds_however_inexact_the_intercept_is(monkeypatch):
    """Without any step for b the residuals do not balance; the repair alone makes a bound."""
    monkeypatch.setattr(duality, "MAX_DESCENT_STEPS", 0)
    for n_classes in (2, 4):
        p = problem(n_classes, 0.0, "weighted", fit_intercept=True)
        lowest = cost_of(p, p.optimum())
        best = p.fit(GDLogisticRegression(tol=1e-9))
        best.intercept_ = best.intercept_ + np.arange(1.0, 1 + len(best.intercept_))
        exact = duality_gap(best, p.X, p.y, p.sample_weight)
        assert exact.lower_bound == pytest.approx(lowest, abs=1e-9)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(intercept, "MAX_INTERCEPT_STEPS", 0)
            rough = duality_gap(best, p.X, p.y, p.sample_weight)
            assert rough.cost == exact.cost
            assert 0 < rough.lower_bound < exact.lower_bound
            for model in points(p, np.random.default_rng(3)):
                bound = duality_gap(model, p.X, p.y, p.sample_weight).lower_bound
                assert bound <= lowest + ROUNDING


def test_the_conjugate_of_the_penalty_is_the_largest_difference():
    rng = np.random.default_rng(0)
    dw = rng.standard_normal((4, 2))
    for l2, l1 in ((0.7, 0.0), (0.7, 0.4), (1e-3, 0.9)):
        penalty = ElasticNet(l2, l1, 4)
        best = penalty.conjugate_gradient(dw)
        assert penalty.conjugate(dw) == pytest.approx(np.vdot(dw, best) - penalty.value(best))
        for _ in range(20):
            w = best + rng.standard_normal(dw.shape)
            assert np.vdot(dw, w) - penalty.value(w) < penalty.conjugate(dw)
    lasso = ElasticNet(0.0, 1.0, 4)
    assert lasso.conjugate(dw / np.abs(dw).max()) == 0
    assert lasso.conjugate(1.001 * dw / np.abs(dw).max()) == np.inf


# -- other people's models ------------------------------------------------------------------


@pytest.mark.parametrize("name", ["breast_cancer", "iris", "digits"])
@pytest.mark.parametrize("scaled", [False, True])
def test_it_exposes_a_fit_that_was_cut_short(name, scaled):
    p = Problem(*load(name, scaled))
    cut_short = quietly(LogisticRegression(max_iter=3), p.X, p.y)
    left = cost_of(p, cut_short) - cost_of(p, p.fit(GDLogisticRegression(tol=1e-9)))
    assert left > 0.01
    assert left <= gap_of(p, cut_short) <= 1.02 * left


SOLVERS = ["lbfgs", "newton-cg", "newton-cholesky", "sag", "saga"]


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("name", ["breast_cancer", "iris"])
def test_it_certifies_every_solver(solver, name):
    p = Problem(*load(name, scaled=True), {"class_weight": "balanced"})
    tight = LogisticRegression(solver=solver, tol=1e-8, max_iter=50_000, class_weight="balanced")
    model = quietly(tight, p.X, p.y)
    lowest = cost_of(p, p.fit(GDLogisticRegression(tol=1e-9)))
    assert gap_of(p, model) <= 1e-9
    assert gap_of(p, model) >= cost_of(p, model) - lowest - ROUNDING


def test_liblinear_is_held_against_the_cost_without_its_penalty_on_the_intercept():
    X, y = load("breast_cancer", scaled=True)
    X = X + 1  # so that the intercept matters
    with_b, without_b = (
        quietly(lr(solver="liblinear", tol=1e-10, fit_intercept=b), X, y) for b in (True, False)
    )
    p = Problem(X, y)
    lowest = cost_of(p, p.optimum())
    left = cost_of(p, with_b) - lowest
    assert left > 1e-7
    assert left - ROUNDING <= gap_of(p, with_b) <= 1.02 * left
    assert gap_of(p, without_b) <= 1e-9


@pytest.mark.skipif(not hasattr(LogisticRegression(), "penalty"), reason="no penalty any more")
@pytest.mark.parametrize(
    ("words", "same"),
    [
        ({"penalty": "l2"}, {}),
        ({"penalty": "l1"}, {"l1_ratio": 1.0}),
        ({"penalty": "elasticnet", "l1_ratio": 0.3}, {"l1_ratio": 0.3}),
    ],
)
def test_penalties_by_name_are_those_by_number(words, same):
    X, y = load("iris", scaled=True)
    model = quietly(LogisticRegression(solver="saga", max_iter=20, C=0.3, **words), X, y)
    ours = GDLogisticRegression(C=0.3, max_iter=0, tol=0, **same)
    ours.fit(X, y, coef_init=model.coef_, intercept_init=model.intercept_)
    assert duality_gap(model, X, y) == duality_gap(ours, X, y)


def test_a_search_over_C_is_certified_at_the_C_it_chose():
    X, y = load("breast_cancer", scaled=True)
    kinds = {"l1_ratios": (0,), "use_legacy_attributes": False} if L1_RATIO_DECIDES else {}
    search = quietly(LogisticRegressionCV(Cs=[0.01, 0.1], cv=3, tol=1e-8, **kinds), X, y)
    chosen = quietly(LogisticRegression(C=float(np.ravel(search.C_)[0]), tol=1e-8), X, y)
    assert duality_gap(search, X, y) <= 1e-9
    found = duality_gap(search, X, y)
    assert found.lower_bound == pytest.approx(duality_gap(chosen, X, y).lower_bound, abs=1e-9)


def test_a_pipeline_is_certified_at_its_last_step():
    X, y = load("breast_cancer")
    for last in (GDLogisticRegression(), LogisticRegression()):
        pipe = make_pipeline(StandardScaler(), make_pipeline(StandardScaler(), last)).fit(X, y)
        Z = StandardScaler().fit_transform(StandardScaler().fit_transform(X))
        assert duality_gap(pipe, X, y) == duality_gap(last, Z, y)
        alone = make_pipeline(last)
        assert duality_gap(alone, Z, y) == duality_gap(last, Z, y)


def test_frames_and_labels_of_any_kind():
    X, codes = load("iris", scaled=True)
    y = np.array(["setosa", "versicolor", "virginica"])[codes]
    frame = pd.DataFrame(X, columns=list("abcd"))
    model = GDLogisticRegression(tol=1e-8).fit(frame, y)
    assert duality_gap(model, frame, pd.Series(y)) <= 1e-9
    with pytest.raises(ValueError, match="feature names"):
        duality_gap(model, frame.rename(columns={"a": "z"}), y)


def test_a_sparsified_model_stays_as_it_is():
    X, y = load("iris", scaled=True)
    model = quietly(LogisticRegression(), X, y)
    expected = duality_gap(model, X, y)
    model.sparsify()
    assert duality_gap(model, X, y) == expected
    assert sparse.issparse(model.coef_)


# -- rows and weights -----------------------------------------------------------------------


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("class_weight", [None, "balanced"])
def test_a_weight_is_a_number_of_copies_and_0_is_absence(n_classes, class_weight):
    X, y = noisy(50, 4, n_classes, seed=5)
    copies = np.random.default_rng(0).integers(0, 4, 50)
    copies[:n_classes] = 1
    for steps in (0, 2, 50):
        model = GDLogisticRegression(max_iter=steps, tol=0, class_weight=class_weight)
        quietly(model, X, y, copies)
        model.coef_ = 3 * model.coef_  # so that longer residuals are better
        weighted = duality_gap(model, X, y, copies)
        repeated = duality_gap(model, np.repeat(X, copies, axis=0), np.repeat(y, copies))
        assert weighted == pytest.approx(repeated, rel=1e-9, abs=1e-13)
        damaged = np.where(copies[:, np.newaxis] == 0, 1e6, X)
        assert duality_gap(model, damaged, y, copies) == pytest.approx(weighted, abs=1e-12)


def test_a_row_of_weight_0_does_not_stop_residuals_from_being_lengthened():
    X, y = np.array([[-1.0], [1.0], [5.0]]), np.array([0, 1, 0])
    far = GDLogisticRegression(max_iter=0, tol=0).fit(X[:2], y[:2], coef_init=[[4.0]])
    absent, weightless = duality_gap(far, X[:2], y[:2]), duality_gap(far, X, y, [1, 1, 0])
    assert absent.lower_bound > 0.1
    assert weightless == pytest.approx(absent, rel=1e-9)


def test_separable_rows():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((80, 3))
    for y in ((X[:, 0] > 0).astype(int), np.digitize(X[:, 0], [-0.5, 0.5])):
        for C in (1e-3, 1.0, 1e6):
            p = Problem(X, y, {"C": C})
            assert gap_of(p, p.fit(GDLogisticRegression(tol=1e-9))) <= 1e-9
            lowest = cost_of(p, p.fit(GDLogisticRegression(tol=1e-12)))
            for model in points(Problem(X, y, {"C": C, "fit_intercept": True}), rng):
                assert gap_of(p, model) >= cost_of(p, model) - lowest - 1e-12 * cost_of(p, model)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("l1_ratio", [0.0, 0.5])
def test_more_features_than_rows(n_classes, l1_ratio):
    X = sparse_rows(60, 3000, seed=0)
    y = np.arange(60) % n_classes
    model = GDLogisticRegression(tol=1e-9, l1_ratio=l1_ratio, C=10.0).fit(X, y)
    assert duality_gap(model, X, y) <= 1e-9
    halted = quietly(GDLogisticRegression(tol=0, max_iter=1, l1_ratio=l1_ratio, C=10.0), X, y)
    left = duality_gap(halted, X, y).cost - duality_gap(model, X, y).cost
    assert duality_gap(halted, X, y) >= left


def test_it_takes_memory_for_a_few_numbers_a_row():
    X, y = noisy(100_000, 20, 2, seed=0)
    model = GDLogisticRegression(tol=1e-8).fit(X, y)
    duality_gap(model, X[:100], y[:100])
    tracemalloc.start()
    try:
        assert duality_gap(model, X, y) <= 1e-9
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak <= 7 * 8 * len(y) + 4e6


def test_neither_model_nor_data_is_changed():
    X, y = noisy(40, 3, 3, seed=0)
    model = GDLogisticRegression(max_iter=2, tol=0).fit(X, y)
    before, X_before = {k: np.copy(v) for k, v in vars(model).items()}, X.copy()
    X.setflags(write=False)
    assert duality_gap(model, X, y) == duality_gap(model, X, y)
    assert np.array_equal(X, X_before)
    assert before.keys() == vars(model).keys()
    assert np.array_equal(before["coef_"], model.coef_)


# -- what is refused ------------------------------------------------------------------------

X3, Y3 = noisy(30, 3, 3, seed=0)
X2, Y2 = noisy(30, 3, 2, seed=0)


def fitted(model, X=X2, y=Y2):
    return quietly(model, X, y)


REFUSED = {
    "no penalty": (fitted(GDLogisticRegression(C=np.inf)), X2, Y2, "without a penalty"),
    "none of theirs": (fitted(lr(C=np.inf)), X2, Y2, "large but finite C"),
    "another estimator": (fitted(SGDClassifier()), X2, Y2, "SGDClassifier"),
    "columns": (fitted(LogisticRegression()), X2[:, :2], Y2, "expecting 3 features"),
    "unseen label": (fitted(GDLogisticRegression()), X3, Y3, r"Got \[2\] as well"),
    "absent class": (fitted(GDLogisticRegression(), X3, Y3), X3, Y3 % 2, r"none of \[2\]"),
    "one class": (fitted(LogisticRegression()), X2, np.zeros(30, int), "only one class"),
    "NaN": (fitted(GDLogisticRegression()), np.full((30, 3), np.nan), Y2, "NaN"),
    "length": (fitted(GDLogisticRegression()), X2, Y2[:-1], "inconsistent numbers"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_has_no_certificate_is_refused(case):
    model, X, y, words = REFUSED[case]
    with pytest.raises(ValueError, match=words):
        duality_gap(model, X, y)


def test_one_versus_rest_is_refused():
    model = LogisticRegression(solver="lbfgs")
    quietly(model, X3, Y3).set_params(solver="liblinear")  # as older versions fitted it
    with pytest.raises(ValueError, match="one-vs-rest"):
        duality_gap(model, X3, Y3)


def test_a_model_that_is_not_fitted_is_refused():
    for model in (
        GDLogisticRegression(),
        LogisticRegression(),
        make_pipeline(LogisticRegression()),
    ):
        with pytest.raises(NotFittedError):
            duality_gap(model, X2, Y2)


def test_weights_that_are_none_are_refused():
    model = fitted(GDLogisticRegression())
    with pytest.raises(ValueError, match="sample_weight"):
        duality_gap(model, X2, Y2, sample_weight=-np.ones(30))
