"""Rows in the partitions of dask collections, on the threads or workers of dask's scheduler.

A pass is one graph: a task for each partition, and a tree of additions. The function that the tasks
apply, which holds the parameters w, is one node of the graph, so it is sent once to each worker.
Each pass computes the collections anew, unless the user has persisted them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from sklearn.utils import column_or_1d

from .chunks import Chunk, ChunkReader, Result, dtype_of, precision
from .joining import library
from .threads import Parts, sequential_sum

SPLIT_EVERY = 8
"""Number of partial sums that one task adds, as in the reductions of dask's data frames."""

MAX_ENTRIES_TO_FETCH = 1 << 20
"""Number of float64 entries (8 MB) up to which this process fetches the last `SPLIT_EVERY` partial
sums and adds them itself. That saves the wait for one more task."""


def dask_reader(X: Any, y: Any, sample_weight: Any, labelled: bool, suffix: str) -> DaskReader:
    """The reader of a dask array or data frame, with labels and weights of the same partitions.

    Nothing is computed. Errors call the arguments X, y and sample_weight, each with ``suffix``.

    Raises
    ------
    ValueError
        If X is not a matrix of numbers, or y and the weights cannot be divided as X is.
    """
    header = header_of(f"X{suffix}", X)
    parts = partitions(X)
    if not labelled:
        return DaskReader(X, parts, None, None, header)
    if y is None:
        name = f"y{suffix}"
        raise ValueError(
            f"GDLogisticRegression requires {name} to be passed, but the target {name} is None"
        )
    lengths = partition_lengths(X)
    if library(y) != "dask":
        y = column_or_1d(y, warn=True)
    labels = partitioned(f"y{suffix}", y, lengths, len(parts))
    if library(sample_weight) != "dask" and np.ndim(sample_weight) == 0:  # None or a number
        weights = [sample_weight] * len(parts)
    else:
        weights = partitioned(f"sample_weight{suffix}", sample_weight, lengths, len(parts))
    return DaskReader(X, parts, labels, weights, header)


def is_array(collection: Any) -> bool:
    """Whether a dask object is an array. A `Delayed` has any attribute, but its class has not."""
    return hasattr(type(collection), "numblocks")


def header_of(name: str, X: Any) -> Any:
    """An array or a data frame with the columns of X and no rows."""
    if is_array(X):
        if X.ndim != 2:
            raise ValueError(f"Expected 2D array, got {X.ndim}D array instead:\narray={X}.")
        if X.dtype.kind not in "biufO":
            raise ValueError(
                f"{name} must be an array of numbers. Got the dtype {X.dtype} instead."
            )
        return np.empty((0, X.shape[1]), X.dtype)
    if not hasattr(type(X), "columns") or X.ndim != 2:
        raise ValueError(
            f"Expected 2D array: {name} must be a dask array or data frame. "
            f"Got {type(X).__name__} instead."
        )
    import pandas as pd

    return pd.DataFrame(np.empty((0, len(X.columns))), columns=X.columns)


def partition_lengths(collection: Any) -> tuple[int, ...] | None:
    """Number of rows of each partition; None if dask does not know it."""
    if not is_array(collection) or np.isnan(collection.chunks[0]).any():
        return None
    return tuple(map(int, collection.chunks[0]))


def partitions(collection: Any) -> list[Any]:
    """The partitions of the rows, each with all columns."""
    if is_array(collection):
        return list(with_whole_rows(collection).to_delayed().ravel())
    return list(collection.to_delayed())


def with_whole_rows(array: Any) -> Any:
    """A dask array with the columns of each row in one block."""
    return array.rechunk({1: -1}) if array.ndim == 2 and array.numblocks[1] > 1 else array


def partitioned(name: str, values: Any, lengths: tuple[int, ...] | None, n_parts: int) -> list[Any]:
    """Labels or weights in the ``n_parts`` partitions of X, of these lengths if they are known.

    Raises
    ------
    ValueError
        If their number, or that of their partitions, is not that of X.
    """
    if library(values) != "dask":
        return split(name, np.asarray(values), lengths)
    if not hasattr(type(values), "to_delayed"):
        raise ValueError(
            f"{name} must be a dask array or series, or an array in memory. "
            f"Got {type(values).__name__} instead."
        )
    if is_array(values):
        if values.ndim == 2 and values.shape[1] == 1:
            values = values[:, 0]
        if values.ndim != 1:
            raise ValueError(f"{name} should be a 1d array, got an array of shape {values.shape}.")
        if lengths is not None and partition_lengths(values) is not None:
            check_length(name, values.shape[0], sum(lengths))
            values = values.rechunk((lengths,))
    parts = partitions(values)
    if len(parts) != n_parts:
        raise ValueError(
            f"{name} must have the {n_parts} partitions of X. Got {len(parts)} instead."
        )
    return parts


