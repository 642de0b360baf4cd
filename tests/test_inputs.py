"""Every kind of input gives the same model, unharmed, uncopied and in its own precision."""

import copy
import pickle
import tracemalloc
from decimal import Decimal, localcontext
from itertools import pairwise, product

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import sparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.feature_selection import RFE, RFECV, SelectFromModel
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedKFold,
    cross_val_predict,
    cross_val_score,
)
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_gd_logreg import GDLogisticRegression, GradientDescent, Momentum, NaturalGradient
from sklearn_gd_logreg.data.csr import has_duplicate_entries

from .problems import L1_RATIO_DECIDES

SOLVERS = ["gd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "natural"]

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


def brief(**params):
    """An estimator that makes three iterations, whatever happens."""
    return GDLogisticRegression(max_iter=3, tol=0, **params)


def rows(n_rows=90, n_features=6, n_classes=2, seed=0):
    """Half of X is 0, the rest is one of 1/8, 2/8, …, 4: exact in float32."""
    rng = np.random.default_rng(seed)
    X = rng.integers(1, 33, (n_rows, n_features)) / 8 * (rng.random((n_rows, n_features)) < 0.5)
    scores = X @ rng.normal(size=(n_features, n_classes)) + 2 * rng.gumbel(size=(n_rows, n_classes))
    return X, scores.argmax(axis=1)


def assert_same_model(found, expected, X, X_expected):
    """Same coefficients, same probabilities, whichever way the rows are stored."""
    np.testing.assert_allclose(found.coef_, expected.coef_, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(found.intercept_, expected.intercept_, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(
        found.predict_proba(X), expected.predict_proba(X_expected), rtol=1e-8, atol=1e-10
    )
    np.testing.assert_array_equal(found.predict(X), expected.predict(X_expected))


# -- storage ------------------------------------------------------------------------------


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
    order = np.concatenate([np.arange(a, b)[::-1] for a, b in pairwise(X.indptr)])
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


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("storage", STORAGES)
def test_every_storage_gives_the_same_model(storage, n_classes):
    X, y = rows(n_classes=n_classes)
    stored = STORAGES[storage](X)
    found = GDLogisticRegression().fit(stored, y)
    assert found.coef_.dtype == np.float64
    assert_same_model(found, GDLogisticRegression().fit(X, y), stored, X)


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("storage", ["Fortran order", "strided view", "csr_array", "csc_matrix"])
def test_every_path_takes_the_same_steps_on_every_storage(storage, fit):
    X, y = rows(n_classes=3)
    stored = STORAGES[storage](X)
    weights = np.arange(len(y)) % 3.0
    found, expected = (brief(**FITS[fit]).fit(A, y, weights) for A in (stored, X))
    np.testing.assert_allclose(found.history_["cost"], expected.history_["cost"], rtol=1e-9)
    np.testing.assert_allclose(found.coef_, expected.coef_, rtol=1e-6, atol=1e-9)


DELICATE = ["C order", "Fortran order", "strided view", "pandas", "polars", "csr_matrix"]
DELICATE += ["csc_array", "coo_array", *(name for name in STORAGES if name.startswith("CSR"))]


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("storage", DELICATE)
def test_neither_fit_nor_predict_changes_x_y_or_the_weights(storage, fit):
    X, y = rows(n_rows=40)
    stored = STORAGES[storage](X)
    weights = np.arange(len(y)) % 3.0
    before = contents(stored), y.tolist(), weights.tolist()
    brief(**FITS[fit]).fit(stored, y, weights).predict_proba(stored)
    assert (contents(stored), y.tolist(), weights.tolist()) == before


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("storage", ["CSR, duplicates, read-only", "CSR, unsorted, read-only"])
def test_a_warning_about_convergence_leaves_x_alone(storage, fit):
    X, y = rows(n_rows=40)
    stored = STORAGES[storage](X)
    before = contents(stored)
    with pytest.warns(Warning, match="No convergence"):
        GDLogisticRegression(max_iter=1, tol=1e-12, **FITS[fit]).fit(stored, y)
    assert contents(stored) == before


@given(seed=st.integers(0, 10_000), shape=st.tuples(st.integers(1, 60), st.integers(1, 30)))
def test_an_entry_that_is_stored_twice_is_found(seed, shape):
    rng = np.random.RandomState(seed)
    X = unsorted(sparse.random(*shape, density=0.3, random_state=rng, format="csr"))
    assert not has_duplicate_entries(X)
    if X.nnz:
        row = rng.choice(np.flatnonzero(np.diff(X.indptr)))
        column, at = X.indices[X.indptr[row]], X.indptr[row + 1]
        twice = np.insert(X.data, at, 1.0), np.insert(X.indices, at, column)
        starts = X.indptr + (np.arange(len(X.indptr)) > row)
        assert has_duplicate_entries(sparse.csr_array((*twice, starts), shape=shape))


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.int64, np.uint64, bool])
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array, sparse.coo_matrix])
def test_integers_and_bools_are_numbers(container, dtype):
    X, y = rows()
    whole = (X > 2).astype(dtype) if dtype is bool else np.round(X).astype(dtype)
    found = GDLogisticRegression().fit(container(whole), y)
    assert found.coef_.dtype == np.float64
    expected = GDLogisticRegression().fit(whole.astype(float), y)
    assert_same_model(found, expected, container(whole), whole.astype(float))


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("fit", FITS)
def test_a_read_only_memory_map_is_as_good_as_an_array(tmp_path, fit, dtype, order):
    X, y = rows()
    X = np.array(X, dtype=dtype, order=order)
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert isinstance(mapped, np.memmap)
    found, expected = (brief(**FITS[fit]).fit(A, y) for A in (mapped, X))
    np.testing.assert_array_equal(found.coef_, expected.coef_)
    np.testing.assert_array_equal(found.predict_proba(mapped), expected.predict_proba(X))


