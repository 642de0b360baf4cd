"""Rows in chunks give the model of the rows in memory: `Chunks`, memory maps, dask."""

import itertools
import pickle
import warnings
import weakref

import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from sklearn_gd_logreg import (
    Chunks,
    GDLogisticRegression,
    NaturalGradient,
    TimeLimit,
    bias_variance_report,
    duality_gap,
    gradient_check,
)
from sklearn_gd_logreg.data import chunked as chunked_module

from .chunk_storages import ROWS, STORAGES, ReadAnew, Store
from .problems import FIRST_ORDER, cost, needs_callbacks, noisy, reference, uneven_weights

every_storage = pytest.mark.parametrize("storage", STORAGES)


@pytest.fixture
def store(storage, tmp_path, monkeypatch):
    """Puts rows into the storage of a test."""
    return Store(storage, tmp_path, monkeypatch)


PENALTIES = {
    "L2": {},
    "none": {"C": np.inf},
    "L1": {"C": 0.05, "l1_ratio": 1.0},
    "elastic net": {"C": 0.1, "l1_ratio": 0.5},
}


def probabilities(model, X):
    """Of rows in memory, with the names of the columns if the model knows them."""
    if hasattr(model, "feature_names_in_"):
        X = pd.DataFrame(X, columns=model.feature_names_in_)
    return model.predict_proba(X)


# -- the same model ----------------------------------------------------------------------------


@every_storage
@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("penalty", PENALTIES)
def test_the_natural_gradient_finds_the_same_optimum(penalty, n_classes, storage, store):
    X, y = noisy(400, 6, n_classes, seed=1)
    labels, weights = np.array(["a", "b", "ccc", "d"])[y], uneven_weights(400)
    options = PENALTIES[penalty]
    model = GDLogisticRegression(tol=1e-8, **options).fit(*store(X, labels, weights))
    best = reference(X, y, weights, **options)
    assert model.stop_reason_ == "tol"
    found, least = (cost(X, y, m, weights, **options) for m in (model, best))
    assert found - least <= 1e-9 * least
    np.testing.assert_allclose(probabilities(model, X), best.predict_proba(X), atol=1e-6)
    assert list(model.classes_) == ["a", "b", "ccc", "d"][:n_classes]


@every_storage
@pytest.mark.parametrize("rule", FIRST_ORDER)
@pytest.mark.parametrize("penalty", ["L2", "L1"])
def test_every_other_rule_makes_the_same_steps(penalty, rule, storage, store):
    X, y = noisy(300, 5, 3, seed=2)
    weights = uneven_weights(300)
    model = GDLogisticRegression(solver=rule, tol=0, max_iter=25, **PENALTIES[penalty])
    expected = model.fit(X, y, weights)
    coef, costs = expected.coef_, expected.history_["cost"]
    found = model.fit(*store(X, y, weights))
    np.testing.assert_allclose(found.history_["cost"], costs, rtol=1e-9)
    np.testing.assert_allclose(found.coef_, coef, atol=1e-7)
    np.testing.assert_array_equal(found.history_["passes"], expected.history_["passes"])


@every_storage
@pytest.mark.parametrize(
    "options",
    [
        {"class_weight": "balanced"},
        {"class_weight": {"no": 3.0}},
        {"fit_intercept": False},
        {"solver": NaturalGradient(exact=True)},
        {"solver": NaturalGradient(direct_limit=1)},  # Hessian-vector products
        {"solver": NaturalGradient(damping=0.1)},
        {"learning_rate": "backtracking", "solver": "gd"},
    ],
    ids=str,
)
@pytest.mark.parametrize("weighted", [False, True])
def test_every_option_gives_the_same_model(weighted, options, storage, store):
    X, y = noisy(300, 5, 2, seed=3)
    labels = np.array(["yes", "no"])[y]
    weights = uneven_weights(300) * (np.arange(300) % 7 > 0) if weighted else None
    model = GDLogisticRegression(tol=1e-6, max_iter=5000, **options)
    expected = probabilities(model.fit(X, labels, weights), X)
    model.fit(*store(X, labels, weights))
    np.testing.assert_allclose(probabilities(model, X), expected, atol=1e-6)