def split(name: str, array: Any, lengths: tuple[int, ...] | None) -> list[Any]:
    """An array in memory in parts of these lengths, as tasks."""
    import dask

    if lengths is None:
        raise ValueError(
            f"{name} must be a dask collection with the partitions of X, whose lengths are not "
            "known. Call X.compute_chunk_sizes() for an array, or pass a dask series."
        )
    check_length(name, len(array), sum(lengths))
    return [dask.delayed(part) for part in np.split(array, np.cumsum(lengths)[:-1])]


def check_length(name: str, length: int, n_rows: int) -> None:
    """Raise unless there is a label or a weight for each row."""
    if length != n_rows:
        raise ValueError(f"{name}.shape == {(length,)}, expected {(n_rows,)}!")


class DaskReader(ChunkReader):
    """Partitions of dask collections.

    Parameters
    ----------
    X : dask array or data frame
    parts : list of Delayed
        Partitions of X.
    labels, weights : list or None
        The same partitions of y and the sample weights: arrays, or a number for all rows.
    header : array or data frame
        The columns of X, and no rows.
    """

    def __init__(
        self, X: Any, parts: list[Any], labels: list[Any] | None, weights: Any, header: Any
    ) -> None:
        self.X, self.parts, self.header = X, parts, header
        self.labels = labels or [None] * len(parts)
        self.weights = weights or [None] * len(parts)
        self.dtype = precision(dtype_of(X))

    def map(
        self, function: Callable[[Chunk], Result], n_chunks: int | None = None
    ) -> Iterator[Result]:
        return computed(self._tasks(function))

    def map_labels(self, function: Callable[[Any, Any], Result]) -> Iterator[Result]:
        arguments = zip(self.labels, self.weights, strict=True)
        return computed(tasks(_apply_to_labels, function, arguments))

    def sum(self, function: Callable[[Chunk], Parts], n_chunks: int, size: int) -> Parts:
        import dask

        sums, add = self._tasks(function), dask.delayed(_add, pure=False)
        max_to_fetch = SPLIT_EVERY if SPLIT_EVERY * size <= MAX_ENTRIES_TO_FETCH else 1
        while len(sums) > max_to_fetch:
            starts = range(0, len(sums), SPLIT_EVERY)
            sums = [add(sums[start : start + SPLIT_EVERY]) for start in starts]
        return sequential_sum(computed(sums))

    def predict(self, function: Callable[[Chunk], Any]) -> Any:
        """A dask array, not yet computed."""
        import dask.array as da

        row = np.zeros((1, self.n_features), self.dtype)
        meta = function(Chunk(0, row, None, None))[:0]
        lengths = partition_lengths(self.X) or [np.nan] * len(self.parts)
        blocks = [
            da.from_delayed(task, (length, *meta.shape[1:]), meta=meta)
            for task, length in zip(self._tasks(function), lengths, strict=True)
        ]
        return da.concatenate(blocks, allow_unknown_chunksizes=True)

    def _tasks(self, function: Callable[[Chunk], Any]) -> list[Any]:
        """Tasks that apply the function to each partition."""
        numbers = range(len(self.parts))
        arguments = zip(numbers, self.parts, self.labels, self.weights, strict=True)
        return tasks(_apply_to_chunk, function, arguments)


def tasks(
    apply: Callable[..., Any], function: Callable[..., Any], arguments: Iterable[tuple[Any, ...]]
) -> list[Any]:
    """Tasks ``apply(function, *values)`` for each tuple of arguments; one node has the function."""
    from dask import delayed

    task, shared = delayed(apply, pure=False), delayed(function, pure=False, traverse=False)
    return [task(shared, *values) for values in arguments]


def computed(delayed: list[Any]) -> Iterator[Any]:
    """The values of tasks, computed in one graph."""
    import dask

    return iter(dask.compute(*delayed))


def _apply_to_chunk(function: Callable[[Chunk], Any], number: int, *parts: Any) -> Any:
    return function(Chunk(number, *parts))


def _apply_to_labels(function: Callable[[Any, Any], Any], y: Any, sample_weight: Any) -> Any:
    return function(y, sample_weight)


def _add(sums: list[Parts]) -> Parts:
    return sequential_sum(iter(sums))
