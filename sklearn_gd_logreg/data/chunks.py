"""Storages of rows in chunks, which each pass reads anew: memory maps, and any sequence of chunks.

A storage is a `ChunkReader`, which applies a function to each chunk. The function knows labels,
weights and J; the reader knows where the rows are.
"""

from __future__ import annotations

import mmap
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, TypeVar

import numpy as np
from scipy import sparse
from sklearn.utils import check_array

from .._text import shown
from ..validation import DTYPES, InvalidParameterError, needs_no_conversion
from .threads import Parts, TreeSum

VIEW_BYTES, COPY_BYTES = 1 << 28, 1 << 24
"""Largest size in bytes of a chunk of a memory map: a view, and a copy, if X needs conversion."""

MAX_ROWS_PER_CHUNK = 1 << 19
"""Largest number of rows in a chunk of a memory map. Their shares take 4 MB."""

MAX_BYTES_IN_MEMORY, MAX_BYTES_TO_CONVERT = 1 << 29, 1 << 26
"""Size in bytes of a memory map up to which it is used as an array in memory, whose copies take up
to a fifth of it: as it is, and as a converted copy."""

BYTES_PER_INDEX = 8
"""Size in bytes of the column index of an entry of a CSR array, at most."""

MAX_HEADER_ROWS = 100
"""Rows of the first chunk from which columns and size of a row are known."""

Result = TypeVar("Result")


class Chunk(NamedTuple):
    """Some rows as they are stored, with their number among the chunks.

    Without labels, as for predictions, ``y`` and ``sample_weight`` are None.
    """

    number: int
    X: Any
    y: Any
    sample_weight: Any


class ChunkReader(ABC):
    """A storage of rows in chunks, each of which is read once by each method.

    Attributes
    ----------
    header : object
        At least one row of X, or none but with the columns and their names, for scikit-learn's
        checks.
    dtype : dtype
        Precision of the rows after `read`: float64 or float32.
    """

    header: Any
    dtype: np.dtype[np.floating]

    @property
    def n_features(self) -> int:
        """Number of columns."""
        return int(self.header.shape[1])

    @property
    def row_bytes(self) -> float:
        """Size of a row in bytes after `read`, about."""
        if sparse.issparse(self.header) and self.header.shape[0]:
            entries = self.header.nnz / self.header.shape[0]
            return max(1.0, entries) * (self.dtype.itemsize + BYTES_PER_INDEX)
        return float(max(1, self.n_features) * self.dtype.itemsize)

    @abstractmethod
    def map(self, function: Callable[[Chunk], Result]) -> Iterable[Result]:
        """What a function returns for each chunk, in order."""

    def map_labels(self, function: Callable[[Any, Any], Result]) -> Iterable[Result]:
        """What a function of the labels and weights of a chunk returns for each, in order."""
        return self.map(lambda chunk: function(chunk.y, chunk.sample_weight))

    @abstractmethod
    def sum(self, function: Callable[[Chunk], Parts], n_chunks: int, size: int) -> Parts:
        """Sum the tuples of about ``size`` entries that a function returns for each chunk."""

    @abstractmethod
    def predict(self, function: Callable[[Any], Any]) -> Any:
        """What a function returns for X of each chunk, one below the other."""


def read(chunk: Chunk, n_features: int, dtype: np.dtype[np.floating]) -> Any:
    """X of a chunk as an array or CSR array of this precision, checked but for finite numbers.

    Raises
    ------
    ValueError
        If it is not a matrix of numbers with so many features.
    """
    X = np.asarray(chunk.X) if isinstance(chunk.X, np.memmap) else chunk.X
    if not (needs_no_conversion(X) and X.dtype == dtype):
        X = check_array(
            X, accept_sparse="csr", dtype=dtype, ensure_all_finite=False, ensure_min_samples=0
        )
    if X.shape[1] != n_features:
        raise ValueError(
            f"Chunk {chunk.number} of X has {X.shape[1]} features, but the first has {n_features}."
        )
    return X


def precision(dtype: Any) -> np.dtype[np.floating]:
    """The precision of X of a dtype: its own if it is allowed, else float64."""
    return np.dtype(dtype if dtype in DTYPES else DTYPES[0])


# -- storages on this machine --------------------------------------------------------------------


class LocalReader(ChunkReader):
    """A storage that yields its chunks in this process."""

    @abstractmethod
    def chunks(self) -> Iterator[Chunk]:
        """Yield the chunks in order."""

    def map(self, function: Callable[[Chunk], Result]) -> Iterator[Result]:
        return map(function, self.chunks())

    def sum(self, function: Callable[[Chunk], Parts], n_chunks: int, size: int) -> Parts:
        tree, n_read = TreeSum(n_chunks), 0
        for chunk in self.chunks():
            n_read = chunk.number + 1
            if n_read > n_chunks:
                break
            tree.add(chunk.number, function(chunk))
            del chunk  # frees it before the next is read
        if n_read != n_chunks:
            raise ValueError(
                f"Every pass must read the same chunks, {n_chunks}. "
                f"Got {'more' if n_read > n_chunks else n_read} instead."
            )
        return tree.total

    def predict(self, function: Callable[[Any], Any]) -> Any:
        return np.concatenate(list(self.map(lambda chunk: function(chunk.X))))


def is_memory_map(X: Any) -> bool:
    """Whether an array, or the array that it is a view of, is memory-mapped."""
    base = X
    while isinstance(base, np.ndarray):
        base = base.base
    return isinstance(base, mmap.mmap)


def is_large(X: Any) -> bool:
    """Whether an array is so large that its rows are to be read in chunks."""
    limit = MAX_BYTES_IN_MEMORY if X.dtype in DTYPES else MAX_BYTES_TO_CONVERT
    return bool(X.size * precision(X.dtype).itemsize > limit)