@every_storage
@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_weights_whose_squares_are_no_numbers(scale, storage, store):
    X, y = noisy(1500, 3, 2, seed=30)
    weights = uneven_weights(1500)
    expected = GDLogisticRegression(C=1.0, tol=1e-8).fit(X, y, weights)
    model = GDLogisticRegression(C=1 / scale, tol=1e-8).fit(*store(X, y, weights * scale))
    np.testing.assert_allclose(model.coef_, expected.coef_, atol=1e-6)


@every_storage
def test_columns_far_from_zero_are_centred(storage, store):
    X, y = noisy(400, 4, 2, seed=4)
    far = X + np.array([1e7, 0, -1e5, 0])
    model = GDLogisticRegression(tol=1e-8, C=np.inf).fit(*store(far, y))
    best = reference(X, y, C=np.inf)
    np.testing.assert_allclose(model.coef_, best.coef_, atol=1e-5)
    assert "columns far from 0" in model.solver_info_["reductions"]


@every_storage
@pytest.mark.filterwarnings("ignore:X .* feature names:UserWarning")
def test_a_warm_start_in_another_storage_keeps_the_model(storage, store):
    """Columns are centred by a sample, which is another one in another storage."""
    X, y = noisy(400, 2, 2, seed=4)
    X[:, 1] += 1e4
    rows = store(X, y)
    best = GDLogisticRegression(tol=1e-8).fit(X, y)
    for first, second in (((X, y), rows), (rows, (X, y))):
        model = GDLogisticRegression(tol=1e-8, max_iter=2, warm_start=True)
        with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):
            before = model.fit(*first).predict_proba(X)
            after = model.set_params(max_iter=0).fit(*second).predict_proba(X)
        np.testing.assert_allclose(after, before, atol=1e-9)
        model.set_params(max_iter=100).fit(*second)
        assert cost(X, y, model) == pytest.approx(model.history_["cost"][-1], rel=1e-9)
        assert model.history_["cost"][-1] == pytest.approx(best.history_["cost"][-1], rel=1e-9)


@every_storage
def test_more_features_than_rows(storage, store):
    X, y = noisy(60, 150, 2, seed=5)
    model = GDLogisticRegression(tol=1e-8).fit(*store(X, y))
    best = reference(X, y)
    np.testing.assert_allclose(probabilities(model, X), best.predict_proba(X), atol=1e-6)


@every_storage
def test_a_class_without_weight_and_a_class_of_one_chunk(storage, store):
    X, y = noisy(300, 4, 3, seed=6)
    y = np.sort(y)  # most chunks have one class
    weights = np.where(y == 1, 0.0, 1.0)
    expected = GDLogisticRegression(tol=1e-8).fit(X, y, weights)
    found = GDLogisticRegression(tol=1e-8).fit(*store(X, y, weights))
    np.testing.assert_array_equal(found.classes_, expected.classes_)
    np.testing.assert_allclose(probabilities(found, X), probabilities(expected, X), atol=1e-6)
    assert (probabilities(found, X)[:, 1] == 0).all()


@pytest.mark.parametrize("storage", [s for s in STORAGES if "CSR" not in str(s)])
@pytest.mark.parametrize("dtype", ["float32", "uint8", "int64", "bool"])
def test_the_precision_is_that_of_rows_in_memory(dtype, storage, store):
    X, y = noisy(300, 5, 2, seed=7)
    X = np.abs(X * (1 if dtype == "float32" else 40)).astype(dtype)
    expected = GDLogisticRegression().fit(X, y)
    found = GDLogisticRegression().fit(*store(X, y))
    assert found.coef_.dtype == expected.coef_.dtype
    tol = 1e-3 if dtype == "float32" else 1e-6
    np.testing.assert_allclose(probabilities(found, X), probabilities(expected, X), atol=tol)


