"""The natural gradient on mini-batches and on a stream of rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..._typing import Array
from ...objective import Objective, Point
from ...schedules import Constant, LearningRate, StepRule, TimeDecay
from ..base import UpdateRule
from . import tuning
from .curvature import MIN_RIDGE, CholeskyFisher, Curvature, regularized_fisher
from .plan import full_hessian
from .prox_newton import MAX_PARAMETERS_WITHOUT_WORKING_SET, ProximalFisher


@dataclass(frozen=True)
class EpochMemory:
    """The curvature of an epoch."""

    curvature: Curvature


class BatchNaturalGradient(UpdateRule):
    """The natural gradient on mini-batches: F of all rows, once an epoch, plus a part of F(0)."""

    scale_free = True

    def __init__(self, damping: float = 0.0, direct_limit: int = 2000) -> None:
        self.damping = damping
        self.direct_limit = direct_limit

    def prepare(self, point: Point, memory: Any) -> Any:
        weight = tuning.UNIFORM_FISHER_WEIGHT
        return EpochMemory(full_hessian(point, self.damping, self.direct_limit, weight))

    def step(self, point: Point, alpha: float, memory: Any) -> tuple[Array, Any]:
        return memory.curvature.newton_step(point, alpha).w, memory

    def is_straight(self, objective: Objective) -> bool:
        return True


def epoch_rate(objective: Objective, batch_size: int) -> LearningRate:
    """α = 1 / ((1 + p/batch_size)(1 + epochs)), with p the number of parameters."""
    n_parameters = objective.data.n_parameters * objective.loss.n_outputs
    steps_per_epoch = -(-objective.data.n_weighted_rows // batch_size)
    return TimeDecay(1 / (1 + n_parameters / batch_size), decay=1 / steps_per_epoch)


@dataclass(frozen=True)
class StreamMemory(EpochMemory):
    """The curvature of an epoch, and the mean F of all rows of the stream so far."""

    fisher: Array


class OnlineNaturalGradient(BatchNaturalGradient):
    """The natural gradient on the latest rows of a stream, ``share`` of the weight of all so far.

    On a quadratic cost, a mean of F over all rows so far and α = share end at the minimum for
    all of them. Here F is computed where it is larger than at the minimum, so recent rows count
    more: with the gain 2 · share / (1 + share) for both, the weights of the rows grow in
    proportion to their place in the stream.

    References
    ----------
    Ollivier, "Online natural gradient as a Kalman filter", Electron. J. Stat. 12 (2018).
    """

    def __init__(self, damping: float = 0.0, direct_limit: int = 2000, share: float = 1.0) -> None:
        super().__init__(damping, direct_limit)
        self.share = share

    @property
    def _gain(self) -> float:
        return 2 * self.share / (1 + self.share)

    def prepare(self, point: Point, memory: Any) -> Any:
        objective, l1 = point.objective, point.objective.penalty.l1
        max_parameters = self.direct_limit
        if l1:
            max_parameters = min(max_parameters, MAX_PARAMETERS_WITHOUT_WORKING_SET)
        if point.w.size > max_parameters:
            return super().prepare(point, memory)
        fisher = regularized_fisher(point, self.damping)
        if isinstance(memory, StreamMemory):
            fisher = memory.fisher + self._gain * (fisher - memory.fisher)
        bounded = fisher + tuning.UNIFORM_FISHER_WEIGHT * objective.uniform_fisher
        if l1:
            return StreamMemory(ProximalFisher(bounded, np.arange(len(point.w))), fisher)
        return StreamMemory(CholeskyFisher.factorise(bounded, MIN_RIDGE[point.w.dtype]), fisher)

    def auto_rate(self, objective: Objective, batch_size: int | None) -> LearningRate:
        n_rows = objective.data.n_weighted_rows
        size = min(batch_size or n_rows, n_rows)
        gain = self._gain * size / n_rows
        n_parameters = objective.data.n_parameters * objective.loss.n_outputs
        return PolyakBound(gain / (1 + n_parameters / size * gain))


class PolyakBound(Constant):
    """α, or Polyak's rate where that is smaller: no step has an expected decrease above J.

    J is not negative, so a step that is expected to lower it by more is too long. On a stream
    these are steps on rows of one class alone, from a point where the probability of another
    class is near 1 and F has vanished.

    References
    ----------
    Loizou, Vaswani, Laradji and Lacoste-Julien, "Stochastic Polyak step-size for SGD: An
    adaptive learning rate for fast convergence", AISTATS 2021.
    """

    def advance(
        self, rule: StepRule, point: Point, memory: Any, k: int, last: float
    ) -> tuple[Point, Any, float]:
        alpha = self.at(k)
        w, next_memory = rule.step(point, alpha, memory)
        decrease = point.expected_decrease(w)
        if decrease > point.cost > 0:
            alpha *= point.cost / decrease
            w, next_memory = rule.step(point, alpha, memory)
        return point.move(w), next_memory, alpha
