"""State of the natural gradient between steps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

from ...objective import Point
from .curvature import Curvature, Displacement, Step
from .plan import PROXIMAL_ON_COLUMNS, Method
from .prox_newton import ColumnFisher

MAX_DECREASE_RATIO = 0.99
"""Largest ratio of successive decreases for which their geometric series is summed."""

MAX_RATIO_STEPS = 10
"""Largest number of steps in each of the two means whose quotient is the ratio."""


class WorkCounts(NamedTuple):
    """Work on the curvature so far.

    Attributes
    ----------
    n_hessians : int
        Number of curvatures computed on the rows of the descent.
    n_products : int
        Hessian-vector products.
    subsamples : tuple of int
        Sizes of the growing subsamples.
    """

    n_hessians: int = 0
    n_products: int = 0
    subsamples: tuple[int, ...] = ()


@dataclass(frozen=True)
class NaturalMemory:
    """The curvature in use, and the decreases that its steps predicted.

    Attributes
    ----------
    method : Method
    curvature : Curvature
    point : Point
        The current point.
    step : Step
        The Newton step of length 1 from there.
    counts : WorkCounts
    previous_decreases : tuple of float
        Predicted decreases of the previous steps by this curvature, oldest first.
    n_steps : int
        Steps by this curvature before this one.
    subsample_decrease : float
        Predicted decrease by F of this point on fewer rows than those of the curvature in use;
        0 if it was not computed.
    previous_converged : bool
        Whether the Newton decrement of the previous point was at most ``tol``, by the curvature
        there. The stopping rule decides whether the fit has converged.
    exact_line_search : bool
        Whether the length of the step is found by an exact line search.
    """

    method: Method
    curvature: Curvature
    point: Point
    step: Step
    counts: WorkCounts
    previous_decreases: tuple[float, ...] = ()
    n_steps: int = 0
    subsample_decrease: float = 0.0
    previous_converged: bool = False
    exact_line_search: bool = False

    @classmethod
    def first(cls, method: Method, curvature: Curvature, point: Point, counts: WorkCounts) -> Self:
        """The memory before the first step by a curvature."""
        return cls(method, curvature, point, curvature.newton_step(point, 1.0), counts)

    def counted(self) -> NaturalMemory:
        """The memory with its curvature and its step added to the counts."""
        n_products = self.counts.n_products + self.step.n_products
        counts = self.counts._replace(n_hessians=self.counts.n_hessians + 1, n_products=n_products)
        return replace(self, counts=counts)

    def after_step(self, curvature: Curvature, point: Point, converged: bool) -> NaturalMemory:
        """The memory at the next point, where the corrected curvature stays in use."""
        memory = self.first(self.method, curvature, point, self.counts)
        if isinstance(self.curvature, Displacement):
            return memory
        return replace(
            memory,
            previous_decreases=self.decreases,
            n_steps=self.n_steps + 1,
            previous_converged=converged,
        )

    @property
    def info(self) -> dict[str, Any]:
        """The part of `solver_info_` on the curvature."""
        on_columns = isinstance(self.curvature, ColumnFisher)
        return {
            "method": PROXIMAL_ON_COLUMNS if on_columns else self.method.name,
            "reason": self.method.reason,
            "hessian_rows": self.method.n_rows,
            "subsamples": self.counts.subsamples,
            "hessians": self.counts.n_hessians,
            "products": self.counts.n_products,
        }

    @property
    def decreases(self) -> tuple[float, ...]:
        """Predicted decreases of the last steps and of this one."""
        return (*self.previous_decreases, self.step.decrease)[-2 * MAX_RATIO_STEPS :]

    @property
    def decrease_ratio(self) -> float:
        """Mean ratio of successive decreases; 0 if unknown."""
        decreases = self.decreases
        n_steps = len(decreases) // 2
        if not n_steps:
            return 0.0
        before = sum(decreases[-2 * n_steps : -n_steps]) or 1.0
        return float(max(sum(decreases[-n_steps:]) / before, 0.0) ** (1 / n_steps))

    @property
    def is_current(self) -> bool:
        """Whether the Newton decrement is that of the point, not an approximation."""
        return self.previous_converged or self.curvature.is_current(self.point)

    @property
    def remaining_decrease(self) -> float:
        """Predicted decrease of J to its minimum.

        Where an approximate curvature is too large, its steps predict too little and shrink
        slowly. There their decreases are a geometric series, and its sum is the remaining decrease.
        """
        ratio = 0.0 if self.is_current else min(self.decrease_ratio, MAX_DECREASE_RATIO)
        return max(self.step.decrease / (1 - ratio), self.subsample_decrease)
