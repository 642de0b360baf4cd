"""What every update rule answers."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from .._typing import Array
from ..objective import Objective, Point
from ..rates import Constant, LearningRate
from ..validation import Hyperparameters


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
    """Whether the path is the same for any scaling of the features."""

    def wants_row_space(self, objective: Objective) -> bool:
        """Whether to run in coordinates of the space that the rows span."""
        return False

    def init(self, w: Array) -> Any:
        """Memory before the first step from w."""
        return None

    def look(self, point: Point, memory: Any) -> Any:
        """Memory after a look at a new point, on all rows; once a step, or once an epoch."""
        return memory

    def norm(self, point: Point, memory: Any) -> float:
        """Size of the gradient, to be compared with ``tol``."""
        return point.gradient_norm()

    @abstractmethod
    def step(self, point: Point, alpha: float, memory: Any) -> tuple[Array, Any]:
        """The next parameters and the next memory; neither argument is changed."""

    def auto_rate(self, objective: Objective, batch_size: int | None) -> LearningRate:
        """The rate that ``learning_rate="auto"`` stands for."""
        return Constant(1 / batch_lipschitz(objective, batch_size))

    def stable_rate(self, objective: Objective) -> float:
        """The largest rate at which full-batch steps of constant length cannot grow."""
        return 2 / objective.lipschitz


def batch_lipschitz(objective: Objective, batch_size: int | None) -> float:
    """A curvature that holds on average for a mini-batch, L for the full batch.

    L + (c E‖x‖² − L)₊ / batch_size, the expected smoothness of sampling with the mean
    in place of the largest row norm, so that weights count as repetitions.

    References
    ----------
    Gower, Loizou, Qian, Sailanbayev, Shulgin and Richtárik, "SGD: General analysis
    and improved rates", ICML 2019.
    """
    if batch_size is None:
        return objective.lipschitz
    one_row = objective.loss.smoothness * float(objective.mean_squares.sum())
    return objective.lipschitz + max(one_row - objective.lipschitz, 0) / batch_size
