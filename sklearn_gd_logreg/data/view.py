"""Lazy view of some rows of an array, less an offset."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._typing import Array

Index = NDArray[np.signedinteger] | slice


class ArrayView:
    """Some rows of an array, less an offset; indexing makes the copy.

    Parameters
    ----------
    X : array of shape (n, n_features), or an ArrayView
    rows : array of ints, default=None
        Indices of the rows; None: all rows.
    offset : array of shape (n_features,), default=None
        Subtracted from each row, in the precision of X.
    """

    def __init__(
        self,
        X: Any,
        rows: NDArray[np.signedinteger] | None = None,
        offset: Array | None = None,
    ) -> None:
        self.X, self.rows, self.offset = X, rows, offset
        self.shape = (X.shape[0] if rows is None else len(rows), X.shape[1])
        self.dtype, self.itemsize = X.dtype, X.dtype.itemsize
        self.size = self.shape[0] * self.shape[1]

    def __getitem__(self, key: Index | tuple[Index, Index]) -> Array:
        rows, columns = key if isinstance(key, tuple) else (key, slice(None))
        if self.rows is not None:
            rows = self.rows[rows]
        if not (isinstance(rows, slice) or isinstance(columns, slice)):
            rows = rows[:, np.newaxis]
        entries: Array = self.X[rows, columns]
        return entries if self.offset is None else entries - self.offset[columns]
