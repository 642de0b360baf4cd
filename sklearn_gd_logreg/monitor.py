"""Consumers of iterates: they record the history, decide when to stop and report."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import inf, isfinite
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from ._typing import Array
from .descent import Iterate


class History:
    """One row for each iterate, kept as columns.

    Parameters
    ----------
    started : float
        Clock reading (`time.perf_counter`) from which ``time`` counts, in seconds.
    """

    columns = ("iteration", "passes", "cost", "loss", "gradient_norm", "learning_rate", "time")

    def __init__(self, started: float) -> None:
        self._started = started
        self._rows: list[tuple[float, ...]] = []

    def record(self, it: Iterate) -> None:
        """Add the row of an iterate."""
        seconds = perf_counter() - self._started
        self._rows.append(
            (it.k, it.passes, it.cost, it.loss, it.gradient_norm, it.learning_rate, seconds)
        )

    def as_dict(self) -> dict[str, NDArray[np.generic]]:
        """Equal-length arrays by name; ``iteration`` is integer, the others float64."""
        columns = np.array(self._rows, dtype=np.float64).reshape(-1, len(self.columns)).T
        history: dict[str, NDArray[np.generic]] = dict(zip(self.columns, columns, strict=True))
        history["iteration"] = history["iteration"].astype(np.intp)
        return history


class StoppingRule(ABC):
    """Decides, seeing one iterate after the other, whether the descent has converged."""

    converged = False
    """Whether the last iterate seen was near enough to the optimum."""

    @abstractmethod
    def reason(self, iterate: Iterate) -> str | None:
        """Why to stop here, or None to go on."""


@dataclass
class GradientTolerance(StoppingRule):
    """Full batch: stop when the gradient norm is at most ``tol``.

    A rule that knows its next step by then (``finishes``) makes it, and the descent ends
    with the point after; but not from a start that is good enough, nor for a decrease
    that rounding would hide.

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

    def reason(self, iterate: Iterate) -> str | None:
        if not self.tol:
            return None
        if iterate.gradient_norm <= self.tol:
            last_step_made, self.converged = self.converged, True
            worthwhile = iterate.gradient_norm**2 / 2 > rounding_of(iterate)
            goes_on = self.finishes and worthwhile and iterate.k > 0 and not last_step_made
            return None if goes_on else "tol"
        self.converged = False
        return "stalled" if self.line_search and self._exhausted(iterate) else None

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

    If these epochs cost clearly more than the start, that is no convergence but "diverged".
    """

    tol: float
    patience: int = 5
    start: float = inf
    best: float = inf
    waiting: list[float] = field(default_factory=list)

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
        return "diverged" if uphill else "tol"


@dataclass(frozen=True)
class Outcome:
    """How a descent ended.

    Attributes
    ----------
    w : array
        The parameters to keep: the last, or after divergence those of the lowest cost.
    last : Iterate
        The last iterate seen.
    reason : str
        "tol", "max_iter", "stalled" or "diverged".
    history : dict of arrays
    """

    w: Array
    last: Iterate
    reason: str
    history: dict[str, NDArray[np.generic]]


def watch(
    iterates: Iterable[Iterate],
    stopping: StoppingRule,
    max_iter: int,
    verbose: int,
    history: History,
) -> Outcome:
    """Consume iterates until they converge, diverge or number ``max_iter``.

    Raises
    ------
    ValueError
        If the cost is not finite at the start.
    """
    best_cost, best_w = inf, None
    for iterate in iterates:
        if not isfinite(iterate.cost):
            if best_w is None:
                raise ValueError(
                    "The cost is not finite at the start: coef_init, intercept_init or the "
                    "previous fit are too far from 0 for the features in X."
                )
            return Outcome(best_w, iterate, "diverged", history.as_dict())
        history.record(iterate)
        if iterate.cost < best_cost:
            best_cost, best_w = iterate.cost, iterate.w
        reason = stopping.reason(iterate)
        if reason is None and iterate.k >= max_iter:
            reason = "tol" if stopping.converged else "max_iter"
        if verbose and (reason or verbose > 1 or is_milestone(iterate.k)):
            print(line(iterate))
        if reason:
            kept = best_w if reason == "diverged" and best_w is not None else iterate.w
            return Outcome(kept, iterate, reason, history.as_dict())
    raise AssertionError("a descent ends only after a cost that is not finite")


def rounding_of(iterate: Iterate) -> float:
    """What the rounding of the numbers may add to the cost."""
    return 8 * float(np.finfo(iterate.w.dtype).eps) * abs(iterate.cost)


def is_milestone(k: int) -> bool:
    """Whether k is 0, 1, 2, 5, 10, 20, 50, …"""
    digits = str(k)
    return digits[0] in "0125" and not digits[1:].strip("0")


def line(it: Iterate) -> str:
    """An iterate as one line to read."""
    rate = "-" if it.k == 0 else f"{it.learning_rate:.3g}"
    return (
        f"iteration {it.k:>6}   passes {it.passes:>8.5g}   cost {it.cost:.8f}   "
        f"gradient norm {it.gradient_norm:.2e}   learning rate {rate}"
    )
