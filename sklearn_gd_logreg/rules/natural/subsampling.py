"""Growing subsamples: each descent on a subsample starts from the minimum on a smaller one.

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
from ...schedules import LearningRate, StepRule
from . import tuning
from .curvature import Curvature, Displacement

MAX_SUBSAMPLE_STEPS = 30
"""Most steps on one subsample."""

MAX_RARE_DENSITY = 0.5
"""A feature is rare if it is non-zero in less than this part of the rows."""


class SubsampleSolver(StepRule, Protocol):
    """The natural gradient as a solver for subsamples."""

    @property
    def tol(self) -> float:
        """The Newton decrement at which the descent ends."""

    def with_tol(self, tol: float) -> Self:
        """The solver with another ``tol``."""

    def with_curvature(self, curvature: Curvature | None) -> Self:
        """The solver with a curvature for its first step."""

    def curvature_at(self, point: Point) -> Curvature:
        """The curvature of a first step from a point."""

    def auto_rate(self, objective: Objective, batch_size: int | None) -> LearningRate:
        """The learning rate."""

    def prepare(self, point: Point, memory: Any) -> Any:
        """The memory for the step from a new point."""

    def norm(self, point: Point, memory: Any) -> float:
        """The Newton decrement, to be compared with ``tol``."""


def subsample_sizes(objective: Objective) -> list[int]:
    """Sizes of the growing subsamples; empty where there are too few rows."""
    data, growth = objective.data, tuning.SUBSAMPLE_GROWTH
    n_parameters = data.n_parameters * objective.loss.n_outputs
    small = data.n_bytes <= tuning.MAX_BYTES_FOR_LARGE_SUBSAMPLE
    size = int(data.effective_sample_size) // (growth if small else growth**2)
    size = min(size, data.max_rows_to_sample)
    sizes: list[int] = []
    min_rows = max(tuning.MIN_SUBSAMPLE_ROWS, tuning.MIN_ROWS_PER_PARAMETER * n_parameters)
    while size >= min_rows:
        sizes.insert(0, size)
        size //= growth
    return sizes


def subsample_ridge(objective: Objective) -> float:
    """Least l2 penalty of a subsample times its number of rows; 0 without rare features.

    A rare feature may occur in few rows of a subsample, or in rows of one class alone. Then its
    weight overfits these rows, and F on the subsample underestimates its curvature. So l2 times the
    number of rows is at least `SUBSAMPLE_RIDGE_ROWS` times the mean square of the non-zero entries
    of a feature, for the feature in which it is least.
    """
    data = objective.data.sample(min(tuning.MIN_SUBSAMPLE_ROWS, objective.data.n_rows))
    with np.errstate(over="ignore"):
        counts, squares = data.sum(lambda rows: rows.counts_and_squares())
    if not (counts < MAX_RARE_DENSITY * data.n_rows).any():
        return 0.0
    smallest = float(np.min(squares[counts > 0] / counts[counts > 0], initial=inf))
    return tuning.SUBSAMPLE_RIDGE_ROWS * smallest if isfinite(smallest) else 0.0


def subsample_objective(objective: Objective, size: int, ridge: float) -> Objective:
    """The cost on a subsample, with at least ``ridge / size`` as l2 penalty."""
    part = objective.on(objective.data.sample(size))
    return replace(part, penalty=replace(part.penalty, l2=max(part.penalty.l2, ridge / size)))


def subsample_displacement(
    start: Point, solver: SubsampleSolver
) -> tuple[Displacement | None, tuple[int, ...]]:
    """The step to the minimum on the largest subsample, with the curvature; and all sizes.

    Each descent starts from the minimum on the previous subsample, with the curvature there. The
    first step on the smallest subsample predicts a decrease; subsamples with too few rows to
    resolve it are left out.
    """
    objective, w = start.objective, start.w
    sizes = subsample_sizes(objective)
    if not sizes:
        return None, ()
    ridge, smallest = subsample_ridge(objective), sizes[0]
    part = subsample_objective(objective, smallest, ridge)
    first = solver.curvature_at(Point(part, w))
    decrease = first.newton_step(Point(part, w), 1.0).decrease
    sizes = [size for size in sizes if size * decrease > w.size]
    if not sizes:
        return None, ()
    curvature: Curvature | None = first
    for size in sizes:
        if size > smallest:
            penalty = part.penalty
            del part  # frees its rows before the next subsample is drawn
            part = subsample_objective(objective, size, ridge)
            curvature = curvature and _transferred(curvature, penalty, part)
        point = Point(part, w)
        w, curvature = subsample_minimum(point, solver.with_curvature(curvature), w.size / size)
        w = w.astype(start.w.dtype, copy=False)
    curvature = curvature and _transferred(curvature, part.penalty, objective)
    return Displacement(w, min(decrease, start.cost), curvature), tuple(sizes)


def _transferred(
    curvature: Curvature, penalty: ElasticNet, objective: Objective
) -> Curvature | None:
    ones = np.ones((objective.data.n_parameters, objective.loss.n_outputs))
    ridge = objective.penalty.gradient(ones) - penalty.gradient(ones)
    return curvature.transferred(objective, ridge.ravel())


def subsample_minimum(
    point: Point, solver: SubsampleSolver, parameters_per_row: float
) -> tuple[Array, Curvature | None]:
    """The minimum on a subsample, approximately, and the curvature in use there.

    The descent ends where the remaining decrease is below the error of the subsample: its minimum
    has an excess of J on all rows of about half of ``parameters_per_row``. The last step is made,
    since it costs no pass.
    """
    w, memory, alpha = point.w, None, 1.0
    solver = solver.with_tol(sqrt(tuning.SUBSAMPLE_ACCURACY * parameters_per_row))
    rate = solver.auto_rate(point.objective, None)
    for k in range(MAX_SUBSAMPLE_STEPS):
        if not (alpha and isfinite(point.cost)):
            break
        w, memory = point.w, solver.prepare(point, memory)
        if solver.norm(point, memory) <= solver.tol:
            w = solver.step(point, 1.0, memory)[0]
            break
        point, memory, alpha = rate.advance(solver, point, memory, k, alpha)
    return w, memory.curvature if memory else None
