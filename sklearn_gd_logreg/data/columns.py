"""Some features of sparse rows, column by column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._typing import Array
from .passes import Passes


@dataclass(frozen=True)
class Columns:
    """Some features with every row scaled: a matrix W with a column for each.

    It is in single precision, for what shapes a step and need not be exact. Products with W and
    Wᵀ count as the part of a pass that its entries are of all entries.

    Attributes
    ----------
    matrix : CSC array of shape (m, p), float32
    wider : CSC array of shape (m + 1, p + 1), float32
        The same with a further row and column, whose only entry is where they cross.
    passes : Passes
        Counts that they are read.
    part : float
        Entries of the matrix over those that a pass reads.
    """

    matrix: Any
    wider: Any
    passes: Passes
    part: float

    @classmethod
    def of(
        cls, chosen: Any, scale: Array, edge: float | None, passes: Passes, part: float
    ) -> Columns:
        """The ``chosen`` columns times ``scale``, and one of ``edge`` if that is not None."""
        n_entries = chosen.nnz
        matrix, wider = _with_room(chosen, edge is not None)
        entries, scale = matrix.data, scale.astype(np.float32)
        if (scale == scale[:1]).all():
            entries[:n_entries] *= scale[:1]
        else:
            entries[:n_entries] *= np.take(scale, chosen.indices, mode="clip")
        if edge is not None:
            entries[n_entries:] = edge * scale
        return cls(matrix, wider, passes, part)

    def bordered(self, corner: float) -> Any:
        """W with a further row and column, 0 but for the entry where they cross; no copy."""
        self.wider.data[-1] = corner
        return self.wider

    def times(self, v: Array) -> Array:
        """Wv, float32."""
        self.count(0.5)
        product: Array = self.matrix @ v.astype(np.float32)
        return product

    def transposed_times(self, r: Array) -> Array:
        """Wᵀr, float32."""
        self.count(0.5)
        product: Array = self.matrix.T @ r.astype(np.float32, copy=False)
        return product

    def squares(self) -> Array:
        """Sum of the squares of each column, float64."""
        starts, ends = self.matrix.indptr[:-1], self.matrix.indptr[1:]
        if not self.matrix.nnz:
            return np.zeros(len(starts))
        squares = np.square(self.matrix.data, dtype=np.float64)
        sums = np.add.reduceat(squares, np.minimum(starts, len(squares) - 1))
        return np.where(ends > starts, sums, 0.0)

    @property
    def read(self) -> float:
        """How often they have been read so far, if nothing else has been."""
        return self.passes.count / max(self.part, 1e-300)

    def count(self, times: float) -> None:
        """Count that all entries were read so many times."""
        self.passes.count += times * self.part


def _with_room(chosen: Any, edge: bool) -> tuple[Any, Any]:
    """The same with a column of all rows, its entries yet to be written, if there is an edge.

    And once more in the same memory, with a further row and column.
    """
    n_rows, n_columns = chosen.shape
    n_edge = n_rows if edge else 0
    data = np.append(chosen.data, np.zeros(n_edge + 1, chosen.dtype))
    indices = np.append(chosen.indices, np.arange(n_rows - n_edge, n_rows + 1, dtype=np.int32))
    ends = np.array([len(data) - 1, len(data)][not edge :], np.int32)
    indptr = np.append(chosen.indptr, ends)
    wider = type(chosen)((n_rows + 1, n_columns + edge + 1), dtype=chosen.dtype)
    wider.data, wider.indices, wider.indptr = data, indices, indptr
    matrix = type(chosen)((n_rows, n_columns + edge), dtype=chosen.dtype)
    matrix.data, matrix.indices, matrix.indptr = data[:-1], indices[:-1], indptr[:-1]
    return matrix, wider
