"""Stopping rules: whether a descent has converged, stalled, diverged or met a plateau."""

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
"""Largest ratio of successive norms in an extrapolation: J − J* is 100 times norm²/2."""


MAX_FAST_RATIO, MIN_SLOW_RATIO, MAX_SLOW_RATIO = 0.33, 0.9, 1.1
"""Ratios of successive norms. Up to the first, Newton's method converges quadratically. From the
second to the third, a direction of almost no curvature slows it down. In between, a row may be
saturating: a step divides its loss by e (a double step by e²) and the norm by √e (by e), and hides
the decrease that the other rows allow. Once the row is saturated, the other rows dominate the
gradient, and the norm grows. Without the third, 18 of 300 fits with one extreme value end up to
188 · tol²/2 above the minimum (`tests/test_convergence.py` has 40 of them)."""


class StoppingRule(ABC):
    """Decides after each iterate whether to stop.

    Its fields are its parameters and its state. A resumed descent restores both.
    """

    converged = False
    """Whether the last iterate meets the tolerance."""

    @abstractmethod
    def reason(self, iterate: Iterate) -> str | None:
        """The ``stop_reason_``, or None to continue; called once for each iterate, in order."""

    @property
    @abstractmethod
    def settings(self) -> tuple[Any, ...]:
        """The type and the parameters, without the state.

        If they change, a resumed descent resets the state.
        """


@dataclass
class GradientTolerance(StoppingRule):
    """Full batch: stop when the gradient norm is at most ``tol``.

    With ``takes_last_step`` the norm is the Newton decrement, and the Newton step is known when
    the norm reaches ``tol``. The descent takes that step and then stops, unless the iterate is the
    start or rounding would hide the decrease. The decrement comes from a quadratic model of J with
    approximate curvature. So convergence also needs a bound on J − J* that agrees
    (`bound_agrees`) and a norm that does not shrink too slowly.

    Two cases are "stalled": the norm reaches a ``tol`` below its own rounding, or, with a line
    search, no further decrease is representable in this precision.

    Attributes
    ----------
    tol : float
    takes_last_step : bool
    line_search : bool
        Whether every step lowers J.
    patience : int
        Iterations with no decrease of J or of the norm after which the descent has stalled.
    best_cost, best_norm : float
        Smallest so far.
    n_without_decrease : int
        Iterations since one of the two decreased.
    was_within_tol : bool
        Whether the norm of the last iterate was at most ``tol``.
    last_norm, last_ratio : float
        Norm of the last iterate, and its ratio to the norm before.
    converged : bool
    """

    tol: float
    takes_last_step: bool = False
    line_search: bool = False
    patience: int = 30
    best_cost: float = inf
    best_norm: float = inf
    n_without_decrease: int = 0
    was_within_tol: bool = False
    last_norm: float = inf
    last_ratio: float = 0.0
    converged: bool = False

    @property
    def settings(self) -> tuple[Any, ...]:
        return type(self), self.tol, self.takes_last_step, self.line_search, self.patience

    def reason(self, iterate: Iterate) -> str | None:
        if not self.tol:
            return None
        small = iterate.gradient_norm <= self.tol
        if small and self.tol < norm_rounding(iterate):
            return "stalled"
        if small:
            last_step_taken, self.was_within_tol = self.was_within_tol, True
            is_representable = iterate.gradient_norm**2 / 2 > cost_rounding(iterate)
            if self.takes_last_step and is_representable and iterate.k > 0 and not last_step_taken:
                self.converged = self._is_near_minimum(iterate)
                self._store_norm(iterate)
                return None
        self.was_within_tol = small
        self.converged = small and (not self.takes_last_step or self._is_near_minimum(iterate))
        self._store_norm(iterate)
        if self.converged:
            return "tol"
        return "stalled" if self.line_search and self._has_stalled(iterate) else None

    def _store_norm(self, iterate: Iterate) -> None:
        self.last_ratio, self.last_norm = self._ratio(iterate), iterate.gradient_norm

    def _ratio(self, iterate: Iterate) -> float:
        """The norm divided by that of the iterate before."""
        return iterate.gradient_norm / (self.last_norm or inf)

    def _is_near_minimum(self, iterate: Iterate) -> bool:
        """Whether J − J* is at most about tol²/2, as a norm of at most ``tol`` suggests.

        J − J* ≈ norm²/2 holds where Newton's method converges quadratically. If the norm shrinks
        by a constant ratio r instead, the decreases form a geometric series: norm²/(1 − r²)/2.
        """
        ratio = min(self._ratio(iterate), MAX_EXTRAPOLATED_RATIO)
        norm2_sum = iterate.gradient_norm**2 / (1 - ratio**2)
        if norm2_sum > self.tol**2:
            return False
        is_slow = (
            self.last_ratio >= MIN_SLOW_RATIO
            and MIN_SLOW_RATIO <= self._ratio(iterate) <= MAX_SLOW_RATIO
        )
        if not (ratio <= MAX_FAST_RATIO or is_slow):
            # A saturating row may hide the remaining decrease: only the bound or rounding ends it.
            decrease = 0.5 * norm2_sum
            is_proved = bound_proves(iterate.point, max(0.5 * self.tol**2, decrease))
            if not (is_proved or decrease <= cost_rounding(iterate)):
                return False
        return bound_agrees(iterate.point, self.tol)  # last: it may read the rows once more

    def _has_stalled(self, iterate: Iterate) -> bool:
        """Whether no further decrease is representable in this precision."""
        lower = iterate.cost < self.best_cost - cost_rounding(iterate)
        smaller = iterate.gradient_norm < 0.999 * self.best_norm
        self.n_without_decrease = 0 if lower or smaller else self.n_without_decrease + 1
        if lower:
            self.best_cost = iterate.cost
        if smaller:
            self.best_norm = iterate.gradient_norm
        return iterate.learning_rate == 0 or self.n_without_decrease >= self.patience


