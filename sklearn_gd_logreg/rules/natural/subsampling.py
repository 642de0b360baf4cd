"""Growing subsamples: descents on few rows whose ends are the starts of those on more.

References
----------
Daneshmand, Lucchi and Hofmann, "Starting small: learning with adaptive sample sizes", ICML 2016.
Byrd, Chin, Neveitt and Nocedal, "On the use of stochastic Hessian information in optimization
methods for machine learning", SIAM J. Optim. 21 (2011).
"""

from __future__ import annotations

from dataclasses import replace
from math import inf, isfinite, sqrt
from typing import Any, Protocol, Self

import numpy as np

from ..._typing import Array
from ...objective import Objective, Point
from ...penalty import ElasticNet
from ...schedules import LearningRate, Steps
from . import tuning
from .curvature import Curvature, Displacement

MAX_STEPS = 30
"""Steps on one subsample."""

MAX_DENSITY_OF_RARE = 0.5
"""A feature is rare if it is other than 0 in less than this part of the rows."""


class SubsampleSolver(Steps, Protocol):
    """The rule as a descent on a subsample uses it."""

    @property
    def tol(self) -> float:
        """The norm at which the descent ends."""

    def with_tol(self, tol: float) -> Self:
        """The rule for another ``tol``."""

    def with_curvature(self, curvature: Curvature | None) -> Self:
        """The rule with the curvature of its first step."""

    def curvature_at(self, point: Point) -> Curvature:
        """The curvature of a first step from a point."""

    def auto_rate(self, objective: Objective, batch_size: int | None) -> LearningRate:
        """Its learning rate."""

    def prepare(self, point: Point, memory: Any) -> Any:
        """Memory prepared for the step from a new point."""

    def norm(self, point: Point, memory: Any) -> float:
        """Size of the gradient, to be compared with ``tol``."""


def subsample_sizes(objective: Objective) -> list[int]:
    """Sizes of growing subsamples, or none where the rows are too few for them to pay."""
    data, growth = objective.data, tuning.GROWTH
    n_parameters = data.n_parameters * objective.loss.n_outputs
    small = data.n_bytes <= tuning.MAX_BYTES_FOR_LARGE_SUBSAMPLE
    size = int(data.effective_rows) // (growth if small else growth**2)
    size = min(size, data.rows_to_sample)
    sizes: list[int] = []
    fewest = max(tuning.MIN_SUBSAMPLE_ROWS, tuning.MIN_ROWS_PER_PARAMETER * n_parameters)
    while size >= fewest:
        sizes.insert(0, size)
        size //= growth
    return sizes


def subsample_ridge(objective: Objective) -> float:
    """The least l2 penalty of a subsample, times its rows: 0 unless there are rare features.

    A rare feature is in few rows of a subsample, or in rows of one class alone. Its weight would
    say more of these rows than of all, and F on the subsample would know next to nothing of its
    curvature. So l2 times the rows is at least `SUBSAMPLE_RIDGE_ROWS` times the mean square of a
    feature where it is not 0, for the feature in which that is least.
    """
    data = objective.data.sample(min(tuning.MIN_SUBSAMPLE_ROWS, objective.data.n_rows))
    with np.errstate(over="ignore"):
        counts, squares = data.sum(lambda rows: rows.entries())
    if not (counts < MAX_DENSITY_OF_RARE * data.n_rows).any():
        return 0.0
    least = float(np.min(squares[counts > 0] / counts[counts > 0], initial=inf))
    return tuning.SUBSAMPLE_RIDGE_ROWS * least if isfinite(least) else 0.0


def on_subsample(objective: Objective, size: int, ridge: float) -> Objective:
    """The cost on a subsample of so many rows."""
    part = objective.on(objective.data.sample(size))
    return replace(part, penalty=replace(part.penalty, l2=max(part.penalty.l2, ridge / size)))


def to_subsample_minimum(
    start: Point, solver: SubsampleSolver
) -> tuple[Displacement | None, tuple[int, ...]]:
    """Where descents on growing subsamples lead, with what is known of F there; and their sizes.

    A subsample is left out where the first step on the smallest one says that J falls by less
    than its rows can tell. Each descent begins where the last one ended, with the curvature from
    there.
    """
    objective, w = start.objective, start.w
    sizes = subsample_sizes(objective)
    if not sizes:
        return None, ()
    ridge, smallest = subsample_ridge(objective), sizes[0]
    part = on_subsample(objective, smallest, ridge)
    first = solver.curvature_at(Point(part, w))
    decrease = first.target(Point(part, w), 1.0).decrease
    sizes = [size for size in sizes if size * decrease > w.size]
    if not sizes:
        return None, ()
    curvature: Curvature | None = first
    for size in sizes:
        if size > smallest:
            before = part.penalty
            del part  # its rows make room for more
            part = on_subsample(objective, size, ridge)
            curvature = curvature and _transferred(curvature, before, part)
        w, curvature = minimum_on(Point(part, w), solver.with_curvature(curvature), w.size / size)
        w = w.astype(start.w.dtype, copy=False)
    curvature = curvature and _transferred(curvature, part.penalty, objective)
    return Displacement(w, min(decrease, start.cost), curvature), tuple(sizes)


def _transferred(curvature: Curvature, before: ElasticNet, after: Objective) -> Curvature | None:
    ones = np.ones((after.data.n_parameters, after.loss.n_outputs))
    ridge = after.penalty.gradient(ones) - before.gradient(ones)
    return curvature.transferred(after, ridge.ravel())


def minimum_on(
    point: Point, solver: SubsampleSolver, parameters_a_row: float
) -> tuple[Array, Curvature | None]:
    """Where a descent on one subsample leads, and the curvature in use there.

    It ends when J is nearer to its minimum than the rows can tell: J on all rows is too high by
    about half of ``parameters_a_row``. The step from there is known and costs no pass, so it is
    made.
    """
    w, memory, alpha = point.w, None, 1.0
    solver = solver.with_tol(sqrt(tuning.SUBSAMPLE_ACCURACY * parameters_a_row))
    rate = solver.auto_rate(point.objective, None)
    for k in range(MAX_STEPS):
        if not (alpha and isfinite(point.cost)):
            break
        w, memory = point.w, solver.prepare(point, memory)
        if solver.norm(point, memory) <= solver.tol:
            w = solver.step(point, 1.0, memory)[0]
            break
        point, memory, alpha = rate.advance(solver, point, memory, k, alpha)
    return w, memory.curvature if memory else None
