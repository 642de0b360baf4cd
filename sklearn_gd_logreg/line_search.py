"""Line search: the length of the step, found by trial."""

from __future__ import annotations

from math import inf, isfinite, sqrt
from typing import Any, ClassVar

import numpy as np

from .objective import Point
from .schedules import LearningRate, Steps
from .validation import POSITIVE, Interval, check_flags

MIN_RELATIVE_STEP = 1e-16
"""A step shorter than this part of the first trial is no step."""

LENGTHS_AT_ONCE = 10
"""Lengths that are tried together on one line."""

INTERPOLATION_LIMITS = 0.1, 0.7
"""Least and greatest part of a rejected step that interpolation proposes."""

MIN_STEP_WITH_MOMENTUM = 0.1
"""Momentum that prevents a step longer than this part of the first trial is dropped."""


class Backtracking(LearningRate):
    """Armijo's rule: the longest of α, α/2, α/4, … that lowers J enough.

    A step to w⁺ is accepted when J(w⁺) ≤ J(w) − c · D, with D the decrease that the
    gradient promises. The next search starts at ``grow`` times the step found, so
    the rate follows the curvature in both directions. When the memory of a rule
    (its momentum) points uphill, or keeps shorter and shorter steps from lowering J,
    it is dropped and the search goes on along the plain step.

    An accepted step costs nothing extra: its cost and gradient are those of the next
    iterate. A rejected one costs a pass. Where all steps of a rule lie on one line
    ("natural", and "gd" without an L1 penalty), one pass forward then finds how much
    the step must be shortened: the scores z are linear in w, so those at both ends of
    the line give those between.

    Parameters
    ----------
    initial : float, default=1.0
        First rate to try.
    shrink : float, default=0.5
        Ratio of one trial to the one before.
    grow : float, default=2.0
        Ratio of the first trial of a step to the rate of the step before.
    sufficient : float, default=1e-4
        c above.
    maximum : float, default=inf
        No rate above this is tried.
    interpolate : bool, default=False
        Where all steps of a rule lie on one line, and there is no L1 penalty: whether the
        second rate tried is that at which the cubic with the values and the slopes of J at
        both ends of the rejected step is least, before z is looked at.

    References
    ----------
    Armijo, "Minimization of functions having Lipschitz continuous first partial
    derivatives", Pacific J. Math. 16 (1966); for the proximal step, Tseng and Yun,
    "A coordinate gradient descent method for nonsmooth separable minimization",
    Math. Program. 117 (2009).

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn_gd_logreg import Backtracking, GDLogisticRegression
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> clf = GDLogisticRegression(solver="gd", learning_rate=Backtracking(), max_iter=20, tol=0)
    >>> cost = clf.fit(X, y).history_["cost"]
    >>> bool((cost[1:] <= cost[:-1]).all())
    True
    """

    searches = True

    _intervals: ClassVar = {
        "initial": POSITIVE,
        "shrink": Interval(0, 1, "()"),
        "grow": Interval(1, inf, "[)"),
        "sufficient": Interval(0, 1, "()"),
        "maximum": Interval(0, inf, "(]"),
    }

    def __init__(
        self,
        initial: float = 1.0,
        shrink: float = 0.5,
        grow: float = 2.0,
        sufficient: float = 1e-4,
        maximum: float = inf,
        interpolate: bool = False,
    ) -> None:
        self.initial = initial
        self.shrink = shrink
        self.grow = grow
        self.sufficient = sufficient
        self.maximum = maximum
        self.interpolate = interpolate

    def check(self) -> None:
        super().check()
        check_flags(self, ["interpolate"])

    def __call__(self, k: int) -> float:
        return min(self.initial, self.maximum)

    def advance(
        self, rule: Steps, point: Point, memory: Any, k: int, last: float
    ) -> tuple[Point, Any, float]:
        first = alpha = self.first_trial(memory, k, last)
        noise = 8 * np.finfo(point.w.dtype).eps * abs(point.cost)
        fresh, straight = False, rule.is_straight(point.objective)
        if straight:
            whole, remembered = rule.step(point, first, memory)
        while alpha > MIN_RELATIVE_STEP * first:
            if straight:
                w = whole if alpha == first else point.w + alpha / first * (whole - point.w)
            else:
                w, remembered = rule.step(point, alpha, memory)
            promised = point.expected_decrease(w)
            downhill = promised > 0
            if downhill:
                trial = point.move(w)
                if trial.cost <= point.cost - self.sufficient * promised + noise:
                    return trial, remembered, alpha
                alpha *= self._shorter(rule, point, trial, promised, alpha == first)
            if not (fresh or straight) and (not downhill or alpha < MIN_STEP_WITH_MOMENTUM * first):
                memory, fresh = rule.init(point.w), True
            elif not downhill:
                alpha *= self.shrink
        return point, memory, 0.0

    def first_trial(self, memory: Any, k: int, last: float) -> float:
        """The rate to try first in step k, after a step of the rate ``last``."""
        return min(self.grow * last, self.maximum) if last > 0 else self.at(k)

    def _shorter(
        self, rule: Steps, point: Point, trial: Point, promised: float, first: bool
    ) -> float:
        """By what the rate is multiplied for the next trial.

        If all trials of the rule lie on one line, the scores there are known from those at
        its ends, and one pass forward tells how much the step must be shortened.
        """
        if not rule.is_straight(point.objective) or not isfinite(trial.cost):
            return self.shrink
        if self.interpolate and first and not point.objective.penalty.l1:
            return lowest_between(point, trial, promised)
        lengths = self.shrink ** np.arange(1, 1 + LENGTHS_AT_ONCE)
        costs = point.costs_between(trial, lengths)
        enough = costs <= point.cost - self.sufficient * lengths * promised
        return float(lengths[np.argmax(enough)]) if enough.any() else float(lengths[-1])


def lowest_between(point: Point, trial: Point, promised: float) -> float:
    """Where, as a part of the way to a trial too far out, J is least by cubic interpolation."""
    downhill = -promised
    uphill = float(np.vdot(trial.dw, trial.w.astype(np.float64) - point.w))
    bend = 3 * (point.cost - trial.cost) + downhill + uphill
    root = sqrt(max(bend**2 - downhill * uphill, 0.0))
    width = uphill - downhill + 2 * root
    part = 1 - (uphill + root - bend) / width if width > 0 else 0.0
    return min(max(part, INTERPOLATION_LIMITS[0]), INTERPOLATION_LIMITS[1])
