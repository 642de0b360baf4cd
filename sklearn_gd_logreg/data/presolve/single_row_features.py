"""The features that occur in one row alone, and in the same one, become a single feature.

Row i has the entries x_ij in such features; the others have 0. With their length ‖x‖ and the
coordinate v = Σ_j (x_ij/‖x‖) w_j, the score of the row has the part ‖x‖ v. That is a rotation of
these coordinates, after which J depends on one of them alone, but for the L2 norm of the others.
Started in the span of the rows, a method that is invariant to rotations never leaves it, and nor
do the minimum with an L2 penalty and that of least norm without: w_j = (x_ij/‖x‖) v. Features that
occur in no row have w_j = 0.

Most pairs of words in texts occur once, and so do rare words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy import sparse

from ..._typing import Array
from ..base import Dataset
from ..csr import SparseDataset, sharing
from .base import counted_like

MIN_ENTRIES = 1 << 14
"""Entries of X from which features are counted."""

MAX_PART = 0.75
"""Part of the features up to which it pays. Words alone (0.82) gain hardly, with pairs
(0.32) a fit takes half the time."""

SAMPLE_ROWS_FOR_SINGLES = 256
"""Rows of the sample that tells whether it pays: the part of the rows is right within 0.06."""

ROUNDINGS_OUTSIDE_SPAN = 16
"""Units of rounding, in the largest weight, by which a start may be outside the span."""


@dataclass(frozen=True)
class SingleRowFeatures:
    """A sparse X with the features of single rows merged.

    Attributes
    ----------
    data : SparseDataset
    start : array of shape (n_coordinates + intercept, n_outputs)
    basis : CSR array of shape (n_features, n_coordinates), float64
        w = basis v; its columns are orthonormal.
    largest : array of shape (n_coordinates, 1)
        The largest entry of each column of it.
    """

    data: SparseDataset
    start: Array
    basis: Any
    largest: Array

    def expand(self, v: Array) -> Array:
        """Parameters, or their gradients, in the original coordinates."""
        n_coordinates = self.basis.shape[1]
        return np.vstack([self.basis @ v[:n_coordinates], v[n_coordinates:]])

    def coordinates(self, rows: Any) -> Any:
        """Other rows in the new coordinates."""
        new = rows @ self.basis.astype(rows.dtype, copy=False)
        return new.tocsr() if sparse.issparse(new) else new

    def rounding(self, v: Array, precision: DTypeLike) -> float:
        """No more than any weights are rounded by."""
        return 0.0

    @property
    def steps_ahead(self) -> int:
        """1: a norm is worked out with the step."""
        return 1

    def max_norms(self, v: Array) -> Array:
        """Max-norm of every column of v in the original coordinates."""
        n_coordinates = len(self.largest)
        norms = np.abs(v[:n_coordinates] * self.largest).max(axis=0, initial=0)
        return np.maximum(norms, np.abs(v[n_coordinates:]).max(axis=0, initial=0))


def merge_single_row_features(data: Dataset, w: Array) -> SingleRowFeatures | None:
    """The rows with these features merged; None where they are few, or w is outside the span.

    Counts the entries of each feature, which costs no pass; to merge them counts as one. Rows
    that are copied are few beside the features, as for `Dataset.columns`.
    """
    if not (isinstance(data, SparseDataset) and data.has_columns and data.n_entries >= MIN_ENTRIES):
        return None
    X, counts = data.X, data.column_sizes
    shared, most = np.flatnonzero(counts > 1), MAX_PART * data.n_features
    if len(shared) + part_with_singles(X, counts) * data.n_rows > most:
        return None
    is_single = np.take(counts == 1, X.indices)
    singles = np.flatnonzero(is_single)
    n_before = np.searchsorted(singles, X.indptr)  # of each row, the singles in those before it
    rows = np.flatnonzero(np.diff(n_before))
    starts, lengths = n_before[rows], np.diff(n_before)[rows]
    n_coordinates = len(shared) + len(rows)
    if not 0 < n_coordinates <= most:
        return None
    place, factor = np.zeros(data.n_features, X.indices.dtype), np.zeros(data.n_features)
    place[shared], factor[shared] = np.arange(len(shared)), 1.0
    largest = np.ones((n_coordinates, 1))
    entries: Array = X.data[singles].astype(np.float64)
    norms, features = entries, X.indices[singles]
    if len(rows):
        norms = norms_of(entries, starts, lengths)
        entries /= np.repeat(np.where(norms, norms, 1), lengths)
        largest[len(shared) :, 0] = np.maximum.reduceat(np.abs(entries), starts)
        place[features] = np.repeat(np.arange(len(shared), n_coordinates), lengths)
        factor[features] = entries
    shape = data.n_features, n_coordinates
    basis = sparse.csr_array((factor, place, np.arange(data.n_features + 1)), shape=shape)
    weights = w[: data.n_features]
    start = np.zeros((n_coordinates, w.shape[1]))
    if weights.any():
        start = basis.T @ weights
        outside = np.abs(basis @ start - weights).max()
        if not outside <= ROUNDINGS_OUTSIDE_SPAN * np.finfo(w.dtype).eps * np.abs(weights).max():
            return None
    kept = ~is_single
    kept[singles[starts]] = True  # where the merged entry of a row is
    merged = X.data[kept]
    merged[is_single[kept]] = norms
    n_dropped = n_before - np.searchsorted(rows, np.arange(data.n_rows + 1))
    ends = X.indptr - n_dropped.astype(X.indptr.dtype)
    empty = type(X)((data.n_rows, n_coordinates), dtype=X.dtype)
    reduced_X = sharing(empty, merged, np.take(place, X.indices[kept]), ends)
    share = data.share if isinstance(data.share, np.ndarray) else None
    reduced = SparseDataset(reduced_X, data.y, share, data.intercept)
    data.passes.count += data.n_rows / data.rows_in_a_pass
    counted_like(reduced, data)
    start = np.vstack([start.astype(w.dtype), w[data.n_features :]])
    return SingleRowFeatures(reduced, start, basis, largest)


def part_with_singles(X: Any, counts: NDArray[np.intp]) -> float:
    """In a sample of rows, the part that has an entry in a feature of its own."""
    rows = X[:: -(-X.shape[0] // SAMPLE_ROWS_FOR_SINGLES)]
    n_singles = np.concatenate([[0], np.cumsum(counts[rows.indices] == 1)])[rows.indptr]
    return np.count_nonzero(np.diff(n_singles)) / rows.shape[0]


def norms_of(entries: Array, starts: Any, lengths: Any) -> Array:
    """Euclidean norms of runs of entries, which neither overflow nor vanish."""
    scales = np.maximum.reduceat(np.abs(entries), starts)
    scales[scales == 0] = 1.0
    norms: Array = np.sqrt(np.add.reduceat((entries / np.repeat(scales, lengths)) ** 2, starts))
    return norms * scales
