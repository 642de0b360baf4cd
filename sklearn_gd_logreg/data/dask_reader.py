"""Rows in the partitions of dask collections, on the threads or workers of dask's scheduler.

A pass is one graph: a task for each partition, and a tree of additions. The function that the tasks
apply, which holds the parameters w, is one node of the graph, so it is sent once to each worker.
Each pass computes the collections anew, unless the user has persisted them.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from itertools import repeat
from typing import Any

import numpy as np
from sklearn.exceptions import DataConversionWarning
from sklearn.utils import column_or_1d

from .._cached import cached_attribute
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

    No partition is computed. Labels and weights in memory are sent to the workers, once. Errors
    call the arguments X, y and sample_weight, each with ``suffix``.

    Raises
    ------
    ValueError
        If X is not a matrix of numbers, or y and the weights cannot be divided as X is.
    """
    header = header_of(f"X{suffix}", X)
    if is_array(X) and X.numblocks[1] > 1:
        X = X.rechunk({1: -1})
    if not labelled:
        return DaskReader(X, None, None, header)
    if y is None:
        name = f"y{suffix}"
        raise ValueError(
            f"GDLogisticRegression requires {name} to be passed, but the target {name} is None"
        )
    y = column_of(y) if library(y) == "dask" else column_or_1d(y, warn=True)
    labels = divided(f"y{suffix}", y, X)
    is_number = library(sample_weight) != "dask" and np.ndim(sample_weight) == 0  # None is one
    weights = sample_weight if is_number else divided(f"sample_weight{suffix}", sample_weight, X)
    return DaskReader(X, labels, weights, header)


def is_array(collection: Any) -> bool:
    """Whether a dask object is an array. A `Delayed` has any attribute, but its class has not."""
    return hasattr(type(collection), "numblocks")


def is_frame(collection: Any) -> bool:
    """Whether a dask object is a data frame or a series."""
    return hasattr(type(collection), "divisions")


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
    if not is_frame(X) or X.ndim != 2:
        raise ValueError(
            f"Expected 2D array: {name} must be a dask array or data frame. "
            f"Got {type(X).__name__} instead."
        )
    import pandas as pd

    return pd.DataFrame(np.empty((0, len(X.columns))), columns=X.columns)


def column_of(y: Any) -> Any:
    """The column of a collection that has one, with the warning of `column_or_1d`; others as is."""
    if not (is_array(y) or is_frame(y)) or y.ndim != 2 or y.shape[1] != 1:
        return y
    warnings.warn(
        "A column-vector y was passed when a 1d array was expected. Please change the shape of y "
        "to (n_samples, ), for example using ravel().",
        DataConversionWarning,
        stacklevel=2,
    )
    return y[:, 0] if is_array(y) else y[y.columns[0]]


def partition_lengths(collection: Any) -> tuple[int, ...] | None:
    """Number of rows of each partition; None if dask does not know it."""
    if not is_array(collection) or np.isnan(collection.chunks[0]).any():
        return None
    return tuple(map(int, collection.chunks[0]))


def divided(name: str, values: Any, X: Any) -> Any:
    """Labels or weights as a 1-D collection of the kind of X, with its partitions.

    Raises
    ------
    ValueError
        If their number, or that of their partitions, is not that of X.
    """
    import dask.array as da

    lengths = partition_lengths(X)
    if library(values) != "dask":
        values = np.asarray(values)
        if lengths is None:
            raise ValueError(
                f"{name} must be a dask collection with the partitions of X, whose lengths are not "
                "known. Call X.compute_chunk_sizes() for an array, or pass a dask series."
            )
        check_shape(name, values.shape, sum(lengths))
        return da.from_array(values, chunks=(lengths,), name=False).persist()
    if not (is_array(values) or is_frame(values)):
        raise ValueError(
            f"{name} must be a dask array or series, or an array in memory. "
            f"Got {type(values).__name__} instead."
        )
    if values.ndim != 1:
        raise ValueError(f"{name} should be a 1d array, got a {values.ndim}-D one.")
    if lengths is not None and partition_lengths(values) is not None:
        check_shape(name, values.shape, sum(lengths))
        values = values.rechunk((lengths,))
    if values.npartitions != X.npartitions:
        raise ValueError(
            f"{name} must have the {X.npartitions} partitions of X. "
            f"Got {values.npartitions} instead."
        )
    if is_array(values) == is_array(X):
        return values
    parts = list(values.to_delayed())
    if is_array(X):
        return array_of(parts, lengths, np.empty(0, object))
    import dask.dataframe as dd
    import pandas as pd

    return dd.from_delayed(parts, meta=pd.Series(dtype=object), verify_meta=False)


