"""How each storage of X is read: its blocks, its products, its memory."""

import tracemalloc
from unittest.mock import Mock

import numpy as np
import pytest
from scipy import sparse
from threadpoolctl import threadpool_limits

from sklearn_gd_logreg.data import as_dataset
from sklearn_gd_logreg.data import csr as csr_module
from sklearn_gd_logreg.data import dense as dense_module

from .large import peak, tall, tall_csr, unaligned
from .problems import exact_loss_and_dz, uneven_weights
from .test_derivatives import objective_on

pytestmark = pytest.mark.usefixtures("as_in_fit")


def stored(X, storage):
    if storage == "CSR":
        return sparse.csr_array(X)
    order, dtype, *is_unaligned = storage.split()
    X = np.asarray(X, dtype=dtype, order=order)
    return unaligned(X) if is_unaligned else X


STORAGES = ["C float64", "F float64", "C float32", "F float32", "CSR"]
COPIED = ["C float64 unaligned", "F float32 unaligned"]
"""Storages whose blocks are copies."""


# -- blocks ------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_classes", [2, 5])
@pytest.mark.parametrize("storage", STORAGES + COPIED)
def test_blocks_cover_the_rows_once_and_give_what_all_rows_give(storage, n_classes, monkeypatch):
    monkeypatch.setattr(csr_module, "MIN_ENTRIES_PER_BLOCK", 20_000)
    for name in ("BLOCK_BYTES", "COPIED_BLOCK_BYTES"):
        monkeypatch.setattr(dense_module, name, 300_000)
    X, codes = tall(9_001), np.arange(9_001) % n_classes
    share = uneven_weights(9_001) / uneven_weights(9_001).sum()
    objective = objective_on(stored(X, storage), codes, n_classes, share.astype(X.dtype))
    blocks = list(objective.data.blocks())
    assert len(blocks) > 1
    np.testing.assert_array_equal(
        np.concatenate([np.arange(9_001)[b.index] for b in blocks]), np.arange(9_001)
    )
    w = np.random.RandomState(0).standard_normal((81, objective.loss.n_outputs))
    found, dw = objective.loss_and_gradient(w.astype(objective.data.dtype))
    each, dz = exact_loss_and_dz(X @ w[:-1] + w[-1], codes)
    dz = share[:, np.newaxis] * dz.astype(float)
    tol = 1e-12 if objective.data.dtype == np.float64 else 1e-5
    assert found == pytest.approx(float((share * each).sum()), rel=tol, abs=0)
    np.testing.assert_allclose(dw, np.vstack([X.T @ dz, dz.sum(axis=0)]), atol=10 * tol)
    assert objective.data.passes.count == 1


@pytest.mark.parametrize("n_outputs", [1, 12])
@pytest.mark.parametrize("storage", STORAGES + COPIED)
def test_products_forward_and_backward_are_those_of_the_matrix(storage, n_outputs):
    X = tall(1_500)[:, :60]
    random = np.random.RandomState(1)
    w, dz = random.standard_normal((61, n_outputs)), random.standard_normal((1_500, n_outputs))
    data = as_dataset(stored(X, storage), np.zeros(1_500), None, intercept=True)
    w, dz = w.astype(data.dtype), dz.astype(data.dtype)
    (rows,) = data.blocks()
    tol = 1e-11 if data.dtype == np.float64 else 2e-3
    z, dw = rows.forward(w), rows.backward(dz)
    assert z.dtype == dw.dtype == data.dtype
    np.testing.assert_allclose(z, X @ w[:-1] + w[-1], atol=tol)
    np.testing.assert_allclose(dw, np.vstack([X.T @ dz, dz.sum(axis=0)]), atol=tol)


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("storage", STORAGES + COPIED)
def test_at_zero_there_is_no_product_forward(storage, n_classes, monkeypatch):
    X, codes = tall(9_001), np.arange(9_001) % n_classes
    objective = objective_on(stored(X, storage), codes, n_classes)
    w = np.zeros((81, objective.loss.n_outputs), objective.data.dtype)
    for rows in {type(block) for block in objective.data.blocks()}:
        monkeypatch.setattr(rows, "times", None)
    found, dw = objective.loss_and_gradient(w)
    dz = exact_loss_and_dz(np.zeros((9_001, w.shape[1])), codes)[1].astype(float) / 9_001
    tol = 1e-12 if objective.data.dtype == np.float64 else 1e-5
    assert found == pytest.approx(np.log(n_classes), rel=1e-6)
    assert dw.dtype == objective.data.dtype
    np.testing.assert_allclose(dw, np.vstack([X.T @ dz, dz.sum(axis=0)]), atol=10 * tol)
    assert objective.data.passes.count == 1


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("storage", STORAGES + COPIED)
def test_what_a_pass_needs_beside_x_does_not_grow_with_the_rows(storage, n_classes):
    needs = []
    for n_rows in (40_000, 80_000):
        X = tall_csr(n_rows) if storage == "CSR" else stored(tall(n_rows), storage)
        objective = objective_on(X, np.arange(n_rows) % n_classes, n_classes)
        w = np.zeros((X.shape[1] + 1, objective.loss.n_outputs), X.dtype)
        objective.loss_and_gradient(w)
        with threadpool_limits(1, "blas"):  # that of several threads is in test_memory.py
            needs.append(peak(lambda o=objective, w=w: o.loss_and_gradient(w)))
    assert needs[1] < 1.1 * needs[0] + 20_000
    assert needs[1] < 5_000_000


