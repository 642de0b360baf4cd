"""Storage of the rows. Nothing outside this package knows how X is stored."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._typing import Array
from .base import ALL, Dataset, Rows, Run, pairs
from .columns import Columns
from .presolve import (
    Allowed,
    Presolve,
    Reduction,
    RowSpace,
    choose_reductions,
    row_space,
    row_space_pays,
    storage_of,
)
from .threads import blas_threads, own_threads

__all__ = [
    "ALL",
    "Allowed",
    "Columns",
    "Dataset",
    "Presolve",
    "Reduction",
    "RowSpace",
    "Rows",
    "Run",
    "as_dataset",
    "blas_threads",
    "choose_reductions",
    "own_threads",
    "pairs",
    "row_space",
    "row_space_pays",
]


def as_dataset(X: Any, y: NDArray[np.generic], share: Array | None, intercept: bool) -> Dataset:
    """The data set for the storage of ``X``."""
    return storage_of(X)(X, y, share, intercept)
