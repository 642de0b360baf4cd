"""The cost J(w) = Σ share · ℒ + penalty as a sum over blocks of rows, and its derivatives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Any

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

from ._cached import cached_attribute
from ._linalg import diagonal, largest_eigenvalue
from ._typing import Array, Precision
from .data import ALL, Dataset, Rows, Run, pairs
from .loss import CrossEntropy
from .penalty import ElasticNet

FLAT = 1e-10
"""Least a(1 − a) by which dz is divided: far out it is 0 to rounding, and dz is not."""

FEW = 50_000
"""Multiplications up to which F is put together from the pairs of classes in one product."""

TINY, TINY_SIDE = 2500, 48
"""Rows times features, and parameters, up to which no call is worth two threads to BLAS.

Up to as many, OpenBLAS uses one for every call that a descent makes.
"""

SCORES = 5
"""Numbers for each score that `slope_along` keeps, or needs for a while."""

LARGE = 500
"""Number of parameters of one score from which no square matrix is formed to bound L."""


def joined(grams: Array, n_outputs: int) -> Array:
    """F of the loss from the Σ share · a_c a_d · xxᵀ of the pairs of classes c < d.

    Their negatives are the blocks of F off the diagonal, one block for two classes. Those
    on the diagonal follow without a difference, since 1 − a_c is the sum of the other a_d.
    """
    if n_outputs == 1:
        return grams[0]
    side, own = grams.shape[1], np.arange(n_outputs)
    if n_outputs**2 * grams.size <= FEW:  # what costs time there are the calls
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
class Objective:
    """Mean weighted cross-entropy plus penalty.

    Attributes
    ----------
    data : Dataset
    loss : CrossEntropy
    penalty : ElasticNet
    """

    data: Dataset
    loss: CrossEntropy
    penalty: ElasticNet

    def __post_init__(self) -> None:
        self.data.n_outputs = self.loss.n_outputs

    def on(self, data: Dataset) -> Objective:
        """The same cost on other rows: a mini-batch, or all in other coordinates."""
        penalty = replace(self.penalty, n_features=data.n_features)
        return Objective(data, self.loss, penalty)

    @property
    def is_tiny(self) -> bool:
        """Whether BLAS works with one thread whatever it may use, so that it need not be held."""
        data, side = self.data, self.data.n_parameters * self.loss.n_outputs
        few = data.n_rows * data.n_features <= TINY and side <= TINY_SIDE
        return few and data.n_rows >= data.n_features  # wide rows are factorised first

    def loss_and_gradient(self, w: Array) -> tuple[float, Array]:
        """Mean loss, and gradient of mean loss + smooth penalty; one pass over the rows."""

        def forward_backward(rows: Rows) -> tuple[float, Array]:
            z = rows.forward(w)
            loss, dz = self.loss.loss_and_dz(z, rows.y, rows.share)
            return loss, rows.backward(dz)

        def of_run(run: Run) -> Iterator[tuple[float, Array]]:
            z, y, share = run.forward(w), run.rows.y, run.rows.share
            of_blocks = self.loss.loss_and_dz_by_block(z, y, share, len(run.blocks))
            for rows, (loss, dz) in zip(run.blocks, of_blocks, strict=True):
                yield loss, rows.backward(dz)

        mean_loss, dw = self.data.sum(forward_backward, w.size, of_run=of_run)
        return mean_loss, self._without_rounding(dw) + self.penalty.gradient(w)

    def loss_gradient_and_fisher(self, w: Array) -> tuple[float, Array, Array]:
        """`loss_and_gradient` and `fisher` of all features; one pass over the rows."""

        def forward_backward(rows: Rows) -> tuple[float, Array, Array]:
            z = rows.forward(w)
            loss, dz, a = self.loss.loss_dz_and_a(z, rows.y, rows.share)
            return loss, rows.backward(dz), rows.pair_grams(a)

        mean_loss, dw, grams = self.data.sum(
            forward_backward, self._size_of_grams(ALL), products=True
        )
        dw = self._without_rounding(dw) + self.penalty.gradient(w)
        return mean_loss, dw, self._fisher(grams)

    def _without_rounding(self, dw: Array) -> Array:
        """The gradient of the loss, in single precision without what all scores share.

        That is nothing but rounding, and where F is singular a little of it moves w far.
        """
        return self.loss.without_shared(dw) if dw.dtype == np.float32 else dw

    def losses_along(self, w: Array, v: Array, lengths: Array) -> Array:
        """Mean loss at w + t (v − w) for every length t; one pass over the rows.

        z = Xw is linear in w: the scores at w and v give those between, and no further
        product with X is needed, however many lengths are tried.
        """

        def block(rows: Rows) -> tuple[Array]:
            z, z_v = rows.forward(w), rows.forward(v)
            along = (z + t * (z_v - z) for t in lengths)
            return (np.array([self.loss.loss_sum(z_t, rows.y, rows.share) for z_t in along]),)

        return self.data.sum(block)[0]

    def slope_along(self, w: Array, v: Array) -> Callable[[float], float]:
        """The derivative of J along w + t (v − w), a function of t; one pass forward.

        The scores are linear in t. Those at w and of v − w are kept, and no t costs a further
        product with X.
        """
        step = v - w
        z, move = np.empty((2, self.data.n_rows, w.shape[1]), w.dtype)

        def forward(rows: Rows) -> tuple[float]:
            z[rows.index], move[rows.index] = rows.forward(w), rows.forward(step)
            return (0.0,)

        def slope(t: float) -> float:
            _, dz = self.loss.loss_and_dz(z + t * move, self.data.y, self.data.share)
            of_penalty = np.vdot(self.penalty.gradient(w + t * step), step)
            return float(np.sum(dz * move, dtype=np.float64) + of_penalty)

        self.data.sum(forward)
        return slope

    @property
    def can_keep_scores(self) -> bool:
        """Whether `slope_along` takes little memory beside X."""
        return self.data.has_room(SCORES * 8 * self.data.n_rows * self.loss.n_outputs)

    def loss_and_accuracy(self, w: Array) -> tuple[float, float]:
        """Mean loss, and the share of the rows whose most probable class is theirs; one pass."""

        def forward(rows: Rows) -> tuple[float, float]:
            z = rows.forward(w)
            hits = self.loss.hits(z, rows.y)
            return self.loss.loss_sum(z, rows.y, rows.share), float(rows.shares() @ hits)

        loss, accuracy = self.data.sum(forward)
        return loss, accuracy

    @property
    def known(self) -> dict[str, Any]:
        """What has been worked out of the data so far, and is kept: moments and bounds."""
        return {name: value for name, value in vars(self).items() if name not in FIELDS}

    def remember(self, known: Mapping[str, Any]) -> None:
        """Take over what an objective on the same data has `known`."""
        vars(self).update(known)

    # -- curvature ---------------------------------------------------------------------

    def fisher(
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

        return self._fisher(self.data.sum(grams, self._size_of_grams(features), products=True)[0])

    def _fisher(self, grams: Array) -> Array:
        n_outputs, side = self.loss.n_outputs, grams.shape[1]
        fisher = joined(grams, n_outputs)
        n_penalised = (side - self.data.intercept) * n_outputs
        diagonal(fisher)[:n_penalised] += self.penalty.l2
        return fisher

    def _size_of_grams(self, features: NDArray[np.intp] | slice) -> int:
        side = self.data.n_parameters
        if not isinstance(features, slice):
            side = len(features) + self.data.intercept
        n_outputs = self.loss.n_outputs
        return max(1, n_outputs * (n_outputs - 1) // 2) * side**2

    def fisher_factors(self, w: Array) -> tuple[Array, Array]:
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
            h[rows.index] = rows.shares() * np.maximum(a[0] * a[1], FLAT)
            return (loss,)

        self.data.sum(forward)
        return dz, h

    def curvature_by_row(self, w: Array) -> Array:
        """For every row share · Σ a(1 − a) over the classes, its part in F; one pass forward."""
        mass = np.empty(self.data.n_rows, np.float32)

        def forward(rows: Rows) -> tuple[float]:
            a = self.loss.lines(rows.forward(w).astype(np.float64, copy=False))
            mass[rows.index] = rows.shares() * (a * (1 - a)).sum(axis=0)
            return (0.0,)

        self.data.sum(forward)
        return mass

    def fisher_diagonal(self, w: Array) -> Array:
        """The diagonal of F, in the shape of w; one pass."""

        def squares(rows: Rows) -> tuple[Array]:
            a = self.loss.activations(rows.forward(w).astype(np.float64, copy=False))
            return (rows.squares(rows.shares()[:, np.newaxis] * a * (1 - a)),)

        of_rows: Array = self.data.sum(squares, w.size)[0]
        return of_rows + self.penalty.gradient(np.ones_like(of_rows))

    def fisher_product(self, w: Array) -> FisherProduct:
        """The map v ↦ Fv for v of the shape of w; one pass forward, and one for each call."""
        a = np.empty((self.data.n_rows, w.shape[1]), dtype=w.dtype)

        def remember(rows: Rows) -> tuple[Array]:
            a[rows.index] = block = self.loss.activations(rows.forward(w))
            return (np.sum(rows.share * block * (1 - block), axis=0, dtype=np.float64),)

        return FisherProduct(self, a, self.data.sum(remember)[0])

    @cached_attribute
    def lipschitz(self) -> float:
        """L: an upper bound, tight within 2 %, on the curvature of the smooth part of J.

        The largest eigenvalue of c Σ share · xxᵀ + l2 I (0 for the intercept), with
        c = 1/4 for the sigmoid and 1/2 for the softmax. Plain descent is stable for
        rates below 2/L.
        """
        side, n_features = self.data.n_parameters, self.data.n_features
        if side > LARGE:
            return self._lipschitz_by_products()
        bound = self.loss.smoothness * self._second_moments()
        diagonal(bound)[:n_features] += self.penalty.l2
        return float(np.linalg.eigvalsh(bound)[-1]) if np.isfinite(bound).all() else np.inf

    @cached_attribute
    def row_lipschitz(self) -> float:
        """The curvature that a batch of one row has on average, large weights counting more.

        It is c n Σ share² ‖x‖² + l2: without weights, c times the mean of ‖x‖².
        """
        n_rows = len(self.data.weighted_rows())
        squares = self.data.sum(lambda rows: (rows.squares(rows.shares()[:, np.newaxis] ** 2),))[0]
        return self.loss.smoothness * n_rows * float(squares.sum()) + self.penalty.l2

    @cached_attribute
    def uniform_fisher(self) -> Array:
        """F at w = 0, where no class is preferred and no probability is near 0 or 1."""
        return self.fisher(np.zeros((self.data.n_parameters, self.loss.n_outputs)))

    @cached_attribute
    def mean_squares(self) -> Array:
        """Weighted mean of x² of every feature, and of the intercept's 1; float64."""
        return self.data.sum(lambda rows: (rows.squares(rows.shares()[:, np.newaxis]),))[0].ravel()

    def _second_moments(self) -> Array:

        def gram(rows: Rows) -> tuple[Array]:
            return (rows.gram(np.sqrt(rows.shares()), ALL),)

        return self.data.sum(gram, self.data.n_parameters**2, products=True)[0]

    def _lipschitz_by_products(self) -> float:
        """The same by Lanczos iteration, from a few products with a vector."""

        def product(v: Array) -> Array:
            column = v.astype(self.data.dtype).reshape(-1, 1)
            moments = self.data.sum(
                lambda rows: (rows.backward(rows.share * rows.forward(column)),),
            )[0]
            return (self.loss.smoothness * moments + self.penalty.gradient(column)).ravel()

        start = np.random.RandomState(0).uniform(0.5, 1.5, size=self.data.n_parameters)
        return 1.01 * largest_eigenvalue(product, start, 1e-3)

    # -- mini-batches ------------------------------------------------------------------

    def batches(self, size: int, random_state: RandomState) -> Iterator[tuple[float, Objective]]:
        """One epoch: all rows of non-zero weight, shuffled, ``size`` at a time.

        The shares of the rows grow by the ratio of all rows to those of the batch, so
        that cost and gradient of a batch have those of all rows for their mean.

        Yields
        ------
        mass : float
            Rows of the batch over all rows; the masses of an epoch sum to 1.
        batch : Objective
            The same cost on the rows of the batch alone.
        """
        order = self.data.weighted_rows()
        random_state.shuffle(order)
        for start in range(0, len(order), size):
            index = order[start : start + size]
            mass = len(index) / len(order)
            yield mass, self.on(self.data.take(index, 1 / mass))


