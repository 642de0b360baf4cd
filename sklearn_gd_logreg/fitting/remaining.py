"""How far J can still fall: what a descent that ended on a plateau of the cost is asked."""

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

PRODUCTS = 50
"""Most products with the Hessian, each about a pass."""

LARGEST_HESSIAN, AFFORDABLE = 2000, 2.0
"""With an L1 part: number of parameters up to which the Hessian is worked out, and its cost up to
which it is, as a part of what the whole descent has cost."""

MULTIPLE = 10.0
"""Multiple of ``tol`` that may always be left."""

MAX_PART_LEFT, MAX_TOLS_LEFT = 0.2, 2000.0
"""Part of J, and of what J has fallen below ln K, that may be left; in units of ``tol`` if less."""

ROUNDINGS_OF_A_MEAN = 16.0
"""Multiple of the machine epsilon by which means of rows may be off."""


class Remaining(NamedTuple):
    """What is left to gain at a point.

    Attributes
    ----------
    cost : float
        J.
    fallen : float
        By how much J is below ln K, its value at w = 0.
    decrease : float
        By how much J can still fall: about, or at least; infinite where products overflow.
    is_estimate : bool
        Whether that is an estimate of all that is left, the Newton decrement; else it is a
        lower bound, what one coordinate alone is proven to gain.
    """

    cost: float
    fallen: float
    decrease: float
    is_estimate: bool

    def is_much(self, tol: float) -> bool:
        """Whether a descent that was asked for ``tol`` should not have ended here.

        Mini-batches are noisy, so a part of J may be left, and of what was gained. A bound from
        one coordinate is a small part of what is left, and is compared with ``tol`` alone.
        """
        enough = MULTIPLE * tol
        if self.is_estimate:
            enough = max(
                enough, min(MAX_PART_LEFT, MAX_TOLS_LEFT * tol) * min(self.cost, self.fallen)
            )
        return self.decrease > enough


def remaining_at(point: Point, passes: float) -> Remaining:
    """What is left to gain at a point, after a descent that has cost so many passes.

    The Newton decrement ½ dwᵀ F⁻¹ dw on all rows (with an L1 part, the decrease of the quadratic
    model plus λ‖w‖₁, where F is affordable) estimates J − J*. The bound from single coordinates
    holds in any case.
    """
    objective, cost = point.objective, point.cost
    fallen = objective.loss.uniform_loss - cost
    known = isfinite(cost) and np.isfinite(point.dw).all()
    if not (known and np.isfinite(objective.mean_squares).all()):
        return Remaining(cost, fallen, inf, False)
    proven, estimate = proven_decrease(point), newton_decrement(point, AFFORDABLE * passes)
    if estimate is None:
        return Remaining(cost, fallen, proven, False)
    return Remaining(cost, fallen, max(proven, min(estimate, cost)), True)


def newton_decrement(point: Point, affordable: float) -> float | None:
    """The decrease that the quadratic model of J promises; None if it is not affordable."""
    objective = point.objective
    if not objective.penalty.l1:
        curvature: Curvature = HessianFree.at(point, 0.0, max_products=PRODUCTS)
    elif (
        point.w.size > LARGEST_HESSIAN
        or hessian_cost(objective, objective.data.n_rows) > affordable
    ):
        return None
    else:
        curvature = full_hessian(point, 0.0, LARGEST_HESSIAN)
    decrease = float(curvature.target(point, 1.0).decrease)
    return decrease if isfinite(decrease) else None


def proven_decrease(point: Point) -> float:
    """The most that J is proven to fall by a step along one coordinate, a lower bound on J − J*.

    The curvature of J along coordinate j of a class is at most M = Σ share · x_j²/4 + l2, as
    a(1 − a) ≤ 1/4. So the (proximal) step of length 1/M lowers J by at least the decrease of
    the quadratic with that curvature (the descent lemma). With an intercept the direction
    e_j − x̄_j e_b is taken too, in which M has the variance of the feature: else a mean far from 0
    would hide the feature.
    """
    objective = point.objective
    penalty, n_features = objective.penalty, objective.data.n_features
    epsilon = ROUNDINGS_OF_A_MEAN * float(np.finfo(point.w.dtype).eps)
    w, dw = (part.astype(np.float64, copy=False) for part in (point.w, point.dw))
    squares = objective.mean_squares[:, np.newaxis]
    bends = 0.25 * squares
    bends[:n_features] += penalty.l2
    gains = _gains(dw, w, bends, epsilon * np.sqrt(squares), objective)
    if objective.data.intercept:
        means = feature_means(objective)
        spreads = np.maximum(squares[:n_features] - means**2, 0) + epsilon * squares[:n_features]
        slopes = dw[:n_features] - means * dw[n_features:]
        noise = epsilon * np.sqrt(squares[:n_features])
        bends = 0.25 * spreads + penalty.l2
        gains = max(gains, _gains(slopes, w[:n_features], bends, noise, objective))
    return gains


def feature_means(objective: Objective) -> Array:
    """Weighted mean of every feature, (n_features, 1), float64; one pass."""
    dtype = objective.data.dtype
    means: Array = objective.data.sum(
        lambda rows: (rows.backward(rows.shares()[:, np.newaxis].astype(dtype)),)
    )[0]
    return means[: objective.data.n_features].astype(np.float64)


def _gains(slopes: Array, w: Array, bends: Array, noise: Array, objective: Objective) -> float:
    """The largest decrease of s(u − w) + M(u − w)²/2 + l1(|u| − |w|) over all coordinates.

    ``noise`` is the rounding of the slopes, by which they are reduced.
    """
    slopes = np.sign(slopes) * np.maximum(np.abs(slopes) - noise, 0)
    bends = np.broadcast_to(bends, slopes.shape)
    steps = np.divide(1, bends, out=np.zeros_like(slopes), where=bends > 0)
    l1 = np.zeros_like(slopes)
    l1[: objective.data.n_features] = objective.penalty.l1
    moved = w - steps * slopes
    u = np.sign(moved) * np.maximum(np.abs(moved) - steps * l1, 0)
    move = u - w
    gains = -(slopes * move + bends * move**2 / 2 + l1 * (np.abs(u) - np.abs(w)))
    return float(np.max(gains, initial=0.0))
