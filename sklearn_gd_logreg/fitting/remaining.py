"""How far J can still fall after a plateau: the Newton decrement and a proven bound."""

from __future__ import annotations

from math import inf, isfinite
from typing import NamedTuple

import numpy as np

from .._typing import Array
from ..objective import Objective, Point
from ..rules.natural.cost_model import hessian_cost
from ..rules.natural.curvature import Curvature
from ..rules.natural.hessian_free import HessianFree
from ..rules.natural.plan import full_hessian

MAX_HESSIAN_PRODUCTS = 50
"""Largest number of Hessian-vector products, each about a pass."""

MAX_HESSIAN_SIDE, MAX_HESSIAN_COST = 2000, 2.0
"""With an L1 part: largest number of parameters for which the Hessian is computed, and its largest
cost relative to that of the descent, both in passes."""

MAX_DECREASE_OVER_TOL = 10.0
"""Remaining decrease, in units of ``tol``, that needs no warning."""

MAX_PART_LEFT, MAX_TOLS_LEFT = 0.2, 2000.0
"""Remaining decrease, as a fraction of J and of ln K − J, that needs no warning: the first number,
or the second times ``tol`` if that is less."""

ROUNDINGS_OF_A_MEAN = 16.0
"""Rounding of a mean over rows, in units of the machine epsilon."""


class Remaining(NamedTuple):
    """Remaining decrease of J at a point.

    Attributes
    ----------
    cost : float
        J.
    fallen : float
        ln K − J, the decrease since w = 0.
    decrease : float
        An estimate or a lower bound of J − J*; infinite where products overflow.
    is_estimate : bool
        Whether ``decrease`` is the Newton decrement, an estimate; else it is a lower bound, from
        a step along one coordinate.
    """

    cost: float
    fallen: float
    decrease: float
    is_estimate: bool

    def is_much(self, tol: float) -> bool:
        """Whether the remaining decrease calls for a warning.

        Mini-batches are noisy, so a fraction of J and of its decrease is allowed. The bound from
        one coordinate is only a small part of J − J*, and is compared with ``tol`` alone.
        """
        enough = MAX_DECREASE_OVER_TOL * tol
        if self.is_estimate:
            enough = max(
                enough, min(MAX_PART_LEFT, MAX_TOLS_LEFT * tol) * min(self.cost, self.fallen)
            )
        return self.decrease > enough


def remaining_at(point: Point, passes: float) -> Remaining:
    """Remaining decrease at a point, after a descent of so many passes.

    The Newton decrement ½ dwᵀ F⁻¹ dw on all rows (with an L1 part, the decrease of the quadratic
    model plus λ‖w‖₁, where F costs little beside the descent) estimates J − J*. The bound from
    single coordinates is always valid.
    """
    objective, cost = point.objective, point.cost
    fallen = objective.loss.uniform_loss - cost
    is_finite = isfinite(cost) and np.isfinite(point.dw).all()
    if not (is_finite and np.isfinite(objective.mean_squares).all()):
        return Remaining(cost, fallen, inf, False)
    proven, estimate = proven_decrease(point), newton_decrement(point, MAX_HESSIAN_COST * passes)
    if estimate is None:
        return Remaining(cost, fallen, proven, False)
    return Remaining(cost, fallen, max(proven, min(estimate, cost)), True)


def newton_decrement(point: Point, max_cost: float) -> float | None:
    """The decrease of the quadratic model of J; None if F costs more than ``max_cost`` passes."""
    objective = point.objective
    if not objective.penalty.l1:
        curvature: Curvature = HessianFree.at(point, 0.0, max_products=MAX_HESSIAN_PRODUCTS)
    elif (
        point.w.size > MAX_HESSIAN_SIDE or hessian_cost(objective, objective.data.n_rows) > max_cost
    ):
        return None
    else:
        curvature = full_hessian(point, 0.0, MAX_HESSIAN_SIDE)
    decrease = float(curvature.newton_step(point, 1.0).decrease)
    return decrease if isfinite(decrease) else None


def proven_decrease(point: Point) -> float:
    """Largest proven decrease of J by a step along one coordinate, a lower bound on J − J*.

    The curvature of J along coordinate j of a class is at most M = Σ share · x_j²/4 + l2, as
    a(1 − a) ≤ 1/4. So the (proximal) step of length 1/M lowers J by at least the decrease of
    the quadratic with that curvature (the descent lemma). With an intercept the direction
    e_j − x̄_j e_b is taken too, in which M has the variance of the feature: a mean far from 0
    would hide the feature otherwise.
    """
    objective = point.objective
    penalty, n_features = objective.penalty, objective.data.n_features
    epsilon = ROUNDINGS_OF_A_MEAN * float(np.finfo(point.w.dtype).eps)
    w, dw = (part.astype(np.float64, copy=False) for part in (point.w, point.dw))
    squares = objective.mean_squares[:, np.newaxis]
    curvatures = 0.25 * squares
    curvatures[:n_features] += penalty.l2
    decrease = largest_decrease(dw, w, curvatures, epsilon * np.sqrt(squares), objective)
    if objective.data.intercept:
        means = feature_means(objective)
        spreads = np.maximum(squares[:n_features] - means**2, 0) + epsilon * squares[:n_features]
        slopes = dw[:n_features] - means * dw[n_features:]
        noise = epsilon * np.sqrt(squares[:n_features])
        curvatures = 0.25 * spreads + penalty.l2
        decrease = max(
            decrease, largest_decrease(slopes, w[:n_features], curvatures, noise, objective)
        )
    return decrease


def feature_means(objective: Objective) -> Array:
    """Weighted mean of every feature, (n_features, 1), float64; one pass."""
    dtype = objective.data.dtype
    means: Array = objective.data.sum(
        lambda rows: (rows.backward(rows.shares()[:, np.newaxis].astype(dtype)),)
    )[0]
    return means[: objective.data.n_features].astype(np.float64)


def largest_decrease(
    slopes: Array, w: Array, curvatures: Array, noise: Array, objective: Objective
) -> float:
    """The largest decrease of s(u − w) + M(u − w)²/2 + l1(|u| − |w|) over all coordinates.

    The slopes are reduced by ``noise``, their rounding.
    """
    slopes = np.sign(slopes) * np.maximum(np.abs(slopes) - noise, 0)
    curvatures = np.broadcast_to(curvatures, slopes.shape)
    steps = np.divide(1, curvatures, out=np.zeros_like(slopes), where=curvatures > 0)
    l1 = np.zeros_like(slopes)
    l1[: objective.data.n_features] = objective.penalty.l1
    moved = w - steps * slopes
    u = np.sign(moved) * np.maximum(np.abs(moved) - steps * l1, 0)
    move = u - w
    decreases = -(slopes * move + curvatures * move**2 / 2 + l1 * (np.abs(u) - np.abs(w)))
    return float(np.max(decreases, initial=0.0))
