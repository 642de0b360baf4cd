"""RMSProp: a step size for each coordinate, from a running mean of squared gradients."""

from typing import Any, ClassVar

import numpy as np

from .._typing import Array
from ..objective import Point
from ..validation import POSITIVE, Interval
from .adaptive import AdaptiveRule


class RMSProp(AdaptiveRule):
    """RMSProp: v := ρ v + (1 − ρ) dw², w := w − α dw / (√v + ε).

    With a constant rate the iterates oscillate at a distance of about α from the optimum.
    With a decaying rate (`CosineDecay`, `ExponentialDecay`) they converge.
    ``learning_rate="auto"`` is 0.01.

    With an L1 penalty v is the mean of the squared subgradient of J of least norm, not of dw:
    dw does not vanish at the optimum, so the step sizes of penalised coordinates would be
    much smaller than that of the intercept.

    Parameters
    ----------
    rho : float, default=0.9
        Decay of the running mean per step.
    epsilon : float, default=1e-8
        ε, which keeps the step finite where the gradient vanishes.

    References
    ----------
    Tieleman and Hinton, "Lecture 6.5: RMSProp", Neural Networks for Machine
    Learning, 2012.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.preprocessing import scale
    >>> from sklearn_gd_logreg import CosineDecay, RMSProp
    >>> from sklearn_gd_logreg import GDLogisticRegression
    >>> X, y = load_iris(return_X_y=True)
    >>> X = scale(X)
    >>> rate = CosineDecay(0.1, steps=500)
    >>> clf = GDLogisticRegression(solver=RMSProp(), learning_rate=rate)
    >>> clf.fit(X, y).stop_reason_
    'tol'
    """

    _intervals: ClassVar = {"rho": Interval(0, 1, "[)"), "epsilon": POSITIVE}

    def __init__(self, rho: float = 0.9, epsilon: float = 1e-8) -> None:
        self.rho = rho
        self.epsilon = epsilon

    def init(self, w: Array) -> Array:
        return np.zeros_like(w)

    def step(self, point: Point, alpha: float, memory: Any) -> tuple[Array, Any]:
        v = self.rho * memory + (1 - self.rho) * point.subgradient**2
        step = alpha / (np.sqrt(v) + self.epsilon)
        return point.prox(point.w - step * point.dw, step), v
