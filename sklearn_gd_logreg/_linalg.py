"""Linear algebra helpers."""

from collections.abc import Callable

import numpy as np

from ._typing import Array

MIN_LANCZOS_STEPS, TIGHT_RESIDUAL = 20, 1e-10
"""Least number of Lanczos steps, since the start may be nearly orthogonal to the eigenvector; and
the relative residual at which fewer steps are enough."""


def diagonal(matrix: Array) -> Array:
    """Return the diagonal as a writable view."""
    if matrix.flags.c_contiguous:
        return matrix.reshape(-1)[:: len(matrix) + 1]
    return np.einsum("ii->i", matrix)


def unit_scale(squares: Array) -> Array:
    """Return √squares, and 1 where it is 0."""
    scale = np.sqrt(squares)
    scale[scale == 0] = 1.0
    return scale


def require_finite(moments: Array | float) -> None:
    """Raise if products of features overflow."""
    if not np.isfinite(moments).all():
        raise ValueError("Products of features in X overflow. Scale the features.")


def largest_eigenvalue(product: Callable[[Array], Array], start: Array, accuracy: float) -> float:
    """Largest eigenvalue of a symmetric positive semi-definite matrix, by Lanczos iteration.

    The Lanczos vectors are not stored and not reorthogonalised: rounding may repeat an
    eigenvalue, but adds none above the largest. (SciPy's ARPACK holds a lock before version
    1.17: threads wait for each other, and a forked process may wait forever.)

    Parameters
    ----------
    product : callable
        Maps a vector to the product of the matrix with it.
    start : array of shape (p,)
        Start vector, not orthogonal to the eigenvector.
    accuracy : float
        Relative residual at which the iteration stops.

    Returns
    -------
    float
        Infinite if products overflow.
    """
    previous, v, beta = np.zeros_like(start), start / np.linalg.norm(start), 0.0
    tridiagonal, largest = np.zeros((0, 0)), 0.0
    for step in range(len(start)):
        w = product(v).astype(np.float64, copy=False)
        tridiagonal = np.pad(tridiagonal, (0, 1))
        tridiagonal[step, step] = v @ w
        if step:
            tridiagonal[step, step - 1] = beta  # `eigh` reads the lower triangle
        w = w - tridiagonal[step, step] * v - beta * previous
        beta = float(np.linalg.norm(w))
        if not np.isfinite(beta):
            return np.inf
        values, vectors = np.linalg.eigh(tridiagonal)
        largest = float(values[-1])
        residual = beta * abs(float(vectors[-1, -1]))
        if residual <= (accuracy if step >= MIN_LANCZOS_STEPS else TIGHT_RESIDUAL) * largest:
            break
        previous, v = v, w / beta
    return largest
