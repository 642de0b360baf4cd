"""The cost J(w) = Σ share · ℒ + penalty and its derivatives, as sums over blocks of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

from ._cached import cached_attribute
from ._linalg import diagonal, largest_eigenvalue
from ._namespace import is_other
from ._typing import Array, Precision
from .data import ALL, BlockGroup, Dataset, Rows
from .fisher import FisherInformation
from .loss import CrossEntropy
from .penalty import ElasticNet

MAX_ENTRIES_FOR_ONE_THREAD, MAX_PARAMETERS_FOR_ONE_THREAD = 2500, 48
"""Entries of X, and parameters, up to which OpenBLAS uses one thread in every call of a descent."""

NUMBERS_PER_SCORE = 5
"""Float64 numbers for each score that `slope_along` stores or allocates."""

MAX_PARAMETERS_FOR_EIGENVALUES = 500
"""Parameters of one score up to which L is computed from a matrix of second moments."""


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
        """The same cost on other data: a mini-batch, or the rows in other coordinates."""
        penalty = replace(self.penalty, n_features=data.n_features)
        return Objective(data, self.loss, penalty)

    @property
    def runs_on_one_thread(self) -> bool:
        """Whether BLAS uses one thread anyway, so that its threads need no reservation."""
        data, n_parameters = self.data, self.data.n_parameters * self.loss.n_outputs
        return (
            data.n_rows * data.n_features <= MAX_ENTRIES_FOR_ONE_THREAD
            and n_parameters <= MAX_PARAMETERS_FOR_ONE_THREAD
            and data.n_rows >= data.n_features  # wider data are factorised first
        )

    def loss_and_gradient(self, w: Array) -> tuple[float, Array]:
        """Mean loss, and gradient of the smooth part of J; one pass."""
        cross_entropy = self.loss

        def forward_backward(rows: Rows) -> tuple[float, Array]:
            z = rows.forward(w)
            loss, dz = cross_entropy.loss_and_dz(z, rows.y, rows.share)
            return loss, rows.backward(dz)

        def of_group(group: BlockGroup) -> Iterator[tuple[float, Array]]:
            z, y, share = group.forward(w), group.rows.y, group.rows.share
            of_blocks = cross_entropy.loss_and_dz_by_block(z, y, share, len(group.blocks))
            for rows, (loss, dz) in zip(group.blocks, of_blocks, strict=True):
                yield loss, rows.backward(dz)

        mean_loss, dw = self.data.sum(forward_backward, w.size, of_group=of_group)
        return mean_loss, self._center_float32(dw) + self.penalty.gradient(w)

    def loss_gradient_and_fisher(self, w: Array) -> tuple[float, Array, Array]:
        """`loss_and_gradient` and `fisher` of all features; one pass."""
        cross_entropy = self.loss

        def forward_backward(rows: Rows) -> tuple[float, Array, Array]:
            z = rows.forward(w)
            loss, dz, a = cross_entropy.loss_dz_and_probabilities(z, rows.y, rows.share)
            return loss, rows.backward(dz), rows.pair_grams(a)

        fisher = self.fisher
        size = fisher.pair_grams_size()
        mean_loss, dw, grams = self.data.sum(forward_backward, size, products=True)
        dw = self._center_float32(dw) + self.penalty.gradient(w)
        return mean_loss, dw, fisher.from_pair_grams(grams)

    def _center_float32(self, dw: Array) -> Array:
        """Subtract the common shift of all classes from a gradient in float32.

        The shift is rounding error, and F is nearly singular along it.
        """
        return self.loss.center_classes(dw) if dw.dtype == np.float32 else dw

    def losses_between(self, w: Array, v: Array, fractions: Array) -> Array:
        """Mean loss at w + t (v − w) for every fraction t; one forward pass.

        The scores z = Xw are linear in w, so no t needs another product with X.
        """
        loss = self.loss

        def block(rows: Rows) -> tuple[float, ...]:
            z, z_v = rows.forward(w), rows.forward(v)
            numbers = fractions.tolist() if is_other(z) else fractions
            scores = (z + t * (z_v - z) for t in numbers)
            return tuple(loss.loss_sum(z_t, rows.y, rows.share) for z_t in scores)

        return np.array(self.data.sum(block))

    def slope_along(self, w: Array, v: Array) -> Callable[[float], float]:
        """Derivative of J(w + t (v − w)) as a function of t; one forward pass.

        The scores at w and of v − w are stored, so no t needs another product with X.
        """
        step = v - w
        z, z_step = np.empty((2, self.data.n_rows, w.shape[1]), w.dtype)

        def forward(rows: Rows) -> tuple[float]:
            z[rows.index], z_step[rows.index] = rows.forward(w), rows.forward(step)
            return (0.0,)

        def slope(t: float) -> float:
            _, dz = self.loss.loss_and_dz(z + t * z_step, self.data.y, self.data.share)
            penalty_slope = np.vdot(self.penalty.gradient(w + t * step), step)
            return float(np.sum(dz * z_step, dtype=np.float64) + penalty_slope)

        self.data.sum(forward)
        return slope

    @property
    def can_keep_scores(self) -> bool:
        """Whether `slope_along` stays within the memory limit."""
        n_bytes = NUMBERS_PER_SCORE * 8 * self.data.n_rows * self.loss.n_outputs
        return self.data.stores_row_values and self.data.has_room(n_bytes)

    def loss_and_accuracy(self, w: Array) -> tuple[float, float]:
        """Mean loss and weighted accuracy; one forward pass."""
        loss = self.loss

        def forward(rows: Rows) -> tuple[float, float]:
            z = rows.forward(w)
            correct = loss.is_correct(z, rows.y)
            return loss.loss_sum(z, rows.y, rows.share), rows.weight_of(correct)

        mean_loss, accuracy = self.data.sum(forward)
        return mean_loss, accuracy

    @property
    def cached_values(self) -> dict[str, Any]:
        """Moments of the data and bounds that have been computed so far."""
        return {name: value for name, value in vars(self).items() if name not in FIELDS}

    def restore_cached(self, values: Mapping[str, Any]) -> None:
        """Restore the `cached_values` of an objective on the same data."""
        vars(self).update(values)

    # -- curvature ---------------------------------------------------------------------

    @property
    def fisher(self) -> FisherInformation:
        """Fisher information F as a function of w."""
        return FisherInformation(self.data, self.loss, self.penalty)

    @cached_attribute
    def lipschitz(self) -> float:
        """L, a Lipschitz constant of the gradient of the smooth part of J; tight within 2 %.

        It is the largest eigenvalue of c Σ share · xxᵀ + l2 I (0 for the intercept), with
        c = 1/4 for the sigmoid and 1/2 for the softmax. Gradient descent is stable for
        rates below 2/L.
        """
        side, n_features = self.data.n_parameters, self.data.n_features
        if side > MAX_PARAMETERS_FOR_EIGENVALUES:
            return self._lipschitz_by_products()
        bound = self.loss.smoothness * self._second_moments()
        diagonal(bound)[:n_features] += self.penalty.l2
        return float(np.linalg.eigvalsh(bound)[-1]) if np.isfinite(bound).all() else np.inf

    @cached_attribute
    def mean_row_lipschitz(self) -> float:
        """Mean Lipschitz constant of the gradient of one row, c n Σ share² ‖x‖² + l2.

        Without sample weights it is c times the mean of ‖x‖², plus l2.
        """
        n_rows = self.data.n_weighted_rows
        squares = self.data.sum(lambda rows: (rows.squares(rows.shares()[:, np.newaxis] ** 2),))[0]
        return self.loss.smoothness * n_rows * float(squares.sum()) + self.penalty.l2

    @cached_attribute
    def uniform_fisher(self) -> Array:
        """F at w = 0, where all classes are equally probable."""
        return self.fisher(np.zeros((self.data.n_parameters, self.loss.n_outputs)))

    @cached_attribute
    def mean_squares(self) -> Array:
        """Weighted mean of x² of each feature, and 1 for the intercept; float64."""
        return self.data.sum(lambda rows: (rows.squares(rows.shares()[:, np.newaxis]),))[0].ravel()

    def _second_moments(self) -> Array:
        """Σ share · xxᵀ, the intercept included."""

        def gram(rows: Rows) -> tuple[Array]:
            return (rows.gram(rows.shares() ** 0.5, ALL),)

        return self.data.sum(gram, self.data.n_parameters**2, products=True)[0]

    def _lipschitz_by_products(self) -> float:
        """`lipschitz` by Lanczos iteration, from matrix-vector products."""

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
        """One epoch: the rows of non-zero weight, shuffled, in batches of ``size``.

        The shares are scaled by the number of rows over that of the batch, so that cost and
        gradient of a batch are unbiased estimates.

        Yields
        ------
        fraction : float
            Rows of the batch over all rows.
        batch : Objective
            The same cost on the rows of the batch.
        """
        order = self.data.weighted_rows()
        random_state.shuffle(order)
        for start in range(0, len(order), size):
            index = order[start : start + size]
            fraction = len(index) / len(order)
            yield fraction, self.on(self.data.take(index, 1 / fraction))


FIELDS = frozenset(field.name for field in fields(Objective))


@dataclass(eq=False, repr=False)
class Point:
    """Parameters w, with the values and derivatives of J there, computed on demand and cached.

    Attributes
    ----------
    objective : Objective
    w : array of shape (n_parameters, n_outputs)
        The last row is b if there is an intercept.
    fused : bool
        Whether one pass computes loss, gradient and F, here and at the points of `move`.
    """

    objective: Objective
    w: Array
    fused: bool = False

    @cached_attribute
    def _derivatives(self) -> tuple[float, Array, Array | None]:
        if self.fused:
            return self.objective.loss_gradient_and_fisher(self.w)
        return *self.objective.loss_and_gradient(self.w), None

    @property
    def loss(self) -> float:
        """Mean loss, without the penalty."""
        return self._derivatives[0]

    @property
    def dw(self) -> Array:
        """Gradient of the smooth part of J; its last row is db."""
        return self._derivatives[1]

    def fisher(
        self, features: NDArray[np.intp] | slice = ALL, precision: Precision = np.float64
    ) -> Array:
        """F of the chosen features, a new matrix; one pass unless ``fused``."""
        fisher = self._derivatives[2] if self.fused and isinstance(features, slice) else None
        if fisher is not None:
            return fisher.copy()
        return self.objective.fisher(self.w, features, precision)

    @cached_attribute
    def cost(self) -> float:
        """J."""
        return self.loss + self.objective.penalty.value(self.w)

    def move(self, w: Array) -> Point:
        """The point at w, in the precision of this point."""
        return Point(self.objective, w.astype(self.w.dtype, copy=False), self.fused)

    def costs_between(self, other: Point, fractions: Array) -> Array:
        """J at w + t (w_other − w) for every fraction t; one forward pass."""
        objective = self.objective
        losses = objective.losses_between(self.w, other.w, fractions)
        points = (self.w + t * (other.w - self.w) for t in fractions)
        return losses + np.array([objective.penalty.value(w) for w in points])

    def prox(self, w: Array, step: float | Array) -> Array:
        """Proximal operator of the L1 part, after a gradient step of size ``step``."""
        return self.objective.penalty.prox(w, step)

    @property
    def subgradient(self) -> Array:
        """Subgradient of J of least norm; without an L1 part the gradient."""
        return self.objective.penalty.smallest_subgradient(self.w, self.dw)

    def gradient_norm(self) -> float:
        """Max-norm of `subgradient`."""
        return float(np.abs(self.subgradient).max(initial=0))

    def expected_decrease(self, w: Array) -> float:
        """Decrease of J from here to ``w``: the smooth part to first order, the L1 part exactly.

        The L1 part is summed over differences of coefficients: a difference of two norms would
        round away a short step.
        """
        penalty, step = self.objective.penalty, w - self.w
        if not penalty.l1:
            return -float(np.vdot(self.dw.astype(np.float64, copy=False), step))
        terms = self.dw.astype(np.float64) * step
        features = slice(penalty.n_features)
        terms[features] += penalty.l1 * (np.abs(w[features]) - np.abs(self.w[features]))
        return -float(terms.sum())
