"""Rows in a NumPy array of either order, a read-only memory map included."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from .._typing import Array
from .base import Dataset, Rows, bordered, cuts

BLOCK_BYTES = 1 << 20
"""Size of a block of X: forward and backward both find it in the cache."""

WORK = 4
"""Columns that the loss adds to a block while it works."""

SMALL_PRODUCT = 1_000_000
"""Multiplications up to which OpenBLAS copies no matrix: twice as fast for a few columns."""


SMALL_GRAMS = 20_000
"""Entries of X up to which several weighted products are made in one call."""


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
        z = np.empty((len(X), n_outputs), X.dtype)
        for part in cuts(len(X), X.size * n_outputs // SMALL_PRODUCT + 1):
            np.matmul(X[part], w, out=z[part])
        return z

    def transposed_times(self, dz: Array) -> Array:
        return (dz.T @ self.X).T

    def gram(self, root: Array, columns: NDArray[np.intp] | slice) -> Array:
        scaled = self.X[:, columns] * root[:, np.newaxis]
        gram = scaled.T @ scaled
        return bordered(gram, root @ scaled, float(root @ root)) if self.intercept else gram

    def grams(
        self, weights: Iterable[Array], n_weights: int, columns: NDArray[np.intp] | slice
    ) -> Array:
        if n_weights == 1 or self.X.size > SMALL_GRAMS:
            return super().grams(weights, n_weights, columns)
        h = np.stack(list(weights))[..., np.newaxis]
        rows = self.X[:, columns]
        if self.intercept:
            rows = np.concatenate((rows, np.ones((len(rows), 1))), axis=1)
        grams = np.matmul(rows.T, h * rows)
        return 0.5 * (grams + grams.swapaxes(1, 2))

    def squares(self, h: Array) -> Array:
        squares = np.square(self.X, dtype=np.float64).T @ h
        return np.vstack([squares, h.sum(axis=0)]) if self.intercept else squares


class DenseDataset(Dataset):
    """Data set over a NumPy array; blocks are views, nothing is copied."""

    def blocks(self) -> Iterator[Rows]:
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
