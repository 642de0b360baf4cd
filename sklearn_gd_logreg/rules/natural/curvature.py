"""Quadratic models of J: F, factorised or approximated.

A `Curvature` makes (proximal) Newton steps and predicts by how much each lowers J.
`CholeskyFisher` is F, factorised.
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
"""Least squared pivot of F with a unit diagonal for which F is computed in float32: about 200
times the machine epsilon."""

MIN_DIAGONAL_FLOAT32 = 1e-30
"""Least entry on the diagonal of F that float32 represents with all its digits."""

MIN_RIDGE = {np.dtype(np.float64): 1e-12, np.dtype(np.float32): 1e-6}
"""Ridge added to F, relative to its diagonal, by the precision of the gradient.

Where F is singular, the gradient is nothing but rounding, which F⁻¹ would amplify."""

SHIFT_CURVATURE = 1e-6
"""Curvature along the common shift of all classes, relative to the mean curvature of F."""


class Step(NamedTuple):
    """A step by a quadratic model of J.

    Attributes
    ----------
    w : array
        The parameters that the step leads to.
    decrease : float
        The decrease of J that the model predicts.
    n_products : int
        The Hessian-vector products that the step took.
    """

    w: Array
    decrease: float
    n_products: int = 0


class Curvature(ABC):
    """A quadratic model of J about a point.

    Attributes
    ----------
    refresh_cost : float
        Cost of the curvature at another point, in passes over all rows.
    refresh_every_step : bool
        Whether the curvature is refreshed at every point, as in Newton's method.
    n_rows : float
        Number of rows that the curvature is computed on; infinite for all rows.
    """

    refresh_cost: float = 0.0
    refresh_every_step: bool = True
    n_rows: float = inf

    @abstractmethod
    def newton_step(self, point: Point, alpha: float) -> Step:
        """Minimise dw·(u − w) + (u − w)ᵀF(u − w)/(2α) + l1 ‖u‖₁ over u."""

    def is_current(self, point: Point) -> bool:
        """Whether this is the curvature at the point, so that its decrement decides convergence."""
        return True

    def updated(self, previous: Point, point: Point) -> Curvature | None:
        """The curvature corrected by the change of dw in a step; None if it must be refreshed."""
        return None

    def transferred(self, objective: Objective, ridge: Array) -> Curvature | None:
        """The curvature for a descent on other rows, or None if it is of no use there.

        ``ridge``, an array with one entry per parameter, is added to the diagonal of F: the
        difference of the l2 penalties.
        """
        return None


@dataclass(frozen=True)
class Displacement(Curvature):
    """A step to a given point, in place of a Newton step.

    Attributes
    ----------
    w : array
        The parameters there.
    decrease : float
        The expected decrease of J.
    curvature : Curvature or None
        The curvature there, if available.
    """

    w: Array
    decrease: float
    curvature: Curvature | None = None

    refresh_every_step = False

    def newton_step(self, point: Point, alpha: float) -> Step:
        w = self.w if alpha == 1 else point.w + alpha * (self.w - point.w)
        return Step(w, self.decrease)

    def updated(self, previous: Point, point: Point) -> Curvature | None:
        return self.curvature if np.array_equal(point.w, self.w) else None


class Metric(Curvature):
    """A positive definite matrix F that its subclass can solve with: the step is −α F⁻¹ dw.

    A base metric of the L-BFGS needs no more than `solve`; see ``docs/extending.md``.
    """

    amplifies_rounding = False
    """Whether F⁻¹ amplifies the rounding of a float64 gradient, since F is nearly singular along
    the common shift of all classes. `regularized` prevents this for F itself."""

    @property
    def precision(self) -> Precision:
        """Precision of the curvature pairs about this base."""
        return np.float64

    def fitted(self, s: Array, y: Array) -> Metric:
        """The metric of this family that best fits a step s and the change y of dw along it."""
        return self

    @abstractmethod
    def solve(self, dw: Array) -> Array:
        """F⁻¹ dw."""

    def newton_step(self, point: Point, alpha: float) -> Step:
        direction = self.solve(point.dw)
        if self.amplifies_rounding or point.w.dtype == np.float32:
            direction = center_classes(direction, point)
        return Step(point.w - alpha * direction, 0.5 * alpha * float(np.vdot(point.dw, direction)))


def center_classes(direction: Array, point: Point) -> Array:
    """Replace the common shift of all classes in F⁻¹ dw by that of the penalty alone.

    The loss does not change when all scores of a row change by the same amount. So the component
    of its gradient along this shift is rounding, which would accumulate over the steps.
    """
    loss, penalty = point.objective.loss, point.objective.penalty
    centered = loss.center_classes(direction)
    if penalty.l2:
        penalised = point.w[: penalty.n_features]
        centered[: penalty.n_features] += penalised - loss.center_classes(penalised)
    return centered


@dataclass(frozen=True)
class CholeskyFisher(Metric):
    """F, scaled to a unit diagonal and factorised.

    Where F is singular (collinear features, or the common shift of all classes without a penalty),
    it gets the smallest ridge for which the factorisation succeeds.
    """

    fisher: Array
    scale: Array
    factor: Array
    min_ridge: float

    @classmethod
    def factorise(cls, fisher: Array, min_ridge: float = 1e-12) -> CholeskyFisher:
        """Factorise F with a ridge, from ``min_ridge`` upwards, that makes it positive definite."""
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
        """F at the point, computed in float32 if that is allowed and accurate enough.

        A register holds twice as many float32 numbers. J and dw stay exact, so rounding only has
        to be small beside the least curvature.
        """
        min_ridge = MIN_RIDGE[point.w.dtype]
        if float32:
            with np.errstate(over="ignore", under="ignore", invalid="ignore"):
                fisher = point.fisher(precision=np.float32)
            if np.isfinite(fisher).all() and diagonal(fisher).min() > MIN_DIAGONAL_FLOAT32:
                result = cls.factorise(regularized(point, damping, fisher), min_ridge)
                if result.tolerates_float32(point.w.shape[1]):
                    return result
        return cls.factorise(regularized_fisher(point, damping), min_ridge)

    def tolerates_float32(self, n_outputs: int) -> bool:
        """Whether the least curvature exceeds the rounding of entries in float32.

        The pivots of the last class of a softmax do not count. The common shift of all classes is
        flat, and the assembly of F leaves no rounding there.
        """
        pivots = diagonal(self.factor).reshape(-1, n_outputs)[:, : max(n_outputs - 1, 1)]
        return bool(pivots.min() ** 2 > MIN_PIVOT_FLOAT32)

    def with_ridge(self, ridge: Array) -> CholeskyFisher:
        """F with a ridge on its diagonal."""
        if not ridge.any():
            return self
        fisher = self.fisher.copy()
        diagonal(fisher)[...] += ridge
        return self.factorise(fisher, self.min_ridge)

    def solve(self, dw: Array) -> Array:
        scaled = dw.ravel() / self.scale
        solution = lapack.dpotrs(self.factor, scaled, lower=1)[0]
        return (solution.ravel() / self.scale).reshape(dw.shape)


def regularized_fisher(
    point: Point, damping: float, features: NDArray[np.intp] | slice = ALL
) -> Array:
    """F + damping diag(F) at the point, `regularized`."""
    fisher = point.fisher(features)
    require_finite(fisher)
    return regularized(point, damping, fisher)


def regularized(point: Point, damping: float, fisher: Array) -> Array:
    """Regularise F in place: add damping diag(F), and a curvature where the loss is redundant.

    J does not change along the common shift of all classes in a parameter without an l2
    penalty, so the gradient there is nothing but rounding. F gets a curvature in this
    direction that is small beside its own and large beside rounding.
    """
    objective = point.objective
    if damping:
        diagonal(fisher)[...] *= 1 + damping
    n_outputs = point.w.shape[1]
    first = len(fisher) - n_outputs * objective.data.intercept if objective.penalty.l2 else 0
    if n_outputs == 1 or first == len(fisher):
        return fisher
    unpenalised = fisher[first:, first:]
    side = len(unpenalised) // n_outputs
    if side == 1:
        curvature = SHIFT_CURVATURE / n_outputs * unpenalised.trace()
        unpenalised += curvature * objective.loss.shift_projector
        return fisher
    by_class = unpenalised.reshape(side, n_outputs, side, n_outputs)
    mean = np.einsum("icjc->ij", by_class) * (SHIFT_CURVATURE / n_outputs)
    by_class += mean[:, np.newaxis, :, np.newaxis] * objective.loss.shift_projector[:, np.newaxis]
    return fisher


def max_fisher_diagonal(objective: Objective) -> Array:
    """Upper bounds on the diagonal of F without l2, of shape (n_parameters, 1)."""
    return objective.loss.smoothness * objective.mean_squares[:, np.newaxis]
