"""AdaGrad: a step size for each coordinate, from the sum of squared gradients."""

from typing import Any, ClassVar

import numpy as np

from .._typing import Array
from ..objective import Point
from ..validation import POSITIVE
from .adaptive import AdaptiveRule


class AdaGrad(AdaptiveRule):
    """AdaGrad: v := v + dw², w := w − α dw / (√v + ε).

    ``learning_rate="auto"`` is 0.5.

    Parameters
    ----------
    epsilon : float, default=1e-8
        ε, which keeps the step finite if the gradient has always been 0.

    References
    ----------
    Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and
    stochastic optimization", JMLR 12 (2011). As there, the prox is in the metric of
    the step.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.preprocessing import scale
    >>> from sklearn_gd_logreg import AdaGrad, GDLogisticRegression
    >>> X, y = load_iris(return_X_y=True)
    >>> X = scale(X)
    >>> GDLogisticRegression(solver=AdaGrad()).fit(X, y).stop_reason_
    'tol'
    """

    _intervals: ClassVar = {"epsilon": POSITIVE}
    default_rate = 0.5

    def __init__(self, epsilon: float = 1e-8) -> None:
        self.epsilon = epsilon

    def init(self, w: Array) -> Array:
        return np.zeros_like(w)

    def step(self, point: Point, alpha: float, memory: Any) -> tuple[Array, Any]:
        v = memory + point.dw**2
        step = alpha / (np.sqrt(v) + self.epsilon)
        return point.prox(point.w - step * point.dw, step), v
