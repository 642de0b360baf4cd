"""What the natural gradient remembers from step to step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from ...objective import Point
from .curvature import Curvature, Step
from .plan import PROXIMAL_ON_COLUMNS, Method
from .prox_newton import ColumnFisher

MAX_RATIO = 0.99
"""Largest ratio of two decrements squared from which their sum is extrapolated."""

MAX_SPAN = 10
"""Largest number of steps from whose decreases the ratio is worked out."""


class Counts(NamedTuple):
    """The work on curvature so far.

    Attributes
    ----------
    n_hessians : int
        How often a curvature was worked out on the rows of the descent.
    n_products : int
        Hessian-vector products.
    subsamples : tuple of int
        Sizes of the subsamples that came first.
    """

    n_hessians: int = 0
    n_products: int = 0
    subsamples: tuple[int, ...] = ()


NOTHING = Counts()


@dataclass(frozen=True)
class NaturalMemory:
    """The curvature in use, and what its steps have promised.

    Attributes
    ----------
    method : Method
    curvature : Curvature
    point : Point
        The point that was prepared.
    step : Step
        The full step from there.
    decreases : tuple of float
        What the last steps by this curvature have promised, oldest first; this one not.
    n_steps : int
        Steps by this curvature before this one.
    opinion : float
        What the step by F of this point promises, on fewer rows than the curvature in use is of;
        0 if it was not asked for.
    after_last_step : bool
        Whether the decrement was at most ``tol`` before the step that led here, by the curvature of
        that point. Whether the fit has converged is for `stopping` to say.
    searched : bool
        Whether the length of the step is to be searched for along its line.
    counts : Counts
    """

    method: Method
    curvature: Curvature
    point: Point
    step: Step
    decreases: tuple[float, ...] = ()
    n_steps: int = 0
    opinion: float = 0.0
    after_last_step: bool = False
    searched: bool = False
    counts: Counts = NOTHING

    @property
    def info(self) -> dict[str, Any]:
        """What `solver_info_` says of the curvature."""
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
    def all_decreases(self) -> tuple[float, ...]:
        """``decreases`` and that of this step."""
        return (*self.decreases, self.step.decrease)[-2 * MAX_SPAN :]

    @property
    def ratio(self) -> float:
        """By what the decrease of a step shrinks from one step to the next; 0 if unknown."""
        decreases = self.all_decreases
        span = len(decreases) // 2
        if not span:
            return 0.0
        shrunk = sum(decreases[-span:]) / (sum(decreases[-2 * span : -span]) or 1.0)
        return float(max(shrunk, 0.0) ** (1 / span))

    @property
    def is_known(self) -> bool:
        """Whether the decrement is that of the point, and no approximation."""
        return self.after_last_step or self.curvature.is_current(self.point)

    @property
    def decrease_to_come(self) -> float:
        """Of this step and all that follow.

        An approximate curvature promises too little where it is too large. There the steps shrink
        slowly, and their decreases, a geometric series, are what is still to gain.
        """
        ratio = 0.0 if self.is_known else min(self.ratio, MAX_RATIO)
        return max(self.step.decrease / (1 - ratio), self.opinion)
