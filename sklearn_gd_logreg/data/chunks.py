"""Storages of rows in chunks, which each pass reads anew: memory maps, and any iterable of chunks.

A storage is a `ChunkReader`: it applies a function to each chunk. The function knows labels,
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

from .._namespace import require_numpy
from .._text import shown
from ..validation import DTYPES, InvalidParameterError, needs_no_conversion
from .threads import Parts, TreeSum

MAX_VIEW_BYTES, MAX_CONVERTED_BYTES = 1 << 28, 1 << 24
"""Size in bytes of a chunk of a memory map: a view, which takes no memory beside the cache of the
file, and the copy of integers as floats. So a fit takes less than 100 MB beside the file."""

MAX_ROWS_PER_CHUNK = 1 << 19
"""Rows in a chunk of a memory map. Their normalised weights take 4 MB."""

MAX_BYTES_IN_MEMORY, MAX_BYTES_TO_CONVERT = 1 << 29, 1 << 26
"""Size in bytes, after conversion, up to which a memory map is used like an array in memory: a fit
then copies up to a fifth of floats, and all of an X of integers."""

MAX_BYTES_PER_INDEX = 8
"""Size in bytes of the column index of an entry of a CSR array."""

MAX_HEADER_ROWS = 100
"""Rows of the first chunk that are kept: their columns are checked, and the size of a row is
estimated from them."""

Result = TypeVar("Result")


class Chunk(NamedTuple):
    """Some rows as they are stored, and the index of the chunk.

    For predictions ``y`` and ``sample_weight`` are None.
    """

    number: int
    X: Any
    y: Any
    sample_weight: Any


class ChunkReader(ABC):
    """A storage of rows in chunks. Each method reads each chunk once.

    Attributes
    ----------
    header : array, sparse array or data frame
        The columns of X, with their names if they have any: the first rows, or no rows.
    dtype : dtype
        Precision of the rows after `check_chunk`: float64 or float32.
    """

    header: Any
    dtype: np.dtype[np.floating]

    @property
    def n_features(self) -> int:
        """Number of columns."""
        return int(self.header.shape[1])

    @property
    def row_bytes(self) -> float:
        """Approximate size in bytes of a row after `check_chunk`."""
        if sparse.issparse(self.header) and self.header.shape[0]:
            entries = self.header.nnz / self.header.shape[0]
            return max(1.0, entries) * (self.dtype.itemsize + MAX_BYTES_PER_INDEX)
        return float(max(1, self.n_features) * self.dtype.itemsize)

    @abstractmethod
    def map(
        self, function: Callable[[Chunk], Result], n_chunks: int | None = None
    ) -> Iterable[Result]:
        """Apply a function to each chunk, and return the results in order.

        Raises
        ------
        ValueError
            If there are not ``n_chunks`` chunks, where that number is known from the first pass.
        """

    def map_labels(self, function: Callable[[Any, Any], Result]) -> Iterable[Result]:
        """Apply a function to the labels and weights of each chunk; the results in order."""
        return self.map(lambda chunk: function(chunk.y, chunk.sample_weight))

    @abstractmethod
    def sum(self, function: Callable[[Chunk], Parts], n_chunks: int, size: int) -> Parts:
        """Apply a function to each chunk, and add the results entry by entry.

        Parameters
        ----------
        function : callable
            Returns a tuple of numbers, arrays, or other objects with ``+``: drawn rows are appended
            by it, in the order of the chunks. No sum starts from 0.
        n_chunks : int
            Number of chunks in the first pass.
        size : int
            Approximate number of entries that the function returns.

        Raises
        ------
        ValueError
            If there are more or fewer chunks than in the first pass.
        """

    @abstractmethod
    def predict(self, function: Callable[[Chunk], Any]) -> Any:
        """Apply a function to each chunk, without labels, and concatenate the results."""


def check_chunk(chunk: Chunk, n_features: int, dtype: np.dtype[np.floating]) -> Any:
    """X of a chunk as an array or CSR array of this precision. NaN and infinity are not searched.

    Raises
    ------
    ValueError
        If X is not a matrix of numbers with ``n_features`` columns, or has a higher precision.
    """
    X = np.asarray(chunk.X) if isinstance(chunk.X, np.memmap) else chunk.X
    shape: tuple[int, ...] = getattr(X, "shape", ())
    if len(shape) == 2 and shape[0] and precision(dtype_of(X)) > dtype:
        raise ValueError(
            f"Chunk {chunk.number} of X must be {dtype}, as the first is. Got {dtype_of(X)} "
            "instead. Convert all chunks to one precision."
        )
    if not (needs_no_conversion(X) and X.dtype == dtype):
        X = check_array(
            X, accept_sparse="csr", dtype=dtype, ensure_all_finite=False, ensure_min_samples=0
        )
    if X.shape[1] != n_features:
        raise ValueError(
            f"Chunk {chunk.number} of X has {X.shape[1]} features, but the first has {n_features}."
        )
    return X


def dtype_of(X: Any) -> Any:
    """The dtype of an array, or the common one of the columns of a data frame; None if unknown."""
    if not hasattr(X, "columns"):
        return getattr(X, "dtype", None)
    dtypes = list(X.dtypes)
    are_numpy = dtypes and all(isinstance(dtype, np.dtype) for dtype in dtypes)
    return np.result_type(*dtypes) if are_numpy else None


def precision(dtype: Any) -> np.dtype[np.floating]:
    """The precision in which a fit uses X of this dtype: float32 stays, all others are float64."""
    return np.dtype(dtype if dtype in DTYPES else DTYPES[0])


# -- storages on this machine --------------------------------------------------------------------


class LocalReader(ChunkReader):
    """A storage that yields its chunks in this process."""

    @abstractmethod
    def chunks(self) -> Iterator[Chunk]:
        """Yield the chunks in order."""

    def map(
        self, function: Callable[[Chunk], Result], n_chunks: int | None = None
    ) -> Iterator[Result]:
        return map(function, self.chunks() if n_chunks is None else self._counted(n_chunks))

    def sum(self, function: Callable[[Chunk], Parts], n_chunks: int, size: int) -> Parts:
        tree = TreeSum(n_chunks)
        for chunk in self._counted(n_chunks):
            tree.add(chunk.number, function(chunk))
            del chunk  # frees it before the next is read
        return tree.total

    def predict(self, function: Callable[[Chunk], Any]) -> Any:
        return np.concatenate(list(self.map(function)))

    def _counted(self, n_chunks: int) -> Iterator[Chunk]:
        """Yield the chunks; raise if they are not ``n_chunks``."""
        n_read = 0
        for chunk in self.chunks():
            n_read += 1
            if n_read > n_chunks:
                break
            yield chunk
            del chunk
        if n_read != n_chunks:
            raise ValueError(
                f"Every pass must read the same chunks, {n_chunks}. "
                f"Got {'more' if n_read > n_chunks else n_read} instead."
            )


def is_memory_map(X: Any) -> bool:
    """Whether X is a memory-mapped array, or a view of one."""
    base = X
    while isinstance(base, np.ndarray):
        base = base.base
    return isinstance(base, mmap.mmap)


def is_large(X: Any) -> bool:
    """Whether a memory map is read in chunks, not used like an array in memory."""
    limit = MAX_BYTES_IN_MEMORY if X.dtype in DTYPES else MAX_BYTES_TO_CONVERT
    return bool(X.size * precision(X.dtype).itemsize > limit)


class MemoryMapReader(LocalReader):
    """Chunks of a memory-mapped array: views of consecutive rows.

    Parameters
    ----------
    X : array of shape (n_rows, n_features)
        Memory-mapped, of any numeric dtype, in C or Fortran order.
    y, sample_weight : arrays of shape (n_rows,), default=None
        Memory-mapped, or in memory. A number is the weight of every row.
    """

    def __init__(self, X: Any, y: Any = None, sample_weight: Any = None) -> None:
        self.X, self.y, self.sample_weight = X, y, sample_weight
        self.header, self.dtype = np.asarray(X[:1]), precision(X.dtype)
        max_bytes = MAX_VIEW_BYTES if self.dtype == X.dtype else MAX_CONVERTED_BYTES
        self.chunk_rows = min(max(1, int(max_bytes / self.row_bytes)), MAX_ROWS_PER_CHUNK)

    def chunks(self) -> Iterator[Chunk]:
        for number, start in enumerate(range(0, len(self.X), self.chunk_rows)):
            rows = slice(start, start + self.chunk_rows)
            y, weights = (
                column[rows] if np.ndim(column) else column  # None or a number
                for column in (self.y, self.sample_weight)
            )
            yield Chunk(number, self.X[rows], y, weights)

    def predict(self, function: Callable[[Chunk], Any]) -> Any:
        predictions, start = None, 0
        for result in self.map(function):
            if predictions is None:  # in memory once: `numpy.concatenate` would hold them twice
                predictions = np.empty((len(self.X), *result.shape[1:]), result.dtype)
            predictions[start : start + len(result)] = result
            start += len(result)
        return predictions


class Chunks:
    """Rows in chunks, which `fit` reads anew in each pass: data beyond memory.

    A fit holds one chunk in memory at a time, and a sample of the rows of at most 32 MB. The model
    is that of all rows together.

    Parameters
    ----------
    chunks : iterable
        Yields the same chunks in the same order whenever it is iterated over: tuples ``(X, y)`` or
        ``(X, y, sample_weight)``. X is a 2-D array, a sparse array or a data frame, of the same
        kind in all chunks. For predictions X alone is enough. ``chunks`` is a list, or any object
        with ``__iter__``, or with ``__len__`` and ``__getitem__``; not a generator, which can be
        read only once.

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
            raise _invalid_chunks("an iterable of (X, y)", chunks) from error
        if is_iterator:
            raise _invalid_chunks(
                "an iterable that can be read many times, not an iterator", chunks
            )
        self.chunks = chunks

    def __iter__(self) -> Iterator[Any]:
        return iter(self.chunks)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({shown(self.chunks)})"


