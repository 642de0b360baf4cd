r"""A bound on J − J* from the gradient of one pass: the Fenchel–Young gap.

With r = share · (a − y) and g = Xᵀr the gradient of the mean loss, any probabilities a whose
residuals r sum to 0 in each class give the lower bound J* ≥ H(a) − P*(−g), P* the conjugate of
the penalty P and H the mean entropy. At the point that a is of, H(a) = loss − g·w. So

    J − J*  ≤  P(w) + P*(−g) + g·w,

which is ‖dw‖²/(2 l2) with an L2 penalty. No other pass, no curvature and no step has a part in
it. Where P is l1 ‖w‖₁ alone, P* is 0 or infinite. So with an L1 part y + s (a − y) is tried
too, with the largest s ≤ 1 for which s |g| ≤ l1 and P* is 0. Since H is concave, it is at least
s times as large there.

References
----------
Boyd and Vandenberghe, "Convex Optimization" (2004), sections 3.3.2 and 5.5.1.
"""

from __future__ import annotations

import numpy as np

from .._namespace import astype
from .._typing import Array
from ..data import Rows
from ..objective import Point

MAX_BOUND_OVER_TOL2 = 2.5e3
"""Largest bound in units of tol²/2. At the end of fits on the benchmark's problems
(`benchmarks/ends.py`) it is up to 190, in float32 2200: the bound is loose for weak penalties."""

MAX_BOUND_TO_PROVE = 10.0
"""Largest bound, in units of the remaining decrease, that proves convergence: as far above its
minimum as `tests/fuzz` lets a fit end."""

MAX_BOUND_OVER_TOL_L1 = 2.0
"""Largest bound in units of tol with an L1 part, where it is of first order in the subgradient. At
the end of fits on the benchmark's problems it is at most 1.2."""

ALLOWED_PART_OF_J_L1, MAX_PART_OF_J = 1e-3, 0.02
"""Fraction of J always allowed with an L1 part, where a subgradient of 1e-4 l1 in a single feature
adds 1e-4 J; and largest fraction of J, unless that is less than tol²/2."""

ROUNDINGS_OF_THE_GRADIENT = 16
"""Rounding of an entry of the gradient, in units of eps times the size of its terms."""


def bound_agrees(point: Point, tol: float) -> bool:
    """Whether the bound on J − J* confirms that a descent has converged to ``tol``.

    The rounding of the gradient is taken out of the bound. Without a penalty there is no bound,
    and the result is True.
    """
    penalty = point.objective.penalty
    if not penalty.l1 + penalty.l2 > 0:
        return True
    cost, promised = abs(point.cost), tol**2 / 2
    asked = min(
        MAX_BOUND_OVER_TOL_L1 * tol if penalty.l1 else MAX_BOUND_OVER_TOL2 * promised,
        MAX_PART_OF_J * cost,
    )
    finest, ours = (
        ROUNDINGS_OF_THE_GRADIENT * float(np.finfo(t).eps) * cost
        for t in (np.float64, point.w.dtype)
    )
    least = ALLOWED_PART_OF_J_L1 * cost if penalty.l1 else MAX_BOUND_OVER_TOL2 * finest
    allowed = max(asked, promised, least, ours)
    if fenchel_gap(point) <= allowed:
        return True
    return fenchel_gap(point, *intercept_and_rounding(point)) <= allowed


def bound_proves(point: Point, decrease: float) -> bool:
    """Whether J − J* is at most `MAX_BOUND_TO_PROVE` times a decrease, by the last pass alone.

    Without a penalty the bound is J itself, which is at least 0.
    """
    penalty = point.objective.penalty
    bound = fenchel_gap(point) if penalty.l1 + penalty.l2 > 0 else point.cost
    return bound <= MAX_BOUND_TO_PROVE * decrease


def fenchel_gap(point: Point, shared: Array | None = None, rounding: Array | None = None) -> float:
    """Upper bound on J − J*, with a penalty.

    Parameters
    ----------
    point : Point
    shared : array of shape (n_features, n_outputs) or None, default=None
        The part of the gradient that vanishes at the best b for w.
    rounding : array of shape (n_features, n_outputs) or None, default=None
        Rounding of each entry of the gradient, subtracted where that lowers the bound.
    """
    penalty = point.objective.penalty
    n_features = penalty.n_features
    w, dw = (part[:n_features].astype(np.float64, copy=False) for part in (point.w, point.dw))
    dw = dw if shared is None else dw - shared
    g = dw - penalty.l2 * w
    if rounding is not None:
        g -= np.clip(penalty.smallest_subgradient(w, dw), -rounding, rounding)
    bounds = [penalty.fenchel_gap(w, g)] if penalty.l2 else []
    if penalty.l1:
        scale = penalty.l1 / max(float(np.abs(g).max(initial=0)), penalty.l1)
        with_zero = penalty.value(w) + float(np.vdot(scale * g, w))
        bounds.append((1 - scale) * point.loss + max(with_zero, 0.0))
    return min(bounds)


def intercept_and_rounding(point: Point) -> tuple[Array, Array]:
    """The parts of the gradient due to b and to rounding; one pass, which does not count.

    The residuals r sum to db instead of 0, and r − share · db sum to 0, so the part due to b is the
    mean of x times db. Rounding is eps times the root of the sum of the squares of the terms.
    """
    w, data, loss = point.w, point.objective.data, point.objective.loss

    def block(rows: Rows) -> tuple[Array, Array]:
        _, dz = loss.loss_and_dz(rows.forward(w), rows.y, rows.share)
        share = astype(rows.shares()[:, np.newaxis], w.dtype)
        return rows.squares(astype(dz, np.float64) ** 2), rows.backward(share)

    count = data.passes.count
    squares, means = data.sum(block, 2 * w.size)
    data.passes.count = count
    db = point.dw[data.n_features :].astype(np.float64)
    rounding: Array = (
        ROUNDINGS_OF_THE_GRADIENT * np.finfo(w.dtype).eps * np.sqrt(squares[: data.n_features])
    )
    shared = means[: data.n_features] @ db if data.intercept else np.zeros_like(rounding)
    return shared, rounding
