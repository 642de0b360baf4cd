"""Rows in a SciPy sparse array or matrix of CSR format."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._cached import cached_attribute
from .._typing import Array, Precision
from .base import Dataset, Rows, added, bordered, cuts, products
from .columns import Columns

MIN_ENTRIES_PER_BLOCK = 1 << 18
"""Least number of entries of a block, the work on its rows among them: beside X it is little."""

MIN_ENTRIES_PER_FEATURE = 4
"""Least number of entries of a block for each feature: it adds a dw of its own to the sum."""

ENTRY_BYTES = 12
"""What an entry takes, its column included."""

ENTRIES_PER_SQUARED_FEATURE = 4
"""Number of entries for each feature of a part of X that is squared."""

ENTRIES_PER_SCALED_CHUNK = 1 << 15
"""Number of entries of a part of X of which scaled copies are made."""


CSR_PASS_WORK, CSR_PAIR_WORK = 130.0, 250.0
"""Work on an entry of X in a pass, and on a pair of entries of a row in `gram`."""

CSR_SCALING_WORK, CSR_GRAM_WORK = 160.0, 1.2
"""Work on an entry of a row made dense, and on that for each feature."""

COLUMNS_BYTES = 128e6
"""Bytes of X up to which a copy of it by columns is kept where columns are asked for."""

MAX_ENTRIES_PER_COLUMN_FOR_CSC = 100
"""Entries for each feature up to which that is done: where they are more, X is tall, and no
fit of tall data takes much beside X."""

ENTRIES_PER_DENSE_CHUNK = 1 << 17
"""Number of entries of a part of X that is made dense."""


class SparseRows(Rows):
    """Some rows of a CSR array: SciPy's products, nothing densified."""

    def times(self, w: Array) -> Array:
        return self.X @ w

    def is_row_by_row(self, n_outputs: int) -> bool:
        return True

    def transposed_times(self, dz: Array) -> Array:
        return self._transposed @ dz

    @cached_attribute
    def _transposed(self) -> Any:
        """Xᵀ, in CSC format."""
        empty = type(self.X)(self.X.shape, dtype=self.X.dtype).T
        return sharing(empty, self.X.data, self.X.indices, self.X.indptr)

    def gram(
        self, root: Array, columns: NDArray[np.intp] | slice, precision: Precision = np.float64
    ) -> Array:
        width = self._width(columns)
        rows = self.X if isinstance(columns, slice) else self.X[:, columns]
        sparse_work, dense_work = gram_works(rows.nnz, rows.shape)
        if dense_work < sparse_work:
            factors: Array = root.astype(precision, copy=False)
            grams = (_dense_gram(chunk, factors[index]) for index, chunk in _flat_chunks(rows))
        else:
            grams = (_gram(chunk, root[index]) for index, chunk in _chunks(rows, width**2))
        gram, edge = added(grams)
        return bordered(gram, edge, float(root @ root)) if self.intercept else gram

    def entries(self) -> tuple[NDArray[np.intp], Array]:
        features, squares = self.X.indices, np.square(self.X.data, dtype=np.float64)
        width = self.X.shape[1]
        counts = np.bincount(features[squares > 0], minlength=width)
        return counts, np.bincount(features, squares, minlength=width).astype(np.float64)

    def squares(self, h: Array) -> Array:
        parts = (
            chunk.power(2, dtype=np.float64).T @ h[index]
            for index, chunk in _chunks(self.X, ENTRIES_PER_SQUARED_FEATURE * self.X.shape[1])
        )
        squares: Array = sum(parts, start=np.zeros((self.X.shape[1], h.shape[1])))
        return np.vstack([squares, h.sum(axis=0)]) if self.intercept else squares

    def _width(self, columns: NDArray[np.intp] | slice) -> int:
        return self.X.shape[1] if isinstance(columns, slice) else len(columns)


def gram_works(nnz: float, shape: tuple[int, int]) -> tuple[float, float]:
    """Work of Σ rootᵢ² xᵢxᵢᵀ with sparse rows, and with the rows made dense some at a time."""
    n_rows, n_features = shape
    sparse_work = CSR_PAIR_WORK * (nnz**2 / max(n_rows, 1) + n_features**2)
    dense_work = n_rows * n_features * (CSR_SCALING_WORK + CSR_GRAM_WORK * n_features)
    return sparse_work, dense_work


