"""The natural step for many parameters: conjugate gradients on products with F."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import DTypeLike

from ..._cached import cached_attribute
from ..._linalg import unit_scale
from ..._typing import Array
from ...objective import FisherProduct, Point
from .curvature import Curvature, Target, largest_diagonal, without_rounding

if TYPE_CHECKING:
    from .lbfgs import SecantFisher

MOST_PRODUCTS = 200
"""Steps of conjugate gradients."""

LOOSE, TIGHT, BATCH = 0.5, 0.1, 0.1
"""Least and greatest accuracy of a solution on all rows, and that of one on a mini-batch."""

DELAY, PART = 4, 4
"""Least number of the last products by which the error is estimated, and what part of all."""

MOST_DELAYS = 5
"""How many times as many it is at the most, where steps by products follow one another.

That they must means that these gain by fits and starts, and soon seem to have ended."""

FLAT = 64
"""Roundings of the largest curvature met: a curvature that is no larger may be nothing else."""

PRECISION = 0.2
"""Part of the norm at which the descent ends that a step may leave."""


@dataclass(frozen=True)
class ImplicitFisher(Curvature):
    """F by its products with vectors: conjugate gradients in scaled parameters.

    The scales are those of the diagonal of F, with the mean of a(1 − a) in place of its
    values row by row; ``preconditioner``, if there is one, is the guess with secants that
    has made the steps so far. The further the descent has come since the last look, the more
    exactly the step is worked out: far from the minimum a rough one does as well, and so
    does one that is to end near ``aim``, the norm at which the descent ends.

    ``made`` counts the steps that products have made before this one, the first of which began
    when the rows had been read ``began`` times. ``most`` is how many products a step may take.

    On a mini-batch the diagonal is added to the F of the batch, which sees too few rows to
    be trusted in all directions.

    References
    ----------
    Eisenstat and Walker, "Choosing the forcing terms in an inexact Newton method", SIAM
    J. Sci. Comput. 17 (1996).
    """

    point: Point
    product: FisherProduct
    damping: float
    floor: float
    aim: float = 0.0
    size_before: float | None = None
    preconditioner: SecantFisher | None = None
    made: int = 0
    most: int = MOST_PRODUCTS
    began: float = 0.0

    @cached_attribute
    def diagonal(self) -> Array:
        """About the diagonal of F, shape of w."""
        return self.product.diagonal()

    @cached_attribute
    def size(self) -> float:
        """Norm of dw in the metric of the diagonal, at the point looked at."""
        scale = unit_scale(self.diagonal)
        return float(np.linalg.norm(self.point.dw / scale))

    def target(self, point: Point, alpha: float) -> Target:
        here = point.objective is self.point.objective
        product = self.product if point is self.point else point.objective.fisher_product(point.w)
        added = self.damping * self.diagonal
        if not here:
            added = added + self.diagonal
        if self.floor:
            added = added + self.floor * largest_diagonal(self.point.objective)
        scale = unit_scale(self.diagonal + added)

        def scaled_product(v: Array) -> Array:
            move = v / scale
            curved = product(move.astype(point.w.dtype)) + added * move
            return curved / scale

        def scaled_solve(v: Array) -> Array:
            if self.preconditioner is None or not here:
                return v
            return scale * self.preconditioner.solve(scale * v)

        slope = (point.dw / scale).astype(np.float64)
        accuracy = self._accuracy() if here else BATCH
        enough = PRECISION * self.aim
        delay = DELAY * (1 + min(self.made, MOST_DELAYS - 1))
        move, gain = conjugate_gradients(
            scaled_product, scaled_solve, slope, accuracy, enough, delay, self.most, point.w.dtype
        )
        move = without_rounding(move / scale, point)
        return Target(point.w - alpha * move, 0.5 * alpha * gain)

    def aimed_at(self, aim: float) -> ImplicitFisher:
        if aim == self.aim:
            return self
        guess = self.preconditioner and self.preconditioner.aimed_at(aim)
        return replace(self, aim=aim, preconditioner=guess)

    def learn(self, before: Point, point: Point, decrease: float) -> Curvature | None:
        """The guess, where products have found that the descent ends: it may finish it."""
        if self.preconditioner is None or 2 * decrease > self.aim**2:
            return None
        return replace(self.preconditioner.with_pair(before, point), trusted=True, steps=0)

    def _accuracy(self) -> float:
        if not self.size_before:  # at the start, or where the gradient was 0
            return LOOSE
        return float(np.clip(0.9 * (self.size / self.size_before) ** 1.5, TIGHT, LOOSE))


def conjugate_gradients(
    product: Callable[[Array], Array],
    solve: Callable[[Array], Array],
    slope: Array,
    accuracy: float,
    enough: float,
    delay: int = DELAY,
    most: int = MOST_PRODUCTS,
    precision: DTypeLike = np.float64,
) -> tuple[Array, float]:
    """About v = F⁻¹ slope, by products with F, preconditioned by ``solve``; and vᵀFv.

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
    while size > 0 and len(gains) < most:
        curved = product(direction)
        bend = float(np.vdot(direction, curved))
        curvature = bend / float(np.vdot(direction, direction))
        largest = max(largest, curvature)
        if not curvature > FLAT * np.finfo(precision).eps * largest:
            break
        step = size / bend
        solution += step * direction
        residual = residual - step * curved
        gains.append(step * size)
        error = sum(gains[-max(delay, len(gains) // PART) :])
        if len(gains) > delay and error <= max(accuracy**2 * sum(gains), enough**2):
            break
        before = size
        towards, size, same = preconditioned()
        direction = towards + size / before * direction if same else towards
    return solution, sum(gains) + error
