"""Remaining decrease J − J* after a plateau: an estimate by Newton's step, and a lower bound."""

from __future__ import annotations

from math import inf, isfinite
from typing import NamedTuple

import numpy as np

from .._namespace import astype
from .._typing import Array
from ..objective import Objective, Point
from ..rules.natural.cost_model import hessian_cost
from ..rules.natural.curvature import Curvature
from ..rules.natural.hessian_free import HessianFree
from ..rules.natural.plan import full_hessian

MAX_HESSIAN_PRODUCTS = 50
"""Largest number of Hessian-vector products, each about a pass."""

MAX_HESSIAN_PARAMETERS, MAX_HESSIAN_COST = 2000, 2.0
"""With an L1 part: largest number of parameters for which the Hessian is computed, and largest
ratio of its cost to the cost of the descent."""

MAX_DECREASE_OVER_TOL = 10.0
"""Remaining decrease, in units of ``tol``, that needs no warning."""

MAX_FRACTION_LEFT, MAX_FRACTION_OVER_TOL = 0.2, 2000.0
"""Remaining decrease that needs no warning, as a fraction of the smaller of J and ln K − J: the
first number, or the second times ``tol`` if that is less."""

MEAN_ROUNDING_IN_EPS = 16.0
"""Relative rounding error of a mean over rows, in machine epsilons."""


class Remaining(NamedTuple):
    """Remaining decrease of J at a point.

    Attributes
    ----------
    cost : float
        J.
    decrease_from_zero : float
        ln K − J, the decrease since w = 0.
    decrease : float
        An estimate or a lower bound of J − J*; infinite where products overflow.
    is_estimate : bool
        Whether ``decrease`` is an estimate, by Newton's step; else it is a lower bound, from a
        step along one coordinate.
    """

    cost: float
    decrease_from_zero: float
    decrease: float
    is_estimate: bool

    def needs_warning(self, tol: float) -> bool:
        """Whether the remaining decrease calls for a warning.

        Mini-batches are noisy, so an estimate may be a fraction of J and of its decrease. The lower
        bound is only a small part of J − J*, and is compared with ``tol`` alone.
        """
        allowed = MAX_DECREASE_OVER_TOL * tol
        if self.is_estimate:
            allowed = max(
                allowed,
                min(MAX_FRACTION_LEFT, MAX_FRACTION_OVER_TOL * tol)
                * min(self.cost, self.decrease_from_zero),
            )
        return self.decrease > allowed


def remaining_at(point: Point, passes: float) -> Remaining:
    """Remaining decrease at a point, after a descent of ``passes`` passes.

    Half the squared Newton decrement on all rows, ½ dwᵀ F⁻¹ dw, estimates J − J*. With an L1 part
    it is the decrease of the proximal Newton step, computed only if F is cheap beside the descent.
    The lower bound from single coordinates is always valid.
    """
    objective, cost = point.objective, point.cost
    decrease_from_zero = objective.loss.uniform_loss - cost
    is_finite = isfinite(cost) and np.isfinite(point.dw).all()
    if not (is_finite and np.isfinite(objective.mean_squares).all()):
        return Remaining(cost, decrease_from_zero, inf, False)
    proven = proven_decrease(point)
    estimate = newton_step_decrease(point, MAX_HESSIAN_COST * passes)
    if estimate is None:
        return Remaining(cost, decrease_from_zero, proven, False)
    return Remaining(cost, decrease_from_zero, max(proven, min(estimate, cost)), True)


def newton_step_decrease(point: Point, max_cost: float) -> float | None:
    """Decrease of the quadratic model of J by the Newton step, half the squared Newton decrement.

    None if it is not finite, or if there is an L1 part and F is too large or costs more than
    ``max_cost`` passes.
    """
    objective = point.objective
    if not objective.penalty.l1:
        curvature: Curvature = HessianFree.at(point, 0.0, max_products=MAX_HESSIAN_PRODUCTS)
    elif (
        point.w.size > MAX_HESSIAN_PARAMETERS
        or hessian_cost(objective, objective.data.n_rows) > max_cost
    ):
        return None
    else:
        curvature = full_hessian(point, 0.0, MAX_HESSIAN_PARAMETERS)
    decrease = float(curvature.newton_step(point, 1.0).decrease)
    return decrease if isfinite(decrease) else None


def proven_decrease(point: Point) -> float:
    """Largest guaranteed decrease of J by a step along one coordinate, a lower bound on J − J*.

    The curvature of J along coordinate j of a class is at most M = Σ share · x_j²/4 + l2, as
    a(1 − a) ≤ 1/4. So the (proximal) step of length 1/M lowers J by at least the decrease of
    the quadratic with that curvature (the descent lemma). With an intercept, steps along the
    centred features are tried too: in the direction e_j − x̄_j e_b, M has the variance of the
    feature in place of its mean square, which is much larger if the mean is far from 0.
    """
    objective = point.objective
    penalty, n_features = objective.penalty, objective.data.n_features
    epsilon = MEAN_ROUNDING_IN_EPS * float(np.finfo(point.w.dtype).eps)
    w, dw = (part.astype(np.float64, copy=False) for part in (point.w, point.dw))
    squares = objective.mean_squares[:, np.newaxis]
    curvatures = 0.25 * squares
    curvatures[:n_features] += penalty.l2
    decrease = largest_decrease(dw, w, curvatures, epsilon * np.sqrt(squares), objective)
    if objective.data.intercept:
        means = feature_means(objective)
        variances = np.maximum(squares[:n_features] - means**2, 0) + epsilon * squares[:n_features]
        slopes = dw[:n_features] - means * dw[n_features:]
        noise = epsilon * np.sqrt(squares[:n_features])
        curvatures = 0.25 * variances + penalty.l2
        decrease = max(
            decrease, largest_decrease(slopes, w[:n_features], curvatures, noise, objective)
        )
    return decrease


def feature_means(objective: Objective) -> Array:
    """Weighted mean of every feature, (n_features, 1), float64; one pass."""
    dtype = objective.data.dtype
    means: Array = objective.data.sum(
        lambda rows: (rows.backward(astype(rows.shares()[:, np.newaxis], dtype)),)
    )[0]
    return means[: objective.data.n_features].astype(np.float64)


def largest_decrease(
    slopes: Array, w: Array, curvatures: Array, noise: Array, objective: Objective
) -> float:
    """Largest decrease by the proximal step of one coordinate, over all coordinates.

    The step to u minimises s(u − w) + M(u − w)²/2 + l1(|u| − |w|), with s of ``slopes`` and M of
    ``curvatures``. The slopes are first soft-thresholded at ``noise``, their rounding error.
    """
    slopes = np.sign(slopes) * np.maximum(np.abs(slopes) - noise, 0)
    curvatures = np.broadcast_to(curvatures, slopes.shape)
    step_sizes = np.divide(1, curvatures, out=np.zeros_like(slopes), where=curvatures > 0)
    l1 = np.zeros_like(slopes)
    l1[: objective.data.n_features] = objective.penalty.l1
    after_gradient_step = w - step_sizes * slopes
    u = np.sign(after_gradient_step) * np.maximum(np.abs(after_gradient_step) - step_sizes * l1, 0)
    step = u - w
    decreases = -(slopes * step + curvatures * step**2 / 2 + l1 * (np.abs(u) - np.abs(w)))
    return float(np.max(decreases, initial=0.0))
