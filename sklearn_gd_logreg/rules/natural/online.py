"""The natural gradient on mini-batches and on a stream of rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..._typing import Array
from ...objective import Objective, Point
from ...schedules import Constant, LearningRate, Steps, TimeDecay
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
    """The rule on mini-batches: F of all rows, worked out once an epoch, with a part of F(0)."""

    scale_free = True

    def __init__(self, damping: float = 0.0, direct_limit: int = 2000) -> None:
        self.damping = damping
        self.direct_limit = direct_limit

    def prepare(self, point: Point, memory: Any) -> Any:
        return EpochMemory(full_hessian(point, self.damping, self.direct_limit, tuning.EPOCH_FLOOR))

    def step(self, point: Point, alpha: float, memory: Any) -> tuple[Array, Any]:
        return memory.curvature.target(point, alpha).w, memory

    def is_straight(self, objective: Objective) -> bool:
        return True

    def auto_rate(self, objective: Objective, batch_size: int | None) -> LearningRate:
        return epoch_rate(objective, batch_size or objective.data.n_rows)


def epoch_rate(objective: Objective, batch_size: int) -> LearningRate:
    """α = 1 / ((1 + p/batch_size)(1 + epochs)), with p the number of parameters."""
    n_parameters = objective.data.n_parameters * objective.loss.n_outputs
    steps_per_epoch = -(-len(objective.data.weighted_rows()) // batch_size)
    return TimeDecay(1 / (1 + n_parameters / batch_size), decay=1 / steps_per_epoch)


@dataclass(frozen=True)
class StreamMemory(EpochMemory):
    """With F of all rows of a stream so far."""

    fisher: Array


class OnlineNaturalGradient(BatchNaturalGradient):
    """The rule on rows that are a part of all rows so far, ``share`` of their weight.

    On a quadratic cost, a mean of F over all rows so far and α = share end at the minimum for
    all of them. Here F is met where it is larger than at the end, so that recent rows count
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
        most = self.direct_limit
        if l1:
            most = min(most, MAX_PARAMETERS_WITHOUT_WORKING_SET)
        if point.w.size > most:
            return super().prepare(point, memory)
        fisher = regularized_fisher(point, self.damping)
        if isinstance(memory, StreamMemory):
            fisher = memory.fisher + self._gain * (fisher - memory.fisher)
        floored = fisher + tuning.EPOCH_FLOOR * objective.uniform_fisher
        if l1:
            return StreamMemory(ProximalFisher(floored, np.arange(len(point.w))), fisher)
        return StreamMemory(CholeskyFisher.of(floored, MIN_RIDGE[point.w.dtype]), fisher)

    def auto_rate(self, objective: Objective, batch_size: int | None) -> LearningRate:
        n_rows = len(objective.data.weighted_rows())
        size = min(batch_size or n_rows, n_rows)
        gain = self._gain * size / n_rows
        n_parameters = objective.data.n_parameters * objective.loss.n_outputs
        return PolyakBound(gain / (1 + n_parameters / size * gain))


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
        self, rule: Steps, point: Point, memory: Any, k: int, last: float
    ) -> tuple[Point, Any, float]:
        alpha = self.at(k)
        w, remembered = rule.step(point, alpha, memory)
        promised = point.expected_decrease(w)
        if promised > point.cost > 0:
            alpha *= point.cost / promised
            w, remembered = rule.step(point, alpha, memory)
        return point.move(w), remembered, alpha
