"""Base class of AdaGrad, RMSProp and Adam."""

from math import inf
from typing import ClassVar

from ..objective import Objective
from ..schedules import Constant, LearningRate
from .base import StableRate, UpdateRule


class AdaptiveRule(UpdateRule):
    """Base class of rules with the step size α / (√v + ε), where v averages dw².

    The length of such a step hardly depends on the gradient, so its rate does not depend on L:
    the default is a constant, and no largest stable rate is known.
    """

    default_rate: ClassVar[float] = 0.01

    def auto_rate(self, objective: Objective, batch_size: int | None) -> LearningRate:
        return Constant(self.default_rate)

    def stable_rate(self, objective: Objective) -> StableRate:
        return StableRate(inf, "no bound")
