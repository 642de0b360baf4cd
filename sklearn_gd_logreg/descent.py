"""The loop: a generator of iterates. Whoever consumes it decides when to stop."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from math import isfinite, nan
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.random import RandomState

from ._typing import Array
from .objective import Point

if TYPE_CHECKING:
    from .rates import LearningRate
    from .rules import UpdateRule


class Iterate(NamedTuple):
    """What is known of the descent after k iterations.

    Attributes
    ----------
    k : int
        Number of iterations made: steps, or epochs with mini-batches.
    w : array of shape (n_parameters, n_outputs)
        w_k.
    cost, loss : float
        J and the mean loss at w_k; with mini-batches their means over the batches of
        the epoch, each at the point where the batch was met.
    gradient_norm : float
        The size of the gradient that is compared with ``tol``.
    learning_rate : float
        The rate of the step that led here; nan before the first, 0.0 if no step lowers J.
    passes : float
        How often all rows have been read so far.
    """

    k: int
    w: Array
    cost: float
    loss: float
    gradient_norm: float
    learning_rate: float
    passes: float


def descend(start: Point, rule: UpdateRule, rate: LearningRate) -> Iterator[Iterate]:
    """Full-batch descent from a point: w_0, w_1, w_2, … without end.

    It ends by itself only after a point where J is not finite.
    """
    point, memory, alpha = start, rule.init(start.w), nan
    passes = start.objective.data.passes
    for k in count():
        finite = isfinite(point.cost)
        norm = nan
        if finite:
            memory = rule.look(point, memory)
            norm = rule.norm(point, memory)
        yield Iterate(k, point.w, point.cost, point.loss, norm, alpha, passes.count)
        if not finite:
            return
        point, memory, alpha = rate.advance(rule, point, memory, k, alpha)


def descend_by_batches(
    start: Point,
    rule: UpdateRule,
    rate: LearningRate,
    batch_size: int,
    random_state: RandomState,
) -> Iterator[Iterate]:
    """Mini-batch descent from a point: one iterate an epoch, the first true of the point itself."""
    objective, w = start.objective, start.w
    memory, alpha, k = rule.init(w), nan, 0
    yield Iterate(
        0, w, start.cost, start.loss, start.gradient_norm(), alpha, objective.data.passes.count
    )
    for epoch in count(1):
        memory = rule.look_before_epoch(Point(objective, w), memory)
        cost, loss, dw = 0.0, 0.0, np.zeros_like(w)
        for mass, batch in objective.batches(batch_size, random_state):
            point = Point(batch, w)
            cost, loss, dw = (
                cost + mass * point.cost,
                loss + mass * point.loss,
                dw + mass * point.dw,
            )
            if not isfinite(cost):
                break
            after, memory, alpha = rate.advance(rule, point, memory, k, alpha)
            w, k = after.w, k + 1
        norm = float(np.abs(objective.penalty.smallest_subgradient(w, dw)).max(initial=0))
        yield Iterate(epoch, w, cost, loss, norm, alpha, objective.data.passes.count)
        if not isfinite(cost):
            return
