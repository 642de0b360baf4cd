"""Which rows the natural gradient reads: samples that grow, and what they cost.

Costs are in units of a pass over all rows, from a model of the arithmetic. Nothing but
speed depends on it, so it need not be exact; but it must not be measured, or two runs
would differ.
"""

from __future__ import annotations

from itertools import islice
from math import sqrt
from typing import TYPE_CHECKING

from .._typing import Array
from ..descent import descend
from ..objective import Objective, Point

if TYPE_CHECKING:
    from .base import UpdateRule

PER_SCORE = 1000.0
"""Work on a score in a pass, its exponential above all, in multiplications of a large matrix
product."""

PER_PASS, PER_FISHER = 2e6, 3e6
"""What they cost however few the rows: the calls."""

GROWTH = 4
"""Ratio of one sample to the one before, and at least that of all rows to the last."""

SMALL = 32e6
"""Bytes of X up to which the last sample is a quarter of the rows, and not a sixteenth."""

FEWEST = 1000
"""Rows from which a sample is worth its overhead."""

FEWEST_PER_PARAMETER = 10
"""Rows a parameter that a sample has at the least."""

ENOUGH = 0.01
"""A sample is left when J on it is within this part of what its size makes uncertain."""

STEPS = 30
"""Most steps on one sample."""


def price(objective: Objective, n_rows: float) -> float:
    """What F on so many rows, factorised, costs in passes over all."""
    data, n_outputs = objective.data, objective.loss.n_outputs
    whole = PER_PASS + data.pass_work + PER_SCORE * data.n_rows * n_outputs
    return (PER_FISHER + fisher_work(objective, n_rows)) / whole


def fisher_work(objective: Objective, n_rows: float) -> float:
    """The multiplications in F on so many rows and in its factor."""
    data, n_outputs = objective.data, objective.loss.n_outputs
    pairs = max(n_outputs * (n_outputs - 1) / 2, 1)
    return pairs * data.gram_work(n_rows) + (data.n_parameters * n_outputs) ** 3 / 3


def sample_sizes(objective: Objective) -> list[int]:
    """Sizes of growing samples, or none where the rows are too few for it to pay."""
    n_parameters = objective.data.n_parameters * objective.loss.n_outputs
    data = objective.data
    size = int(data.effective_rows) // (GROWTH if data.n_bytes <= SMALL else GROWTH**2)
    size = min(size, data.rows_to_sample)
    sizes: list[int] = []
    while size >= max(FEWEST, FEWEST_PER_PARAMETER * n_parameters):
        sizes.insert(0, size)
        size //= GROWTH
    return sizes


def descend_on_samples(point: Point, rule: UpdateRule, sizes: list[int]) -> Array:
    """Where descents on growing samples lead, each from where the last one ended."""
    w, objective = point.w, point.objective
    for size in sizes:
        part = objective.on(objective.data.sample(size))
        enough = sqrt(ENOUGH * w.size / size)
        aimed, rate = rule.aimed_at(enough), rule.auto_rate(part, None)
        for iterate in islice(descend(Point(part, w, rule.wants_fisher(part)), aimed, rate), STEPS):
            w = iterate.w
            if not iterate.gradient_norm > enough:
                break
    return w
