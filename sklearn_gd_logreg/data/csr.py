"""Rows in a SciPy sparse array or matrix of CSR format."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from .._typing import Array
from .base import Dataset, Rows


class SparseRows(Rows):
    """All rows of a CSR array: SciPy's products, nothing densified."""

    def gram(self, root: Array, columns: NDArray[np.intp] | slice) -> Array:
        chosen = self.X if isinstance(columns, slice) else self.X[:, columns]
        scaled = sparse.diags(root) @ chosen
        gram = (scaled.T @ scaled).toarray()
        if not self.intercept:
            return gram
        edge = (scaled.T @ root)[:, np.newaxis]
        return np.block([[gram, edge], [edge.T, np.vdot(root, root)]])

    def squares(self, h: Array) -> Array:
        squares = self.X.power(2, dtype=np.float64).T @ h
        return np.vstack([squares, h.sum(axis=0)]) if self.intercept else squares


class SparseDataset(Dataset):
    """Data set over a CSR array; one block, since slices of CSR are copies."""

    def blocks(self) -> Iterator[Rows]:
        everything = slice(0, self.n_rows)
        yield SparseRows(self.X, self.y, self.share, everything, self.intercept)
