"""Rows in a SciPy sparse array or matrix of CSR format."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from .._typing import Array
from .base import Dataset, Rows

CHUNK = 1 << 15
"""Number of entries of a part of X of which scaled copies are made."""


class SparseRows(Rows):
    """All rows of a CSR array: SciPy's products, nothing densified."""

    def gram(self, root: Array, columns: NDArray[np.intp] | slice) -> Array:
        grams = (
            _gram(chunk if isinstance(columns, slice) else chunk[:, columns], root[index])
            for index, chunk in self._chunks(self._width(columns) ** 2)
        )
        gram, edge = next(grams)
        for more, further in grams:
            gram, edge = gram + more, edge + further
        if not self.intercept:
            return gram
        return np.block([[gram, edge[:, np.newaxis]], [edge, np.vdot(root, root)]])

    def squares(self, h: Array) -> Array:
        parts = (
            chunk.power(2, dtype=np.float64).T @ h[index] for index, chunk in self._chunks(CHUNK)
        )
        squares: Array = sum(parts, start=np.zeros((self.X.shape[1], h.shape[1])))
        return np.vstack([squares, h.sum(axis=0)]) if self.intercept else squares

    def _width(self, columns: NDArray[np.intp] | slice) -> int:
        return self.X.shape[1] if isinstance(columns, slice) else len(columns)

    def _chunks(self, size: int) -> Iterator[tuple[slice, Any]]:
        """Runs of rows with about ``size`` entries, as arrays that share the memory of X."""
        X, n_rows = self.X, self.X.shape[0]
        n_chunks = max(1, min(n_rows, X.nnz // max(size, CHUNK)))
        for start, stop in pairwise(np.linspace(0, n_rows, n_chunks + 1).astype(int)):
            ends = X.indptr[start : stop + 1]
            entries = slice(ends[0], ends[-1])
            parts = X.data[entries], X.indices[entries], ends - ends[0]
            chunk = type(X)(parts, shape=(stop - start, X.shape[1]))
            chunk.has_canonical_format = True
            yield slice(start, stop), chunk


def _gram(X: Any, root: Array) -> tuple[Array, Array]:
    """Σ rootᵢ² xᵢxᵢᵀ and Σ rootᵢ² xᵢ."""
    scaled = sparse.diags(root) @ X
    return (scaled.T @ scaled).toarray(), scaled.T @ root


class SparseDataset(Dataset):
    """Data set over a CSR array; one block, since slices of CSR are copies.

    Entries that are stored twice or out of order are put right in a copy: SciPy would do
    it in place.
    """

    def __init__(
        self, X: Any, y: NDArray[Any], share: Array | float | None, intercept: bool
    ) -> None:
        if not X.has_canonical_format:
            X = X.copy()
            X.sum_duplicates()
        super().__init__(X, y, share, intercept)

    def blocks(self) -> Iterator[Rows]:
        everything = slice(0, self.n_rows)
        yield SparseRows(self.X, self.y, self.share, everything, self.intercept)

    @property
    def n_entries(self) -> int:
        return int(self.X.nnz)

    @property
    def n_bytes(self) -> int:
        X = self.X
        return int(X.data.nbytes + X.indices.nbytes + X.indptr.nbytes)
