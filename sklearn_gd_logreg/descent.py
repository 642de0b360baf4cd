"""The loop: a generator of iterates. Whoever consumes it decides when to stop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from math import isfinite, nan
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.random import RandomState

from ._typing import Array
from .objective import Point

if TYPE_CHECKING:
    from .rules import UpdateRule
    from .schedules import LearningRate


class Iterate(NamedTuple):
    """What is known of the descent after k iterations, and all that the next one needs.

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
    point : Point
        J on all rows at w_k.
    memory : object
        What the rule remembers: of the steps so far, and of its look at this point.
    steps : int
        Number of steps made, which is where a schedule of learning rates stands.
    """

    k: int
    w: Array
    cost: float
    loss: float
    gradient_norm: float
    learning_rate: float
    passes: float
    dw: Array
    point: Point
    memory: Any
    steps: int


# -- full batch ----------------------------------------------------------------------------


def first_iterate(start: Point, rule: UpdateRule) -> Iterate:
    """Where a full-batch descent begins."""
    return _looked_at(start, rule, rule.init(start.w), 0, nan)


def seen_again(iterate: Iterate, rule: UpdateRule) -> Iterate:
    """The iterate with the gradient norm that counts where the rule is aimed at another ``tol``."""
    memory = rule.prepare(iterate.point, iterate.memory)
    if memory is iterate.memory:
        return iterate
    norm, passes = rule.norm(iterate.point, memory), iterate.point.objective.data.passes.count
    return iterate._replace(memory=memory, gradient_norm=norm, passes=passes)


def descend(iterate: Iterate, rule: UpdateRule, rate: LearningRate) -> Iterator[Iterate]:
    """Full-batch descent: an iterate and those after it, without end.

    It ends by itself only after a point where J is not finite.
    """
    yield iterate
    while isfinite(iterate.cost):
        point, memory, k, last = iterate.point, iterate.memory, iterate.k, iterate.learning_rate
        point, memory, alpha = rate.advance(rule, point, memory, k, last)
        iterate = _looked_at(point, rule, memory, k + 1, alpha)
        yield iterate


def _looked_at(point: Point, rule: UpdateRule, memory: Any, k: int, alpha: float) -> Iterate:
    norm = nan
    if isfinite(point.cost):
        memory = rule.prepare(point, memory)
        norm = rule.norm(point, memory)
    passes = point.objective.data.passes.count
    known = (k, point.w, point.cost, point.loss, norm, alpha, passes, point.dw)
    return Iterate(*known, point, memory, k)


# -- mini-batches --------------------------------------------------------------------------


def first_epoch(start: Point, rule: UpdateRule) -> Iterate:
    """Where a mini-batch descent begins; it is true of the point itself."""
    norm, passes = start.gradient_norm(), start.objective.data.passes.count
    known = (0, start.w, start.cost, start.loss, norm, nan, passes, start.dw)
    return Iterate(*known, start, rule.init(start.w), 0)


def descend_by_batches(
    iterate: Iterate,
    rule: UpdateRule,
    rate: LearningRate,
    batch_size: int,
    random_state: RandomState,
) -> Iterator[Iterate]:
    """Mini-batch descent: an iterate and those after it, one an epoch."""
    yield iterate
    while isfinite(iterate.cost):
        iterate = epoch(iterate, rule, rate, batch_size, random_state)
        yield iterate


def epoch(
    iterate: Iterate,
    rule: UpdateRule,
    rate: LearningRate,
    batch_size: int,
    random_state: RandomState,
) -> Iterate:
    """The iterate after one step on every batch, or after one whose cost is not finite."""
    objective, w = iterate.point.objective, iterate.w
    alpha, steps = iterate.learning_rate, iterate.steps
    memory = rule.prepare(Point(objective, w), iterate.memory)
    cost, loss, dw = 0.0, 0.0, np.zeros_like(w)
    for mass, batch in objective.batches(batch_size, random_state):
        point = Point(batch, w)
        cost, loss = cost + mass * point.cost, loss + mass * point.loss
        dw = dw + mass * point.dw
        if not isfinite(cost):
            break
        after, memory, alpha = rate.advance(rule, point, memory, steps, alpha)
        w, steps = after.w, steps + 1
    norm = float(np.abs(objective.penalty.smallest_subgradient(w, dw)).max(initial=0))
    known = (iterate.k + 1, w, cost, loss, norm, alpha, objective.data.passes.count, dw)
    return Iterate(*known, Point(objective, w), memory, steps)


# -- other coordinates ---------------------------------------------------------------------


def with_max_norms(
    iterates: Iterator[Iterate],
    max_norms: Callable[[Array], Array],
    first: int,
    last: int,
    farthest: int,
) -> Iterator[Iterate]:
    """The same iterates with the max-norms of their gradients in other coordinates.

    One product with X gives the norms of many gradients. So the descent runs ahead by 1
    step, 2, 4, … up to ``farthest``, but not beyond ``last``. The iterates are handed
    out one by one: to stop at any of them wastes no more than what was ahead, and an
    error is raised after the iterates that came before it.

    An iterate has its place in that product whether the descent began at w_0 or later, so
    that its norm is the same to the last bit.

    Parameters
    ----------
    iterates : iterator of Iterate
    max_norms : function
        Of gradients side by side: the max-norm of every column in the other coordinates.
    first, last : int
        Numbers of the iterate that comes first, and of the last that may be asked for.
    farthest : int
        Most steps that the descent runs ahead of who consumes it.
    """
    for begin, size in _stretches(first, farthest):
        ahead = min(begin + size, last + 1) - max(begin, first)
        if ahead <= 0:
            if begin > last:
                return
            continue
        chunk, error = _take(iterates, ahead)
        if chunk:
            n_rows, n_outputs = chunk[0].dw.shape
            together = np.zeros((n_rows, size, n_outputs))
            for it in chunk:
                together[:, it.k - begin] = it.dw
            norms = max_norms(together.reshape(n_rows, -1)).reshape(size, -1).max(axis=1)
            for it in chunk:
                norm = float(norms[it.k - begin])
                yield it._replace(gradient_norm=norm) if isfinite(it.cost) else it
        if error:
            raise error
        if len(chunk) < ahead:
            return


def _stretches(first: int, farthest: int) -> Iterator[tuple[int, int]]:
    """Where each run ahead begins, and how long it is; about from that with ``first`` on."""
    begin, size = 0, 1
    if first >= farthest - 1:  # from there on all are as long
        begin, size = first - (first - (farthest - 1)) % farthest, farthest
    while True:
        yield begin, size
        begin, size = begin + size, min(2 * size, farthest)


def _take(iterates: Iterator[Iterate], size: int) -> tuple[list[Iterate], Exception | None]:
    """The next iterates, and the error that came before there were enough."""
    taken: list[Iterate] = []
    try:
        for iterate in islice(iterates, size):
            taken.append(iterate)
    except Exception as error:
        return taken, error
    return taken, None
