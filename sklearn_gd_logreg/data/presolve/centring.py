"""Columns far from 0, beside their spread, are centred: an exact reduction.

With a free intercept b, the scores Xw + b are those of (X − 1cᵀ)w + (b + cᵀw). So J has the
same minimum over w for both, but the condition number of F is the square of the ratio of
distance to spread: the rounding of x hides what w does. The difference x − c of numbers near
each other is exact (Sterbenz 1974), and it is taken block by block, without a copy of X.

Unix times, Julian dates, customer numbers and map coordinates are such columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike
from scipy import sparse

from ..._typing import Array
from ..base import SMALL_COPY, Dataset
from ..csr import with_entries
from ..view import ArrayView
from .base import counted_like, storage_of

MIN_OFFSET_OVER_DEVIATION = {np.dtype(np.float64): 1e3, np.dtype(np.float32): 1e2}
"""Ratio of the median of a column to its median deviation from which the column is centred.

F has the square of it for its condition number: 1e6 leaves ten digits of float64.
"""

SAMPLE_ROWS_FOR_OFFSETS, SAMPLE_ENTRIES, FEWEST_ROWS = 64, 1 << 14, 8
"""Rows of the sample that decides; fewer of wide data, but some."""


@dataclass(frozen=True)
class Centring:
    """The rows less a constant c for each column.

    Attributes
    ----------
    data : Dataset
        The rows less c.
    start : array of shape (n_features + 1, n_outputs)
        The starting point for these rows.
    centre : array of shape (n_features,)
        c, in the precision of X; 0 for a column that stays as it is.
    """

    data: Dataset
    start: Array
    centre: Array

    def expand(self, v: Array) -> Array:
        """Parameters for the rows as they are, float64: b is less by cᵀw."""
        w = v.astype(np.float64)
        w[-1] -= self.centre @ w[:-1]
        return w

    def coordinates(self, rows: Any) -> Any:
        """Other rows less c."""
        return less(rows, self.centre)

    def rounding(self, v: Array, precision: DTypeLike) -> float:
        """By how much a score may change where b is rounded."""
        sizes = np.abs(self.centre).astype(np.float64) @ np.abs(v[:-1])
        return float(np.finfo(precision).eps * sizes.max(initial=0))

    @property
    def steps_ahead(self) -> int:
        """0: only rules with a norm of their own are centred."""
        return 0

    def max_norms(self, v: Array) -> Array:
        """Max-norm of every column of v."""
        return np.abs(v).max(axis=0, initial=0)


def centre_if_far(data: Dataset, w: Array) -> Centring | None:
    """The rows with the columns far from 0 centred, or None if there are none.

    A sample of rows decides, so it costs no pass.

    Parameters
    ----------
    data : Dataset
        In any storage, with an intercept.
    w : array of shape (n_features + 1, n_outputs)
        The starting point.
    """
    centre = far_columns(data)
    if not centre.any():
        return None
    X = less(data.X, centre)
    share = data.share if isinstance(data.share, np.ndarray) else None
    reduced = counted_like(storage_of(X)(X, data.y, share, True), data)
    start = w.astype(np.float64)
    start[-1] += centre @ start[:-1]
    return Centring(reduced, start.astype(w.dtype), centre)


def less(X: Any, centre: Array) -> Any:
    """X − 1cᵀ: of a large array a view; of a CSR array, which stores these columns in all rows, a
    copy of the entries.
    """
    if sparse.issparse(X):
        return with_entries(X, X.data - centre[X.indices])
    view = ArrayView(X, centre=centre)
    return view[:] if X.size * X.itemsize <= SMALL_COPY else view


def far_columns(data: Dataset) -> Array:
    """For every column its median in a sample, if that is far from 0, or else 0."""
    centre = np.zeros(data.n_features, data.dtype)
    fewest = max(SAMPLE_ENTRIES // data.n_features, FEWEST_ROWS)
    rows = sample(data, min(SAMPLE_ROWS_FOR_OFFSETS, fewest))
    if sparse.issparse(rows):
        stored = np.bincount(rows.indices, minlength=data.n_features)
        columns = np.flatnonzero(2 * stored > rows.shape[0])
        if not len(columns):
            return centre
        rows = rows[:, columns].toarray()
    else:
        columns = np.arange(data.n_features)
    factor = MIN_OFFSET_OVER_DEVIATION[data.dtype]
    near = factor * np.abs(rows[1:] - rows[:-1]) < np.abs(rows[1:])
    suspects = np.flatnonzero(2 * np.add.reduce(near, axis=0) > len(near))
    for column, entries in zip(columns[suspects], rows.T[suspects], strict=True):
        median = np.median(entries)
        deviations = np.abs(entries - median)
        deviations = deviations[deviations > 0]
        if len(deviations) and abs(median) > factor * np.median(deviations):
            centre[column] = median
    if centre.any() and sparse.issparse(data.X):
        counts = np.bincount(data.X.indices, minlength=data.n_features)
        centre[counts < data.n_rows] = 0  # an entry that is not stored stays 0
    return centre


def sample(data: Dataset, size: int) -> Any:
    """About so many rows of non-zero weight, all over the data."""
    if isinstance(data.share, np.ndarray):
        rows = data.sample(min(size, data.n_rows)).X
        return rows[:] if isinstance(rows, ArrayView) else rows
    step = -(-data.n_rows // size)
    return data.X[::step]
