"""Storage of the rows. Nothing outside this package knows how X is stored."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from .._typing import Array
from .base import ALL, Dataset, Rows, pairs
from .columns import Columns
from .csr import SparseDataset
from .dense import DenseDataset
from .row_space import RowSpace, row_space, row_space_pays
from .threads import blas_threads, own_threads

__all__ = [
    "ALL",
    "Columns",
    "Dataset",
    "RowSpace",
    "Rows",
    "as_dataset",
    "blas_threads",
    "own_threads",
    "pairs",
    "row_space",
    "row_space_pays",
]


def as_dataset(X: Any, y: NDArray[np.generic], share: Array | None, intercept: bool) -> Dataset:
    """The data set for the storage of ``X``."""
    storage = SparseDataset if sparse.issparse(X) else DenseDataset
    return storage(X, y, share, intercept)
