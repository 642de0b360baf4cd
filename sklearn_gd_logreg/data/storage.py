"""The storage of the X of a call: in memory, or in chunks with their reader."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import check_consistent_length, column_or_1d

from ..validation import InvalidParameterError
from .chunks import ChunkReader, Chunks, IterableReader, MemoryMapReader, is_large, is_memory_map
from .joining import library


def is_in_chunks(X: Any) -> bool:
    """Whether X is a `Chunks` or a dask collection, of which no array in memory is made."""
    return isinstance(X, Chunks) or library(X) == "dask"


def require_in_memory(name: str, X: Any) -> None:
    """Raise, in place of a copy of all rows in memory, if X is in chunks.

    Raises
    ------
    ValueError
    """
    if is_in_chunks(X):
        hint = "Use some of its rows as an array."
        if library(X) == "dask":
            hint = f"Use some of its rows, or all if they fit: {name}.compute()."
        raise InvalidParameterError(
            f"{name} must be in memory here: only fit, score and predictions read rows in chunks. "
            f"Got {type(X).__module__}.{type(X).__qualname__} instead. {hint}"
        )


def chunk_reader(
    X: Any, y: Any = None, sample_weight: Any = None, labelled: bool = True, suffix: str = ""
) -> ChunkReader | None:
    """The reader of rows in chunks, or of a large memory map; None for rows in memory.

    Parameters
    ----------
    X, y, sample_weight
        As `fit` takes them.
    labelled : bool, default=True
        Whether labels are needed. For predictions they are not, and y is None.
    suffix : str, default=""
        Appended to the names of X, y and sample_weight in errors.

    Raises
    ------
    ValueError
        If X, y and the weights do not fit together.
    """
    if isinstance(X, Chunks):
        for name, value in (("y", y), ("sample_weight", sample_weight)):
            if value is not None:
                raise ValueError(
                    f"{name}{suffix} must be None with Chunks: their tuples contain it."
                )
        return IterableReader(X, labelled)
    if library(X) == "dask":
        from .dask_reader import dask_reader

        return dask_reader(X, y, sample_weight, labelled, suffix)
    is_large_map = is_memory_map(X) and X.ndim == 2 and X.dtype.kind in "biuf" and is_large(X)
    if not is_large_map or (labelled and y is None):  # without y scikit-learn's check raises
        return None
    if y is not None:
        y = column_or_1d(y, warn=True)
        check_consistent_length(X, y)
    if sample_weight is not None and np.ndim(sample_weight):
        sample_weight = np.asarray(sample_weight)
        if sample_weight.shape != (len(X),):
            raise ValueError(
                f"sample_weight{suffix}.shape == {sample_weight.shape}, expected {(len(X),)}!"
            )
    return MemoryMapReader(X, y, sample_weight)
