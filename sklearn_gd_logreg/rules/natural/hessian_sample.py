"""The rows that F is worked out on."""

from __future__ import annotations

import numpy as np

from ...objective import Point
from . import tuning
from .cost_model import hessian_cost

EVEN_PART, MIN_MASS = 0.1, 1e-30
"""Part of a sample by the rows' part in F that is an even sample after all; and the least mean of
a(1 − a) from which there is another part."""


def on_rows(point: Point, n_rows: int) -> Point:
    """The point on a sample of its rows, or itself if these are all.

    Where most rows are all but certain, F is that of the few that are not. There rows are taken
    by their part in it, for one more pass forward, unless F on all rows costs less.

    References
    ----------
    Xu, Yang, Roosta-Khorasani, Ré and Mahoney, "Sub-sampled Newton methods with non-uniform
    sampling", NeurIPS 2016. The even part bounds the weights of the rows: Hesterberg, "Weighted
    average importance sampling and defensive mixture distributions", Technometrics 37 (1995).
    """
    objective, data = point.objective, point.objective.data
    if n_rows >= data.n_rows:
        return point
    mass = None
    certain = point.loss < tuning.CERTAIN * objective.loss.uniform_loss
    if certain and hessian_cost(objective, data.n_rows) > 1 + hessian_cost(objective, n_rows):
        mass = objective.fisher.trace_by_row(point.w)
        whole = float(np.sum(mass, dtype=np.float64))
        mass *= (1 - EVEN_PART) / whole if whole > MIN_MASS else 0.0
        mass += EVEN_PART * np.ravel(data.share)
    return Point(objective.on(data.sample(n_rows, mass)), point.w)
