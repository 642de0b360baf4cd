"""Rows in the partitions of dask collections, on the threads or workers of dask's scheduler.

A pass is one graph: a task for each partition, and a tree of additions. What a task needs, w above
all, is one more node of the graph, so that it is sent once to each worker. The collections are not
persisted: each pass computes them anew, unless the user has persisted them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from sklearn.utils import check_consistent_length, column_or_1d

from .._text import shown
from ..validation import DTYPES
from .chunks import Chunk, ChunkReader, Result, precision
from .joining import library
from .threads import Parts, add_parts

FAN_IN = 8
"""Sums that a task of the tree adds, in order."""

MAX_ENTRIES_TO_FETCH = 1 << 20
"""Entries of the last `FAN_IN` sums up to which they are added in this process, which is one task
less to wait for."""


def dask_reader(X: Any, y: Any, sample_weight: Any, labelled: bool) -> DaskReader:
    """The reader of a dask array or data frame, with labels and weights of the same partitions.

    Nothing is computed.

    Raises
    ------
    ValueError
        If X is not a matrix of numbers, or y and the weights cannot be divided as X is.
    """
    header = header_of(X)
    if not labelled:
        return DaskReader(X, partitions(X), None, None, header)
    if y is None:
        raise ValueError("GDLogisticRegression requires y to be passed, but the target y is None")
    lengths = row_chunks(X)
    parts = partitions(X)
    labels = divided("y", y, lengths, len(parts))
    weights = None
    if sample_weight is not None:
        weights = divided("sample_weight", sample_weight, lengths, len(parts))
    return DaskReader(X, parts, labels, weights, header)


def is_frame(collection: Any) -> bool:
    """Whether a dask collection is a data frame or series, not an array."""
    return not hasattr(collection, "numblocks")


def header_of(X: Any) -> Any:
    """An array or a data frame with the columns of X and no rows."""
    if is_frame(X):
        if not hasattr(X, "columns") or getattr(X, "ndim", 2) != 2:
            raise ValueError(f"Expected 2D array, got {shown(X)} instead.")
        import pandas as pd

        return pd.DataFrame(np.empty((0, len(X.columns))), columns=X.columns)
    if X.ndim != 2:
        raise ValueError(f"Expected 2D array, got {X.ndim}D array instead:\narray={X}.")
    if X.dtype.kind not in "biufO":
        raise ValueError(f"X must be an array of numbers. Got the dtype {X.dtype} instead.")
    return np.empty((0, X.shape[1]), X.dtype)


def row_chunks(X: Any) -> tuple[int, ...] | None:
    """Number of rows of each partition; None if dask does not know it."""
    if is_frame(X) or any(length != length for length in X.chunks[0]):
        return None
    return tuple(map(int, X.chunks[0]))


def partitions(collection: Any) -> list[Any]:
    """The partitions of the rows, with all columns each."""
    if not is_frame(collection):
        if collection.ndim == 2 and collection.numblocks[1] > 1:
            collection = collection.rechunk({1: -1})
        return list(collection.to_delayed().ravel())
    return list(collection.to_delayed())


def divided(name: str, values: Any, lengths: tuple[int, ...] | None, n_parts: int) -> list[Any]:
    """Labels or weights in the partitions of X, each with ``lengths`` rows.

    Raises
    ------
    ValueError
        If their number or that of their partitions is not that of X.
    """
    import dask

    if np.ndim(values) == 0 and name != "y":
        return [values] * n_parts
    if library(values) != "dask":
        if lengths is None:
            raise ValueError(
                f"{name} must be a dask collection with the partitions of X, whose lengths are not "
                "known. Call X.compute_chunk_sizes() for an array, or pass a dask series."
            )
        array = column_or_1d(values, warn=True) if name == "y" else np.asarray(values)
        check_length(name, len(array), sum(lengths))
        return [dask.delayed(part) for part in np.split(array, np.cumsum(lengths)[:-1])]
    if not is_frame(values):
        if values.ndim == 2 and values.shape[1] == 1:
            values = values[:, 0]
        if values.ndim != 1:
            raise ValueError(f"{name} should be a 1d array, got an array of shape {values.shape}.")
        if lengths is not None and not any(length != length for length in values.chunks[0]):
            check_length(name, values.shape[0], sum(lengths))
            values = values.rechunk((lengths,))
    parts = partitions(values)
    if len(parts) != n_parts:
        raise ValueError(
            f"{name} must have the {n_parts} partitions of X. Got {len(parts)} instead."
        )
    return parts


def check_length(name: str, length: int, n_rows: int) -> None:
    """Raise unless there is a label or a weight for each row, with scikit-learn's words."""
    if name == "y":
        check_consistent_length(np.broadcast_to(0, n_rows), np.broadcast_to(0, length))
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
        The same partitions of y and the sample weights.
    header : array or data frame
        The columns of X, and no rows.
    """

    def __init__(
        self, X: Any, parts: list[Any], labels: list[Any] | None, weights: Any, header: Any
    ) -> None:
        self.X, self.parts, self.header = X, parts, header
        self.labels = labels or [None] * len(parts)
        self.weights = weights or [None] * len(parts)
        self.dtype = precision(frame_dtype(X) if is_frame(X) else X.dtype)

    def map(self, function: Callable[[Chunk], Result]) -> Iterator[Result]:
        return computed(self._tasks(function))

    def map_labels(self, function: Callable[[Any, Any], Result]) -> Iterator[Result]:
        columns = zip(self.labels, self.weights, strict=True)
        return computed(tasks(_of_labels, function, columns))

    def sum(self, function: Callable[[Chunk], Parts], n_chunks: int, size: int) -> Parts:
        import dask

        level, add = self._tasks(function), dask.delayed(_add_in_order, pure=False)
        most = FAN_IN if FAN_IN * size <= MAX_ENTRIES_TO_FETCH else 1
        while len(level) > most:
            starts = range(0, len(level), FAN_IN)
            level = [add(level[start : start + FAN_IN]) for start in starts]
        return _add_in_order(list(computed(level)))

    def predict(self, function: Callable[[Any], Any]) -> Any:
        rows = self.X
        example = function(np.zeros((1, self.n_features), self.dtype))[:0]
        if is_frame(rows):
            return rows.map_partitions(_of_rows, function, meta=example)
        if rows.numblocks[1] > 1:
            rows = rows.rechunk({1: -1})
        columns: dict[str, Any] = {"drop_axis": 1}
        if example.ndim == 2:
            columns = {"chunks": (rows.chunks[0], example.shape[1])}
        return rows.map_blocks(_of_rows, function, dtype=example.dtype, meta=example, **columns)

    def _tasks(self, function: Callable[[Chunk], Any]) -> list[Any]:
        """What the function returns for each partition, not yet computed."""
        columns = zip(range(len(self.parts)), self.parts, self.labels, self.weights, strict=True)
        return tasks(_of_chunk, function, columns)


def tasks(
    apply: Callable[..., Any], function: Callable[..., Any], arguments: Iterable[tuple[Any, ...]]
) -> list[Any]:
    """``apply(function, *arguments)`` of each, as tasks; the function is a node that they share."""
    from dask import delayed

    task, shared = delayed(apply, pure=False), delayed(function, pure=False, traverse=False)
    return [task(shared, *values) for values in arguments]


def computed(tasks: list[Any]) -> Iterator[Any]:
    """The values of tasks, computed in one graph."""
    import dask

    return iter(dask.compute(*tasks))


def frame_dtype(frame: Any) -> Any:
    """The dtype of all columns together."""
    dtypes = set(frame.dtypes)
    (dtype,) = dtypes if len(dtypes) == 1 else (None,)
    return dtype if dtype in DTYPES else None


def _of_chunk(function: Callable[[Chunk], Any], number: int, *parts: Any) -> Any:
    return function(Chunk(number, *parts))


def _of_labels(function: Callable[[Any, Any], Any], y: Any, sample_weight: Any) -> Any:
    return function(y, sample_weight)


def _of_rows(X: Any, function: Callable[[Any], Any]) -> Any:
    return function(X)


def _add_in_order(parts: list[Parts]) -> Parts:
    total = parts[0]
    for number, term in enumerate(parts[1:]):
        total = add_parts(total, term, in_place=number > 0)
    return total