@pytest.mark.parametrize("storage", ["CSR", "CSR, indices of 8 bytes"])
def test_blocks_of_csr_rows_share_its_memory(storage, monkeypatch):
    monkeypatch.setattr(csr_module, "MIN_ENTRIES_PER_BLOCK", 20_000)
    X = tall_csr(3_000)
    if storage != "CSR":
        X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    data = as_dataset(X, np.zeros(3_000), None, intercept=True)
    w, dz = np.ones((101, 1)), np.ones((3_000, 1))
    tracemalloc.start()
    try:
        blocks = list(data.blocks())
        for rows in blocks:
            rows.forward(w)
            rows.backward(dz[rows.index])
        kept = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert len(blocks) == 12
    assert all(np.shares_memory(rows.X.data, X.data) for rows in blocks)
    assert all(np.shares_memory(rows.X.indices, X.indices) for rows in blocks)
    assert kept < X.indptr.nbytes + 100_000 < X.data.nbytes / 5


# -- rows read one after the other -------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("n_rows", "n_features"), [(1, 1), (3, 1), (1, 7), (700, 33)])
def test_products_row_by_row_are_those_of_the_matrix(n_rows, n_features, dtype):
    random = np.random.RandomState(0)
    whole = random.standard_normal((n_rows, n_features + 2)).astype(dtype)
    X, w = whole[:, 1:-1], random.standard_normal((n_features, 1)).astype(dtype)
    z = dense_module.row_products(X, w)
    assert z.dtype == dtype
    tol = 1e-12 if dtype == np.float64 else 1e-3
    np.testing.assert_allclose(z, X.astype(float) @ w.astype(float), atol=tol)


@pytest.mark.parametrize("n_classes", [2, 5])
def test_large_x_is_read_row_by_row_and_gives_the_same(n_classes, monkeypatch):
    for name in ("BLOCK_BYTES", "COPIED_BLOCK_BYTES"):
        monkeypatch.setattr(dense_module, name, 300_000)
    X, codes = tall(9_001), np.arange(9_001) % n_classes
    objective = objective_on(X, codes, n_classes, None)
    w = np.random.RandomState(0).standard_normal((81, objective.loss.n_outputs))
    loss, dw = objective.loss_and_gradient(w)
    monkeypatch.setattr(dense_module, "MIN_BYTES_BEYOND_CACHE", X.nbytes)
    streamed = objective_on(X, codes, n_classes, None)
    assert {type(rows) for rows in streamed.data.blocks()} == {dense_module.StreamedRows}
    made = Mock(side_effect=dense_module.row_products)
    monkeypatch.setattr(dense_module, "row_products", made)
    again, dw_again = streamed.loss_and_gradient(w)
    assert made.call_count == (len(streamed.data._block_slices) if n_classes == 2 else 0)
    assert again == pytest.approx(loss, rel=1e-14)
    np.testing.assert_allclose(dw_again, dw, atol=1e-14)


@pytest.mark.parametrize(
    ("X", "streamed"),
    [
        (np.zeros((40_960, 50)), False),  # not large
        (np.zeros((41_960, 50)), True),
        (np.zeros((83_920, 50), np.float32), False),  # short rows
        (np.zeros((41_960, 100), np.float32), True),
        (np.zeros((41_960, 50), order="F"), False),
        (np.zeros((2_098, 1_000)), True),
        (np.zeros((2_098, 1_001)), False),  # long rows
        (np.zeros((41_960, 60))[:, :50], True),
        (np.zeros((41_960, 50))[::-1], True),
        (np.zeros((41_960, 50))[:, ::-1], False),
        (np.zeros((83_920, 50))[::2], False),
        (np.zeros(41_960 * 400 + 1, np.uint8)[1:].view(np.float64).reshape(-1, 50), False),
    ],
    ids=[
        "small",
        "large",
        "short rows",
        "float32",
        "Fortran order",
        "long enough",
        "long rows",
        "columns of a larger array",
        "last row first",
        "last column first",
        "every other row",
        "not aligned",
    ],
)
def test_which_rows_are_read_one_after_the_other(X, streamed):
    data = as_dataset(X, np.ones(len(X)), None, intercept=True)
    kinds = {type(rows) for rows in data.blocks()}
    assert kinds == {dense_module.StreamedRows if streamed else dense_module.DenseRows}
    sample = data.sample(len(X) // 16)
    assert dense_module.StreamedRows not in {type(rows) for rows in sample.blocks()}


def test_blocks_of_rows_read_one_by_one_let_other_threads_run():
    X = np.zeros((2_100, dense_module.STREAMED_ROW_BYTES[1] // 8))
    data = as_dataset(X, np.ones(len(X)), None, intercept=True)
    for rows in data.blocks():
        assert isinstance(rows, dense_module.StreamedRows)
        assert len(rows.X) >= dense_module.MIN_SIZE_TO_RELEASE_GIL


def test_work_on_a_block_takes_little_and_so_does_a_block_that_is_gathered():
    X = np.zeros((300_000, 1))
    data = as_dataset(X, np.ones(len(X)), None, intercept=True)
    most = max(index.stop - index.start for index in data._block_slices)
    assert most * data.temporary_row_bytes <= 1.2 * dense_module.BLOCK_WORK_BYTES
    X = np.zeros((100_000, 50))
    gathered = as_dataset(X, np.ones(len(X)), None, intercept=True).sample(80_000)
    assert isinstance(gathered, dense_module.ViewDataset)
    assert max(rows.X.nbytes for rows in gathered.blocks()) <= 1.2 * dense_module.COPIED_BLOCK_BYTES
