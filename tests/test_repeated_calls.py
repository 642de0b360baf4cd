"""A descent in many calls: no call costs more for earlier calls, or changes what they left."""

import copy
import pickle
import tracemalloc

import numpy as np
import pytest

from sklearn_gd_logreg import GDLogisticRegression

rng = np.random.default_rng(0)
X = rng.normal(size=(20, 3))
Y = (X[:, 0] + rng.normal(size=20) > 0).astype(int)
WIDE = rng.normal(size=(20, 8000))


def fed(clf):
    return clf.partial_fit(X, Y, [0, 1])


def fitted(clf):
    return clf.fit(X, Y)


STEP = {"max_iter": 1, "tol": 0, "warm_start": True, "random_state": 0}
LOOPS = {
    "stream": (fed, {"random_state": 0}),
    "stream, adam": (fed, {"solver": "adam", "batch_size": 7, "random_state": 0}),
    "warm start": (fitted, STEP),
    "warm start, gd": (fitted, STEP | {"solver": "gd"}),
    "warm start, batches": (fitted, STEP | {"solver": "adam", "batch_size": 7}),
    "warm start, judged": (lambda clf: clf.fit(X, Y, X_val=X, y_val=Y), STEP),
    "warm start, row space": (lambda clf: clf.fit(WIDE, Y), STEP | {"solver": "gd"}),
}


@pytest.mark.parametrize("loop", LOOPS)
def test_what_a_call_allocates_does_not_grow_with_the_calls_before(loop):
    step, params = LOOPS[loop]
    clf = GDLogisticRegression(**params)

    def calls(n, peaks=()):
        """After so many calls, the bytes that each of eight more takes at its peak."""
        while len(clf.__dict__.get("history_", {"cost": ()})["cost"]) < n:
            step(clf)
        tracemalloc.start()
        for _ in range(8):
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            step(clf)
            peaks += (tracemalloc.get_traced_memory()[1] - before,)
        tracemalloc.stop()
        return np.median(peaks)

    early = calls(50)
    assert calls(150 if "space" in loop else 300) < 1.1 * early + 1000


def keeps(history):
    """The history, and what was in it."""
    return history, {name: column.copy() for name, column in history.items()}


def still(history, content):
    assert list(history) == list(content)
    for name, column in content.items():
        np.testing.assert_array_equal(history[name], column, err_msg=name)


COPIES = {
    "shallow": copy.copy,
    "deep": copy.deepcopy,
    "pickled": lambda clf: pickle.loads(pickle.dumps(clf)),
}


@pytest.mark.parametrize("loop", ["stream", "warm start", "warm start, judged"])
def test_a_history_that_was_kept_does_not_change(loop):
    step, params = LOOPS[loop]
    clf = GDLogisticRegression(**params)
    kept = []
    for k in range(40):
        kept.append(keeps(step(clf).history_))
        assert len(kept[-1][0]["cost"]) == k + 2
    for history, content in kept:
        still(history, content)
    longest = kept[-1][1]
    for _, content in kept:
        for name in longest:
            np.testing.assert_array_equal(content[name], longest[name][: len(content[name])])


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("loop", ["stream", "warm start"])
def test_copies_go_their_own_ways(loop, how):
    step, params = LOOPS[loop]
    clf = GDLogisticRegression(**params)
    for _ in range(5):
        step(clf)
    other = COPIES[how](clf)
    start = keeps(clf.history_)
    alone = GDLogisticRegression(**params)
    for k in range(12):
        step(clf)
        if k % 3:
            other.set_params(C=0.01)
            step(other)
    still(*start)
    for _ in range(17):
        step(alone)
    for name in set(alone.history_) - {"time"}:
        np.testing.assert_array_equal(clf.history_[name], alone.history_[name], err_msg=name)


def test_a_pickle_holds_the_rows_and_no_more():
    clf = GDLogisticRegression(**STEP)
    for _ in range(300):
        fitted(clf)
    whole = GDLogisticRegression(**STEP | {"max_iter": 300}).fit(X, Y)
    assert len(pickle.dumps(clf)) < len(pickle.dumps(whole)) + 1000


@pytest.mark.parametrize("loop", ["stream", "warm start"])
@pytest.mark.parametrize("change", ["an entry", "a column", "the dict", "a new column"])
def test_a_history_changed_by_hand_is_continued_as_it_is(loop, change):
    step, params = LOOPS[loop]
    clf = GDLogisticRegression(**params)
    for _ in range(5):
        step(clf)
    if change == "an entry":
        clf.history_["cost"][2] = 7.0
    elif change == "a column":
        clf.history_["cost"] = np.array([0, 0, 7.0, 0, 0, 0])
    elif change == "the dict":
        clf.history_ = {name: column.tolist() for name, column in clf.history_.items()}
        clf.history_["cost"][2] = 7.0
    else:
        clf.history_["mine"] = 7 * np.ones(6)
    step(step(clf))
    assert {len(column) for column in clf.history_.values()} == {8}
    assert clf.history_["iteration"].tolist() == list(range(8))
    if change != "a new column":
        assert clf.history_["cost"][2] == 7
    assert clf.n_iter_ == 7


def test_a_call_that_fails_leaves_the_history_for_the_next():
    clf = GDLogisticRegression(**STEP)
    fitted(fitted(clf))
    content = keeps(clf.history_)

    def fails(k):
        raise RuntimeError("no rate")

    clf.set_params(learning_rate=fails)
    with pytest.raises(RuntimeError, match="no rate"):
        fitted(clf)
    still(*content)
    fitted(clf.set_params(learning_rate="auto"))
    assert clf.history_["iteration"].tolist() == [0, 1, 2, 3]
    still(*content)


def test_rows_of_validation_data_may_come_later():
    clf = fitted(fitted(GDLogisticRegression(**STEP)))
    plain = keeps(clf.history_)
    for _ in range(3):
        clf.fit(X, Y, X_val=X, y_val=Y)
    fitted(clf)
    still(*plain)
    assert np.isnan(clf.history_["val_loss"]).tolist() == [True] * 3 + [False] * 3 + [True]