FIELDS = frozenset(field.name for field in fields(Objective))


@dataclass(frozen=True)
class FisherProduct:
    """Products with F at one point, whose activations are kept.

    Attributes
    ----------
    objective : Objective
    a : array of shape (n_rows, n_outputs)
    variance : array of shape (n_outputs,)
        Σ share · a(1 − a).
    """

    objective: Objective
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

        of_rows: Array = self.objective.data.sum(block, v.size)[0]
        return of_rows + self.objective.penalty.gradient(v)

    def diagonal(self) -> Array:
        """Diagonal of F, shape of w, as if a(1 − a) did not vary with x."""
        squares = self.objective.mean_squares[:, np.newaxis]
        ones = np.ones((len(squares), len(self.variance)))
        return squares * self.variance + self.objective.penalty.gradient(ones)


class Point:
    """Parameters w together with what is true of J there, worked out when asked.

    Attributes
    ----------
    objective : Objective
    w : array of shape (n_parameters, n_outputs)
        The last row is b if there is an intercept.
    curved : bool
        Whether F is worked out in the same pass as loss and gradient, here and at the
        points that are moved to.
    """

    def __init__(self, objective: Objective, w: Array, curved: bool = False) -> None:
        self.objective = objective
        self.w = w
        self.curved = curved

    @cached_attribute
    def _derivatives(self) -> tuple[float, Array, Array | None]:
        if self.curved:
            return self.objective.loss_gradient_and_fisher(self.w)
        return *self.objective.loss_and_gradient(self.w), None

    @property
    def loss(self) -> float:
        """Mean loss, without penalty."""
        return self._derivatives[0]

    @property
    def dw(self) -> Array:
        """Gradient of the smooth part of J; its last row is db."""
        return self._derivatives[1]

    def fisher(
        self, features: NDArray[np.intp] | slice = ALL, precision: Precision = np.float64
    ) -> Array:
        """F of the chosen features, a new matrix; a pass of its own unless curved."""
        known = self._derivatives[2] if self.curved and isinstance(features, slice) else None
        if known is not None:
            return known.copy()
        return self.objective.fisher(self.w, features, precision)

    @cached_attribute
    def cost(self) -> float:
        """J."""
        return self.loss + self.objective.penalty.value(self.w)

    def move(self, w: Array) -> Point:
        """The point at w, in the precision of this one."""
        return Point(self.objective, w.astype(self.w.dtype, copy=False), self.curved)

    def costs_between(self, other: Point, lengths: Array) -> Array:
        """J at w + t (w_other − w) for every length t; one pass over the rows."""
        objective = self.objective
        losses = objective.losses_along(self.w, other.w, lengths)
        points = (self.w + t * (other.w - self.w) for t in lengths)
        return losses + np.array([objective.penalty.value(w) for w in points])

    def prox(self, w: Array, step: float | Array) -> Array:
        """The rough part of the penalty applied after a gradient move of length ``step``."""
        return self.objective.penalty.prox(w, step)

    @property
    def subgradient(self) -> Array:
        """The gradient of J; with an L1 part, its smallest subgradient."""
        return self.objective.penalty.smallest_subgradient(self.w, self.dw)

    def gradient_norm(self) -> float:
        """Max-norm of `subgradient`."""
        return float(np.abs(self.subgradient).max(initial=0))

    def expected_decrease(self, w: Array) -> float:
        """By how much J falls from here to ``w`` to first order, the rough part in full.

        The rough part is added feature by feature: the difference of two norms would have the
        rounding of these, which is more than a short step changes.
        """
        penalty, move = self.objective.penalty, w - self.w
        if not penalty.l1:
            return -float(np.vdot(self.dw.astype(np.float64, copy=False), move))
        terms = self.dw.astype(np.float64) * move
        features = slice(penalty.n_features)
        terms[features] += penalty.l1 * (np.abs(w[features]) - np.abs(self.w[features]))
        return -float(terms.sum())
