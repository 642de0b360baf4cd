"""Hessian-free Newton steps: conjugate gradients on Hessian-vector products."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..._cached import cached_attribute
from ..._linalg import unit_scale
from ..._typing import Array
from ...fisher import FisherProduct
from ...objective import Point
from . import tuning
from .curvature import Curvature, Step, center_classes, max_fisher_diagonal
from .lbfgs import LBFGS

MIN_DELAY, DELAY_DIVISOR, MAX_DELAY_FACTOR = 4, 4, 5
"""Delay of the error estimate (Strakoš and Tichý), in products: the number of products so far over
`DELAY_DIVISOR`, but at least `MIN_DELAY`. In the second, third, … of consecutive Hessian-free steps
this minimum is multiplied by 2, 3, … up to `MAX_DELAY_FACTOR`: there the error decreases unevenly,
and a short delay underestimates it."""

STEP_ERROR_OVER_TOL = 0.2
"""Error allowed in a step, relative to ``tol``."""

MIN_CURVATURE_IN_EPS = 64
"""Least curvature along a direction, in machine epsilons times the largest curvature so far: a
smaller one may be rounding."""


@dataclass(frozen=True)
class HessianFree(Curvature):
    """F on all rows as a linear operator; inexact Newton steps by conjugate gradients.

    The relative error of a step is at most the forcing term. The parameters are scaled by the
    square root of the diagonal of F (a Jacobi preconditioner), which is approximated with the mean
    of a(1 − a) in place of each row's value.

    In a step on a mini-batch this diagonal is added to the F of the batch, whose few rows do not
    determine the curvature of most directions.

    Attributes
    ----------
    point : Point
    product : FisherProduct
        Products with F at the point.
    damping : float
        Multiple of diag(F) that is added to F.
    uniform_weight : float
        Multiple of the diagonal of F at w = 0, the largest possible, that is added to F.
    tol : float
        The Newton decrement at which the descent ends.
    preconditioner : LBFGS or None
        Approximation of F that preconditions the steps on all rows.
    n_previous : int
        Number of consecutive Hessian-free steps before this one.
    max_products : int
        Largest number of Hessian-vector products in a step.

    References
    ----------
    Dembo, Eisenstat and Steihaug, "Inexact Newton methods", SIAM J. Numer. Anal. 19 (1982).
    """

    point: Point
    product: FisherProduct
    damping: float = 0.0
    uniform_weight: float = 0.0
    tol: float = 0.0
    preconditioner: LBFGS | None = None
    n_previous: int = 0
    max_products: int = tuning.MAX_PRODUCTS

    @classmethod
    def at(cls, point: Point, damping: float, **options: Any) -> HessianFree:
        """F at the point; one forward pass."""
        return cls(point, point.objective.fisher.product(point.w), damping, **options)

    @cached_attribute
    def diagonal(self) -> Array:
        """Approximate diagonal of F, shape of w."""
        return self.product.diagonal(self.point.objective.mean_squares)

    def updated(self, previous: Point, point: Point) -> Curvature | None:
        return self.preconditioner and self.preconditioner.updated(previous, point)

    def newton_step(self, point: Point, alpha: float) -> Step:
        on_batch = point.objective is not self.point.objective
        product = self.product if point is self.point else point.objective.fisher.product(point.w)
        ridge = (self.damping + on_batch) * self.diagonal
        if self.uniform_weight:
            ridge = ridge + self.uniform_weight * max_fisher_diagonal(self.point.objective)
        scale = unit_scale(self.diagonal + ridge)

        def scaled_product(v: Array) -> Array:
            unscaled = v / scale
            return (product(unscaled.astype(point.w.dtype)) + ridge * unscaled) / scale

        def precondition(v: Array) -> Array:
            if self.preconditioner is None or on_batch:
                return v
            return scale * self.preconditioner.solve(scale * v)

        solution, squared_decrement, n_products = conjugate_gradients(
            scaled_product,
            precondition,
            (point.dw / scale).astype(np.float64),
            tuning.FORCING_TERM,
            STEP_ERROR_OVER_TOL * self.tol,
            MIN_DELAY * min(1 + self.n_previous, MAX_DELAY_FACTOR),
            max_products=self.max_products,
            precision=point.w.dtype,
        )
        direction = center_classes(solution / scale, point)
        return Step(point.w - alpha * direction, 0.5 * alpha * squared_decrement, n_products)


def conjugate_gradients(
    product: Callable[[Array], Array],
    precondition: Callable[[Array], Array],
    gradient: Array,
    forcing_term: float,
    max_error: float,
    min_delay: int = MIN_DELAY,
    max_products: int = tuning.MAX_PRODUCTS,
    precision: DTypeLike = np.float64,
) -> tuple[Array, float, int]:
    """Solve Fv = gradient approximately; return v, vᵀFv and the number of products.

    Each iteration reduces the squared error, in the norm of F, by a known amount. The sum of all
    reductions is vᵀFv. The sum of the last ones, at least ``min_delay``, estimates the squared
    error before them. The iteration ends where this error is at most ``forcing_term`` times the
    norm of v, or at most ``max_error``. The vᵀFv that is returned includes the estimate, for the
    remaining error.

    The iteration also ends where the curvature along a direction is below the rounding error of a
    product in ``precision``: division by it would amplify this error.

    References
    ----------
    Hestenes and Stiefel, "Methods of conjugate gradients for solving linear systems", J. Res.
    Natl. Bur. Stand. 49 (1952); Strakoš and Tichý, "On error estimation in the
    conjugate gradient method and why it works in finite precision computations", ETNA 13
    (2002).
    """

    def preconditioned() -> tuple[Array, float, bool]:
        """M⁻¹r, rᵀM⁻¹r and True; r, rᵀr and False where rounding makes M⁻¹ indefinite."""
        solved = precondition(residual)
        rho = float(np.vdot(residual, solved))
        if rho > 0 or not residual.any():
            return solved, rho, True
        return residual, float(np.vdot(residual, residual)), False

    # residual r, rho = rᵀM⁻¹r for the preconditioner M
    solution, residual = np.zeros_like(gradient), gradient.copy()
    direction, rho, _ = preconditioned()
    reductions: list[float] = []
    squared_error = max_curvature = 0.0
    while rho > 0 and len(reductions) < max_products:
        f_direction = product(direction)
        squared_norm = float(np.vdot(direction, f_direction))
        curvature = squared_norm / float(np.vdot(direction, direction))
        max_curvature = max(max_curvature, curvature)
        if not curvature > MIN_CURVATURE_IN_EPS * np.finfo(precision).eps * max_curvature:
            break
        step_size = rho / squared_norm
        solution += step_size * direction
        residual = residual - step_size * f_direction
        reductions.append(step_size * rho)
        squared_error = sum(reductions[-max(min_delay, len(reductions) // DELAY_DIVISOR) :])
        target = max(forcing_term**2 * sum(reductions), max_error**2)
        if len(reductions) > min_delay and squared_error <= target:
            break
        previous_rho = rho
        solved, rho, is_preconditioned = preconditioned()
        direction = solved + rho / previous_rho * direction if is_preconditioned else solved
    return solution, sum(reductions) + squared_error, len(reductions)
