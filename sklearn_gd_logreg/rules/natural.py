"""Natural gradient: w := w − α F⁻¹ dw, descent in the geometry of the model."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, sqrt
from typing import Any, ClassVar

from .._typing import Array
from ..objective import Objective, Point
from ..rates import Backtracking, LearningRate, TimeDecay
from ..validation import Interval
from .base import StableRate, UpdateRule
from .curvature import Curvature, Origin, Target, curvature_at

EPOCH_FLOOR = 0.02
"""With mini-batches, the part of F at w = 0 that is added to F.

F is looked at once an epoch, and where the probabilities are near 0 or 1 it all but
vanishes; the steps from there on would know no bound.
"""


FAR = 4.0
"""A start that costs more than so many times ln K is too far out for F to be of use."""


@dataclass
class NaturalMemory:
    """The Fisher information last looked at, and the full step from that point."""

    curvature: Curvature
    point: Point
    full: Target | None = None

    def full_step(self) -> Target:
        """The step with α = 1 from the point looked at; worked out once."""
        if self.full is None:
            self.full = self.curvature.target(self.point, 1.0)
        return self.full


class NaturalGradient(UpdateRule):
    """Natural gradient descent, w := w − α F⁻¹ dw.

    F is the Fisher information of the model, Σ share · (diag(a) − aaᵀ) ⊗ xxᵀ, plus the
    l2 penalty. It measures a step by how much it changes the predicted distribution,
    so that, but for the penalty, the path is the same for any scaling of the features.
    For logistic regression F is the Hessian of J: with the exact F this is Fisher
    scoring, which is Newton's method.

    Up to ``direct_limit`` parameters, F is factorised (Cholesky). Beyond, the step is
    found by conjugate gradients with products Fv, preconditioned by the diagonal of F.
    Rows fewer than features are first written in coordinates of the space they
    span. With an L1 penalty the step is the minimiser of the quadratic model plus
    λ‖w‖₁, found by an active set; beyond the limit, on the features that matter most.

    It stops when √(dwᵀ F⁻¹ dw) ≤ tol, whose half square estimates J − J*; with an L1
    penalty, when the same is true of the decrease of the model. The step from there is
    known by then, and is still made.

    Far from the data, where all probabilities are 0 or 1, F says nothing. From a start
    that costs over four times what w = 0, b = 0 does, the first step leads there.

    ``learning_rate="auto"`` tries α = 1 and backtracks. With mini-batches F is worked
    out once an epoch, on all rows, and a small part of F at w = 0 is added (beyond
    ``direct_limit``: the diagonals of both are added to the F of each batch), and
    α = 1 / ((1 + p/batch_size)(1 + epochs)), p the number of parameters.

    Parameters
    ----------
    damping : float, default=0.0
        F + damping · diag(F) is used in place of F (Levenberg and Marquardt): shorter
        steps, turned towards the plain gradient of scaled features.
    direct_limit : int, default=2000
        Largest number of parameters for which F is factorised.

    References
    ----------
    Amari, "Natural gradient works efficiently in learning", Neural Comput. 10 (1998).
    With an L1 penalty: Lee, Sun and Saunders, "Proximal Newton-type methods for
    minimizing composite functions", SIAM J. Optim. 24 (2014).

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn_gd_logreg import GDLogisticRegression, NaturalGradient
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> clf = GDLogisticRegression(solver=NaturalGradient()).fit(X, y)
    >>> clf.stop_reason_, clf.n_iter_ < 20
    ('tol', True)
    """

    scale_free = True
    finishes = True

    _intervals: ClassVar = {
        "damping": Interval(0, inf, "[)"),
        "direct_limit": Interval(1, inf, "[)", integral=True),
    }

    def __init__(self, damping: float = 0.0, direct_limit: int = 2000) -> None:
        self.damping = damping
        self.direct_limit = direct_limit

    def wants_row_space(self, objective: Objective, batch_size: int | None, max_iter: int) -> bool:
        data, n_outputs = objective.data, objective.loss.n_outputs
        few = (data.n_rows + 1) * n_outputs <= self.direct_limit
        return data.n_rows < data.n_features and few and not objective.penalty.l1

    def forget(self, point: Point, memory: Any) -> Any:
        return memory

    def look(self, point: Point, memory: Any) -> NaturalMemory:
        if memory is None and point.cost > FAR * point.objective.loss.uniform_loss:
            return NaturalMemory(Origin(), point)
        return NaturalMemory(curvature_at(point, self.damping, self.direct_limit), point)

    def look_before_epoch(self, point: Point, memory: Any) -> NaturalMemory:
        curvature = curvature_at(point, self.damping, self.direct_limit, EPOCH_FLOOR)
        return NaturalMemory(curvature, point)

    def norm(self, point: Point, memory: Any) -> float:
        """√(2 · decrease of the quadratic model), which is √(dwᵀ F⁻¹ dw) without L1."""
        return sqrt(max(2 * memory.full_step().decrease, 0.0))

    def step(self, point: Point, alpha: float, memory: Any) -> tuple[Array, Any]:
        if point is not memory.point or (alpha != 1 and point.objective.penalty.l1):
            return memory.curvature.target(point, alpha).w, memory
        return point.w + alpha * (memory.full_step().w - point.w), memory

    def auto_rate(self, objective: Objective, batch_size: int | None) -> LearningRate:
        if batch_size is None:
            return Backtracking(maximum=1.0)
        n_parameters = objective.data.n_parameters * objective.loss.n_outputs
        steps_per_epoch = -(-len(objective.data.weighted_rows()) // batch_size)
        return TimeDecay(1 / (1 + n_parameters / batch_size), decay=1 / steps_per_epoch)

    def stable_rate(self, objective: Objective) -> StableRate:
        return StableRate(2.0, "2")
