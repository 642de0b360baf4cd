"""What every update rule answers."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, NamedTuple

from .._linalg import require_finite
from .._typing import Array
from ..data import row_space_pays
from ..objective import Objective, Point
from ..rates import SMALLEST, Constant, InverseSqrt, LearningRate
from ..validation import Hyperparameters


class StableRate(NamedTuple):
    """A rate, and how it comes about."""

    value: float
    formula: str

    def __str__(self) -> str:
        number = f"{self.value:.3g}"
        return number if number == self.formula else f"{self.formula} = {number}"


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

    finishes = False
    """Whether the step is known, and still made, where the gradient is found small enough."""

    rotation_invariant = False
    """Whether the path is the same in any orthonormal coordinates of the features."""

    @property
    def max_norm(self) -> bool:
        """Whether `norm` is the max-norm of the gradient, which depends on the coordinates."""
        return type(self).norm is UpdateRule.norm

    def wants_row_space(self, objective: Objective, batch_size: int | None, max_iter: int) -> bool:
        """Whether to run in coordinates of the space that the rows span.

        Yes if that leads to the same iterates, and sooner: on the full batch, without an
        L1 penalty, on rows that are much fewer than features.
        """
        same = self.rotation_invariant and batch_size is None and not objective.penalty.l1
        return same and row_space_pays(objective.data, max_iter)

    def wants_fisher(self, objective: Objective) -> bool:
        """Whether F is wanted at every point, and best worked out in the pass for J and dw."""
        return False

    def is_straight(self, objective: Objective) -> bool:
        """Whether the trials of all lengths from a point lie on one line through it."""
        return False

    def with_tol(self, tol: float) -> UpdateRule:
        """The rule for a descent that ends at ``tol``, to spare work that goes beyond it."""
        return self

    def on_stream(self, share: float) -> UpdateRule:
        """The rule for rows that are the part ``share`` of all rows of a stream so far."""
        return self

    def init(self, w: Array) -> Any:
        """Memory before the first step from w."""
        return None

    def reset_memory(self, point: Point, memory: Any) -> Any:
        """Memory without what earlier steps left in it."""
        return self.init(point.w)

    def prepare(self, point: Point, memory: Any) -> Any:
        """Memory prepared for the step from a new point, on all rows.

        It is called once for each step, and again at the same point where a descent goes on to
        another ``tol``.
        """
        return memory

    def prepare_epoch(self, point: Point, memory: Any) -> Any:
        """Memory prepared, on all rows, for an epoch of mini-batches."""
        return self.prepare(point, memory)

    def norm(self, point: Point, memory: Any) -> float:
        """Size of the gradient, to be compared with ``tol``."""
        return point.gradient_norm()

    @abstractmethod
    def step(self, point: Point, alpha: float, memory: Any) -> tuple[Array, Any]:
        """The next parameters and the next memory; neither argument is changed."""

    def trial(self, point: Point, alpha: float, memory: Any) -> tuple[Array, Any]:
        """`step` for a line search, which shortens it until the cost falls."""
        return self.step(point, alpha, memory)

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
        return StableRate(2 / max(objective.lipschitz, SMALLEST), "2/L")


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
