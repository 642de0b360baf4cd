"""What descent asks of data: the sum of a function over blocks of rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._cached import cached_attribute
from .._typing import Array, Precision
from .columns import Columns
from .passes import Passes
from .threads import Parts, add_in_order, add_up, blas_threads, own_threads

SMALL_COPY = 1e6
"""Bytes that a copy of rows may take whatever the size of X; beyond, X/16."""

WORK, WORK_OF_SCORE = 32, 32
"""Bytes that the loss needs for a row while it works, and for each of its scores."""

SMALL_PARTS = 4e6
"""Bytes that sums of single blocks may take whatever the size of X; beyond, X/16."""

PARTS_OF_A_THREAD = 2
"""Sums that are kept for each thread: of the block that it works on, and one that waits."""

THREAD_BYTES = 2.5e6
"""What a thread needs for its work on a block; two may work in any case, more within X/32."""

BLOCKS_OF_A_THREAD = 2
"""Least number of blocks for each of the threads that work on them side by side."""

RUN_BLOCKS = 4
"""Most blocks that are one run. With runs of 16 MB in place of 4 MB a fit of 2 000 000 × 50 took
0.3 in place of 0.9 s on 16 threads, 0.4 in place of 0.5 s on four, as long on two, and 1.1 in place
of 0.85 s on one, where a block is read from the cache the second time."""

RUN_THREADS = 3
"""Threads from which blocks are worked on in runs."""

RUN = 1 << 16
"""Number of rows whose shares are added up at a time."""

ALL = slice(None)

GOLDEN = (5**0.5 - 1) / 2
"""1/φ."""


@dataclass(frozen=True)
class Rows(ABC):
    """A block of rows (x, y), each with its share of the mean.

    Parameters are one array w of shape (n_features + intercept, n_outputs); its
    last row is b if there is an intercept.

    Attributes
    ----------
    X : matrix of shape (m, n_features)
    y : targets as the loss wants them, m entries
    share : array of shape (m, 1) or float
        sᵢ / Σs, so that Σ share · ℒ is the weighted mean of ℒ.
    index : slice
        Which rows of the data set these are.
    intercept : bool
    """

    X: Any
    y: NDArray[np.generic]
    share: Array | float
    index: slice
    intercept: bool

    def forward(self, w: Array) -> Array:
        """Scores z = Xw + b, shape (m, n_outputs); at w = 0, where they are 0, X is not read."""
        if not (w[-1:].any() or w.any()):
            return np.zeros((self.X.shape[0], w.shape[1]), np.result_type(self.X.dtype, w.dtype))
        if not self.intercept:
            return self.times(w)
        z = self.times(w[:-1])
        z += w[-1]
        return z

    def backward(self, dz: Array) -> Array:
        """Xᵀdz, and Σdz for the intercept: (n_features + intercept, n_outputs)."""
        dw = self.transposed_times(dz)
        if not self.intercept:
            return dw
        db = np.add.reduce(dz.T, axis=1, keepdims=True).T
        return np.concatenate((dw, db))

    @abstractmethod
    def times(self, w: Array) -> Array:
        """Xw, shape (m, w.shape[1])."""

    def is_row_by_row(self, n_outputs: int) -> bool:
        """Whether `times` gives each row the same bits whatever the rows beside it."""
        return False

    @abstractmethod
    def transposed_times(self, dz: Array) -> Array:
        """Xᵀdz, shape (n_features, dz.shape[1])."""

    def shares(self) -> Array:
        """`share` as a float64 array of shape (m,)."""
        return np.broadcast_to(np.asarray(self.share, dtype=np.float64).ravel(), (self.X.shape[0],))

    @abstractmethod
    def gram(
        self, root: Array, columns: NDArray[np.intp] | slice, precision: Precision = np.float64
    ) -> Array:
        """Σ rootᵢ² xᵢxᵢᵀ over the chosen features, and the intercept last; float64.

        Products of dense rows are made in ``precision``.
        """

    def pair_grams(
        self,
        a: Array,
        columns: NDArray[np.intp] | slice = ALL,
        precision: Precision = np.float64,
    ) -> Array:
        """Σ share · a_c a_d · xxᵀ for every two lines c < d of a, one on the other; float64."""
        share = self.shares()
        roots = (np.sqrt(share * a[c] * a[d]) for c, d in zip(*pairs(len(a)), strict=True))
        grams = [self.gram(root, columns, precision) for root in roots]
        return np.stack(grams) if len(grams) > 1 else grams[0][np.newaxis]

    @abstractmethod
    def entries(self) -> tuple[NDArray[np.intp], Array]:
        """For every feature the number of entries other than 0, and the sum of their squares."""

    @abstractmethod
    def squares(self, h: Array) -> Array:
        """Σ hᵢ xᵢ² for every column of h: (n_features + intercept, h.shape[1]); float64."""


@cache
def pairs(n: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """All c < d below n."""
    first, second = np.triu_indices(n, 1)
    return first, second


@dataclass(frozen=True)
class Run:
    """Blocks of rows next to each other, of equal length.

    A thread that works on a run makes a few long calls in place of many short ones. After each call
    it waits for Python's interpreter, which runs one thread at a time.

    Attributes
    ----------
    rows : Rows
        All rows as one block: for what is done row by row.
    blocks : tuple of Rows
        For sums over rows, which have the bits of each block.
    """

    rows: Rows
    blocks: tuple[Rows, ...]

    def forward(self, w: Array) -> Array:
        """The scores of all rows, with the bits that `Rows.forward` of each block gives."""
        if self.rows.is_row_by_row(w.shape[1]):
            return self.rows.forward(w)
        return np.concatenate([block.forward(w) for block in self.blocks])


class Dataset(ABC):
    """Rows (x, y, share) in some storage, known to the subclass alone.

    Parameters
    ----------
    X : matrix of shape (n_rows, n_features), float64 or float32
    y : array of n_rows entries
        Targets as the loss wants them.
    share : array of shape (n_rows, 1) or None
        Weights that sum to 1; None: all rows count alike. A float is the share of each.
    intercept : bool
        Whether every row has a further feature, the constant 1.

    Attributes
    ----------
    rows_in_a_pass : int
        The rows of which these are all or a part.
    n_outputs : int
        Scores of a row: where they are many, a block has fewer rows.
    """

    n_outputs = 1
    _along: Callable[[Rows], Array] | None = None
    _added_along: Array | None = None

    def __init__(
        self, X: Any, y: NDArray[np.generic], share: Array | float | None, intercept: bool
    ) -> None:
        self.X, self.y, self.intercept = X, y, intercept
        self.share: Array | float = 1 / X.shape[0] if share is None else share
        self.n_rows, self.n_features = X.shape
        self.dtype: np.dtype[np.floating] = X.dtype
        self.passes = Passes()
        self.rows_in_a_pass = self.n_rows

    @property
    def n_parameters(self) -> int:
        """Number of parameters of one score."""
        return self.n_features + self.intercept

    def sum(
        self,
        function: Callable[[Rows], tuple[Any, ...]],
        size: int | None = None,
        products: bool = False,
        of_run: Callable[[Run], Iterable[Parts]] | None = None,
    ) -> tuple[Any, ...]:
        """Sum, entry by entry, what ``function`` returns for each block; one pass.

        Blocks are worked on side by side: see `add_up`.

        Parameters
        ----------
        function : callable
        size : int, default=n_parameters
            About how many numbers it returns. Some of these returns are kept for each thread, and
            for each level of the tree of sums, so there are no more threads than X leaves room
            for. If X leaves no room for two, the blocks are added one after the other.
        products : bool, default=False
            Whether they are products of matrices, in which the threads of BLAS do as well:
            where there is no room they have the work.
        of_run : callable, default=None
            Yields what ``function`` returns for each block of a run, to the same bits and in fewer
            calls.
        """
        if self._along is not None:
            along, self._along = self._along, None
            *sums, self._added_along = self.sum(
                lambda rows: (*function(rows), along(rows)), size, products
            )
            return tuple(sums)
        self.passes.count += self.n_rows / self.rows_in_a_pass
        n_blocks, size = len(self._cuts), size or self.n_parameters
        if n_blocks == 1:
            with blas_threads(size * self.n_rows if products else 0):
                return function(self._block(0))

        def by_block(run: range) -> Iterator[Parts]:
            return (function(self._block(number)) for number in run)

        def together(run: range) -> Iterable[Parts]:
            return of_run(self._run(run)) if of_run and len(run) > 1 else by_block(run)

        room = int((SMALL_PARTS + self.n_bytes / 16) / (8 * size)) - n_blocks.bit_length()
        most = room // PARTS_OF_A_THREAD
        with own_threads() as available:
            n_threads = self._n_threads(available)
            n_threads = 1 if products and n_threads > most else max(1, min(n_threads, most))
            with blas_threads(size * self.n_rows if products and n_threads == 1 else 0):
                if most < 2:
                    return add_in_order(by_block(range(n_blocks)))
                if n_threads == 1:
                    return add_up(by_block, [range(n_blocks)])
                length = self._run_length if of_run and n_threads >= RUN_THREADS else 1
                return add_up(together, self._runs(n_threads, length), n_threads)

    def along(self, function: Callable[[Rows], Array]) -> None:
        """Have this function of each block added up too, in the next pass."""
        self._along = function

    def added_along(self) -> Array | None:
        """The sum that was last asked for, None if none was.

        If there has been no pass since, there is one now, which does not count.
        """
        if self._along is not None:
            count = self.passes.count
            self.sum(lambda rows: ())
            self.passes.count = count
        return self._added_along

    def _n_threads(self, available: int) -> int:
        by_memory = 2 + int(self.n_bytes / 32 / THREAD_BYTES)
        return min(available, by_memory, max(1, len(self._cuts) // BLOCKS_OF_A_THREAD))

    def _runs(self, n_threads: int, length: int) -> list[range]:
        """The numbers of all blocks in runs of at most ``length``, as many for each thread.

        All blocks of a run have as many rows: the last one, which may have fewer, stands alone.
        """
        last = len(self._cuts) - 1
        n_rounds = max(BLOCKS_OF_A_THREAD, -(-last // (n_threads * length)))
        runs = cuts(last, last if length == 1 else n_threads * n_rounds)
        return [*(range(run.start, run.stop) for run in runs), range(last, last + 1)]

    @property
    def _run_length(self) -> int:
        """Most blocks of a run: a thread has the memory for its rows."""
        by_memory = int(THREAD_BYTES / (self._cuts[0].stop * self.row_work))
        return max(1, min(RUN_BLOCKS, by_memory))

    def _run(self, run: range) -> Run:
        index = slice(self._cuts[run.start].start, self._cuts[run.stop - 1].stop)
        return Run(self.block(index), tuple(map(self._block, run)))

    @property
    @abstractmethod
    def n_blocks(self) -> int:
        """About how many blocks the rows come in: it depends on the data alone."""

    @abstractmethod
    def block(self, index: slice) -> Rows:
        """One of the blocks."""

    def blocks(self) -> Iterator[Rows]:
        """The rows, block by block, in order."""
        return map(self.block, self._cuts)

    @cached_attribute
    def _cuts(self) -> tuple[slice, ...]:
        """The rows of each block: as many in each, perhaps fewer in the last one."""
        length = max(1, -(-self.n_rows // max(1, self.n_blocks)))
        starts = range(0, max(1, self.n_rows), length)
        return tuple(slice(start, min(start + length, self.n_rows)) for start in starts)

    @cached_attribute
    def _kept_blocks(self) -> tuple[Rows, ...]:
        """The blocks, made once: they are views."""
        return tuple(self.blocks())

    def _block(self, number: int) -> Rows:
        return self._kept_blocks[number]

    def take(self, index: NDArray[np.signedinteger], factor: float) -> Dataset:
        """The rows ``index`` as a data set of their own, their shares times ``factor``.

        Reading it counts as a part of a pass over this one.
        """
        return self._part(index, factor * self.share_of(index))

    def sample(self, size: int, mass: Array | None = None) -> Dataset:
        """About ``size`` rows that stand for all of them, as a data set of their own.

        The mass of the rows, their shares if no other is given, is cut into ``size`` equal strata,
        and one row is taken from each: a row k times as heavy is taken k times as often, rows of
        mass 0 never, and data sorted by class give every class its part. Where in its stratum a
        row is taken follows the fractional parts of i φ, which are spread evenly and share no
        rhythm with the data; nothing is random. Reading the sample counts as a part of a pass.
        """
        i = np.arange(size)
        at = (i + i * GOLDEN % 1) / size
        if mass is None and not isinstance(self.share, np.ndarray):
            return self.take((at * self.n_rows).astype(np.intp), 1 / (size * self.share))
        masses = np.ravel(self.share) if mass is None else mass
        index, times = np.unique(rows_at(masses, at), return_counts=True)
        share = times / size
        if mass is not None:  # so that each row counts by its share in the mean
            whole = np.sum(mass, dtype=np.float64)
            share *= np.ravel(self.share_of(index)) * (whole / mass[index].astype(np.float64))
        return self._part(index, share.astype(self.dtype)[:, np.newaxis])

    def _part(self, index: NDArray[np.signedinteger], share: Array | float) -> Dataset:
        part = self._rows(index, share)
        part.passes, part.rows_in_a_pass = self.passes, self.rows_in_a_pass
        part.n_outputs = self.n_outputs
        return part

    def _rows(self, index: NDArray[np.signedinteger], share: Array | float) -> Dataset:
        """The rows ``index`` with these shares."""
        return type(self)(self.X[index], self.y[index], share, self.intercept)

    def share_of(self, index: NDArray[np.signedinteger] | slice) -> Array | float:
        """The shares of some rows: a float where all rows count alike."""
        return self.share[index] if isinstance(self.share, np.ndarray) else self.share

    @property
    def has_columns(self) -> bool:
        """Whether `columns` may be asked for: the entries can be read feature by feature."""
        return False

    def columns(self, features: NDArray[np.intp], scale: Array, edge: float) -> Columns:
        """The chosen features with each row times its scale.

        If there is an intercept, its 1 times ``edge`` is the last of them.
        """
        raise NotImplementedError

    def column_works(self, features: NDArray[np.intp]) -> tuple[float, float]:
        """What a product with these columns and its transpose costs, and `Rows.gram` of them.

        In multiplications of a large matrix product.
        """
        raise NotImplementedError

    @property
    def row_work(self) -> int:
        """Bytes that the work on a row takes beside X."""
        return WORK + WORK_OF_SCORE * self.n_outputs

    @property
    def effective_rows(self) -> float:
        """How many rows of equal weight would be as good as these, 1 / Σ share²."""
        if isinstance(self.share, np.ndarray):
            share = self.share.ravel()
            return 1 / float(np.einsum("i,i", share, share, dtype=np.float64))
        return float(self.n_rows)

    def has_room(self, n_bytes: float) -> bool:
        """Whether so many bytes are little beside X."""
        return n_bytes <= max(SMALL_COPY, self.n_bytes / 16)

    @property
    def rows_to_copy(self) -> int:
        """Number of rows of which a copy takes little beside X."""
        return int(self.n_rows * min(max(SMALL_COPY / max(self.n_bytes, 1), 1 / 16), 1.0))

    @property
    def rows_to_sample(self) -> int:
        """Number of rows that a sample may have without taking much beside X."""
        return self.rows_to_copy

    @property
    @abstractmethod
    def pass_work(self) -> float:
        """What the products of a pass cost, in multiplications of a large matrix product."""

    @abstractmethod
    def gram_work(self, n_rows: float) -> float:
        """What `Rows.gram` costs on so many rows, in the same unit."""

    @property
    @abstractmethod
    def n_entries(self) -> int:
        """Number of entries of X that are stored."""

    @property
    @abstractmethod
    def n_bytes(self) -> int:
        """Bytes that X takes."""

    @property
    def n_weighted_rows(self) -> int:
        """Number of rows whose weight is not 0."""
        if isinstance(self.share, np.ndarray):
            return int(np.count_nonzero(self.share))
        return self.n_rows

    def weighted_rows(self) -> NDArray[np.signedinteger]:
        """Numbers of the rows whose weight is not 0, in as few bytes as they need."""
        kind = np.promote_types(np.int32, np.min_scalar_type(-self.n_rows))
        if isinstance(self.share, np.ndarray):
            return np.flatnonzero(self.share).astype(kind, copy=False)
        return np.arange(self.n_rows, dtype=kind)


def rows_at(share: Array, at: Array) -> NDArray[np.intp]:
    """The rows within which Σ share reaches increasing parts, below 1, of its whole."""
    runs = list(cuts(len(share), len(share) // RUN))
    *before, whole = np.cumsum([0.0, *(np.sum(share[run], dtype=np.float64) for run in runs)])
    wanted = at * whole
    found = []
    parts = np.split(wanted, np.searchsorted(wanted, before[1:]))
    for run, start, part in zip(runs, before, parts, strict=True):
        sums = np.cumsum(share[run], dtype=np.float64)
        within = np.minimum(part - start, np.nextafter(sums[-1], 0))
        found.append(run.start + np.searchsorted(sums, within, side="right"))
    return np.concatenate(found)


def products(scaled: Array, root: Array) -> tuple[Array, Array]:
    """Σ rootᵢ² xᵢxᵢᵀ and Σ rootᵢ² xᵢ from the rows times their roots; the first in float64."""
    return np.dot(scaled.T, scaled).astype(np.float64, copy=False), np.dot(root, scaled)


def added(parts: Iterator[tuple[Array, Array]]) -> tuple[Array, Array]:
    """Sum of pairs, entry by entry."""
    first, second = next(parts)
    for more, further in parts:
        first, second = first + more, second + further
    return first, second


def bordered(matrix: Array, edge: Array, corner: float) -> Array:
    """A symmetric matrix with one more row and column."""
    side = len(matrix)
    larger = np.empty((side + 1, side + 1))
    larger[:side, :side] = matrix
    larger[side, :side] = larger[:side, side] = edge
    larger[side, side] = corner
    return larger


def cuts(n: int, n_parts: int) -> Iterator[slice]:
    """0 … n − 1 in parts of nearly the same length, none of them empty."""
    n_parts = max(1, min(n, n_parts))
    for start, stop in pairwise(n * k // n_parts for k in range(n_parts + 1)):
        yield slice(start, stop)