@pytest.mark.parametrize("frame", ["pandas", "pandas nullable", "polars"])
def test_a_frame_gives_the_names_that_scikit_learn_finds_in_it(frame):
    X, y = rows()
    stored = STORAGES[frame](X)
    clf = GDLogisticRegression().fit(stored, y)
    theirs = StandardScaler().fit(stored)
    names = [getattr(fitted, "feature_names_in_", None) for fitted in (clf, theirs)]
    np.testing.assert_array_equal(*names)
    assert "pandas" not in frame or names[0].tolist() == NAMES
    assert clf.n_features_in_ == len(NAMES)


@pytest.mark.parametrize("storage", ["C order", "csr_array", "list of lists", "pandas sparse"])
def test_without_names_there_are_none(storage):
    X, y = rows()
    assert not hasattr(GDLogisticRegression().fit(STORAGES[storage](X), y), "feature_names_in_")


def test_a_refit_without_names_forgets_them():
    X, y = rows()
    clf = GDLogisticRegression().fit(pd.DataFrame(X, columns=NAMES), y)
    assert not hasattr(clf.fit(X, y), "feature_names_in_")


# -- precision ----------------------------------------------------------------------------


def answers(clf, X):
    """Every array of floats that a model has or gives."""
    return [
        clf.coef_,
        clf.intercept_,
        clf.decision_function(X),
        clf.predict_proba(X),
        clf.predict_log_proba(X),
    ]


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("container", [np.asarray, np.asfortranarray, sparse.csr_array])
@pytest.mark.parametrize("fit", [*FITS, *SOLVERS])
def test_float32_stays_float32_from_the_coefficients_to_the_probabilities(
    fit, container, n_classes
):
    X, y = rows(n_classes=n_classes)
    X = container(X.astype(np.float32))
    params = FITS.get(fit, {"solver": fit})
    clf = brief(class_weight="balanced", **params).fit(X, y, np.arange(len(y)) % 3.0)
    assert {a.dtype.name for a in answers(clf, X)} == {"float32"}


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_float32_stays_float32_where_features_outnumber_rows(container, fit_intercept):
    X, y = rows(n_rows=20, n_features=50)
    X = container(X.astype(np.float32))
    clf = GDLogisticRegression(fit_intercept=fit_intercept).fit(X, y)
    assert {a.dtype.name for a in answers(clf, X)} == {"float32"}


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("fit", FITS)
def test_float32_and_float64_give_the_same_model_to_float32_precision(fit, container):
    X, y = rows(n_classes=3)
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
    X, y = rows()
    seen = set()
    clf = brief(solver=Dtypes(seen), learning_rate=rate, l1_ratio=np.float64(0.5))
    clf.fit(container(X.astype(np.float32)), y, np.ones(len(y)))
    assert seen == {"float32"}


