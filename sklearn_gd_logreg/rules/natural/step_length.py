"""How long a Newton step should be: mostly longer than F at its beginning says.

F is largest where no class is more likely than another. On the way out from w = 0 it shrinks, so
a full step ends short of the minimum along its line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...objective import Point
from ...rates import Backtracking

if TYPE_CHECKING:
    from .curvature import Step
    from .rule import NaturalMemory

MAX_RATE = 2.0
"""Largest rate that is tried."""

MIN_SLOPE_LEFT = 0.05
"""Part of its slope that a step may leave, and the next is not made longer."""

ROUNDINGS = 160
"""Roundings of J that a step must promise, or its slopes may be rounding."""


class SecantRate(Backtracking):
    """Backtracking from the rate at which the last step would have ended without a slope."""

    def first_trial(self, memory: NaturalMemory, k: int, last: float) -> float:
        return memory.rate


def secant_rate(before: Point, full: Step, point: Point) -> float:
    """The rate to try after a step from ``before``, from which the full step was ``full``.

    Where the slope of J along the step falls evenly, 1 / (1 − the part of it that is left) times
    the step would have left none. That, times the rate that the step had, is tried next. A rate
    above 1 counts as 1, so that the rates come back to 1.
    """
    step = np.subtract(point.w, before.w, dtype=np.float64)
    slope = float(np.vdot(before.dw, step))
    if -slope <= ROUNDINGS * np.finfo(point.w.dtype).eps * abs(before.cost):
        return 1.0
    left = float(np.vdot(point.dw, step)) / slope
    if left <= MIN_SLOPE_LEFT:
        return 1.0
    rate = min(-slope / (2 * full.decrease), 1.0)
    return min(max(rate / (1 - left) if left < 1 else MAX_RATE, 1.0), MAX_RATE)
