"""Centering of columns whose offset is much larger than their deviation.

With an unpenalised intercept b, Xw + b = (X − 1cᵀ)w + (b + cᵀw), so centering does not change the
minimum of J over w. Without it the condition number of F is the square of offset / deviation.
The difference x − c of nearby numbers is exact (Sterbenz 1974). It is computed block by block,
without a copy of X.

Examples are Unix times, Julian dates, customer numbers and map coordinates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy import sparse

from ..._typing import Array
from ..base import MIN_COPY_LIMIT_BYTES, Dataset
from ..csr import with_data
from ..rows import Rows
from ..view import ArrayView
from .base import WithoutMaxNorms, dataset_class, with_pass_counter

MIN_OFFSET_OVER_DEVIATION = {np.dtype(np.float64): 1e3, np.dtype(np.float32): 1e2}
"""Ratio of the median of a column to its median deviation from which the column is centered.

Its square is the condition number of F: 1e6 leaves ten digits of float64.
"""

ROWS_FOR_OFFSETS, ENTRIES_FOR_OFFSETS, MIN_ROWS_FOR_OFFSETS = 64, 1 << 14, 8
"""Size of the sample that gives the offsets: rows, entries of wide data, and at least rows."""


@dataclass(frozen=True)
class Centering(WithoutMaxNorms):
    """Reduction to centered columns, which is not used with rules that need the max-norm.

    Attributes
    ----------
    data : Dataset
        The rows less the offset.
    start : array of shape (n_features + 1, n_outputs)
        The starting point for these rows.
    offset : array of shape (n_features,)
        c, in the precision of X; 0 for a column that is not centered.
    """

    data: Dataset
    start: Array
    offset: Array

    def expand(self, v: Array) -> Array:
        """Subtract cᵀw from b; float64."""
        w = v.astype(np.float64)
        w[-1] -= self.offset @ w[:-1]
        return w

    def transform(self, X: Any) -> Any:
        """Subtract c from other rows."""
        return subtract_offset(X, self.offset)

    def score_error(self, v: Array, precision: DTypeLike) -> float:
        """Bound on the rounding error of b."""
        sizes = np.abs(self.offset).astype(np.float64) @ np.abs(v[:-1])
        return float(np.finfo(precision).eps * sizes.max(initial=0))


def center_columns(data: Dataset, w: Array) -> Centering | None:
    """Center the columns with a large offset; None if there are none.

    The offsets are computed from a sample of the rows, so it costs no pass.

    Parameters
    ----------
    data : Dataset
        With an intercept.
    w : array of shape (n_features + 1, n_outputs)
        The starting point.
    """
    offset = column_offsets(data)
    if not offset.any():
        return None
    reduced = with_pass_counter(subtracted(data, offset), data)
    start = w.astype(np.float64)
    start[-1] += offset @ start[:-1]
    return Centering(reduced, start.astype(w.dtype), offset)


def subtracted(data: Dataset, offset: Array) -> Dataset:
    """Data set of the rows minus an offset."""
    if not data.stores_row_values:
        return data.subtract(offset)
    X = subtract_offset(data.X, offset)
    share = data.share if isinstance(data.share, np.ndarray) else None
    return dataset_class(X)(X, data.y, share, True)


def subtract_offset(X: Any, offset: Array) -> Any:
    """X − 1cᵀ: a view of a large array, a copy otherwise.

    A CSR array stores the centered columns in all rows.
    """
    if sparse.issparse(X):
        return with_data(X, X.data - offset[X.indices])
    view = ArrayView(X, offset=offset)
    return view[:] if X.size * X.itemsize <= MIN_COPY_LIMIT_BYTES else view


def column_offsets(data: Dataset) -> Array:
    """Median of each column in a sample; 0 below `MIN_OFFSET_OVER_DEVIATION`."""
    offset = np.zeros(data.n_features, data.dtype)
    by_entries = max(ENTRIES_FOR_OFFSETS // data.n_features, MIN_ROWS_FOR_OFFSETS)
    rows = sample_rows(data, min(ROWS_FOR_OFFSETS, by_entries))
    if sparse.issparse(rows):
        counts = np.bincount(rows.indices, minlength=data.n_features)
        columns = np.flatnonzero(2 * counts > rows.shape[0])
        if not len(columns):
            return offset
        is_sparse, rows = True, rows[:, columns].toarray()
    else:
        is_sparse, columns = False, np.arange(data.n_features)
    ratio = MIN_OFFSET_OVER_DEVIATION[data.dtype]
    is_small_step = ratio * np.abs(rows[1:] - rows[:-1]) < np.abs(rows[1:])
    candidates = np.flatnonzero(2 * np.add.reduce(is_small_step, axis=0) > len(is_small_step))
    for column, entries in zip(columns[candidates], rows.T[candidates], strict=True):
        median = np.median(entries)
        deviations = np.abs(entries - median)
        deviations = deviations[deviations > 0]
        if len(deviations) and abs(median) > ratio * np.median(deviations):
            offset[column] = median
    if offset.any() and is_sparse:
        offset[stored_entries(data) < data.n_rows] = 0  # entries that are not stored stay 0
    return offset


def stored_entries(data: Dataset) -> NDArray[np.intp]:
    """Number of stored entries of each feature of a sparse X."""
    n_features = data.n_features

    def count(rows: Rows) -> tuple[NDArray[np.intp]]:
        return (np.bincount(rows.X.indices, minlength=n_features),)

    if data.X is None:
        return data.sum(count)[0]
    return np.bincount(data.X.indices, minlength=n_features)


def sample_rows(data: Dataset, size: int) -> Any:
    """X of about ``size`` rows of non-zero weight, spread over the data."""
    if data.X is None or isinstance(data.share, np.ndarray):
        rows = data.some_rows(min(size, data.n_rows))
        return rows[:] if isinstance(rows, ArrayView) else rows
    step = -(-data.n_rows // size)
    return data.X[::step]
