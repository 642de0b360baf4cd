"""Equal rows with the same label become one row with the sum of their weights.

The product of each row with a fixed vector proposes equal rows: they are neighbours once the
products are sorted. A comparison of the rows decides, since different rows may have the same
product. BLAS may round the products of equal rows differently, by their places in X; a few equal
rows that stay apart cost a little time and no more.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ..._mixing import uniform
from ..._typing import Array
from ..base import Dataset, cuts
from ..csr import run_of
from .base import FewerRows, counted_like, most_rows, rows_of, with_rows

MIN_ROWS, MIN_WORK = 5000, 7e6
"""Rows, and `Dataset.pass_work`, from which equal rows are looked for: the sample takes 0.1 ms, a
pass 0.2 ms."""

SAMPLE_OVER_ROOT_OF_ROWS = 6.0
"""The sample has so many times √n rows: if all occur twice, it has 18 pairs on average."""

MIN_SIZE = 4.0
"""Rows that are equal to a row on average, from which the search pays, which takes some passes; or
else half of the sample is repetition. With 2.1 a fit took half as long again."""

CHUNK_ROWS = 1 << 16
"""Rows that are merged at a time: the work on them takes 4 MB."""

MERGE_BYTES_PER_ROW, MERGE_BYTES = 60, 3e6
"""What a row takes while the rows that remain of all chunks are merged, and what that may take
beside a tenth of X."""

ENTRIES_TO_COPY = 1 << 17
"""Entries that are copied at a time: 1 MB of float64."""

ROUNDINGS_OF_A_PROJECTION = 64
"""Units of rounding by which the products of equal rows may differ."""


class Distinct(NamedTuple):
    """Rows that differ, by their numbers, and the weight of each with its equals."""

    numbers: NDArray[np.signedinteger]
    mass: Array


def merge_equal_rows(data: Dataset, w: Array) -> FewerRows | None:
    """Rows that differ; None where most do as they are. Reading all rows counts as a pass."""
    data.passes.count += data.n_rows / data.rows_in_a_pass
    distinct = distinct_rows(data)
    if distinct is None:
        return None
    index, mass = distinct
    equal = float(mass.min()) == float(mass.max())
    share = 1 / len(index) if equal else mass.astype(data.dtype)[:, np.newaxis]
    part = with_rows(data, index, share)
    if part is None:
        return None
    data.passes.whole = part.n_rows / data.n_weighted_rows
    return FewerRows(counted_like(part, data, data.n_weighted_rows), w)


def repeats_rows(data: Dataset) -> bool:
    """Whether a sample of the rows repeats so many that it may pay to merge them.

    Its places are pseudo-random. Evenly spread ones would miss equal rows that are neighbours, as
    in a sorted table. From the pairs in it follows how many equals a row has on average, over
    rows; the number of different rows is at least that of all over this mean. One row may be
    frequent and all others different, so whether it pays is asked of the others. In Fortran order
    a row lies all over X: to compare the rows took as long as ten passes, and is not begun.
    """
    if data.n_rows < max(MIN_ROWS, data.n_features) or data.pass_work < MIN_WORK:
        return False
    if isinstance(data.X, np.ndarray) and abs(data.X.strides[0]) < abs(data.X.strides[1]):
        return False
    size = int(SAMPLE_OVER_ROOT_OF_ROWS * data.n_rows**0.5)
    index = np.sort((uniform(size) * data.n_rows).astype(np.intp))
    index = index[np.diff(index, prepend=-1) > 0]
    if isinstance(data.share, np.ndarray):
        index = index[data.share[index, 0] != 0]
    starts = np.flatnonzero(np.diff(np.sort(projections(data, index)), prepend=-np.inf))
    repeats = np.diff(starts, append=len(index)) - 1
    pairs, per_pair = repeats * (repeats + 1) / 2, 2 * data.n_rows / max(len(index), 1) ** 2
    n_others = float(pairs.sum() - pairs.max(initial=0))
    pays = 1 + n_others * per_pair >= MIN_SIZE or repeats.sum() >= len(index) / 2
    return pays and data.n_rows / (1 + float(pairs.sum()) * per_pair) <= most_rows(data)


def distinct_rows(data: Dataset) -> Distinct | None:
    """All rows of non-zero weight, merged; None where too many differ to be held."""
    most = (data.n_bytes / 10 + MERGE_BYTES) / MERGE_BYTES_PER_ROW
    kind = np.promote_types(np.int32, np.min_scalar_type(-data.n_rows))
    chunks, n_distinct = [], 0
    for run in cuts(data.n_rows, data.n_rows // CHUNK_ROWS):
        index = np.arange(run.start, run.stop, dtype=kind)
        mass = np.broadcast_to(data.share_of(run), (len(index), 1)).ravel().astype(np.float64)
        weighted = mass != 0
        chunks.append(merged(data, Distinct(index[weighted], mass[weighted])))
        n_distinct += len(chunks[-1].numbers)
        if len(chunks) > 1 and n_distinct > most:
            return None
    if len(chunks) > 1:
        index, mass = (np.concatenate(parts) for parts in zip(*chunks, strict=True))
        chunks = [merged(data, Distinct(index, mass))]
    return chunks[0]


def merged(data: Dataset, rows: Distinct) -> Distinct:
    """Some rows, with those that are equal merged."""
    z = projections(data, rows.numbers)
    order, places = np.argsort(z), np.arange(len(z))
    gaps = np.diff(z[order], prepend=-np.inf)
    starts = gaps > ROUNDINGS_OF_A_PROJECTION * np.finfo(np.float64).eps * np.abs(z[order])
    starts[:1] = True  # in X that is not finite too
    first = np.empty_like(places)  # of the rows with the same product
    first[order] = order[starts][np.cumsum(starts) - 1]
    others = np.flatnonzero(first != places)
    equal = are_equal(data, rows.numbers[first[others]], rows.numbers[others])
    first[others[~equal]] = others[~equal]
    kept = np.flatnonzero(first == places)
    sums: Any = np.bincount(first, rows.mass, len(z))
    return Distinct(rows.numbers[kept], sums[kept])


def projections(data: Dataset, index: NDArray[np.signedinteger]) -> Array:
    """The product of each of these rows and its label with a fixed vector, in float64."""
    X = data.X
    vector = 0.5 + uniform(X.shape[1] + 1)
    z = vector[-1] * data.y[index].ravel()
    for part in pieces(X, len(index)):
        rows = index[part]
        in_one_piece = len(rows) and rows[-1] - rows[0] + 1 == len(rows)
        some = run_of_rows(X, rows) if in_one_piece else rows_of(X, rows)
        z[part] += some.astype(np.float64, copy=False) @ vector[:-1]
    return z


def are_equal(
    data: Dataset, first: NDArray[np.signedinteger], second: NDArray[np.signedinteger]
) -> NDArray[np.bool_]:
    """Whether rows and their labels are equal, entry by entry, to others."""
    X = data.X
    equal = (data.y[first] == data.y[second]).ravel()
    for part in pieces(X, len(first)):
        one, other = rows_of(X, first[part]), rows_of(X, second[part])
        if sparse.issparse(X):
            equal[part] &= same_entries(one, other)
        else:  # a difference is 0 only of equal numbers; `all` is slow on short rows
            equal[part] &= np.abs(one - other) @ np.ones(one.shape[1], one.dtype) == 0
    return equal


def same_entries(one: Any, other: Any) -> NDArray[np.bool_]:
    """Whether rows of two CSR arrays have the same entries in the same order."""
    equal = np.diff(one.indptr) == np.diff(other.indptr)
    if not equal.all():
        one, other = one[equal], other[equal]
    differ = (one.indices != other.indices) | (one.data != other.data)
    n_differ = np.concatenate([[0], np.cumsum(differ)])[one.indptr]
    equal[equal] = np.diff(n_differ) == 0
    return equal


def run_of_rows(X: Any, rows: NDArray[np.signedinteger]) -> Any:
    """Rows of X that lie one after the other, which share its memory."""
    run = slice(int(rows[0]), int(rows[-1]) + 1)
    return run_of(X, run) if sparse.issparse(X) else X[run]


def pieces(X: Any, n_rows: int) -> Any:
    """So many rows, some at a time, of which a copy is small."""
    n_entries = X.nnz if sparse.issparse(X) else X.size
    return cuts(n_rows, int(n_rows * (n_entries / max(X.shape[0], 1)) / ENTRIES_TO_COPY))
