"""Rows in a NumPy array of either order, a read-only memory map included."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from .._typing import Array
from .base import Dataset, Rows

BLOCK_BYTES = 1 << 20
"""Size of a block of X: forward and backward both find it in the cache."""


class DenseRows(Rows):
    """A view of some rows of an array."""

    def gram(self, root: Array, columns: NDArray[np.intp] | slice) -> Array:
        scaled = self.X[:, columns] * root[:, np.newaxis]
        if self.intercept:
            scaled = np.column_stack([scaled, root])
        return scaled.T @ scaled

    def squares(self, h: Array) -> Array:
        squares = np.square(self.X, dtype=np.float64).T @ h
        return np.vstack([squares, h.sum(axis=0)]) if self.intercept else squares


class DenseDataset(Dataset):
    """Data set over a NumPy array; blocks are views, nothing is copied."""

    def blocks(self) -> Iterator[Rows]:
        height = max(1, BLOCK_BYTES // (self.X.itemsize * max(1, self.n_features)))
        for start in range(0, self.n_rows, height):
            index = slice(start, min(start + height, self.n_rows))
            share = self.share[index] if isinstance(self.share, np.ndarray) else self.share
            yield DenseRows(self.X[index], self.y[index], share, index, self.intercept)

    @property
    def n_entries(self) -> int:
        return int(self.X.size)

    @property
    def n_bytes(self) -> int:
        return int(self.X.nbytes)
