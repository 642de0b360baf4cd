"""What every update rule answers."""

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
    """A rate, and how it comes about."""

    value: float
    formula: str

    def __str__(self) -> str:
        number = f"{self.value:.3g}"
        return number if number == self.formula else f"{self.formula} = {number}"


class Task(NamedTuple):
    """What is asked of a descent.

    Attributes
    ----------
    tol : float
        The norm at which it ends; 0 if it does not.
    batch_size : int or None
    max_iter : int
        The most steps.
    stream_share : float or None
        For an epoch of a stream, the part of the rows so far that its rows are.
    """

    tol: float = 0.0
    batch_size: int | None = None
    max_iter: int = sys.maxsize
    stream_share: float | None = None


class Plan(NamedTuple):
    """How a descent goes about its task.

    Attributes
    ----------
    rule : UpdateRule
        The rule, ready for the task.
    fused : bool
        Whether the pass for J and dw works out F too.
    row_space : bool
        Whether to run in coordinates of the space that the rows span: if that leads to the same
        iterates, and sooner. Of no effect where the rows are not fewer than the features.
    """

    rule: UpdateRule
    fused: bool = False
    row_space: bool = False


class UpdateRule(Hyperparameters):
    """One way to get from w_k to w_{k+1}.

    Hyper-parameters live on the rule and never change in a fit; what a rule
    remembers from step to step (velocities, averages) is an explicit value that
    `init` makes and `step` hands on. A rule that has nothing to remember or to
    look at inherits the neutral answers below.

    With an L1 penalty a rule ends its step with ``point.prox(w, step)``, where
    ``step`` is the length of its own gradient move: a number, or an array with one
    length for each coordinate.
    """

    scale_free = False
    """Whether the scales of the features do not matter to the path."""

    rotation_invariant = False
    """Whether the path is the same in any orthonormal coordinates of the features."""

    @property
    def max_norm(self) -> bool:
        """Whether `norm` is the max-norm of the gradient, which depends on the coordinates."""
        return type(self).norm is UpdateRule.norm

    def plan(self, objective: Objective, task: Task) -> Plan:
        """How a descent goes about its task."""
        same = self.rotation_invariant and task.batch_size is None and not objective.penalty.l1
        return Plan(self, row_space=same and row_space_pays(objective.data, task.max_iter))

    def is_straight(self, objective: Objective) -> bool:
        """Whether the trials of all lengths from a point lie on one line through it."""
        return False

    def init(self, w: Array) -> Any:
        """Memory before the first step from w."""
        return None

    def prepare(self, point: Point, memory: Any) -> Any:
        """Memory prepared, on all rows, for the step from a new point, or for an epoch from there.

        It is called once for each step or epoch, and again at the same point where a descent goes
        on to another ``tol``.
        """
        return memory

    def norm(self, point: Point, memory: Any) -> float:
        """Size of the gradient, to be compared with ``tol``."""
        return point.gradient_norm()

    @abstractmethod
    def step(self, point: Point, alpha: float, memory: Any) -> tuple[Array, Any]:
        """The next parameters and the next memory; neither argument is changed."""

    def auto_rate(self, objective: Objective, batch_size: int | None) -> LearningRate:
        """The rate that ``learning_rate="auto"`` stands for.

        1/L on the full batch. With mini-batches a rate that starts at the like of it
        for a batch and has halved after 30 epochs: a constant one would never settle.
        """
        require_finite(objective.lipschitz)
        if batch_size is None:
            return Constant(1 / objective.lipschitz if objective.lipschitz else 1.0)
        steps_per_epoch = -(-len(objective.data.weighted_rows()) // batch_size)
        curvature = batch_lipschitz(objective, batch_size)
        return InverseSqrt(1 / curvature if curvature else 1.0, 0.1 / steps_per_epoch)

    def stable_rate(self, objective: Objective) -> StableRate:
        """The largest constant rate at which full-batch steps cannot grow."""
        return StableRate(2 / max(objective.lipschitz, SMALLEST_RATE), "2/L")


def batch_lipschitz(objective: Objective, batch_size: int) -> float:
    """The curvature to reckon with on mini-batches.

    It is L + (L₁ − L)₊ / batch_size, the expected smoothness of sampling, with L₁ the
    average curvature of single rows in place of the largest.

    References
    ----------
    Gower, Loizou, Qian, Sailanbayev, Shulgin and Richtárik, "SGD: General analysis
    and improved rates", ICML 2019.
    """
    surplus = max(objective.row_lipschitz - objective.lipschitz, 0)
    return objective.lipschitz + surplus / batch_size
