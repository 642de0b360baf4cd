"""Data sets: the sum of a function over blocks of rows, for any storage of X."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from .._cached import cached_attribute
from .._typing import Array
from .blas import blas_threads, reserve_threads
from .columns import Columns
from .passes import Passes
from .rows import BlockGroup, Rows, even_slices
from .threads import Parts, sequential_sum, tree_sum

MIN_COPY_LIMIT_BYTES = 1e6
"""Lower bound of the memory limit for copies of rows, which is X/16."""

MIN_SUMS_LIMIT_BYTES = 4e6
"""Lower bound of the memory limit for the sums of single blocks, which is X/16."""

WORK_BYTES_PER_ROW, WORK_BYTES_PER_SCORE = 32, 32
"""Temporary memory of the loss for a row, and for each of its scores."""

SUMS_PER_THREAD = 2
"""Sums in memory for each thread: that of its block, and one that waits for its sibling."""

WORK_BYTES_PER_THREAD = 2.5e6
"""Temporary memory of a thread. Two threads are always allowed, more within X/32."""

MIN_BLOCKS_PER_THREAD = 2
"""Least number of blocks for each thread."""

MAX_BLOCKS_PER_GROUP = 4
"""Largest number of blocks in a group. With groups of 16 MB, not 4 MB, a fit of 2 000 000 × 50 took
0.3, not 0.9 s on 16 threads, 0.4, not 0.5 s on four, the same on two, and 1.1, not 0.85 s on one,
where the second product reads a block from the cache."""

MIN_THREADS_FOR_GROUPS = 3
"""Number of threads from which groups have several blocks."""

SHARES_PER_PARTIAL_SUM = 1 << 16
"""Number of shares whose cumulative sum is computed at a time."""

INVERSE_GOLDEN_RATIO = (5**0.5 - 1) / 2
"""1/φ."""


class Dataset(ABC):
    """Rows (x, y, share). The subclass defines how X is stored.

    Parameters
    ----------
    X : matrix of shape (n_rows, n_features), float64 or float32
    y : array of n_rows entries
        Labels as `CrossEntropy.targets` encodes them.
    share : array of shape (n_rows, 1), float or None
        Sample weights over their sum; a float if they are equal, None for 1 / n_rows.
    intercept : bool
        Whether the parameters have an intercept.

    Attributes
    ----------
    passes : Passes
        Counts the passes over the data.
    rows_per_pass : int
        Number of rows of a pass. Reading fewer rows, of a sample say, counts as a fraction.
    n_outputs : int
        Number of scores of a row, which limits the length of a block.
    first_row : int
        Position of the first row in the data of the fit; not 0 for a part of them.
    X : matrix or None
        None if the rows are not in the memory of this process.
    stores_row_values : bool
        Whether a function of `sum` may store numbers for each row by `Rows.index`. Otherwise the
        rows may be too many, or in another process.
    """

    n_outputs, first_row = 1, 0
    stores_row_values: ClassVar[bool] = True
    _extra_function: Callable[[Rows], Array] | None = None
    _extra_sum: Array | None = None

    def __init__(
        self, X: Any, y: NDArray[np.generic], share: Array | float | None, intercept: bool
    ) -> None:
        self.X, self.y, self.intercept = X, y, intercept
        self.share: Array | float = 1 / X.shape[0] if share is None else share
        self.n_rows, self.n_features = X.shape
        self.dtype: np.dtype[np.floating] = X.dtype
        self.passes = Passes()
        self.rows_per_pass = self.n_rows

    @property
    def n_parameters(self) -> int:
        """Number of parameters of one score."""
        return self.n_features + self.intercept

    # -- sums over blocks ------------------------------------------------------------------

    def sum(
        self,
        function: Callable[[Rows], tuple[Any, ...]],
        size: int | None = None,
        products: bool = False,
        of_group: Callable[[BlockGroup], Iterable[Parts]] | None = None,
    ) -> tuple[Any, ...]:
        """Sum the tuples that ``function`` returns for each block, entry by entry; one pass.

        Threads work on the blocks in parallel; see `tree_sum`.

        Parameters
        ----------
        function : callable
        size : int, default=n_parameters
            Approximate number of entries that it returns. It limits the number of threads, so that
            the sums stay within the memory limit. If two do not, blocks are added sequentially.
        products : bool, default=False
            Whether the work is in matrix products: beyond the limit the threads of BLAS do it.
        of_group : callable, default=None
            Yields what ``function`` returns for each block of a group, with the same bits, in
            fewer calls.
        """
        if self._extra_function is not None:
            extra, self._extra_function = self._extra_function, None
            *sums, self._extra_sum = self.sum(
                lambda rows: (*function(rows), extra(rows)), size, products
            )
            return tuple(sums)
        self.count_pass()
        return self._sum_over_blocks(function, size or self.n_parameters, products, of_group)

    def _sum_over_blocks(
        self,
        function: Callable[[Rows], tuple[Any, ...]],
        size: int,
        products: bool,
        of_group: Callable[[BlockGroup], Iterable[Parts]] | None,
    ) -> tuple[Any, ...]:
        n_blocks = len(self._block_slices)
        if n_blocks == 1:
            with blas_threads(size * self.n_rows if products else 0):
                return function(self._block(0))

        def of_blocks(group: range) -> Iterator[Parts]:
            return (function(self._block(number)) for number in group)

        def parts(group: range) -> Iterable[Parts]:
            return of_group(self._group(group)) if of_group and len(group) > 1 else of_blocks(group)

        n_sums = int((MIN_SUMS_LIMIT_BYTES + self.n_bytes / 16) / (8 * size))
        max_threads = (n_sums - n_blocks.bit_length()) // SUMS_PER_THREAD
        with reserve_threads() as available:
            n_threads = self._n_threads(available)
            one = products and n_threads > max_threads
            n_threads = 1 if one else max(1, min(n_threads, max_threads))
            with blas_threads(size * self.n_rows if products and n_threads == 1 else 0):
                if max_threads < 2:
                    return sequential_sum(of_blocks(range(n_blocks)))
                if n_threads == 1:
                    return tree_sum(of_blocks, [range(n_blocks)])
                grouped = of_group and n_threads >= MIN_THREADS_FOR_GROUPS
                groups = self._groups(n_threads, self._group_size if grouped else 1)
                return tree_sum(parts, groups, n_threads)

    def add_to_next_pass(self, function: Callable[[Rows], Array]) -> None:
        """Let the next pass sum this function of each block, too."""
        self._extra_function = function

    def extra_sum(self) -> Array | None:
        """Return the sum of the last `add_to_next_pass`; None without one.

        If no pass has followed, one is made, which is not counted.
        """
        if self._extra_function is not None:
            count = self.passes.count
            self.sum(lambda rows: ())
            self.passes.count = count
        return self._extra_sum

    @property
    def needs_pass_to_sample(self) -> bool:
        """Whether the next `sample` reads all rows."""
        return False

    def draw_in_next_pass(self) -> None:
        """Draw the rows of `sample` in the next pass too, for a storage that needs one."""
        raise NotImplementedError

    def count_pass(self) -> None:
        """Count a pass over these rows."""
        self.passes.count += self.n_rows / self.rows_per_pass

    def _n_threads(self, available: int) -> int:
        by_memory = 2 + int(self.n_bytes / 32 / WORK_BYTES_PER_THREAD)
        by_blocks = max(1, len(self._block_slices) // MIN_BLOCKS_PER_THREAD)
        return min(available, by_memory, by_blocks)

    def _groups(self, n_threads: int, size: int) -> list[range]:
        """Groups of at most ``size`` block numbers, equally many for each thread.

        The blocks of a group have the same length: the last block, which may be shorter, is a
        group alone.
        """
        last = len(self._block_slices) - 1
        n_rounds = max(MIN_BLOCKS_PER_THREAD, -(-last // (n_threads * size)))
        groups = even_slices(last, last if size == 1 else n_threads * n_rounds)
        return [*(range(group.start, group.stop) for group in groups), range(last, last + 1)]

    @property
    def _group_size(self) -> int:
        """Largest number of blocks in a group whose temporary memory a thread may use."""
        by_memory = int(
            WORK_BYTES_PER_THREAD / (self._block_slices[0].stop * self.temporary_row_bytes)
        )
        return max(1, min(MAX_BLOCKS_PER_GROUP, by_memory))

    def _group(self, numbers: range) -> BlockGroup:
        start = self._block_slices[numbers.start].start
        stop = self._block_slices[numbers.stop - 1].stop
        return BlockGroup(self.block(slice(start, stop)), tuple(map(self._block, numbers)))

    def subtract(self, offset: Array) -> Dataset:
        """Data set of the rows minus an offset, for a storage without `stores_row_values`."""
        raise NotImplementedError

    def some_rows(self, size: int) -> Any:
        """X of about ``size`` rows, in the memory of this process."""
        return self.sample(size).X

    def position(self, index: slice) -> slice:
        """Position of the rows of a slice in the data of the fit."""
        return slice(self.first_row + index.start, self.first_row + index.stop)

    @property
    @abstractmethod
    def n_blocks(self) -> int:
        """Approximate number of blocks, a function of the data alone."""

    @abstractmethod
    def block(self, index: slice) -> Rows:
        """Return the rows of a slice."""

    def blocks(self) -> Iterator[Rows]:
        """Yield the blocks in order."""
        return map(self.block, self._block_slices)

    @cached_attribute
    def _block_slices(self) -> tuple[slice, ...]:
        """Slices of equal length; the last may be shorter."""
        length = max(1, -(-self.n_rows // max(1, self.n_blocks)))
        starts = range(0, max(1, self.n_rows), length)
        return tuple(slice(start, min(start + length, self.n_rows)) for start in starts)

    @cached_attribute
    def _cached_blocks(self) -> tuple[Rows, ...]:
        """The blocks, which are views."""
        return tuple(self.blocks())

    def _block(self, number: int) -> Rows:
        return self._cached_blocks[number]

    # -- subsets of the rows ---------------------------------------------------------------

    def take(self, index: NDArray[np.signedinteger], factor: float) -> Dataset:
        """Data set of the rows ``index``, with their shares times ``factor``.

        Reading it counts as a fraction of a pass.
        """
        return self._subset(index, factor * self.share_of(index))

    def sample(self, size: int, mass: Array | None = None) -> Dataset:
        """Data set of about ``size`` rows in place of all, by stratified sampling.

        The cumulative ``mass`` of the rows, by default their shares, is divided into ``size`` equal
        strata, and one row is taken from each: a row k times as heavy k times as often, a row of
        mass 0 never. So data sorted by class are represented, too. The position within stratum i
        is the fractional part of i / φ, an equidistributed sequence; nothing is random. Reading
        the sample counts as a fraction of a pass.
        """
        quantiles = stratified_quantiles(size)
        if mass is None and not isinstance(self.share, np.ndarray):
            return self.take((quantiles * self.n_rows).astype(np.intp), 1 / (size * self.share))
        masses = np.ravel(self.share) if mass is None else mass
        index, counts = np.unique(rows_at_quantiles(masses, quantiles), return_counts=True)
        share = counts / size
        if mass is not None:  # importance weights: the sum estimates that of the shares
            total = np.sum(mass, dtype=np.float64)
            share *= np.ravel(self.share_of(index)) * (total / mass[index].astype(np.float64))
        return self._subset(index, share.astype(self.dtype)[:, np.newaxis])

    def _subset(self, index: NDArray[np.signedinteger], share: Array | float) -> Dataset:
        """Rows with these shares, with the pass counter of this data set."""
        subset = self._rows(index, share)
        subset.passes, subset.rows_per_pass = self.passes, self.rows_per_pass
        subset.n_outputs = self.n_outputs
        return subset

    def _rows(self, index: NDArray[np.signedinteger], share: Array | float) -> Dataset:
        """The rows ``index`` with these shares."""
        return type(self)(self.X[index], self.y[index], share, self.intercept)

    def share_of(self, index: NDArray[np.signedinteger] | slice) -> Array | float:
        """Shares of some rows; a float if they are equal."""
        return self.share[index] if isinstance(self.share, np.ndarray) else self.share

    @property
    def effective_sample_size(self) -> float:
        """Kish's effective sample size, 1 / Σ share²."""
        if isinstance(self.share, np.ndarray):
            share = self.share.ravel()
            return 1 / float(np.einsum("i,i", share, share, dtype=np.float64))
        return float(self.n_rows)

    @property
    def n_weighted_rows(self) -> int:
        """Number of rows of non-zero weight."""
        if isinstance(self.share, np.ndarray):
            return int(np.count_nonzero(self.share))
        return self.n_rows

    def weighted_rows(self) -> NDArray[np.signedinteger]:
        """Indices of the rows of non-zero weight, int32 if possible."""
        dtype = np.promote_types(np.int32, np.min_scalar_type(-self.n_rows))
        if isinstance(self.share, np.ndarray):
            return np.flatnonzero(self.share).astype(dtype, copy=False)
        return np.arange(self.n_rows, dtype=dtype)

    # -- columns ---------------------------------------------------------------------------

    @property
    def has_columns(self) -> bool:
        """Whether `columns` is implemented: the entries can be read by feature."""
        return False

    def columns(
        self, features: NDArray[np.intp], scale: Array, intercept_scaling: float
    ) -> Columns:
        """Columns of the chosen features, with row i multiplied by ``scale[i]``.

        With an intercept, the last column is ``intercept_scaling`` times ``scale``.
        """
        raise NotImplementedError

    def column_pass_and_gram_work(self, features: NDArray[np.intp]) -> tuple[float, float]:
        """Work of a product with these columns and its transpose, and of their `Rows.gram`.

        The unit is one multiplication of a large matrix product.
        """
        raise NotImplementedError

    # -- memory and work -------------------------------------------------------------------

    @property
    def temporary_row_bytes(self) -> int:
        """Temporary bytes for each row, beside X."""
        return WORK_BYTES_PER_ROW + WORK_BYTES_PER_SCORE * self.n_outputs

    def has_room(self, n_bytes: float) -> bool:
        """Whether so many bytes are within the memory limit, X/16."""
        return n_bytes <= max(MIN_COPY_LIMIT_BYTES, self.n_bytes / 16)

    @property
    def max_rows_to_copy(self) -> int:
        """Number of rows whose copy is within the memory limit."""
        fraction = max(MIN_COPY_LIMIT_BYTES / max(self.n_bytes, 1), 1 / 16)
        return int(self.n_rows * min(fraction, 1.0))

    @property
    def max_rows_to_sample(self) -> int:
        """Number of rows whose sample is within the memory limit."""
        return self.max_rows_to_copy

    @property
    @abstractmethod
    def pass_work(self) -> float:
        """Work of the products of a pass, in multiplications of a large matrix product."""

    @abstractmethod
    def gram_work(self, n_rows: float) -> float:
        """Work of `Rows.gram` on ``n_rows`` rows, in the same unit."""

    @property
    @abstractmethod
    def n_entries(self) -> int:
        """Number of stored entries of X."""

    @property
    @abstractmethod
    def n_bytes(self) -> int:
        """Bytes of X."""


