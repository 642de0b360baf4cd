"""Every kind of input gives the same model, unharmed, uncopied and in its own precision."""

import copy
import pickle
from itertools import cycle, product

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from sklearn.base import clone
from sklearn.preprocessing import StandardScaler

from sklearn_gd_logreg import GDLogisticRegression, GradientDescent, Momentum, NaturalGradient

from .descents import brief
from .pairwise import pairwise
from .problems import SOLVERS, eighths

FITS = {
    "natural": {},
    "natural by products": {"solver": NaturalGradient(direct_limit=1)},
    "natural lasso": {"l1_ratio": 1.0},
    "natural lasso by working sets": {"l1_ratio": 1.0, "solver": NaturalGradient(direct_limit=4)},
    "natural batches": {"batch_size": 16, "random_state": 0},
    "natural batches by products": {
        "solver": NaturalGradient(direct_limit=1),
        "batch_size": 16,
        "random_state": 0,
    },
    "gd": {"solver": "gd"},
    "gd backtracking": {"solver": "gd", "learning_rate": "backtracking"},
    "gd batches": {"solver": "gd", "batch_size": 16, "random_state": 0},
    "adam lasso": {"solver": "adam", "l1_ratio": 0.5},
}
"""Estimator parameters that between them take every path through the data."""


