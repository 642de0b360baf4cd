"""Data sets over CSR arrays and matrices of SciPy."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._cached import cached_attribute
from .._typing import Array, Precision
from .base import Dataset
from .columns import Columns
from .rows import Rows, bordered, even_slices, gram_and_sum, sum_of_pairs

MIN_ENTRIES_PER_BLOCK = 1 << 18
"""Least number of entries of a block, with its temporary memory in units of an entry."""

MIN_ENTRIES_PER_FEATURE = 4
"""Least number of entries of a block for each feature, since each block has its own dw."""

ENTRY_BYTES = 12
"""Bytes of an entry of X, float64 with its column index."""

ENTRIES_PER_SQUARED_FEATURE = 4
"""Entries for each feature in a chunk of X that is squared."""

ENTRIES_PER_SCALED_CHUNK = 1 << 15
"""Least number of entries in a chunk of X that is scaled."""

CSR_PASS_WORK, CSR_PAIR_WORK = 130.0, 250.0
"""Work of an entry of X in a pass, and of a pair of entries of a row in a sparse `gram`."""

CSR_SCALING_WORK, CSR_GRAM_WORK = 160.0, 1.2
"""Work of an entry in a dense `gram`: to densify and scale it, and for each feature."""

COLUMNS_BYTES = 128e6
"""Bytes of X up to which `columns` makes a CSC copy of it."""

MAX_ENTRIES_PER_COLUMN_FOR_CSC = 100
"""Entries of X for each feature up to which `columns` makes a CSC copy. Above, X is tall, and fits
of tall data stay within the memory limit."""

ENTRIES_PER_DENSE_CHUNK = 1 << 17
"""Entries in a chunk of X that is densified."""


class SparseRows(Rows):
    """Rows of a CSR array."""

    def times(self, w: Array) -> Array:
        return self.X @ w

    def is_rowwise(self, n_outputs: int) -> bool:
        return True

    def transposed_times(self, dz: Array) -> Array:
        return self._transposed @ dz

    @cached_attribute
    def _transposed(self) -> Any:
        """Xᵀ, in CSC format."""
        empty = type(self.X)(self.X.shape, dtype=self.X.dtype).T
        return fill_sparse(empty, self.X.data, self.X.indices, self.X.indptr)

    def gram(
        self, root: Array, columns: NDArray[np.intp] | slice, precision: Precision = np.float64
    ) -> Array:
        width = self._width(columns)
        rows = self.X if isinstance(columns, slice) else self.X[:, columns]
        sparse_work, dense_work = sparse_and_dense_gram_work(rows.nnz, rows.shape)
        if dense_work < sparse_work:
            factors: Array = root.astype(precision, copy=False)
            grams = (_dense_gram(chunk, factors[index]) for index, chunk in _dense_chunks(rows))
        else:
            grams = (_sparse_gram(chunk, root[index]) for index, chunk in _chunks(rows, width**2))
        gram, sums = sum_of_pairs(grams)
        return bordered(gram, sums, float(root @ root)) if self.intercept else gram

    def counts_and_squares(self) -> tuple[NDArray[np.intp], Array]:
        features, squares = self.X.indices, np.square(self.X.data, dtype=np.float64)
        width = self.X.shape[1]
        counts = np.bincount(features[squares > 0], minlength=width)
        return counts, np.bincount(features, squares, minlength=width).astype(np.float64)

    def squares(self, h: Array) -> Array:
        sums = (
            chunk.power(2, dtype=np.float64).T @ h[index]
            for index, chunk in _chunks(self.X, ENTRIES_PER_SQUARED_FEATURE * self.X.shape[1])
        )
        squares: Array = sum(sums, start=np.zeros((self.X.shape[1], h.shape[1])))
        return np.vstack([squares, h.sum(axis=0)]) if self.intercept else squares

    def _width(self, columns: NDArray[np.intp] | slice) -> int:
        """Number of the chosen features."""
        return self.X.shape[1] if isinstance(columns, slice) else len(columns)


def sparse_and_dense_gram_work(nnz: float, shape: tuple[int, int]) -> tuple[float, float]:
    """Work of a Gram matrix of sparse rows, and of the rows densified chunk by chunk."""
    n_rows, n_features = shape
    sparse_work = CSR_PAIR_WORK * (nnz**2 / max(n_rows, 1) + n_features**2)
    dense_work = n_rows * n_features * (CSR_SCALING_WORK + CSR_GRAM_WORK * n_features)
    return sparse_work, dense_work


def _chunks(X: Any, size: int) -> Iterator[tuple[slice, Any]]:
    """Yield consecutive rows with about ``size`` entries, as slices and CSR arrays."""
    for index in even_slices(X.shape[0], X.nnz // max(size, ENTRIES_PER_SCALED_CHUNK)):
        yield index, row_slice(X, index)


def _dense_chunks(X: Any) -> Iterator[tuple[slice, Any]]:
    """Yield consecutive rows that are small as dense arrays, as slices and CSR arrays."""
    for index in even_slices(X.shape[0], X.shape[0] * X.shape[1] // ENTRIES_PER_DENSE_CHUNK):
        yield index, row_slice(X, index)


def _dense_gram(X: Any, root: Array) -> tuple[Array, Array]:
    """`_sparse_gram` by dense products, in the precision of ``root``."""
    scaled = X.astype(root.dtype, copy=False).toarray()
    scaled *= root[:, np.newaxis]
    return gram_and_sum(scaled, root)


def _sparse_gram(X: Any, root: Array) -> tuple[Array, Array]:
    """Σ rootᵢ² xᵢxᵢᵀ, dense, and Σ rootᵢ² xᵢ."""
    entries = X.data * np.repeat(root, np.diff(X.indptr))
    scaled = with_data(X, entries)
    return (scaled.T @ scaled).toarray(), scaled.T @ root


def row_slice(X: Any, index: slice) -> Any:
    """Return consecutive rows as a view of X; ``X[index]`` would be a copy."""
    ends = X.indptr[index.start : index.stop + 1]
    entries = slice(ends[0], ends[-1])
    empty = type(X)((len(ends) - 1, X.shape[1]), dtype=X.dtype)
    return fill_sparse(empty, X.data[entries], X.indices[entries], ends - ends[0])


def fill_sparse(empty: Any, data: Array, indices: NDArray[Any], indptr: NDArray[Any]) -> Any:
    """Return the empty sparse array with these arrays; SciPy's constructors copy small views."""
    empty.data, empty.indices, empty.indptr = data, indices, indptr
    empty.has_canonical_format = True
    return empty


