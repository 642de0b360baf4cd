"""Data sets over rows in chunks: sums over chunks, and a sample in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from .._typing import Array
from ..chunk_targets import ChunkedLabels, ChunkEncoder
from .base import Dataset, rows_at_quantiles, stratified_quantiles
from .chunks import Chunk, ChunkReader, check_chunk
from .passes import Passes
from .presolve import dataset_class, subtract_offset, take_rows
from .rows import BlockGroup, Rows
from .threads import Parts
from .view import ArrayView

MAX_SAMPLE_BYTES = 1 << 25
"""Size in bytes of the sample of rows in memory."""

SAMPLE_FRACTION, SAMPLE_ROWS_PER_PARAMETER = 1 / 16, 200
"""Size of that sample: this fraction of the rows, or this number of rows for each parameter if that
is more. The natural gradient has subsamples of at most a sixteenth of a large X
(1 / `SUBSAMPLE_GROWTH`²), and F of at most 150 rows for each parameter
(`MAX_ROWS_PER_PARAMETER`)."""


@dataclass(frozen=True)
class DatasetFactory:
    """Makes a data set of a chunk. It holds no rows, so it can be sent to other processes.

    Attributes
    ----------
    encoder : ChunkEncoder
        Encodes labels and weights.
    targets : callable
        Encodes class numbers as `CrossEntropy.targets`.
    first_rows : array of shape (n_chunks + 1,)
        Position of the first row of each chunk, and last the number of rows.
    n_features : int
    dtype : dtype
        Precision of X.
    intercept : bool
    n_outputs : int
        Number of scores of a row.
    offset : array of shape (n_features,) or None
        Subtracted from each row.
    """

    encoder: ChunkEncoder
    targets: Callable[[NDArray[Any]], NDArray[Any]]
    first_rows: NDArray[np.intp]
    n_features: int
    dtype: np.dtype[np.floating]
    intercept: bool
    n_outputs: int = 1
    offset: Array | None = None

    def dataset(self, chunk: Chunk) -> Dataset:
        """The rows of a chunk.

        Raises
        ------
        ValueError
            If X, y or the weights are not valid, or not those of the first pass.
        """
        X = check_chunk(chunk, self.n_features, self.dtype)
        n_rows = self.first_rows[chunk.number + 1] - self.first_rows[chunk.number]
        if not X.shape[0] == len(chunk.y) == n_rows:
            raise ValueError(
                f"Chunk {chunk.number} must have as many rows of X as labels, in every pass: "
                f"{n_rows}. Got {X.shape[0]} rows and {len(chunk.y)} labels instead."
            )
        codes, share = self.encoder.encode(chunk.y, chunk.sample_weight)
        if not n_rows:  # a data set has a row: one of weight 0
            zeros = sparse.csr_array if sparse.issparse(X) else np.zeros
            X = zeros((1, self.n_features), dtype=self.dtype)
            codes, share = np.zeros(1, codes.dtype), np.zeros((1, 1), self.dtype)
        if self.offset is not None:
            X = subtract_offset(X, self.offset)
        data = dataset_class(X)(X, self.targets(codes), share, self.intercept)
        data.first_row, data.n_outputs = int(self.first_rows[chunk.number]), self.n_outputs
        return data


class DrawnRows:
    """Rows drawn from chunks; ``+`` appends those of later chunks.

    Parameters
    ----------
    parts : list of tuples
        X and y of the rows of each chunk, and how often each row was drawn.
    """

    def __init__(self, parts: list[tuple[Any, NDArray[Any], NDArray[np.intp]]]) -> None:
        self.parts = parts

    def __add__(self, later: DrawnRows) -> DrawnRows:
        return DrawnRows([*self.parts, *later.parts])

    def taken(self) -> tuple[Any, NDArray[Any], NDArray[np.intp]]:
        """X, y and counts of all rows. They are taken out: a part is freed when it is copied."""
        X, labels, counts = (list(column) for column in zip(*self.parts, strict=True))
        self.parts.clear()
        y, count = np.concatenate(labels), np.concatenate(counts)
        if sparse.issparse(X[0]):
            return sparse.vstack(X, format="csr"), y, count
        rows, end = np.empty((len(y), X[0].shape[1]), X[0].dtype), len(y)
        while X:
            part = X.pop()
            rows[end - len(part) : end] = part
            end -= len(part)
        return rows, y, count


@dataclass(frozen=True)
class DrawRows:
    """Draws the part of a stratified sample that falls into a chunk; see `Dataset.sample`.

    Attributes
    ----------
    quantiles : array
        Fractions of the total weight of all chunks, in increasing order.
    cumulative : array of shape (n_chunks + 1,)
        Fraction of the total weight before each chunk, and last 1.
    """

    quantiles: Array
    cumulative: Array

    def __call__(self, data: Dataset, number: int) -> DrawnRows:
        """The drawn rows of the chunk of this number."""
        low, high = self.cumulative[number : number + 2]
        first, last = np.searchsorted(self.quantiles, (low, high))
        rows: NDArray[Any]
        if first == last:  # few rows, or of weight 0: none is drawn
            rows = np.empty(0)
        else:
            within = (self.quantiles[first:last] - low) / (high - low)
            if isinstance(data.share, np.ndarray):
                rows = rows_at_quantiles(data.share.ravel(), within)
            else:
                rows = within * data.n_rows
        index, counts = np.unique(rows.astype(np.intp), return_counts=True)
        X = data.X[index] if isinstance(data.X, ArrayView) else take_rows(data.X, index)
        return DrawnRows([(X, data.y[index], counts)])


@dataclass(frozen=True)
class SumOverRows:
    """The sum of a function over the blocks of a chunk; with ``draw``, rows drawn from it, too."""

    factory: DatasetFactory
    function: Callable[[Rows], Parts]
    size: int
    products: bool
    of_group: Callable[[BlockGroup], Iterable[Parts]] | None
    draw: DrawRows | None

    def __call__(self, chunk: Chunk) -> Parts:
        with np.errstate(all="ignore"):  # as in fit, wherever the chunk is
            data = self.factory.dataset(chunk)
            sums = data.sum(self.function, self.size, self.products, self.of_group)
            return (*sums, self.draw(data, chunk.number)) if self.draw else sums


class ChunkedDataset(Dataset):
    """Rows in chunks. One chunk at a time is in memory, and a sample of the rows.

    Parameters
    ----------
    reader : ChunkReader
    labels : ChunkedLabels
    targets : callable
        Encodes class numbers as `CrossEntropy.targets`.
    intercept : bool
    """

    stores_row_values: ClassVar[bool] = False
    _sample: Dataset | None = None
    _draws_next: bool = False

    def __init__(
        self,
        reader: ChunkReader,
        labels: ChunkedLabels,
        targets: Callable[[NDArray[Any]], NDArray[Any]],
        intercept: bool,
    ) -> None:
        self.X, self.reader, self.labels, self.intercept = None, reader, labels, intercept
        self.n_rows, self.n_features = int(labels.n_rows.sum()), reader.n_features
        self.dtype, self.passes, self.rows_per_pass = reader.dtype, Passes(), self.n_rows
        first_rows = np.concatenate(([0], np.cumsum(labels.n_rows)))
        self._factory = DatasetFactory(
            labels.encoder, targets, first_rows, self.n_features, self.dtype, intercept
        )

    def _sum_over_blocks(
        self,
        function: Callable[[Rows], Parts],
        size: int,
        products: bool,
        of_group: Callable[[BlockGroup], Iterable[Parts]] | None,
    ) -> Parts:
        factory = replace(self._factory, n_outputs=self.n_outputs)
        draw = self._stratified_draw if self._draws_next else None
        of_chunk = SumOverRows(factory, function, size, products, of_group, draw)
        sums = self.reader.sum(of_chunk, len(self.labels.n_rows), size)
        if draw is None:
            return sums
        self._sample, self._draws_next = self._in_memory(sums[-1], len(draw.quantiles)), False
        return sums[:-1]

    def subtract(self, offset: Array) -> ChunkedDataset:
        """Data set of the rows minus an offset."""
        data = ChunkedDataset(self.reader, self.labels, self._factory.targets, self.intercept)
        data._factory = replace(self._factory, offset=offset)
        if sample := self._sample:
            X = subtract_offset(sample.X, offset)
            data._sample = dataset_class(X)(X, sample.y, sample.share, self.intercept)
        return data

    # -- the sample ------------------------------------------------------------------------

    @property
    def needs_pass_to_sample(self) -> bool:
        return self._sample is None

    def draw_in_next_pass(self) -> None:
        self._draws_next = True

    @property
    def sample_in_memory(self) -> Dataset:
        """A sample of at most `MAX_SAMPLE_BYTES`, drawn in one pass."""
        if self.needs_pass_to_sample:
            self.draw_in_next_pass()
            self.sum(lambda rows: ())
        assert self._sample is not None
        return self._sample

    @property
    def _stratified_draw(self) -> DrawRows:
        shares = self.labels.chunk_shares
        cumulative = np.concatenate(([0], np.cumsum(shares))) / shares.sum()
        return DrawRows(stratified_quantiles(self.max_rows_to_sample), cumulative)

    def _in_memory(self, drawn: DrawnRows, size: int) -> Dataset:
        """Data set of drawn rows, whose shares are their numbers of draws over ``size``."""
        X, y, counts = drawn.taken()
        share = (counts / size).astype(self.dtype)[:, np.newaxis]
        return dataset_class(X)(X, y, share, self.intercept)

    def sample(self, size: int, mass: Array | None = None) -> Dataset:
        """A sample of about ``size`` rows of `sample_in_memory`, or all of them."""
        if mass is not None:
            raise NotImplementedError("A chunked data set stores no number for each row.")
        data = self.sample_in_memory
        return self._counted(data.sample(min(size, data.n_rows)))

    def _counted(self, subset: Dataset) -> Dataset:
        """A subset with the pass counter of this data set."""
        subset.passes, subset.rows_per_pass = self.passes, self.rows_per_pass
        subset.n_outputs = self.n_outputs
        return subset

    @property
    def max_rows_to_sample(self) -> int:
        wanted = max(
            SAMPLE_FRACTION * self.n_rows,
            SAMPLE_ROWS_PER_PARAMETER * self.n_parameters * self.n_outputs,
        )
        return int(min(self.n_rows, wanted, max(1.0, MAX_SAMPLE_BYTES / self.reader.row_bytes)))

    def has_room(self, n_bytes: float) -> bool:
        return n_bytes <= MAX_SAMPLE_BYTES

    @property
    def effective_sample_size(self) -> float:
        return self.labels.effective_sample_size

    @property
    def n_weighted_rows(self) -> int:
        return self.labels.n_weighted_rows

    # -- work ------------------------------------------------------------------------------

    @property
    def n_blocks(self) -> int:
        return len(self.labels.n_rows)

    def block(self, index: slice) -> Rows:
        """Not implemented: rows are read by chunks."""
        raise NotImplementedError

    def _scaled(self, of_sample: float) -> float:
        """An estimate for all rows from the value for the sample."""
        return of_sample * self.n_rows / self.sample_in_memory.n_rows

    @property
    def pass_work(self) -> float:
        return self._scaled(self.sample_in_memory.pass_work)

    def gram_work(self, n_rows: float) -> float:
        return self.sample_in_memory.gram_work(n_rows)

    @property
    def n_entries(self) -> int:
        return int(self._scaled(self.sample_in_memory.n_entries))

    @property
    def n_bytes(self) -> int:
        return int(self._scaled(self.sample_in_memory.n_bytes))
