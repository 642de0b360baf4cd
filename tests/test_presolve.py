"""Reduced data have the same J: models, histories and ends are those of the data as they are."""

import tracemalloc
import warnings
from importlib import import_module
from itertools import product

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import make_classification

from sklearn_gd_logreg import GDLogisticRegression, NaturalGradient
from sklearn_gd_logreg.data import as_dataset

from .pairwise import pairwise
from .problems import FIRST_ORDER, cost, kkt_violation, uneven_weights

PRESOLVE = "sklearn_gd_logreg.data.presolve"
equal_rows, single_row_features, base, zero_weight = (
    import_module(f"{PRESOLVE}.{name}")
    for name in ("equal_rows", "single_row_features", "base", "zero_weight")
)

CONTAINERS = {
    "C": np.ascontiguousarray,
    "float32": lambda X: np.ascontiguousarray(X, dtype=np.float32),
    "CSR": sparse.csr_array,
    "CSR float32": lambda X: sparse.csr_array(X, dtype=np.float32),
}
PENALTIES = {
    "L2": {"C": 0.5},
    "elastic net": {"C": 0.5, "l1_ratio": 0.5},
    "L1": {"C": 0.5, "l1_ratio": 1.0},
}
WEIGHTS = {
    "none": lambda n: None,
    "uneven": uneven_weights,
    "half of them 0": lambda n: uneven_weights(n) * (np.arange(n) % 2),
}


def let_small_data_pay(patch):
    """Small data and small gains do not pay; from now on they do."""
    patch.setattr(equal_rows, "MIN_ROWS_TO_MERGE", 0)
    patch.setattr(equal_rows, "MIN_PASS_WORK_TO_MERGE", 0)
    patch.setattr(single_row_features, "MIN_ENTRIES_TO_COUNT", 0)


@pytest.fixture
def any_size(monkeypatch):
    """Data of any size are reduced."""
    let_small_data_pay(monkeypatch)


