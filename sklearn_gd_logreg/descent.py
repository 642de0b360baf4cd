"""The loop: a generator of iterates. Whoever consumes it decides when to stop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count, islice
from math import isfinite, nan
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.random import RandomState

from ._typing import Array
from .objective import Point

if TYPE_CHECKING:
    from .rates import LearningRate
    from .rules import UpdateRule

FARTHEST = 64
"""Most steps that a descent runs ahead of who consumes it."""


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
    dw : array of shape (n_parameters, n_outputs)
        Gradient of the smooth part of J at w_k; with mini-batches its mean.
    """

    k: int
    w: Array
    cost: float
    loss: float
    gradient_norm: float
    learning_rate: float
    passes: float
    dw: Array


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
        yield Iterate(k, point.w, point.cost, point.loss, norm, alpha, passes.count, point.dw)
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
    norm, passes = start.gradient_norm(), objective.data.passes.count
    yield Iterate(0, w, start.cost, start.loss, norm, alpha, passes, start.dw)
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
        yield Iterate(epoch, w, cost, loss, norm, alpha, objective.data.passes.count, dw)
        if not isfinite(cost):
            return


def with_max_norms(
    iterates: Iterator[Iterate], max_norms: Callable[[Array], Array], max_iter: int
) -> Iterator[Iterate]:
    """The same iterates with the max-norms of their gradients in other coordinates.

    One product with X gives the norms of many gradients. So the descent runs ahead by 1
    step, 2, 4, … up to `FARTHEST`, but not beyond ``max_iter``. The iterates are handed
    out one by one: to stop at any of them wastes no more than what was ahead, and an
    error is raised after the iterates that came before it.

    Parameters
    ----------
    iterates : iterator of Iterate
    max_norms : function
        Of gradients side by side: the max-norm of every column in the other coordinates.
    max_iter : int
        The last iterate that may be asked for.
    """
    size, left = 1, max_iter + 1
    while left:
        chunk, error = _take(iterates, min(size, left))
        if chunk:
            norms = max_norms(np.hstack([it.dw for it in chunk])).reshape(len(chunk), -1)
            for it, norm in zip(chunk, norms.max(axis=1), strict=True):
                yield it._replace(gradient_norm=float(norm)) if isfinite(it.cost) else it
        if error:
            raise error
        if not chunk:
            return
        size, left = min(2 * size, FARTHEST), left - len(chunk)


def _take(iterates: Iterator[Iterate], size: int) -> tuple[list[Iterate], Exception | None]:
    """The next iterates, and the error that came before there were enough."""
    taken: list[Iterate] = []
    try:
        for iterate in islice(iterates, size):
            taken.append(iterate)
    except Exception as error:
        return taken, error
    return taken, None
