"""A descent that did not converge warns, with the cause and the remedy."""

import re
import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler

from sklearn_gd_logreg import (
    Adam,
    Backtracking,
    CosineDecay,
    ExponentialDecay,
    GDLogisticRegression,
    GradientDescent,
    Momentum,
    Nesterov,
    TimeDecay,
)

from .pairwise import pairwise
from .problems import SOLVERS, load

pytestmark = pytest.mark.rounding

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


# -- out of iterations -------------------------------------------------------------------------


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
    assert [("raise max_iter" in remedy) for remedy in remedies(message)].count(True) == 1


@pytest.mark.parametrize(
    ("container", "weighted", "solver"),
    pairwise([np.asarray, sparse.csr_array], [False, True], [s for s in SOLVERS if s != "natural"]),
)
def test_uneven_features_are_named_with_the_ratio_of_their_scales(solver, weighted, container):
    X, y = RAW
    weights = np.arange(len(y)) % 3.0 if weighted else None
    _, message = fit_and_warning(container(X), y, weights, solver=solver, max_iter=2)
    scales = np.sqrt(np.average(X**2, axis=0, weights=weights))
    ratio = number_after("largest feature scale is", message)
    assert ratio == pytest.approx(scales.max() / scales.min(), rel=5e-3)
    listed = remedies(message)
    words = ["StandardScaler", "max_iter", "solver='natural'"]
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


PROBLEMS = {
    "two classes": (SCALED, {}),
    "three classes": (SCALED_IRIS, {}),
    "raw": (RAW, {}),
    "penalised": (SCALED, {"C": 1e-3}),
    "unpenalised": (SCALED_IRIS, {"C": np.inf}),
    "without intercept": (IRIS, {"fit_intercept": False}),
}


# -- rates that are too long -------------------------------------------------------------------


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


# -- divergence --------------------------------------------------------------------------------


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
    assert clf.stop_reason_ == "diverged"


STARTS = [*(("scaled", s) for s in SOLVERS), *(("iris", s) for s in SOLVERS), ("raw", "natural")]


@pytest.mark.parametrize(("data", "solver"), STARTS)
def test_mini_batches_that_start_at_the_optimum_stay_there_without_a_warning(data, solver):
    X, y = {"scaled": SCALED, "iris": SCALED_IRIS, "raw": RAW}[data]
    best = GDLogisticRegression(tol=1e-8).fit(X, y)
    clf = GDLogisticRegression(solver=solver, batch_size=16, random_state=0)
    clf.fit(X, y, coef_init=best.coef_, intercept_init=best.intercept_)
    assert clf.stop_reason_ == "plateau"
    assert cost(clf, X, y) < 1.2 * cost(best, X, y)


def test_a_diverged_fit_can_be_fitted_again():
    clf, _ = fit_and_warning(*SCALED, solver="gd", learning_rate=1e300)
    again = clf.set_params(learning_rate="auto", max_iter=5000, tol=1e-3).fit(*SCALED)
    assert again.stop_reason_ == "tol"


WINE = load_wine(return_X_y=True)

DIGITS = load_digits(return_X_y=True)

SCALED_WINE = StandardScaler().fit_transform(WINE[0]), WINE[1]

SETS = {"breast cancer": SCALED, "iris": SCALED_IRIS, "wine": SCALED_WINE}

BATCHES = {"batch_size": 16, "random_state": 0}


def caught_in(clf, X, y):
    """The messages of the warnings of a fit."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        clf.fit(X, y)
    assert all(w.category is ConvergenceWarning for w in caught)
    return [str(w.message) for w in caught]


def excess(clf, X, y):
    """J − J*, with J* from another solver."""
    best = GDLogisticRegression(C=clf.C, tol=1e-8).fit(X, y)
    return cost(clf, X, y) - cost(best, X, y)


def weak(n_classes=2):
    """Scaled features that say little of the labels: J* is near ln K."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 6))
    scores = 0.3 * X @ rng.normal(size=(6, n_classes))
    return X, (scores + rng.gumbel(size=scores.shape)).argmax(axis=1)


# -- mini-batches on a plateau -----------------------------------------------------------------


@pytest.mark.parametrize("data", [*SETS, "weak", "weak, three classes"])
@pytest.mark.parametrize("solver", ["gd", "adagrad", "natural"])
def test_mini_batches_that_learn_nothing_are_not_called_converged(solver, data):
    X, y = {**SETS, "weak": weak(), "weak, three classes": weak(3)}[data]
    params = {"solver": solver, "learning_rate": 1e-6, **BATCHES}
    clf, message = fit_and_warning(X, y, **params)
    assert clf.stop_reason_ == "plateau"
    assert "converged" not in str(clf)
    assert "(plateau)" in str(clf)
    assert number_after("J is", message) == pytest.approx(cost(clf, X, y), rel=1e-4)
    assert "learning rate 1e-06 is far below" in message
    assert "raise learning_rate" in remedies(message)[0]
    left = excess(clf, X, y)
    assert 0.3 * left < number_after("fall by about", message) < 1.5 * left