# -- memory -------------------------------------------------------------------------------


def stored_bytes(X):
    """Bytes of the arrays that X consists of."""
    if sparse.issparse(X):
        return X.data.nbytes + X.indices.nbytes + X.indptr.nbytes
    return X.nbytes


def peak(function):
    """Most bytes allocated at any moment of a call."""
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def growth(make, use):
    """By how many bytes the peak grows for every byte of X, as X gets more rows."""
    use(make(50))
    short, long = make(40_000), make(80_000)
    more = stored_bytes(long) - stored_bytes(short)
    return (peak(lambda: use(long)) - peak(lambda: use(short))) / more


def tall(n_rows):
    """Many rows, enough features for the vectors of that many entries to look small."""
    return np.random.default_rng(0).random((n_rows, 80))


def tall_csr(n_rows, n_features=100, per_row=80):
    """A CSR array of random numbers, as many in every row."""
    columns = np.tile(np.arange(per_row, dtype=np.int32), n_rows)
    starts = np.arange(n_rows + 1, dtype=np.int32) * per_row
    return sparse.csr_array((tall(n_rows).ravel(), columns, starts), (n_rows, n_features))


TALL = {
    "C, float64": lambda n: tall(n),
    "F, float64": lambda n: np.asfortranarray(tall(n)),
    "C, float32": lambda n: tall(n).astype(np.float32),
    "F, float32": lambda n: np.asfortranarray(tall(n), dtype=np.float32),
    "CSR, float64": tall_csr,
    "CSR, float32": lambda n: tall_csr(n).astype(np.float32),
}


LEAN = {
    "natural": {},
    "gd": {"solver": "gd"},
    "gd at a given rate": {"solver": "gd", "learning_rate": 0.01},
    "gd batches": {"solver": "gd", "batch_size": 500, "random_state": 0},
    "adam": {"solver": "adam"},
    "lasso": {"l1_ratio": 1.0},
}


@pytest.mark.parametrize("fit", LEAN)
@pytest.mark.parametrize("layout", TALL)
def test_fit_copies_no_x(layout, fit):
    def use(X):
        brief(**LEAN[fit]).fit(X, np.arange(X.shape[0]) % 2)

    assert growth(TALL[layout], use) < 0.5


@pytest.mark.parametrize("layout", TALL)
def test_predict_copies_no_x(layout):
    X = TALL[layout](50)
    clf = brief(solver="gd").fit(X, np.arange(50) % 2)
    assert growth(TALL[layout], clf.predict_proba) < 0.5


@pytest.mark.parametrize("fit", LEAN)
def test_sparse_rows_with_many_features_are_not_densified(fit):
    X = sparse.random(400, 20_000, density=1e-3, format="csr", random_state=0)
    y = np.arange(400) % 2
    dense = 8 * X.shape[0] * X.shape[1]
    clf = brief(**LEAN[fit]).fit(X[:30], y[:30])
    assert peak(lambda: clf.fit(X, y)) < dense / 5
    assert peak(lambda: clf.predict_proba(X)) < dense / 100


# -- labels -------------------------------------------------------------------------------

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


