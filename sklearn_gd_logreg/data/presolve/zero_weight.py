"""Reduction to the rows of non-zero weight."""

from __future__ import annotations

import numpy as np

from ..._typing import Array
from ..base import Dataset
from .base import RowSubset, select_rows, with_pass_counter


def has_zero_weights(data: Dataset) -> bool:
    """Whether there are rows of weight 0."""
    return isinstance(data.share, np.ndarray) and not data.share.all()


def drop_zero_weights(data: Dataset, w: Array) -> RowSubset | None:
    """Drop the rows of weight 0, also from the rows of a pass; None if it does not pay."""
    if not has_zero_weights(data):
        return None
    index = data.weighted_rows()
    reduced = select_rows(data, index, data.share_of(index))
    return RowSubset(with_pass_counter(reduced, data, len(index)), w) if reduced else None


def without_zero_weights(data: Dataset) -> Dataset:
    """Data without rows of weight 0, even if it does not pay: the row space needs it."""
    if not has_zero_weights(data):
        return data
    reduced = data.take(data.weighted_rows(), 1.0)
    reduced.rows_per_pass = reduced.n_rows
    return reduced