class MemoryMapReader(LocalReader):
    """Chunks of a memory-mapped array: views of consecutive rows.

    Parameters
    ----------
    X : array of shape (n_rows, n_features)
        Memory-mapped, of any numeric dtype, in C or Fortran order.
    y, sample_weight : arrays of shape (n_rows,), default=None
        Memory-mapped, or in memory.
    """

    def __init__(self, X: Any, y: Any = None, sample_weight: Any = None) -> None:
        self.X, self.y, self.sample_weight = X, y, sample_weight
        self.header, self.dtype = np.asarray(X[:1]), precision(X.dtype)
        size = VIEW_BYTES if self.dtype == X.dtype else COPY_BYTES
        self.chunk_rows = min(max(1, int(size / self.row_bytes)), MAX_ROWS_PER_CHUNK)

    def chunks(self) -> Iterator[Chunk]:
        for number, start in enumerate(range(0, len(self.X), self.chunk_rows)):
            rows = slice(start, start + self.chunk_rows)
            y, weight = (
                part if part is None or np.ndim(part) == 0 else part[rows]
                for part in (self.y, self.sample_weight)
            )
            yield Chunk(number, self.X[rows], y, weight)

    def predict(self, function: Callable[[Any], Any]) -> Any:
        stacked, start = None, 0
        for result in self.map(lambda chunk: function(chunk.X)):
            if stacked is None:
                stacked = np.empty((len(self.X), *result.shape[1:]), result.dtype)
            stacked[start : start + len(result)] = result
            start += len(result)
        return stacked


class Chunks:
    """Rows in chunks, which `fit` reads anew in each pass: data beyond memory.

    A fit holds one chunk in memory at a time, and a sample of at most 32 MB of the rows. It makes
    the model of all rows together, exactly.

    Parameters
    ----------
    chunks : iterable
        Yields the same chunks in the same order whenever it is iterated over: tuples ``(X, y)`` or
        ``(X, y, sample_weight)``. X may be a 2-D array, a CSR array or a data frame. For
        predictions X alone is enough. A list will do, or any object with ``__iter__``, or with
        ``__len__`` and ``__getitem__``; not a generator, which can be read only once.

    Raises
    ------
    ValueError
        If ``chunks`` is not iterable, or an iterator.

    See Also
    --------
    GDLogisticRegression.fit : Takes an object of this class as X.
    GDLogisticRegression.partial_fit : Learns from a stream, whose rows are read once.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn_gd_logreg import Chunks, GDLogisticRegression
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> class FromDisk:
    ...     def __iter__(self):
    ...         for rows in (slice(0, 300), slice(300, None)):
    ...             yield X[rows], y[rows]  # read a file here
    ...
    >>> clf = GDLogisticRegression().fit(Chunks(FromDisk()))
    >>> round(clf.score(X, y), 3), clf.stop_reason_
    (0.958, 'tol')
    """

    def __init__(self, chunks: Iterable[Any]) -> None:
        try:
            is_iterator = iter(chunks) is chunks
        except TypeError as error:
            raise _no_chunks("an iterable of (X, y)", chunks) from error
        if is_iterator:
            raise _no_chunks("an iterable that can be read many times, not an iterator", chunks)
        self.chunks = chunks

    def __iter__(self) -> Iterator[Any]:
        return iter(self.chunks)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({shown(self.chunks)})"


def _no_chunks(allowed: str, value: object) -> InvalidParameterError:
    return InvalidParameterError(
        f"The 'chunks' parameter of Chunks must be {allowed}. Got {shown(value)} instead."
    )


class IterableReader(LocalReader):
    """The chunks of a `Chunks`.

    Parameters
    ----------
    source : Chunks
    labelled : bool
        Whether the labels are needed.
    """

    def __init__(self, source: Chunks, labelled: bool) -> None:
        self._source, self._labelled = source, labelled
        self._names: list[Any] | None = None
        first = next(self.chunks(), None)
        if first is None:
            raise ValueError("Chunks must have at least one chunk of rows. Got none.")
        X = first.X if hasattr(first.X, "shape") else np.asarray(first.X)
        if len(X.shape) != 2:
            raise ValueError(
                f"Expected 2D array, got {len(X.shape)}D array instead in chunk 0 of X."
            )
        rows = X[:MAX_HEADER_ROWS]
        self.header = rows.copy() if hasattr(rows, "copy") else rows  # frees the chunk
        self.dtype = precision(getattr(X, "dtype", None))

    def chunks(self) -> Iterator[Chunk]:
        least = 2 if self._labelled else 1
        number = 0
        for item in self._source:
            parts = item if isinstance(item, tuple) else (item,)
            if not least <= len(parts) <= 3:
                raise ValueError(
                    f"Chunk {number} must be a tuple (X, y) or (X, y, sample_weight). "
                    f"Got {type(item).__name__} of length {len(parts)} instead."
                )
            if (names := column_names(parts[0])) != self._names and number:
                expected = shown(self._names)
                raise ValueError(
                    f"Chunk {number} of X must have the columns of the first, {expected}. "
                    f"Got {shown(names)} instead."
                )
            self._names, chunk = names, Chunk(number, *parts, *(None,) * (3 - len(parts)))
            del item, parts  # frees them before the next is read
            yield chunk
            number += 1  # noqa: SIM113  # enumerate holds an item until it has the next
            del chunk


def column_names(X: Any) -> list[Any] | None:
    """The names of the columns of a data frame; None for an array."""
    return list(X.columns) if hasattr(X, "columns") else None
