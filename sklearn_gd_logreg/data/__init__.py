"""Data sets. Only this package depends on how X is stored."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._typing import Array
from .array_api import ArrayApiDataset
from .base import Dataset
from .blas import blas_threads, reserve_threads
from .chunked import ChunkedDataset
from .chunks import Chunk, ChunkReader, Chunks, check_chunk
from .columns import Columns
from .presolve import (
    CENTERING,
    AllowedReductions,
    Centering,
    Presolve,
    Reduction,
    RowSpace,
    choose_reductions,
    dataset_class,
    row_space,
    row_space_pays,
)
from .rows import ALL, BlockGroup, Rows, pairs
from .storage import chunk_reader, is_in_chunks, require_in_memory

__all__ = [
    "ALL",
    "CENTERING",
    "AllowedReductions",
    "ArrayApiDataset",
    "BlockGroup",
    "Centering",
    "Chunk",
    "ChunkReader",
    "ChunkedDataset",
    "Chunks",
    "Columns",
    "Dataset",
    "Presolve",
    "Reduction",
    "RowSpace",
    "Rows",
    "as_dataset",
    "blas_threads",
    "check_chunk",
    "choose_reductions",
    "chunk_reader",
    "is_in_chunks",
    "pairs",
    "require_in_memory",
    "reserve_threads",
    "row_space",
    "row_space_pays",
]


def as_dataset(X: Any, y: NDArray[np.generic], share: Array | None, intercept: bool) -> Dataset:
    """Return the data set for the storage of ``X``."""
    return dataset_class(X)(X, y, share, intercept)