# -- validation data, callbacks, resuming ------------------------------------------------------


@every_storage
@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize("solver", ["gd", "natural"])
def test_validation_data_give_the_same_curve(solver, stored, storage, store):
    X, y = noisy(400, 5, 3, seed=8)
    if solver == "natural":
        X = X + np.array([1e6, 0, 0, 0, 0])  # the columns are centred
    weights, val_weights = uneven_weights(300), uneven_weights(100, seed=1)
    train, validation = (X[:300], y[:300], weights), (X[300:], y[300:], val_weights)
    names = "X_val", "y_val", "sample_weight_val"
    model = GDLogisticRegression(solver=solver, tol=1e-9 if solver == "natural" else 0)
    model.set_params(max_iter=1000 if solver == "natural" else 30)
    expected = model.fit(*train, **dict(zip(names, validation, strict=True))).history_
    given = store(*validation) if stored else validation
    if storage == "dask frame" and not stored:
        given = pd.DataFrame(X[300:], columns=store(X)[0].columns), *validation[1:]
    found = model.fit(*store(*train), **dict(zip(names, given, strict=True))).history_
    entries = slice(-1, None) if solver == "natural" else slice(None)
    for name in ("val_loss", "val_accuracy"):
        np.testing.assert_allclose(found[name][entries], expected[name][entries], rtol=1e-6)


@every_storage
def test_early_stopping_with_validation_data_keeps_the_same_iterate(storage, store):
    X, y = noisy(400, 30, 2, seed=25)
    X_val, y_val, _ = store(X[60:], y[60:])
    model = GDLogisticRegression(C=np.inf, solver="gd", early_stopping=True, n_iter_no_change=3)
    expected = model.fit(X[:60], y[:60], X_val=X[60:], y_val=y[60:])
    best, coef = expected.best_iter_, expected.coef_
    model.fit(*store(X[:60], y[:60]), X_val=X_val, y_val=y_val)
    assert model.stop_reason_ == "early_stopping"
    assert model.best_iter_ == best > 0
    np.testing.assert_allclose(model.coef_, coef, atol=1e-8)


@every_storage
def test_a_validation_class_that_has_no_weight_in_training(storage, store):
    X, y = noisy(300, 4, 3, seed=9)
    weights = np.where(y[:200] == 2, 0.0, 1.0)
    train, validation = (X[:200], y[:200], weights), (X[200:], y[200:])
    model = GDLogisticRegression(max_iter=5, tol=0)
    expected = model.fit(*train, X_val=validation[0], y_val=validation[1]).history_["val_loss"]
    X_val, y_val, _ = store(*validation)
    found = model.fit(*store(*train), X_val=X_val, y_val=y_val).history_["val_loss"]
    np.testing.assert_allclose(found[-1], expected[-1], rtol=1e-6)


@every_storage
@pytest.mark.parametrize("solver", ["natural", "momentum", "adam"])
def test_a_warm_start_resumes_exactly(solver, storage, store):
    X, y = noisy(300, 5, 3, seed=10)
    given = store(X, y, uneven_weights(300))
    whole = GDLogisticRegression(solver=solver, max_iter=6, tol=0).fit(*given)
    parts = GDLogisticRegression(solver=solver, max_iter=2, tol=0, warm_start=True)
    for _ in range(3):
        parts = pickle.loads(pickle.dumps(parts.fit(*given)))
    np.testing.assert_array_equal(parts.coef_, whole.coef_)
    assert parts.n_iter_ == 6
    other = parts.set_params(max_iter=0).fit(*store(X[::-1].copy(), y))
    assert other.n_iter_ == 0  # other rows: a new descent


@needs_callbacks
@every_storage
def test_callbacks_see_the_fit(storage, store):
    X, y = noisy(200, 4, 2, seed=11)
    model = GDLogisticRegression(solver="gd", tol=0, max_iter=800).set_callbacks(TimeLimit(0.05))
    with warnings.catch_warnings(action="ignore"):
        model.fit(*store(X, y))
    assert model.stop_reason_ == "callback"


