"""Reduction of data with fewer rows than features to coordinates of the row space.

With X = T Qᵀ and orthonormal columns of Q, coefficients w = Q v have the scores X w = T v and the
norm ‖w‖ = ‖v‖. A rotation-invariant method that starts in the row space stays there, so it
takes the same steps on the n × n matrix T. A start outside adds directions orthogonal to the rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike
from scipy import linalg

from ..._typing import Array
from ..base import Dataset
from ..blas import blas_threads
from ..dense import DenseDataset
from ..factor import factorise, product, transposed_product
from .base import with_pass_counter

MIN_ENTRIES_FOR_ROW_SPACE = 1 << 17
"""Entries of X from which a pass takes longer than its function calls."""

MIN_COORDINATE_RATIO = 1e-5
"""Smallest over largest column norm of T below which rounding is checked."""

MAX_SCORE_ERROR = 1e-2
"""Largest relative difference between the scores T v and X w of an accurate reduction."""

NORMS_PER_PRODUCT = 64
"""Number of gradients whose max-norms are computed by one product with X."""

BASE_MEMORY_LIMIT_BYTES = 1 << 22
"""Memory limit for T and M, in addition to a tenth of that of X."""


@dataclass(frozen=True)
class RowSpace:
    """Reduction to orthonormal coordinates of the row space.

    Q is not stored: Q v = Xᵀ(M v).

    Attributes
    ----------
    data : DenseDataset
        T in float64, with a column of zeros for each direction ``outside``.
    start : array of shape (n_coordinates + intercept, n_outputs)
        The starting point in the new coordinates.
    X : matrix of shape (n_rows, n_features)
        The original rows.
    M : array of shape (n_rows, rank)
        Q = XᵀM.
    outside : array of shape (n_features, n_coordinates - rank)
        Orthonormal directions of the start that are orthogonal to the rows.
    """

    data: DenseDataset
    start: Array
    X: Any
    M: Array
    outside: Array

    def is_accurate(self, l2: float) -> bool:
        """Whether rounding leaves the scores of a descent with the penalty ``l2`` accurate.

        Coordinates from singular values have errors relative to the largest entries of X, so
        features of much smaller scale may be lost. The check is one pass over X: it compares T v
        with X w for a vector v scaled like the solution of a ridge regression with ``l2``. It is
        skipped if all columns of T have similar norms, or if T is a Cholesky factor.
        """
        rank = self.M.shape[1]
        T = self.data.X[:, :rank]
        column_norms = np.linalg.norm(T, axis=0)
        if (
            not column_norms.min() < MIN_COORDINATE_RATIO * column_norms.max()
            or not np.triu(T, 1).any()
        ):
            return True
        v = np.zeros((self.data.n_parameters, 1))
        ridge = column_norms / (column_norms**2 + 4 * self.data.n_rows * l2)
        v[:rank, 0] = np.where(np.arange(rank) % 2, ridge, -ridge)
        z = T @ v[:rank]
        self.data.count_pass()
        with np.errstate(over="ignore", invalid="ignore"):
            error = np.abs(product(self.X, self.expand(v)[: self.X.shape[1]]) - z).max()
        return bool(error <= MAX_SCORE_ERROR * np.abs(z).max())

    def expand(self, v: Array) -> Array:
        """Transform parameters or gradients v to coordinates of the features: w = Q v."""
        rank, n_coordinates = self.M.shape[1], self.data.n_features
        w = np.empty((self.X.shape[1], v.shape[1]))
        with blas_threads(self.M.shape[0] * w.size):
            for features, columns, block in transposed_product(self.X, self.M @ v[:rank]):
                w[features, columns] = block
        w += self.outside @ v[rank:n_coordinates]
        return np.vstack([w, v[n_coordinates:]])

    def transform(self, X: Any) -> Array:
        """Coordinates of other rows: their products with Q and ``outside``."""
        T = np.zeros((X.shape[0], self.data.n_features))
        rank = self.M.shape[1]
        with blas_threads(self.M.size * X.shape[1]):
            for features, columns, block in transposed_product(self.X, self.M):
                T[:, :rank][:, columns] += X[:, features] @ block
        if self.outside.shape[1]:
            T[:, rank:] = product(X, self.outside)
        return T

    def score_error(self, v: Array, precision: DTypeLike) -> float:
        """Bound on the rounding error of a score z = X w, w = Xᵀ(M v), in float64.

        A column of norm σ in T has entries 1/σ in M, and the products with Xᵀ and X each amplify
        errors by the largest σ. The bound is large for rows with a large offset and no intercept.
        """
        rank = self.M.shape[1]
        column_norms = np.linalg.norm(self.data.X[:, :rank], axis=0)
        largest_norm = float(column_norms.max(initial=0))
        scaled = v[:rank] / np.where(column_norms > 0, column_norms, np.inf)[:, np.newaxis]
        coefficient_norm = float(np.sqrt(np.square(scaled).sum(axis=0).max(initial=0)))
        return float(np.finfo(np.float64).eps) * largest_norm**2 * coefficient_norm

    @property
    def norms_per_product(self) -> int:
        """Number of gradients whose max-norms are computed by one product with X."""
        return NORMS_PER_PRODUCT

    def max_norms(self, v: Array) -> Array:
        """Max-norm of each column of v in the original coordinates, in the precision of X."""
        rank, n_coordinates = self.M.shape[1], self.data.n_features
        inside, outside = (self.M @ v[:rank]).astype(self.X.dtype), v[rank:n_coordinates]
        norms = np.abs(v[n_coordinates:]).max(axis=0, initial=0)
        for features, columns, block in transposed_product(self.X, inside):
            if len(outside):
                block += self.outside[features] @ outside[:, columns]
            norms[columns] = np.maximum(norms[columns], np.abs(block).max(axis=0))
        return norms


def row_space(data: Dataset, w: Array) -> RowSpace:
    """Transform ``data`` and the starting point ``w`` to coordinates of the row space.

    This counts as one pass, or two if the coefficients in w are not 0.

    Parameters
    ----------
    data : Dataset
    w : array of shape (n_features + intercept, n_outputs)

    Returns
    -------
    RowSpace
    """
    T, M = factorise(data.X)
    if not M.size:  # X is 0, but a descent needs a coordinate
        T = M = np.zeros((data.n_rows, 1))
    data.count_pass()
    coef = w[: data.n_features].astype(np.float64)
    inside, outside = _split_start(data, M, coef)
    if outside.shape[1]:
        T = np.hstack([T, np.zeros((data.n_rows, outside.shape[1]))])
    share = data.share if isinstance(data.share, np.ndarray) else None
    reduced = DenseDataset(T, data.y, share, data.intercept)
    with_pass_counter(reduced, data)
    start = np.vstack([inside, outside.T @ coef, w[data.n_features :]])
    return RowSpace(reduced, start, data.X, M, outside)


def _split_start(data: Dataset, M: Array, coef: Array) -> tuple[Array, Array]:
    """Coordinates of ``coef`` in the row space, and an orthonormal basis of the part outside."""
    if not coef.any():
        return np.zeros((M.shape[1], coef.shape[1])), coef[:, :0]
    data.count_pass()
    inside = M.T @ product(data.X, coef)
    rest = coef.copy()
    for features, columns, block in transposed_product(data.X, M @ inside):
        rest[features, columns] -= block
    if np.abs(rest).max(initial=0) <= 1e-12 * np.abs(coef).max(initial=0):
        rest = rest[:, :0]
    return inside, linalg.qr(rest, mode="economic")[0]


def row_space_pays(data: Dataset, n_steps: int) -> bool:
    """Whether ``n_steps`` steps are faster in the row space, and T and M small enough to store.

    A step there reads n_rows² entries. The factorisation takes about n_rows operations for
    each entry of X, but in fast matrix products. The memory limit for T and M is a tenth of that
    of X, plus `BASE_MEMORY_LIMIT_BYTES`.
    """
    if data.X is None:
        return False
    new_entries, entries = data.n_rows**2, data.X.size
    is_faster = (
        entries >= max(2 * new_entries, MIN_ENTRIES_FOR_ROW_SPACE)
        and n_steps >= 10 + data.n_rows // 2
    )
    limit = entries * data.dtype.itemsize / 10 + BASE_MEMORY_LIMIT_BYTES
    return is_faster and 16 * new_entries <= limit
