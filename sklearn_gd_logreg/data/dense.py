"""Rows in a NumPy array of either order, a read-only memory map included."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from .._cached import cached_attribute
from .._typing import Array, Precision
from .base import ALL, Dataset, Rows, added, bordered, cuts, pairs, products
from .view import ArrayView

BLOCK_BYTES, COPIED_BYTES = 1 << 22, 1 << 21
"""Size of a block of X: backward finds in the cache what forward has read. Half where it is a
copy."""

BLOCK_WORK_BYTES = 3 << 19
"""What the work on a block takes beside X."""

RELEASING = 512
"""Entries of a result from which `numpy.matmul` lets other threads run while it works."""

STREAM_BYTES = 1 << 24
"""Bytes of X from which it is taken to come from memory, not from a cache."""

STREAM_ROW_BYTES = 400, 8000
"""Least and most bytes of rows that are read one after the other for Xw; of longer ones too few
are in a block for `RELEASING`."""

SMALL_PRODUCT = 1_000_000
"""Multiplications up to which OpenBLAS copies no matrix: twice as fast for a few columns."""

SMALL_GRAMS = 20_000
"""Entries of X up to which several weighted products are made in one call."""

SMALL_BYTES = 1 << 18
"""Bytes of X up to which its rows are copied with the 1 of the intercept beside them."""

SCALED_COPY_BYTES = 1 << 19
"""Size of a scaled copy of rows, if these are some times as many as the features."""

DENSE_PASS_WORK, DENSE_SCALING_WORK, DENSE_GRAM_WORK = 15.0, 60.0, 1.2
"""Work on an entry of X in a pass, in scaling it for `gram`, and in that for each feature."""


def dot(a: Array, b: Array) -> Array:
    """The matrix product; while it is made, other threads can run.

    `numpy.matmul` lets them only if its result is not small, and `numpy.dot` copies what is not
    contiguous. Of such matrices a small product is a sum of products of their parts.
    """
    if a.flags.forc and b.flags.forc:
        return np.dot(a, b)
    length, size = len(b), len(a) * b.shape[1]
    n_parts = RELEASING // size + 1
    if n_parts == 1 or n_parts > length:
        return a @ b
    even = length - length % n_parts
    left = a[:, :even].reshape(len(a), n_parts, -1).swapaxes(0, 1)
    right = b[:even].reshape(n_parts, -1, b.shape[1])
    product: Array = np.add.reduce(left @ right)
    return product + a[:, even:] @ b[even:] if even < length else product


def row_products(X: Array, w: Array) -> Array:
    """Xw for a column w, row by row.

    The product of a matrix and a vector in BLAS reads several rows side by side, and waits for
    memory. A scalar product for each row hardly does.
    """
    return np.matmul(X[:, np.newaxis], w)[:, 0]


def _gram(X: Array, root: Array) -> tuple[Array, Array]:
    """Σ rootᵢ² xᵢxᵢᵀ and Σ rootᵢ² xᵢ, float64, from products in the precision of the roots."""
    return products(np.multiply(X, root[:, np.newaxis], dtype=root.dtype), root)


class DenseRows(Rows):
    """A view of some rows of an array."""

    def times(self, w: Array) -> Array:
        X, n_outputs = self.X, w.shape[1]
        if n_outputs == 1:
            return dot(X, w)
        if X.strides[0] < X.strides[1]:  # Fortran order
            return dot(w.T, X.T).T
        z = np.empty((len(X), n_outputs), np.result_type(X, w))
        for part in cuts(len(X), X.size * n_outputs // SMALL_PRODUCT + 1):
            np.matmul(X[part], w, out=z[part])
        return z

    def transposed_times(self, dz: Array) -> Array:
        return dot(dz.T, self.X).T

    def gram(
        self, root: Array, columns: NDArray[np.intp] | slice, precision: Precision = np.float64
    ) -> Array:
        stored = self._stored(columns)
        factors: Array = root.astype(precision, copy=False)
        width = self.X.shape[1] if isinstance(stored, slice) else len(stored)
        n_parts = min(
            len(root) * width * factors.itemsize // SCALED_COPY_BYTES,
            len(root) // (4 * max(width, 1)),
        )
        grams = (_gram(self.X[part, stored], factors[part]) for part in cuts(len(root), n_parts))
        gram, edge = added(grams)
        return bordered(gram, edge, float(root @ root)) if self.intercept else gram

    def pair_grams(
        self,
        a: Array,
        columns: NDArray[np.intp] | slice = ALL,
        precision: Precision = np.float64,
    ) -> Array:
        if self.intercept or self.X.size > SMALL_GRAMS:
            return super().pair_grams(a, columns, precision)
        rows = self.X[:, self._stored(columns)]
        first, second = pairs(len(a))
        share = self.share.T if isinstance(self.share, np.ndarray) else self.share
        h = np.multiply(0.5 * share, a[first], dtype=np.float64)
        h *= a[second]
        grams = np.matmul(rows.T, h[..., np.newaxis] * rows)
        return grams + grams.swapaxes(1, 2)

    def _stored(self, columns: NDArray[np.intp] | slice) -> NDArray[np.intp] | slice:
        """Where in X the chosen features are."""
        return columns

    def entries(self) -> tuple[NDArray[np.intp], Array]:
        counts = np.count_nonzero(self.X, axis=0)
        return counts, np.einsum("ij,ij->j", self.X, self.X, dtype=np.float64)

    def squares(self, h: Array) -> Array:
        squares: Array = sum(
            (
                np.dot(np.square(self.X[part], dtype=np.float64).T, h[part])
                for part in self._parts()
            ),
            start=np.zeros((self.X.shape[1], h.shape[1])),
        )
        return np.vstack([squares, h.sum(axis=0)]) if self.intercept else squares

    def _parts(self) -> Iterator[slice]:
        """Rows of which a copy in float64 is small."""
        return cuts(len(self.X), self.X.size * 8 // SCALED_COPY_BYTES)


class StreamedRows(DenseRows):
    """Rows, each of them in one piece, that come from memory and not from a cache."""

    def times(self, w: Array) -> Array:
        return row_products(self.X, w) if w.shape[1] == 1 else super().times(w)

    def is_row_by_row(self, n_outputs: int) -> bool:
        return n_outputs == 1


class BorderedRows(DenseRows):
    """A copy of few rows of an array with the 1 of the intercept as their last column.

    What costs time there are the calls: each product is then one.
    """

    @classmethod
    def of(cls, X: Array, y: NDArray[np.generic], share: Array | float) -> BorderedRows:
        """All rows of X; in Fortran order, in which the transposed scores are lines."""
        bordered = np.ones((X.shape[0], X.shape[1] + 1), X.dtype, order="F")
        bordered[:, :-1] = X
        return cls(bordered, y, share, ALL, intercept=False)

    def _stored(self, columns: NDArray[np.intp] | slice) -> NDArray[np.intp] | slice:
        """With the 1 of the intercept."""
        return columns if isinstance(columns, slice) else np.append(columns, -1)


class DenseDataset(Dataset):
    """Data set over a NumPy array; blocks are views, and only a small array is copied."""

    def block(self, index: slice) -> Rows:
        is_all = index.stop - index.start == self.n_rows
        if is_all and self.intercept and self.n_bytes <= SMALL_BYTES:
            return BorderedRows.of(self.X, self.y, self.share)
        rows, share = self.X[index], self.share_of(index)
        return self._kind(rows, self.y[index], share, index, self.intercept)

    @cached_attribute
    def _kind(self) -> type[DenseRows]:
        """Rows one by one, where X comes from memory and they lie side by side in it."""
        size, (to_next, to_entry) = self.X.itemsize * self.n_features, self.X.strides
        least, most = STREAM_ROW_BYTES
        in_one_piece = to_entry == self.X.itemsize and abs(to_next) < 2 * size
        one_by_one = in_one_piece and least <= size <= most and self.X.flags.aligned
        return StreamedRows if one_by_one and self.n_bytes >= STREAM_BYTES else DenseRows

    @property
    def n_blocks(self) -> int:
        work = self.n_rows * self.row_work
        return max((self.n_bytes + work) // self._block_bytes, work // BLOCK_WORK_BYTES)

    @property
    def _block_bytes(self) -> int:
        return BLOCK_BYTES

    def _rows(self, index: NDArray[np.signedinteger], share: Array | float) -> Dataset:
        if len(index) > self.rows_to_copy:
            return ViewDataset(ArrayView(self.X, index), self.y[index], share, self.intercept)
        return DenseDataset(self.X[index], self.y[index], share, self.intercept)

    @property
    def rows_to_sample(self) -> int:
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
    """Rows of an `ArrayView`, made block by block whenever they are read.

    Parameters
    ----------
    X : ArrayView
    y, share, intercept
        As of a `Dataset`.
    """

    def block(self, index: slice) -> Rows:
        share = self.share_of(index)
        return DenseRows(self.X[index], self.y[index], share, index, self.intercept)

    def _block(self, number: int) -> Rows:
        return self.block(self._cuts[number])

    @property
    def _block_bytes(self) -> int:
        return COPIED_BYTES

    @property
    def _run_length(self) -> int:
        return 1