def with_data(X: Any, entries: Array) -> Any:
    """Return a CSR array with other entries and the same indices, which are shared."""
    return fill_sparse(type(X)(X.shape, dtype=entries.dtype), entries, X.indices, X.indptr)


def has_duplicate_entries(X: Any) -> bool:
    """Whether a row stores a column twice."""
    for _, chunk in _chunks(X, ENTRIES_PER_SQUARED_FEATURE * X.shape[1]):
        columns = chunk.tocsc()  # the rows of a column are sorted
        equals_next = np.append(columns.indices[1:] == columns.indices[:-1], False)
        ends = columns.indptr[1:] - 1
        equals_next[ends[ends >= 0]] = False
        if equals_next.any():
            return True
    return False


class SparseDataset(Dataset):
    """Data set over a CSR array; blocks are views.

    The column indices of a row need not be sorted. Duplicate entries are summed in a copy: SciPy
    sums them in place.
    """

    def __init__(
        self, X: Any, y: NDArray[Any], share: Array | float | None, intercept: bool
    ) -> None:
        if not X.has_canonical_format:
            X = fill_sparse(type(X)(X.shape, dtype=X.dtype), X.data, X.indices, X.indptr)
            if has_duplicate_entries(X):
                X = X.copy()
                X.has_canonical_format = False
                X.sum_duplicates()
        super().__init__(X, y, share, intercept)

    def _rows(self, index: NDArray[np.signedinteger], share: Array | float) -> Dataset:
        rows = self.X[index]
        rows.has_canonical_format = True  # X has no duplicate entries
        return type(self)(rows, self.y[index], share, self.intercept)

    @property
    def n_blocks(self) -> int:
        entries = int(self.X.nnz) + self.n_rows * self.temporary_row_bytes // ENTRY_BYTES
        return entries // max(MIN_ENTRIES_PER_BLOCK, MIN_ENTRIES_PER_FEATURE * self.n_features)

    def block(self, index: slice) -> Rows:
        rows = row_slice(self.X, index) if index.stop - index.start < self.n_rows else self.X
        share = self.share_of(index)
        return SparseRows(rows, self.y[index], share, self.position(index), self.intercept)

    @property
    def has_columns(self) -> bool:
        is_wide = self.n_entries <= MAX_ENTRIES_PER_COLUMN_FOR_CSC * self.n_features
        return is_wide and self.n_bytes <= COLUMNS_BYTES

    def columns(
        self, features: NDArray[np.intp], scale: Array, intercept_scaling: float
    ) -> Columns:
        chosen = self._csc[:, features]
        fraction = chosen.nnz / max(self.n_entries, 1) * self.n_rows / self.rows_per_pass
        last = intercept_scaling if self.intercept else None
        return Columns.of(chosen, scale, last, self.passes, fraction)

    def column_pass_and_gram_work(self, features: NDArray[np.intp]) -> tuple[float, float]:
        nnz = float(self.nnz_per_feature[features].sum())
        return CSR_PASS_WORK * nnz, min(
            sparse_and_dense_gram_work(nnz, (self.n_rows, len(features)))
        )

    @cached_attribute
    def nnz_per_feature(self) -> NDArray[np.intp]:
        """Number of stored entries of each feature."""
        return np.bincount(self.X.indices, minlength=self.n_features)

    @cached_attribute
    def _csc(self) -> Any:
        """X in CSC format, float32."""
        X = self.X
        single = type(X)(X.shape, dtype=np.float32)
        ends, columns = X.indptr.astype(np.int32), X.indices.astype(np.int32, copy=False)
        return fill_sparse(single, X.data.astype(np.float32, copy=False), columns, ends).tocsc()

    @property
    def pass_work(self) -> float:
        return CSR_PASS_WORK * self.n_entries

    def gram_work(self, n_rows: float) -> float:
        fraction = n_rows / self.n_rows
        return min(
            sparse_and_dense_gram_work(fraction * self.n_entries, (int(n_rows), self.n_features))
        )

    @property
    def n_entries(self) -> int:
        return int(self.X.nnz)

    @property
    def n_bytes(self) -> int:
        X = self.X
        return int(X.data.nbytes + X.indices.nbytes + X.indptr.nbytes)
