"""Cost of the Fisher information F, in passes over all rows.

Costs are counts of multiplications, not times: two runs of the same fit must use the same methods.
They only choose between methods, so an error by a factor of two is harmless.
"""

from __future__ import annotations

from ...objective import Objective
from . import tuning


def hessian_cost(objective: Objective, n_rows: float) -> float:
    """Cost in passes of F on ``n_rows`` rows and its Cholesky factor."""
    data, n_outputs = objective.data, objective.loss.n_outputs
    scores = tuning.WORK_PER_SCORE * data.n_rows * n_outputs
    pass_work = tuning.WORK_PER_PASS + data.pass_work + scores
    return (tuning.WORK_PER_HESSIAN + hessian_work(objective, n_rows)) / pass_work


def refresh_cost(objective: Objective, n_rows: float) -> float:
    """Cost in passes of F on a subsample of ``n_rows`` rows, reading them included."""
    return hessian_cost(objective, n_rows) + n_rows / objective.data.n_rows


def hessian_work(objective: Objective, n_rows: float) -> float:
    """Multiplications for F on ``n_rows`` rows and its Cholesky factor."""
    data, n_outputs = objective.data, objective.loss.n_outputs
    pairs = max(n_outputs * (n_outputs - 1) / 2, 1)
    return pairs * data.gram_work(n_rows) + (data.n_parameters * n_outputs) ** 3 / 3


def hessian_rows(objective: Objective) -> int:
    """Number of rows that F is computed on: all, or a subsample that costs half a pass.

    A row adds one equation per score, so a softmax needs fewer rows per parameter.
    """
    data, n_outputs = objective.data, objective.loss.n_outputs
    n_parameters = data.n_parameters * n_outputs
    full_cost = hessian_cost(objective, data.n_rows) - hessian_cost(objective, 0)
    half_a_pass = 0.5 * data.rows_per_pass * data.passes.distinct_fraction / max(full_cost, 1e-300)
    min_rows = n_parameters * (
        tuning.MIN_ROWS_PER_PARAMETER if n_outputs == 1 else tuning.MIN_ROWS_PER_PARAMETER_SOFTMAX
    )
    max_rows = tuning.MAX_ROWS_PER_PARAMETER * n_parameters
    return affordable_rows(objective, min(max(half_a_pass, min_rows), max_rows), min_rows)


def more_hessian_rows(objective: Objective, n_rows: int) -> int:
    """A larger subsample size, or ``n_rows`` if F on it costs more than the descent so far."""
    target = tuning.SUBSAMPLE_GROWTH * n_rows
    size = affordable_rows(objective, target, target)
    return (
        size
        if hessian_cost(objective, size) <= objective.data.passes.over_distinct_rows
        else n_rows
    )


def affordable_rows(objective: Objective, n_rows: float, min_rows: float) -> int:
    """``n_rows`` or what memory allows; all rows if that is too few or over half of all rows."""
    data = objective.data
    size = min(int(min(n_rows, data.n_rows)), data.max_rows_to_sample)
    return size if min_rows <= size <= data.n_rows / 2 else data.n_rows
