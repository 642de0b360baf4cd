"""When a descent has converged, or had better stop: seen from its iterates alone."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from math import inf, sqrt
from typing import Any

import numpy as np

from .._typing import Array
from ..descent import Iterate
from .fenchel_bound import bound_agrees, bound_proves

MAX_EXTRAPOLATED_RATIO = 0.995
"""Largest ratio of two norms that is reckoned with: a hundred decreases are still to come."""


MAX_FAST_RATIO, MIN_SLOW_RATIO, MAX_SLOW_RATIO = 0.33, 0.9, 1.1
"""Ratios of two norms. Below the first, Newton's method is about to end; from the second to the
third, a direction of hardly any curvature holds it up. In between, rows may be on their way to be
saturated: the loss of such a row falls to 1/e with a step, or to 1/e² with twice the step, and the
norm to the root of that, whatever the other rows would gain. Once the row is saturated, the other
rows are heard, and the norm grows."""


class StoppingRule(ABC):
    """Decides, seeing one iterate after the other, whether the descent has converged.

    What it has seen is kept on it, so that it goes on where it was if the descent does.
    """

    converged = False
    """Whether the last iterate seen was near enough to the optimum."""

    @abstractmethod
    def reason(self, iterate: Iterate) -> str | None:
        """Why to stop here, or None to go on; asked once of each iterate."""

    @property
    @abstractmethod
    def settings(self) -> tuple[Any, ...]:
        """What it was told, not what it has seen."""


@dataclass
class GradientTolerance(StoppingRule):
    """Full batch: stop when the gradient norm is at most ``tol``.

    A rule that knows its next step by then (``finishes``) makes it, and the descent ends
    with the point after; but not from a start that is good enough, nor for a decrease
    that rounding would hide. There the norm is that of a model of J, which may be wrong. So the
    bound on J − J* has to agree (`bound_agrees`), and the norm must not shrink too slowly. If not,
    the descent goes on.

    A norm is known no better than the numbers: where ``tol`` is below their rounding, it is
    not reached, whatever the norm.

    With a line search the cost falls at every step. Where no step lowers it any more,
    or neither cost nor gradient norm has fallen for long, the floating-point numbers
    are exhausted: that is "stalled".
    """

    tol: float
    finishes: bool = False
    line_search: bool = False
    patience: int = 30
    best_cost: float = inf
    best_norm: float = inf
    waited: int = 0
    small: bool = False
    last_norm: float = inf
    last_ratio: float = 0.0
    converged: bool = False

    @property
    def settings(self) -> tuple[Any, ...]:
        return type(self), self.tol, self.finishes, self.line_search, self.patience

    def reason(self, iterate: Iterate) -> str | None:
        if not self.tol:
            return None
        small = iterate.gradient_norm <= self.tol
        if small and self.tol < rounding_of_norm(iterate):
            return "stalled"
        if small:
            last_step_made, self.small = self.small, True
            worthwhile = iterate.gradient_norm**2 / 2 > rounding_of(iterate)
            if self.finishes and worthwhile and iterate.k > 0 and not last_step_made:
                self.converged = self._is_near(iterate)
                self._remember(iterate)
                return None
        self.small = small
        self.converged = small and (not self.finishes or self._is_near(iterate))
        self._remember(iterate)
        if self.converged:
            return "tol"
        return "stalled" if self.line_search and self._exhausted(iterate) else None

    def _remember(self, iterate: Iterate) -> None:
        self.last_ratio, self.last_norm = self._ratio(iterate), iterate.gradient_norm

    def _ratio(self, iterate: Iterate) -> float:
        """The norm over that of the iterate before."""
        return iterate.gradient_norm / (self.last_norm or inf)

    def _is_near(self, iterate: Iterate) -> bool:
        """Whether J is as near to its minimum as a small norm says, near the minimum.

        Newton's method all but squares the norm there. Where the norm shrinks by one ratio from
        step to step instead, its square is the first term of a geometric series.
        """
        ratio = min(self._ratio(iterate), MAX_EXTRAPOLATED_RATIO)
        to_come = iterate.gradient_norm**2 / (1 - ratio**2)
        if to_come > self.tol**2 or not bound_agrees(iterate.point, self.tol):
            return False
        held_up = (
            self.last_ratio >= MIN_SLOW_RATIO
            and MIN_SLOW_RATIO <= self._ratio(iterate) <= MAX_SLOW_RATIO
        )
        steady = ratio <= MAX_FAST_RATIO or held_up
        # Such steps may hide all that is left: only a proof, or rounding, lets them end.
        decrease = 0.5 * to_come
        return (
            steady
            or decrease <= rounding_of(iterate)
            or bound_proves(iterate.point, max(0.5 * self.tol**2, decrease))
        )

    def _exhausted(self, iterate: Iterate) -> bool:
        lower = iterate.cost < self.best_cost - rounding_of(iterate)
        smaller = iterate.gradient_norm < 0.999 * self.best_norm
        self.waited = 0 if lower or smaller else self.waited + 1
        if lower:
            self.best_cost = iterate.cost
        if smaller:
            self.best_norm = iterate.gradient_norm
        return iterate.learning_rate == 0 or self.waited >= self.patience


@dataclass
class CostPlateau(StoppingRule):
    """Mini-batches: stop when the epoch's cost has not improved by ``tol`` for some epochs.

    That is a "plateau". It does not tell whether J is near its minimum: noise and rates that are
    too small make a plateau anywhere. If these epochs cost clearly more than the start, the
    descent has "diverged".
    """

    tol: float
    patience: int = 5
    start: float = inf
    best: float = inf
    waiting: list[float] = field(default_factory=list)

    @property
    def settings(self) -> tuple[Any, ...]:
        return type(self), self.tol, self.patience

    def reason(self, iterate: Iterate) -> str | None:
        if iterate.k == 0:
            self.start = iterate.cost
        if not self.tol or iterate.k == 0:
            return None
        self.waiting = [] if iterate.cost < self.best - self.tol else [*self.waiting, iterate.cost]
        self.best = min(self.best, iterate.cost)
        if len(self.waiting) < self.patience:
            return None
        uphill = np.mean(self.waiting) > 1.1 * self.start + self.tol
        return "diverged" if uphill else "plateau"


@dataclass
class Best:
    """The iterate of the lowest value of something.

    Attributes
    ----------
    value : float
    k : int
    w : array or None
        None if there has been none with a finite value.
    """

    value: float = inf
    k: int = 0
    w: Array | None = None

    def update(self, value: float, iterate: Iterate) -> None:
        """Take the iterate if its value is lower than all before."""
        if value < self.value:
            self.value, self.k, self.w = value, iterate.k, iterate.w


def rounding_of(iterate: Iterate) -> float:
    """What the rounding of the numbers may add to the cost."""
    return 8 * float(np.finfo(iterate.w.dtype).eps) * abs(iterate.cost)


def rounding_of_norm(iterate: Iterate) -> float:
    """About what the rounding of the numbers leaves of a gradient norm in features of scale 1.

    The terms of the gradient have the size of dz, of which √loss is a mean.
    """
    return float(np.finfo(iterate.w.dtype).eps) * sqrt(max(iterate.loss, 0.0))
