"""Nesterov's accelerated gradient with adaptive restart."""

from math import sqrt
from typing import Any, NamedTuple

import numpy as np

from .._typing import Array
from ..objective import Objective, Point
from ..schedules import SMALLEST_RATE
from .base import StableRate, UpdateRule


class NesterovMemory(NamedTuple):
    """What the next step needs of the last one.

    Attributes
    ----------
    x : array of shape (n_features + intercept, n_outputs)
        x⁺ of the last step, before extrapolation; w at the start.
    t : float
        Sets the momentum of the next step, (t − 1)/t⁺.
    """

    x: Array
    t: float


class Nesterov(UpdateRule):
    """Accelerated gradient with adaptive restart.

    x⁺ := prox(w − α dw, α), then w := x⁺ + (t − 1)/t⁺ · (x⁺ − x) with
    t⁺ = (1 + √(1 + 4t²))/2. The iterate w is the extrapolated point, so that cost and
    gradient of an entry of the history belong to the same point. If x⁺ − x points against
    the gradient step x⁺ − w, t restarts from 1, so no strong-convexity parameter is needed.

    References
    ----------
    Nesterov, "A method of solving a convex programming problem with convergence rate
    O(1/k²)", Soviet Math. Dokl. 27 (1983). Beck and Teboulle, "A fast iterative
    shrinkage-thresholding algorithm", SIAM J. Imaging Sci. 2 (2009). Restart:
    O'Donoghue and Candès, "Adaptive restart for accelerated gradient schemes",
    Found. Comput. Math. 15 (2015).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.preprocessing import scale
    >>> from sklearn_gd_logreg import GDLogisticRegression, Nesterov
    >>> X, y = load_iris(return_X_y=True)
    >>> X = scale(X)
    >>> GDLogisticRegression(solver=Nesterov()).fit(X, y).stop_reason_
    'tol'
    """

    rotation_invariant = True

    def stable_rate(self, objective: Objective) -> StableRate:
        # With constant momentum β it is 2(1 + β)/((1 + 2β) L) on a quadratic; here β tends to 1.
        return StableRate(4 / (3 * max(objective.lipschitz, SMALLEST_RATE)), "4/(3L)")

    def init(self, w: Array) -> NesterovMemory:
        return NesterovMemory(w, 1.0)

    def step(self, point: Point, alpha: float, memory: Any) -> tuple[Array, Any]:
        x = point.prox(point.w - alpha * point.dw, alpha)
        restart = np.vdot(point.w - x, x - memory.x) > 0
        t = 1.0 if restart else memory.t
        t_next = (1 + sqrt(1 + 4 * t * t)) / 2
        w = x + (t - 1) / t_next * (x - memory.x)
        return w, NesterovMemory(x, t_next)
