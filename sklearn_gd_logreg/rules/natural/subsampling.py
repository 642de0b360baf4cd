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
"""Largest number of steps on one subsample."""

MAX_RARE_DENSITY = 0.5
"""A feature is rare if it is non-zero in less than this fraction of the rows."""


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
    """Numbers of rows of the growing subsamples; empty if there are too few rows."""
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
    number of rows is at least `SUBSAMPLE_RIDGE_ROWS` times the smallest mean square of a feature,
    each over the non-zero entries of that feature.
    """
    data = objective.data.sample(min(tuning.MIN_SUBSAMPLE_ROWS, objective.data.n_rows))
    with np.errstate(over="ignore"):
        counts, squares = data.sum(lambda rows: rows.counts_and_squares())
    if not (counts < MAX_RARE_DENSITY * data.n_rows).any():
        return 0.0
    min_mean_square = float(np.min(squares[counts > 0] / counts[counts > 0], initial=inf))
    return tuning.SUBSAMPLE_RIDGE_ROWS * min_mean_square if isfinite(min_mean_square) else 0.0


def subsample_objective(objective: Objective, size: int, ridge: float) -> Objective:
    """J on a subsample, with at least ``ridge / size`` as l2 penalty."""
    subproblem = objective.on(objective.data.sample(size))
    return replace(
        subproblem, penalty=replace(subproblem.penalty, l2=max(subproblem.penalty.l2, ridge / size))
    )


def subsample_displacement(
    start: Point, solver: SubsampleSolver
) -> tuple[Displacement | None, tuple[int, ...]]:
    """The step to the minimum on the largest subsample, with its curvature; and the sizes used.

    Each descent starts from the minimum on the previous subsample, with the curvature there. A
    subsample of m rows is left out unless the first step on the smallest subsample predicts a
    decrease above p/m for p parameters, about twice its sampling error.
    """
    objective, w = start.objective, start.w
    sizes = subsample_sizes(objective)
    if not sizes:
        return None, ()
    ridge, smallest = subsample_ridge(objective), sizes[0]
    subproblem = subsample_objective(objective, smallest, ridge)
    first_curvature = solver.curvature_at(Point(subproblem, w))
    decrease = first_curvature.newton_step(Point(subproblem, w), 1.0).decrease
    sizes = [size for size in sizes if size * decrease > w.size]
    if not sizes:
        return None, ()
    curvature: Curvature | None = first_curvature
    for size in sizes:
        if size > smallest:
            penalty = subproblem.penalty
            del subproblem  # frees its rows before the next subsample is drawn
            subproblem = subsample_objective(objective, size, ridge)
            curvature = curvature and _transferred(curvature, penalty, subproblem)
        point = Point(subproblem, w)
        w, curvature = subsample_minimum(point, solver.with_curvature(curvature), w.size / size)
        w = w.astype(start.w.dtype, copy=False)
    curvature = curvature and _transferred(curvature, subproblem.penalty, objective)
    return Displacement(w, min(decrease, start.cost), curvature), tuple(sizes)


def _transferred(
    curvature: Curvature, penalty: ElasticNet, objective: Objective
) -> Curvature | None:
    """The curvature on another objective, whose L2 penalty replaces that of ``penalty``."""
    ones = np.ones((objective.data.n_parameters, objective.loss.n_outputs))
    ridge_change = objective.penalty.gradient(ones) - penalty.gradient(ones)
    return curvature.transferred(objective, ridge_change.ravel())


def subsample_minimum(
    point: Point, solver: SubsampleSolver, parameters_per_row: float
) -> tuple[Array, Curvature | None]:
    """Approximate minimum on a subsample, and the curvature of the last step.

    The descent ends where the remaining decrease is below the sampling error: at the minimum on
    the subsample, J on all rows exceeds its minimum by about half of ``parameters_per_row``. The
    step from that point is still made, since it costs no pass.
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
