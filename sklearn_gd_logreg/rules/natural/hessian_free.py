"""Hessian-free Newton steps: conjugate gradients on products with F."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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

DELAY, DELAY_PART, MAX_DELAYS = 4, 4, 5
"""Least number of the last products from which the error is estimated, and what part of all. The
number grows with each step by products that follows another, to so many times at the most: such
steps gain by fits and starts, and soon seem to have ended."""

STEP_ERROR_OVER_TOL = 0.2
"""Part of ``tol`` that the error of a step may have."""

MAX_ROUNDINGS = 64
"""Roundings of the largest curvature met: a smaller curvature may be nothing but rounding."""


@dataclass(frozen=True)
class HessianFree(Curvature):
    """F on all rows by its products with vectors: conjugate gradients in scaled parameters.

    The scales are those of the diagonal of F, with the mean of a(1 − a) in place of its values
    row by row. The step is inexact: it has at most the forcing term as its relative error.

    On a mini-batch the diagonal is added to the F of the batch, since its few rows say nothing
    of most directions.

    Attributes
    ----------
    point : Point
    product : FisherProduct
        F there.
    damping, floor : float
        Parts of diag(F), and of its largest values, that are added to F.
    tol : float
        The decrement at which the descent ends.
    preconditioner : LBFGS or None
    n_before : int
        How many steps by products were made one after the other before this.
    max_products : int

    References
    ----------
    Dembo, Eisenstat and Steihaug, "Inexact Newton methods", SIAM J. Numer. Anal. 19 (1982).
    """

    point: Point
    product: FisherProduct
    damping: float = 0.0
    floor: float = 0.0
    tol: float = 0.0
    preconditioner: LBFGS | None = None
    n_before: int = 0
    max_products: int = tuning.MAX_PRODUCTS

    @classmethod
    def at(cls, point: Point, damping: float, floor: float = 0.0, **options: object) -> HessianFree:
        """At a point; one pass forward."""
        product = point.objective.fisher.product(point.w)
        return cls(point, product, damping, floor, **options)  # type: ignore[arg-type]

    @cached_attribute
    def diagonal(self) -> Array:
        """About the diagonal of F, shape of w."""
        return self.product.diagonal(self.point.objective.mean_squares)

    def updated(self, before: Point, point: Point) -> Curvature | None:
        return self.preconditioner and self.preconditioner.updated(before, point)

    def target(self, point: Point, alpha: float) -> Step:
        on_batch = point.objective is not self.point.objective
        product = self.product if point is self.point else point.objective.fisher.product(point.w)
        added = (self.damping + on_batch) * self.diagonal
        if self.floor:
            added = added + self.floor * max_fisher_diagonal(self.point.objective)
        scale = unit_scale(self.diagonal + added)

        def scaled_product(v: Array) -> Array:
            move = v / scale
            return (product(move.astype(point.w.dtype)) + added * move) / scale

        def scaled_solve(v: Array) -> Array:
            if self.preconditioner is None or on_batch:
                return v
            return scale * self.preconditioner.solve(scale * v)

        move, gain, n_products = conjugate_gradients(
            scaled_product,
            scaled_solve,
            (point.dw / scale).astype(np.float64),
            tuning.FORCING_TERM,
            STEP_ERROR_OVER_TOL * self.tol,
            DELAY * min(1 + self.n_before, MAX_DELAYS),
            max_products=self.max_products,
            precision=point.w.dtype,
        )
        move = center_classes(move / scale, point)
        return Step(point.w - alpha * move, 0.5 * alpha * gain, n_products)


def conjugate_gradients(
    product: Callable[[Array], Array],
    solve: Callable[[Array], Array],
    slope: Array,
    accuracy: float,
    enough: float,
    delay: int = DELAY,
    max_products: int = tuning.MAX_PRODUCTS,
    precision: DTypeLike = np.float64,
) -> tuple[Array, float, int]:
    """About v = F⁻¹ slope, by products with F, preconditioned by ``solve``; vᵀFv; and how many.

    The gains of all products add up to vᵀFv, and those of the last products, ``delay`` at the
    least, tell how far it was off before them. It ends where the root of that is a part
    ``accuracy`` of the root of vᵀFv, or no more than ``enough``. It is added once more for
    what is still to gain.

    Along a direction in which F is 0 the curvature is the rounding of a product, made in
    ``precision``; to divide by it would lead anywhere. So it ends there too.

    References
    ----------
    Hestenes and Stiefel, "Methods of conjugate gradients for solving linear systems", J.
    Res. Natl. Bur. Stand. 49 (1952); Strakoš and Tichý, "On error estimation in the
    conjugate gradient method and why it works in finite precision computations", ETNA 13
    (2002).
    """

    def preconditioned() -> tuple[Array, float, bool]:
        move = solve(residual)
        size = float(np.vdot(residual, move))
        if size > 0 or not residual.any():
            return move, size, True
        return residual, float(np.vdot(residual, residual)), False  # that was nothing but rounding

    solution, residual = np.zeros_like(slope), slope.copy()
    direction, size, _ = preconditioned()
    gains: list[float] = []
    error = largest = 0.0
    while size > 0 and len(gains) < max_products:
        curved = product(direction)
        along = float(np.vdot(direction, curved))
        curvature = along / float(np.vdot(direction, direction))
        largest = max(largest, curvature)
        if not curvature > MAX_ROUNDINGS * np.finfo(precision).eps * largest:
            break
        step = size / along
        solution += step * direction
        residual = residual - step * curved
        gains.append(step * size)
        error = sum(gains[-max(delay, len(gains) // DELAY_PART) :])
        if len(gains) > delay and error <= max(accuracy**2 * sum(gains), enough**2):
            break
        before = size
        towards, size, same = preconditioned()
        direction = towards + size / before * direction if same else towards
    return solution, sum(gains) + error, len(gains)
