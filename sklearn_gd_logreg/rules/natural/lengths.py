"""How long a natural step is made where F is worked out at its beginning.

F is the curvature of J there. It is largest where no class is more likely than another. So on the
way out from w = 0 it shrinks, and mostly a step ends short of the lowest point of its line.
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from ...objective import Point
from ...rates import Backtracking, Constant

if TYPE_CHECKING:
    from ..base import UpdateRule
    from .curvature import Target
    from .rule import NaturalMemory

LONGEST = 2.0
"""Largest rate that is tried."""

SLIGHT = 0.05
"""Part of its slope that a step may leave, and the next is not made longer."""

ROUNDING = 160
"""Roundings of J of which the slope of a step must be worth more to be told from its end's."""


class LongerSteps(Backtracking):
    """Backtracking from the rate that the last step speaks for: 1, or more."""

    def first_trial(self, memory: NaturalMemory, k: int, last: float) -> float:
        return memory.alpha


class PolyakBound(Constant):
    """α, or Polyak's rate where that is smaller: no step promises more than all of J.

    J is not negative, so a step that promises to lower it by more goes too far. On a stream these
    are the steps on rows of one class alone, from where another class was all but certain: F has
    vanished there.

    References
    ----------
    Loizou, Vaswani, Laradji and Lacoste-Julien, "Stochastic Polyak step-size for SGD: An
    adaptive learning rate for fast convergence", AISTATS 2021.
    """

    def advance(
        self, rule: UpdateRule, point: Point, memory: Any, k: int, last: float
    ) -> tuple[Point, Any, float]:
        alpha = self.at(k)
        w, remembered = rule.step(point, alpha, memory)
        promised = point.expected_decrease(w)
        if promised > point.cost > 0:
            alpha *= point.cost / promised
            w, remembered = rule.step(point, alpha, memory)
        return point.move(w), remembered, alpha


def first_rate(point: Point, full: Target) -> float:
    """The rate to try at w = 0, where the full step is a regression on x.

    With two classes and without a penalty, F is a quarter of the second moments there. So the
    step solves normal equations: of the targets ±1, but for a factor of 2. Twice the decrease
    that it promises is their R² about 0, the part of their mean square that is explained. Fisher's
    linear discriminant has 1 / (1 − R²) times its coefficients, however frequent the classes.
    That is the optimum where the classes are normal with a common covariance, and often too far
    elsewhere; so the rate is the root of 1 / (1 − R²). For K classes R² is a mean over K − 1
    directions, and all of this a rule of thumb.

    References
    ----------
    Hastie, Tibshirani and Friedman, "The Elements of Statistical Learning", 2nd ed. (2009),
    exercise 4.2.
    """
    n_others = max(point.objective.loss.n_outputs - 1, 1)
    explained = min(2 * full.decrease / n_others, 1.0)
    return _rate(1 - sqrt(1 - explained))


def next_rate(before: Point, full: Target, point: Point) -> float:
    """The rate to try after a step from ``before``, from which the full step was ``full``.

    The slope of J along the step at both ends tells how much longer it should have been: where
    the slope falls evenly, 1 / (1 − the part of it that is left) times. That, times the rate that
    the step had, is tried next. A rate above 1 counts as 1, so that the rates come back to 1.
    """
    step = np.subtract(point.w, before.w, dtype=np.float64)
    slope = float(np.vdot(before.dw, step))
    if -slope <= ROUNDING * np.finfo(point.w.dtype).eps * abs(before.cost):
        return 1.0
    last = -slope / (2 * full.decrease)
    return _rate(float(np.vdot(point.dw, step)) / slope, min(last, 1.0))


def _rate(left: float, last: float = 1.0) -> float:
    """The rate where a step of the rate ``last`` leaves such a part of its slope."""
    if left <= SLIGHT:
        return 1.0
    longer = last / (1 - left) if left < 1 else LONGEST
    return min(max(longer, 1.0), LONGEST)
