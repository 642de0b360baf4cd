"""Exact reductions of the data before a descent, undone at its end.

References
----------
Andersen and Andersen, "Presolving in linear programming", Math. Program. 71 (1995).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike

from .._typing import Array
from .base import Dataset


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


def weighted_part(data: Dataset) -> Dataset:
    """The data without rows of weight 0; a row of another weight keeps its share.

    They add nothing to a sum, but the space that they span is not that of the others.
    """
    if not isinstance(data.share, np.ndarray) or data.share.all():
        return data
    part = data.take(data.weighted_rows(), 1.0)
    part.rows_in_a_pass = part.n_rows
    return part