@pytest.mark.parametrize(
    ("batch_size", "solver", "data"),
    pairwise([16, 32, 64], ["gd", "momentum", "nesterov", "adam"], [RAW, WINE, DIGITS]),
)
def test_mini_batches_on_features_of_uneven_scales_are_told_to_scale_them(data, solver, batch_size):
    params = {"solver": solver, "batch_size": batch_size, "random_state": 0}
    clf, message = fit_and_warning(*data, **params)
    assert clf.stop_reason_ == "plateau"
    if data is not DIGITS:  # whose pixels are of like scales, and large
        assert "StandardScaler" in remedies(message)[0]
    assert "natural" in remedies(message)[-1]


@pytest.mark.parametrize(("data", "solver", "batch_size"), pairwise(SETS, SOLVERS, [16, 64]))
def test_mini_batches_that_settle_near_the_minimum_do_not_warn(batch_size, solver, data):
    X, y = SETS[data]
    clf = GDLogisticRegression(solver=solver, batch_size=batch_size, random_state=0).fit(X, y)
    assert clf.stop_reason_ == "plateau"
    assert excess(clf, X, y) < 6e-3


@pytest.mark.parametrize(
    ("data", "rate", "solver"),
    pairwise(
        ["breast cancer", "iris", "weak"],
        [1e-5, 1e-3, 3e-2, 1.0, 10.0, TimeDecay(1.0, decay=1.0)],
        ["gd", "momentum", "adam", "rmsprop"],
    ),
    ids=str,
)
def test_a_plateau_without_a_warning_is_near_the_minimum_and_one_with_it_is_not(solver, rate, data):
    X, y = {**SETS, "weak": weak()}[data]
    clf = GDLogisticRegression(solver=solver, learning_rate=rate, C=10.0, max_iter=150, **BATCHES)
    messages = caught_in(clf, X, y)
    if clf.stop_reason_ != "plateau":
        return
    left = excess(clf, X, y)
    if messages:
        assert left > 5e-4
    else:
        assert left < max(1e-3, 0.35 * cost(clf, X, y))


@pytest.mark.parametrize("offset", [0.0, 1e5])
@pytest.mark.parametrize("l1_ratio", [0.0, 1.0])
def test_what_is_left_is_seen_with_very_many_parameters_too(l1_ratio, offset):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 2500)) + offset
    y = (X[:, 0] + 0.5 * rng.normal(size=300) > offset).astype(int)
    params = {"solver": "gd", "learning_rate": 1e-15, "l1_ratio": l1_ratio, "C": 0.1, **BATCHES}
    clf, message = fit_and_warning(X, y, **params)
    assert clf.stop_reason_ == "plateau"
    size = "at least" if l1_ratio else "about"
    best = GDLogisticRegression(C=0.1, l1_ratio=l1_ratio).fit(X - offset, y).history_["cost"][-1]
    assert 0.05 < number_after(f"fall by {size}", message) < np.log(2) - best


@pytest.mark.parametrize(
    ("n_classes", "l1_ratio", "dtype"), pairwise([2, 3], [0.0, 0.5, 1.0], ["f4", "f8"])
)
def test_the_decrease_proven_by_one_coordinate_is_a_lower_bound(dtype, l1_ratio, n_classes):
    from sklearn_gd_logreg.fitting.remaining import proven_decrease
    from sklearn_gd_logreg.objective import Point

    points = []

    class Noting(GradientDescent):
        def step(self, point, alpha, memory):
            points.append(point)
            return super().step(point, alpha, memory)

    rng = np.random.default_rng(0)
    X = (rng.normal(size=(80, 5)) * [1, 10, 0.1, 1, 1] + [0, 100, 3, -1000, 0]).astype(dtype)
    y = np.arange(80) % n_classes
    weights = np.arange(80) % 5.0
    params = {"C": 2.0, "l1_ratio": l1_ratio}
    clf = GDLogisticRegression(solver=Noting(), max_iter=1, tol=0, **params).fit(X, y, weights)
    best = GDLogisticRegression(tol=1e-8, **params).fit(X.astype("f8"), y, weights)
    best, objective = best.history_["cost"][-1], points[0].objective
    for scale in (0.0, 1e-3, 0.1, 10.0):
        w = scale * rng.normal(size=points[0].w.shape).astype(dtype)
        point = Point(objective, w)
        assert 0 < proven_decrease(point) <= point.cost - best
    assert clf.n_iter_ == 1


