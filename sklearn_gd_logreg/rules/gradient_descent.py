"""Gradient descent: w := w − α dw."""

from typing import Any

from .._typing import Array
from ..objective import Objective, Point
from .base import UpdateRule


class GradientDescent(UpdateRule):
    """Gradient descent: w := w − α dw, b := b − α db.

    ``learning_rate="auto"`` is 1/L. Any rate below 2/L is stable.

    References
    ----------
    Cauchy, "Méthode générale pour la résolution des systèmes d'équations
    simultanées", C. R. Acad. Sci. Paris 25 (1847).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.preprocessing import scale
    >>> from sklearn_gd_logreg import GDLogisticRegression, GradientDescent
    >>> X, y = load_iris(return_X_y=True)
    >>> X = scale(X)
    >>> clf = GDLogisticRegression(solver=GradientDescent()).fit(X, y)
    >>> clf.stop_reason_
    'tol'
    """

    rotation_invariant = True

    def is_straight(self, objective: Objective) -> bool:
        return not objective.penalty.l1

    def step(self, point: Point, alpha: float, memory: Any) -> tuple[Array, Any]:
        w = point.w - alpha * point.dw
        return point.prox(w, alpha), memory
