"""Fewer rows than features: the same rows in coordinates of the space they span.

With X = U S Vᵀ a weight vector w = V v gives the scores X w = (U S) v and has the
norm ‖w‖ = ‖v‖. Every method that is invariant to rotations, started in the span
of the rows, never leaves it: it takes the same steps on the n × n matrix U S. A
start outside the span adds its own directions, which the rows do not see.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import linalg, sparse

from .._typing import Array
from .base import Dataset
from .dense import DenseDataset


@dataclass(frozen=True)
class RowSpace:
    """Orthonormal coordinates of the row space of a data set.

    Attributes
    ----------
    data : DenseDataset
        The rows in the new coordinates, float64.
    start : array of shape (n_coordinates + intercept, n_outputs)
        The starting point in the new coordinates.
    basis : array of shape (n_features, n_coordinates)
        V, so that w = V v.
    """

    data: DenseDataset
    start: Array
    basis: Array

    def expand(self, v: Array) -> Array:
        """Parameters in the original coordinates."""
        n_coordinates = self.basis.shape[1]
        return np.vstack([self.basis @ v[:n_coordinates], v[n_coordinates:]])


def row_space(data: Dataset, w: Array) -> RowSpace:
    """Rewrite ``data`` and the starting point ``w`` in coordinates of the row space.

    Parameters
    ----------
    data : Dataset
        Any storage; dense rows go through a singular value decomposition, sparse
        ones through the eigenvectors of X Xᵀ, so that nothing large is densified
        but the basis itself.
    w : array of shape (n_features + intercept, n_outputs)

    Returns
    -------
    RowSpace
    """
    decompose = _decompose_sparse if sparse.issparse(data.X) else _decompose_dense
    scores, basis = decompose(data.X)
    weights = w[: data.n_features].astype(np.float64)
    outside = weights - basis @ (basis.T @ weights)
    if np.abs(outside).max(initial=0) > 1e-12 * np.abs(weights).max(initial=0):
        extra = linalg.qr(outside, mode="economic")[0]
        basis = np.hstack([basis, extra])
        scores = np.hstack([scores, np.zeros((data.n_rows, extra.shape[1]))])
    share = data.share if isinstance(data.share, np.ndarray) else None
    reduced = DenseDataset(scores, data.y, share, data.intercept)
    reduced.passes = data.passes
    start = np.vstack([basis.T @ weights, w[data.n_features :]])
    return RowSpace(reduced, start, basis)


def _decompose_dense(X: Array) -> tuple[Array, Array]:
    u, s, vt = linalg.svd(X.astype(np.float64), full_matrices=False, overwrite_a=True)
    return u * s, vt.T


def _decompose_sparse(X: Any) -> tuple[Array, Array]:
    squares, u = linalg.eigh((X @ X.T).astype(np.float64).toarray())
    kept = squares > squares[-1] * len(squares) * np.finfo(np.float64).eps
    s, u = np.sqrt(squares[kept]), u[:, kept]
    return u * s, np.asarray(X.T @ (u / s))
