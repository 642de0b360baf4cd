"""Small helpers for second moments of the features."""

from collections.abc import Callable

import numpy as np

from ._typing import Array

STEPS, SETTLED = 20, 1e-10
"""Number of Lanczos steps, in case the start hardly has a part in the largest direction, and
the residual at which there need not be so many."""


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


def largest_eigenvalue(product: Callable[[Array], Array], start: Array, accuracy: float) -> float:
    """The largest eigenvalue of a symmetric positive semi-definite matrix, by its products.

    Lanczos iteration. The vectors are not kept and made orthogonal again: with rounding an
    eigenvalue may come up twice, but none beyond the largest. (SciPy's ARPACK takes a lock
    before version 1.17, for which other threads wait, and a process that is forked meanwhile
    for ever.)

    Parameters
    ----------
    product : callable
    start : array of shape (p,)
        With a part in every direction.
    accuracy : float
        Norm of the residual, as a part of the eigenvalue, at which it ends.

    Returns
    -------
    float
        Infinite where products overflow.
    """
    before, v, off = np.zeros_like(start), start / np.linalg.norm(start), 0.0
    projected, largest = np.zeros((0, 0)), 0.0
    for step in range(len(start)):
        w = product(v).astype(np.float64, copy=False)
        projected = np.pad(projected, (0, 1))
        projected[step, step] = v @ w
        if step:
            projected[step, step - 1] = off  # the lower half is read
        w = w - projected[step, step] * v - off * before
        off = float(np.linalg.norm(w))
        if not np.isfinite(off):
            return np.inf
        values, vectors = np.linalg.eigh(projected)
        largest = float(values[-1])
        residual = off * abs(float(vectors[-1, -1]))
        if residual <= (accuracy if step >= STEPS else SETTLED) * largest:
            break
        before, v = v, w / off
    return largest