def test_features_whose_squares_overflow_are_not_passed_over_in_silence():
    X, y = SCALED
    clf, message = fit_and_warning(1e200 * X, y, solver="adam", **BATCHES)
    assert clf.stop_reason_ == "plateau"
    assert "an amount that overflows" in message
    assert "StandardScaler" in remedies(message)[0]


def test_a_divergence_for_features_far_from_zero_names_them():
    X, y = SCALED
    clf, message = fit_and_warning(1e9 + 1e6 * X[:, :3], y, solver="adam", **BATCHES)
    assert clf.stop_reason_ == "diverged"
    assert "scaled features" in message


def test_without_a_tolerance_nothing_is_asked_at_the_end():
    clf = GDLogisticRegression(solver="gd", learning_rate=1e-6, tol=0, max_iter=9, **BATCHES)
    assert caught_in(clf, *SCALED) == []
    assert clf.stop_reason_ == "max_iter"


def test_a_warm_start_on_a_plateau_says_so_again_and_changes_nothing():
    params = {"solver": "gd", "learning_rate": 1e-6, "warm_start": True, **BATCHES}
    clf, message = fit_and_warning(*SCALED, **params)
    history, coef = clf.history_, clf.coef_
    assert caught_in(clf, *SCALED) == [message]
    np.testing.assert_array_equal(clf.coef_, coef)
    for name in set(history) - {"time"}:
        np.testing.assert_array_equal(clf.history_[name], history[name])
    # A smaller tol resumes from there.
    caught_in(clf.set_params(tol=1e-12, max_iter=3), *SCALED)
    assert clf.n_iter_ == len(history["cost"]) + 2
    assert clf.history_["passes"][-1] == pytest.approx(history["passes"][-1] + 3)


def test_noise_at_a_constant_rate_is_told_to_fall_and_falling_helps():
    params = {"solver": "rmsprop", "learning_rate": 0.5, **BATCHES}
    clf, message = fit_and_warning(*SCALED, **params)
    assert "noise of the batches does not vanish" in message
    schedule = re.search(r"CosineDecay\(([\d.]+), steps=(\d+)\)", remedies(message)[0])
    falling = CosineDecay(float(schedule[1]), steps=int(schedule[2]))
    settled = GDLogisticRegression(**{**params, "learning_rate": falling}, max_iter=clf.n_iter_)
    caught_in(settled, *SCALED)
    assert excess(settled, *SCALED) < 0.5 * excess(clf, *SCALED)


def test_classes_that_can_be_separated_without_a_penalty_are_named():
    _, message = fit_and_warning(*SCALED_WINE, solver="gd", C=np.inf, max_iter=3000, tol=1e-6)
    assert "finite number" in message


CONSTANTS = {"adagrad": 0.5, "rmsprop": 0.01, "adam": 0.01, "natural": 1.0}


# -- why it took so long -----------------------------------------------------------------------


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("data", ["breast cancer", "iris"])
def test_a_rate_far_too_small_is_named_with_the_usual_one(data, solver):
    X, y = SETS[data]
    _, message = fit_and_warning(X, y, solver=solver, learning_rate=1e-6, max_iter=60)
    usual = CONSTANTS.get(solver) or 1 / curvature(X, n_classes=len(np.unique(y)))
    assert number_after("1e-06 is far below", message) == pytest.approx(usual, rel=6e-3)
    assert "raise learning_rate" in remedies(message)[0]


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_rate_that_is_not_small_is_not_called_small(solver):
    usual = CONSTANTS.get(solver) or 1 / curvature(SCALED[0])
    params = {"solver": solver, "learning_rate": 0.3 * usual, "max_iter": 30, "tol": 1e-12}
    _, message = fit_and_warning(*SCALED, **params)
    assert "far below" not in message
    assert "raise learning_rate" not in message


CIRCLING = [("rmsprop", 0.5), ("rmsprop", "auto"), ("rmsprop", 0.1)]


