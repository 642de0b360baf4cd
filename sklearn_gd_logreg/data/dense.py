"""Data sets over NumPy arrays in C or Fortran order, memory maps included."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from .._cached import cached_attribute
from .._typing import Array, Precision
from .base import Dataset
from .rows import ALL, Rows, bordered, even_slices, gram_and_sum, pairs, sum_of_pairs
from .view import ArrayView

BLOCK_BYTES, COPIED_BLOCK_BYTES = 1 << 22, 1 << 21
"""Size in bytes of a block of X, which stays in the cache between forward and backward: of a view,
and of a copy."""

BLOCK_WORK_BYTES = 3 << 19
"""Largest temporary memory of the loss on a block, in bytes."""

MIN_SIZE_TO_RELEASE_GIL = 512
"""Entries of a result from which `numpy.matmul` releases the global interpreter lock (GIL)."""

MIN_BYTES_BEYOND_CACHE = 1 << 24
"""Size of X, in bytes, from which each pass reads it from memory, not from the cache."""

STREAMED_ROW_BYTES = 400, 8000
"""Range of row sizes in bytes for which Xw is computed row by row. A block of longer rows has
fewer than `MIN_SIZE_TO_RELEASE_GIL` rows, so its product would not release the GIL."""

MAX_WORK_WITHOUT_COPY = 1_000_000
"""Multiplications up to which OpenBLAS does not pack (copy) the factors of a matrix product, which
is twice as fast for few columns."""

MAX_ENTRIES_FOR_BATCHED_GRAMS = 20_000
"""Entries of X up to which one call computes the Gram matrices of all pairs of classes."""

MAX_BYTES_WITH_INTERCEPT_COLUMN = 1 << 18
"""Size of X, in bytes, up to which it is copied with a column of ones for the intercept."""

SCALED_COPY_BYTES = 1 << 19
"""Size in bytes of the scaled copy of a chunk of rows. In `gram` a chunk has at least four rows for
each feature, and is larger if need be."""

DENSE_PASS_WORK, DENSE_SCALING_WORK, DENSE_GRAM_WORK = 15.0, 60.0, 1.2
"""Work for each entry of X, in multiplications of a large matrix product: in a pass; to scale it in
`gram`; and for its product with each feature in `gram`."""


def dot(a: Array, b: Array) -> Array:
    """Matrix product that releases the global interpreter lock (GIL).

    `numpy.matmul` releases it only for a large result, and `numpy.dot` copies arrays that are not
    contiguous. So a small product of such arrays is split along the inner dimension: one large
    batched `numpy.matmul`, and a sum over the batch.
    """
    if a.flags.forc and b.flags.forc:
        return np.dot(a, b)
    length, size = len(b), len(a) * b.shape[1]
    n_parts = MIN_SIZE_TO_RELEASE_GIL // size + 1
    if n_parts == 1 or n_parts > length:
        return a @ b
    even = length - length % n_parts
    left = a[:, :even].reshape(len(a), n_parts, -1).swapaxes(0, 1)
    right = b[:even].reshape(n_parts, -1, b.shape[1])
    product: Array = np.add.reduce(left @ right)
    return product + a[:, even:] @ b[even:] if even < length else product


def row_products(X: Array, w: Array) -> Array:
    """Xw for a column w, as a scalar product for each row.

    BLAS reads several rows concurrently in a matrix-vector product, which is slower for data in
    memory than reading one row at a time.
    """
    return np.matmul(X[:, np.newaxis], w)[:, 0]


def _gram(X: Array, root: Array) -> tuple[Array, Array]:
    """Σ hᵢ xᵢxᵢᵀ and Σ hᵢ xᵢ with ``root`` = √h, by products in the precision of ``root``."""
    return gram_and_sum(np.multiply(X, root[:, np.newaxis], dtype=root.dtype), root)


class DenseRows(Rows):
    """Rows of an array, usually a view."""

    def times(self, w: Array) -> Array:
        X, n_outputs = self.X, w.shape[1]
        if n_outputs == 1:
            return dot(X, w)
        if X.strides[0] < X.strides[1]:  # Fortran order
            return dot(w.T, X.T).T
        z = np.empty((len(X), n_outputs), np.result_type(X, w))
        for chunk in even_slices(len(X), X.size * n_outputs // MAX_WORK_WITHOUT_COPY + 1):
            np.matmul(X[chunk], w, out=z[chunk])
        return z

    def transposed_times(self, dz: Array) -> Array:
        return dot(dz.T, self.X).T

    def gram(
        self, root: Array, columns: NDArray[np.intp] | slice, precision: Precision = np.float64
    ) -> Array:
        stored = self._stored(columns)
        roots: Array = root.astype(precision, copy=False)
        width = self.X.shape[1] if isinstance(stored, slice) else len(stored)
        n_chunks = min(
            len(root) * width * roots.itemsize // SCALED_COPY_BYTES,
            len(root) // (4 * max(width, 1)),
        )
        chunks = even_slices(len(root), n_chunks)
        grams = (_gram(self.X[chunk, stored], roots[chunk]) for chunk in chunks)
        gram, sums = sum_of_pairs(grams)
        return bordered(gram, sums, float(root @ root)) if self.intercept else gram

    def pair_grams(
        self,
        a: Array,
        columns: NDArray[np.intp] | slice = ALL,
        precision: Precision = np.float64,
    ) -> Array:
        if self.intercept or self.X.size > MAX_ENTRIES_FOR_BATCHED_GRAMS:
            return super().pair_grams(a, columns, precision)
        rows = self.X[:, self._stored(columns)]
        first, second = pairs(len(a))
        share = self.share.T if isinstance(self.share, np.ndarray) else self.share
        h = np.multiply(0.5 * share, a[first], dtype=np.float64)
        h *= a[second]
        grams = np.matmul(rows.T, h[..., np.newaxis] * rows)
        return grams + grams.swapaxes(1, 2)

    def _stored(self, columns: NDArray[np.intp] | slice) -> NDArray[np.intp] | slice:
        """Columns of `X` with the chosen features, and the intercept if `X` has it."""
        return columns

    def counts_and_squares(self) -> tuple[NDArray[np.intp], Array]:
        counts = np.count_nonzero(self.X, axis=0)
        return counts, np.einsum("ij,ij->j", self.X, self.X, dtype=np.float64)

    def squares(self, h: Array) -> Array:
        squares: Array = sum(
            (
                np.dot(np.square(self.X[part], dtype=np.float64).T, h[part])
                for part in self._chunks()
            ),
            start=np.zeros((self.X.shape[1], h.shape[1])),
        )
        return np.vstack([squares, h.sum(axis=0)]) if self.intercept else squares

    def _chunks(self) -> Iterator[slice]:
        """Slices of rows whose float64 copies have about `SCALED_COPY_BYTES`."""
        return even_slices(len(self.X), self.X.size * 8 // SCALED_COPY_BYTES)


class StreamedRows(DenseRows):
    """Contiguous rows that are read from memory, not from the cache."""

    def times(self, w: Array) -> Array:
        return row_products(self.X, w) if w.shape[1] == 1 else super().times(w)

    def is_rowwise(self, n_outputs: int) -> bool:
        return n_outputs == 1


class RowsWithIntercept(DenseRows):
    """Copy of a small X with a last column of ones for the intercept.

    On small data the overhead of NumPy calls dominates, and with this column each product is one
    call.
    """

    @classmethod
    def of(
        cls, X: Array, y: NDArray[np.generic], share: Array | float, index: slice
    ) -> RowsWithIntercept:
        """Rows of X, in Fortran order, so that transposed scores are contiguous."""
        with_ones = np.ones((X.shape[0], X.shape[1] + 1), X.dtype, order="F")
        with_ones[:, :-1] = X
        return cls(with_ones, y, share, index, intercept=False)

    def _stored(self, columns: NDArray[np.intp] | slice) -> NDArray[np.intp] | slice:
        """Columns of the chosen features and of the intercept."""
        return columns if isinstance(columns, slice) else np.append(columns, -1)


class DenseDataset(Dataset):
    """Data set over a NumPy array; blocks are views, but a small array is copied."""

    def block(self, index: slice) -> Rows:
        covers_all_rows = index.stop - index.start == self.n_rows
        if covers_all_rows and self.intercept and self.n_bytes <= MAX_BYTES_WITH_INTERCEPT_COLUMN:
            return RowsWithIntercept.of(self.X, self.y, self.share, self.position(index))
        rows, share = self.X[index], self.share_of(index)
        return self._rows_class(rows, self.y[index], share, self.position(index), self.intercept)

    @cached_attribute
    def _rows_class(self) -> type[DenseRows]:
        """`StreamedRows` if X is larger than the cache and its rows are contiguous."""
        row_bytes, (row_stride, entry_stride) = self.X.itemsize * self.n_features, self.X.strides
        low, high = STREAMED_ROW_BYTES
        contiguous = entry_stride == self.X.itemsize and abs(row_stride) < 2 * row_bytes
        streamed = contiguous and low <= row_bytes <= high
        return StreamedRows if streamed and self.n_bytes >= MIN_BYTES_BEYOND_CACHE else DenseRows

    @property
    def n_blocks(self) -> int:
        temporary_bytes = self.n_rows * self.temporary_row_bytes
        return max(
            (self.n_bytes + temporary_bytes) // self._block_bytes,
            temporary_bytes // BLOCK_WORK_BYTES,
        )

    @property
    def _block_bytes(self) -> int:
        return BLOCK_BYTES

    def _rows(self, index: NDArray[np.signedinteger], share: Array | float) -> Dataset:
        if len(index) > self.max_rows_to_copy:
            return ViewDataset(ArrayView(self.X, index), self.y[index], share, self.intercept)
        return DenseDataset(self.X[index], self.y[index], share, self.intercept)

    @property
    def max_rows_to_sample(self) -> int:
        return self.n_rows

    @property
    def pass_work(self) -> float:
        return DENSE_PASS_WORK * self.n_entries

    def gram_work(self, n_rows: float) -> float:
        return (
            n_rows * self.n_parameters * (DENSE_SCALING_WORK + DENSE_GRAM_WORK * self.n_parameters)
        )

    @property
    def n_entries(self) -> int:
        return self.n_rows * self.n_features

    @property
    def n_bytes(self) -> int:
        return self.n_entries * int(self.X.itemsize)


class ViewDataset(DenseDataset):
    """Data set over an `ArrayView` or an unaligned array; blocks are copied whenever they are read.

    NumPy would copy an unaligned array in each product.

    Parameters
    ----------
    X : ArrayView or array
    y, share, intercept
        As for `Dataset`.
    """

    def block(self, index: slice) -> Rows:
        rows, share = np.require(self.X[index], requirements=["ALIGNED"]), self.share_of(index)
        return DenseRows(rows, self.y[index], share, self.position(index), self.intercept)

    def _block(self, number: int) -> Rows:
        return self.block(self._block_slices[number])

    @property
    def _block_bytes(self) -> int:
        return COPIED_BLOCK_BYTES

    @property
    def _group_size(self) -> int:
        return 1