def assert_same_model(found, expected, X, X_expected):
    """Same coefficients, same probabilities, whichever way the rows are stored."""
    np.testing.assert_allclose(found.coef_, expected.coef_, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(found.intercept_, expected.intercept_, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(
        found.predict_proba(X), expected.predict_proba(X_expected), rtol=1e-8, atol=1e-10
    )
    np.testing.assert_array_equal(found.predict(X), expected.predict(X_expected))


def strided(X):
    """A view of every second row and column of a larger array."""
    larger = np.full((2 * X.shape[0], 2 * X.shape[1]), 99.0)
    larger[::2, ::2] = X
    return larger[::2, ::2]


def read_only(X):
    """X, or its arrays, locked."""
    arrays = [X.data, X.indices, X.indptr] if sparse.issparse(X) else [X]
    for array in arrays:
        array.setflags(write=False)
    return X


def with_indices(X, dtype):
    """A CSR array whose indices have this type."""
    X = sparse.csr_array(X)
    X.indices, X.indptr = X.indices.astype(dtype), X.indptr.astype(dtype)
    assert X.indices.dtype == dtype
    return X


def unsorted(X):
    """A CSR array with the entries of each row in falling order of columns."""
    X = sparse.csr_array(X)
    order = np.concatenate(
        [np.arange(a, b)[::-1] for a, b in zip(X.indptr[:-1], X.indptr[1:], strict=True)]
    )
    return sparse.csr_array((X.data[order], X.indices[order], X.indptr), shape=X.shape)


def duplicated(X):
    """A CSR array that holds each entry as two halves."""
    X = sparse.csr_array(X)
    return sparse.csr_array(
        (np.repeat(X.data / 2, 2), np.repeat(X.indices, 2), 2 * X.indptr), shape=X.shape
    )


def with_explicit_zeros(X):
    """A CSR array that stores all entries, those that are 0 too."""
    n_rows, n_features = X.shape
    columns = np.tile(np.arange(n_features), n_rows)
    return sparse.csr_array((X.ravel(), columns, np.arange(n_rows + 1) * n_features), X.shape)


NAMES = list("abcdef")

STORAGES = {
    "C order": np.ascontiguousarray,
    "Fortran order": np.asfortranarray,
    "strided view": strided,
    "reversed view": lambda X: np.ascontiguousarray(X[::-1, ::-1])[::-1, ::-1],
    "read-only": lambda X: read_only(X.copy()),
    "other byte order": lambda X: X.astype(X.dtype.newbyteorder()),
    "float16": lambda X: X.astype(np.float16),
    "long double": lambda X: X.astype(np.longdouble),
    "objects": lambda X: X.astype(object),
    "list of lists": lambda X: X.tolist(),
    "pandas": lambda X: pd.DataFrame(X, columns=NAMES),
    "pandas nullable": lambda X: pd.DataFrame(X, columns=NAMES).convert_dtypes(),
    "pandas sparse": lambda X: pd.DataFrame.sparse.from_spmatrix(sparse.csr_matrix(X)),
    "polars": lambda X: pl.DataFrame(X, schema=NAMES),
    "CSR, int64 indices": lambda X: with_indices(X, np.int64),
    "CSC, int64 indices": lambda X: with_indices(X.T, np.int64).T,
    "CSR, unsorted": unsorted,
    "CSR, duplicates": duplicated,
    "CSR, explicit zeros": with_explicit_zeros,
    "CSR, read-only": lambda X: read_only(sparse.csr_array(X)),
    "CSR, unsorted, read-only": lambda X: read_only(unsorted(X)),
    "CSR, duplicates, read-only": lambda X: read_only(duplicated(X)),
} | {
    f"{fmt}_{kind}": getattr(sparse, f"{fmt}_{kind}")
    for fmt, kind in product(["bsr", "coo", "csc", "csr", "dia", "dok", "lil"], ["array", "matrix"])
}


def contents(X):
    """All that X holds, as values that can be compared; sparse entries in their order."""
    if not sparse.issparse(X):
        return np.asarray(X).tolist()
    raw = [getattr(X, name, None) for name in ("data", "indices", "indptr", "offsets")]
    return [a.tolist() for a in raw if isinstance(a, np.ndarray)], X.toarray().tolist()


# -- storage -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("storage", "n_classes"), [*zip(STORAGES, cycle([2, 3]))])
def test_every_storage_gives_the_same_model(storage, n_classes):
    X, y = eighths(n_classes=n_classes)
    stored = STORAGES[storage](X)
    found = GDLogisticRegression().fit(stored, y)
    assert found.coef_.dtype == np.float64
    assert_same_model(found, GDLogisticRegression().fit(X, y), stored, X)


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("storage", ["Fortran order", "strided view", "csr_array", "csc_matrix"])
def test_every_path_takes_the_same_steps_on_every_storage(storage, fit):
    X, y = eighths(n_classes=3)
    stored = STORAGES[storage](X)
    weights = np.arange(len(y)) % 3.0
    found, expected = (brief(**FITS[fit]).fit(A, y, weights) for A in (stored, X))
    np.testing.assert_allclose(found.history_["cost"], expected.history_["cost"], rtol=1e-9)
    np.testing.assert_allclose(found.coef_, expected.coef_, rtol=1e-6, atol=1e-9)


DELICATE = [
    *("C order", "Fortran order", "strided view", "pandas", "polars"),
    *("csr_matrix", "csc_array", "coo_array"),
    *(name for name in STORAGES if name.startswith("CSR")),
]


@pytest.mark.parametrize(
    ("storage", "fit"),
    [*zip(DELICATE, cycle(FITS)), *product(["CSR, duplicates", "Fortran order"], FITS)],
)
def test_neither_fit_nor_predict_changes_x_y_or_the_weights(storage, fit):
    X, y = eighths(n_rows=40)
    stored = STORAGES[storage](X)
    weights = np.arange(len(y)) % 3.0
    before = contents(stored), y.tolist(), weights.tolist()
    brief(**FITS[fit]).fit(stored, y, weights).predict_proba(stored)
    assert (contents(stored), y.tolist(), weights.tolist()) == before


@pytest.mark.parametrize(
    ("storage", "fit"),
    [*zip(cycle(["CSR, duplicates, read-only", "CSR, unsorted, read-only"]), FITS)],
)
def test_a_warning_about_convergence_leaves_x_alone(storage, fit):
    X, y = eighths(n_rows=40)
    stored = STORAGES[storage](X)
    before = contents(stored)
    with pytest.warns(Warning, match="No convergence"):
        GDLogisticRegression(max_iter=1, tol=1e-12, **FITS[fit]).fit(stored, y)
    assert contents(stored) == before


@given(seed=st.integers(0, 10_000), shape=st.tuples(st.integers(2, 60), st.integers(1, 30)))
def test_entries_that_are_stored_twice_are_added_up(seed, shape):
    rng = np.random.RandomState(seed)
    X = unsorted(sparse.random(*shape, density=0.3, random_state=rng, format="csr"))
    if X.nnz:  # one entry more, at the end of its row and of the same column as the first
        row = rng.choice(np.flatnonzero(np.diff(X.indptr)))
        column, at = X.indices[X.indptr[row]], X.indptr[row + 1]
        twice = np.insert(X.data, at, 1.0), np.insert(X.indices, at, column)
        starts = X.indptr + (np.arange(len(X.indptr)) > row)
        X = sparse.csr_array((*twice, starts), shape=shape)
    y = np.arange(shape[0]) % 2
    clf = brief(solver=NaturalGradient(direct_limit=1))  # it adds up squares of entries
    found, expected = (clf.fit(A, y).coef_ for A in (X, X.toarray()))
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.int64, np.uint64, bool])
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array, sparse.coo_matrix])
def test_integers_and_bools_are_numbers(container, dtype):
    X, y = eighths()
    whole = (X > 2).astype(dtype) if dtype is bool else np.round(X).astype(dtype)
    found = GDLogisticRegression().fit(container(whole), y)
    assert found.coef_.dtype == np.float64
    expected = GDLogisticRegression().fit(whole.astype(float), y)
    assert_same_model(found, expected, container(whole), whole.astype(float))


