"""The cost J(w) = Σ share · ℒ + penalty as a sum over blocks of rows, and its derivatives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

from ._cached import cached_attribute
from ._linalg import diagonal, largest_eigenvalue
from ._typing import Array, Precision
from .data import ALL, Dataset, Rows, Run
from .fisher import FisherInformation
from .loss import CrossEntropy
from .penalty import ElasticNet

MAX_ENTRIES_FOR_ONE_THREAD, MAX_PARAMETERS_FOR_ONE_THREAD = 2500, 48
"""Rows times features, and parameters, up to which no call is worth two threads to BLAS.

Up to as many, OpenBLAS uses one for every call that a descent makes.
"""

NUMBERS_PER_SCORE = 5
"""Numbers for each score that `slope_along` keeps, or needs for a while."""

MAX_PARAMETERS_FOR_EIGENVALUES = 500
"""Number of parameters of one score from which no square matrix is formed to bound L."""


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
        few = (
            data.n_rows * data.n_features <= MAX_ENTRIES_FOR_ONE_THREAD
            and side <= MAX_PARAMETERS_FOR_ONE_THREAD
        )
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
            forward_backward, self.fisher.size_of_grams(), products=True
        )
        dw = self._without_rounding(dw) + self.penalty.gradient(w)
        return mean_loss, dw, self.fisher.of_grams(grams)

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
        return self.data.has_room(NUMBERS_PER_SCORE * 8 * self.data.n_rows * self.loss.n_outputs)

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

    @property
    def fisher(self) -> FisherInformation:
        """F, a function of w."""
        return FisherInformation(self.data, self.loss, self.penalty)

    @cached_attribute
    def lipschitz(self) -> float:
        """L: an upper bound, tight within 2 %, on the curvature of the smooth part of J.

        The largest eigenvalue of c Σ share · xxᵀ + l2 I (0 for the intercept), with
        c = 1/4 for the sigmoid and 1/2 for the softmax. Plain descent is stable for
        rates below 2/L.
        """
        side, n_features = self.data.n_parameters, self.data.n_features
        if side > MAX_PARAMETERS_FOR_EIGENVALUES:
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


@dataclass(eq=False, repr=False)
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

    objective: Objective
    w: Array
    curved: bool = False

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