# -- predictions -------------------------------------------------------------------------------


@every_storage
@pytest.mark.parametrize("n_classes", [2, 4])
def test_predictions_are_those_of_rows_in_memory(n_classes, storage, store):
    X, y = noisy(150, 5, n_classes, seed=12)
    labels, weights = np.array(["a", "b", "ccc", "d"])[y], uneven_weights(150)
    given = store(X, labels, weights)
    columns = getattr(given[0], "columns", None)
    in_memory = X if columns is None else pd.DataFrame(X, columns=columns)
    model = GDLogisticRegression().fit(in_memory, labels)
    for name in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        found, expected = getattr(model, name)(given[0]), getattr(model, name)(in_memory)
        assert type(found).__module__.startswith("dask" if "dask" in storage else "numpy")
        assert found.dtype == expected.dtype or (found.dtype == object and name == "predict")
        found = np.asarray(found)
        assert found.shape == expected.shape
        if name == "predict":
            np.testing.assert_array_equal(found, expected)
        else:
            np.testing.assert_allclose(found, expected, atol=1e-12)
    expected = model.score(in_memory, labels, weights)
    assert model.score(*given) == pytest.approx(expected, abs=1e-12)


AS_TODAY = tuple(map(int, sklearn.__version__.split(".")[:2])) >= (1, 9)
"""Earlier versions of scikit-learn's `accuracy_score` have other errors, or none."""

BAD_SCORES = {
    "numbers for strings": (lambda y: (y == "a").astype(int), 1.0, "Mix of label input types"),
    "continuous": (lambda y: (y == "a") + 0.5, 1.0, "continuous"),
    "weights of 0": (lambda y: y, 0.0, "at least one"),
}


@every_storage
@pytest.mark.parametrize("bad", BAD_SCORES)
def test_a_score_of_bad_labels_is_an_error_as_in_memory(bad, storage, store):
    X, y = noisy(100, 3, 2, seed=28)
    labels, (change, weight, message) = np.array(["a", "b"])[y], BAD_SCORES[bad]
    given, weights = store(X, change(labels), np.full(100, weight)), np.full(100, weight)
    columns = getattr(given[0], "columns", None)
    in_memory = X if columns is None else pd.DataFrame(X, columns=columns)
    model = GDLogisticRegression().fit(in_memory, labels)
    if AS_TODAY:
        with pytest.raises(ValueError, match=message):
            model.score(in_memory, change(labels), weights)
    with pytest.raises(ValueError, match=message):
        model.score(*given)


@every_storage
def test_a_score_counts_no_chunk_of_weight_0(storage, store):
    X, y = noisy(100, 3, 2, seed=29)
    weights = (np.arange(100) >= ROWS).astype(float)
    model = GDLogisticRegression(max_iter=1, tol=0).fit(*store(X, y))
    expected = np.mean(np.asarray(model.predict(store(X)[0]))[ROWS:] == y[ROWS:])
    assert model.score(*store(X, y, weights)) == pytest.approx(expected)


# -- bad input ---------------------------------------------------------------------------------

BAD = {
    "X with NaN": lambda X, y, w: (np.where(X[100, 1] == X, np.nan, X), y, w),
    "X with inf": lambda X, y, w: (np.where(X[100, 1] == X, np.inf, X), y, w),
    "one class": lambda X, y, w: (X, np.zeros_like(y), w),
    "continuous labels": lambda X, y, w: (X, y + 0.25, w),
    "labels with NaN": lambda X, y, w: (X, np.where(np.arange(len(y)) == 9, np.nan, y), w),
    "negative weights": lambda X, y, w: (X, y, -w),
    "weights with NaN": lambda X, y, w: (X, y, np.where(w > 0.3, np.nan, w)),
    "weights of 0": lambda X, y, w: (X, y, 0 * w),
}


