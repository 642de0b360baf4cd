"""Reduction that merges equal rows with the same label into one row with the sum of their weights.

The products of the rows with a fixed vector are sorted. Rows with the same product are candidates;
they are compared entry by entry, since different rows may have the same product. BLAS may round the
products of equal rows differently, so some equal rows are not merged, which costs only time.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ..._splitmix64 import pseudo_uniform
from ..._typing import Array
from ..base import Dataset
from ..csr import row_slice
from ..rows import CHUNK_ENTRIES, even_slices
from .base import RowSubset, max_remaining_rows, select_rows, take_rows, with_pass_counter

MIN_ROWS_TO_MERGE, MIN_PASS_WORK_TO_MERGE = 5000, 7e6
"""Rows, and `Dataset.pass_work`, from which a sample is searched for equal rows. On data of this
size searching the sample takes 0.1 ms, and a pass 0.2 ms."""

SAMPLE_ROWS_OVER_ROOT = 6.0
"""Rows of the sample, divided by √n. If each row occurs twice, the sample has 6²/2 = 18 equal pairs
in expectation."""

MIN_MEAN_MULTIPLICITY = 4.0
"""Mean multiplicity, the number of rows equal to a row, from which merging pays: it takes some
passes. With a mean of 2.1 a fit took 1.5 times as long as without merging. Merging also pays if
half the rows of the sample repeat others."""

CHUNK_ROWS = 1 << 16
"""Rows that are merged at a time, in 4 MB of temporary memory."""

MERGE_BYTES_PER_ROW, MIN_MERGE_LIMIT_BYTES = 60, 3e6
"""Temporary memory in which the distinct rows of all chunks are merged: bytes for each row, and the
limit for an empty X, to which a tenth of the bytes of X is added."""

MAX_PROJECTION_ERROR_EPS = 64
"""Largest relative difference of products that count as the same, in epsilons of float64."""


class DistinctRows(NamedTuple):
    """Distinct rows.

    Attributes
    ----------
    indices : array of shape (n_distinct,)
        Index of the first of each set of equal rows.
    mass : array of shape (n_distinct,)
        Sum of the shares of each set.
    """

    indices: NDArray[np.signedinteger]
    mass: Array


def merge_equal_rows(data: Dataset, w: Array) -> RowSubset | None:
    """Merge equal rows; None if it does not pay. It counts as one pass.

    ``w`` is the starting point.
    """
    data.count_pass()
    distinct = distinct_rows(data)
    if distinct is None:
        return None
    index, mass = distinct
    equal = float(mass.min()) == float(mass.max())
    share = 1 / len(index) if equal else mass.astype(data.dtype)[:, np.newaxis]
    reduced = select_rows(data, index, share)
    if reduced is None:
        return None
    data.passes.distinct_fraction = reduced.n_rows / data.n_weighted_rows
    return RowSubset(with_pass_counter(reduced, data, data.n_weighted_rows), w)


def merging_rows_pays(data: Dataset) -> bool:
    """Whether a sample suggests that merging equal rows pays.

    The sample is pseudo-random: an evenly spaced one would miss adjacent equal rows, as in sorted
    tables. The number of equal pairs in it estimates the mean multiplicity of a row, and n divided
    by this mean is a lower bound on the number of distinct rows. The mean that has to reach
    `MIN_MEAN_MULTIPLICITY` is without the most frequent row, since all others may be distinct.
    Arrays in Fortran order are not searched: comparing their rows takes as long as ten passes.
    """
    if data.n_rows < max(MIN_ROWS_TO_MERGE, data.n_features):
        return False
    if data.pass_work < MIN_PASS_WORK_TO_MERGE:
        return False
    if isinstance(data.X, np.ndarray) and abs(data.X.strides[0]) < abs(data.X.strides[1]):
        return False
    size = int(SAMPLE_ROWS_OVER_ROOT * data.n_rows**0.5)
    index = np.sort((pseudo_uniform(size) * data.n_rows).astype(np.intp))
    index = index[np.diff(index, prepend=-1) > 0]
    if isinstance(data.share, np.ndarray):
        index = index[data.share[index, 0] != 0]
    starts = np.flatnonzero(np.diff(np.sort(projections(data, index)), prepend=-np.inf))
    repeats = np.diff(starts, append=len(index)) - 1  # of each distinct product, after the first
    # An equal pair in the sample adds ``per_pair`` to the estimate of the mean multiplicity.
    pairs, per_pair = repeats * (repeats + 1) / 2, 2 * data.n_rows / max(len(index), 1) ** 2
    n_others = float(pairs.sum() - pairs.max(initial=0))
    multiplicity = 1 + n_others * per_pair
    pays = multiplicity >= MIN_MEAN_MULTIPLICITY or repeats.sum() >= len(index) / 2
    return pays and data.n_rows / (1 + float(pairs.sum()) * per_pair) <= max_remaining_rows(data)


def distinct_rows(data: Dataset) -> DistinctRows | None:
    """Distinct rows of non-zero weight; None if merging the chunks exceeds the memory limit."""
    max_rows = (data.n_bytes / 10 + MIN_MERGE_LIMIT_BYTES) / MERGE_BYTES_PER_ROW
    dtype = np.promote_types(np.int32, np.min_scalar_type(-data.n_rows))
    chunks, n_distinct = [], 0
    for chunk in even_slices(data.n_rows, data.n_rows // CHUNK_ROWS):
        index = np.arange(chunk.start, chunk.stop, dtype=dtype)
        mass = np.broadcast_to(data.share_of(chunk), (len(index), 1)).ravel().astype(np.float64)
        weighted = mass != 0
        chunks.append(merge(data, DistinctRows(index[weighted], mass[weighted])))
        n_distinct += len(chunks[-1].indices)
        if len(chunks) > 1 and n_distinct > max_rows:
            return None
    if len(chunks) > 1:
        index, mass = (np.concatenate(parts) for parts in zip(*chunks, strict=True))
        chunks = [merge(data, DistinctRows(index, mass))]
    return chunks[0]


def merge(data: Dataset, rows: DistinctRows) -> DistinctRows:
    """Merge equal rows among ``rows``, and add their masses.

    A row is compared only with the first of the candidates, so equal rows after a different first
    one are not merged.
    """
    z = projections(data, rows.indices)
    order, positions = np.argsort(z), np.arange(len(z))
    gaps = np.diff(z[order], prepend=-np.inf)
    starts = gaps > MAX_PROJECTION_ERROR_EPS * np.finfo(np.float64).eps * np.abs(z[order])
    starts[:1] = True  # also if z is not finite
    first = np.empty_like(positions)  # position of the first row with the same product
    first[order] = order[starts][np.cumsum(starts) - 1]
    others = np.flatnonzero(first != positions)
    equal = are_equal(data, rows.indices[first[others]], rows.indices[others])
    first[others[~equal]] = others[~equal]  # each is kept
    kept = np.flatnonzero(first == positions)
    sums: Any = np.bincount(first, rows.mass, len(z))
    return DistinctRows(rows.indices[kept], sums[kept])


def projections(data: Dataset, index: NDArray[np.signedinteger]) -> Array:
    """Product of each row and its label with a fixed vector, float64."""
    X = data.X
    vector = 0.5 + pseudo_uniform(X.shape[1] + 1)
    z = vector[-1] * data.y[index].ravel()
    for chunk in chunks_of_rows(X, len(index)):
        rows = index[chunk]
        consecutive = len(rows) and rows[-1] - rows[0] + 1 == len(rows)
        block = consecutive_rows(X, rows) if consecutive else take_rows(X, rows)
        z[chunk] += block.astype(np.float64, copy=False) @ vector[:-1]
    return z


def are_equal(
    data: Dataset, first: NDArray[np.signedinteger], second: NDArray[np.signedinteger]
) -> NDArray[np.bool_]:
    """Whether each row and its label equal another row and its label."""
    X = data.X
    equal = (data.y[first] == data.y[second]).ravel()
    for chunk in chunks_of_rows(X, len(first)):
        one, other = take_rows(X, first[chunk]), take_rows(X, second[chunk])
        if sparse.issparse(X):
            equal[chunk] &= same_entries(one, other)
        else:  # Σ|difference| = 0: a product is faster than `all` on short rows
            equal[chunk] &= np.abs(one - other) @ np.ones(one.shape[1], one.dtype) == 0
    return equal


def same_entries(one: Any, other: Any) -> NDArray[np.bool_]:
    """Whether each row of two CSR arrays has the same entries in the same order."""
    equal = np.diff(one.indptr) == np.diff(other.indptr)
    if not equal.all():
        one, other = one[equal], other[equal]
    differ = (one.indices != other.indices) | (one.data != other.data)
    n_differ = np.concatenate([[0], np.cumsum(differ)])[one.indptr]
    equal[equal] = np.diff(n_differ) == 0
    return equal


def consecutive_rows(X: Any, rows: NDArray[np.signedinteger]) -> Any:
    """View of consecutive rows of X."""
    index = slice(int(rows[0]), int(rows[-1]) + 1)
    return row_slice(X, index) if sparse.issparse(X) else X[index]


def chunks_of_rows(X: Any, n_rows: int) -> Any:
    """Slices of 0 … ``n_rows`` − 1 with about `CHUNK_ENTRIES` entries of X in each."""
    n_entries = X.nnz if sparse.issparse(X) else X.size
    return even_slices(n_rows, int(n_rows * (n_entries / max(X.shape[0], 1)) / CHUNK_ENTRIES))