def _chunks(X: Any, size: int) -> Iterator[tuple[slice, Any]]:
    """Runs of rows with about ``size`` entries."""
    for index in cuts(X.shape[0], X.nnz // max(size, ENTRIES_PER_SCALED_CHUNK)):
        yield index, run_of(X, index)


def _flat_chunks(X: Any) -> Iterator[tuple[slice, Any]]:
    """Runs of rows that are small when made dense."""
    for index in cuts(X.shape[0], X.shape[0] * X.shape[1] // ENTRIES_PER_DENSE_CHUNK):
        yield index, run_of(X, index)


def _dense_gram(X: Any, root: Array) -> tuple[Array, Array]:
    """The same as `_gram`, for rows that are not very sparse."""
    scaled = X.astype(root.dtype, copy=False).toarray()
    scaled *= root[:, np.newaxis]
    return products(scaled, root)


def _gram(X: Any, root: Array) -> tuple[Array, Array]:
    """Σ rootᵢ² xᵢxᵢᵀ and Σ rootᵢ² xᵢ."""
    entries = X.data * np.repeat(root, np.diff(X.indptr))
    scaled = with_entries(X, entries)
    return (scaled.T @ scaled).toarray(), scaled.T @ root


def run_of(X: Any, index: slice) -> Any:
    """Some rows in a row as an array that shares the memory of X, as a slice of X does not."""
    ends = X.indptr[index.start : index.stop + 1]
    entries = slice(ends[0], ends[-1])
    empty = type(X)((len(ends) - 1, X.shape[1]), dtype=X.dtype)
    return sharing(empty, X.data[entries], X.indices[entries], ends - ends[0])


def sharing(empty: Any, data: Array, indices: NDArray[Any], indptr: NDArray[Any]) -> Any:
    """An empty array filled with memory of another; SciPy's own ways there copy small views."""
    empty.data, empty.indices, empty.indptr = data, indices, indptr
    empty.has_canonical_format = True
    return empty


def with_entries(X: Any, entries: Array) -> Any:
    """A CSR array with other entries in the same places, which it shares."""
    return sharing(type(X)(X.shape, dtype=entries.dtype), entries, X.indices, X.indptr)


def has_repeats(X: Any) -> bool:
    """Whether an entry is stored twice; sorted by column, its row is then repeated."""
    for _, chunk in _chunks(X, ENTRIES_PER_SQUARED_FEATURE * X.shape[1]):
        columns = chunk.tocsc()
        repeated = np.append(columns.indices[1:] == columns.indices[:-1], False)
        ends = columns.indptr[1:] - 1
        repeated[ends[ends >= 0]] = False
        if repeated.any():
            return True
    return False


class SparseDataset(Dataset):
    """Data set over a CSR array; blocks share its memory.

    Entries may be in any order, as they are in what scikit-learn's vectorisers make. Those
    that are stored twice are added up in a copy: SciPy would do it in place.
    """

    def __init__(
        self, X: Any, y: NDArray[Any], share: Array | float | None, intercept: bool
    ) -> None:
        if not X.has_canonical_format:
            X = sharing(type(X)(X.shape, dtype=X.dtype), X.data, X.indices, X.indptr)
            if has_repeats(X):
                X = X.copy()
                X.has_canonical_format = False
                X.sum_duplicates()
        super().__init__(X, y, share, intercept)

    def _rows(self, index: NDArray[np.signedinteger], share: Array | float) -> Dataset:
        rows = self.X[index]
        rows.has_canonical_format = True  # as X is, as far as it matters: nothing is there twice
        return type(self)(rows, self.y[index], share, self.intercept)

    @property
    def n_blocks(self) -> int:
        entries = int(self.X.nnz) + self.n_rows * self.row_work // ENTRY_BYTES
        return entries // max(MIN_ENTRIES_PER_BLOCK, MIN_ENTRIES_PER_FEATURE * self.n_features)

    def block(self, index: slice) -> Rows:
        rows = run_of(self.X, index) if index.stop - index.start < self.n_rows else self.X
        return SparseRows(rows, self.y[index], self.share_of(index), index, self.intercept)

    @property
    def has_columns(self) -> bool:
        few = self.n_entries <= MAX_ENTRIES_PER_COLUMN_FOR_CSC * self.n_features
        return few and self.n_bytes <= COLUMNS_BYTES

    def columns(self, features: NDArray[np.intp], scale: Array, edge: float) -> Columns:
        chosen = self._by_column[:, features]
        part = chosen.nnz / max(self.n_entries, 1) * self.n_rows / self.rows_in_a_pass
        return Columns.of(chosen, scale, edge if self.intercept else None, self.passes, part)

    def column_works(self, features: NDArray[np.intp]) -> tuple[float, float]:
        nnz = float(self.column_sizes[features].sum())
        return CSR_PASS_WORK * nnz, min(gram_works(nnz, (self.n_rows, len(features))))

    @cached_attribute
    def column_sizes(self) -> NDArray[np.intp]:
        return np.bincount(self.X.indices, minlength=self.n_features)

    @cached_attribute
    def _by_column(self) -> Any:
        X = self.X
        single = type(X)(X.shape, dtype=np.float32)
        ends, columns = X.indptr.astype(np.int32), X.indices.astype(np.int32, copy=False)
        return sharing(single, X.data.astype(np.float32, copy=False), columns, ends).tocsc()

    @property
    def pass_work(self) -> float:
        return CSR_PASS_WORK * self.n_entries

    def gram_work(self, n_rows: float) -> float:
        part = n_rows / self.n_rows
        return min(gram_works(part * self.n_entries, (int(n_rows), self.n_features)))

    @property
    def n_entries(self) -> int:
        return int(self.X.nnz)

    @property
    def n_bytes(self) -> int:
        X = self.X
        return int(X.data.nbytes + X.indices.nbytes + X.indptr.nbytes)
