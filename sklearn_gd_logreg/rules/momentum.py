"""Momentum: Polyak's heavy-ball method."""

from typing import Any, ClassVar

from .._typing import Array
from ..objective import Objective, Point
from ..schedules import SMALLEST_RATE, LearningRate
from ..validation import Interval
from .base import StableRate, UpdateRule


class Momentum(UpdateRule):
    """Gradient descent with momentum: w := w − α dw + β (w − w_previous).

    This is v := β v − α dw, w := w + v. (The averaging form, v := β v + (1 − β) dw and
    w := w − α v, gives the same iterates with rate α/(1 − β).) The velocity is stored as
    the difference of two iterates, so that the proximal step for an L1 penalty converges
    to the minimum.

    Parameters
    ----------
    beta : float, default=0.9
        Fraction of the previous step that is added to the next.

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
            # A batch contributes to about 1/(1 − β) steps, and so does its noise.
            rate.set_params(alpha=(1 - self.beta) * rate.alpha)
        return rate

    def stable_rate(self, objective: Objective) -> StableRate:
        return StableRate(
            2 * (1 + self.beta) / max(objective.lipschitz, SMALLEST_RATE), "2(1 + β)/L"
        )

    def init(self, w: Array) -> Array:
        return w

    def step(self, point: Point, alpha: float, memory: Any) -> tuple[Array, Any]:
        w_previous = memory
        w = point.w - alpha * point.dw + self.beta * (point.w - w_previous)
        return point.prox(w, alpha), point.w