@every_storage
@pytest.mark.parametrize("bad", BAD)
def test_bad_values_give_the_errors_of_rows_in_memory(bad, storage, store):
    X, y = noisy(150, 3, 2, seed=13)
    bad_rows = BAD[bad](X, y.astype(float), uneven_weights(150))
    model = GDLogisticRegression()
    with pytest.raises(ValueError) as expected:  # noqa: PT011  # its words are compared
        model.fit(*bad_rows)
    with pytest.raises(ValueError) as found:  # noqa: PT011
        model.fit(*store(*bad_rows))
    first = str(expected.value).split("Got")[0].splitlines()[0]
    assert first in str(found.value)
    assert not hasattr(model, "coef_")


@every_storage
def test_another_number_of_features_is_refused(storage, store):
    X, y = noisy(150, 3, 2, seed=14)
    model = GDLogisticRegression(warm_start=True).fit(*store(X, y))
    with pytest.raises(ValueError, match=r"features|feature names"):
        model.predict(store(X[:, :2])[0])
    with pytest.raises(ValueError, match=r"features|feature names"):
        model.fit(*store(X[:, :2], y))


@pytest.mark.parametrize("storage", [s for s in STORAGES if "memory map" not in str(s)])
@pytest.mark.parametrize(
    ("params", "parameter"),
    [({"batch_size": 10}, "batch_size"), ({"early_stopping": True}, "early_stopping")],
)
def test_what_draws_from_all_rows_is_refused_by_name(params, parameter, storage, store):
    X, y = noisy(100, 3, 2, seed=15)
    with pytest.raises(ValueError, match=f"'{parameter}' parameter.*rows in chunks"):
        GDLogisticRegression(**params).fit(*store(X, y))


@pytest.mark.parametrize("storage", [s for s in STORAGES if "memory map" in str(s)])
@pytest.mark.parametrize("params", [{"batch_size": 10}, {"early_stopping": True}])
def test_a_memory_map_is_an_array_where_rows_are_drawn(params, storage, store):
    X, y = noisy(400, 3, 2, seed=16)
    model = GDLogisticRegression(random_state=0, solver="gd", max_iter=3, tol=0, **params)
    expected = model.fit(X, y).coef_
    np.testing.assert_allclose(model.fit(*store(X, y)).coef_, expected)


@pytest.mark.parametrize("storage", [s for s in STORAGES if "memory map" not in str(s)])
def test_what_needs_all_rows_refuses_chunks_in_place_of_a_copy(storage, store):
    X, y = noisy(100, 3, 2, seed=17)
    model, rows = GDLogisticRegression().fit(X, y), store(X)[0]
    with pytest.raises(ValueError, match="X must be in memory"):
        duality_gap(model, rows, y)
    with pytest.raises(ValueError, match="X must be in memory"):
        gradient_check(model, rows, y)
    with pytest.raises(ValueError, match="X must be in memory"):
        model.partial_fit(rows, y)
    with pytest.raises(ValueError, match="X_train must be in memory"):
        bias_variance_report(model, rows, y, X, y)
    with pytest.raises(ValueError, match="X_val must be in memory"):
        model.fit(X, y, X_val=rows, y_val=y)


# -- Chunks ------------------------------------------------------------------------------------


def test_each_pass_reads_each_chunk_once_and_keeps_none():
    X, y = noisy(300, 4, 2, seed=18)
    alive, most = [], []

    class Tracked(np.ndarray):
        pass

    class Source:
        n_passes = 0

        def __iter__(self):
            self.n_passes += 1
            for start in range(0, 300, ROWS):
                chunk = X[start : start + ROWS].copy().view(Tracked)
                alive.append(weakref.ref(chunk))
                yield chunk, y[start : start + ROWS]
                del chunk
                most.append(sum(one() is not None for one in alive))

    source = Source()
    model = GDLogisticRegression(solver="gd", tol=0, max_iter=7).fit(Chunks(source))
    assert source.n_passes == model.history_["passes"][-1] + 2  # the header, and the labels
    assert max(most) == 0


