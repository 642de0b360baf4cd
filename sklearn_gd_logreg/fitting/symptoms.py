"""Oscillation and rate of convergence of a descent, from its history."""

from __future__ import annotations

from math import ceil, log
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

RECENT_ITERATIONS, MIN_RECENT_ITERATIONS = 20, 5
"""Number of last iterations in the first window, and the fewest that suffice."""

MIN_RISING = 0.2
"""Fraction of rising steps from which the cost oscillates."""

MIN_STEADY = 0.8
"""Least ratio of two successive rates of convergence that counts as steady."""

MIN_ITERATIONS_FOR_RATE = 20
"""Iterations from which the rate of convergence is estimated."""


def oscillates(costs: NDArray[Any], dtype: np.dtype[np.floating]) -> bool:
    """Whether the cost rises by more than rounding in many of the last steps.

    For slow oscillations the window is the second half of all steps.
    """
    rounding = 8 * float(np.finfo(dtype).eps) * np.abs(costs[:-1])
    rises = np.diff(costs) > rounding
    windows = rises[-RECENT_ITERATIONS:], rises[len(rises) // 2 :]
    return len(rises) >= MIN_RECENT_ITERATIONS and any(
        bool(part.mean() >= MIN_RISING) for part in windows
    )


class IterationsLeft(NamedTuple):
    """Estimate of the iterations to ``tol``, for linear convergence at the present rate.

    Attributes
    ----------
    iterations : int
    is_steady : bool
        Whether the rate is steady; if it slows down, more iterations are needed.
    """

    iterations: int
    is_steady: bool

    def __str__(self) -> str:
        digits = 10 ** max(len(str(self.iterations)) - 2, 0)
        number = ceil(self.iterations / digits) * digits
        return f"{'about' if self.is_steady else 'more than'} {number} more"


def iterations_to_tol(norms: NDArray[Any], tol: float) -> IterationsLeft | None:
    """Estimate from the last two quarters of the iterations; None if the norm does not fall."""
    quarter = (len(norms) - 1) // 4
    if len(norms) <= MIN_ITERATIONS_FOR_RATE or not (norms > 0).all():
        return None
    logs = np.log(norms[-3 * quarter :]).reshape(3, quarter).mean(axis=1)
    before, now = (logs[:-1] - logs[1:]) / quarter
    if now <= 0:
        return None
    left = logs[-1] - now * quarter / 2 - log(tol)
    return IterationsLeft(max(ceil(left / now), 1), bool(now >= MIN_STEADY * before))