def fit(X, y, weights=None, **options):
    """A fit whatever the warnings, and the names of the reductions that it used."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        clf = GDLogisticRegression(**options).fit(X, y, weights)
    return clf, tuple(clf.solver_info_["reductions"])


def both(monkeypatch, X, y, weights=None, *, names, **options):
    """A fit with the reductions, which must be those named, and one with those that always pay."""
    with monkeypatch.context() as patch:
        let_small_data_pay(patch)
        on, used = fit(X, y, weights, **options)
    assert used == names
    off, used = fit(X, y, weights, **options)
    assert set(used) <= {"rows of weight 0", "columns far from 0"}
    return on, off


def repeated(n_classes=2, n_rows=400, n_distinct=50, n_features=5, seed=0):
    """Rows of integers, most of them there several times, sometimes with another label."""
    rng = np.random.default_rng(seed)
    distinct = rng.integers(-2, 3, (n_distinct, n_features)).astype(float)
    place = rng.integers(0, n_distinct, n_rows)
    scores = distinct @ rng.normal(size=(n_features, n_classes))
    y = (scores + rng.gumbel(size=scores.shape)).argmax(axis=1)[place]
    y[:40] = (y[:40] + 1) % n_classes
    return distinct[place], y


def texts(n_rows=150, n_shared=20, seed=0, n_classes=2):
    """A CSR array as of words: some in many rows, up to three in a row alone, some in none."""
    rng = np.random.default_rng(seed)
    shared = sparse.random(n_rows, n_shared, 0.3, format="csr", random_state=rng)
    n_own = rng.integers(0, 4, n_rows)
    rows = np.repeat(np.arange(n_rows), n_own)
    values, places = rng.normal(size=len(rows)), rng.permutation(len(rows))
    own = sparse.csr_array((values, (rows, places)), shape=(n_rows, len(rows)))
    nothing = sparse.csr_array((n_rows, 30))
    X = sparse.csr_array(sparse.hstack([own, shared, nothing], format="csr"))
    y = shared @ rng.normal(size=(n_shared, n_classes)) + rng.gumbel(size=(n_rows, n_classes))
    return X, y.argmax(axis=1)


# -- the same model ---------------------------------------------------------------------------


def is_optimal(X, y, model, weights, options, atol):
    X = X.toarray() if sparse.issparse(X) else X
    of_coef, of_intercept = kkt_violation(X.astype(float), y, model, weights, **options)
    return max(of_coef.max(), of_intercept.max()) <= atol


@pytest.mark.parametrize(
    ("weights", "n_classes", "penalty", "container"),
    pairwise(WEIGHTS, [2, 3], PENALTIES, CONTAINERS),
)
def test_merged_rows_have_the_same_model(monkeypatch, container, penalty, n_classes, weights):
    X, y = repeated(n_classes)
    X, weights = CONTAINERS[container](X), WEIGHTS[weights](len(y))
    single = X.dtype == np.float32
    names = ("equal rows",)
    if weights is not None and not weights.all():
        names = ("rows of weight 0", *names)
    options = {"tol": 1e-3 if single else 1e-7, "max_iter": 100, **PENALTIES[penalty]}
    on, off = both(monkeypatch, X, y, weights, names=names, **options)
    atol = 1e-3 if single else 1e-6
    assert is_optimal(X, y, on, weights, PENALTIES[penalty], atol)
    np.testing.assert_allclose(on.coef_, off.coef_, atol=30 * atol)
    rounding = 1e-6 if single else 1e-12
    assert on.history_["cost"][-1] == pytest.approx(
        cost(X, y, on, weights, **PENALTIES[penalty]), rel=1e-5 if single else 1e-9
    )
    assert on.history_["cost"][0] == pytest.approx(off.history_["cost"][0], rel=rounding)


@pytest.mark.parametrize(
    ("weights", "n_classes", "fit_intercept", "dtype"),
    pairwise(WEIGHTS, [2, 3], [True, False], [np.float64, np.float32]),
)
def test_merged_features_have_the_same_model(monkeypatch, dtype, fit_intercept, n_classes, weights):
    X, y = texts(n_classes=n_classes)
    X, weights = X.astype(dtype), WEIGHTS[weights](len(y))
    names = ("features of single rows",)
    if weights is not None and not weights.all():
        names = ("rows of weight 0", *names)
    shared = {"C": 2.0, "fit_intercept": fit_intercept}
    natural = NaturalGradient(direct_limit=10)
    options = {"solver": natural, "tol": 1e-3 if dtype == np.float32 else 1e-7, **shared}
    on, off = both(monkeypatch, X, y, weights, names=names, **options)
    atol = 1e-3 if dtype == np.float32 else 1e-6
    assert is_optimal(X, y, on, weights, shared, atol)
    np.testing.assert_allclose(on.coef_, off.coef_, atol=30 * atol)
    in_no_row = np.asarray(abs(X).sum(axis=0)).ravel() == 0
    assert in_no_row.sum() >= 30
    assert not on.coef_[:, in_no_row].any()
    expected = cost(X.astype(float), y, on, weights, **shared)
    assert on.history_["cost"][-1] == pytest.approx(expected, rel=1e-5 if atol > 1e-5 else 1e-9)


@pytest.mark.parametrize("solver", FIRST_ORDER)
@pytest.mark.parametrize("l1_ratio", [0.0, 0.5])
def test_every_rule_takes_the_same_path_on_merged_rows(monkeypatch, solver, l1_ratio):
    X, y = repeated(3)
    options = {"solver": solver, "l1_ratio": l1_ratio, "tol": 0, "max_iter": 30}
    on, off = both(monkeypatch, X, y, names=("equal rows",), **options)
    for name in ("cost", "loss", "gradient_norm"):
        np.testing.assert_allclose(on.history_[name], off.history_[name], rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(on.coef_, off.coef_, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("solver", ["gd", "momentum", "nesterov"])
@pytest.mark.parametrize("C", [1.0, np.inf])
def test_rules_invariant_to_rotations_take_the_same_path(monkeypatch, solver, C):
    X, y = texts(n_classes=3)
    options = {"solver": solver, "C": C, "tol": 0, "max_iter": 30}
    names = ("features of single rows",)
    on, off = both(monkeypatch, X, y, uneven_weights(len(y)), names=names, **options)
    for name in ("cost", "loss", "gradient_norm"):
        np.testing.assert_allclose(on.history_[name], off.history_[name], rtol=1e-9)
    np.testing.assert_allclose(on.coef_, off.coef_, atol=1e-12)


def test_both_at_once_with_columns_far_from_0(monkeypatch):
    X, y = repeated()
    X[:, 0] += 1e6
    names = ("equal rows", "columns far from 0")
    on, _ = both(monkeypatch, X, y, names=names, tol=1e-8)
    assert is_optimal(X - [1e6, 0, 0, 0, 0], y, shifted(on, [1e6, 0, 0, 0, 0]), None, {}, 1e-6)
    X, y = texts()
    X, y = sparse.csr_array(sparse.vstack([X, X[:, ::-1], *[X] * 6], format="csr")), np.tile(y, 8)
    names = ("equal rows",)
    on, _ = both(monkeypatch, X, y, names=names, solver=NaturalGradient(direct_limit=10), tol=1e-8)
    assert is_optimal(X, y, on, None, {}, 1e-6)


def shifted(model, centre):
    moved = GDLogisticRegression()
    moved.coef_, moved.intercept_ = model.coef_, model.intercept_ + model.coef_ @ centre
    return moved


@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e150])
def test_lengths_neither_overflow_nor_vanish(any_size, scale):
    X, y = texts()
    X = X * scale
    X.data[::7] = 0  # stored all the same
    data = as_dataset(X, np.zeros(len(y), np.int8), None, False)
    reduced = single_row_features.merge_single_row_features(data, np.zeros((X.shape[1], 1)))
    v = np.random.default_rng(0).normal(size=(reduced.data.n_features, 2))
    w = reduced.expand(v)
    np.testing.assert_allclose(reduced.data.X @ v, X @ w, rtol=1e-12, atol=1e-12 * scale)
    np.testing.assert_allclose(reduced.max_norms(v), np.abs(w).max(axis=0))
    gram = (reduced.basis.T @ reduced.basis).toarray()
    np.testing.assert_allclose(gram, np.diag(np.diag(gram)), atol=1e-12)
    np.testing.assert_allclose(np.diag(gram)[np.diag(gram) > 0], 1)
    before, after = (np.linalg.norm(data / scale) for data in (X.data, reduced.data.X.data))
    assert after == pytest.approx(before)


# -- equal rows are equal -----------------------------------------------------------------------


def hard_tables():
    rng = np.random.default_rng(0)
    X, y = repeated()
    noise = rng.normal(size=(80, 4))[rng.integers(0, 80, 600)]
    last_bit = noise.copy()
    last_bit[::3, 2] = np.nextafter(last_bit[::3, 2], np.inf)
    hidden = np.c_[1e17 * np.ones(600), rng.integers(0, 3, (600, 3))]
    signs = np.where(rng.random((600, 4)) < 0.5, -0.0, 0.0)
    permuted = rng.permuted(np.tile([1.0, 2.0, 3.0, 4.0], (600, 1)), axis=1)
    labels = rng.integers(0, 2, 600)
    return {
        "integers": (X, y),
        "the last bit": (last_bit, labels),
        "hidden behind a large value": (hidden, labels),
        "signs of 0": (signs, labels),
        "the same entries elsewhere": (permuted, labels),
        "all different": (rng.normal(size=(600, 4)), labels),
        "all equal": (np.ones((600, 4)), labels),
        "denormal": (5e-324 * rng.integers(0, 3, (600, 4)), labels),
    }


@pytest.mark.parametrize(
    ("chunk", "weighted", "container", "table"),
    pairwise([100, 1 << 16], [False, True], CONTAINERS, hard_tables()),
)
def test_only_equal_rows_are_merged(table, container, weighted, chunk, monkeypatch):
    monkeypatch.setattr(equal_rows, "CHUNK_ROWS", chunk)
    X, y = hard_tables()[table]
    X = CONTAINERS[container](X)
    share = np.arange(len(y)) % 3 / np.sum(np.arange(len(y)) % 3) if weighted else None
    data = as_dataset(X, y.astype(np.int8), None if share is None else share[:, np.newaxis], True)
    numbers, mass = equal_rows.distinct_rows(data)
    dense = X.toarray() if sparse.issparse(X) else X
    share = np.full(len(y), 1 / len(y)) if share is None else share
    keys = np.c_[dense + 0.0, y]
    found = dict.fromkeys(map(tuple, keys[share > 0]), 0.0)
    for key, weight in zip(map(tuple, keys[numbers]), mass, strict=True):
        found[key] += weight  # a KeyError here is a row that does not exist
    expected = dict.fromkeys(found, 0.0)
    for key, weight in zip(map(tuple, keys), share, strict=True):
        if weight:
            expected[key] += weight
    assert found == pytest.approx(expected, rel=1e-12)
    if table in ("integers", "all equal", "the same entries elsewhere", "signs of 0"):
        assert len(numbers) == len(expected), "all equal rows are found"


def test_rows_of_several_weights_and_labels_are_added_up():
    X, y = np.repeat(np.eye(3), 4, axis=0), np.tile([0, 0, 1, 1], 3)
    share = np.arange(12.0)[:, np.newaxis] / 66
    data = as_dataset(X, y.astype(np.int8), share, True)
    numbers, mass = equal_rows.distinct_rows(data)
    assert (numbers // 2).tolist() == [0, 1, 2, 3, 4, 5]
    np.testing.assert_allclose(66 * mass, [1, 5, 9, 13, 17, 21])


def test_rows_that_are_not_finite_stay_as_they_are():
    for bad in (np.nan, np.inf, -np.inf):
        with np.errstate(invalid="ignore"):  # as in `fit`
            numbers, mass = equal_rows.distinct_rows(tall(np.full((50, 3), bad)))
        assert len(numbers) == 50
        assert mass.sum() == pytest.approx(1)


# -- where it pays ------------------------------------------------------------------------------


def tall(rows):
    return as_dataset(rows, np.zeros(len(rows), np.int8), None, True)


def test_a_sample_tells_whether_rows_are_repeated():
    rng = np.random.default_rng(0)
    different = rng.normal(size=(100_000, 20))
    assert not equal_rows.merging_rows_pays(tall(different))
    often = np.concatenate([different[:12_500]] * 8)
    assert equal_rows.merging_rows_pays(tall(often[:, :8]))
    assert equal_rows.merging_rows_pays(tall(rng.permutation(often)[:, :8]))
    assert equal_rows.merging_rows_pays(tall(np.repeat(different[:12_500], 8, axis=0)[:, :8]))
    twice = np.concatenate([different[:50_000]] * 2)
    assert not equal_rows.merging_rows_pays(tall(twice[:, :8])), (
        "the search takes longer than it spares"
    )
    one_row = different.copy()
    one_row[rng.random(100_000) < 0.1] = 0
    assert not equal_rows.merging_rows_pays(tall(one_row)), "one row alone is repeated"
    assert equal_rows.merging_rows_pays(tall(np.repeat(different[:2], 50_000, axis=0)))
    assert not equal_rows.merging_rows_pays(tall(np.asfortranarray(often)))


@pytest.mark.parametrize(
    ("names", "options"),
    [
        (("rows of weight 0", "equal rows"), {}),
        (("rows of weight 0", "equal rows"), {"solver": "adam"}),
        (("rows of weight 0",), {"solver": NaturalGradient(exact=True)}),
        (("rows of weight 0",), {"max_iter": 3}),
        ((), {"batch_size": 50}),
        ((), {"solver": "adam", "batch_size": 50}),
    ],
)
def test_what_a_fit_uses(any_size, names, options):
    X, y = repeated()
    weights = (np.arange(len(y)) % 2).astype(float)
    assert fit(X, y, weights, **options)[1] == names


@pytest.mark.parametrize(
    "options",
    [
        {"l1_ratio": 0.5},
        {"solver": "adam"},
        {"solver": NaturalGradient(exact=True, direct_limit=10)},
        {"batch_size": 50, "solver": "gd"},
    ],
)
def test_features_are_merged_only_where_j_and_the_path_stay_the_same(any_size, options):
    X, y = texts()
    assert "features of single rows" not in fit(X, y, **options)[1]


def test_a_start_outside_the_span_is_met_as_it_is(any_size):
    X, y = texts()
    start = np.random.default_rng(0).normal(size=(1, X.shape[1]))
    natural = NaturalGradient(direct_limit=10)
    clf = GDLogisticRegression(solver=natural, tol=1e-7).fit(X, y, coef_init=start)
    assert clf.solver_info_["reductions"] == {}
    first = GDLogisticRegression()
    first.coef_, first.intercept_ = start, np.zeros(1)
    assert clf.history_["cost"][0] == pytest.approx(cost(X, y, first), rel=1e-12)
    assert is_optimal(X, y, clf, None, {}, 1e-6)
    again = GDLogisticRegression(solver=natural, tol=1e-9, C=0.1, warm_start=True)
    again.fit(X, y).set_params(C=1.0).fit(X, y)
    assert "features of single rows" in again.solver_info_["reductions"], "a fit ends in the span"
    np.testing.assert_allclose(again.coef_, clf.coef_, atol=1e-5)


# -- the history --------------------------------------------------------------------------------


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_pass_counts_by_the_rows_it_reads(monkeypatch, container):
    X, y = repeated()
    distinct = len(np.unique(np.c_[X, y], axis=0))
    options = {"solver": "gd", "learning_rate": 0.1, "tol": 0, "max_iter": 20}
    on, off = both(monkeypatch, CONTAINERS[container](X), y, names=("equal rows",), **options)
    np.testing.assert_allclose(off.history_["passes"], 1 + np.arange(21))
    part = distinct / len(y)
    np.testing.assert_allclose(on.history_["passes"], 1 + part * (1 + np.arange(21)))


def test_rows_of_weight_0_are_no_part_of_a_pass():
    X, y = make_classification(400, 5, random_state=0)
    weights = (np.arange(400) % 2).astype(float)
    clf = GDLogisticRegression(solver="gd", learning_rate=0.1, tol=0, max_iter=5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole = clf.fit(X, y, weights).history_
        assert list(clf.solver_info_["reductions"]) == ["rows of weight 0"]
        part = clf.fit(X[1::2], y[1::2]).history_
    np.testing.assert_array_equal(whole["passes"], part["passes"])
    np.testing.assert_allclose(whole["cost"], part["cost"], rtol=1e-12)


@pytest.mark.parametrize(
    ("rows", "bad", "container"),
    pairwise([slice(4, 5), slice(1, 2), slice(None)], [np.nan, np.inf, -np.inf], ["C", "CSR"]),
)
def test_a_bad_number_is_found_in_a_row_left_out_too(any_size, container, bad, rows):
    X, y = repeated()
    X[rows, 1] = bad
    weights = (np.arange(len(y)) % 2).astype(float)
    with pytest.raises(ValueError, match=r"NaN|infinity"):
        GDLogisticRegression().fit(CONTAINERS[container](X), y, weights)


# -- going on -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("solver", "kind", "lengths"),
    pairwise(
        ["natural", "gd", NaturalGradient(direct_limit=10)],
        ["rows", "features"],
        [(1, 5), (3, 3), (2, 2, 2)],
    ),
)
def test_a_fit_of_reduced_data_resumes_exactly(any_size, kind, solver, lengths):
    X, y = repeated(3) if kind == "rows" else texts(n_classes=3)
    params = {"solver": solver, "tol": 0, "warm_start": True}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        part = GDLogisticRegression(**params)
        for length in lengths:
            part.set_params(max_iter=length).fit(X, y)
            assert part.solver_info_["reductions"]
        whole = GDLogisticRegression(**params, max_iter=6).fit(X, y)
    np.testing.assert_array_equal(part.coef_, whole.coef_)
    for name in set(whole.history_) - {"time"}:
        np.testing.assert_array_equal(part.history_[name], whole.history_[name], err_msg=name)


def test_data_in_other_coordinates_start_a_new_descent(any_size):
    X, y = texts()
    natural = NaturalGradient(direct_limit=10)
    clf = GDLogisticRegression(solver=natural, warm_start=True, tol=1e-8).fit(X, y)
    clf.fit(X.toarray(), y)
    assert clf.n_iter_ <= 1
    assert is_optimal(X, y, clf, None, {}, 1e-6)


@pytest.mark.parametrize("kind", ["rows", "features"])
def test_validation_rows_are_met_in_the_same_coordinates(any_size, kind):
    X, y = repeated() if kind == "rows" else texts()
    natural = NaturalGradient(direct_limit=10)
    options = {"solver": natural, "tol": 1e-8, "max_iter": 30}
    X_val, y_val = X[::-1][:70], y[::-1][:70]
    for rows in (X_val, X_val.toarray() if sparse.issparse(X_val) else sparse.csr_array(X_val)):
        clf = GDLogisticRegression(**options).fit(X, y, X_val=rows, y_val=y_val)
        assert clf.solver_info_["reductions"]
        p = clf.predict_proba(X_val)[np.arange(70), y_val]
        assert clf.history_["val_loss"][-1] == pytest.approx(-np.log(p).mean(), rel=1e-6)


# -- memory -------------------------------------------------------------------------------------

MEGABYTE = 2**20


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("container", ["C", "float32", "CSR"])
@pytest.mark.parametrize(
    ("n_distinct", "part_of_weight_0"), [(20_000, 0), (100_000, 0), (400_000, 0.5), (400_000, 0.8)]
)
def test_a_tenth_of_x_and_a_copy_of_few_rows_are_enough(container, n_distinct, part_of_weight_0):
    rng = np.random.default_rng(0)
    distinct = rng.random((n_distinct, 20), dtype=np.float32) - 0.5
    X = CONTAINERS[container](distinct[rng.integers(0, n_distinct, 400_000)])
    of_x = X.nbytes if isinstance(X, np.ndarray) else X.data.nbytes + X.indices.nbytes
    y = (X[:, [0]] > 0).toarray().ravel() if sparse.issparse(X) else X[:, 0] > 0
    y = y.astype(np.int8)
    weights = (rng.random(400_000) >= part_of_weight_0) * 1.0 if part_of_weight_0 else None
    clf = GDLogisticRegression(max_iter=12, tol=0)
    clf.fit(X[:100], y[:100])
    tracemalloc.start()
    try:
        clf.fit(X, y, weights)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    print(f"{most / MEGABYTE:.1f} MB beside {of_x / MEGABYTE:.1f} MB")
    assert most <= of_x / 10 + 4 * MEGABYTE + base.MIN_REDUCED_LIMIT_BYTES


def test_all_layouts_are_listed():
    """The table of containers is that of the promises: both precisions, dense and CSR."""
    kinds = [
        (sparse.issparse(X), X.dtype.name) for X in (f(np.eye(2)) for f in CONTAINERS.values())
    ]
    assert sorted(kinds) == sorted(product([False, True], ["float32", "float64"]))
