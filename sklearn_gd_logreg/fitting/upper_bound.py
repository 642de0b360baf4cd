"""An upper bound on J − J* from the gradient at one point, without a further pass.

With g the gradient of the mean loss ℓ in w, and b at its best, ℓ(v) ≥ ℓ(w) + g·(v − w) for all
v, so J* ≥ ℓ(w) + min over v of [g·(v − w) + P(v)], which says J − J* ≤ P(w) + P*(−g) + g·w.

Where the residuals do not balance, b could take the lower bound to −∞. Then it is made of
probabilities that do balance, a' = (1 − t) a + t q with one q in all rows, as in
`inspection/dual_point.py`.
The entropy is concave, so at least the mean of both is left of it. The change of Xᵀr is bounded by
the largest eigenvalue of Σ share · xxᵀ, if L or the trace is known.
"""

from __future__ import annotations

from math import sqrt

import numpy as np
from scipy.special import entr

from .._typing import Array
from ..objective import Objective, Point


def upper_bound(point: Point, mass: Array) -> float:
    """An upper bound on J − J* at a point; J itself if there is no better one.

    Parameters
    ----------
    point : Point
        Where J and its gradient are known.
    mass : array of shape (n_classes,)
        Share of every class that occurs.
    """
    objective, cost = point.objective, point.cost
    penalty, data = objective.penalty, objective.data
    if point.w.dtype != np.float64 or not penalty.l1 + penalty.l2 > 0:
        return cost
    of_loss = point.dw - penalty.gradient(point.w)
    w, g = point.w[: data.n_features], of_loss[: data.n_features]
    b, db = point.w[data.n_features :], of_loss[data.n_features :]
    t, extra, off = 0.0, 0.0, 0.0
    if data.intercept and db.any():
        eigenvalue = eigenvalue_bound(objective)
        if not np.isfinite(eigenvalue) or len(mass) != max(2, w.shape[1]):
            return cost
        t, q = balancing(db[0], mass)
        linear = float(np.vdot(g, w) + np.vdot(db, b))
        extra = float(np.vdot(db, b)) + t * (point.loss - linear - float(entr(q).sum()))
        off = t * (sqrt(min(2, w.shape[1]) * eigenvalue) + float(np.linalg.norm(g)))
    if penalty.l2:
        bound = penalty.fenchel_gap(w, g)
        if off:
            u = penalty.conjugate_gradient(g)
            bound += off * float(np.linalg.norm(u)) + off**2 / (2 * penalty.l2)
    else:  # no better weights are longer than J / l1
        excess = max(float(np.abs(g).max()) + off - penalty.l1, 0.0)
        bound = float(np.sum(penalty.l1 * np.abs(w) + g * w)) + excess * cost / penalty.l1
    bound += extra
    return min(bound, cost) if bound >= 0 else 0.0


def balancing(db: Array, mass: Array) -> tuple[float, Array]:
    """The t and q with which residuals of the sums db balance."""
    imbalance = np.zeros(len(mass))
    imbalance[-len(db) :] = db
    imbalance[0] -= imbalance.sum()
    odds = float((imbalance / mass).max())
    return odds / (1 + odds), np.maximum(mass - imbalance / odds, 0)


def eigenvalue_bound(objective: Objective) -> float:
    """Upper bound on the largest eigenvalue of Σ share · xxᵀ from cached values, or inf."""
    known = objective.cached_values
    by_curvature = (
        known.get("lipschitz", np.inf) - objective.penalty.l2
    ) / objective.loss.smoothness
    squares = known.get("mean_squares")
    by_trace = np.inf if squares is None else squares[: objective.data.n_features].sum()
    return float(min(by_curvature, by_trace))
