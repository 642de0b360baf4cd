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
"""Entries of X from which a pass costs more than the function calls in it."""

MIN_COORDINATE_RATIO = 1e-5
"""Ratio of the norms of the shortest and longest coordinate, below which rounding is checked."""

MAX_SCORE_ERROR = 1e-2
"""Largest relative difference between the scores from the coordinates and from the features."""

NORMS_PER_PRODUCT = 64
"""Number of gradients whose max-norms one product with X gives."""

MIN_COORDINATES_LIMIT_BYTES = 1 << 22
"""Memory for T and M that is allowed in addition to X/10."""


@dataclass(frozen=True)
class RowSpace:
    """Reduction to orthonormal coordinates of the row space.

    Q is not stored: Q v = Xᵀ(M v).

    Attributes
    ----------
    data : DenseDataset
        T, float64, and zeros for the directions ``outside``.
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
        """Whether the scores of a descent with the penalty ``l2`` survive rounding.

        Coordinates from singular values have errors relative to the largest entries of X, so
        features of much smaller scale may be lost. The check compares the scores of one vector,
        scaled as in a ridge regression with ``l2``, by a pass over X. It is skipped if all
        coordinates have similar norms, and for coordinates from Cholesky's factor.
        """
        rank = self.M.shape[1]
        scores = self.data.X[:, :rank]
        lengths = np.linalg.norm(scores, axis=0)
        if not lengths.min() < MIN_COORDINATE_RATIO * lengths.max() or not np.triu(scores, 1).any():
            return True
        v = np.zeros((self.data.n_parameters, 1))
        ridge = lengths / (lengths**2 + 4 * self.data.n_rows * l2)
        v[:rank, 0] = np.where(np.arange(rank) % 2, ridge, -ridge)
        z = scores @ v[:rank]
        self.data.count_pass()
        with np.errstate(over="ignore", invalid="ignore"):
            error = np.abs(product(self.X, self.expand(v)[: self.X.shape[1]]) - z).max()
        return bool(error <= MAX_SCORE_ERROR * np.abs(z).max())

    def expand(self, v: Array) -> Array:
        """Parameters, or their gradients, in the original coordinates."""
        rank, n_coordinates = self.M.shape[1], self.data.n_features
        w = np.empty((self.X.shape[1], v.shape[1]))
        with blas_threads(self.M.shape[0] * w.size):
            for features, columns, block in transposed_product(self.X, self.M @ v[:rank]):
                w[features, columns] = block
        w += self.outside @ v[rank:n_coordinates]
        return np.vstack([w, v[n_coordinates:]])

    def transform(self, X: Any) -> Array:
        """Coordinates of other rows: their products with Q and with ``outside``."""
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

        A coordinate of norm σ has entries 1/σ in M, and the products with Xᵀ and X multiply errors
        by the largest σ each. That is large for rows with a large offset and no intercept.
        """
        rank = self.M.shape[1]
        lengths = np.linalg.norm(self.data.X[:, :rank], axis=0)
        longest = float(lengths.max(initial=0))
        used = v[:rank] / np.where(lengths > 0, lengths, np.inf)[:, np.newaxis]
        size = float(np.sqrt(np.square(used).sum(axis=0).max(initial=0)))
        return float(np.finfo(np.float64).eps) * longest**2 * size

    @property
    def norms_per_product(self) -> int:
        """One product with X gives the max-norms of so many gradients."""
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

    It counts as one pass, or two if w is not 0.

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
    inside, outside = _split(data, M, coef)
    if outside.shape[1]:
        T = np.hstack([T, np.zeros((data.n_rows, outside.shape[1]))])
    share = data.share if isinstance(data.share, np.ndarray) else None
    reduced = DenseDataset(T, data.y, share, data.intercept)
    with_pass_counter(reduced, data)
    start = np.vstack([inside, outside.T @ coef, w[data.n_features :]])
    return RowSpace(reduced, start, data.X, M, outside)


def _split(data: Dataset, M: Array, coef: Array) -> tuple[Array, Array]:
    """Coordinates of ``coef`` in the row space, and a basis of its components outside."""
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
    """Whether ``n_steps`` steps are faster in coordinates of the row space.

    A step there reads n_rows² entries. The factorisation takes about n_rows operations for
    each entry of X, but in fast matrix products. T and M may take X/10 and
    `MIN_COORDINATES_LIMIT_BYTES`.
    """
    new_entries, entries = data.n_rows**2, data.X.size
    is_faster = (
        entries >= max(2 * new_entries, MIN_ENTRIES_FOR_ROW_SPACE)
        and n_steps >= 10 + data.n_rows // 2
    )
    limit = entries * data.dtype.itemsize / 10 + MIN_COORDINATES_LIMIT_BYTES
    return is_faster and 16 * new_entries <= limit
