"""Interface of the reductions, and functions that they share."""

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

MIN_REDUCED_LIMIT_BYTES = 1 << 23
"""Lower bound of the memory limit for a copy of the remaining rows, which is X/16."""

MAX_FRACTION_COPIED = 0.85
"""Fraction of the rows up to which a copy of them pays: a copy takes about as long as a pass."""

MAX_FRACTION_GATHERED = 0.25
"""Fraction of the rows up to which it pays to gather them in each pass. Reading a row then takes up
to 2.2 times as long (20 features, float64)."""


class Reduction(Protocol):
    """Data with fewer rows or other coordinates, on which J has the same values."""

    @property
    def data(self) -> Dataset:
        """The reduced data."""

    @property
    def start(self) -> Array:
        """The starting point, in the coordinates of the reduced data."""

    def expand(self, v: Array) -> Array:
        """Parameters of the original data from parameters v of the reduced data."""

    def transform(self, X: Any) -> Any:
        """Other rows, for example validation data, in the coordinates of the reduced data."""

    def score_error(self, v: Array, precision: DTypeLike) -> float:
        """Bound on the rounding error of a score after ``expand(v)`` in this precision."""

    @property
    def norms_per_product(self) -> int:
        """Number of gradients for one call of `max_norms`; 0 if it need not be called."""

    def max_norms(self, v: Array) -> Array:
        """Max-norms of gradients, the columns of v, in the original coordinates."""


class WithoutMaxNorms:
    """Base class of the reductions with which a descent never needs `max_norms`."""

    @property
    def norms_per_product(self) -> int:
        """0: `max_norms` need not be called."""
        return 0

    def max_norms(self, v: Array) -> Array:
        """Not implemented."""
        raise NotImplementedError


@dataclass(frozen=True)
class RowSubset(WithoutMaxNorms):
    """Subset of the rows, in the same coordinates, so that the norms do not change.

    Attributes
    ----------
    data : Dataset
    start : array of shape (n_features + intercept, n_outputs)
    """

    data: Dataset
    start: Array

    def expand(self, v: Array) -> Array:
        """Return v."""
        return v

    def transform(self, X: Any) -> Any:
        """Return X."""
        return X

    def score_error(self, v: Array, precision: DTypeLike) -> float:
        """0: the parameters are the same."""
        return 0.0


@dataclass(frozen=True)
class Chain:
    """Composition of two reductions."""

    first: Reduction
    second: Reduction

    @property
    def data(self) -> Dataset:
        """The data after both reductions."""
        return self.second.data

    @property
    def start(self) -> Array:
        """The starting point after both reductions."""
        return self.second.start

    def expand(self, v: Array) -> Array:
        """Undo the second reduction, then the first."""
        return self.first.expand(self.second.expand(v))

    def transform(self, X: Any) -> Any:
        """Apply both reductions to other rows."""
        return self.second.transform(self.first.transform(X))

    def score_error(self, v: Array, precision: DTypeLike) -> float:
        """Sum of both bounds."""
        first = self.first.score_error(self.second.expand(v), precision)
        return first + self.second.score_error(v, precision)

    @property
    def norms_per_product(self) -> int:
        """The larger of both numbers."""
        return max(self.first.norms_per_product, self.second.norms_per_product)

    def max_norms(self, v: Array) -> Array:
        """Max-norms in the original coordinates."""
        if not self.first.norms_per_product:
            return self.second.max_norms(v)
        return self.first.max_norms(self.second.expand(v))


def with_pass_counter(reduced: Dataset, data: Dataset, rows_per_pass: int | None = None) -> Dataset:
    """Let the reduced data count passes in the counter of ``data``; return them.

    ``rows_per_pass`` is the number of rows of a pass, by default that of ``data``.
    """
    reduced.passes, reduced.n_outputs = data.passes, data.n_outputs
    reduced.rows_per_pass = data.rows_per_pass if rows_per_pass is None else rows_per_pass
    return reduced


def max_remaining_rows(data: Dataset) -> float:
    """Largest number of remaining rows for which a reduction pays."""
    copied = max(MIN_REDUCED_LIMIT_BYTES, data.n_bytes / 16) / max(data.n_bytes, 1)
    gathered = 0.0 if sparse.issparse(data.X) else MAX_FRACTION_GATHERED
    return data.n_rows * max(min(copied, MAX_FRACTION_COPIED), gathered)


def select_rows(
    data: Dataset, index: NDArray[np.signedinteger], share: Array | float
) -> Dataset | None:
    """Data set of the rows ``index`` with these shares, or None if it does not pay.

    The rows are copied within the memory limit. Beyond, dense rows are gathered in each pass.
    """
    if not 0 < len(index) <= max_remaining_rows(data):
        return None
    if len(index) / data.n_rows * data.n_bytes > max(MIN_REDUCED_LIMIT_BYTES, data.n_bytes / 16):
        rows: Any = ArrayView(data.X, index)
    else:
        rows = take_rows(data.X, index)
    return dataset_class(rows)(rows, data.y[index], share, data.intercept)


def take_rows(X: Any, index: NDArray[np.signedinteger]) -> Any:
    """Copy of some rows of X."""
    if isinstance(X, np.ndarray) and X.flags.c_contiguous:
        return np.take(X, index, axis=0)  # faster than X[index]
    rows = X[index]
    if sparse.issparse(rows):
        rows.has_canonical_format = True  # X has no duplicate entries
    return rows


def dataset_class(X: Any) -> type[Dataset]:
    """Class of data sets for the storage of X."""
    if sparse.issparse(X):
        return SparseDataset
    is_view = isinstance(X, ArrayView) or not X.flags.aligned
    return ViewDataset if is_view else DenseDataset
