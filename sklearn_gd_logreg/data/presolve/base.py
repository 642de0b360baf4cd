"""What every reduction answers, and what they share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy import sparse

from ..._typing import Array
from ..base import Dataset
from ..csr import SparseDataset
from ..dense import DenseDataset, ViewDataset
from ..view import ArrayView

MAX_COPY_BYTES = 1 << 23
"""Bytes that a copy of the remaining rows may take whatever the size of X; beyond, X/16."""

MAX_PART_COPIED = 0.85
"""Part of the rows up to which a copy of them pays: a copy takes about as long as a pass."""

MAX_PART_GATHERED = 0.25
"""Part of the rows up to which it pays to gather them for each pass. To read a row then takes up
to 2.2 times as long (20 features, float64)."""


class Reduction(Protocol):
    """Other rows, or other coordinates, in which J has the same values."""

    @property
    def data(self) -> Dataset:
        """The rows as the descent reads them."""

    @property
    def start(self) -> Array:
        """The starting point, in the coordinates of the descent."""

    def expand(self, v: Array) -> Array:
        """Parameters of the descent as parameters of the rows as they are."""

    def coordinates(self, rows: Any) -> Any:
        """Other rows, validation data for one, as the descent would read them."""

    def rounding(self, v: Array, precision: DTypeLike) -> float:
        """By how much a score may change where v is `expand`ed to parameters in this precision."""

    @property
    def steps_ahead(self) -> int:
        """Of how many steps the max-norms are best worked out together; 0: they stay the same."""

    def max_norms(self, v: Array) -> Array:
        """Max-norm in coordinates of the features of every column of v, gradients."""


@dataclass(frozen=True)
class FewerRows:
    """Fewer rows in the same coordinates.

    Attributes
    ----------
    data : Dataset
    start : array of shape (n_features + intercept, n_outputs)
    """

    data: Dataset
    start: Array

    def expand(self, v: Array) -> Array:
        """The parameters themselves."""
        return v

    def coordinates(self, rows: Any) -> Any:
        """The rows themselves."""
        return rows

    def rounding(self, v: Array, precision: DTypeLike) -> float:
        """Nothing is rounded."""
        return 0.0

    @property
    def steps_ahead(self) -> int:
        """0: the coordinates are the same."""
        return 0

    def max_norms(self, v: Array) -> Array:
        """Max-norm of every column of v."""
        return np.abs(v).max(axis=0, initial=0)


@dataclass(frozen=True)
class Chain:
    """One reduction after another."""

    first: Reduction
    second: Reduction

    @property
    def data(self) -> Dataset:
        """The rows after both."""
        return self.second.data

    @property
    def start(self) -> Array:
        """The start after both."""
        return self.second.start

    def expand(self, v: Array) -> Array:
        """The second is undone first."""
        return self.first.expand(self.second.expand(v))

    def coordinates(self, rows: Any) -> Any:
        """Other rows after both."""
        return self.second.coordinates(self.first.coordinates(rows))

    def rounding(self, v: Array, precision: DTypeLike) -> float:
        """That of both."""
        between = self.first.rounding(self.second.expand(v), precision)
        return between + self.second.rounding(v, precision)

    @property
    def steps_ahead(self) -> int:
        """As for the one that needs more."""
        return max(self.first.steps_ahead, self.second.steps_ahead)

    def max_norms(self, v: Array) -> Array:
        """The second is undone first."""
        if not self.first.steps_ahead:
            return self.second.max_norms(v)
        return self.first.max_norms(self.second.expand(v))


def counted_like(reduced: Dataset, data: Dataset, rows_in_a_pass: int | None = None) -> Dataset:
    """The reduced data with the counter of passes of ``data``.

    A pass is ``rows_in_a_pass`` rows, default as many as for ``data``.
    """
    reduced.passes, reduced.n_outputs = data.passes, data.n_outputs
    reduced.rows_in_a_pass = data.rows_in_a_pass if rows_in_a_pass is None else rows_in_a_pass
    return reduced


def most_rows(data: Dataset) -> float:
    """The largest number of rows with which a reduction to some rows pays."""
    copied = max(MAX_COPY_BYTES, data.n_bytes / 16) / max(data.n_bytes, 1)
    gathered = 0.0 if sparse.issparse(data.X) else MAX_PART_GATHERED
    return data.n_rows * max(min(copied, MAX_PART_COPIED), gathered)


def with_rows(
    data: Dataset, index: NDArray[np.signedinteger], share: Array | float
) -> Dataset | None:
    """The rows ``index`` with these shares, or None where it does not pay.

    Few bytes are copied. Of more, dense rows are gathered block by block whenever they are read.
    """
    if not 0 < len(index) <= most_rows(data):
        return None
    if len(index) / data.n_rows * data.n_bytes > max(MAX_COPY_BYTES, data.n_bytes / 16):
        rows: Any = ArrayView(data.X, index)
    else:
        rows = rows_of(data.X, index)
    return storage_of(rows)(rows, data.y[index], share, data.intercept)


def rows_of(X: Any, index: NDArray[np.signedinteger]) -> Any:
    """Some rows of X, a copy; of an array in C order by the fastest way there."""
    if isinstance(X, np.ndarray) and X.flags.c_contiguous:
        return np.take(X, index, axis=0)
    rows = X[index]
    if sparse.issparse(rows):
        rows.has_canonical_format = True  # as X is, as far as it matters: nothing is there twice
    return rows


def storage_of(X: Any) -> type[Dataset]:
    """The kind of data set for X."""
    if sparse.issparse(X):
        return SparseDataset
    return ViewDataset if isinstance(X, ArrayView) else DenseDataset