@pytest.mark.parametrize(
    ("data", "solver", "rate"),
    [(data, *rule) for data in ("breast cancer", "iris") for rule in CIRCLING]
    + [("breast cancer", "adam", 10.0)],  # on iris it may meet the minimum by chance
)
def test_an_adaptive_rule_that_circles_is_told_to_let_its_rate_fall_which_helps(data, solver, rate):
    params = {"solver": solver, "learning_rate": rate}
    clf, message = fit_and_warning(*SETS[data], **params)
    assert "circles the minimum" in message
    schedule = re.search(r"CosineDecay\(([\d.]+), steps=(\d+)\)", remedies(message)[0])
    falling = CosineDecay(float(schedule[1]), steps=int(schedule[2]))
    settled = GDLogisticRegression(solver=solver, learning_rate=falling, tol=0).fit(*SETS[data])
    norms = [m.history_["gradient_norm"][-1] for m in (settled, clf)]
    assert norms[0] < 0.3 * norms[1]
    assert "max_iter" not in "".join(remedies(message))  # it would not help


@pytest.mark.parametrize("rule", [Momentum(0.999), Momentum(0.9999), Adam(beta1=0.999)])
def test_too_much_momentum_is_named_and_less_helps(rule):
    clf, message = fit_and_warning(*SCALED, solver=rule)
    assert re.match(r"lower beta1?, to 0.9 ", remedies(message)[0])
    less = type(rule)(0.9)
    better = GDLogisticRegression(solver=less, tol=0).fit(*SCALED)
    assert better.history_["gradient_norm"][-1] < 0.5 * clf.history_["gradient_norm"][-1]


@pytest.mark.parametrize("rule", [Momentum(), Momentum(0.5), Adam(), Nesterov()])
@pytest.mark.parametrize("max_iter", [3, 30, 100])
def test_usual_momentum_is_not_blamed(rule, max_iter):
    _, message = fit_and_warning(*SCALED, solver=rule, max_iter=max_iter, tol=1e-9)
    assert "beta" not in message


def test_a_rate_that_fell_too_fast_is_named():
    rate = ExponentialDecay(0.3, decay=0.9)
    _, message = fit_and_warning(*SCALED, solver="gd", learning_rate=rate)
    assert "fell from 0.3 to" in message
    assert "more slowly" in remedies(message)[0]


STEADY = {
    "gd": (SCALED, {"max_iter": 1000}),
    "gd, iris": (SCALED_IRIS, {"max_iter": 100, "C": 0.1}),
    "momentum": (SCALED, {"solver": "momentum", "max_iter": 100, "tol": 1e-5}),
    "a strong penalty": (SCALED, {"max_iter": 60, "C": 0.01, "tol": 1e-8}),
}


@pytest.mark.parametrize("case", STEADY)
def test_a_steady_pace_tells_how_many_more_iterations_are_needed(case):
    data, params = STEADY[case]
    params = {"solver": "gd", **params}
    clf, message = fit_and_warning(*data, **params)
    told = re.search(
        r"raise max_iter \(at the present rate of convergence, (about|more than) (\d+) more\)",
        message,
    )
    assert "raise max_iter" in remedies(message)[0]
    whole = GDLogisticRegression(**{**params, "max_iter": 20_000}).fit(*data)
    needed, predicted = whole.n_iter_ - clf.n_iter_, int(told[2])
    assert predicted < 2 * needed
    if told[1] == "about":
        assert needed < 2.5 * predicted


@pytest.mark.parametrize(
    ("solver", "rate", "data", "batch_size"),
    pairwise(
        [s for s in SOLVERS if s != "natural"],
        ["auto", 1e-6, 1.0, 1e300],
        [SCALED, RAW],
        [None, 32],
    ),
)
def test_another_solver_is_the_last_remedy(batch_size, data, rate, solver):
    clf = GDLogisticRegression(solver=solver, learning_rate=rate, max_iter=30, tol=1e-9)
    (message,) = caught_in(clf.set_params(batch_size=batch_size, random_state=0), *data)
    assert message.endswith("solver='natural'.")


DATA = {"two": RAW, "two, scaled": SCALED, "three": IRIS, "three, scaled": SCALED_IRIS}

SEARCHES = {
    "natural": ({}, DATA),
    "lasso": ({"l1_ratio": 1.0}, DATA),
    "gd": ({"solver": "gd", "learning_rate": "backtracking"}, ["two, scaled", "three, scaled"]),
}


# -- rounding ----------------------------------------------------------------------------------


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


@pytest.mark.parametrize(
    ("data", "dtype", "l1_ratio", "C"), pairwise(DATA, ["f4", "f8"], [0.0, 1.0], [0.01, 1.0, 100.0])
)
def test_the_default_tolerance_is_within_the_precision_of_either_type(C, l1_ratio, dtype, data):
    X, y = DATA[data]
    clf = GDLogisticRegression(C=C, l1_ratio=l1_ratio).fit(X.astype(dtype), y)
    assert clf.stop_reason_ == "tol"


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
