"""Which rows the natural gradient reads: samples that grow, and what they cost.

Costs are in units of a pass over all rows, from a model of the arithmetic. Nothing but
speed depends on it, so it need not be exact; but it must not be measured, or two runs
would differ.
"""

from __future__ import annotations

from dataclasses import replace
from math import inf, isfinite, sqrt
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..._typing import Array
from ...objective import Objective, Point
from ...penalty import ElasticNet

if TYPE_CHECKING:
    from .curvature import Curvature
    from .rule import OnSample

PER_SCORE = 400.0
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

ENOUGH = 0.5
"""A sample is left when twice J − J* on it is within this part of p/m, and one step is left."""

RESTRAINT = 0.5
"""Rows that the l2 of a sample is worth, where features are rare."""

RARE = 0.5
"""A feature is rare if it is other than 0 in less than this part of the rows."""

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


class Known(NamedTuple):
    """What is known of F, and with which penalty."""

    curvature: Curvature | None
    penalty: ElasticNet

    def handed_over(self, objective: Objective, penalty: ElasticNet) -> Curvature | None:
        """The same for another penalty, with prices in passes over other rows."""
        if not self.curvature:
            return None
        ones = np.ones((objective.data.n_parameters, objective.loss.n_outputs))
        more = penalty.gradient(ones) - self.penalty.gradient(ones)
        return self.curvature.handed_over(objective, more.ravel())


def restraint_on_samples(objective: Objective) -> float:
    """How much l2 a sample has at the least, times its rows: 0 unless there are rare features.

    A rare feature is in few rows of a sample, or in rows of one class alone. It would get a
    weight that says more of these rows than of all, and F on the sample would know next to
    nothing of its curvature. So l2 times the rows is at least `RESTRAINT` times the mean square
    of a feature where it is not 0, for the feature in which that is least: half a row of it. For
    features of larger values that is little.
    """
    data = objective.data.sample(min(FEWEST, objective.data.n_rows))
    with np.errstate(over="ignore"):
        counts, squares = data.sum(lambda rows: rows.entries())
    if not (counts < RARE * data.n_rows).any():
        return 0.0
    least = float(np.min(squares[counts > 0] / counts[counts > 0], initial=inf))
    return RESTRAINT * least if isfinite(least) else 0.0


def on_sample(objective: Objective, size: int, restraint: float) -> Objective:
    """The cost on a sample of so many rows."""
    part = objective.on(objective.data.sample(size))
    penalty = replace(part.penalty, l2=max(part.penalty.l2, restraint / size))
    return replace(part, penalty=penalty)


def descend_on_samples(
    start: Point, rule: OnSample, sizes: list[int], restraint: float, first: Known
) -> tuple[Array, Curvature | None]:
    """Where descents on growing samples lead, and what is known of F there.

    Each starts where the last one ended, with the F that is known from there; the first with
    the F that is known from a sample that may be smaller.
    """
    w, objective, known = start.w, start.objective, first
    for size in sizes:
        part = on_sample(objective, size, restraint)
        aware = rule.knowing(known.handed_over(objective, part.penalty))
        w, curvature = descend_on_sample(Point(part, w), aware, w.size / size)
        w = w.astype(start.w.dtype, copy=False)
        known = Known(curvature, part.penalty)
    return w, known.handed_over(objective, objective.penalty)


def descend_on_sample(
    point: Point, rule: OnSample, uncertain: float
) -> tuple[Array, Curvature | None]:
    """Where a descent on one sample leads, and the F in use there.

    It ends when J is nearer to its minimum than the sample can tell. The step from there is
    known and costs no pass, so it is made. On a sample that can be separated, though all rows
    cannot, that is soon: J is near 0 there, and so is what is left to gain.

    Parameters
    ----------
    point : Point
    rule : OnSample
    uncertain : float
        Parameters over rows: about twice by how much J on all rows will be too high.
    """
    w, memory, alpha = point.w, None, 1.0
    rule = rule.aimed_at(sqrt(ENOUGH * uncertain))
    rate = rule.auto_rate(point.objective, None)
    for k in range(STEPS):
        if not (alpha and isfinite(point.cost)):
            break
        w, memory = point.w, rule.look(point, memory)
        if rule.norm(point, memory) ** 2 <= ENOUGH * uncertain:
            w = rule.step(point, 1.0, memory)[0]
            break
        point, memory, alpha = rate.advance(rule, point, memory, k, alpha)
    return w, memory.curvature if memory else None
