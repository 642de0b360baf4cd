"""Base class of the update rules."""

from __future__ import annotations

import sys
from abc import abstractmethod
from typing import Any, NamedTuple

from .._linalg import require_finite
from .._typing import Array
from ..data import row_space_pays
from ..objective import Objective, Point
from ..schedules import SMALLEST_RATE, Constant, InverseSqrt, LearningRate
from ..validation import Hyperparameters


class StableRate(NamedTuple):
    """A learning rate and its formula."""

    value: float
    formula: str

    def __str__(self) -> str:
        number = f"{self.value:.3g}"
        return number if number == self.formula else f"{self.formula} = {number}"


class Budget(NamedTuple):
    """Tolerance and length of a descent.

    Attributes
    ----------
    tol : float
        Norm at which the descent stops; 0 if no norm stops it.
    batch_size : int or None
        None: full batch.
    max_iter : int
        Largest number of iterations.
    stream_fraction : float or None
        In ``partial_fit``, the rows of this call over all rows so far.
    """

    tol: float = 0.0
    batch_size: int | None = None
    max_iter: int = sys.maxsize
    stream_fraction: float | None = None


class Plan(NamedTuple):
    """How to run a descent.

    Attributes
    ----------
    rule : UpdateRule
        The rule, configured for this descent.
    fused : bool
        Whether one pass computes J, dw and F.
    row_space : bool
        Whether to run in coordinates of the row space: if the iterates are the same and it is
        faster. It has no effect unless the rows are fewer than the features.
    """

    rule: UpdateRule
    fused: bool = False
    row_space: bool = False


class UpdateRule(Hyperparameters):
    """Base class of update rules: how wₖ₊₁ follows from wₖ.

    Hyper-parameters are attributes of the rule, and a fit does not change them. The memory
    of a rule (velocities, running means) is an explicit value that `init` returns and `step`
    updates. A subclass must define `step`; the other methods have defaults.

    With an L1 penalty a rule ends its step with ``point.prox(w, step)``, where ``step`` is the
    step size of its gradient step: a number, or an array with one for each coordinate.
    """

    scale_free = False
    """Whether the scales of the features do not change the iterates."""

    rotation_invariant = False
    """Whether the iterates are the same in any orthonormal coordinates of the features."""

    @property
    def uses_max_norm(self) -> bool:
        """Whether `norm` is the max-norm of the gradient, which depends on the coordinates."""
        return type(self).norm is UpdateRule.norm

    def plan(self, objective: Objective, budget: Budget) -> Plan:
        """Return how to run a descent with this rule."""
        same = self.rotation_invariant and budget.batch_size is None and not objective.penalty.l1
        return Plan(self, row_space=same and row_space_pays(objective.data, budget.max_iter))

    def is_straight(self, objective: Objective) -> bool:
        """Whether w moves along a straight line as α grows, so that a line search is cheap."""
        return False

    def init(self, w: Array) -> Any:
        """Return the memory before the first step from w."""
        return None

    def prepare(self, point: Point, memory: Any) -> Any:
        """Return the memory updated for a step, or an epoch, from ``point``, which has all rows.

        It is called once before each step or epoch, and again at the same point if a descent is
        resumed with another ``tol``.
        """
        return memory

    def norm(self, point: Point, memory: Any) -> float:
        """Return the norm that is compared with ``tol``."""
        return point.gradient_norm()

    @abstractmethod
    def step(self, point: Point, alpha: float, memory: Any) -> tuple[Array, Any]:
        """Return the next parameters and the next memory; do not modify the arguments."""

    def auto_rate(self, objective: Objective, batch_size: int | None) -> LearningRate:
        """Return the rate of ``learning_rate="auto"``.

        It is 1/L on the full batch. With mini-batches it starts at
        1 / ``objective.batch_lipschitz`` and halves in 30 epochs: a constant rate would not
        converge.
        """
        require_finite(objective.lipschitz)
        if batch_size is None:
            return Constant(1 / objective.lipschitz if objective.lipschitz else 1.0)
        steps_per_epoch = -(-objective.data.n_weighted_rows // batch_size)
        curvature = batch_lipschitz(objective, batch_size)
        return InverseSqrt(1 / curvature if curvature else 1.0, 0.1 / steps_per_epoch)

    def stable_rate(self, objective: Objective) -> StableRate:
        """Return the largest constant rate at which full-batch descent is stable."""
        return StableRate(2 / max(objective.lipschitz, SMALLEST_RATE), "2/L")


def batch_lipschitz(objective: Objective, batch_size: int) -> float:
    """Expected smoothness of mini-batches, L + (L₁ − L)₊ / batch_size.

    L₁ is the mean Lipschitz constant of single rows, in place of the largest.

    References
    ----------
    Gower, Loizou, Qian, Sailanbayev, Shulgin and Richtárik, "SGD: General analysis
    and improved rates", ICML 2019.
    """
    excess = max(objective.mean_row_lipschitz - objective.lipschitz, 0)
    return objective.lipschitz + excess / batch_size
