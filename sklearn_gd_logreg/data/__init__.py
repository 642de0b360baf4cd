"""Storage of the rows. Nothing outside this package knows how X is stored."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._typing import Array
from .base import ALL, Dataset, Rows, pairs
from .centring import Centring, centre_if_far, storage_of
from .columns import Columns
from .presolve import Chain, Reduction, weighted_part
from .row_space import RowSpace, row_space, row_space_pays
from .threads import blas_threads, own_threads

__all__ = [
    "ALL",
    "Centring",
    "Chain",
    "Columns",
    "Dataset",
    "Reduction",
    "RowSpace",
    "Rows",
    "as_dataset",
    "blas_threads",
    "centre_if_far",
    "own_threads",
    "pairs",
    "row_space",
    "row_space_pays",
    "weighted_part",
]


def as_dataset(X: Any, y: NDArray[np.generic], share: Array | None, intercept: bool) -> Dataset:
    """The data set for the storage of ``X``."""
    return storage_of(X)(X, y, share, intercept)
