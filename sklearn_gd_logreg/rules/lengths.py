"""How long a natural step is made where F is worked out at its beginning.

F is the curvature of J there. It is largest where no class is more likely than another, so on
the way out it shrinks, and the step ends short of the lowest point of its line.
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

from ..objective import Point
from ..rates import Backtracking

if TYPE_CHECKING:
    from .curvature import Target
    from .natural import NaturalMemory

LONGEST = 2.0
"""Largest rate that is tried."""

SLIGHT = 0.05
"""Part of its slope that a step may leave, and the next is not made longer."""


class FullSteps(Backtracking):
    """Backtracking from the rate that the last step speaks for: 1, or more."""

    def first_trial(self, memory: NaturalMemory, k: int, last: float) -> float:
        return memory.alpha


def first_rate(point: Point, full: Target) -> float:
    """The rate to try at w = 0, where the full step is a regression of y on x.

    F is the matrix of the second moments there, but for l2 and a factor, so the step solves the
    normal equations, and twice the decrease that it promises is R², for each class but one. By
    normal equations the scores of rows with a common covariance are 1 − R² times those of Fisher's
    linear discriminant. That is the optimum where the classes are normal, and too far elsewhere;
    so the rate is the root of 1 / (1 − R²).

    References
    ----------
    Hastie, Tibshirani and Friedman, "The Elements of Statistical Learning", 2nd ed. (2009),
    exercise 4.2.
    """
    n_others = max(point.objective.loss.n_outputs - 1, 1)
    explained = min(2 * full.decrease / n_others, 1.0)
    return _rate(1 - sqrt(1 - explained))


def next_rate(before: Point, point: Point) -> float:
    """The rate to try after a step: as many times as the last one should have been longer.

    The slope of J along it at both ends tells. Where it falls evenly, it is 0 at its beginning
    times 1 / (1 − what is left of it).
    """
    step = np.subtract(point.w, before.w, dtype=np.float64)
    slope = float(np.vdot(before.dw, step))
    return _rate(float(np.vdot(point.dw, step)) / slope) if slope < 0 else 1.0


def _rate(left: float) -> float:
    """The rate where a step of rate 1 leaves such a part of its slope."""
    return 1 / (1 - min(left, 1 - 1 / LONGEST)) if left > SLIGHT else 1.0
