"""Backtracking line search."""

from __future__ import annotations

from math import inf, isfinite, sqrt
from typing import Any, ClassVar

import numpy as np

from .objective import Point
from .schedules import LearningRate, StepRule
from .validation import POSITIVE, Interval, check_flags

MIN_RELATIVE_STEP = 1e-16
"""Rate, over the first trial, at which the search gives up."""

TRIALS_PER_PASS = 10
"""Rates that one forward pass tries on a straight line."""

INTERPOLATION_LIMITS = 0.1, 0.7
"""Bounds on the ratio of the next rate to the rejected one."""

MIN_STEP_WITH_MOMENTUM = 0.1
"""Rate, over the first trial, below which a rejected step resets the memory of the rule."""


class Backtracking(LearningRate):
    """Armijo's rule: the first of α, α/2, α/4, … with a sufficient decrease of J.

    A step to w⁺ is accepted if J(w⁺) ≤ J(w) − c · D, where D is the decrease to first
    order. The next search starts at ``grow`` times the accepted rate, so the rate can
    rise and fall. The search resets the memory of the rule (its momentum) if the step is
    not a descent direction, or if the rate has fallen below a tenth of the first trial.

    An accepted step costs nothing extra: the next iterate needs its cost and gradient. A
    rejected step costs a pass. If w moves along a straight line as α grows ("natural",
    and "gd" without an L1 penalty), one forward pass then finds the next rate: the
    scores z are linear in w.

    Parameters
    ----------
    initial : float, default=1.0
        First rate to try.
    shrink : float, default=0.5
        Ratio of a trial to the previous one.
    grow : float, default=2.0
        Ratio of the first trial of a step to the rate of the previous step.
    sufficient : float, default=1e-4
        c, the part of the expected decrease D that a step must reach.
    maximum : float, default=inf
        Largest rate to try.
    interpolate : bool, default=False
        Whether the second trial is the minimiser of the cubic interpolant of J between
        both ends of the rejected step. It needs a straight line and no L1 penalty.

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
    >>> rate = Backtracking()
    >>> clf = GDLogisticRegression(solver="gd", learning_rate=rate)
    >>> clf = clf.set_params(max_iter=20, tol=0)
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
        self, rule: StepRule, point: Point, memory: Any, k: int, last: float
    ) -> tuple[Point, Any, float]:
        first = alpha = self.first_trial(memory, k, last)
        rounding = 8 * np.finfo(point.w.dtype).eps * abs(point.cost)
        was_reset, straight = False, rule.is_straight(point.objective)
        if straight:
            w_first, next_memory = rule.step(point, first, memory)
        while alpha > MIN_RELATIVE_STEP * first:
            if straight:
                w = w_first if alpha == first else point.w + alpha / first * (w_first - point.w)
            else:
                w, next_memory = rule.step(point, alpha, memory)
            decrease = point.expected_decrease(w)
            descends = decrease > 0
            if descends:
                trial = point.move(w)
                if trial.cost <= point.cost - self.sufficient * decrease + rounding:
                    return trial, next_memory, alpha
                alpha *= self._shrink_factor(rule, point, trial, decrease, alpha == first)
            resettable = not (was_reset or straight)
            if resettable and (not descends or alpha < MIN_STEP_WITH_MOMENTUM * first):
                memory, was_reset = rule.init(point.w), True
            elif not descends:
                alpha *= self.shrink
        return point, memory, 0.0

    def first_trial(self, memory: Any, k: int, last: float) -> float:
        """Return the first rate to try in step k, after a step of rate ``last``."""
        return min(self.grow * last, self.maximum) if last > 0 else self.at(k)

    def _shrink_factor(
        self, rule: StepRule, point: Point, trial: Point, decrease: float, is_first: bool
    ) -> float:
        """Return the ratio of the next rate to the rejected one.

        On a straight line one forward pass finds the first rate with a sufficient decrease.
        """
        if not rule.is_straight(point.objective) or not isfinite(trial.cost):
            return self.shrink
        if self.interpolate and is_first and not point.objective.penalty.l1:
            return cubic_minimizer(point, trial, decrease)
        fractions = self.shrink ** np.arange(1, 1 + TRIALS_PER_PASS)
        costs = point.costs_between(trial, fractions)
        accepted = costs <= point.cost - self.sufficient * fractions * decrease
        return float(fractions[np.argmax(accepted)]) if accepted.any() else float(fractions[-1])


def cubic_minimizer(point: Point, trial: Point, decrease: float) -> float:
    """Minimiser of the cubic interpolant of J, as a fraction of the way to a rejected trial.

    Formula 3.59 of Nocedal and Wright, "Numerical Optimization", 2006, on [0, 1].
    """
    slope_0 = -decrease
    slope_1 = float(np.vdot(trial.dw, trial.w.astype(np.float64) - point.w))
    d1 = 3 * (point.cost - trial.cost) + slope_0 + slope_1
    d2 = sqrt(max(d1**2 - slope_0 * slope_1, 0.0))
    denominator = slope_1 - slope_0 + 2 * d2
    fraction = 1 - (slope_1 + d2 - d1) / denominator if denominator > 0 else 0.0
    return min(max(fraction, INTERPOLATION_LIMITS[0]), INTERPOLATION_LIMITS[1])
