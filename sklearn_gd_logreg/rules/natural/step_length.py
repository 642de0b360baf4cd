"""Exact line search for the first Newton step.

F is largest where all classes are equally likely. It shrinks on the way from w = 0, so the full
step ends far short of the minimum along its line. Scores are linear along the line, so no trial
costs a product with X.
"""

from __future__ import annotations

from math import isfinite

from ...line_search import Backtracking
from ...objective import Point
from .curvature import Step
from .memory import NaturalMemory

MAX_SLOPE_RATIO, MAX_TRIALS = 0.02, 20
"""Slope of J at which the search ends, relative to that at the start of the step; and the most
lengths that it tries."""


class NewtonRate(Backtracking):
    """Backtracking from α = 1, or from the length that an exact line search finds."""

    def first_trial(self, memory: NaturalMemory, k: int, last: float) -> float:
        return line_minimum(memory.point, memory.step) if memory.exact_line_search else 1.0


def line_minimum(point: Point, step: Step) -> float:
    """The length at which J is least along a Newton step, as a multiple of it.

    The length is doubled until J rises there, then found by the rule of false position.
    """
    slope = point.objective.slope_along(point.w, step.w.astype(point.w.dtype, copy=False))
    low, high, length = (0.0, -2 * step.decrease), None, 2.0
    for _ in range(MAX_TRIALS):
        trial = length, slope(length)
        if not abs(trial[1]) > MAX_SLOPE_RATIO * 2 * step.decrease:
            break
        low, high = (low, trial) if trial[1] > 0 else (trial, high)
        if high is None:
            length *= 2
        else:
            length = low[0] - low[1] * (high[0] - low[0]) / (high[1] - low[1])
    return length if isfinite(trial[1]) else 1.0