@pytest.mark.parametrize("center", [0.0, 1e7])  # the sample of centred rows is that of the rows
@pytest.mark.parametrize("solver", ["natural", "gd"])
def test_the_sample_is_drawn_once_and_only_if_needed(solver, center, monkeypatch):
    X, y = noisy(20_000, 2, 2, seed=18)
    X[:, 1] += center
    drawn, draw = [], chunked_module.DrawRows.__call__

    def recorded(self, data, number):
        drawn.append(number)
        return draw(self, data, number)

    monkeypatch.setattr(chunked_module.DrawRows, "__call__", recorded)
    with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):
        GDLogisticRegression(solver=solver, max_iter=5).fit(Chunks(ReadAnew(X, y, rows=2_000)))
    assert drawn == (list(range(10)) if solver == "natural" else [])


@pytest.mark.parametrize("center", [0.0, 1e7])
def test_the_first_pass_draws_the_sample_too(center):
    X, y = noisy(20_000, 2, 2, seed=18)
    source = ReadAnew(X + center, y, rows=2_000)
    model = GDLogisticRegression(C=np.inf).fit(Chunks(source))
    first, last = model.history_["passes"][[0, -1]]
    reads = 1 + (center > 0)  # J before the columns are centred, and after
    assert reads < first < reads + 0.5  # a fraction for F
    assert source.n_passes == 2 + int(last)  # the header, and the labels


def test_no_pass_at_the_end_asks_what_the_bound_proves():
    X, y = noisy(20_000, 2, 2, seed=18)
    source = ReadAnew(X, y, rows=2_000)
    model = GDLogisticRegression().fit(Chunks(source))
    assert source.n_passes == 2 + int(model.history_["passes"][-1])


@pytest.mark.parametrize(
    "make", [np.asarray, sparse.csr_matrix, sparse.coo_array, sparse.bsr_array, pd.DataFrame]
)
def test_chunks_of_arrays_matrices_and_frames(make):
    X, y = noisy(200, 4, 2, seed=19)
    expected = GDLogisticRegression(tol=1e-8).fit(X, y).coef_
    parts = [(make(X[s : s + 60]), list(y[s : s + 60])) for s in range(0, 200, 60)]
    found = GDLogisticRegression(tol=1e-8).fit(Chunks(parts))
    np.testing.assert_allclose(found.coef_, expected, atol=1e-6)


X3, NAMES = noisy(200, 4, 3, seed=25)
NAMES = np.array(["a", "bb", "a long name"])[NAMES]
BY_CLASS = np.argsort(NAMES, kind="stable")
CUTS = {
    "one row": (*range(20), 200),
    "uneven": (0, 1, 150, 153, 200),
    "empty first": (0, 0, 90, 200),
    "empty": (0, 90, 90, 90, 200, 200),
}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("cuts", CUTS.values(), ids=list(CUTS))
@pytest.mark.parametrize("options", [{}, {"l1_ratio": 1.0, "C": 0.1}, {"solver": "gd"}], ids=str)
def test_chunks_of_any_length(options, cuts, make, weighted):
    weights = (uneven_weights(200),) if weighted else ()
    parts = [
        (make(X3[start:end]), *(column[start:end] for column in (NAMES, *weights)))
        for start, end in itertools.pairwise(cuts)
    ]
    expected = GDLogisticRegression(tol=1e-8, **options).fit(X3, NAMES, *weights)
    found = GDLogisticRegression(tol=1e-8, **options).fit(Chunks(parts))
    np.testing.assert_allclose(found.predict_proba(X3), expected.predict_proba(X3), atol=1e-6)
    np.testing.assert_allclose(found.score(Chunks(parts)), expected.score(X3, NAMES, *weights))
    np.testing.assert_array_equal(found.predict(Chunks(parts)), found.predict(X3))