def _invalid_chunks(allowed: str, value: object) -> InvalidParameterError:
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
        self._is_sparse = False
        first = next(self.chunks(), None)
        if first is None:
            raise ValueError("Chunks must have at least one chunk of rows. Got none.")
        X: Any = first.X if hasattr(first.X, "shape") else np.asarray(first.X)
        if sparse.issparse(X):
            X = X.tocsr()  # other formats may have no slices
        if len(X.shape) != 2:
            raise ValueError(
                f"Expected 2D array, got {len(X.shape)}D array instead in chunk 0 of X."
            )
        rows = X[:MAX_HEADER_ROWS]
        self.header = rows.copy() if hasattr(rows, "copy") else rows  # a view would hold the chunk
        self.dtype = precision(dtype_of(X))

    def chunks(self) -> Iterator[Chunk]:
        number = 0
        for item in self._source:
            chunk = self._chunk(number, item)
            del item  # frees it before the next is read
            yield chunk
            number += 1  # noqa: SIM113  # enumerate holds an item until it has the next
            del chunk

    def _chunk(self, number: int, item: Any) -> Chunk:
        """Return an item of the source as a chunk; raise if its form is not that of the first."""
        parts = item if isinstance(item, tuple) else (item,)
        if not (2 if self._labelled else 1) <= len(parts) <= 3:
            given = f"a {type(item).__name__}"
            if isinstance(item, tuple):
                given += f" of length {len(item)}"
            raise ValueError(
                f"Chunk {number} must be a tuple (X, y) or (X, y, sample_weight). "
                f"Got {given} instead."
            )
        for part in parts:
            require_numpy(f"Chunk {number}", part)
        names, is_sparse = column_names(parts[0]), sparse.issparse(parts[0])
        if number == 0:
            self._names, self._is_sparse = names, is_sparse
        if names != self._names:
            raise ValueError(
                f"Chunk {number} of X must have the columns of the first, {shown(self._names)}. "
                f"Got {shown(names)} instead."
            )
        if is_sparse != self._is_sparse:
            raise ValueError(
                f"Chunk {number} of X must be {'sparse' if self._is_sparse else 'dense'}, as the "
                f"first is. Got a {type(parts[0]).__name__} instead."
            )
        return Chunk(number, *parts, *(None,) * (3 - len(parts)))


def column_names(X: Any) -> list[Any] | None:
    """The names of the columns of a data frame; None for an array."""
    return list(X.columns) if hasattr(X, "columns") else None
