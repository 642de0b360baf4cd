"""Rows of weight 0 are left out: they add nothing to a sum."""

from __future__ import annotations

import numpy as np

from ..._typing import Array
from ..base import Dataset
from .base import FewerRows, counted_like, with_rows


def has_zero_weights(data: Dataset) -> bool:
    """Whether there are rows of weight 0."""
    return isinstance(data.share, np.ndarray) and not data.share.all()


def leave_out_zero_weights(data: Dataset, w: Array) -> FewerRows | None:
    """The rows of non-zero weight, which are a pass; None where it does not pay."""
    if not has_zero_weights(data):
        return None
    index = data.weighted_rows()
    part = with_rows(data, index, data.share_of(index))
    return FewerRows(counted_like(part, data, len(index)), w) if part else None


def weighted_part(data: Dataset) -> Dataset:
    """The data without rows of weight 0, whatever it costs: they span a part of the row space."""
    if not has_zero_weights(data):
        return data
    part = data.take(data.weighted_rows(), 1.0)
    part.rows_in_a_pass = part.n_rows
    return part
