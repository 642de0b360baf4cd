"""Learning rates: how long is the step α?

A schedule is a function of the number k of steps made so far. `Backtracking`
measures the step instead: it tries one and shortens it until the cost falls enough.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from inspect import isabstract
from math import cos, inf, isfinite, pi, sqrt
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ._text import shown
from .objective import Point
from .validation import (
    POSITIVE,
    Hyperparameters,
    Interval,
    InvalidParameterError,
    check_flags,
    first_with,
    invalid,
)

if TYPE_CHECKING:
    from .rules.base import UpdateRule

SMALLEST = float(np.finfo(np.float64).tiny)
"""Where a rate that keeps falling stays, so that it never becomes 0."""

SHORTEST = 1e-16
"""A step shorter than this part of the first trial is no step."""

TRIALS = 10
"""Lengths that are tried together on one line."""

SHORTER = 0.1, 0.7
"""Least and greatest part of a rejected step that interpolation proposes."""

SCHEDULES_OF_SGD = ("constant", "optimal", "invscaling", "adaptive", "pa1", "pa2")
"""What ``learning_rate`` may be in scikit-learn's SGDClassifier and MLPClassifier."""

PATIENCE = 0.1
"""Momentum that prevents a step longer than this part of the first trial is dropped."""


class LearningRate(Hyperparameters):
    """Base of all learning rates: call it with k, get α."""

    searches = False
    """Whether every step is chosen so that the cost falls."""

    @property
    def title(self) -> str:
        """What a message calls it."""
        return type(self).__name__

    @abstractmethod
    def __call__(self, k: int) -> float:
        """The rate of step k = 0, 1, 2, …"""

    def at(self, k: int) -> float:
        """The rate of step k, checked."""
        alpha = self(k)
        if isinstance(alpha, np.ndarray) and alpha.ndim == 0:
            alpha = alpha.item()
        if alpha not in POSITIVE:
            raise InvalidParameterError(
                f"The 'learning_rate' of step {k} must be {POSITIVE}. Got {shown(alpha)} from "
                f"{self.title} instead."
            )
        return float(alpha)

    def advance(
        self, rule: UpdateRule, point: Point, memory: Any, k: int, last: float
    ) -> tuple[Point, Any, float]:
        """One step from ``point``: the next point, the rule's memory, the rate used.

        Parameters
        ----------
        rule : UpdateRule
        point : Point
        memory : object
            What the rule remembers.
        k : int
            Number of steps made so far.
        last : float
            Rate of the previous step; nan before the first.
        """
        alpha = self.at(k)
        w, memory = rule.step(point, alpha, memory)
        return point.move(w), memory, alpha


class Constant(LearningRate):
    """α, always the same.

    Parameters
    ----------
    alpha : float, default=0.1
        The rate, used exactly as given.

    Examples
    --------
    >>> from sklearn_gd_logreg import Constant
    >>> Constant(0.5)(k=10)
    0.5
    """

    _intervals: ClassVar = {"alpha": POSITIVE}

    def __init__(self, alpha: float = 0.1) -> None:
        self.alpha = alpha

    def __call__(self, k: int) -> float:
        return float(self.alpha)


class TimeDecay(LearningRate):
    """α / (1 + decay · k).

    Parameters
    ----------
    alpha : float, default=0.1
        The first rate.
    decay : float, default=0.01
        How fast it falls: it has halved after 1/decay steps.

    Examples
    --------
    >>> from sklearn_gd_logreg import TimeDecay
    >>> TimeDecay(0.5, decay=0.1)(k=10)
    0.25
    """

    _intervals: ClassVar = {"alpha": POSITIVE, "decay": Interval(0, inf, "[)")}

    def __init__(self, alpha: float = 0.1, decay: float = 0.01) -> None:
        self.alpha = alpha
        self.decay = decay

    def __call__(self, k: int) -> float:
        return self.alpha / (1 + self.decay * k)


class ExponentialDecay(LearningRate):
    """α · decayᵏ.

    Parameters
    ----------
    alpha : float, default=0.1
        The first rate.
    decay : float, default=0.99
        Ratio of one rate to the one before.

    Examples
    --------
    >>> from sklearn_gd_logreg import ExponentialDecay
    >>> ExponentialDecay(1.0, decay=0.5)(k=3)
    0.125
    """

    _intervals: ClassVar = {"alpha": POSITIVE, "decay": Interval(0, 1, "(]")}

    def __init__(self, alpha: float = 0.1, decay: float = 0.99) -> None:
        self.alpha = alpha
        self.decay = decay

    def __call__(self, k: int) -> float:
        return max(self.alpha * self.decay**k, SMALLEST)


