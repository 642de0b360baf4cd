"""Reduction that merges the features that occur in the same single row into one feature.

Let row i have the entries x_ij in features that no other row has, and let ‖x‖ be their norm. With
the coordinate v = Σ_j (x_ij/‖x‖) w_j, their part of the score is ‖x‖ v. This is a rotation of these
coordinates, after which J depends on the others through their L2 norm alone. A rotation-invariant
method that starts in the row space stays there: w_j = (x_ij/‖x‖) v. So do the minimum with an L2
penalty and that of least norm. Features that occur in no row have w_j = 0.

Most bigrams of texts occur once, and so do rare words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy import sparse

from ..._typing import Array
from ..base import Dataset
from ..csr import SparseDataset, fill_sparse
from .base import with_pass_counter

MIN_ENTRIES_TO_COUNT = 1 << 14
"""Entries of X from which the entries of each feature are counted."""

MAX_FEATURE_FRACTION = 0.75
"""Fraction of the features that remain up to which merging pays. A fit on single words (0.82)
hardly gains, with bigrams (0.32) it takes half the time."""

ROWS_FOR_SINGLES = 256
"""Size of the sample that estimates whether it pays: a fraction of rows is accurate within 0.06."""

MAX_OUTSIDE_EPS = 16
"""Largest component of a start outside the span of the rows, in units of the machine epsilon and of
the largest coefficient."""


@dataclass(frozen=True)
class SingleRowFeatures:
    """Reduction of a sparse X with the features of single rows merged.

    Attributes
    ----------
    data : SparseDataset
    start : array of shape (n_coordinates + intercept, n_outputs)
    basis : CSR array of shape (n_features, n_coordinates), float64
        w = basis v; its columns are orthonormal.
    largest : array of shape (n_coordinates, 1)
        Largest absolute entry of each column of ``basis``.
    """

    data: SparseDataset
    start: Array
    basis: Any
    largest: Array

    def expand(self, v: Array) -> Array:
        """Parameters, or their gradients, in the original coordinates."""
        n_coordinates = self.basis.shape[1]
        return np.vstack([self.basis @ v[:n_coordinates], v[n_coordinates:]])

    def transform(self, X: Any) -> Any:
        """Coordinates of other rows."""
        new = X @ self.basis.astype(X.dtype, copy=False)
        return new.tocsr() if sparse.issparse(new) else new

    def score_error(self, v: Array, precision: DTypeLike) -> float:
        """0: no more than the rounding of any coefficients."""
        return 0.0

    @property
    def norms_per_product(self) -> int:
        """1: a norm needs no product with X."""
        return 1

    def max_norms(self, v: Array) -> Array:
        """Max-norm of each column of v in the original coordinates."""
        n_coordinates = len(self.largest)
        norms = np.abs(v[:n_coordinates] * self.largest).max(axis=0, initial=0)
        return np.maximum(norms, np.abs(v[n_coordinates:]).max(axis=0, initial=0))


@dataclass(frozen=True)
class Grouping:
    """The entries of X in features of single rows, grouped by row.

    The new coordinates are first the shared features, then one for each of ``rows``.

    Attributes
    ----------
    shared : array of ints
        The features with entries in several rows.
    is_single : array of shape (nnz,)
        Whether an entry of X is the only one of its feature.
    singles : array of ints
        Positions of these entries in ``X.data``.
    n_before : array of shape (n_rows + 1,)
        Number of these entries before each row, as ``indptr``.
    rows : array of ints
        The rows with such entries.
    starts, lengths : arrays of shape (len(rows),)
        Position in ``singles`` of the first entry of each of ``rows``, and their number.
    """

    shared: NDArray[np.intp]
    is_single: NDArray[np.bool_]
    singles: NDArray[np.intp]
    n_before: NDArray[np.intp]
    rows: NDArray[np.intp]
    starts: NDArray[np.intp]
    lengths: NDArray[np.intp]

    @classmethod
    def of(cls, X: Any, counts: NDArray[np.intp], shared: NDArray[np.intp]) -> Grouping:
        """Group the entries of X; ``counts`` has the number of entries of each feature."""
        is_single = np.take(counts == 1, X.indices)
        singles = np.flatnonzero(is_single)
        n_before = np.searchsorted(singles, X.indptr)
        rows = np.flatnonzero(np.diff(n_before))
        starts, lengths = n_before[rows], np.diff(n_before)[rows]
        return cls(shared, is_single, singles, n_before, rows, starts, lengths)

    @property
    def n_coordinates(self) -> int:
        return len(self.shared) + len(self.rows)


def merge_single_row_features(data: Dataset, w: Array) -> SingleRowFeatures | None:
    """Merge the features of single rows; None if it does not pay or w is outside the row space.

    Counting the entries of each feature costs no pass; merging counts as one. As for
    `Dataset.columns`, copies of the rows are allowed: X is small beside its number of features.
    """
    if not isinstance(data, SparseDataset) or not data.has_columns:
        return None
    if data.n_entries < MIN_ENTRIES_TO_COUNT:
        return None
    X, counts = data.X, data.nnz_per_feature
    shared, most = np.flatnonzero(counts > 1), MAX_FEATURE_FRACTION * data.n_features
    if len(shared) + fraction_with_singles(X, counts) * data.n_rows > most:
        return None
    grouping = Grouping.of(X, counts, shared)
    if not 0 < grouping.n_coordinates <= most:
        return None
    norms, index, basis, largest = orthonormal_basis(X, grouping)
    start = start_in_span(basis, w[: data.n_features])
    if start is None:
        return None
    share = data.share if isinstance(data.share, np.ndarray) else None
    reduced = SparseDataset(merge(X, grouping, norms, index), data.y, share, data.intercept)
    data.count_pass()
    with_pass_counter(reduced, data)
    start = np.vstack([start.astype(w.dtype), w[data.n_features :]])
    return SingleRowFeatures(reduced, start, basis, largest)


def fraction_with_singles(X: Any, counts: NDArray[np.intp]) -> float:
    """Fraction of a sample of the rows that have an entry in a feature of a single row."""
    rows = X[:: -(-X.shape[0] // ROWS_FOR_SINGLES)]
    n_singles = np.concatenate([[0], np.cumsum(counts[rows.indices] == 1)])[rows.indptr]
    return np.count_nonzero(np.diff(n_singles)) / rows.shape[0]


def orthonormal_basis(
    X: Any, grouping: Grouping
) -> tuple[Array, NDArray[np.signedinteger], Any, Array]:
    """Norms of merged entries, coordinate of each feature, basis, its largest entries."""
    n_features, n_shared, n_coordinates = X.shape[1], len(grouping.shared), grouping.n_coordinates
    index, factor = np.zeros(n_features, X.indices.dtype), np.zeros(n_features)
    index[grouping.shared], factor[grouping.shared] = np.arange(n_shared), 1.0
    largest = np.ones((n_coordinates, 1))
    entries: Array = X.data[grouping.singles].astype(np.float64)
    norms = entries
    if len(grouping.rows):
        norms = norms_of(entries, grouping.starts, grouping.lengths)
        entries /= np.repeat(np.where(norms, norms, 1), grouping.lengths)
        largest[n_shared:, 0] = np.maximum.reduceat(np.abs(entries), grouping.starts)
        features = X.indices[grouping.singles]
        index[features] = np.repeat(np.arange(n_shared, n_coordinates), grouping.lengths)
        factor[features] = entries
    shape = n_features, n_coordinates
    basis = sparse.csr_array((factor, index, np.arange(n_features + 1)), shape=shape)
    return norms, index, basis, largest


def norms_of(entries: Array, starts: Any, lengths: Any) -> Array:
    """Euclidean norms of consecutive groups of entries, without overflow or underflow."""
    scales = np.maximum.reduceat(np.abs(entries), starts)
    scales[scales == 0] = 1.0
    norms: Array = np.sqrt(np.add.reduceat((entries / np.repeat(scales, lengths)) ** 2, starts))
    return norms * scales


def start_in_span(basis: Any, coef: Array) -> Array | None:
    """Coordinates of the coefficients; None if they are not in the span of the basis."""
    if not coef.any():
        return np.zeros((basis.shape[1], coef.shape[1]))
    start: Array = basis.T @ coef
    outside = np.abs(basis @ start - coef).max()
    limit = MAX_OUTSIDE_EPS * np.finfo(coef.dtype).eps * np.abs(coef).max()
    return start if outside <= limit else None


def merge(X: Any, grouping: Grouping, norms: Array, index: NDArray[np.signedinteger]) -> Any:
    """X in the new coordinates: one entry, their norm, in place of the single entries of a row."""
    kept = ~grouping.is_single
    kept[grouping.singles[grouping.starts]] = True  # the position of the merged entry
    data = X.data[kept]
    data[grouping.is_single[kept]] = norms
    n_merged = np.searchsorted(grouping.rows, np.arange(X.shape[0] + 1))
    indptr = X.indptr - (grouping.n_before - n_merged).astype(X.indptr.dtype)
    empty = type(X)((X.shape[0], grouping.n_coordinates), dtype=X.dtype)
    return fill_sparse(empty, data, np.take(index, X.indices[kept]), indptr)