@pytest.mark.parametrize("kind", [str, object, list, pd.Series])
def test_labels_whose_strings_have_other_widths_in_other_chunks(kind):
    columns = {str: lambda y: np.array(y.tolist()), object: lambda y: y.astype(object)}
    X, y, of_kind = X3[BY_CLASS], NAMES[BY_CLASS], columns.get(kind, kind)
    parts = [(X[s : s + 40], of_kind(y[s : s + 40])) for s in range(0, 200, 40)]
    expected = GDLogisticRegression(tol=1e-8).fit(X, y)
    found = GDLogisticRegression(tol=1e-8).fit(Chunks(parts))
    np.testing.assert_array_equal(found.classes_, expected.classes_)
    np.testing.assert_allclose(found.coef_, expected.coef_, atol=1e-6)


def test_a_chunk_of_higher_precision_is_refused():
    X, y = noisy(100, 3, 2, seed=5)
    for later in (X[50:], (10 * X[50:]).astype(int)):
        chunks = [(X[:50].astype(np.float32), y[:50]), (later, y[50:])]
        with pytest.raises(ValueError, match="Chunk 1 of X must be float32, as the first is"):
            GDLogisticRegression().fit(Chunks(chunks))
    model = GDLogisticRegression(tol=1e-8).fit(Chunks([(X[:50], y[:50]), chunks[0]]))
    assert model.coef_.dtype == np.float64


def test_an_empty_chunk_decides_no_dtype():
    X, y = noisy(90, 3, 2, seed=26)
    model = GDLogisticRegression().fit(Chunks([(X, y), (X[:0], [])]))
    assert model.classes_.dtype == y.dtype


def test_columns_of_frames_have_names():
    X, y = noisy(100, 2, 2, seed=20)
    frames = [(pd.DataFrame(X[s : s + 50], columns=["a", "b"]), y[s : s + 50]) for s in (0, 50)]
    model = GDLogisticRegression().fit(Chunks(frames))
    assert list(model.feature_names_in_) == ["a", "b"]
    swapped = [frames[0], (frames[1][0][["b", "a"]], frames[1][1])]
    with pytest.raises(ValueError, match=r"Chunk 1 of X.*columns"):
        GDLogisticRegression().fit(Chunks(swapped))


@pytest.mark.parametrize("dtypes", [("float32", "float32"), ("int8", "float32"), ("Float32",) * 2])
def test_a_frame_has_the_precision_of_one_in_memory(dtypes):
    X, y = noisy(100, 2, 2, seed=27)
    frame = pd.DataFrame((10 * X).astype(int), columns=["a", "b"]).astype(
        dict(zip("ab", dtypes, strict=True))
    )
    expected = GDLogisticRegression().fit(frame, y)
    found = GDLogisticRegression().fit(Chunks([(frame[:60], y[:60]), (frame[60:], y[60:])]))
    assert found.coef_.dtype == expected.coef_.dtype
    np.testing.assert_allclose(found.coef_, expected.coef_, rtol=1e-3)


def test_predictions_need_no_labels():
    X, y = noisy(100, 3, 2, seed=21)
    model = GDLogisticRegression().fit(X, y)
    np.testing.assert_array_equal(model.predict(Chunks([X[:60], X[60:]])), model.predict(X))


X2, Y2 = np.zeros((4, 2)), np.array([0, 1, 0, 1])