@pytest.mark.parametrize(
    ("n_classes", "labels"), [*product([2, 3], LABELS), *product([2], BINARY_LABELS)]
)
def test_the_names_of_the_classes_do_not_matter(n_classes, labels):
    X, codes = rows(n_classes=n_classes)
    y = (LABELS | BINARY_LABELS)[labels](codes)
    found, expected = (GDLogisticRegression().fit(X, target) for target in (y, codes))
    np.testing.assert_array_equal(found.coef_, expected.coef_)
    np.testing.assert_array_equal(found.intercept_, expected.intercept_)
    assert found.classes_.tolist() == sorted(set(np.asarray(y).tolist()))
    np.testing.assert_array_equal(found.predict(X), found.classes_[expected.predict(X)])
    assert found.score(X, y) == expected.score(X, codes)


def test_class_weights_go_by_label():
    X, codes = rows(n_classes=3)
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
    X, y = rows(n_classes=3)
    weights = np.arange(len(y)) % 3.0
    found = GDLogisticRegression().fit(container(X), y, WEIGHTS[kind](weights))
    expected = GDLogisticRegression().fit(container(X), y, weights)
    np.testing.assert_array_equal(found.coef_, expected.coef_)


@pytest.mark.parametrize("weight", [1, 3, 0.5, np.float32(2), 1e-8, 1e8])
def test_one_weight_for_all_is_that_many_copies_of_all(weight):
    X, y = rows(n_classes=3)
    found = GDLogisticRegression(tol=1e-8).fit(X, y, weight)
    expected = GDLogisticRegression(tol=1e-8, C=float(weight)).fit(X, y)
    np.testing.assert_allclose(found.predict_proba(X), expected.predict_proba(X), atol=1e-7)


# -- copies -------------------------------------------------------------------------------


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize(
    "remake", [lambda c: pickle.loads(pickle.dumps(c)), copy.copy, copy.deepcopy]
)
def test_a_copy_predicts_the_same_bits(remake, fit):
    X, y = rows(n_classes=3)
    clf = brief(**FITS[fit]).fit(X, y)
    again = remake(clf)
    for a, b in zip(answers(again, X), answers(clf, X), strict=True):
        np.testing.assert_array_equal(a, b)
    assert again.stop_reason_ == clf.stop_reason_
    np.testing.assert_array_equal(again.history_["cost"], clf.history_["cost"])


@pytest.mark.parametrize("fit", FITS)
def test_a_clone_is_not_fitted_and_fits_to_the_same_bits(fit):
    X, y = rows(n_classes=3)
    clf = brief(**FITS[fit]).fit(X, y)
    again = clone(clf)
    assert set(vars(again)) == set(clf.get_params(deep=False))
    np.testing.assert_array_equal(again.fit(X, y).coef_, clf.coef_)


@pytest.mark.parametrize("fit", FITS)
def test_fit_changes_no_parameter(fit):
    X, y = rows(n_classes=3)
    clf = brief(**FITS[fit])
    before = pickle.dumps(clf.get_params(deep=True))
    clf.fit(X, y)
    assert pickle.dumps(clf.get_params(deep=True)) == before


def test_the_representation_shows_the_hyper_parameters_of_the_rule():
    assert repr(GDLogisticRegression(solver=Momentum(0.5))) == (
        "GDLogisticRegression(solver=Momentum(beta=0.5))"
    )


# -- in the company of scikit-learn -------------------------------------------------------

WRAPPERS = {
    "pipeline": lambda clf: make_pipeline(StandardScaler(), clf),
    "one against the rest": OneVsRestClassifier,
    "calibrated": lambda clf: CalibratedClassifierCV(clf, cv=3),
    "isotonic": lambda clf: CalibratedClassifierCV(clf, cv=3, method="isotonic"),
    "bagging": lambda clf: BaggingClassifier(clf, n_estimators=3, random_state=0),
    "voting": lambda clf: VotingClassifier([("a", clf), ("b", clf)], voting="soft"),
    "stacking": lambda clf: StackingClassifier([("a", clf)], final_estimator=clf, cv=3),
    "selection": lambda clf: make_pipeline(SelectFromModel(clf), clf),
    "grid": lambda clf: GridSearchCV(clf, {"C": [0.01, 1.0]}, cv=3, scoring="neg_log_loss"),
}


