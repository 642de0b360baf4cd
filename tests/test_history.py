"""What history_ says about a descent is true, entry by entry."""

from collections import Counter
from math import cos, pi, sqrt

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.special import expit
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_class_weight

from sklearn_gd_logreg import (
    Backtracking,
    Constant,
    CosineDecay,
    ExponentialDecay,
    GDLogisticRegression,
    GradientDescent,
    InverseSqrt,
    NaturalGradient,
    StepDecay,
    TimeDecay,
)
from sklearn_gd_logreg.objective import Point
from sklearn_gd_logreg.rules.natural import tuning

pytestmark = pytest.mark.rounding

SOLVERS = ["gd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "natural"]
COLUMNS = ["iteration", "passes", "cost", "loss", "gradient_norm", "learning_rate", "time"]

PENALTIES = {
    "L2": {},
    "L1": {"l1_ratio": 1.0},
    "elastic net": {"l1_ratio": 0.3},
    "none": {"C": np.inf},
}

DESCENTS = {name: {"solver": name} for name in SOLVERS} | {
    "gd backtracking": {"solver": "gd", "learning_rate": "backtracking"},
    "nesterov backtracking": {"solver": "nesterov", "learning_rate": "backtracking"},
    "natural at a given rate": {"learning_rate": 0.5},
    "natural by products": {"solver": NaturalGradient(direct_limit=1)},
}

BY_BATCHES = {
    f"{name} batches": {"solver": name, "batch_size": 16, "random_state": 0} for name in SOLVERS
}


def rows(n_classes=2, n_rows=70, n_features=5):
    """Rows, labels that do not separate them, and weights of which some are 0."""
    rng = np.random.default_rng(n_classes)
    X = rng.normal(size=(n_rows, n_features)) * [1, 2, 0.5, 1, 3]
    scores = X @ rng.normal(size=(n_features, n_classes)) + 2 * rng.gumbel(size=(n_rows, n_classes))
    return X, scores.argmax(axis=1), np.arange(n_rows) % 4.0


def exactly(n_iterations, **params):
    """An estimator that makes so many iterations, no more and no less."""
    return GDLogisticRegression(max_iter=n_iterations, tol=0, **params)


def loss_and_cost(clf, X, y, weights):
    """Mean loss and J of a fitted model, from its probabilities and its parameters alone."""
    copies = np.repeat(y, weights.astype(int))  # balance counts a weight of k as k rows
    factors = compute_class_weight(clf.class_weight, classes=clf.classes_, y=copies)
    weights = weights * factors[np.searchsorted(clf.classes_, y)]
    seen = weights > 0
    p = clf.predict_proba(X)[seen]
    loss = log_loss(y[seen], p, sample_weight=weights[seen], labels=clf.classes_)
    squares, sizes = np.square(clf.coef_).sum(), np.abs(clf.coef_).sum()
    penalty = (1 - clf.l1_ratio) / 2 * squares + clf.l1_ratio * sizes
    return loss, loss + penalty / (clf.C * weights.sum())


# -- form ---------------------------------------------------------------------------------


@pytest.mark.parametrize("descent", [*DESCENTS, *BY_BATCHES])
def test_history_is_a_table_with_a_row_for_the_start_and_for_each_iteration(descent):
    X, y, weights = rows(3)
    clf = exactly(4, **(DESCENTS | BY_BATCHES)[descent]).fit(X, y, weights)
    frame = pd.DataFrame(clf.history_)
    assert frame.columns.tolist() == COLUMNS
    assert len(frame) == clf.n_iter_ + 1 == 5
    assert frame["iteration"].tolist() == [0, 1, 2, 3, 4]
    assert {name: a.ndim for name, a in clf.history_.items()} == dict.fromkeys(COLUMNS, 1)
    kinds = {name: a.dtype for name, a in clf.history_.items()}
    assert np.issubdtype(kinds.pop("iteration"), np.integer)
    assert set(kinds.values()) == {np.dtype("float64")}


@pytest.mark.parametrize("descent", [*DESCENTS, *BY_BATCHES])
def test_all_entries_are_finite_but_for_the_first_rate(descent):
    X, y, weights = rows(3)
    history = exactly(6, **(DESCENTS | BY_BATCHES)[descent]).fit(X, y, weights).history_
    assert np.isnan(history["learning_rate"][0])
    assert np.isfinite([a[1:] for a in history.values()]).all()
    assert np.isfinite([a[0] for name, a in history.items() if name != "learning_rate"]).all()
    assert (np.diff(history["time"]) >= 0).all()
    assert history["time"][0] >= 0
    assert (np.diff(history["passes"]) > 0).all()


def test_float32_data_have_a_history_in_float64():
    X, y, _ = rows()
    history = exactly(2, solver="gd").fit(X.astype(np.float32), y).history_
    assert history["cost"].dtype == history["loss"].dtype == np.float64


def test_each_fit_writes_a_history_of_its_own():
    X, y, _ = rows()
    clf = exactly(2, solver="gd").fit(X, y)
    first = clf.history_
    clf.set_params(max_iter=5).fit(X, y)
    assert (len(first["cost"]), len(clf.history_["cost"])) == (3, 6)


# -- cost and loss ------------------------------------------------------------------------


@pytest.mark.parametrize("n_classes", [2, 3, 5])
@pytest.mark.parametrize("descent", [*DESCENTS, *BY_BATCHES])
def test_the_first_entry_is_the_logarithm_of_the_number_of_classes(descent, n_classes):
    X, y, weights = rows(n_classes)
    clf = exactly(1, **(DESCENTS | BY_BATCHES)[descent]).fit(X, y, weights)
    assert clf.history_["cost"][0] == pytest.approx(np.log(n_classes), rel=1e-14)
    assert clf.history_["loss"][0] == pytest.approx(np.log(n_classes), rel=1e-14)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("descent", DESCENTS)
def test_the_last_entry_is_the_cost_of_the_model(descent, penalty, n_classes):
    X, y, weights = rows(n_classes)
    params = DESCENTS[descent] | PENALTIES[penalty]
    clf = exactly(25, class_weight="balanced", **params).fit(X, y, weights)
    loss, cost = loss_and_cost(clf, X, y, weights)
    assert clf.history_["loss"][-1] == pytest.approx(loss, abs=1e-10)
    assert clf.history_["cost"][-1] == pytest.approx(cost, abs=1e-10)
    assert clf.history_["cost"][-1] < clf.history_["cost"][0]


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_last_entry_is_the_cost_of_the_model_where_features_outnumber_rows(solver):
    rng = np.random.default_rng(0)
    X, y, weights = rng.normal(size=(20, 50)), np.arange(20) % 3, np.arange(20) % 4.0
    clf = exactly(15, solver=solver).fit(X, y, weights)
    loss, cost = loss_and_cost(clf, X, y, weights)
    assert clf.history_["loss"][-1] == pytest.approx(loss, abs=1e-10)
    assert clf.history_["cost"][-1] == pytest.approx(cost, abs=1e-10)


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("descent", [*DESCENTS, *BY_BATCHES])
def test_entry_k_is_the_last_entry_of_a_fit_of_k_iterations(descent, penalty):
    X, y, weights = rows(3)
    params = (DESCENTS | BY_BATCHES)[descent] | PENALTIES[penalty]
    whole = exactly(7, **params).fit(X, y, weights).history_
    for k in range(8):
        short = exactly(k, **params).fit(X, y, weights).history_
        for name in set(COLUMNS) - {"time"}:
            np.testing.assert_array_equal(short[name], whole[name][: k + 1], err_msg=name)


def by_hand(X, y, weights, C, alpha, n_steps):
    """Loss, cost and max-norm of the gradient of plain descent, two classes, a row a step."""
    share, w, b, entries = weights / weights.sum(), np.zeros(X.shape[1]), 0.0, []
    l2, signs = 1 / (C * weights.sum()), np.where(y == 1, -1, 1)
    for _ in range(n_steps + 1):
        dz = share * (expit(X @ w + b) - y)
        dw, db = X.T @ dz + l2 * w, dz.sum()
        loss = share @ np.logaddexp(0, signs * (X @ w + b))
        entries.append((loss, loss + l2 / 2 * w @ w, max(np.abs(dw).max(), abs(db))))
        w, b = w - alpha * dw, b - alpha * db
    return np.array(entries)


def test_every_entry_is_that_of_descent_by_hand():
    X, y, weights = rows()
    history = exactly(40, solver="gd", learning_rate=0.3, C=0.5).fit(X, y, weights).history_
    found = np.column_stack([history[name] for name in ("loss", "cost", "gradient_norm")])
    np.testing.assert_allclose(found, by_hand(X, y, weights, 0.5, 0.3, 40), rtol=1e-11)


def gradient_norm(clf, X, y, weights):
    """Max-norm of the gradient of J with an L2 penalty, from the probabilities."""
    p, hits = clf.predict_proba(X), y[:, np.newaxis] == clf.classes_
    dz = ((p - hits) * weights[:, np.newaxis] / weights.sum())[:, -len(clf.coef_) :]
    dw = dz.T @ X + clf.coef_ / (clf.C * weights.sum())
    return max(np.abs(dw).max(), np.abs(dz.sum(axis=0)).max())


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("descent", [name for name in DESCENTS if "natural" not in name])
def test_the_last_gradient_norm_is_that_of_the_model(descent, n_classes):
    X, y, weights = rows(n_classes)
    clf = exactly(12, **DESCENTS[descent]).fit(X, y, weights)
    expected = gradient_norm(clf, X, y, weights)
    assert clf.history_["gradient_norm"][-1] == pytest.approx(expected, rel=1e-9)


def test_with_an_l1_penalty_the_gradient_norm_is_that_of_the_smallest_subgradient():
    X, y, weights = rows()
    clf = exactly(300, solver="gd", l1_ratio=0.6, C=0.05).fit(X, y, weights)
    w, total = clf.coef_[0], weights.sum()
    dz = weights * (clf.predict_proba(X)[:, 1] - y) / total
    g, l1 = X.T @ dz + 0.4 / (0.05 * total) * w, 0.6 / (0.05 * total)
    at_zero = np.maximum(np.abs(g) - l1, 0)
    smallest = np.where(w == 0, at_zero, np.abs(g + l1 * np.sign(w)))
    assert 0 < np.count_nonzero(w) < len(w)
    expected = max(smallest.max(), abs(dz.sum()))
    assert clf.history_["gradient_norm"][-1] == pytest.approx(expected, rel=1e-6, abs=1e-15)


# -- passes -------------------------------------------------------------------------------


class Counting:
    """Counts how often a rule looks and steps."""

    def prepare(self, point, memory):
        self.counts["looks"] += 1
        return super().prepare(point, memory)

    def step(self, point, alpha, memory):
        self.counts["steps"] += 1
        return super().step(point, alpha, memory)


def trials_counted(monkeypatch):
    """A list that gets an entry for every point that is tried."""
    tried, move = [], Point.move

    def noted(self, w):
        tried.append(None)
        return move(self, w)

    monkeypatch.setattr(Point, "move", noted)
    return tried


class CountedDescent(Counting, GradientDescent):
    def __init__(self, counts):
        self.counts = counts


class CountedOffTheLine(CountedDescent):
    """The same steps, but they are not said to lie on a line."""

    def is_straight(self, objective):
        return False


class CountedNatural(Counting, NaturalGradient):
    def __init__(self, counts):
        super().__init__(exact=True)
        self.counts = counts


def test_plain_descent_reads_the_rows_once_a_step_and_once_at_the_start():
    X, y, weights = rows()
    clf = exactly(9, solver="gd", learning_rate=0.1).fit(X, y, weights)
    assert clf.history_["passes"].tolist() == list(range(1, 11))


@pytest.mark.parametrize("solver", ["gd", "momentum", "nesterov"])
def test_working_out_the_rate_is_counted_before_the_start(solver):
    X, y, weights = rows()
    passes = exactly(9, solver=solver).fit(X, y, weights).history_["passes"]
    assert passes[0] >= 2
    np.testing.assert_array_equal(passes - passes[0], range(10))


@pytest.mark.parametrize("solver", ["adagrad", "rmsprop", "adam"])
def test_a_rate_that_needs_no_data_costs_no_pass(solver):
    X, y, weights = rows()
    clf = exactly(9, solver=solver).fit(X, y, weights)
    assert clf.history_["passes"].tolist() == list(range(1, 11))


@pytest.mark.parametrize("initial", [0.01, 1e3])
def test_every_trial_of_a_line_search_is_a_pass(initial):
    X, y, weights = rows()
    counts = Counter()
    rule = CountedOffTheLine(counts)
    clf = exactly(20, solver=rule, learning_rate=Backtracking(initial)).fit(X, y, weights)
    assert counts["steps"] > 20
    assert clf.history_["passes"][-1] == 1 + counts["steps"]
    trials = np.diff(clf.history_["passes"])
    assert np.isin(trials, range(1, 60)).all()
    rates = clf.history_["learning_rate"][1:]
    first = np.append(initial, 2 * rates[:-1])
    np.testing.assert_allclose(rates, first / 2 ** (trials - 1), rtol=1e-15)


@pytest.mark.parametrize("initial", [0.01, 1e3])
def test_on_a_line_one_pass_tells_how_much_to_shorten_a_step(initial, monkeypatch):
    X, y, weights = rows()
    tried = trials_counted(monkeypatch)
    clf = exactly(20, solver="gd", learning_rate=Backtracking(initial)).fit(X, y, weights)
    rejected = len(tried) - 20
    assert clf.history_["passes"][-1] == 1 + len(tried) + rejected
    rates = clf.history_["learning_rate"][1:]
    shortened = np.log2(np.append(initial, 2 * rates[:-1]) / rates)
    np.testing.assert_allclose(shortened, shortened.round(), atol=1e-12)
    passes = np.diff(clf.history_["passes"])
    np.testing.assert_array_equal(
        passes[shortened <= 10], np.where(shortened == 0, 1, 3)[shortened <= 10]
    )
    assert rejected < shortened.sum() or initial < 1


@pytest.mark.parametrize("overshoots", [False, True])
@pytest.mark.parametrize("n_features", [5, 100])
@pytest.mark.parametrize("apart", [False, True])
def test_the_fisher_information_is_worked_out_in_every_pass_or_a_pass(
    apart, n_features, overshoots, monkeypatch
):
    X, y, weights = rows(n_features=5)
    X = np.hstack([X, np.random.default_rng(1).normal(size=(len(X), n_features - 5))])
    if apart:
        monkeypatch.setattr(tuning, "MAX_FUSED_WORK", 0.0)
    counts, tried = Counter(), trials_counted(monkeypatch)
    rate = Backtracking(initial=64.0) if overshoots else "auto"
    clf = exactly(6, solver=CountedNatural(counts), C=0.1, learning_rate=rate)
    clf.fit(X, y, weights)
    assert (len(tried) > 6) == overshoots
    assert counts["looks"] == 7
    into_the_row_space = n_features > len(X)
    rejected = len(tried) - 6
    looks = counts["looks"] if apart else 0
    expected = 1 + len(tried) + rejected + looks + into_the_row_space
    assert clf.history_["passes"][-1] == expected


@pytest.mark.parametrize("l1_ratio", [0.0, 0.5])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_descent_is_the_same_where_the_fisher_information_comes_apart(
    n_classes, l1_ratio, monkeypatch
):
    X, y, weights = rows()
    y = y + (X[:, 0] > 1) if n_classes == 3 else y
    clf = exactly(6, solver=NaturalGradient(exact=True), l1_ratio=l1_ratio)
    together = clf.fit(X, y, weights).history_
    monkeypatch.setattr(tuning, "MAX_FUSED_WORK", 0.0)
    apart = clf.fit(X, y, weights).history_
    for name in ("cost", "loss", "learning_rate"):
        np.testing.assert_allclose(together[name], apart[name], rtol=1e-12)
    np.testing.assert_allclose(together["gradient_norm"], apart["gradient_norm"], atol=1e-8)
    np.testing.assert_array_equal(apart["passes"], together["passes"] + np.arange(1, 8))


def test_products_with_the_fisher_information_are_passes():
    X, y, weights = rows()
    direct = exactly(4, solver=NaturalGradient(exact=True)).fit(X, y, weights).history_["passes"]
    products = exactly(4, solver=NaturalGradient(direct_limit=1, exact=True)).fit(X, y, weights)
    assert (np.diff(products.history_["passes"]) > np.diff(direct)).all()


@pytest.mark.parametrize("batch_size", [1, 16, 70, 1000])
def test_an_epoch_is_a_pass(batch_size):
    X, y, _ = rows()
    clf = exactly(3, solver="gd", learning_rate=0.01, batch_size=batch_size, random_state=0)
    np.testing.assert_allclose(clf.fit(X, y).history_["passes"], [1, 2, 3, 4], rtol=1e-12)


def test_an_epoch_reads_no_rows_of_weight_zero():
    X, y, weights = rows()
    clf = exactly(3, solver="gd", learning_rate=0.01, batch_size=16).fit(X, y, weights)
    expected = 1 + np.arange(4) * np.mean(weights > 0)
    np.testing.assert_allclose(clf.history_["passes"], expected, rtol=1e-12)


# -- learning rates -----------------------------------------------------------------------

RATES = {
    "float": (0.3, lambda k: 0.3),
    "int": (1, lambda k: 1.0),
    "float32": (np.float32(0.3), lambda k: float(np.float32(0.3))),
    "constant": (Constant(0.3), lambda k: 0.3),
    "time decay": (TimeDecay(0.5, decay=0.2), lambda k: 0.5 / (1 + 0.2 * k)),
    "exponential": (ExponentialDecay(0.5, decay=0.9), lambda k: 0.5 * 0.9**k),
    "staircase": (StepDecay(0.5, factor=0.3, every=4), lambda k: 0.5 * 0.3 ** (k // 4)),
    "inverse root": (InverseSqrt(0.5, decay=2.0), lambda k: 0.5 / sqrt(1 + 2 * k)),
    "cosine": (
        CosineDecay(0.5, steps=7, final=0.01),
        lambda k: 0.5 * (0.01 + 0.99 * (1 + cos(pi * min(k, 7) / 7)) / 2),
    ),
    "function": (lambda k: 1 / (k + 2), lambda k: 1 / (k + 2)),
    "function of numpy": (lambda k: np.float32(0.5) / np.sqrt(k + 1), lambda k: 0.5 / sqrt(k + 1)),
}


@pytest.mark.parametrize("solver", ["gd", "adam", "natural"])
@pytest.mark.parametrize("name", RATES)
def test_the_rate_of_step_k_is_the_formula_at_k(name, solver):
    X, y, weights = rows()
    rate, formula = RATES[name]
    clf = exactly(12, solver=solver, learning_rate=rate).fit(X, y, weights)
    expected = [formula(k) for k in range(12)]
    np.testing.assert_allclose(clf.history_["learning_rate"][1:], expected, rtol=1e-7)
    if "float32" not in name and "numpy" not in name:
        np.testing.assert_allclose(clf.history_["learning_rate"][1:], expected, rtol=1e-15)


@pytest.mark.parametrize("solver", ["gd", "adam", "natural"])
@pytest.mark.parametrize("name", ["time decay", "staircase", "cosine", "function"])
def test_with_mini_batches_the_rate_is_that_of_the_last_batch_of_the_epoch(name, solver):
    X, y, weights = rows()
    rate, formula = RATES[name]
    clf = exactly(4, solver=solver, learning_rate=rate, batch_size=16).fit(X, y, weights)
    n_batches = -(-np.count_nonzero(weights) // 16)
    expected = [formula(epoch * n_batches - 1) for epoch in range(1, 5)]
    np.testing.assert_allclose(clf.history_["learning_rate"][1:], expected, rtol=1e-15)


@pytest.mark.parametrize(("batch_size", "n_calls"), [(None, 5), (16, 25), (70, 5), (1, 350)])
def test_a_function_is_called_once_for_every_step_made_with_their_number(batch_size, n_calls):
    X, y, _ = rows()
    asked = []
    clf = exactly(5, solver="gd", batch_size=batch_size)
    clf.set_params(learning_rate=lambda k: asked.append(k) or 0.01).fit(X, y)
    assert asked == list(range(n_calls))
    assert {type(k) for k in asked} == {int}


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("solver", ["gd", "momentum", "nesterov"])
def test_auto_is_one_over_the_largest_curvature(solver, fit_intercept, n_classes):
    X, y, weights = rows(n_classes)
    clf = exactly(3, solver=solver, C=0.2, fit_intercept=fit_intercept).fit(X, y, weights)
    Z = np.column_stack([X, np.ones(len(X))]) if fit_intercept else X
    bound = Z.T @ (Z * (weights / weights.sum())[:, np.newaxis]) / (4 if n_classes == 2 else 2)
    bound[range(5), range(5)] += 1 / (0.2 * weights.sum())
    L = np.linalg.eigvalsh(bound)[-1]
    np.testing.assert_allclose(clf.history_["learning_rate"][1:], 1 / L, rtol=1e-9)


# -- number of iterations -----------------------------------------------------------------


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("descent", [*DESCENTS, *BY_BATCHES])
def test_a_tolerance_of_zero_makes_all_iterations_and_no_warning(descent, penalty):
    X, y, weights = rows()
    params = (DESCENTS | BY_BATCHES)[descent] | PENALTIES[penalty]
    clf = exactly(40, **params).fit(X, y, weights)
    assert (clf.n_iter_, clf.stop_reason_) == (40, "max_iter")
    assert clf.history_["iteration"][-1] == 40


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("descent", [*DESCENTS, *BY_BATCHES])
def test_no_iterations_give_the_start(descent, n_classes):
    X, y, weights = rows(n_classes)
    params = (DESCENTS | BY_BATCHES)[descent]
    n_outputs = 1 if n_classes == 2 else n_classes
    coef, intercept = np.arange(5.0 * n_outputs).reshape(-1, 5) / 9, np.arange(n_outputs) / 7
    clf = exactly(0, **params).fit(X, y, weights, coef_init=coef, intercept_init=intercept)
    np.testing.assert_array_equal(clf.coef_, coef)
    np.testing.assert_array_equal(clf.intercept_, intercept)
    assert (clf.n_iter_, clf.stop_reason_) == (0, "max_iter")
    assert clf.history_["cost"] == pytest.approx([loss_and_cost(clf, X, y, weights)[1]])


@pytest.mark.parametrize("tol", [10.0, 0.1, 0.01, 0.003])
def test_descent_stops_at_the_first_gradient_within_the_tolerance(tol):
    X, y, weights = rows()
    norms = by_hand(X, y, weights, 0.5, 0.3, 300)[:, 2]
    clf = GDLogisticRegression(solver="gd", learning_rate=0.3, C=0.5, tol=tol).fit(X, y, weights)
    assert clf.n_iter_ == np.flatnonzero(norms <= tol)[0]
    assert clf.stop_reason_ == "tol"


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("descent", [name for name in DESCENTS if name != "rmsprop"])
def test_every_full_descent_stops_as_soon_as_its_norm_is_within_the_tolerance(descent, penalty):
    X, y, weights = rows()
    params = DESCENTS[descent] | PENALTIES[penalty]
    clf = GDLogisticRegression(tol=2e-3, max_iter=5000, **params).fit(X, y, weights)
    within = clf.history_["gradient_norm"] <= 2e-3
    assert not within[0]
    assert within[-1]
    assert clf.stop_reason_ == "tol"
    if "natural" not in descent:
        assert not within[:-1].any()
        return
    # The next step of the natural gradient is known by then, and is made; more are made where
    # the norm shrinks so slowly that more is to come, or a bound does not agree.
    assert within[-2]
    norms = clf.history_["gradient_norm"]
    ratio = min(norms[-1] / norms[-2], 0.995)
    assert norms[-1] ** 2 / (1 - ratio**2) <= 2e-3**2


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_last_iteration_allowed_may_be_the_one_that_converges(solver):
    X, y, weights = rows()
    clf = GDLogisticRegression(solver=solver, tol=0.05).fit(X, y, weights)
    first = int(np.flatnonzero(clf.history_["gradient_norm"] <= 0.05)[0])
    just = GDLogisticRegression(solver=solver, tol=0.05, max_iter=first)
    just.fit(X, y, weights)
    assert (just.n_iter_, just.stop_reason_) == (first, "tol")


def test_the_tolerance_is_met_by_a_norm_that_equals_it():
    X, y, _ = rows()
    norms = exactly(9, solver="gd").fit(X, y).history_["gradient_norm"]
    clf = GDLogisticRegression(solver="gd", tol=norms[6]).fit(X, y)
    assert clf.n_iter_ == 6


# -- the norm of the natural gradient -----------------------------------------------------


@pytest.mark.parametrize("C", [0.01, 1.0, 100.0])
@pytest.mark.parametrize("scale", [1.0, "1000 to the power of the column", "standard"])
def test_half_the_square_of_the_natural_norm_estimates_the_excess_of_the_cost(scale, C):
    X, y = load_breast_cancer(return_X_y=True)
    if scale == "standard":
        X = StandardScaler().fit_transform(X)
    elif scale != 1.0:
        X = X * np.where(np.arange(30) % 2, 1e-3, 1e2)
    history = exactly(25, C=C).fit(X, y).history_
    best = LogisticRegression(C=C, solver="newton-cholesky", tol=1e-12).fit(X, y)
    best.l1_ratio = 0.0
    excess = history["cost"] - loss_and_cost(best, X, y, np.ones(len(y)))[1]
    near = (history["gradient_norm"] < 0.1) & (excess > 1e-11)
    assert near.any()
    ratio = history["gradient_norm"][near] ** 2 / 2 / excess[near]
    assert ratio.min() > 0.5
    assert ratio.max() < 2


def test_the_natural_norm_and_path_do_not_depend_on_the_scales():
    X, y, weights = rows(3)
    one, other = (
        exactly(6, C=np.inf).fit(A, y, weights) for A in (X, X * 10.0 ** np.arange(-3, 2))
    )
    for name in ("cost", "gradient_norm", "passes"):
        np.testing.assert_allclose(one.history_[name], other.history_[name], rtol=1e-6, atol=1e-9)


# -- mini-batches -------------------------------------------------------------------------


def replayed_stop(costs, tol):
    """The first epoch after five in a row whose cost was not lower than all before by tol."""
    best, waited = np.inf, 0
    for epoch, cost in enumerate(costs[1:], start=1):
        waited = 0 if cost < best - tol else waited + 1
        best = min(best, cost)
        if waited == 5:
            return epoch
    return None


@pytest.mark.parametrize("tol", [1e-1, 1e-2, 1e-3, 1e-4])
@pytest.mark.parametrize("solver", SOLVERS)
def test_mini_batches_stop_after_five_epochs_without_improvement(solver, tol):
    X, y, weights = rows()
    clf = GDLogisticRegression(solver=solver, batch_size=16, tol=tol, random_state=0)
    clf.fit(X, y, weights)
    assert clf.stop_reason_ == "plateau"
    assert clf.n_iter_ == replayed_stop(clf.history_["cost"], tol)


class Spy(GradientDescent):
    """Plain descent that notes which rows it was shown, and where it stood."""

    def __init__(self, seen):
        self.seen = seen

    def step(self, point, alpha, memory):
        X = point.objective.data.X
        numbers = (X[:, [0]].toarray() if sparse.issparse(X) else X[:, [0]]).ravel()
        self.seen.append((np.rint(1e3 * numbers).astype(int), point.w.copy()))
        return super().step(point, alpha, memory)


def spied_epochs(container, weights, batch_size, n_epochs=3):
    """Numbers and parameters of every batch of every epoch, and the model."""
    X, y, _ = rows()
    X[:, 0] = np.arange(len(X)) / 1e3
    seen = []
    clf = exactly(n_epochs, solver=Spy(seen), learning_rate=0.3, random_state=0)
    clf.set_params(batch_size=batch_size).fit(container(X), y, weights)
    n_batches = len(seen) // n_epochs
    epochs = [seen[start : start + n_batches] for start in range(0, len(seen), n_batches)]
    return X, y, clf, epochs


@pytest.mark.parametrize("batch_size", [1, 16, 52, 53, 1000])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("container", [np.asarray, np.asfortranarray, sparse.csr_array])
def test_an_epoch_shows_every_row_of_some_weight_once(container, weighted, batch_size):
    weights = rows()[2] if weighted else np.ones(70)
    *_, epochs = spied_epochs(container, weights if weighted else None, batch_size)
    expected = np.flatnonzero(weights)
    for epoch in epochs:
        sizes = [len(numbers) for numbers, _ in epoch]
        assert sizes[:-1] == [batch_size] * (len(sizes) - 1)
        assert 0 < sizes[-1] <= batch_size
        np.testing.assert_array_equal(np.sort(np.concatenate([n for n, _ in epoch])), expected)


def test_every_epoch_is_shuffled_anew():
    *_, epochs = spied_epochs(np.asarray, None, 16)
    orders = {tuple(np.concatenate([numbers for numbers, _ in epoch])) for epoch in epochs}
    assert len(orders | {tuple(range(70))}) == 4


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_the_entries_of_an_epoch_are_means_over_its_batches_as_they_were_met(container):
    weights = rows()[2]
    X, y, clf, epochs = spied_epochs(container, weights, 16)
    share, l2, n_rows = weights / weights.sum(), 1 / weights.sum(), np.count_nonzero(weights)
    for entry, epoch in enumerate(epochs, start=1):
        loss, penalty, dw = 0.0, 0.0, np.zeros(6)
        for rows_met, w in epoch:
            Z, w = np.column_stack([X[rows_met], np.ones(len(rows_met))]), w[:, 0]
            loss += share[rows_met] @ np.logaddexp(0, np.where(y[rows_met], -1, 1) * (Z @ w))
            part, weights_only = len(rows_met) / n_rows, w * (np.arange(6) < 5)
            penalty += part * l2 / 2 * np.square(weights_only).sum()
            dz = share[rows_met] * (expit(Z @ w) - y[rows_met])
            dw += Z.T @ dz + part * l2 * weights_only
        found = [clf.history_[name][entry] for name in ("loss", "cost", "gradient_norm")]
        np.testing.assert_allclose(found, [loss, loss + penalty, np.abs(dw).max()], rtol=1e-9)


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_same_seed_gives_the_same_bits_and_another_does_not(solver):
    X, y, weights = rows(3)
    seeds = [7, np.random.RandomState(7), 8]
    clf = exactly(3, solver=solver, batch_size=16)
    one, same, other = (clf.set_params(random_state=s).fit(X, y, weights).coef_ for s in seeds)
    np.testing.assert_array_equal(one, same)
    assert (one != other).all()


@pytest.mark.parametrize("descent", DESCENTS)
def test_the_full_batch_needs_no_seed(descent):
    X, y, weights = rows(3)
    clf = exactly(3, **DESCENTS[descent])
    one, other = (clf.set_params(random_state=seed).fit(X, y, weights).coef_ for seed in (None, 1))
    np.testing.assert_array_equal(one, other)


def test_fits_leave_the_global_random_state_alone():
    X, y, _ = rows()
    np.random.seed(0)  # noqa: NPY002
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(0)  # noqa: NPY002
    exactly(3).fit(X, y)
    exactly(3, solver="gd", batch_size=16, random_state=0).fit(X, y)
    exactly(3, solver=NaturalGradient(direct_limit=1)).fit(X, y)
    assert np.random.random() == expected  # noqa: NPY002


# -- printed lines ------------------------------------------------------------------------


def printed(capsys, n_iterations, verbose, **params):
    """History, and the cells of each row of the table that a fit printed."""
    X, y, _ = rows()
    clf = exactly(n_iterations, verbose=verbose, random_state=0, **params).fit(X, y)
    out, err = capsys.readouterr()
    assert err == ""
    header, *rows_shown = out.splitlines()
    assert header.split() == ["iteration", "passes", "cost", "gradient_norm", "learning_rate"]
    cells = [row.split() for row in rows_shown if len(row) == len(header)]
    return clf.history_, [row for row in cells if row[0].isdigit()]


def test_by_default_nothing_is_printed(capsys):
    X, y, _ = rows()
    GDLogisticRegression().fit(X, y)
    exactly(3, solver="gd", batch_size=16).fit(X, y)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("verbose", "n_iterations", "expected"),
    [
        (1, 0, [0]),
        (1, 3, [0, 1, 2, 3]),
        (1, 234, [0, 1, 2, 5, 10, 20, 50, 100, 200, 234]),
        (1, 20, [0, 1, 2, 5, 10, 20]),
        (2, 12, range(13)),
        (5, 12, range(13)),
    ],
)
@pytest.mark.parametrize("batch_size", [None, 35])
def test_verbose_prints_milestones_or_every_iteration(
    capsys, batch_size, verbose, n_iterations, expected
):
    _, lines = printed(capsys, n_iterations, verbose, solver="gd", batch_size=batch_size)
    assert [int(number) for number, *_ in lines] == list(expected)


@pytest.mark.parametrize("batch_size", [None, 35])
@pytest.mark.parametrize("solver", SOLVERS)
def test_the_lines_say_what_the_history_says(capsys, solver, batch_size):
    history, lines = printed(capsys, 6, 2, solver=solver, batch_size=batch_size)
    _, passes, cost, norm, rate = (list(column) for column in zip(*lines, strict=True))
    np.testing.assert_allclose(np.array(passes, float), history["passes"], rtol=1e-4)
    np.testing.assert_allclose(np.array(cost, float), history["cost"], atol=5.1e-9)
    np.testing.assert_allclose(np.array(norm, float), history["gradient_norm"], rtol=6e-3)
    assert rate[0] == "-"
    np.testing.assert_allclose(np.array(rate[1:], float), history["learning_rate"][1:], rtol=6e-3)
