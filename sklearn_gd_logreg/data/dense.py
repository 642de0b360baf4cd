"""Rows in a NumPy array of either order, a read-only memory map included."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from .._typing import Array, Precision
from .base import ALL, Dataset, Rows, bordered, cuts, pairs

BLOCK_BYTES = 1 << 20
"""Size of a block of X: forward and backward both find it in the cache."""

WORK = 4
"""Columns that the loss adds to a block while it works."""

SMALL_PRODUCT = 1_000_000
"""Multiplications up to which OpenBLAS copies no matrix: twice as fast for a few columns."""


SMALL_GRAMS = 20_000
"""Entries of X up to which several weighted products are made in one call."""

SMALL_BYTES = 1 << 18
"""Bytes of X up to which its rows are copied with the 1 of the intercept beside them."""

PASS_WORK, SCALING_WORK, GRAM_WORK = 15.0, 60.0, 1.2
"""Work on an entry of X in a pass, in scaling it for `gram`, and in that for each feature."""


class DenseRows(Rows):
    """A view of some rows of an array."""

    def times(self, w: Array) -> Array:
        X, n_outputs = self.X, w.shape[1]
        if n_outputs == 1:
            return X @ w
        if X.strides[0] < X.strides[1]:  # Fortran order
            return (w.T @ X.T).T
        z = np.empty((len(X), n_outputs), np.result_type(X, w))
        for part in cuts(len(X), X.size * n_outputs // SMALL_PRODUCT + 1):
            np.matmul(X[part], w, out=z[part])
        return z

    def transposed_times(self, dz: Array) -> Array:
        return (dz.T @ self.X).T

    def gram(
        self, root: Array, columns: NDArray[np.intp] | slice, precision: Precision = np.float64
    ) -> Array:
        factors = root.astype(precision, copy=False)
        rows = self.X[:, self._stored(columns)]
        scaled = np.multiply(rows, factors[:, np.newaxis], dtype=precision)
        gram = (scaled.T @ scaled).astype(np.float64, copy=False)
        return bordered(gram, factors @ scaled, float(root @ root)) if self.intercept else gram

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
        squares = np.square(self.X, dtype=np.float64).T @ h
        return np.vstack([squares, h.sum(axis=0)]) if self.intercept else squares


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

    def blocks(self) -> Iterator[Rows]:
        if self.intercept and self.n_bytes <= SMALL_BYTES:
            yield BorderedRows.of(self.X, self.y, self.share)
            return
        for index in self._cuts():
            rows, share = self.X[index], self.share_of(index)
            yield DenseRows(rows, self.y[index], share, index, self.intercept)

    def _cuts(self) -> Iterator[slice]:
        row_bytes = self.X.itemsize * (self.n_features + WORK)
        return cuts(self.n_rows, max(1, self.n_rows * row_bytes // BLOCK_BYTES))

    def _rows(self, index: NDArray[np.signedinteger], share: Array | float) -> Dataset:
        if len(index) > self.rows_to_copy:
            return GatheredDataset(self.X, index, self.y[index], share, self.intercept)
        return super()._rows(index, share)

    @property
    def rows_to_sample(self) -> int:
        return self.n_rows

    @property
    def pass_work(self) -> float:
        return PASS_WORK * self.n_entries

    def gram_work(self, n_rows: float) -> float:
        return n_rows * self.n_parameters * (SCALING_WORK + GRAM_WORK * self.n_parameters)

    @property
    def n_entries(self) -> int:
        return self.n_rows * self.n_features

    @property
    def n_bytes(self) -> int:
        return self.n_entries * int(self.X.itemsize)


class GatheredDataset(DenseDataset):
    """Rows of an array by their numbers, gathered block by block whenever they are read.

    Parameters
    ----------
    X : array of shape (at least max(numbers) + 1, n_features)
    numbers : array of shape (n_rows,)
        Which rows of X these are.
    y, share, intercept
        As of a `Dataset` of n_rows rows.
    """

    def __init__(
        self,
        X: Array,
        numbers: NDArray[np.signedinteger],
        y: NDArray[np.generic],
        share: Array | float,
        intercept: bool,
    ) -> None:
        super().__init__(X, y, share, intercept)
        self.numbers, self.n_rows = numbers, len(numbers)

    def blocks(self) -> Iterator[Rows]:
        for index in self._cuts():
            rows, share = self.X[self.numbers[index]], self.share_of(index)
            yield DenseRows(rows, self.y[index], share, index, self.intercept)

    def _kept_blocks(self) -> Iterable[Rows]:
        return self.blocks()

    def _rows(self, index: NDArray[np.signedinteger], share: Array | float) -> Dataset:
        numbers, y = self.numbers[index], self.y[index]
        if len(index) > self.rows_to_copy:
            return GatheredDataset(self.X, numbers, y, share, self.intercept)
        return DenseDataset(self.X[numbers], y, share, self.intercept)
