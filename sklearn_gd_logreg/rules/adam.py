"""Adam: momentum and RMSProp combined, with bias correction."""

from typing import Any, ClassVar, NamedTuple

import numpy as np

from .._typing import Array
from ..objective import Point
from ..validation import POSITIVE, Interval
from .adaptive import AdaptiveRule


class AdamMemory(NamedTuple):
    """Running means of dw and dw², and the number of steps."""

    m: Array
    v: Array
    k: int


class Adam(AdaptiveRule):
    """Adam: w := w − α m̂ / (√v̂ + ε).

    m := β₁ m + (1 − β₁) dw, v := β₂ v + (1 − β₂) dw²,
    m̂ = m / (1 − β₁ᵏ), v̂ = v / (1 − β₂ᵏ). With an L1 penalty the prox has the step size of
    each coordinate, α / (√v̂ + ε), and v averages the squared subgradient of J, as in
    `RMSProp`. ``learning_rate="auto"`` is 0.01.

    Parameters
    ----------
    beta1 : float, default=0.9
        Decay of the running mean of dw per step.
    beta2 : float, default=0.999
        Decay of the running mean of dw² per step.
    epsilon : float, default=1e-8
        ε, which keeps the step finite where the gradient vanishes.

    References
    ----------
    Kingma and Ba, "Adam: A method for stochastic optimization", ICLR 2015. The prox
    in the metric of the step: Yun, Lozano and Yang, "Adaptive proximal gradient
    methods for structured neural networks", NeurIPS 2021.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.preprocessing import scale
    >>> from sklearn_gd_logreg import Adam, GDLogisticRegression
    >>> X, y = load_iris(return_X_y=True)
    >>> X = scale(X)
    >>> clf = GDLogisticRegression(solver=Adam(), learning_rate=0.1)
    >>> clf.fit(X, y).stop_reason_
    'tol'
    """

    _intervals: ClassVar = {
        "beta1": Interval(0, 1, "[)"),
        "beta2": Interval(0, 1, "[)"),
        "epsilon": POSITIVE,
    }

    def __init__(self, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8) -> None:
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon

    def init(self, w: Array) -> AdamMemory:
        return AdamMemory(np.zeros_like(w), np.zeros_like(w), 0)

    def step(self, point: Point, alpha: float, memory: Any) -> tuple[Array, Any]:
        k = memory.k + 1
        m = self.beta1 * memory.m + (1 - self.beta1) * point.dw
        v = self.beta2 * memory.v + (1 - self.beta2) * point.subgradient**2
        m_hat = m / (1 - self.beta1**k)
        v_hat = v / (1 - self.beta2**k)
        step = alpha / (np.sqrt(v_hat) + self.epsilon)
        return point.prox(point.w - step * m_hat, step), AdamMemory(m, v, k)
