"""Momentum: the heavy ball."""

from typing import Any, ClassVar

from .._typing import Array
from ..objective import Objective, Point
from ..schedules import SMALLEST_RATE, LearningRate
from ..validation import Interval
from .base import StableRate, UpdateRule


class Momentum(UpdateRule):
    """Gradient descent with momentum: w := w − α dw + β (w − w_before).

    This is v := β v − α dw, w := w + v. (A course that averages gradients,
    v := β v + (1 − β) dw and w := w − α v, takes the same path with α/(1 − β)
    for its rate.) The velocity is kept as the difference of two iterates, which is
    what makes the proximal step for an L1 penalty end at the right point.

    Parameters
    ----------
    beta : float, default=0.9
        Share of the last move that is made again.

    References
    ----------
    Polyak, "Some methods of speeding up the convergence of iteration methods",
    USSR Comput. Math. Math. Phys. 4 (1964). With a prox: Ochs, Chen, Brox and Pock,
    "iPiano", SIAM J. Imaging Sci. 7 (2014).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.preprocessing import scale
    >>> from sklearn_gd_logreg import GDLogisticRegression, Momentum
    >>> X, y = load_iris(return_X_y=True)
    >>> X = scale(X)
    >>> slow = GDLogisticRegression(solver="gd").fit(X, y)
    >>> fast = GDLogisticRegression(solver=Momentum(beta=0.9)).fit(X, y)
    >>> fast.n_iter_ < slow.n_iter_ / 2
    True
    """

    rotation_invariant = True

    _intervals: ClassVar = {"beta": Interval(0, 1, "[)")}

    def __init__(self, beta: float = 0.9) -> None:
        self.beta = beta

    def auto_rate(self, objective: Objective, batch_size: int | None) -> LearningRate:
        rate = super().auto_rate(objective, batch_size)
        if batch_size is not None:
            # The ball carries on 1/(1 − β) steps, and so does the noise of every batch.
            rate.set_params(alpha=(1 - self.beta) * rate.alpha)
        return rate

    def stable_rate(self, objective: Objective) -> StableRate:
        return StableRate(
            2 * (1 + self.beta) / max(objective.lipschitz, SMALLEST_RATE), "2(1 + β)/L"
        )

    def init(self, w: Array) -> Array:
        return w

    def step(self, point: Point, alpha: float, memory: Any) -> tuple[Array, Any]:
        w_before = memory
        w = point.w - alpha * point.dw + self.beta * (point.w - w_before)
        return point.prox(w, alpha), point.w
