"""Columns of a sparse X."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._typing import Array
from .passes import Passes


@dataclass(frozen=True)
class Columns:
    """Some columns of X with scaled rows, as a CSC matrix W.

    W is in single precision, for the curvature of a step, which need not be exact. Products with
    W and Wᵀ count as a fraction of a pass.

    Attributes
    ----------
    matrix : CSC array of shape (m, p), float32
        W.
    wider : CSC array of shape (m + 1, p + 1), float32
        Block-diagonal matrix of W and one more entry. It shares the memory of ``matrix``.
    passes : Passes
        Counts the passes over the data.
    pass_fraction : float
        Entries of W over the entries that a pass reads.
    """

    matrix: Any
    wider: Any
    passes: Passes
    pass_fraction: float

    @classmethod
    def of(
        cls,
        chosen: Any,
        scale: Array,
        intercept_scaling: float | None,
        passes: Passes,
        pass_fraction: float,
    ) -> Columns:
        """Scale the rows of ``chosen``; append ``intercept_scaling`` times scale if not None."""
        n_entries = chosen.nnz
        matrix, wider = _allocate(chosen, intercept_scaling is not None)
        entries, scale = matrix.data, scale.astype(np.float32)
        if (scale == scale[:1]).all():
            entries[:n_entries] *= scale[:1]
        else:
            entries[:n_entries] *= np.take(scale, chosen.indices, mode="clip")
        if intercept_scaling is not None:
            entries[n_entries:] = intercept_scaling * scale
        return cls(matrix, wider, passes, pass_fraction)

    def bordered(self, corner: float) -> Any:
        """Block-diagonal matrix of W and ``corner``; not a copy."""
        self.wider.data[-1] = corner
        return self.wider

    def times(self, v: Array) -> Array:
        """Wv, float32."""
        self.count_reads(0.5)
        product: Array = self.matrix @ v.astype(np.float32)
        return product

    def transposed_times(self, r: Array) -> Array:
        """Wᵀr, float32."""
        self.count_reads(0.5)
        product: Array = self.matrix.T @ r.astype(np.float32, copy=False)
        return product

    def squares(self) -> Array:
        """Sum of squares of each column, float64."""
        starts, ends = self.matrix.indptr[:-1], self.matrix.indptr[1:]
        if not self.matrix.nnz:
            return np.zeros(len(starts))
        squares = np.square(self.matrix.data, dtype=np.float64)
        sums = np.add.reduceat(squares, np.minimum(starts, len(squares) - 1))
        return np.where(ends > starts, sums, 0.0)

    def count_reads(self, number: float) -> None:
        """Count that all entries have been read so many times."""
        self.passes.count += number * self.pass_fraction


def _allocate(chosen: Any, intercept: bool) -> tuple[Any, Any]:
    """`Columns.matrix` and `Columns.wider`, with zeros for the column of the intercept, if any."""
    n_rows, n_columns = chosen.shape
    n_new = n_rows if intercept else 0
    data = np.append(chosen.data, np.zeros(n_new + 1, chosen.dtype))
    indices = np.append(chosen.indices, np.arange(n_rows - n_new, n_rows + 1, dtype=np.int32))
    ends = np.array([len(data) - 1, len(data)][not intercept :], np.int32)
    indptr = np.append(chosen.indptr, ends)
    wider = type(chosen)((n_rows + 1, n_columns + intercept + 1), dtype=chosen.dtype)
    wider.data, wider.indices, wider.indptr = data, indices, indptr
    matrix = type(chosen)((n_rows, n_columns + intercept), dtype=chosen.dtype)
    matrix.data, matrix.indices, matrix.indptr = data[:-1], indices[:-1], indptr[:-1]
    return matrix, wider
