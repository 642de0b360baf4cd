"""Small helpers for second moments of the features."""

import numpy as np

from ._typing import Array


def diagonal(matrix: Array) -> Array:
    """The diagonal as a view that can be written to."""
    if matrix.flags.c_contiguous:
        return matrix.reshape(-1)[:: len(matrix) + 1]
    return np.einsum("ii->i", matrix)


def unit_scale(squares: Array) -> Array:
    """√squares, and 1 where that is 0: dividing by it gives a unit diagonal."""
    scale = np.sqrt(squares)
    scale[scale == 0] = 1.0
    return scale


def require_finite(moments: Array | float) -> None:
    """Raise if products of features have overflowed."""
    if not np.isfinite(moments).all():
        raise ValueError("Products of features in X overflow. Scale the features.")
