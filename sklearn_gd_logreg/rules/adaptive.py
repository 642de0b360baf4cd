"""What AdaGrad, RMSProp and Adam have in common."""

from math import inf
from typing import ClassVar

from ..objective import Objective
from ..schedules import Constant, LearningRate
from .base import StableRate, UpdateRule


class AdaptiveRule(UpdateRule):
    """Base of the rules whose step is α / (√v + ε), with v some mean of dw².

    Such a step has the length α whatever the gradient, so 1/L says nothing about it:
    the default rate is a plain number, and there is no rate above which it grows.
    """

    default_rate: ClassVar[float] = 0.01

    def auto_rate(self, objective: Objective, batch_size: int | None) -> LearningRate:
        return Constant(self.default_rate)

    def stable_rate(self, objective: Objective) -> StableRate:
        return StableRate(inf, "no bound")
