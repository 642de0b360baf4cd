"""The Fisher information F, as a sum over blocks of rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._linalg import diagonal
from ._namespace import namespace
from ._typing import Array, Precision
from .data import ALL, Dataset, Rows, pairs
from .loss import CrossEntropy
from .penalty import ElasticNet

MIN_VARIANCE = 1e-10
"""Lower bound on the a(1 − a) that dz is divided by: it underflows before dz does."""

MAX_WORK_IN_ONE_PRODUCT = 50_000
"""Multiplications up to which one matrix product assembles F from the pairs of classes."""


def assemble_fisher(grams: Array, n_outputs: int) -> Array:
    """F of the loss from ``grams``, the Σ share · a_c a_d · xxᵀ of the pairs of classes c < d.

    The off-diagonal blocks of F are −grams. The diagonal blocks are sums of grams, since
    1 − a_c is the sum of the other a_d: no difference cancels digits.
    """
    if n_outputs == 1:
        return grams[0]
    side, classes = grams.shape[1], np.arange(n_outputs)
    if n_outputs**2 * grams.size <= MAX_WORK_IN_ONE_PRODUCT:  # few calls: they dominate here
        flat = np.dot(_signs(n_outputs), grams.reshape(len(grams), -1))
        by_class = flat.reshape(n_outputs, n_outputs, side, side).transpose(2, 0, 3, 1)
        return by_class.reshape(side * n_outputs, side * n_outputs)
    first, second = pairs(n_outputs)
    by_class = np.zeros((side, n_outputs, side, n_outputs))
    by_class[:, first, :, second] = by_class[:, second, :, first] = grams
    sums = np.add.reduce(by_class, axis=1)
    np.negative(by_class, out=by_class)
    by_class[:, classes, :, classes] = sums.transpose(2, 0, 1)
    return by_class.reshape(side * n_outputs, side * n_outputs)


@cache
def _signs(n_outputs: int) -> Array:
    """Coefficient, 1, 0 or −1, of the Gram matrix of each pair of classes in each block of F."""
    first, second = pairs(n_outputs)
    signs, pair = np.zeros((n_outputs, n_outputs, len(first))), np.arange(len(first))
    signs[first, second, pair] = signs[second, first, pair] = -1
    signs[first, first, pair] = signs[second, second, pair] = 1
    return signs.reshape(n_outputs**2, -1)


class FisherInformation(NamedTuple):
    """F(w) = Σ share · (diag(a) − aaᵀ) ⊗ xxᵀ + l2 I, the Hessian of the smooth part of J.

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
        """F of the chosen features and the intercept, float64; one pass.

        For two classes diag(a) − aaᵀ is a(1 − a).

        Parameters
        ----------
        w : array of shape (n_parameters, n_outputs)
        features : array of ints or slice, default=all
        precision : float64 or float32, default=float64
            Precision of the products of dense rows. Sums over blocks are in float64.

        Returns
        -------
        array of shape (p, p)
            p parameters: those of the chosen features and of the intercept, if any, in
            the order of ``w.ravel()``.
        """
        loss = self.loss

        def grams(rows: Rows) -> tuple[Array]:
            a = loss.class_probabilities(rows.forward_float64(w))
            return (rows.pair_grams(a, features, precision),)

        return self.from_pair_grams(
            self.data.sum(grams, self.pair_grams_size(features), products=True)[0]
        )

    def from_pair_grams(self, grams: Array) -> Array:
        """F from the Σ share · a_c a_d · xxᵀ of the pairs of classes c < d."""
        n_outputs, side = self.loss.n_outputs, grams.shape[1]
        fisher = assemble_fisher(grams, n_outputs)
        n_penalised = (side - self.data.intercept) * n_outputs
        diagonal(fisher)[:n_penalised] += self.penalty.l2
        return fisher

    def pair_grams_size(self, features: NDArray[np.intp] | slice = ALL) -> int:
        """Number of entries of the Gram matrices of all pairs of classes."""
        side = self.data.n_parameters
        if not isinstance(features, slice):
            side = len(features) + self.data.intercept
        n_outputs = self.loss.n_outputs
        return max(1, n_outputs * (n_outputs - 1) // 2) * side**2

    def kronecker_factors(self, w: Array) -> tuple[Array, Array]:
        """Kronecker factors G (p, p) and A (n_outputs, n_outputs) of F ≈ G ⊗ A; one pass.

        A = Σ share · (diag(a) − aaᵀ), and G = Σ h xxᵀ / Σ h with h = share · Σ a(1 − a).
        """
        loss = self.loss

        def moments(rows: Rows) -> tuple[Array, Array, Array]:
            a = loss.activations(rows.forward_float64(w))
            xp, weighted = namespace(a), rows.shares()[:, np.newaxis] * a
            h = weighted * (1 - a)
            gram = rows.gram(xp.sqrt(xp.sum(h, axis=1)), ALL)
            return gram, xp.sum(h, axis=0), weighted.T @ a

        gram, variances, products = self.data.sum(moments, self.data.n_parameters**2, products=True)
        classes = np.negative(products)
        diagonal(classes)[...] = variances
        return gram / max(float(variances.sum()), np.finfo(np.float64).tiny), classes

    def row_derivatives(self, w: Array) -> tuple[Array, Array]:
        """The dz and share · a(1 − a) of each row, for one score; one forward pass."""
        dz, h = np.empty((2, self.data.n_rows))

        def forward(rows: Rows) -> tuple[float]:
            z = rows.forward_float64(w)
            loss, block_dz, a = self.loss.loss_dz_and_probabilities(z, rows.y, rows.share)
            dz[rows.index] = block_dz[:, 0]
            h[rows.index] = rows.shares() * np.maximum(a[0] * a[1], MIN_VARIANCE)
            return (loss,)

        self.data.sum(forward)
        return dz, h

    def row_traces(self, w: Array) -> Array:
        """Trace of share · (diag(a) − aaᵀ) of each row; one forward pass."""
        traces = np.empty(self.data.n_rows, np.float32)

        def forward(rows: Rows) -> tuple[float]:
            a = self.loss.class_probabilities(rows.forward_float64(w))
            traces[rows.index] = rows.shares() * (a * (1 - a)).sum(axis=0)
            return (0.0,)

        self.data.sum(forward)
        return traces

    def diagonal(self, w: Array) -> Array:
        """Diagonal of F, in the shape of w; one pass."""
        loss = self.loss

        def squares(rows: Rows) -> tuple[Array]:
            a = loss.activations(rows.forward_float64(w))
            return (rows.squares(rows.shares()[:, np.newaxis] * a * (1 - a)),)

        of_rows: Array = self.data.sum(squares, w.size)[0]
        return of_rows + self.penalty.gradient(np.ones_like(of_rows))

    def product(self, w: Array) -> FisherProduct:
        """Operator v ↦ Fv for v of the shape of w; a forward pass, and a pass for each call."""
        loss, stored = self.loss, None
        if self.data.stores_row_values:
            stored = np.empty((self.data.n_rows, w.shape[1]), dtype=w.dtype)

        def variance(rows: Rows) -> tuple[Array]:
            a = loss.activations(rows.forward(w))
            if stored is not None:
                stored[rows.index] = a
            xp = namespace(a)
            return (xp.sum(rows.share * a * (1 - a), axis=0, dtype=xp.float64),)

        return FisherProduct(self.data, loss, self.penalty, w, self.data.sum(variance)[0], stored)


@dataclass(frozen=True)
class FisherProduct:
    """Hessian-vector products with F at one point.

    Attributes
    ----------
    data : Dataset
    loss : CrossEntropy
    penalty : ElasticNet
    w : array of shape (n_parameters, n_outputs)
        The point.
    variance : array of shape (n_outputs,)
        Σ share · a(1 − a).
    stored : array of shape (n_rows, n_outputs) or None
        Activations at w; None if each product computes them anew.
    """

    data: Dataset
    loss: CrossEntropy
    penalty: ElasticNet
    w: Array
    variance: Array
    stored: Array | None

    def __call__(self, v: Array) -> Array:
        """Fv for v of the shape of w, in the precision of w; one pass."""
        loss, w, stored = self.loss, self.w, self.stored

        def block(rows: Rows) -> tuple[Array]:
            a = loss.activations(rows.forward(w)) if stored is None else stored[rows.index]
            weighted = a * rows.forward(v)
            weighted -= a * namespace(a).sum(weighted, axis=1, keepdims=True)
            weighted *= rows.share
            return (rows.backward(weighted),)

        of_rows: Array = self.data.sum(block, v.size)[0]
        return of_rows + self.penalty.gradient(v)

    def diagonal(self, mean_squares: Array) -> Array:
        """Diagonal of F in the shape of w, if a(1 − a) were independent of x.

        ``mean_squares`` has the mean square of each feature, and 1 for an intercept.
        """
        squares = mean_squares[:, np.newaxis]
        ones = np.ones((len(squares), len(self.variance)))
        return squares * self.variance + self.penalty.gradient(ones)