def ours_and_theirs():
    """The same model by two roads, both followed to the end."""
    ours = GDLogisticRegression(tol=1e-9)
    return ours, LogisticRegression(solver="newton-cholesky", tol=1e-9)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_in_any_wrapper_it_replaces_logistic_regression(wrapper, n_classes):
    X, y = rows(n_classes=n_classes)
    ours, theirs = (WRAPPERS[wrapper](clf).fit(X, y) for clf in ours_and_theirs())
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-6)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize(
    ("parameters", "penalty"),
    [
        ({}, "l2"),
        ({"l1_ratio": 0.5}, "elasticnet"),
        ({"l1_ratio": 1 - 1e-3}, "elasticnet"),
        ({"l1_ratio": 1 - 1e-7}, "l1"),
        ({"l1_ratio": 1}, "l1"),
        ({"l1_ratio": np.float32(1), "C": 0.1}, "l1"),
        ({"C": np.inf}, None),
    ],
)
def test_the_features_that_are_selected_by_default_are_those_of_logistic_regression(
    parameters, penalty, n_classes
):
    X, y = rows(n_classes=n_classes)
    X = np.hstack([X, np.random.default_rng(0).normal(size=(len(X), 20))])
    clf = GDLogisticRegression(tol=1e-6, **parameters)
    chosen = SelectFromModel(clf).fit(X, y)
    size = np.abs(chosen.estimator_.coef_).sum(axis=0)
    assert chosen.estimator_.penalty == clf.penalty == penalty
    assert chosen.threshold_ == (1e-5 if penalty == "l1" else size.mean())
    assert np.array_equal(chosen.get_support(), size >= chosen.threshold_)
    if L1_RATIO_DECIDES and penalty:  # without one, the classes are separable
        solver = "saga" if clf.l1_ratio else "lbfgs"
        theirs = LogisticRegression(
            C=clf.C, l1_ratio=clf.l1_ratio, solver=solver, tol=1e-8, max_iter=50_000
        )
        support = SelectFromModel(theirs).fit(X, y).get_support()
        assert np.array_equal(chosen.get_support(), support)


def test_the_penalty_is_an_attribute_and_no_parameter():
    clf = GDLogisticRegression(l1_ratio=1.0)
    assert "penalty" not in clf.get_params() | vars(clf)
    assert "penalty" not in repr(clf)
    assert clone(clf).penalty == pickle.loads(pickle.dumps(clf)).penalty == "l1"
    assert clf.set_params(C=np.inf).penalty is None
    for change in (lambda: setattr(clf, "penalty", "l2"), lambda: clf.set_params(penalty="l2")):
        with pytest.raises((AttributeError, ValueError), match="penalty"):
            change()
    with pytest.raises(TypeError, match="penalty"):
        GDLogisticRegression(penalty="l2")
    for C, l1_ratio in product((None, "1", np.ones(2), np.nan), (None, "1", np.ones(2), np.nan)):
        assert GDLogisticRegression(C=C, l1_ratio=l1_ratio).penalty == "elasticnet"


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("selector", [RFE, RFECV])
def test_features_are_eliminated_as_with_logistic_regression(selector, n_classes):
    X, y = rows(n_classes=n_classes)
    ours, theirs = (selector(clf).fit(X, y) for clf in ours_and_theirs())
    np.testing.assert_array_equal(ours.ranking_, theirs.ranking_)


@pytest.mark.parametrize("wrapper", [OneVsOneClassifier, OneVsRestClassifier])
def test_wrappers_of_scores_find_the_scores_of_logistic_regression(wrapper):
    X, y = rows(n_classes=3)
    ours, theirs = (wrapper(clf).fit(X, y) for clf in ours_and_theirs())
    np.testing.assert_allclose(ours.decision_function(X), theirs.decision_function(X), atol=1e-6)