@pytest.mark.parametrize(
    ("chunks", "message"),
    [
        (3, "'chunks' parameter of Chunks must be an iterable"),
        ((pair for pair in [(X2, Y2)]), "not an iterator"),
        ([], "at least one chunk"),
        ([(X2,)], r"Chunk 0 must be a tuple \(X, y\)"),
        ([(X2, Y2, Y2, Y2)], r"Chunk 0 must be a tuple \(X, y\)"),
        ([(X2, Y2), X2], r"Chunk 1 must be a tuple \(X, y\).*Got a ndarray instead"),
        ([(X2, Y2), [X2, Y2]], r"Chunk 1 must be a tuple \(X, y\).*Got a list instead"),
        ([(X2, Y2), (sparse.csr_array(X2), Y2)], "Chunk 1 of X must be dense.*Got a csr_array"),
        ([(sparse.csr_array(X2), Y2), (X2, Y2)], "Chunk 1 of X must be sparse.*Got a ndarray"),
        ([(X2[:0], Y2[:0])], "Found 0 rows in all chunks"),
        ([(X2, Y2), (X2, Y2.astype(str))], "Mix of label input types"),
        ([(X2[0], Y2)], r"Expected 2D array.*chunk 0"),
        ([(X2, Y2), (X2[:, :1], Y2)], "Chunk 1 of X has 1 features, but the first has 2"),
        ([(X2, Y2), (X2, Y2[:3])], "Chunk 1 must have as many rows of X as labels"),
        ([(np.zeros((4, 0)), Y2)], "0 feature"),
        ([(X2, np.zeros((4, 2)))], "1d array"),
        ([(np.full((4, 2), "text"), Y2)], "could not convert|numeric"),
    ],
)
def test_bad_chunks_are_named(chunks, message):
    with pytest.raises(ValueError, match=message):
        GDLogisticRegression().fit(Chunks(chunks))


@pytest.mark.parametrize(
    ("later", "message"),
    [
        (lambda parts: parts[:-1], "Every pass must read the same chunks"),
        (lambda parts: [*parts, parts[0]], "Every pass must read the same chunks"),
        (lambda parts: [(X[1:], y[1:]) for X, y in parts], "Chunk 0 must have as many rows"),
        (lambda parts: [(X, y + 5) for X, y in parts], "Every pass must read the same labels"),
    ],
)
def test_chunks_that_change_between_passes_are_found(later, message):
    X, y = noisy(90, 3, 2, seed=22)
    parts = [(X[s : s + 30], y[s : s + 30]) for s in (0, 30, 60)]

    class Source:
        n_passes = 0

        def __iter__(self):
            self.n_passes += 1
            return iter(parts if self.n_passes < 4 else later(parts))

    with pytest.raises(ValueError, match=message):
        GDLogisticRegression(solver="gd", max_iter=100, tol=0).fit(Chunks(Source()))
    with pytest.raises(ValueError, match=message):  # the fourth pass draws the sample
        GDLogisticRegression(tol=1e-8).fit(Chunks(Source()))


def test_a_prediction_names_the_chunk_of_another_width():
    model = GDLogisticRegression().fit(X2 + np.arange(2), Y2)
    with pytest.raises(ValueError, match="Chunk 1 of X has 1 features, but the first has 2"):
        model.predict(Chunks([X2, X2[:, :1]]))


@pytest.mark.parametrize("name", ["y", "sample_weight", "y_val", "sample_weight_val"])
def test_labels_and_weights_are_in_the_chunks(name):
    chunks = Chunks([(X2, Y2)])
    given = {"y": None, name: Y2}
    if name.endswith("_val"):
        given["X_val"] = chunks
    with pytest.raises(ValueError, match=f"^{name} must be None with Chunks"):
        GDLogisticRegression().fit(chunks, **given)


def test_a_fit_that_fails_leaves_the_model_as_it_was():
    X, y = noisy(100, 3, 2, seed=23)
    model = GDLogisticRegression().fit(X, y)
    coef = model.coef_.copy()
    with pytest.raises(ValueError, match="NaN"):
        model.fit(Chunks([(np.full((4, 3), np.nan), Y2)]))
    np.testing.assert_array_equal(model.coef_, coef)


def test_a_source_is_not_read_for_a_bad_parameter():
    source = ReadAnew(X2, Y2)
    with pytest.raises(ValueError, match="'C' parameter"):
        GDLogisticRegression(C=-1).fit(Chunks(source))
    assert source.n_passes == 0


def test_no_convergence_warns_as_in_memory():
    X, y = noisy(200, 4, 2, seed=24)
    with pytest.warns(ConvergenceWarning, match="max_iter=2"):
        GDLogisticRegression(solver="gd", max_iter=2, tol=1e-9).fit(Chunks(ReadAnew(X, y)))
