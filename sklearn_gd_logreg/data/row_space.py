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

    V itself is not kept: V v = Xᵀ(U S⁻¹ v).

    Attributes
    ----------
    data : DenseDataset
        The rows in the new coordinates, float64.
    start : array of shape (n_coordinates + intercept, n_outputs)
        The starting point in the new coordinates.
    X : matrix of shape (n_rows, n_features)
    mix : array of shape (n_rows, rank)
        U S⁻¹.
    outside : array of shape (n_features, n_coordinates - rank)
        Orthonormal directions of the start that the rows do not see.
    """

    data: DenseDataset
    start: Array
    X: Any
    mix: Array
    outside: Array

    def expand(self, v: Array) -> Array:
        """Parameters in the original coordinates."""
        rank, n_coordinates = self.mix.shape[1], self.data.n_features
        w = self.X.T @ (self.mix @ v[:rank]) + self.outside @ v[rank:n_coordinates]
        return np.vstack([w, v[n_coordinates:]])


def row_space(data: Dataset, w: Array) -> RowSpace:
    """Rewrite ``data`` and the starting point ``w`` in coordinates of the row space.

    Parameters
    ----------
    data : Dataset
        In any storage. U and S come from the triangular factor of Xᵀ, worked out over
        blocks of features, or from the eigenvectors of X Xᵀ if X is sparse.
    w : array of shape (n_features + intercept, n_outputs)

    Returns
    -------
    RowSpace
    """
    X = data.X
    u, s = _from_gram(X) if sparse.issparse(X) else _from_triangle(X)
    kept = s > s.max(initial=0) * len(s) * np.finfo(np.float64).eps
    scores, mix = u[:, kept] * s[kept], u[:, kept] / s[kept]
    weights = w[: data.n_features].astype(np.float64)
    inside = mix.T @ (X @ weights)
    rest = weights - X.T @ (mix @ inside)
    if np.abs(rest).max(initial=0) <= 1e-12 * np.abs(weights).max(initial=0):
        rest = rest[:, :0]
    outside = linalg.qr(rest, mode="economic")[0]
    scores = np.hstack([scores, np.zeros((data.n_rows, outside.shape[1]))])
    share = data.share if isinstance(data.share, np.ndarray) else None
    reduced = DenseDataset(scores, data.y, share, data.intercept)
    reduced.passes = data.passes
    start = np.vstack([inside, outside.T @ weights, w[data.n_features :]])
    return RowSpace(reduced, start, X, mix, outside)


def _from_triangle(X: Array) -> tuple[Array, Array]:
    """U and S of X = U S Vᵀ: those of Rᵀ, where Xᵀ = Q R."""
    n_rows, n_features = X.shape
    triangle: Any = np.empty((0, n_rows))
    for start in range(0, n_features, 2 * n_rows):
        block = X[:, start : start + 2 * n_rows].T.astype(np.float64)
        triangle = np.linalg.qr(np.vstack([triangle, block]), mode="r")
    u, s, _ = linalg.svd(triangle.T, full_matrices=False)
    return u, s


def _from_gram(X: Any) -> tuple[Array, Array]:
    """U and S of a sparse X: U S² Uᵀ = X Xᵀ. Singular values below 1e-8 of the largest are lost."""
    squares, u = linalg.eigh((X @ X.T).astype(np.float64).toarray())
    rounding = squares[-1] * len(squares) * np.finfo(np.float64).eps
    return u, np.sqrt(np.where(squares > rounding, squares, 0.0))
