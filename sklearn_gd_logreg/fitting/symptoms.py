"""What the history of a descent shows of why it has not converged."""

from __future__ import annotations

from math import ceil, log
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

RECENT_ITERATIONS, MIN_RECENT_ITERATIONS = 20, 5
"""Iterations that are looked at, and the fewest that say something."""

RISING = 0.2
"""Part of these in which the cost rises, from which it goes up and down."""

STEADY = 0.8
"""Least ratio of the pace of late to the pace before at which it is steady."""

LEAST_FOR_PACE = 20
"""Iterations from which a pace is told."""


def goes_up_and_down(costs: NDArray[Any], dtype: np.dtype[np.floating]) -> bool:
    """Whether the cost has risen by more than rounding in a good part of the steps.

    Those are the last steps or, for slow swings, the second half of all.
    """
    rounding = 8 * float(np.finfo(dtype).eps) * np.abs(costs[:-1])
    rises = np.diff(costs) > rounding
    windows = rises[-RECENT_ITERATIONS:], rises[len(rises) // 2 :]
    return len(rises) >= MIN_RECENT_ITERATIONS and any(
        bool(part.mean() >= RISING) for part in windows
    )


class Pace(NamedTuple):
    """How many more iterations it takes, if the logarithm of the norm falls as it does now.

    Attributes
    ----------
    iterations : int
    is_steady : bool
        Whether that pace has held; else it slows down, and it takes more.
    """

    iterations: int
    is_steady: bool

    def __str__(self) -> str:
        digits = 10 ** max(len(str(self.iterations)) - 2, 0)
        number = ceil(self.iterations / digits) * digits
        return f"{'about' if self.is_steady else 'more than'} {number} more"


def pace(norms: NDArray[Any], tol: float) -> Pace | None:
    """The pace of the last quarter of the iterations, held against the quarter before."""
    quarter = (len(norms) - 1) // 4
    if len(norms) <= LEAST_FOR_PACE or not (norms > 0).all():
        return None
    logs = np.log(norms[-3 * quarter :]).reshape(3, quarter).mean(axis=1)
    before, now = (logs[:-1] - logs[1:]) / quarter
    if now <= 0:
        return None
    left = logs[-1] - now * quarter / 2 - log(tol)
    return Pace(max(ceil(left / now), 1), bool(now >= STEADY * before))