@pytest.mark.parametrize("method", ["predict_proba", "predict_log_proba", "decision_function"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_cross_validated_predictions_are_those_of_logistic_regression(n_classes, method):
    X, y = rows(n_classes=n_classes)
    ours, theirs = (cross_val_predict(c, X, y, method=method, cv=4) for c in ours_and_theirs())
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_a_grid_reaches_the_hyper_parameters_of_the_rule():
    X, y = rows()
    betas = [np.float64(0.0), np.float64(0.9)]
    grid = GridSearchCV(
        brief(solver=Momentum(0.5)), {"solver__beta": betas}, scoring="neg_log_loss"
    )
    grid.fit(X, y)
    scores = [
        cross_val_score(brief(solver=Momentum(b)), X, y, scoring="neg_log_loss").mean()
        for b in betas
    ]
    np.testing.assert_array_equal(grid.cv_results_["mean_test_score"], scores)
    assert scores[0] != scores[1]
    assert grid.best_estimator_.solver.beta == betas[np.argmax(scores)]


@pytest.mark.parametrize("solvers", [SOLVERS, [Momentum(0.3), GradientDescent()]])
def test_a_grid_over_solvers_takes_names_and_objects(solvers):
    X, y = rows()
    grid = GridSearchCV(brief(), {"solver": solvers, "C": [0.1, 1.0]}, cv=2).fit(X, y)
    assert len(set(grid.cv_results_["mean_fit_time"])) > 1
    assert np.isfinite(grid.cv_results_["mean_test_score"]).all()


def test_the_weights_are_routed_through_a_grid_search():
    X, y = rows()
    weights = np.arange(len(y)) % 4.0
    with config_context(enable_metadata_routing=True):
        clf = GDLogisticRegression().set_fit_request(sample_weight=True)
        clf = clf.set_score_request(sample_weight=True)
        grid = GridSearchCV(clf, {"C": [0.1]}, cv=StratifiedKFold(3)).fit(
            X, y, sample_weight=weights
        )
    alone = GDLogisticRegression(C=0.1).fit(X, y, weights)
    np.testing.assert_array_equal(grid.best_estimator_.coef_, alone.coef_)
    scores = []
    for train, test in StratifiedKFold(3).split(X, y):
        alone.fit(X[train], y[train], weights[train])
        scores.append(alone.score(X[test], y[test], weights[test]))
    assert grid.best_score_ == pytest.approx(np.mean(scores), abs=1e-15)


def test_weights_that_nobody_asked_for_are_not_routed():
    X, y = rows()
    with config_context(enable_metadata_routing=True):
        grid = GridSearchCV(GDLogisticRegression(), {"C": [0.1]})
        with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
            grid.fit(X, y, sample_weight=np.ones(len(y)))


def test_the_start_is_routed_through_a_pipeline():
    X, y = rows()
    start = np.full((1, X.shape[1]), 0.25)
    with config_context(enable_metadata_routing=True):
        clf = brief(solver="gd").set_fit_request(coef_init=True)
        routed = make_pipeline(clf).fit(X, y, coef_init=start)[-1]
    direct = brief(solver="gd").fit(X, y, coef_init=start)
    np.testing.assert_array_equal(routed.history_["cost"], direct.history_["cost"])


@pytest.mark.parametrize("through", [CalibratedClassifierCV, OneVsRestClassifier])
def test_wrappers_that_pass_weights_on_find_a_place_for_them(through):
    X, y = rows(n_classes=3)
    weights = np.arange(len(y)) % 4.0
    probabilities = []
    with config_context(enable_metadata_routing=True):
        for clf in ours_and_theirs():
            clf.set_fit_request(sample_weight=True)
            model = through(clf).fit(X, y, sample_weight=weights)
            probabilities.append(model.predict_proba(X))
    np.testing.assert_allclose(*probabilities, atol=1e-6)


# -- probabilities ------------------------------------------------------------------------

SCORES = [0, 2**-20, 0.5, 1, 17, 36, 37, 88, 89, 104, 300, 709, 745, 750, 5000, 1e4]
TRIPLES = [
    *product([-1e4, -1, 0, 1e4], repeat=3),
    (0, -36, -37),
    (0, -88, -104),
    (1e4, 1e4 - 0.5, -1e4),
    (-1e4, -1e4, -1e4 - 17),
    (5, 5 - 300, 5 - 750),
]


def exact(scores):
    """Softmax and its logarithm in 400 digits, rounded to float64 at the end."""
    with localcontext() as context:
        context.prec = 400
        z = [Decimal(float(score)) for score in scores]
        total = sum((score - max(z)).exp() for score in z)
        log_p = [score - max(z) - total.ln() for score in z]
        return [float(x.exp()) for x in log_p], [float(x) for x in log_p]


def reader(n_classes, dtype):
    """A model whose scores are the features themselves: z = x."""
    n_outputs = 1 if n_classes == 2 else n_classes
    X = np.zeros((n_classes, n_outputs), dtype=dtype)
    clf = brief(solver="gd").fit(X, np.arange(n_classes))
    clf.coef_ = np.eye(n_outputs, dtype=dtype)
    clf.intercept_ = np.zeros(n_outputs, dtype=dtype)
    return clf


def problem_of_scores(n_classes):
    """Features to be read as scores, and the scores of all classes."""
    if n_classes == 3:
        return np.array(TRIPLES), np.array(TRIPLES)
    z = np.array([sign * score for score in SCORES for sign in (1, -1)])[:, np.newaxis]
    return z, np.hstack([np.zeros_like(z), z])


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_probabilities_and_their_logarithms_are_exact_for_any_score(n_classes, dtype, container):
    X, scores = problem_of_scores(n_classes)
    oracle = np.array([exact(row) for row in scores.tolist()])
    clf, X = reader(n_classes, dtype), container(X.astype(dtype))
    precision = {"rtol": 8 * np.finfo(dtype).eps, "atol": np.finfo(dtype).tiny}
    np.testing.assert_allclose(clf.predict_proba(X), oracle[:, 0], **precision)
    np.testing.assert_allclose(clf.predict_log_proba(X), oracle[:, 1], **precision)


def scores_of(n_outputs):
    """Hypothesis: rows of float32 scores up to ±1e4."""
    return arrays(np.float32, (5, n_outputs), elements=st.floats(-1e4, 1e4, width=32))


@settings(max_examples=60, deadline=None)
@given(data=st.data(), n_classes=st.integers(2, 5), dtype=st.sampled_from(["f4", "f8"]))
def test_probabilities_are_a_distribution_and_predict_takes_the_largest(data, n_classes, dtype):
    X = data.draw(scores_of(1 if n_classes == 2 else n_classes)).astype(dtype)
    clf = reader(n_classes, dtype)
    p, log_p = clf.predict_proba(X), clf.predict_log_proba(X)
    assert (p >= 0).all()
    assert np.isfinite(log_p).all()
    assert (log_p <= 0).all()
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=4 * np.finfo(dtype).eps)
    chosen = p[np.arange(5), clf.predict(X)]
    np.testing.assert_array_equal(chosen, p.max(axis=1))


@settings(max_examples=60, deadline=None)
@given(z=scores_of(1))
def test_the_sign_of_the_score_only_swaps_two_classes(z):
    clf = reader(2, np.float32)
    np.testing.assert_array_equal(clf.predict_log_proba(-z), clf.predict_log_proba(z)[:, ::-1])
    np.testing.assert_array_equal(clf.predict(z) == 1, clf.decision_function(z) > 0)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_fit_that_separates_the_classes_far_apart_has_finite_probabilities(n_classes):
    X = 1e6 * np.eye(n_classes)[np.arange(30) % n_classes]
    clf = GDLogisticRegression(solver="gd", learning_rate=1.0, max_iter=5, tol=0, C=np.inf)
    clf.fit(X, np.arange(30) % n_classes)
    assert np.abs(clf.decision_function(X)).max() > 1e4
    assert np.isfinite(clf.predict_log_proba(X)).all()
    assert np.isfinite(clf.history_["cost"]).all()
