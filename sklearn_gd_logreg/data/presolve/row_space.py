"""Fewer rows than features: the same rows in coordinates of the space they span.

With X = T Qᵀ and orthonormal columns of Q, a weight vector w = Q v gives the scores
X w = T v and has the norm ‖w‖ = ‖v‖. Every method that is invariant to rotations,
started in the span of the rows, never leaves it: it takes the same steps on the n × n
matrix T. A start outside the span adds its own directions, which the rows do not see.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike
from scipy import linalg

from ..._typing import Array
from ..base import Dataset
from ..dense import DenseDataset
from ..factor import factorise, product, transposed_product
from ..threads import blas_threads
from .base import counted_like

MIN_ENTRIES_FOR_ROW_SPACE = 1 << 17
"""Entries of X from which a pass over them costs more than the calls that make it."""

MIN_COORDINATE_RATIO = 1e-5
"""Length of the shortest coordinate, as a part of the longest, below which it may be rounding."""

MAX_SCORE_ERROR = 1e-2
"""Part of the scores by which those of the features may differ."""

STEPS_AHEAD = 64
"""Gradients whose norms are worked out together."""

MAX_COORDINATE_BYTES = 1 << 22
"""Memory that the new coordinates may take in any case."""


@dataclass(frozen=True)
class RowSpace:
    """Orthonormal coordinates of the row space of a data set.

    Q itself is not kept: Q v = Xᵀ(M v).

    Attributes
    ----------
    data : DenseDataset
        The rows in the new coordinates, float64.
    start : array of shape (n_coordinates + intercept, n_outputs)
        The starting point in the new coordinates.
    X : matrix of shape (n_rows, n_features)
    mix : array of shape (n_rows, rank)
        M.
    outside : array of shape (n_features, n_coordinates - rank)
        Orthonormal directions of the start that the rows do not see.
    """

    data: DenseDataset
    start: Array
    X: Any
    mix: Array
    outside: Array

    def is_faithful(self, l2: float) -> bool:
        """Whether the coordinates know of the rows what a descent may make use of.

        Those of singular values are exact beside the largest entries of X. Features in units that
        make them far smaller may be lost in the rounding of these, and so may what they tell of
        the rows. It is asked of a vector that uses a coordinate as far as a ridge regression
        with the penalty ``l2`` does, by a pass over X; but not where the coordinates are about as
        long as each other, nor of Cholesky's, whose rows are well apart.
        """
        rank = self.mix.shape[1]
        scores = self.data.X[:, :rank]
        lengths = np.linalg.norm(scores, axis=0)
        if not lengths.min() < MIN_COORDINATE_RATIO * lengths.max() or not np.triu(scores, 1).any():
            return True
        v = np.zeros((self.data.n_parameters, 1))
        ridge = lengths / (lengths**2 + 4 * self.data.n_rows * l2)
        v[:rank, 0] = np.where(np.arange(rank) % 2, ridge, -ridge)
        z = scores @ v[:rank]
        self.data.passes.count += self.data.n_rows / self.data.rows_in_a_pass
        with np.errstate(over="ignore", invalid="ignore"):
            off = np.abs(product(self.X, self.expand(v)[: self.X.shape[1]]) - z).max()
        return bool(off <= MAX_SCORE_ERROR * np.abs(z).max())

    def expand(self, v: Array) -> Array:
        """Parameters, or their gradients, in the original coordinates."""
        rank, n_coordinates = self.mix.shape[1], self.data.n_features
        w = np.empty((self.X.shape[1], v.shape[1]))
        with blas_threads(self.mix.shape[0] * w.size):
            for features, columns, piece in transposed_product(self.X, self.mix @ v[:rank]):
                w[features, columns] = piece
        w += self.outside @ v[rank:n_coordinates]
        return np.vstack([w, v[n_coordinates:]])

    def coordinates(self, rows: Any) -> Array:
        """Other rows x in the new coordinates: X Q, and their part along ``outside``."""
        new = np.zeros((rows.shape[0], self.data.n_features))
        rank = self.mix.shape[1]
        with blas_threads(self.mix.size * rows.shape[1]):
            for features, columns, piece in transposed_product(self.X, self.mix):
                new[:, :rank][:, columns] += rows[:, features] @ piece
        if self.outside.shape[1]:
            new[:, rank:] = product(rows, self.outside)
        return new

    def rounding(self, v: Array, precision: DTypeLike) -> float:
        """By how much a score may change: w = Xᵀ(M v), and z = X w, are rounded in double.

        A coordinate as long as σ has 1/σ in M, and X may stretch what is rounded by the largest σ,
        twice. That is much where all rows are far from 0, without an intercept to centre them.
        """
        rank = self.mix.shape[1]
        lengths = np.linalg.norm(self.data.X[:, :rank], axis=0)
        longest = float(lengths.max(initial=0))
        used = v[:rank] / np.where(lengths > 0, lengths, np.inf)[:, np.newaxis]
        size = float(np.sqrt(np.square(used).sum(axis=0).max(initial=0)))
        return float(np.finfo(np.float64).eps) * longest**2 * size

    @property
    def steps_ahead(self) -> int:
        """One product with X gives the norms of many gradients."""
        return STEPS_AHEAD

    def max_norms(self, v: Array) -> Array:
        """Max-norm of every column of v in the original coordinates, in the precision of X."""
        rank, n_coordinates = self.mix.shape[1], self.data.n_features
        mixed, unseen = (self.mix @ v[:rank]).astype(self.X.dtype), v[rank:n_coordinates]
        norms = np.abs(v[n_coordinates:]).max(axis=0, initial=0)
        for features, columns, piece in transposed_product(self.X, mixed):
            if len(unseen):
                piece += self.outside[features] @ unseen[:, columns]
            norms[columns] = np.maximum(norms[columns], np.abs(piece).max(axis=0))
        return norms


def row_space(data: Dataset, w: Array) -> RowSpace:
    """Rewrite ``data`` and the starting point ``w`` in coordinates of the row space.

    It counts as one pass over the rows, and as another for a start that is not 0.

    Parameters
    ----------
    data : Dataset
        In any storage.
    w : array of shape (n_features + intercept, n_outputs)

    Returns
    -------
    RowSpace
    """
    scores, mix = factorise(data.X)
    if not mix.size:  # X is 0, but a descent needs a coordinate
        scores = mix = np.zeros((data.n_rows, 1))
    data.passes.count += data.n_rows / data.rows_in_a_pass
    weights = w[: data.n_features].astype(np.float64)
    inside, outside = _split(data, mix, weights)
    if outside.shape[1]:
        scores = np.hstack([scores, np.zeros((data.n_rows, outside.shape[1]))])
    share = data.share if isinstance(data.share, np.ndarray) else None
    reduced = DenseDataset(scores, data.y, share, data.intercept)
    counted_like(reduced, data)
    start = np.vstack([inside, outside.T @ weights, w[data.n_features :]])
    return RowSpace(reduced, start, data.X, mix, outside)


def _split(data: Dataset, mix: Array, weights: Array) -> tuple[Array, Array]:
    """Coordinates of the weights in the row space, and directions of what is left of them."""
    if not weights.any():
        return np.zeros((mix.shape[1], weights.shape[1])), weights[:, :0]
    data.passes.count += data.n_rows / data.rows_in_a_pass
    inside = mix.T @ product(data.X, weights)
    rest = weights.copy()
    for features, columns, piece in transposed_product(data.X, mix @ inside):
        rest[features, columns] -= piece
    if np.abs(rest).max(initial=0) <= 1e-12 * np.abs(weights).max(initial=0):
        rest = rest[:, :0]
    return inside, linalg.qr(rest, mode="economic")[0]


def row_space_pays(data: Dataset, n_steps: int) -> bool:
    """Whether so many steps are made sooner in coordinates of the row space.

    A step there reads n_rows² numbers. To get there takes about n_rows operations for
    each entry of X, but matrix products make them fast. T and M must not take more
    than a tenth of the memory of X, and `MAX_COORDINATE_BYTES`.
    """
    numbers, entries = data.n_rows**2, data.X.size
    worthwhile = (
        entries >= max(2 * numbers, MIN_ENTRIES_FOR_ROW_SPACE) and n_steps >= 10 + data.n_rows // 2
    )
    return worthwhile and 16 * numbers <= entries * data.dtype.itemsize / 10 + MAX_COORDINATE_BYTES