@dataclass
class CostPlateau(StoppingRule):
    """Mini-batches: stop when the cost has not improved by ``tol`` for ``patience`` epochs.

    This is a "plateau". It is no evidence of convergence: gradient noise and small learning rates
    cause plateaus anywhere. If the mean cost of these epochs is clearly above the first, the
    descent has "diverged".

    Attributes
    ----------
    tol : float
    patience : int
    initial_cost, best_cost : float
        Cost of the start, and the lowest of an epoch.
    costs_without_improvement : list of float
        Costs of the epochs since the last improvement by ``tol``.
    """

    tol: float
    patience: int = 5
    initial_cost: float = inf
    best_cost: float = inf
    costs_without_improvement: list[float] = field(default_factory=list)

    @property
    def settings(self) -> tuple[Any, ...]:
        return type(self), self.tol, self.patience

    def reason(self, iterate: Iterate) -> str | None:
        if iterate.k == 0:
            self.initial_cost = iterate.cost
        if not self.tol or iterate.k == 0:
            return None
        if iterate.cost < self.best_cost - self.tol:
            self.costs_without_improvement = []
        else:
            self.costs_without_improvement = [*self.costs_without_improvement, iterate.cost]
        self.best_cost = min(self.best_cost, iterate.cost)
        if len(self.costs_without_improvement) < self.patience:
            return None
        mean_cost = np.mean(self.costs_without_improvement)
        has_diverged = mean_cost > 1.1 * self.initial_cost + self.tol
        return "diverged" if has_diverged else "plateau"


@dataclass
class BestIterate:
    """The iterate of the lowest value so far: of the cost, or of the validation loss.

    Attributes
    ----------
    value : float
        Its cost or validation loss.
    k : int
        Its number.
    w : array or None
        Its parameters; None if no value has been finite.
    """

    value: float = inf
    k: int = 0
    w: Array | None = None

    def update(self, value: float, iterate: Iterate) -> None:
        """Store the iterate if its value is the lowest so far."""
        if value < self.value:
            self.value, self.k, self.w = value, iterate.k, iterate.w


def cost_rounding(iterate: Iterate) -> float:
    """Bound on the rounding error of the cost."""
    return 8 * float(np.finfo(iterate.w.dtype).eps) * abs(iterate.cost)


def norm_rounding(iterate: Iterate) -> float:
    """Estimate of the rounding error of the gradient norm, for features of scale 1.

    It is eps times the typical size of dz, for which √loss stands.
    """
    return float(np.finfo(iterate.w.dtype).eps) * sqrt(max(iterate.loss, 0.0))
