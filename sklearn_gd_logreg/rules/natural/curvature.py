"""The curvature that a step goes by: F, or an approximation of it.

A `Curvature` answers one question: where does a step of length α from a point lead, and how
much lower is its quadratic model of J there? `CholeskyFisher` is F itself, factorised.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import inf
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from ..._linalg import diagonal, require_finite, unit_scale
from ..._typing import Array, Precision
from ...data import ALL, blas_threads
from ...objective import Objective, Point

MIN_PIVOT_FLOAT32 = 2e-5
"""Least squared pivot of F with a unit diagonal that products in float32 resolve: some 200 times
their machine epsilon."""

MIN_DIAGONAL_FLOAT32 = 1e-30
"""Least entry on the diagonal of F that float32 holds with all its digits."""

MIN_RIDGE = {np.dtype(np.float64): 1e-12, np.dtype(np.float32): 1e-6}
"""Part of the diagonal of F that is added to it, by the precision of the gradient.

Where F is singular, the gradient has no part but rounding, which F⁻¹ would amplify."""

SHIFT_CURVATURE = 1e-6
"""Curvature along the common shift of all classes, as a part of the mean curvature of F."""


class Step(NamedTuple):
    """Where a step leads, and by how much the quadratic model of J is lower there.

    ``n_products`` counts the Hessian-vector products that it took.
    """

    w: Array
    decrease: float
    n_products: int = 0


class Curvature(ABC):
    """A quadratic model of J about a point.

    Attributes
    ----------
    refresh_cost : float
        What the curvature of the next point costs, in passes over all rows.
    every_step : bool
        Whether it is worked out anew at every point: that is Newton's method.
    n_rows : float
        On how many rows it was worked out; infinite: on all.
    """

    refresh_cost: float = 0.0
    every_step: bool = True
    n_rows: float = inf

    @abstractmethod
    def target(self, point: Point, alpha: float) -> Step:
        """Minimum over u of dw·(u − w) + (u − w)ᵀF(u − w)/(2α) + l1 ‖u‖₁."""

    def is_current(self, point: Point) -> bool:
        """Whether it is the curvature at this point, so that its decrement decides convergence."""
        return True

    def updated(self, before: Point, point: Point) -> Curvature | None:
        """Corrected by a step and the change of dw along it; None if a new one is needed."""
        return None

    def transferred(self, objective: Objective, ridge: Array) -> Curvature | None:
        """For a descent on other rows, from where this one ended; None if it is of no use there.

        ``ridge``, one number a parameter, is what the l2 penalty there adds to F.
        """
        return None


@dataclass(frozen=True)
class Displacement(Curvature):
    """A point to go to, known in advance, and how much lower J is expected to be there.

    ``curvature`` is what is known of F there.
    """

    w: Array
    decrease: float
    curvature: Curvature | None = None

    every_step = False

    def target(self, point: Point, alpha: float) -> Step:
        end = self.w if alpha == 1 else point.w + alpha * (self.w - point.w)
        return Step(end, self.decrease)

    def updated(self, before: Point, point: Point) -> Curvature | None:
        return self.curvature if np.array_equal(point.w, self.w) else None


class Metric(Curvature):
    """A positive definite matrix, which the subclass solves with: the step is −α F⁻¹ dw.

    A base metric of the L-BFGS needs no more than `solve`; see ``docs/extending.md``.
    """

    amplifies_rounding = False
    """Whether F⁻¹ amplifies the rounding of a float64 gradient too, as where it is all but singular
    along the common shift of all classes, which `regularized` keeps from F itself."""

    @property
    def precision(self) -> Precision:
        """In which steps and changes of dw are kept beside it."""
        return np.float64

    def fitted(self, s: Array, y: Array) -> Metric:
        """The metric of its kind that agrees best with a step s and the change y of dw on it."""
        return self

    @abstractmethod
    def solve(self, dw: Array) -> Array:
        """F⁻¹ dw."""

    def target(self, point: Point, alpha: float) -> Step:
        move = self.solve(point.dw)
        if self.amplifies_rounding or point.w.dtype == np.float32:
            move = center_classes(move, point)
        return Step(point.w - alpha * move, 0.5 * alpha * float(np.vdot(point.dw, move)))


def center_classes(move: Array, point: Point) -> Array:
    """A full step whose common shift of all classes is that of the penalty alone.

    The loss does not change when all scores of a row do by the same amount, so its gradient
    has no part there but rounding, which would add up from step to step.
    """
    loss, penalty = point.objective.loss, point.objective.penalty
    step = loss.without_shared(move)
    if penalty.l2:
        penalised = point.w[: penalty.n_features]
        step[: penalty.n_features] += penalised - loss.without_shared(penalised)
    return step


@dataclass(frozen=True)
class CholeskyFisher(Metric):
    """F, scaled to a unit diagonal and factorised.

    Where F is singular (collinear features, or the common shift of all classes without a penalty),
    a part of its diagonal is added, no more than the factorisation needs.
    """

    fisher: Array
    scale: Array
    factor: Array
    min_ridge: float

    @classmethod
    def of(cls, fisher: Array, min_ridge: float = 1e-12) -> CholeskyFisher:
        """Factorise with the least ridge, but ``min_ridge``, that makes F positive definite."""
        scale = unit_scale(diagonal(fisher))
        scaled = fisher / scale
        scaled /= scale[:, np.newaxis]
        ridge = min_ridge
        while True:
            diagonal(scaled)[...] += ridge
            with blas_threads(len(scaled) ** 3 / 3):
                factor, failed = lapack.dpotrf(scaled.T, lower=1, clean=0)
            if not failed:
                return cls(fisher, scale, factor, min_ridge)
            ridge *= 10

    @classmethod
    def at(cls, point: Point, damping: float, float32: bool = True) -> CholeskyFisher:
        """F at the point, from products in float32 where these are tried and do no harm.

        A register holds twice as many float32 numbers. J and dw stay exact, so it only matters
        that rounding is small beside the least curvature.
        """
        min_ridge = MIN_RIDGE[point.w.dtype]
        if float32:
            with np.errstate(over="ignore", under="ignore", invalid="ignore"):
                fisher = point.fisher(precision=np.float32)
            if np.isfinite(fisher).all() and diagonal(fisher).min() > MIN_DIAGONAL_FLOAT32:
                found = cls.of(regularized(point, damping, fisher), min_ridge)
                if found.tolerates_float32(point.w.shape[1]):
                    return found
        return cls.of(regularized_fisher(point, damping), min_ridge)

    def tolerates_float32(self, n_outputs: int) -> bool:
        """Whether F stays what it is when its entries are rounded to float32.

        The last score of a softmax is left out: the common shift of the classes is flat, and F is
        put together so that rounding has no part there.
        """
        pivots = diagonal(self.factor).reshape(-1, n_outputs)[:, : max(n_outputs - 1, 1)]
        return bool(pivots.min() ** 2 > MIN_PIVOT_FLOAT32)

    def plus(self, ridge: Array) -> CholeskyFisher:
        """With a ridge on the diagonal."""
        if not ridge.any():
            return self
        fisher = self.fisher.copy()
        diagonal(fisher)[...] += ridge
        return self.of(fisher, self.min_ridge)

    def solve(self, dw: Array) -> Array:
        slope = dw.ravel() / self.scale
        move = lapack.dpotrs(self.factor, slope, lower=1)[0]
        return (move.ravel() / self.scale).reshape(dw.shape)


def regularized_fisher(
    point: Point, damping: float, features: NDArray[np.intp] | slice = ALL
) -> Array:
    """F + damping diag(F), with a curvature where the loss is redundant; see `regularized`."""
    fisher = point.fisher(features)
    require_finite(fisher)
    return regularized(point, damping, fisher)


def regularized(point: Point, damping: float, fisher: Array) -> Array:
    """A Fisher information at the point, made regular in place.

    J does not change along the common shift of all classes in a parameter without an l2
    penalty, and the gradient is 0 there but for rounding. F gets a curvature in this
    direction, small beside its own and large beside rounding.
    """
    objective = point.objective
    if damping:
        diagonal(fisher)[...] *= 1 + damping
    n_outputs = point.w.shape[1]
    first = len(fisher) - n_outputs * objective.data.intercept if objective.penalty.l2 else 0
    if n_outputs == 1 or first == len(fisher):
        return fisher
    flat = fisher[first:, first:]
    side = len(flat) // n_outputs
    if side == 1:
        flat += SHIFT_CURVATURE / n_outputs * flat.trace() * objective.loss.redundancy
        return fisher
    by_class = flat.reshape(side, n_outputs, side, n_outputs)
    mean = np.einsum("icjc->ij", by_class) * (SHIFT_CURVATURE / n_outputs)
    by_class += mean[:, np.newaxis, :, np.newaxis] * objective.loss.redundancy[:, np.newaxis]
    return fisher


def max_fisher_diagonal(objective: Objective) -> Array:
    """The largest values that the diagonal of F can have but for l2, (n_parameters, 1)."""
    return objective.loss.smoothness * objective.mean_squares[:, np.newaxis]