@pytest.mark.parametrize(
    ("order", "dtype", "fit"), pairwise(["C", "F"], [np.float64, np.float32], FITS)
)
def test_a_read_only_memory_map_is_as_good_as_an_array(tmp_path, fit, dtype, order):
    X, y = eighths()
    X = np.array(X, dtype=dtype, order=order)
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert isinstance(mapped, np.memmap)
    found, expected = (brief(**FITS[fit]).fit(A, y) for A in (mapped, X))
    np.testing.assert_array_equal(found.coef_, expected.coef_)
    np.testing.assert_array_equal(found.predict_proba(mapped), expected.predict_proba(X))


@pytest.mark.parametrize("frame", ["pandas", "pandas nullable", "polars"])
def test_a_frame_gives_the_names_that_scikit_learn_finds_in_it(frame):
    X, y = eighths()
    stored = STORAGES[frame](X)
    clf = GDLogisticRegression().fit(stored, y)
    theirs = StandardScaler().fit(stored)
    names = [getattr(fitted, "feature_names_in_", None) for fitted in (clf, theirs)]
    np.testing.assert_array_equal(*names)
    assert "pandas" not in frame or names[0].tolist() == NAMES
    assert clf.n_features_in_ == len(NAMES)


@pytest.mark.parametrize("storage", ["C order", "csr_array", "list of lists", "pandas sparse"])
def test_without_names_there_are_none(storage):
    X, y = eighths()
    assert not hasattr(GDLogisticRegression().fit(STORAGES[storage](X), y), "feature_names_in_")


def test_a_refit_without_names_forgets_them():
    X, y = eighths()
    clf = GDLogisticRegression().fit(pd.DataFrame(X, columns=NAMES), y)
    assert not hasattr(clf.fit(X, y), "feature_names_in_")


def answers(clf, X):
    """Every array of floats that a model has or gives."""
    return [
        clf.coef_,
        clf.intercept_,
        clf.decision_function(X),
        clf.predict_proba(X),
        clf.predict_log_proba(X),
    ]