def array_of(parts: list[Any], lengths: tuple[int, ...] | None, meta: Any) -> Any:
    """A dask array whose blocks are the values of tasks, with these numbers of rows if known."""
    import dask.array as da

    blocks = [
        da.from_delayed(part, (length, *meta.shape[1:]), meta=meta)
        for part, length in zip(parts, lengths or [np.nan] * len(parts), strict=True)
    ]
    return da.concatenate(blocks, allow_unknown_chunksizes=True)


def check_shape(name: str, shape: tuple[int, ...], n_rows: int) -> None:
    """Raise unless there is a label or a weight for each row."""
    if shape != (n_rows,):
        raise ValueError(f"{name}.shape == {shape}, expected {(n_rows,)}!")


def joined(first: Any, *others: Any) -> Iterator[tuple[Any, ...]]:
    """Tasks for each place: the partitions of arrays, or one for the tuple of those of data frames.

    dask optimises the graphs of the collections as one, as in `dask.compute`: where X and y are
    columns of the same rows, each partition of these is computed once. Numbers and None are the
    same in all places. `dask.array.blockwise` would make the tuples of arrays, too, with less code
    but a task more for each partition: fits of ``benchmarks/elsewhere`` took a tenth longer.
    """
    if is_frame(first):
        meta = ("rows", object)
        frame = first.map_partitions(_as_tuple, *others, meta=meta, align_dataframes=False)
        return zip(frame.to_delayed(), strict=True)
    import dask.array as da
    from dask.highlevelgraph import HighLevelGraph

    arrays = [array for array in (first, *others) if is_array(array)]
    merged = HighLevelGraph.merge(*(array.dask for array in arrays))
    graph = dict(first.__dask_optimize__(merged, [array.__dask_keys__() for array in arrays]))

    def parts(value: Any) -> Iterable[Any]:
        if not is_array(value):
            return repeat(value)
        array = da.Array(graph, value.name, value.chunks, dtype=value.dtype)
        return list(array.to_delayed(optimize_graph=False).ravel())

    return zip(*map(parts, (first, *others)), strict=False)


class DaskReader(ChunkReader):
    """Partitions of dask collections.

    Parameters
    ----------
    X : dask array or data frame
        Each partition has all columns.
    labels, weights : collections or None
        1-D, of the kind of X, with the same partitions. The weights may be a number for all rows.
    header : array or data frame
        The columns of X, and no rows.
    """

    def __init__(self, X: Any, labels: Any, weights: Any, header: Any) -> None:
        self.X, self.labels, self.weights, self.header = X, labels, weights, header
        self.dtype = precision(dtype_of(X))

    @cached_attribute
    def parts(self) -> list[tuple[Any, ...]]:
        """Tasks that return X, y and the weights of each partition; see `joined`."""
        return list(joined(self.X, self.labels, self.weights))

    def map(
        self, function: Callable[[Chunk], Result], n_chunks: int | None = None
    ) -> Iterator[Result]:
        return computed(self._tasks(function))

    def map_labels(self, function: Callable[[Any, Any], Result]) -> Iterable[Result]:
        labels = list(joined(self.labels, self.weights))
        if len(labels) != len(self.parts):  # dask merges partitions of a file for few columns
            return super().map_labels(function)
        return computed(tasks(_apply, function, labels))

    def sum(self, function: Callable[[Chunk], Parts], n_chunks: int, size: int) -> Parts:
        import dask

        sums, add = self._tasks(function), dask.delayed(_add, pure=False)
        max_to_fetch = SPLIT_EVERY if SPLIT_EVERY * size <= MAX_ENTRIES_TO_FETCH else 1
        while len(sums) > max_to_fetch:
            starts = range(0, len(sums), SPLIT_EVERY)
            sums = [add(*sums[start : start + SPLIT_EVERY]) for start in starts]
        return sequential_sum(computed(sums))

    def predict(self, function: Callable[[Chunk], Any]) -> Any:
        """A dask array, not yet computed."""
        row = np.zeros((1, self.n_features), self.dtype)
        meta = function(Chunk(0, row, None, None))[:0]
        return array_of(self._tasks(function), partition_lengths(self.X), meta)

    def _tasks(self, function: Callable[[Chunk], Any]) -> list[Any]:
        """Tasks that apply the function to each partition."""
        numbered = ((number, *parts) for number, parts in enumerate(self.parts))
        return tasks(_apply_to_chunk, function, numbered)


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


def _as_tuple(*parts: Any) -> tuple[Any, ...]:
    return parts


def _apply_to_chunk(function: Callable[[Chunk], Any], number: int, *parts: Any) -> Any:
    return function(Chunk(number, *(parts[0] if len(parts) == 1 else parts)))


def _apply(function: Callable[..., Any], *values: Any) -> Any:
    return function(*(values[0] if len(values) == 1 else values))


def _add(*sums: Parts) -> Parts:
    return sequential_sum(iter(sums))
