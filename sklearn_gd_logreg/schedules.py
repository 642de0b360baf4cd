"""Learning-rate schedules: α as a function of the step number k = 0, 1, 2, …"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from math import cos, inf, pi, sqrt
from typing import Any, ClassVar, Protocol

import numpy as np

from ._text import shown
from ._typing import Array
from .objective import Objective, Point
from .validation import POSITIVE, Hyperparameters, Interval, InvalidParameterError

SMALLEST_RATE = float(np.finfo(np.float64).tiny)
"""Lower bound on decaying rates, which would underflow to 0."""


class StepRule(Protocol):
    """The part of an `UpdateRule` that a learning rate calls."""

    def init(self, w: Array) -> Any:
        """Return the memory before the first step from w."""

    def step(self, point: Point, alpha: float, memory: Any) -> tuple[Array, Any]:
        """Return the next parameters and the next memory."""

    def is_straight(self, objective: Objective) -> bool:
        """Whether w moves along a straight line as α grows."""


class LearningRate(Hyperparameters):
    """Base class of learning rates: a callable that maps k to α."""

    searches = False
    """Whether it is a line search, which makes every step decrease the cost."""

    @property
    def title(self) -> str:
        """Name in messages."""
        return type(self).__name__

    @abstractmethod
    def __call__(self, k: int) -> float:
        """Return the rate of step k = 0, 1, 2, …"""

    def at(self, k: int) -> float:
        """Return the rate of step k; raise if it is not positive and finite."""
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
        self, rule: StepRule, point: Point, memory: Any, k: int, last: float
    ) -> tuple[Point, Any, float]:
        """Make one step from ``point``.

        Parameters
        ----------
        rule : UpdateRule
            The rule that makes the step.
        point : Point
            The parameters w with their cost and gradient.
        memory : object
            The memory of the rule.
        k : int
            Number of previous steps.
        last : float
            Rate of the previous step; nan before the first.

        Returns
        -------
        point : Point
            The next parameters.
        memory : object
            The memory of the rule after the step.
        alpha : float
            The rate used.
        """
        alpha = self.at(k)
        w, memory = rule.step(point, alpha, memory)
        return point.move(w), memory, alpha


class Constant(LearningRate):
    """Constant rate α.

    Parameters
    ----------
    alpha : float, default=0.1
        The rate.

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
    """Decay with time, α / (1 + decay · k).

    Parameters
    ----------
    alpha : float, default=0.1
        The first rate.
    decay : float, default=0.01
        Decay per step: the rate halves in 1/decay steps.

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
    """Exponential decay, α · decayᵏ.

    Parameters
    ----------
    alpha : float, default=0.1
        The first rate.
    decay : float, default=0.99
        Ratio of a rate to the previous one.

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
        return max(self.alpha * self.decay**k, SMALLEST_RATE)


class StepDecay(LearningRate):
    """Decay by steps, α · factor^⌊k / every⌋, piecewise constant.

    Parameters
    ----------
    alpha : float, default=0.1
        The first rate.
    factor : float, default=0.5
        Ratio of a rate to the previous one.
    every : int, default=100
        Number of steps with the same rate.

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
        return max(self.alpha * self.factor ** (k // self.every), SMALLEST_RATE)


class InverseSqrt(LearningRate):
    """Decay with the square root of time, α / √(1 + decay · k).

    Parameters
    ----------
    alpha : float, default=0.1
        The first rate.
    decay : float, default=1.0
        Decay per step: the rate halves in 3/decay steps.

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
    """Half a cosine from α to ``final · α``, then constant.

    Parameters
    ----------
    alpha : float, default=0.1
        The first rate.
    steps : int, default=1000
        Number of steps of the decay. With mini-batches a step is one batch.
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
        cosine = 0.5 * (1 + cos(pi * min(k / self.steps, 1)))
        return self.alpha * (self.final + (1 - self.final) * cosine)


class FunctionRate(LearningRate):
    """Schedule given by a function.

    Parameters
    ----------
    function : callable
        Maps k = 0, 1, 2, … to a positive number.
    """

    def __init__(self, function: Callable[[int], float]) -> None:
        self.function = function

    @property
    def title(self) -> str:
        name = getattr(self.function, "__qualname__", None) or shown(self.function)
        return str(name).rpartition("<locals>.")[2]

    def __call__(self, k: int) -> float:
        return self.function(k)