# -- precision ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n_classes", "container", "fit"),
    pairwise([2, 3], [np.asarray, np.asfortranarray, sparse.csr_array], [*FITS, *SOLVERS]),
)
def test_float32_stays_float32_from_the_coefficients_to_the_probabilities(
    fit, container, n_classes
):
    X, y = eighths(n_classes=n_classes)
    X = container(X.astype(np.float32))
    params = FITS.get(fit, {"solver": fit})
    clf = brief(class_weight="balanced", **params).fit(X, y, np.arange(len(y)) % 3.0)
    assert {a.dtype.name for a in answers(clf, X)} == {"float32"}


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_float32_stays_float32_where_features_outnumber_rows(container, fit_intercept):
    X, y = eighths(n_rows=20, n_features=50)
    X = container(X.astype(np.float32))
    clf = GDLogisticRegression(fit_intercept=fit_intercept).fit(X, y)
    assert {a.dtype.name for a in answers(clf, X)} == {"float32"}


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("fit", FITS)
def test_float32_and_float64_give_the_same_model_to_float32_precision(fit, container):
    X, y = eighths(n_classes=3)
    small, large = (brief(**FITS[fit]).fit(container(X.astype(d)), y) for d in ("f4", "f8"))
    np.testing.assert_allclose(small.predict_proba(X), large.predict_proba(X), atol=2e-5)


class Dtypes(GradientDescent):
    """Plain descent that notes the types of what it is given."""

    def __init__(self, seen):
        self.seen = seen

    def step(self, point, alpha, memory):
        self.seen.update({point.w.dtype.name, point.dw.dtype.name})
        return super().step(point, alpha, memory)


@pytest.mark.parametrize("rate", ["auto", "backtracking", np.float64(0.01), lambda k: 0.01])
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_float32_descends_in_float32(container, rate):
    X, y = eighths()
    seen = set()
    clf = brief(solver=Dtypes(seen), learning_rate=rate, l1_ratio=np.float64(0.5))
    clf.fit(container(X.astype(np.float32)), y, np.ones(len(y)))
    assert seen == {"float32"}


WORDS = np.array(["ant", "bee", "cat"])

LABELS = {
    "strings": lambda y: WORDS[y],
    "strings of other lengths": lambda y: np.array(["a", "aa", "aaaaaa"])[y],
    "objects": lambda y: WORDS.astype(object)[y],
    "list of strings": lambda y: WORDS[y].tolist(),
    "list of ints": lambda y: y.tolist(),
    "negative ints": lambda y: y - 5,
    "int8": lambda y: (100 * y - 100).astype(np.int8),
    "uint64": lambda y: y.astype(np.uint64) + np.uint64(2**63),
    "huge ints": lambda y: y + 2**62,
    "floats": lambda y: y - 1.0,
    "pandas": lambda y: pd.Series(y, index=np.arange(len(y))[::-1]),
    "pandas nullable": lambda y: pd.Series(y, dtype="Int64"),
    "pandas strings": lambda y: pd.Series(WORDS[y], dtype="string"),
    "pandas categories": lambda y: pd.Series(pd.Categorical(WORDS[y])),
    "pandas categories in another order": lambda y: pd.Series(
        pd.Categorical(WORDS[y], categories=["cat", "unused", "bee", "ant"], ordered=True)
    ),
    "polars": lambda y: pl.Series(y),
    "polars strings": lambda y: pl.Series(WORDS[y].tolist()),
}

BINARY_LABELS = {
    "bools": lambda y: y == 1,
    "list of bools": lambda y: (y == 1).tolist(),
    "minus and plus one": lambda y: 2 * y - 1,
}


# -- labels ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n_classes", "labels"), [*product([2, 3], LABELS), *product([2], BINARY_LABELS)]
)
def test_the_names_of_the_classes_do_not_matter(n_classes, labels):
    X, codes = eighths(n_classes=n_classes)
    y = (LABELS | BINARY_LABELS)[labels](codes)
    found, expected = (GDLogisticRegression().fit(X, target) for target in (y, codes))
    np.testing.assert_array_equal(found.coef_, expected.coef_)
    np.testing.assert_array_equal(found.intercept_, expected.intercept_)
    assert found.classes_.tolist() == sorted(set(np.asarray(y).tolist()))
    np.testing.assert_array_equal(found.predict(X), found.classes_[expected.predict(X)])
    assert found.score(X, y) == expected.score(X, codes)


