r"""A bound on J − J* from the loss and gradient of one pass: the Fenchel–Young gap.

P is the penalty and P* its conjugate. Class probabilities a have the mean entropy H(a), the
residuals r = share · (a − y), and g = Xᵀr. If r sums to 0 in each class, weak duality gives

    J*  ≥  H(a) − P*(−g).

For the probabilities at w, g is the gradient of the mean loss, and H(a) = loss − g·w. So

    J − J*  ≤  P(w) + P*(−g) + g·w,

which is ‖dw‖²/(2 l2) if the penalty is L2 alone. The bound needs no other pass, no curvature and no
step.

If the penalty is L1 alone, P*(−g) is 0 where |g| ≤ l1, and infinite elsewhere. So with an L1 part
the probabilities y + s (a − y) are tried too, with the largest s ≤ 1 for which s |g| ≤ l1. Their
gradient is s g, and P*(−s g) is 0. Their entropy is at least s H(a), since H is concave and H(y) is
0. So

    J − J*  ≤  (1 − s) loss + P(w) + s g·w.

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
"""Largest bound that confirms convergence without an L1 part, in units of tol²/2. At the end of
fits on the benchmark's problems (`benchmarks/ends.py`) it is up to 190, in float32 2200: the bound
is loose for weak penalties."""

MAX_BOUND_OVER_TOL_L1 = 2.0
"""Largest bound that confirms convergence with an L1 part, in units of tol: the bound is of first
order in the subgradient. At the end of fits on the benchmark's problems it is at most 1.2."""

MAX_BOUND_OVER_J = 0.02
"""Largest bound that confirms convergence, as a fraction of J."""

ALWAYS_ALLOWED_OVER_J_L1 = 1e-3
"""Bound that always confirms convergence with an L1 part, as a fraction of J. A subgradient of
1e-4 l1 in a single feature adds 1e-4 J."""

MAX_BOUND_TO_PROVE = 10.0
"""Largest bound that proves convergence, in units of the remaining decrease. `tests/fuzz` accepts
a J this far above the minimum."""

GRADIENT_ROUNDING_IN_EPS = 16
"""Rounding of an entry of the gradient, in machine epsilons times the size of its terms."""


def bound_agrees(point: Point, tol: float) -> bool:
    """Whether the bound on J − J* confirms that a descent has converged to ``tol``.

    If the bound is too large, it is computed again without the parts of the gradient that are due
    to the intercept and to rounding. Without a penalty there is no bound, and the result is True.
    """
    penalty = point.objective.penalty
    if not penalty.l1 + penalty.l2 > 0:
        return True
    allowed = max_bound(point, tol)
    if fenchel_gap(point) <= allowed:
        return True
    return fenchel_gap(point, *intercept_part_and_rounding(point)) <= allowed


def max_bound(point: Point, tol: float) -> float:
    """Largest bound on J − J* that confirms convergence to ``tol``.

    It is at least tol²/2 and the rounding of J. Without an L1 part the rounding of J in float64
    takes the place of a smaller tol²/2.
    """
    cost, decrease = abs(point.cost), tol**2 / 2
    float64_rounding, rounding = (
        GRADIENT_ROUNDING_IN_EPS * float(np.finfo(dtype).eps) * cost
        for dtype in (np.float64, point.w.dtype)
    )
    if point.objective.penalty.l1:
        by_tol = MAX_BOUND_OVER_TOL_L1 * tol
        always_allowed = ALWAYS_ALLOWED_OVER_J_L1 * cost
    else:
        by_tol = MAX_BOUND_OVER_TOL2 * decrease
        always_allowed = MAX_BOUND_OVER_TOL2 * float64_rounding
    return max(min(by_tol, MAX_BOUND_OVER_J * cost), decrease, always_allowed, rounding)


def bound_proves(point: Point, decrease: float) -> bool:
    """Whether the bound proves that J − J* is at most `MAX_BOUND_TO_PROVE` times ``decrease``.

    Without a penalty the bound is J, since J* ≥ 0.
    """
    penalty = point.objective.penalty
    bound = fenchel_gap(point) if penalty.l1 + penalty.l2 > 0 else point.cost
    return bound <= MAX_BOUND_TO_PROVE * decrease


def fenchel_gap(
    point: Point, intercept_part: Array | None = None, rounding: Array | None = None
) -> float:
    """Bound on J − J*, for an objective with a penalty.

    It is an upper bound where db = 0, or without an intercept; otherwise J − J* may be larger.

    Parameters
    ----------
    point : Point
    intercept_part : array of shape (n_features, n_outputs) or None, default=None
        Part of the gradient that is due to db ≠ 0, subtracted.
    rounding : array of shape (n_features, n_outputs) or None, default=None
        Rounding of each entry of the gradient, subtracted where that lowers the bound.
    """
    penalty = point.objective.penalty
    n_features = penalty.n_features
    w, dw = (part[:n_features].astype(np.float64, copy=False) for part in (point.w, point.dw))
    dw = dw if intercept_part is None else dw - intercept_part
    g = dw - penalty.l2 * w
    if rounding is not None:
        g -= np.clip(penalty.smallest_subgradient(w, dw), -rounding, rounding)
    bounds = [penalty.fenchel_gap(w, g)] if penalty.l2 else []
    if penalty.l1:
        s = penalty.l1 / max(float(np.abs(g).max(initial=0)), penalty.l1)
        gap = penalty.value(w) + float(np.vdot(s * g, w))  # P(w) + P*(−s g) + s g·w
        bounds.append((1 - s) * point.loss + max(gap, 0.0))
    return min(bounds)


def intercept_part_and_rounding(point: Point) -> tuple[Array, Array]:
    """The parts of the gradient that are due to db ≠ 0 and to rounding; one uncounted pass.

    The residuals r sum to db, and r − share · db sum to 0. So the part that is due to db is the
    mean of x times db. The rounding is `GRADIENT_ROUNDING_IN_EPS` · eps times the root of the sum
    of the squared terms.
    """
    w, data, loss = point.w, point.objective.data, point.objective.loss

    def squares_and_means(rows: Rows) -> tuple[Array, Array]:
        _, dz = loss.loss_and_dz(rows.forward(w), rows.y, rows.share)
        share = astype(rows.shares()[:, np.newaxis], w.dtype)
        return rows.squares(astype(dz, np.float64) ** 2), rows.backward(share)

    count = data.passes.count
    squares, means = data.sum(squares_and_means, 2 * w.size)
    data.passes.count = count
    db = point.dw[data.n_features :].astype(np.float64)
    rounding: Array = (
        GRADIENT_ROUNDING_IN_EPS * np.finfo(w.dtype).eps * np.sqrt(squares[: data.n_features])
    )
    part = means[: data.n_features] @ db if data.intercept else np.zeros_like(rounding)
    return part, rounding
