"""What history_ says about a descent is true, entry by entry."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest

from sklearn_gd_logreg import (
    Backtracking,
    GradientDescent,
    NaturalGradient,
)
from sklearn_gd_logreg.objective import Point
from sklearn_gd_logreg.rules.natural import tuning

from .descents import (
    BY_BATCHES,
    DESCENTS,
    PENALTIES,
    WITH_PENALTIES,
    by_hand,
    exactly,
    loss_and_cost,
    rows,
)
from .pairwise import pairwise
from .problems import SOLVERS

pytestmark = pytest.mark.rounding

COLUMNS = ["iteration", "passes", "cost", "loss", "gradient_norm", "learning_rate", "time"]


# -- form --------------------------------------------------------------------------------------


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


# -- cost and loss -----------------------------------------------------------------------------


@pytest.mark.parametrize("n_classes", [2, 3, 5])
@pytest.mark.parametrize("descent", [*DESCENTS, *BY_BATCHES])
def test_the_first_entry_is_the_logarithm_of_the_number_of_classes(descent, n_classes):
    X, y, weights = rows(n_classes)
    clf = exactly(1, **(DESCENTS | BY_BATCHES)[descent]).fit(X, y, weights)
    assert clf.history_["cost"][0] == pytest.approx(np.log(n_classes), rel=1e-14)
    assert clf.history_["loss"][0] == pytest.approx(np.log(n_classes), rel=1e-14)


@pytest.mark.parametrize(("n_classes", "penalty", "descent"), pairwise([2, 3], PENALTIES, DESCENTS))
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


@pytest.mark.parametrize(("descent", "penalty"), WITH_PENALTIES)
def test_entry_k_is_the_last_entry_of_a_fit_of_k_iterations(descent, penalty):
    X, y, weights = rows(3)
    params = (DESCENTS | BY_BATCHES)[descent] | PENALTIES[penalty]
    whole = exactly(7, **params).fit(X, y, weights).history_
    for k in range(8):
        short = exactly(k, **params).fit(X, y, weights).history_
        for name in set(COLUMNS) - {"time"}:
            np.testing.assert_array_equal(short[name], whole[name][: k + 1], err_msg=name)


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


# -- passes ------------------------------------------------------------------------------------


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
def test_the_fisher_information_is_computed_in_every_pass_or_a_pass(
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
