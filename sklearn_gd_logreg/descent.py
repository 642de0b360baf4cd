"""The descent loop: a generator of iterates, which the caller consumes until it stops."""

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
    """State of a descent after k iterations: the results, and what the next iteration needs.

    Attributes
    ----------
    k : int
        Number of iterations made: steps, or epochs with mini-batches.
    w : array of shape (n_parameters, n_outputs)
        w_k.
    cost, loss : float
        J and the mean loss at w_k. With mini-batches, their means over the batches of the epoch,
        each evaluated before the step on that batch.
    gradient_norm : float
        The norm that is compared with ``tol``.
    learning_rate : float
        Rate of the last step; nan before the first, 0.0 if no step decreases J.
    passes : float
        Number of passes over the data so far.
    dw : array of shape (n_parameters, n_outputs)
        Gradient of the smooth part of J at w_k; with mini-batches, its mean over the batches.
    point : Point
        J on all rows at w_k.
    memory : object
        Memory of the rule, prepared for the step from this point.
    steps : int
        Number of steps made, on which a learning-rate schedule depends.
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
    """Return iterate 0 of a full-batch descent."""
    return _evaluate(start, rule, rule.init(start.w), 0, nan)


def reevaluate(iterate: Iterate, rule: UpdateRule) -> Iterate:
    """Return the iterate with the memory and norm of ``rule``, whose ``tol`` may have changed."""
    memory = rule.prepare(iterate.point, iterate.memory)
    if memory is iterate.memory:
        return iterate
    norm, passes = rule.norm(iterate.point, memory), iterate.point.objective.data.passes.count
    return iterate._replace(memory=memory, gradient_norm=norm, passes=passes)


def descend(iterate: Iterate, rule: UpdateRule, rate: LearningRate) -> Iterator[Iterate]:
    """Yield ``iterate`` of a full-batch descent, then all following ones.

    The generator ends only after a point at which J is not finite.
    """
    yield iterate
    while isfinite(iterate.cost):
        point, memory, k, alpha = iterate.point, iterate.memory, iterate.k, iterate.learning_rate
        point, memory, alpha = rate.advance(rule, point, memory, k, alpha)
        iterate = _evaluate(point, rule, memory, k + 1, alpha)
        yield iterate


def _evaluate(point: Point, rule: UpdateRule, memory: Any, k: int, alpha: float) -> Iterate:
    """Return the iterate at ``point``, with the rule prepared for the next step."""
    norm = nan
    if isfinite(point.cost):
        memory = rule.prepare(point, memory)
        norm = rule.norm(point, memory)
    passes = point.objective.data.passes.count
    outputs = (k, point.w, point.cost, point.loss, norm, alpha, passes, point.dw)
    return Iterate(*outputs, point, memory, k)


# -- mini-batches --------------------------------------------------------------------------


def first_epoch(start: Point, rule: UpdateRule) -> Iterate:
    """Return iterate 0 of a mini-batch descent, with cost and gradient on all rows."""
    norm, passes = start.gradient_norm(), start.objective.data.passes.count
    outputs = (0, start.w, start.cost, start.loss, norm, nan, passes, start.dw)
    return Iterate(*outputs, start, rule.init(start.w), 0)


def descend_by_batches(
    iterate: Iterate,
    rule: UpdateRule,
    rate: LearningRate,
    batch_size: int,
    random_state: RandomState,
) -> Iterator[Iterate]:
    """Yield ``iterate`` of a mini-batch descent, then all following ones, one for each epoch."""
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
    """Make one step on each batch; stop at a batch whose cost is not finite."""
    objective, w = iterate.point.objective, iterate.w
    alpha, steps = iterate.learning_rate, iterate.steps
    memory = rule.prepare(Point(objective, w), iterate.memory)
    cost, loss, dw = 0.0, 0.0, np.zeros_like(w)
    for fraction, batch in objective.batches(batch_size, random_state):
        point = Point(batch, w)
        cost, loss = cost + fraction * point.cost, loss + fraction * point.loss
        dw = dw + fraction * point.dw
        if not isfinite(cost):
            break
        next_point, memory, alpha = rate.advance(rule, point, memory, steps, alpha)
        w, steps = next_point.w, steps + 1
    norm = float(np.abs(objective.penalty.smallest_subgradient(w, dw)).max(initial=0))
    outputs = (iterate.k + 1, w, cost, loss, norm, alpha, objective.data.passes.count, dw)
    return Iterate(*outputs, Point(objective, w), memory, steps)


# -- gradient norms in other coordinates ---------------------------------------------------


def with_max_norms(
    iterates: Iterator[Iterate],
    max_norms: Callable[[Array], Array],
    first: int,
    last: int,
    max_ahead: int,
) -> Iterator[Iterate]:
    """Replace gradient norms by the max-norms of the gradients in other coordinates.

    One product with X gives the norms of several gradients. So the descent is computed in
    chunks of 1, 2, 4, … up to ``max_ahead`` iterates, but not beyond ``last``. The iterates of a
    chunk are yielded one by one. A caller that stops wastes at most the rest of a chunk. An error
    in a chunk is raised after the iterates before it are yielded.

    The column of an iterate in the product depends only on its k, so a descent resumes exactly.

    Parameters
    ----------
    iterates : iterator of Iterate
    max_norms : callable
        Maps an array of gradients, one in each column, to their max-norms in the other
        coordinates.
    first, last : int
        Number k of the first of ``iterates``, and of the last to compute.
    max_ahead : int
        Largest number of iterates in a chunk.
    """
    for begin, size in _chunks(first, max_ahead):
        n_iterates = min(begin + size, last + 1) - max(begin, first)
        if n_iterates <= 0:
            if begin > last:
                return
            continue
        chunk, error = _take_until_error(iterates, n_iterates)
        if chunk:
            n_rows, n_outputs = chunk[0].dw.shape
            gradients = np.zeros((n_rows, size, n_outputs))
            for it in chunk:
                gradients[:, it.k - begin] = it.dw
            norms = max_norms(gradients.reshape(n_rows, -1)).reshape(size, -1).max(axis=1)
            for it in chunk:
                norm = float(norms[it.k - begin])
                yield it._replace(gradient_norm=norm) if isfinite(it.cost) else it
        if error:
            raise error
        if len(chunk) < n_iterates:
            return


def _chunks(first: int, max_ahead: int) -> Iterator[tuple[int, int]]:
    """First k and size of each chunk; chunks that end long before ``first`` are skipped."""
    begin, size = 0, 1
    if first >= max_ahead - 1:  # from there on all chunks have the same size
        begin, size = first - (first - (max_ahead - 1)) % max_ahead, max_ahead
    while True:
        yield begin, size
        begin, size = begin + size, min(2 * size, max_ahead)


def _take_until_error(
    iterates: Iterator[Iterate], size: int
) -> tuple[list[Iterate], Exception | None]:
    """Return the next ``size`` iterates, or fewer at the end or before an error; and the error."""
    taken: list[Iterate] = []
    try:
        for iterate in islice(iterates, size):
            taken.append(iterate)
    except Exception as error:
        return taken, error
    return taken, None
