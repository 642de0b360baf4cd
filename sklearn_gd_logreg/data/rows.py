"""Blocks of rows: products with X and sums over the rows of a block."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._typing import Array, Precision

ALL = slice(None)

CHUNK_ENTRIES = 1 << 17
"""Entries of X that are copied at a time: 1 MB of float64."""


@dataclass(frozen=True)
class Rows(ABC):
    """A block of rows (x, y), each with its share.

    Parameters are one array w of shape (n_features + intercept, n_outputs); its
    last row is b if there is an intercept.

    Attributes
    ----------
    X : matrix of shape (m, n_features)
    y : array of m entries
        Labels as `CrossEntropy.targets` encodes them.
    share : array of shape (m, 1) or float
        Sample weight over the sum of all sample weights, sᵢ / Σs, so that Σ share · ℒ is the
        weighted mean of ℒ. A float if all are equal.
    index : slice
        Position of the rows in the data set.
    intercept : bool
        Whether w has an intercept.
    """

    X: Any
    y: NDArray[np.generic]
    share: Array | float
    index: slice
    intercept: bool

    def forward(self, w: Array) -> Array:
        """Scores z = Xw + b, shape (m, n_outputs); at w = 0 they are 0 and X is not read."""
        if not (w[-1:].any() or w.any()):
            return np.zeros((self.X.shape[0], w.shape[1]), np.result_type(self.X.dtype, w.dtype))
        if not self.intercept:
            return self.times(w)
        z = self.times(w[:-1])
        z += w[-1]
        return z

    def forward_float64(self, w: Array) -> Array:
        """`forward` in float64."""
        return self.forward(w).astype(np.float64, copy=False)

    def weight_of(self, chosen: NDArray[np.bool_]) -> float:
        """Sum of the shares of some rows."""
        return float(self.shares() @ chosen)

    def backward(self, dz: Array) -> Array:
        """Xᵀdz, and Σdz for the intercept; shape (n_features + intercept, n_outputs)."""
        dw = self.transposed_times(dz)
        if not self.intercept:
            return dw
        db = np.add.reduce(dz.T, axis=1, keepdims=True).T
        return np.concatenate((dw, db))

    @abstractmethod
    def times(self, w: Array) -> Array:
        """Xw, shape (m, w.shape[1])."""

    def is_rowwise(self, n_outputs: int) -> bool:
        """Whether the bits of a row of `times` do not depend on the other rows."""
        return False

    @abstractmethod
    def transposed_times(self, dz: Array) -> Array:
        """Xᵀdz, shape (n_features, dz.shape[1])."""

    def shares(self) -> Array:
        """`share` as a float64 array of shape (m,)."""
        return np.broadcast_to(np.asarray(self.share, dtype=np.float64).ravel(), (self.X.shape[0],))

    @abstractmethod
    def gram(
        self, root: Array, columns: NDArray[np.intp] | slice, precision: Precision = np.float64
    ) -> Array:
        """Gram matrix Σ rootᵢ² xᵢxᵢᵀ of the chosen features and, last, the intercept; float64.

        Dense rows are multiplied in ``precision``.
        """

    def pair_grams(
        self,
        a: Array,
        columns: NDArray[np.intp] | slice = ALL,
        precision: Precision = np.float64,
    ) -> Array:
        """Σ share · a_c a_d · xxᵀ of each pair of classes c < d, stacked; float64.

        ``a`` has shape (n_classes, m).
        """
        share = self.shares()
        roots = (np.sqrt(share * a[c] * a[d]) for c, d in zip(*pairs(len(a)), strict=True))
        grams = [self.gram(root, columns, precision) for root in roots]
        return np.stack(grams) if len(grams) > 1 else grams[0][np.newaxis]

    @abstractmethod
    def counts_and_squares(self) -> tuple[NDArray[np.intp], Array]:
        """Number of non-zero entries of each feature, and the sum of their squares."""

    @abstractmethod
    def squares(self, h: Array) -> Array:
        """Σ hᵢ xᵢ² for each column of h: (n_features + intercept, h.shape[1]); float64."""


@cache
def pairs(n: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """All pairs c < d of 0 … n − 1."""
    first, second = np.triu_indices(n, 1)
    return first, second


@dataclass(frozen=True)
class BlockGroup:
    """Consecutive blocks of equal length, which one thread works on at a time.

    A thread that works on a group makes a few long calls in place of many short ones. After each
    call it waits for the lock of the Python interpreter.

    Attributes
    ----------
    rows : Rows
        All rows as one block, for elementwise operations.
    blocks : tuple of Rows
        The blocks, for sums over rows.
    """

    rows: Rows
    blocks: tuple[Rows, ...]

    def forward(self, w: Array) -> Array:
        """Scores of all rows, with the bits of `Rows.forward` of each block."""
        if self.rows.is_rowwise(w.shape[1]):
            return self.rows.forward(w)
        return np.concatenate([block.forward(w) for block in self.blocks])


# -- parts of Gram matrices ----------------------------------------------------------------


def gram_and_sum(scaled: Array, root: Array) -> tuple[Array, Array]:
    """Σ rootᵢ² xᵢxᵢᵀ, float64, and Σ rootᵢ² xᵢ, from the rows rootᵢ xᵢ."""
    return np.dot(scaled.T, scaled).astype(np.float64, copy=False), np.dot(root, scaled)


def sum_of_pairs(parts: Iterator[tuple[Array, Array]]) -> tuple[Array, Array]:
    """Sum of pairs, entry by entry."""
    first, second = next(parts)
    for next_first, next_second in parts:
        first, second = first + next_first, second + next_second
    return first, second


def bordered(matrix: Array, border: Array, corner: float) -> Array:
    """Symmetric matrix with one more row and column, (border, corner)."""
    side = len(matrix)
    larger = np.empty((side + 1, side + 1))
    larger[:side, :side] = matrix
    larger[side, :side] = larger[:side, side] = border
    larger[side, side] = corner
    return larger


def even_slices(n: int, n_slices: int) -> Iterator[slice]:
    """Yield slices of 0 … n − 1, as `sklearn.utils.gen_even_slices`; none is empty if n > 0."""
    n_slices = max(1, min(n, n_slices))
    for start, stop in pairwise(n * k // n_slices for k in range(n_slices + 1)):
        yield slice(start, stop)
