"""The subsample of rows that F is computed on."""

from __future__ import annotations

import numpy as np

from ...objective import Point
from . import tuning
from .cost_model import hessian_cost

DEFENSIVE_WEIGHT, MIN_TRACE = 0.1, 1e-30
"""Weight of uniform sampling in the mixture with sampling by trace; and least trace of the mean of
diag(a) − aaᵀ for which rows are sampled by trace."""


def hessian_subsample(point: Point, n_rows: int) -> Point:
    """The point on a subsample of its rows, or the point itself if the subsample has all rows.

    Where the probabilities of most rows are near 0 or 1, the others determine F. There rows are
    sampled by their part in the trace of F, which takes a forward pass, unless F on all rows costs
    less, or no number can be stored for each row.

    References
    ----------
    Xu, Yang, Roosta-Khorasani, Ré and Mahoney, "Sub-sampled Newton methods with non-uniform
    sampling", NeurIPS 2016. The uniform part bounds the weights of the rows: Hesterberg, "Weighted
    average importance sampling and defensive mixture distributions", Technometrics 37 (1995).
    """
    objective, data = point.objective, point.objective.data
    if n_rows >= data.n_rows:
        return point
    mass = None
    low_loss = point.loss < tuning.MAX_LOSS_FOR_TRACE_SAMPLING * objective.loss.uniform_loss
    low_loss = low_loss and data.stores_row_values
    if low_loss and hessian_cost(objective, data.n_rows) > 1 + hessian_cost(objective, n_rows):
        mass = objective.fisher.row_traces(point.w)
        trace = float(np.sum(mass, dtype=np.float64))
        mass *= (1 - DEFENSIVE_WEIGHT) / trace if trace > MIN_TRACE else 0.0
        mass += DEFENSIVE_WEIGHT * np.ravel(data.share)
    return Point(objective.on(data.sample(n_rows, mass)), point.w)
