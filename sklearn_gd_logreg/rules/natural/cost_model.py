"""What the Fisher information costs, in passes over all rows.

The costs are counts of multiplications, not times: two runs of the same fit must take the same
path. They only choose between paths, so a factor of two does no harm.
"""

from __future__ import annotations

from ...objective import Objective
from . import tuning


def hessian_cost(objective: Objective, n_rows: float) -> float:
    """Cost in passes of F on so many rows, factorised."""
    data, n_outputs = objective.data, objective.loss.n_outputs
    scores = tuning.WORK_PER_SCORE * data.n_rows * n_outputs
    a_pass = tuning.WORK_PER_PASS + data.pass_work + scores
    return (tuning.WORK_PER_HESSIAN + hessian_work(objective, n_rows)) / a_pass


def refresh_cost(objective: Objective, n_rows: float) -> float:
    """Cost in passes of F on so many rows, which are read for it."""
    return hessian_cost(objective, n_rows) + n_rows / objective.data.n_rows


def hessian_work(objective: Objective, n_rows: float) -> float:
    """Multiplications in F on so many rows and in its factor."""
    data, n_outputs = objective.data, objective.loss.n_outputs
    pairs = max(n_outputs * (n_outputs - 1) / 2, 1)
    return pairs * data.gram_work(n_rows) + (data.n_parameters * n_outputs) ** 3 / 3


def hessian_rows(objective: Objective) -> int:
    """On how many rows F is worked out: all, or a sample that is cheap beside a pass over all.

    A row adds one equation for every score, so a softmax needs fewer rows a parameter.
    """
    data, n_outputs = objective.data, objective.loss.n_outputs
    n_parameters = data.n_parameters * n_outputs
    of_all_rows = hessian_cost(objective, data.n_rows) - hessian_cost(objective, 0)
    for_half_a_pass = 0.5 * data.rows_in_a_pass * data.passes.whole / max(of_all_rows, 1e-300)
    fewest = n_parameters * (
        tuning.MIN_ROWS_PER_PARAMETER if n_outputs == 1 else tuning.MIN_ROWS_PER_PARAMETER_SOFTMAX
    )
    most = tuning.MAX_ROWS_PER_PARAMETER * n_parameters
    return sampled_rows(objective, min(max(for_half_a_pass, fewest), most), fewest)


def more_rows(objective: Objective, n_rows: int) -> int:
    """A larger sample, unless F on it would cost more than the descent so far."""
    more = sampled_rows(objective, tuning.GROWTH * n_rows, tuning.GROWTH * n_rows)
    return more if hessian_cost(objective, more) <= objective.data.passes.over_rows_left else n_rows


def sampled_rows(objective: Objective, n_rows: float, fewest: float) -> int:
    """So many rows, or fewer where memory asks for it; all, if they are not many more."""
    data = objective.data
    possible = min(int(min(n_rows, data.n_rows)), data.rows_to_sample)
    return possible if fewest <= possible <= data.n_rows / 2 else data.n_rows
