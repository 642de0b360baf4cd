"""The most that a fit holds in memory beyond X and y: a tenth of X and some megabytes."""

import tracemalloc

import numpy as np
import pytest
from scipy import sparse
from threadpoolctl import threadpool_limits

from sklearn_gd_logreg import GDLogisticRegression

from .descents import brief
from .large import peak, stored_bytes, tall, tall_csr, unaligned

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

MEGABYTE = 2**20

SIZE = 64 * MEGABYTE
"""Bytes of X, few enough for a quick test and enough for one vector too many to show."""

ALLOWED = SIZE // 10 + 4 * MEGABYTE
"""Blocks, factors and whatever else does not grow with the rows have the megabytes."""

PER_ROW = 20
"""Entries of a row."""


def dense(dtype, order="C"):
    """Random numbers, as many rows of them as SIZE holds."""
    n_rows = SIZE // (PER_ROW * np.dtype(dtype).itemsize)
    X = np.empty((n_rows, PER_ROW), dtype, order)
    return fill(X)


def fill(X):
    X[...] = np.random.default_rng(0).random(X.shape, dtype=np.float32) - 0.5
    return X


def csr(dtype, step=1):
    """As many entries in every row, their columns in order, or against it."""
    n_rows = SIZE // (PER_ROW * (4 + np.dtype(dtype).itemsize))
    rng = np.random.default_rng(0)
    columns = 3 * np.arange(PER_ROW, dtype=np.int32) + rng.integers(
        0, 3, (n_rows, PER_ROW), dtype=np.int32
    )
    starts = np.arange(n_rows + 1, dtype=np.int32) * np.int32(PER_ROW)
    entries = fill(np.empty(n_rows * PER_ROW, dtype))
    columns = columns[:, ::step].ravel()
    return sparse.csr_array((entries, columns, starts), (n_rows, 3 * PER_ROW))


LAYOUTS = {
    "float64": lambda: dense(np.float64),
    "float64, F": lambda: dense(np.float64, "F"),
    "float64, unaligned": lambda: unaligned(dense(np.float64)),
    "float32": lambda: dense(np.float32),
    "float32, F": lambda: dense(np.float32, "F"),
    "CSR, float64": lambda: csr(np.float64),
    "CSR, float32": lambda: csr(np.float32),
    "CSR, unsorted": lambda: csr(np.float64, -1),
}


@pytest.fixture(scope="module", params=LAYOUTS)
def X(request):
    X = LAYOUTS[request.param]()
    arrays = [X.data, X.indices, X.indptr] if sparse.issparse(X) else [X]
    assert sum(array.nbytes for array in arrays) == pytest.approx(SIZE, rel=0.03)
    return X


def labels(X, n_classes=2):
    return (np.random.default_rng(1).random(X.shape[0], np.float32) * n_classes).astype(np.int8)


def is_lean(X, y, sample_weight=None, **options):
    """Whether a short fit allocates no more than is allowed, at no moment."""
    clf = GDLogisticRegression(**{"max_iter": 1, **options})
    clf.fit(X[:100], y[:100])  # what is imported and kept at the first use
    tracemalloc.start()
    try:
        clf.fit(X, y, sample_weight)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    print(f"{most / MEGABYTE:.1f} MB of {ALLOWED / MEGABYTE:.1f} MB")
    return most <= ALLOWED


def test_natural(X):
    assert is_lean(X, labels(X))


@pytest.mark.parametrize("X", ["float32", "float64, F", "CSR, float64"], indirect=True)
def test_natural_with_three_classes(X):
    assert is_lean(X, labels(X, 3))


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("X", ["float64", "float32, F", "CSR, float32"], indirect=True)
def test_gd(X, n_classes):
    assert is_lean(X, labels(X, n_classes), solver="gd")


@pytest.mark.parametrize("X", ["float32", "CSR, float64"], indirect=True)
@pytest.mark.parametrize(
    "options",
    [
        {"solver": "adam", "learning_rate": "backtracking"},
        {"solver": "nesterov", "learning_rate": 0.1},
        {"l1_ratio": 1.0},
    ],
    ids=str,
)
def test_other_rules(X, options):
    assert is_lean(X, labels(X), **options)


@pytest.mark.parametrize("X", ["float64", "float32", "CSR, float64"], indirect=True)
def test_mini_batches(X):
    options = {"solver": "adam", "learning_rate": 0.1, "batch_size": 5_000, "random_state": 0}
    assert is_lean(X, labels(X), **options)


@pytest.mark.parametrize("class_weight", [None, "balanced"])
@pytest.mark.parametrize("X", ["float64", "float32", "CSR, float32"], indirect=True)
def test_weights(X, class_weight):
    weight = np.random.default_rng(2).random(X.shape[0])
    y = labels(X)
    options = {"class_weight": class_weight, "solver": "gd", "learning_rate": 0.1}
    assert is_lean(X, y, weight, **options)


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_memory_map(tmp_path, order):
    shape = SIZE // (PER_ROW * 8), PER_ROW
    X = fill(np.memmap(tmp_path / "X", np.float64, "w+", shape=shape, order=order))
    assert is_lean(X, labels(X))


@pytest.mark.parametrize("kind", [np.int64, np.float64, bool, str, object])
@pytest.mark.parametrize("X", ["float32"], indirect=True)
def test_labels_of_any_type(X, kind):
    y = np.array(["0", "1", "2"] if kind in (str, object) else [0, 1, 2]).astype(kind)[labels(X)]
    assert is_lean(X, y, solver="gd", learning_rate=0.1)


@pytest.mark.parametrize("X", ["float32"], indirect=True)
def test_many_labels_and_a_rare_one(X):
    y = labels(X, 9).astype(np.int64)
    y[-1] = 9
    assert is_lean(X, y, solver="gd", learning_rate=0.1)


@pytest.mark.parametrize("options", [{}, {"solver": "gd"}], ids=str)
def test_many_threads(X, options):
    weight = np.random.default_rng(2).random(X.shape[0])
    with threadpool_limits(64, "blas"):
        assert is_lean(X, labels(X), weight, **options)


def growth(make, use):
    """By how many bytes the peak grows for every byte of X, as X gets more rows."""
    use(make(50))
    short, long = make(40_000), make(80_000)
    more = stored_bytes(long) - stored_bytes(short)
    return (peak(lambda: use(long)) - peak(lambda: use(short))) / more


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


# -- memory ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("layout", "fit"), [*zip(TALL, LEAN, strict=True)])
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