def test_class_weights_go_by_label():
    X, codes = eighths(n_classes=3)
    by_name = GDLogisticRegression(class_weight={"ant": 1, "bee": 2.5, "cat": 4})
    by_row = np.array([1, 2.5, 4])[codes]
    expected = GDLogisticRegression().fit(X, codes, by_row)
    np.testing.assert_allclose(by_name.fit(X, WORDS[codes]).coef_, expected.coef_, rtol=1e-12)


WEIGHTS = {
    "list": list,
    "tuple": tuple,
    "ints": lambda s: s.astype(int),
    "int8": lambda s: s.astype(np.int8),
    "float32": lambda s: s.astype(np.float32),
    "read-only": lambda s: read_only(s.copy()),
    "strided": lambda s: np.repeat(s, 2)[::2],
    "pandas": lambda s: pd.Series(s, index=np.arange(len(s))[::-1]),
    "polars": lambda s: pl.Series(s),
}


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("kind", WEIGHTS)
def test_weights_of_every_kind_count_the_same(kind, container):
    X, y = eighths(n_classes=3)
    weights = np.arange(len(y)) % 3.0
    found = GDLogisticRegression().fit(container(X), y, WEIGHTS[kind](weights))
    expected = GDLogisticRegression().fit(container(X), y, weights)
    np.testing.assert_array_equal(found.coef_, expected.coef_)


@pytest.mark.parametrize("weight", [1, 3, 0.5, np.float32(2), 1e-8, 1e8])
def test_one_weight_for_all_is_that_many_copies_of_all(weight):
    X, y = eighths(n_classes=3)
    found = GDLogisticRegression(tol=1e-8).fit(X, y, weight)
    expected = GDLogisticRegression(tol=1e-8, C=float(weight)).fit(X, y)
    np.testing.assert_allclose(found.predict_proba(X), expected.predict_proba(X), atol=1e-7)


def pickled(clf):
    return pickle.loads(pickle.dumps(clf))


# -- copies ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("remake", "fit"),
    [*product([pickled], FITS), (copy.copy, "natural"), (copy.deepcopy, "natural")],
)
def test_a_copy_predicts_the_same_bits(remake, fit):
    X, y = eighths(n_classes=3)
    clf = brief(**FITS[fit]).fit(X, y)
    again = remake(clf)
    for a, b in zip(answers(again, X), answers(clf, X), strict=True):
        np.testing.assert_array_equal(a, b)
    assert again.stop_reason_ == clf.stop_reason_
    np.testing.assert_array_equal(again.history_["cost"], clf.history_["cost"])


@pytest.mark.parametrize("fit", FITS)
def test_a_clone_is_not_fitted_and_fits_to_the_same_bits(fit):
    X, y = eighths(n_classes=3)
    clf = brief(**FITS[fit]).fit(X, y)
    again = clone(clf)
    assert set(vars(again)) == set(clf.get_params(deep=False))
    np.testing.assert_array_equal(again.fit(X, y).coef_, clf.coef_)


@pytest.mark.parametrize("fit", FITS)
def test_fit_changes_no_parameter(fit):
    X, y = eighths(n_classes=3)
    clf = brief(**FITS[fit])
    before = pickle.dumps(clf.get_params(deep=True))
    clf.fit(X, y)
    assert pickle.dumps(clf.get_params(deep=True)) == before


def test_the_representation_shows_the_hyper_parameters_of_the_rule():
    assert repr(GDLogisticRegression(solver=Momentum(0.5))) == (
        "GDLogisticRegression(solver=Momentum(beta=0.5))"
    )
