"""How long the first Newton step should be: longer than F at its beginning says.

F is largest where no class is more likely than another. On the way out from w = 0 it shrinks, so
the full step ends far short of the minimum along its line. Along a line the scores are linear,
so no trial costs a product with X.
"""

from __future__ import annotations

from math import isfinite

from ...line_search import Backtracking
from ...objective import Point
from .curvature import Step
from .memory import NaturalMemory

SLOPE_LEFT, MAX_TRIALS = 0.02, 20
"""Part of its slope that the first step may leave, and the lengths that are tried for it."""


class NewtonRate(Backtracking):
    """Backtracking from α = 1, or from the best length, searched for as the first step is made."""

    def first_trial(self, memory: NaturalMemory, k: int, last: float) -> float:
        return best_length(memory.point, memory.step) if memory.searched else 1.0


def best_length(point: Point, full: Step) -> float:
    """Where J is least along a full step, as a multiple of it.

    The length is doubled until J rises there, then found by the rule of false position.
    """
    slope = point.objective.slope_along(point.w, full.w.astype(point.w.dtype, copy=False))
    low, high, length = (0.0, -2 * full.decrease), None, 2.0
    for _ in range(MAX_TRIALS):
        found = length, slope(length)
        if not abs(found[1]) > SLOPE_LEFT * 2 * full.decrease:
            break
        low, high = (low, found) if found[1] > 0 else (found, high)
        if high is None:
            length *= 2
        else:
            length = low[0] - low[1] * (high[0] - low[0]) / (high[1] - low[1])
    return length if isfinite(found[1]) else 1.0
