"""Train, dev and test parts are disjoint, complete, of the sizes asked; a dev set is a cv."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import sparse
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_gd_logreg import GDLogisticRegression, join_dev_set, train_dev_test_split

from .problems import load, noisy

SIZES = st.one_of(st.floats(0.01, 0.99), st.integers(1, 40))
SEEDS = st.integers(0, 2**32 - 1)


def rounded(size, n):
    """What scikit-learn makes of a size."""
    return len(train_test_split(range(n), test_size=size)[1])


# -- the parts ----------------------------------------------------------------------------


@given(n=st.integers(3, 80), dev=SIZES, test=SIZES, shuffle=st.booleans(), seed=SEEDS)
def test_parts_are_disjoint_complete_and_of_the_sizes_asked(n, dev, test, shuffle, seed):
    assume(dev < n and test < n)
    assume(np.ceil(dev * n) < n if isinstance(dev, float) else True)
    assume(np.ceil(test * n) < n if isinstance(test, float) else True)
    sizes = rounded(dev, n), rounded(test, n)
    assume(sum(sizes) < n)
    parts = train_dev_test_split(
        np.arange(n), dev_size=dev, test_size=test, shuffle=shuffle, random_state=seed
    )
    assert [len(part) for part in parts] == [n - sum(sizes), *sizes]
    together = np.concatenate(parts)
    assert np.array_equal(together if not shuffle else np.sort(together), np.arange(n))


@given(
    counts=st.lists(st.integers(8, 40), min_size=2, max_size=4),
    dev=st.floats(0.15, 0.35),
    test=st.floats(0.15, 0.35),
    seed=SEEDS,
)
def test_stratified_parts_have_the_shares_of_the_whole(counts, dev, test, seed):
    y = np.repeat(np.array(["a", "b", "c", "d"])[: len(counts)], counts)
    rows = np.arange(len(y))
    parts = train_dev_test_split(
        rows, y, dev_size=dev, test_size=test, stratify=y, random_state=seed
    )
    assert np.array_equal(np.sort(np.concatenate(parts[:3])), rows)
    for part in parts[3:]:
        expected = np.array(counts) * len(part) / len(y)
        found = [np.count_nonzero(part == label) for label in np.unique(y)]
        assert np.abs(found - expected).max() < 2


def test_arrays_are_split_alike_and_come_in_turn():
    X, y = np.arange(60).reshape(30, 2), np.arange(30)
    parts = train_dev_test_split(X, y, y.tolist(), random_state=1)
    assert len(parts) == 9
    for k in range(3):
        assert np.array_equal(parts[k][:, 0], 2 * parts[3 + k])
        assert parts[6 + k] == parts[3 + k].tolist()


@pytest.mark.parametrize("stratified", [False, True])
@pytest.mark.parametrize("size", [0.2, 0.23, 7])
def test_the_test_set_is_that_of_train_test_split(size, stratified):
    X, y = load("breast_cancer")
    options = {"test_size": size, "stratify": y if stratified else None, "random_state": 3}
    ours = train_dev_test_split(X, y, **options)
    theirs = train_test_split(X, y, **options)
    assert np.array_equal(ours[2], theirs[1])
    assert np.array_equal(ours[5], theirs[3])


def test_without_shuffle_the_last_rows_are_the_test_set():
    parts = train_dev_test_split(list(range(10)), dev_size=3, test_size=0.15, shuffle=False)
    assert parts == [[0, 1, 2, 3, 4], [5, 6, 7], [8, 9]]


def test_an_int_repeats_the_split_and_a_random_state_does_not():
    rows, source = np.arange(50), np.random.RandomState(5)
    twice = [train_dev_test_split(rows, random_state=5)[1] for _ in range(2)]
    going_on = [train_dev_test_split(rows, random_state=source)[1] for _ in range(2)]
    assert np.array_equal(*twice)
    assert np.array_equal(twice[0], going_on[0])
    assert not np.array_equal(*going_on)


KINDS = {
    "array": np.asarray,
    "list": np.ndarray.tolist,
    "csr": sparse.csr_array,
    "csc": sparse.csc_array,
    "pandas": lambda a: pd.DataFrame(a, columns=["u", "v"]),
    "polars": lambda a: pl.DataFrame(a, schema=["u", "v"]),
}
COLUMNS = {"array": np.asarray, "list": np.ndarray.tolist, "pandas": pd.Series, "polars": pl.Series}


def dense(array):
    """The numbers in an array of any kind."""
    return array.toarray() if sparse.issparse(array) else np.asarray(array)


@pytest.mark.parametrize("labels", COLUMNS)
@pytest.mark.parametrize("kind", KINDS)
def test_each_part_is_of_the_kind_of_the_whole(kind, labels):
    X, y = np.arange(40.0).reshape(20, 2), np.arange(20) % 2
    expected = train_dev_test_split(X, y, stratify=y, random_state=0)
    given_X, given_y = KINDS[kind](X), COLUMNS[labels](y)
    parts = train_dev_test_split(given_X, given_y, stratify=given_y, random_state=0)
    for part, numbers in zip(parts, expected, strict=True):
        assert np.array_equal(dense(part), numbers)
    if not kind.startswith("cs"):
        assert [type(part) for part in parts] == 3 * [type(given_X)] + 3 * [type(given_y)]
    assert all(sparse.issparse(part) == kind.startswith("cs") for part in parts[:3])


# -- what is refused ----------------------------------------------------------------------

TEN = np.arange(10)
REFUSED = {
    "no array": ((), {}, ["at least 1 array"]),
    "lengths": ((TEN, TEN[:9]), {}, ["same number of rows", "array 1: 10", "array 2: 9"]),
    "length of stratify": ((TEN,), {"stratify": [0, 1]}, ["array 1: 10", "stratify: 2"]),
    "a number": ((TEN, 5), {}, ["array 2", "int"]),
    "None": ((TEN, None), {}, ["array 2", "NoneType"]),
    "0-dimensional": ((np.array(3),), {}, ["array 1", "ndarray"]),
    "negative": ((TEN,), {"dev_size": -0.1}, ["dev_size", "-0.1", "(0, 1)", "an int"]),
    "zero": ((TEN,), {"test_size": 0}, ["test_size", "Got 0 "]),
    "zero share": ((TEN,), {"test_size": 0.0}, ["test_size", "Got 0.0 "]),
    "one as a share": ((TEN,), {"dev_size": 1.0}, ["dev_size", "1.0"]),
    "nan": ((TEN,), {"dev_size": np.nan}, ["dev_size", "nan"]),
    "bool": ((TEN,), {"dev_size": True}, ["dev_size", "True"]),
    "text": ((TEN,), {"test_size": "0.2"}, ["test_size", "'0.2'"]),
    "None as a size": ((TEN,), {"test_size": None}, ["test_size", "None"]),
    "sum 1": ((TEN,), {"dev_size": 0.5, "test_size": 0.5}, ["dev_size=0.5", "5 and 5 of 10 rows"]),
    "sum > 1": ((TEN,), {"dev_size": 0.9, "test_size": 0.9}, ["test_size=0.9", "9 and 9 of 10"]),
    "all rows": ((TEN,), {"dev_size": 8}, ["dev_size=8", "8 and 2 of 10 rows"]),
    "two rows": ((TEN[:2],), {}, ["1 and 1 of 2 rows"]),
    "order": ((TEN,), {"shuffle": False, "stratify": TEN % 2}, ["stratify", "shuffle=False"]),
    "shuffle": ((TEN,), {"shuffle": "no"}, ["shuffle", "'no'", "a bool"]),
    "seed": ((TEN,), {"random_state": "x"}, ["random_state", "'x'", "an int"]),
    "rare": ((TEN,), {"stratify": [0] * 8 + [1] * 2}, ["3 rows", "{1: 2}"]),
    "small part": (
        (TEN,),
        {"stratify": [0, 1, 2] * 3 + [0], "dev_size": 2},
        ["2 rows for the dev set and 3 labels"],
    ),
    "2-D": ((TEN,), {"stratify": np.ones((10, 2))}, ["stratify", "(10, 2)"]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_arguments_are_refused_by_name(case):
    arrays, options, parts = REFUSED[case]
    with pytest.raises((ValueError, TypeError)) as caught:
        train_dev_test_split(*arrays, **options)
    assert [part for part in parts if part not in str(caught.value)] == []


def test_a_label_that_the_test_set_all_but_takes_is_named():
    y = ["ham"] * 5 + ["spam"] * 3
    seen = set()
    for seed in range(20):
        try:
            train_dev_test_split(y, dev_size=2, test_size=4, stratify=y, random_state=seed)
        except ValueError as error:
            seen.add(str(error))
    assert len(seen) == 1
    assert "['spam']" in seen.pop()


# -- a fixed dev set as cv ----------------------------------------------------------------

GRID = {"C": [1e-3, 1e-1, 10.0]}


def sets(X, y):
    """Train and dev set in the order of `join_dev_set`."""
    X_train, X_dev, _, y_train, y_dev, _ = train_dev_test_split(X, y, random_state=0)
    return X_train, y_train, X_dev, y_dev


@pytest.mark.parametrize("labels", COLUMNS)
@pytest.mark.parametrize("kind", [*KINDS, "coo"])
def test_a_search_scores_fits_of_the_train_set_on_the_dev_set(kind, labels):
    X, y = noisy(120, 2, 2, seed=0)
    made = KINDS | {"coo": lambda a: sparse.csr_array(a)}
    X_train, y_train, X_dev, y_dev = sets(made[kind](X), COLUMNS[labels](y))
    if kind == "coo":
        X_train, X_dev = X_train.tocoo(), X_dev.tocoo()
    both_X, both_y, cv = join_dev_set(X_train, y_train, X_dev, y_dev)
    search = GridSearchCV(GDLogisticRegression(), GRID, scoring="neg_log_loss", cv=cv)
    scores = search.fit(both_X, both_y).cv_results_["mean_test_score"]
    for C, score in zip(GRID["C"], scores, strict=True):
        model = GDLogisticRegression(C=C).fit(X_train, y_train)
        expected = search.scorer_(model, X_dev, y_dev)
        assert score == pytest.approx(expected, rel=1e-12)
    assert cv.get_n_splits() == search.n_splits_ == 1


def test_refit_takes_both_sets_and_the_way_round_it_is_the_train_set():
    X, y = load("breast_cancer", scaled=True)
    X_train, y_train, X_dev, y_dev = sets(X, y)
    both_X, both_y, cv = join_dev_set(X_train, y_train, X_dev, y_dev)
    model = make_pipeline(StandardScaler(), LogisticRegression())
    grid = {"logisticregression__C": GRID["C"]}
    refitted = GridSearchCV(model, grid, cv=cv).fit(both_X, both_y).best_estimator_
    search = GridSearchCV(model, grid, cv=cv, refit=False).fit(both_X, both_y)
    best = clone(model).set_params(**search.best_params_)
    assert refitted[0].n_samples_seen_ == len(y_train) + len(y_dev)
    assert best.fit(X_train, y_train)[0].n_samples_seen_ == len(y_train)


def test_frames_keep_their_names_types_and_index():
    frame = pd.DataFrame({"u": np.arange(20.0), "kind": pd.Categorical(list("ab") * 10)})
    y = pd.Series(np.arange(20) % 2, name="label")
    X_train, y_train, X_dev, y_dev = sets(frame, y)
    X, labels, _ = join_dev_set(X_train, y_train, X_dev, y_dev)
    assert X.dtypes.equals(frame.dtypes)
    assert X.index.equals(X_train.index.append(X_dev.index))
    assert labels.name == "label"
    assert frame.loc[X.index].equals(X)


A, FRAME = np.ones((4, 2)), pd.DataFrame(np.ones((4, 2)), columns=["u", "v"])
Y = np.array([0, 1, 0, 1])
UNJOINED = {
    "rows": ((A, Y, A, Y[:3]), ["X_dev: 4", "y_dev: 3"]),
    "empty": ((A, Y, A[:0], Y[:0]), ["X_dev", "at least 1 row"]),
    "empty train": ((A[:0], Y[:0], A, Y), ["X_train", "at least 1 row"]),
    "kinds": ((FRAME, Y, A, Y), ["X_train and X_dev", "DataFrame and ndarray"]),
    "libraries": ((FRAME, Y, pl.DataFrame(A), Y), ["one class"]),
    "series": ((A, Y, A, pd.Series(Y)), ["y_train and y_dev", "ndarray and Series"]),
    "columns": ((FRAME, Y, FRAME[["v", "u"]], Y), ["['u', 'v'] and ['v', 'u']"]),
    "width": ((A, Y, A[:, :1], Y), ["X_train and X_dev", "cannot be joined"]),
    "sparse width": ((sparse.csr_array(A), Y, A[:, :1], Y), ["X_train and X_dev"]),
    "a number": ((3, Y, A, Y), ["X_train", "int"]),
}


@pytest.mark.parametrize("case", UNJOINED)
def test_sets_that_do_not_fit_together_are_refused_by_name(case):
    arguments, parts = UNJOINED[case]
    with pytest.raises((ValueError, TypeError)) as caught:
        join_dev_set(*arguments)
    assert [part for part in parts if part not in str(caught.value)] == []
