"""The Fisher information F of the model, as a sum over blocks of rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ._linalg import diagonal
from ._typing import Array, Precision
from .data import ALL, Dataset, Rows, pairs
from .loss import CrossEntropy
from .penalty import ElasticNet

MIN_VARIANCE = 1e-10
"""Least a(1 − a) by which dz is divided: far out it is 0 to rounding, and dz is not."""

MAX_WORK_IN_ONE_PRODUCT = 50_000
"""Multiplications up to which F is put together from the pairs of classes in one product."""


def joined(grams: Array, n_outputs: int) -> Array:
    """F of the loss from the Σ share · a_c a_d · xxᵀ of the pairs of classes c < d.

    Their negatives are the blocks of F off the diagonal, one block for two classes. Those
    on the diagonal follow without a difference, since 1 − a_c is the sum of the other a_d.
    """
    if n_outputs == 1:
        return grams[0]
    side, own = grams.shape[1], np.arange(n_outputs)
    if n_outputs**2 * grams.size <= MAX_WORK_IN_ONE_PRODUCT:  # what costs time there are the calls
        flat = np.dot(_signs(n_outputs), grams.reshape(len(grams), -1))
        by_class = flat.reshape(n_outputs, n_outputs, side, side).transpose(2, 0, 3, 1)
        return by_class.reshape(side * n_outputs, side * n_outputs)
    first, second = pairs(n_outputs)
    by_class = np.zeros((side, n_outputs, side, n_outputs))
    by_class[:, first, :, second] = by_class[:, second, :, first] = grams
    sums = np.add.reduce(by_class, axis=1)
    np.negative(by_class, out=by_class)
    by_class[:, own, :, own] = sums.transpose(2, 0, 1)
    return by_class.reshape(side * n_outputs, side * n_outputs)


@cache
def _signs(n_outputs: int) -> Array:
    """How often the matrix of each pair of classes is in each block of F: 1, 0 or −1 times."""
    first, second = pairs(n_outputs)
    signs, pair = np.zeros((n_outputs, n_outputs, len(first))), np.arange(len(first))
    signs[first, second, pair] = signs[second, first, pair] = -1
    signs[first, first, pair] = signs[second, second, pair] = 1
    return signs.reshape(n_outputs**2, -1)


@dataclass(frozen=True)
class FisherInformation:
    """F = Σ share · (diag(a) − aaᵀ) ⊗ xxᵀ + l2 I, a function of w: the Hessian of J's smooth part.

    Attributes
    ----------
    data : Dataset
    loss : CrossEntropy
    penalty : ElasticNet
    """

    data: Dataset
    loss: CrossEntropy
    penalty: ElasticNet

    def __call__(
        self,
        w: Array,
        features: NDArray[np.intp] | slice = ALL,
        precision: Precision = np.float64,
    ) -> Array:
        """Fisher information of the chosen features (and the intercept), float64.

        F = Σ share · (diag(a) − aaᵀ) ⊗ xxᵀ + l2 I, which is the Hessian of the smooth
        part of J. For two classes diag(a) − aaᵀ is a(1 − a).

        Parameters
        ----------
        w : array of shape (n_parameters, n_outputs)
        features : array of ints or slice, default=all
        precision : float64 or float32, default=float64
            In which dense rows are multiplied; sums over blocks of rows are in float64.

        Returns
        -------
        array of shape (p, p)
            p counts the parameters of the chosen features, and of the intercept
            if there is one, in the order of ``w.ravel()``.
        """

        def grams(rows: Rows) -> tuple[Array]:
            a = self.loss.lines(rows.forward(w).astype(np.float64, copy=False))
            return (rows.pair_grams(a, features, precision),)

        return self.of_grams(self.data.sum(grams, self.size_of_grams(features), products=True)[0])

    def of_grams(self, grams: Array) -> Array:
        """F from the Σ share · a_c a_d · xxᵀ of the pairs of classes."""
        n_outputs, side = self.loss.n_outputs, grams.shape[1]
        fisher = joined(grams, n_outputs)
        n_penalised = (side - self.data.intercept) * n_outputs
        diagonal(fisher)[:n_penalised] += self.penalty.l2
        return fisher

    def size_of_grams(self, features: NDArray[np.intp] | slice = ALL) -> int:
        """Entries of the matrices of all pairs of classes."""
        side = self.data.n_parameters
        if not isinstance(features, slice):
            side = len(features) + self.data.intercept
        n_outputs = self.loss.n_outputs
        return max(1, n_outputs * (n_outputs - 1) // 2) * side**2

    def kronecker_factors(self, w: Array) -> tuple[Array, Array]:
        """F of independent features and classes: G (p, p) and A (n_outputs, n_outputs).

        A = Σ share · (diag(a) − aaᵀ), and G = Σ h xxᵀ / Σ h with h = share · Σ a(1 − a).
        """

        def moments(rows: Rows) -> tuple[Array, Array, Array]:
            a = self.loss.activations(rows.forward(w).astype(np.float64))
            weighted = rows.shares()[:, np.newaxis] * a
            h = weighted * (1 - a)
            return rows.gram(np.sqrt(h.sum(axis=1)), ALL), h.sum(axis=0), weighted.T @ a

        gram, own, products = self.data.sum(moments, self.data.n_parameters**2, products=True)
        classes = np.negative(products)
        diagonal(classes)[...] = own
        return gram / max(float(own.sum()), np.finfo(np.float64).tiny), classes

    def row_derivatives(self, w: Array) -> tuple[Array, Array]:
        """For every row dz and share · a(1 − a), of one score; one pass forward."""
        dz, h = np.empty((2, self.data.n_rows))

        def forward(rows: Rows) -> tuple[float]:
            z = rows.forward(w).astype(np.float64, copy=False)
            loss, slopes, a = self.loss.loss_dz_and_a(z, rows.y, rows.share)
            dz[rows.index] = slopes[:, 0]
            h[rows.index] = rows.shares() * np.maximum(a[0] * a[1], MIN_VARIANCE)
            return (loss,)

        self.data.sum(forward)
        return dz, h

    def trace_by_row(self, w: Array) -> Array:
        """For every row share · Σ a(1 − a) over the classes, its part in F; one pass forward."""
        mass = np.empty(self.data.n_rows, np.float32)

        def forward(rows: Rows) -> tuple[float]:
            a = self.loss.lines(rows.forward(w).astype(np.float64, copy=False))
            mass[rows.index] = rows.shares() * (a * (1 - a)).sum(axis=0)
            return (0.0,)

        self.data.sum(forward)
        return mass

    def diagonal(self, w: Array) -> Array:
        """The diagonal of F, in the shape of w; one pass."""

        def squares(rows: Rows) -> tuple[Array]:
            a = self.loss.activations(rows.forward(w).astype(np.float64, copy=False))
            return (rows.squares(rows.shares()[:, np.newaxis] * a * (1 - a)),)

        of_rows: Array = self.data.sum(squares, w.size)[0]
        return of_rows + self.penalty.gradient(np.ones_like(of_rows))

    def product(self, w: Array) -> FisherProduct:
        """The map v ↦ Fv for v of the shape of w; one pass forward, and one for each call."""
        a = np.empty((self.data.n_rows, w.shape[1]), dtype=w.dtype)

        def remember(rows: Rows) -> tuple[Array]:
            a[rows.index] = block = self.loss.activations(rows.forward(w))
            return (np.sum(rows.share * block * (1 - block), axis=0, dtype=np.float64),)

        return FisherProduct(self.data, self.penalty, a, self.data.sum(remember)[0])


@dataclass(frozen=True)
class FisherProduct:
    """Products with F at one point, whose activations are kept.

    Attributes
    ----------
    data : Dataset
    penalty : ElasticNet
    a : array of shape (n_rows, n_outputs)
    variance : array of shape (n_outputs,)
        Σ share · a(1 − a).
    """

    data: Dataset
    penalty: ElasticNet
    a: Array
    variance: Array

    def __call__(self, v: Array) -> Array:
        """Fv for v of the shape of w, in its precision."""

        def block(rows: Rows) -> tuple[Array]:
            a = self.a[rows.index]
            weighted = a * rows.forward(v)
            weighted -= a * weighted.sum(axis=1, keepdims=True)
            weighted *= rows.share
            return (rows.backward(weighted),)

        of_rows: Array = self.data.sum(block, v.size)[0]
        return of_rows + self.penalty.gradient(v)

    def diagonal(self, mean_squares: Array) -> Array:
        """Diagonal of F, shape of w, as if a(1 − a) did not vary with x.

        ``mean_squares`` are those of the features, and 1 for an intercept.
        """
        squares = mean_squares[:, np.newaxis]
        ones = np.ones((len(squares), len(self.variance)))
        return squares * self.variance + self.penalty.gradient(ones)
