"""The natural step for many parameters: conjugate gradients on products with F."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from scipy.sparse.linalg import LinearOperator, cg

from .._linalg import unit_scale
from .._typing import Array
from ..objective import FisherProduct, Point
from .curvature import Curvature, Metric, Target, largest_diagonal

MOST_PRODUCTS = 200
"""Steps of conjugate gradients."""

LOOSE, TIGHT, BATCH = 0.5, 0.03, 0.05
"""Least and greatest accuracy of a solution on all rows, and that of one on a mini-batch."""

CLOSE = 0.2
"""Accuracy at the least where the descent may end."""

PRECISION = 0.1
"""Part of the norm at which the descent ends that a step may leave."""


@dataclass(frozen=True)
class ImplicitFisher(Curvature):
    """F by its products with vectors: conjugate gradients in scaled parameters.

    The scales are those of the diagonal of F, with the mean of a(1 − a) in place of its
    values row by row; ``preconditioner``, if there is one, is a cheaper F that has been
    factorised. The further the descent has come since the last look, the more exactly the
    step is worked out: far from the minimum a rough one does as well, and so does one that
    is to end near ``aim``, the norm at which the descent ends.

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
    preconditioner: Metric | None = None

    @cached_property
    def diagonal(self) -> Array:
        """About the diagonal of F, shape of w."""
        return self.product.diagonal()

    @cached_property
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
            move = v.reshape(scale.shape) / scale
            curved = product(move.astype(point.w.dtype)) + added * move
            return (curved / scale).ravel()

        slope = (point.dw / scale).astype(np.float64).ravel()
        solve = partial(
            cg,
            operator(scaled_product, slope.size),
            slope,
            maxiter=MOST_PRODUCTS,
            M=self._scaled_preconditioner(scale) if here else None,
        )
        accuracy = self._accuracy() if here else BATCH
        move, _ = solve(rtol=accuracy)
        if here and accuracy > CLOSE and slope @ move <= self.aim**2:
            move, _ = solve(rtol=CLOSE, x0=move)  # the descent may end here: look closer
        w = point.w - alpha * move.reshape(scale.shape) / scale
        return Target(w, 0.5 * alpha * float(slope @ move))

    def _accuracy(self) -> float:
        if self.size_before is None:
            return LOOSE
        spare = PRECISION * self.aim / self.size if self.size else LOOSE
        return min(max(0.9 * (self.size / self.size_before) ** 1.5, spare, TIGHT), LOOSE)

    def _scaled_preconditioner(self, scale: Array) -> LinearOperator | None:
        if self.preconditioner is None:
            return None
        solve = self.preconditioner.solve

        def scaled_solve(v: Array) -> Array:
            return (scale * solve(scale * v.reshape(scale.shape))).ravel()

        return operator(scaled_solve, scale.size)


def operator(product: Callable[[Array], Array], size: int) -> LinearOperator:
    """A square matrix by its products."""
    return LinearOperator((size, size), product, dtype=np.float64)
