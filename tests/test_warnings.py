"""A descent that did not get there says so, says why, and says what to do; warm starts go on."""

import re
import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler

from sklearn_gd_logreg import (
    Backtracking,
    CosineDecay,
    ExponentialDecay,
    GDLogisticRegression,
    GradientDescent,
    Momentum,
    Nesterov,
)

SOLVERS = ["gd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "natural"]
RAW = load_breast_cancer(return_X_y=True)
SCALED = StandardScaler().fit_transform(RAW[0]), RAW[1]
IRIS = load_iris(return_X_y=True)
SCALED_IRIS = StandardScaler().fit_transform(IRIS[0]), IRIS[1]


def fit_and_warning(X, y, sample_weight=None, *, start=None, **params):
    """A fitted estimator and the one warning of its fit."""
    clf = GDLogisticRegression(**params)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        clf.fit(X, y, sample_weight, coef_init=start)
    assert [(w.category, w.filename) for w in caught] == [(ConvergenceWarning, __file__)], [
        str(w.message) for w in caught
    ]
    return clf, str(caught[0].message)


def number_after(words, message):
    """The number that follows these words."""
    return float(re.search(re.escape(words) + r"\s*([-+.\de]+?)[.,;]?(\s|$)", message).group(1))


def remedies(message):
    """The numbered remedies, in the order of their numbers."""
    found = re.findall(r"\((\d+)\) ", message)
    assert [int(number) for number in found] == list(range(1, len(found) + 1))
    return re.split(r"\(\d+\) ", message)[1:]


def curvature(X, sample_weight=None, n_classes=2, C=1.0, fit_intercept=True):
    """L: the largest eigenvalue of the bound on the Hessian, by way of the full matrix."""
    s = np.ones(len(X)) if sample_weight is None else sample_weight
    Z = np.column_stack([X, np.ones(len(X))]) if fit_intercept else X
    bound = Z.T @ (Z * (s / s.sum())[:, np.newaxis]) / (4 if n_classes == 2 else 2)
    features = range(X.shape[1])
    bound[features, features] += 1 / (C * s.sum())
    return np.linalg.eigvalsh(bound)[-1]


def cost(clf, X, y, sample_weight=None):
    """J of the model with an L2 penalty, from its probabilities."""
    s = np.ones(len(y)) if sample_weight is None else sample_weight
    loss = log_loss(y, clf.predict_proba(X), sample_weight=s)
    return loss + np.square(clf.coef_).sum() / (2 * clf.C * s.sum())


# -- out of iterations --------------------------------------------------------------------


@pytest.mark.parametrize("batch_size", [None, 100])
@pytest.mark.parametrize("solver", SOLVERS)
def test_the_warning_gives_iterations_gradient_norm_and_tolerance(solver, batch_size):
    params = {"solver": solver, "batch_size": batch_size, "max_iter": 2, "tol": 3.25e-7}
    clf, message = fit_and_warning(*RAW, random_state=0, **params)
    assert clf.stop_reason_ == "max_iter"
    assert "max_iter=2 " in message
    norm = clf.history_["gradient_norm"][-1]
    assert number_after("gradient norm is", message) == pytest.approx(norm, rel=5e-3)
    assert "tol is 3.25e-07" in message
    assert "raise max_iter" in remedies(message)[-1]


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("solver", [s for s in SOLVERS if s != "natural"])
def test_uneven_features_are_named_with_the_ratio_of_their_scales(solver, weighted, container):
    X, y = RAW
    weights = np.arange(len(y)) % 3.0 if weighted else None
    _, message = fit_and_warning(container(X), y, weights, solver=solver, max_iter=2)
    scales = np.sqrt(np.average(X**2, axis=0, weights=weights))
    ratio = number_after("largest feature scale is", message)
    assert ratio == pytest.approx(scales.max() / scales.min(), rel=5e-3)
    listed = remedies(message)
    words = ["StandardScaler", "solver='natural'", "max_iter"]
    assert [word in remedy for word, remedy in zip(words, listed, strict=True)] == [True] * 3


@pytest.mark.parametrize(
    ("scaled", "solver"), [(False, "natural"), *((True, solver) for solver in SOLVERS)]
)
def test_scales_are_not_blamed_where_they_are_not_the_cause(scaled, solver):
    _, message = fit_and_warning(*(SCALED if scaled else RAW), solver=solver, max_iter=1, tol=1e-9)
    assert "scale" not in message
    assert len(remedies(message)) == (1 if solver == "natural" else 2)


def test_a_feature_that_is_always_zero_has_no_scale():
    X, y = SCALED
    _, message = fit_and_warning(np.column_stack([X, 0 * y]), y, solver="gd", max_iter=1)
    assert "scale" not in message


@pytest.mark.parametrize("solver", SOLVERS)
def test_no_solver_is_told_to_use_itself(solver):
    _, message = fit_and_warning(*RAW, solver=solver, max_iter=1, tol=1e-9)
    assert ("natural" in message) == (solver != "natural")


# -- rates that are too long --------------------------------------------------------------

PROBLEMS = {
    "two classes": (SCALED, {}),
    "three classes": (SCALED_IRIS, {}),
    "raw": (RAW, {}),
    "penalised": (SCALED, {"C": 1e-3}),
    "unpenalised": (SCALED_IRIS, {"C": np.inf}),
    "without intercept": (IRIS, {"fit_intercept": False}),
}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("problem", PROBLEMS)
def test_a_rate_above_two_over_l_is_named_with_that_bound_and_one_below_is_not(problem, weighted):
    (X, y), params = PROBLEMS[problem]
    weights = np.arange(len(y)) % 3.0 if weighted else None
    stable = 2 / curvature(X, weights, len(np.unique(y)), **params)
    params = {"solver": "gd", "max_iter": 1, "tol": 1e-12, **params}
    _, message = fit_and_warning(X, y, weights, learning_rate=1.01 * stable, **params)
    assert number_after("2/L =", message) == pytest.approx(stable, rel=6e-3)
    assert number_after("learning rate", message) == pytest.approx(1.01 * stable, rel=6e-3)
    assert "learning_rate" in remedies(message)[0]
    _, message = fit_and_warning(X, y, weights, learning_rate=0.99 * stable, **params)
    assert "2/L" not in message
    assert "learning_rate" not in message


def quadratic(**params):
    """A fit of a cost that is all penalty: its curvature is L everywhere."""
    X, y = SCALED
    C = 1e-6
    L = curvature(X, C=C, fit_intercept=False)
    return (X, y), L, {"C": C, "fit_intercept": False, "tol": 1e-8, "max_iter": 3000} | params


STABLE = {
    "gd": ("2/L", GradientDescent(), 2),
    "momentum": ("2(1 + β)/L", Momentum(0.9), 3.8),
    "little momentum": ("2(1 + β)/L", Momentum(0.3), 2.6),
    "nesterov": ("4/(3L)", Nesterov(), 4 / 3),
}
"""How the largest stable rate is written, the rule, and that rate in units of 1/L."""


@pytest.mark.parametrize("name", STABLE)
def test_what_is_said_to_be_the_largest_stable_rate_is_the_largest_stable_rate(name):
    formula, rule, largest = STABLE[name]
    data, L, params = quadratic(solver=rule)
    below = GDLogisticRegression(learning_rate=0.97 * largest / L, **params).fit(*data)
    assert below.stop_reason_ == "tol"
    above, message = fit_and_warning(*data, learning_rate=1.03 * largest / L, **params)
    assert above.history_["cost"][-1] > above.history_["cost"][0]
    assert number_after(f"{formula} =", message) == pytest.approx(largest / L, rel=6e-3)


@pytest.mark.parametrize("name", STABLE)
def test_a_stable_rate_is_not_blamed(name):
    _, rule, largest = STABLE[name]
    data, L, params = quadratic(solver=rule, max_iter=3)
    _, message = fit_and_warning(*data, learning_rate=0.97 * largest / L, **params)
    assert "stable" not in message


def test_the_natural_step_is_stable_up_to_twice_its_length():
    data, _, params = quadratic(max_iter=400)
    assert GDLogisticRegression(learning_rate=1.94, **params).fit(*data).stop_reason_ == "tol"
    _, message = fit_and_warning(*data, learning_rate=2.06, **params)
    assert "largest stable one for these data, 2" in message or "are 2 = 2" in message


def test_a_rate_found_by_backtracking_is_not_called_too_long():
    params = {"solver": "gd", "learning_rate": Backtracking(), "max_iter": 30, "tol": 1e-9}
    clf, message = fit_and_warning(*SCALED_IRIS, **params)
    stable = 2 / curvature(SCALED_IRIS[0], n_classes=3)
    assert clf.history_["learning_rate"][-1] > stable
    assert (np.diff(clf.history_["cost"]) < 0).all()
    assert "lower learning_rate" not in message


def test_a_schedule_is_judged_by_the_rate_it_ended_with():
    stable = 2 / curvature(SCALED[0])
    params = {"solver": "gd", "max_iter": 8, "tol": 1e-9}
    falling = CosineDecay(2 * stable, steps=8)
    _, message = fit_and_warning(*SCALED, learning_rate=falling, **params)
    assert "2/L" not in message


@pytest.mark.parametrize("batch_size", [None, 100])
def test_a_rate_that_fell_to_nothing_is_not_blamed_on_rounding(batch_size):
    params = {"solver": "gd", "max_iter": 1500, "batch_size": batch_size, "random_state": 0}
    rate = ExponentialDecay(0.01, decay=0.3)
    clf = GDLogisticRegression(learning_rate=rate, tol=1e-300, **params)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        clf.fit(*SCALED)
    assert not [w for w in caught if "rounding" in str(w.message)]
    assert clf.stop_reason_ != "stalled"


# -- divergence ---------------------------------------------------------------------------

TOO_LONG = {
    f"{solver}, {name}": (data, {"solver": solver, "learning_rate": 1e300})
    for solver in SOLVERS
    for name, data in {"two classes": RAW, "three classes": IRIS}.items()
} | {
    "all at once": (RAW, {"solver": "gd", "learning_rate": 1e308}),
    "penalty": (SCALED, {"solver": "gd", "learning_rate": 2.0, "C": 1e-4}),
    "penalty, momentum": (SCALED, {"solver": "momentum", "learning_rate": 5.0, "C": 1e-4}),
    "slowly": (SCALED, {"solver": "gd", "learning_rate": 5.0, "C": 1e-3}),
    "without stopping": (SCALED, {"solver": "gd", "learning_rate": 5.0, "C": 1e-3, "tol": 0}),
    "elastic net": (
        SCALED_IRIS,
        {"solver": "gd", "learning_rate": 50.0, "C": 1e-4, "l1_ratio": 1e-3},
    ),
    "float32": ((RAW[0].astype("f4"), RAW[1]), {"solver": "gd", "learning_rate": 1e30}),
    "float32, all at once": (
        (RAW[0].astype("f4"), RAW[1]),
        {"solver": "gd", "learning_rate": 1e300},
    ),
    "CSR": ((sparse.csr_array(RAW[0]), RAW[1]), {"solver": "gd", "learning_rate": 1e300}),
}


@pytest.mark.parametrize("case", TOO_LONG)
def test_after_divergence_the_best_finite_point_is_kept_and_one_warning_tells(case):
    (X, y), params = TOO_LONG[case]
    clf, message = fit_and_warning(X, y, **params)
    history = clf.history_
    assert clf.stop_reason_ == "diverged"
    assert clf.n_iter_ == len(history["cost"]) - 1
    assert np.isfinite([a[1:] for a in history.values()]).all()
    assert np.isfinite(clf.coef_).all()
    assert f"iteration {clf.n_iter_ + 1}," in message
    assert number_after("with learning rate", message) == pytest.approx(params["learning_rate"])
    if not params.get("l1_ratio"):
        assert cost(clf, X, y) == pytest.approx(history["cost"].min(), rel=1e-6)


@pytest.mark.parametrize("case", ["gd, two classes", "momentum, three classes", "slowly", "CSR"])
def test_after_divergence_the_largest_stable_rate_is_told(case):
    (X, y), params = TOO_LONG[case]
    _, message = fit_and_warning(X, y, **params)
    dense = X.toarray() if sparse.issparse(X) else X
    L = curvature(dense, n_classes=len(np.unique(y)), C=params.get("C", 1.0))
    formula, _, largest = STABLE[params["solver"]]
    assert number_after(f"{formula} =", message) == pytest.approx(largest / L, rel=6e-3)


def test_the_best_point_before_divergence_need_not_be_the_first():
    X, y = SCALED
    good, bad = 0.1, 1e300
    rate = {False: good, True: bad}
    clf, _ = fit_and_warning(X, y, solver="gd", learning_rate=lambda k: rate[k >= 7], max_iter=20)
    assert (clf.stop_reason_, clf.n_iter_, clf.history_["cost"].argmin()) == ("diverged", 7, 7)
    whole = GDLogisticRegression(solver="gd", learning_rate=good, max_iter=7, tol=0).fit(X, y)
    np.testing.assert_array_equal(clf.coef_, whole.coef_)


@pytest.mark.parametrize("solver", SOLVERS)
def test_divergence_is_noticed_with_mini_batches_too(solver):
    params = {"solver": solver, "learning_rate": 1e300, "batch_size": 100, "random_state": 0}
    clf, message = fit_and_warning(*RAW, **params)
    assert clf.stop_reason_ == "diverged"
    assert f"iteration {clf.n_iter_ + 1}," in message
    assert np.isfinite([a[1:] for a in clf.history_.values()]).all()
    assert cost(clf, *RAW) == pytest.approx(np.log(2))


@pytest.mark.parametrize("batch_size", [None, 100])
@pytest.mark.parametrize("solver", SOLVERS)
def test_the_remedies_for_divergence_are_others_than_what_failed(solver, batch_size):
    params = {"solver": solver, "learning_rate": 1e300, "batch_size": batch_size}
    _, message = fit_and_warning(*RAW, random_state=0, **params)
    assert "smaller learning_rate" in message
    assert ("solver='natural'" in message) == (solver != "natural")
    assert ("'backtracking'" in message) == (batch_size is None)


@pytest.mark.parametrize("tol", [0, 1e-4])
@pytest.mark.parametrize("solver", ["gd", "momentum"])
def test_mini_batches_whose_cost_only_grows_do_not_count_as_converged(solver, tol):
    params = {"solver": solver, "learning_rate": 2.0, "C": 1e-4, "batch_size": 50}
    clf, _ = fit_and_warning(*SCALED, random_state=0, tol=tol, **params)
    assert (np.diff(clf.history_["cost"]) > 0).all()
    assert clf.stop_reason_ != "tol"


STARTS = [*(("scaled", s) for s in SOLVERS), *(("iris", s) for s in SOLVERS), ("raw", "natural")]


@pytest.mark.parametrize(("data", "solver"), STARTS)
def test_mini_batches_that_start_at_the_optimum_stay_there_without_a_warning(data, solver):
    X, y = {"scaled": SCALED, "iris": SCALED_IRIS, "raw": RAW}[data]
    best = GDLogisticRegression(tol=1e-8).fit(X, y)
    clf = GDLogisticRegression(solver=solver, batch_size=16, random_state=0)
    clf.fit(X, y, coef_init=best.coef_, intercept_init=best.intercept_)
    assert clf.stop_reason_ == "tol"
    assert cost(clf, X, y) < 1.2 * cost(best, X, y)


def test_a_diverged_fit_can_be_fitted_again():
    clf, _ = fit_and_warning(*SCALED, solver="gd", learning_rate=1e300)
    again = clf.set_params(learning_rate="auto", max_iter=5000, tol=1e-3).fit(*SCALED)
    assert again.stop_reason_ == "tol"


# -- rounding -----------------------------------------------------------------------------


DATA = {"two": RAW, "two, scaled": SCALED, "three": IRIS, "three, scaled": SCALED_IRIS}

SEARCHES = {
    "natural": ({}, DATA),
    "lasso": ({"l1_ratio": 1.0}, DATA),
    "gd": ({"solver": "gd", "learning_rate": "backtracking"}, ["two, scaled", "three, scaled"]),
}


@pytest.mark.parametrize(
    ("search", "data"), [(name, data) for name, (_, names) in SEARCHES.items() for data in names]
)
def test_float32_below_its_rounding_says_stalled_and_names_the_remedy(search, data):
    (X, y), (params, _) = DATA[data], SEARCHES[search]
    clf, message = fit_and_warning(X.astype("f4"), y, tol=1e-14, max_iter=3000, **params)
    assert clf.stop_reason_ == "stalled"
    assert "float32" in message
    assert "float64" in message
    assert "tol is 1.00e-14" in message
    assert clf.n_iter_ < 3000


@pytest.mark.parametrize("data", DATA)
def test_float64_below_its_rounding_says_stalled_too(data):
    clf, message = fit_and_warning(*DATA[data], tol=1e-100)
    assert clf.stop_reason_ == "stalled"
    assert "raise tol" in message


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("l1_ratio", [0.0, 1.0])
@pytest.mark.parametrize("C", [0.01, 1.0, 100.0])
def test_the_default_tolerance_is_within_the_precision_of_either_type(C, l1_ratio, dtype, data):
    X, y = DATA[data]
    clf = GDLogisticRegression(C=C, l1_ratio=l1_ratio).fit(X.astype(dtype), y)
    assert clf.stop_reason_ == "tol"


# -- warm start ---------------------------------------------------------------------------


def enough(solver, **params):
    """An estimator that converges on the scaled data."""
    return GDLogisticRegression(solver=solver, tol=2e-3, max_iter=20_000, **params)


@pytest.mark.parametrize("data", [SCALED, SCALED_IRIS], ids=["two classes", "three classes"])
@pytest.mark.parametrize("solver", [s for s in SOLVERS if s != "rmsprop"])
def test_a_warm_start_finds_the_new_optimum_in_fewer_iterations(solver, data):
    X, y = data
    warm = enough(solver, warm_start=True, C=1.0).fit(X, y)
    old = cost(warm.set_params(C=0.9), X, y)
    cold = enough(solver, C=0.9).fit(X, y)
    warm.fit(X, y)
    assert warm.history_["cost"][0] == pytest.approx(old, rel=1e-12)
    assert warm.n_iter_ < cold.n_iter_
    np.testing.assert_allclose(warm.predict_proba(X), cold.predict_proba(X), atol=0.05)
    assert warm.history_["cost"][-1] == pytest.approx(cold.history_["cost"][-1], rel=1e-2)


@pytest.mark.parametrize("solver", [s for s in SOLVERS if s != "rmsprop"])
def test_a_warm_start_at_the_optimum_makes_no_step(solver):
    clf = enough(solver, warm_start=True).fit(*SCALED)
    before, n_iter = clf.coef_.copy(), clf.n_iter_
    assert n_iter > 1
    assert clf.fit(*SCALED).n_iter_ == n_iter
    assert clf.set_params(random_state=1, C=1.0 + 1e-15).fit(*SCALED).n_iter_ == 0
    np.testing.assert_array_equal(clf.coef_, before)


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_plain_descent_in_two_parts_is_plain_descent(container):
    X, y = container(SCALED_IRIS[0]), SCALED_IRIS[1]
    whole = GDLogisticRegression(solver="gd", max_iter=9, tol=0).fit(X, y)
    parts = GDLogisticRegression(solver="gd", max_iter=4, tol=0, warm_start=True).fit(X, y)
    parts.set_params(max_iter=5).fit(X, y)
    np.testing.assert_array_equal(parts.coef_, whole.coef_)
    np.testing.assert_array_equal(parts.history_["cost"], whole.history_["cost"])


@pytest.mark.parametrize("batch_size", [None, 20])
@pytest.mark.parametrize("warm_start", [False, True])
@pytest.mark.parametrize("solver", SOLVERS)
def test_the_given_start_is_entry_zero_and_goes_before_a_warm_start(solver, warm_start, batch_size):
    X, y = SCALED_IRIS
    rng = np.random.default_rng(0)
    coef, intercept = rng.normal(size=(3, 4)), rng.normal(size=3)
    clf = GDLogisticRegression(solver=solver, warm_start=warm_start, batch_size=batch_size)
    clf.set_params(tol=0, max_iter=2, random_state=0).fit(X, y)
    clf.fit(X, y, coef_init=coef, intercept_init=intercept)
    scores = X @ coef.T + intercept
    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    loss = log_loss(y, p)
    assert clf.history_["loss"][0] == pytest.approx(loss, rel=1e-12)
    penalty = np.square(coef).sum() / (2 * len(y))
    assert clf.history_["cost"][0] == pytest.approx(loss + penalty, rel=1e-12)


@pytest.mark.parametrize("warm_start", [False, True])
def test_a_start_of_one_part_leaves_the_other_where_it_would_have_been(warm_start):
    X, y = SCALED
    clf = GDLogisticRegression(warm_start=warm_start).fit(X, y)
    old = clf.coef_ if warm_start else 0 * clf.coef_
    clf.set_params(max_iter=0, tol=0).fit(X, y, intercept_init=[0.5])
    np.testing.assert_array_equal(clf.coef_, old)
    np.testing.assert_array_equal(clf.intercept_, [0.5])


@pytest.mark.parametrize("n_rows", [20, 150])
def test_neither_start_nor_previous_model_is_written_to(n_rows):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(n_rows, 40)), np.arange(n_rows) % 2
    start, b = rng.normal(size=(1, 40)), np.ones(1)
    copies = start.copy(), b.copy()
    clf = GDLogisticRegression(warm_start=True).fit(X, y, coef_init=start, intercept_init=b)
    first = clf.coef_
    before = first.copy()
    clf.set_params(C=0.1).fit(X, y)
    np.testing.assert_array_equal(start, copies[0])
    np.testing.assert_array_equal(b, copies[1])
    np.testing.assert_array_equal(first, before)
    assert not np.array_equal(clf.coef_, before)


def test_a_warm_start_goes_on_in_the_precision_of_the_new_data():
    X, y = SCALED
    clf = GDLogisticRegression(warm_start=True).fit(X, y)
    assert clf.fit(X.astype(np.float32), y).coef_.dtype == np.float32
    assert clf.history_["cost"][0] < 0.5
    assert clf.fit(X, y).coef_.dtype == np.float64


@pytest.mark.parametrize("n_features", [30, 700])
def test_the_optimum_does_not_depend_on_the_start(n_features):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(100, n_features)), np.arange(100) % 2
    start = rng.normal(size=(1, n_features))
    here, there = (
        GDLogisticRegression(tol=1e-8).fit(X, y, coef_init=init) for init in (None, start)
    )
    np.testing.assert_allclose(here.coef_, there.coef_, atol=1e-6)