def stratified_quantiles(size: int) -> Array:
    """One fraction in each of ``size`` equal strata of [0, 1), equidistributed within them."""
    quantiles: Array = stratified_positions(np.arange(size)) / size
    return quantiles


def stratified_positions(i: Any) -> Any:
    """One number in each interval [i, i + 1), equidistributed within them; i in any library."""
    return i + i * INVERSE_GOLDEN_RATIO % 1


def rows_at_quantiles(mass: Array, quantiles: Array) -> NDArray[np.intp]:
    """Rows at which the cumulative mass passes increasing fractions, below 1, of its total."""
    chunks = list(even_slices(len(mass), len(mass) // SHARES_PER_PARTIAL_SUM))
    sums = (np.sum(mass[chunk], dtype=np.float64) for chunk in chunks)
    *before, total = np.cumsum([0.0, *sums])
    wanted = quantiles * total
    rows = []
    parts = np.split(wanted, np.searchsorted(wanted, before[1:]))
    for chunk, start, part in zip(chunks, before, parts, strict=True):
        cumulative = np.cumsum(mass[chunk], dtype=np.float64)
        within = np.minimum(part - start, np.nextafter(cumulative[-1], 0))
        rows.append(chunk.start + np.searchsorted(cumulative, within, side="right"))
    return np.concatenate(rows)