class StepDecay(LearningRate):
    """α · factor^⌊k / every⌋: a staircase.

    Parameters
    ----------
    alpha : float, default=0.1
        The first rate.
    factor : float, default=0.5
        Ratio of one stair to the one before.
    every : int, default=100
        Steps on one stair.

    Examples
    --------
    >>> from sklearn_gd_logreg import StepDecay
    >>> [StepDecay(1.0, every=2)(k) for k in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    _intervals: ClassVar = {
        "alpha": POSITIVE,
        "factor": Interval(0, 1, "(]"),
        "every": Interval(1, inf, "[)", integral=True),
    }

    def __init__(self, alpha: float = 0.1, factor: float = 0.5, every: int = 100) -> None:
        self.alpha = alpha
        self.factor = factor
        self.every = every

    def __call__(self, k: int) -> float:
        return max(self.alpha * self.factor ** (k // self.every), SMALLEST)


class InverseSqrt(LearningRate):
    """α / √(1 + decay · k).

    Parameters
    ----------
    alpha : float, default=0.1
        The first rate.
    decay : float, default=1.0
        How fast it falls: it has halved after 3/decay steps.

    Examples
    --------
    >>> from sklearn_gd_logreg import InverseSqrt
    >>> InverseSqrt(1.0)(k=3)
    0.5
    """

    _intervals: ClassVar = {"alpha": POSITIVE, "decay": Interval(0, inf, "[)")}

    def __init__(self, alpha: float = 0.1, decay: float = 1.0) -> None:
        self.alpha = alpha
        self.decay = decay

    def __call__(self, k: int) -> float:
        return self.alpha / sqrt(1 + self.decay * k)


class CosineDecay(LearningRate):
    """From α down to ``final · α`` along half a cosine, then constant.

    Parameters
    ----------
    alpha : float, default=0.1
        The first rate.
    steps : int, default=1000
        Length of the descent. With mini-batches a step is one batch.
    final : float, default=0.001
        Last rate as a fraction of the first.

    References
    ----------
    Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts",
    ICLR 2017, without the restarts.

    Examples
    --------
    >>> from sklearn_gd_logreg import CosineDecay
    >>> round(CosineDecay(1.0, steps=10, final=0.1)(k=5), 2)
    0.55
    """

    _intervals: ClassVar = {
        "alpha": POSITIVE,
        "steps": Interval(1, inf, "[)", integral=True),
        "final": Interval(0, 1, "(]"),
    }

    def __init__(self, alpha: float = 0.1, steps: int = 1000, final: float = 0.001) -> None:
        self.alpha = alpha
        self.steps = steps
        self.final = final

    def __call__(self, k: int) -> float:
        height = 0.5 * (1 + cos(pi * min(k / self.steps, 1)))
        return self.alpha * (self.final + (1 - self.final) * height)


class FunctionRate(LearningRate):
    """Any function of the step.

    Parameters
    ----------
    function : callable
        Takes k = 0, 1, 2, … and returns a positive number.
    """

    def __init__(self, function: Callable[[int], float]) -> None:
        self.function = function

    @property
    def title(self) -> str:
        name = getattr(self.function, "__qualname__", None) or shown(self.function)
        return str(name).rpartition("<locals>.")[2]

    def __call__(self, k: int) -> float:
        return self.function(k)


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
        self, rule: UpdateRule, point: Point, memory: Any, k: int, last: float
    ) -> tuple[Point, Any, float]:
        first = alpha = self.first_trial(memory, k, last)
        noise = 8 * np.finfo(point.w.dtype).eps * abs(point.cost)
        fresh, straight = False, rule.is_straight(point.objective)
        if straight:
            whole, remembered = rule.step(point, first, memory)
        while alpha > SHORTEST * first:
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
            if not (fresh or straight) and (not downhill or alpha < PATIENCE * first):
                memory, fresh = rule.init(point.w), True
            elif not downhill:
                alpha *= self.shrink
        return point, memory, 0.0

    def first_trial(self, memory: Any, k: int, last: float) -> float:
        """The rate to try first in step k, after a step of the rate ``last``."""
        return min(self.grow * last, self.maximum) if last > 0 else self.at(k)

    def _shorter(
        self, rule: UpdateRule, point: Point, trial: Point, promised: float, first: bool
    ) -> float:
        """By what the rate is multiplied for the next trial.

        If all trials of the rule lie on one line, the scores there are known from those at
        its ends, and one pass forward tells how much the step must be shortened.
        """
        if not rule.is_straight(point.objective) or not isfinite(trial.cost):
            return self.shrink
        if self.interpolate and first and not point.objective.penalty.l1:
            return lowest_between(point, trial, promised)
        lengths = self.shrink ** np.arange(1, 1 + TRIALS)
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
    return min(max(part, SHORTER[0]), SHORTER[1])


def as_learning_rate(owner: object, value: Any) -> LearningRate:
    """The rate for a number, a function or ``"backtracking"``; raises for anything else."""
    if isinstance(value, LearningRate):
        value.check()
        return value
    if isinstance(value, str) and value == "backtracking":
        return Backtracking()
    if value in POSITIVE:
        return Constant(value)
    if callable(value) and not isinstance(value, type):
        return FunctionRate(value)
    raise invalid(
        owner,
        "learning_rate",
        value,
        f"{POSITIVE}, 'auto', 'backtracking', a LearningRate or a function of the step",
        hint_for_rate(value),
    )


def rate_with(parameter: str, value: object) -> str:
    """How to write a learning rate with such a parameter, in place of a number or a name."""
    if parameter == "alpha" and value in POSITIVE:
        return f"Constant({shown(value)})"
    kinds = (TimeDecay, StepDecay, CosineDecay, Backtracking)
    return f"{first_with(parameter, kinds).__name__}()"


def hint_for_rate(value: object) -> str:
    """What to give in place of something that is no learning rate."""
    if isinstance(value, type) and issubclass(value, LearningRate) and not isabstract(value):
        return f"Give an instance: learning_rate={value.__name__}()."
    kind = value if isinstance(value, type) else type(value)
    if issubclass(kind, Hyperparameters) and not issubclass(kind, LearningRate):
        return f"{kind.__name__} is a rule: give it as solver."
    if isinstance(value, str) and value in SCHEDULES_OF_SGD:
        return (
            f"{value!r} is a learning_rate of SGDClassifier: leave it out, or give a number or a "
            "schedule such as TimeDecay()."
        )
    return ""
