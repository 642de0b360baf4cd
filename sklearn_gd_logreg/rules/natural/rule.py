"""Natural gradient: w := w − α F⁻¹ dw, descent in the geometry of the model."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from math import inf, isfinite, sqrt
from typing import Any, ClassVar

import numpy as np

from ..._typing import Array
from ...objective import Objective, Point
from ...schedules import LearningRate
from ...validation import Interval, check_flags
from ..base import Plan, StableRate, Task, UpdateRule
from . import tuning
from .curvature import Curvature, Displacement
from .memory import NOTHING, Counts, NaturalMemory
from .online import BatchNaturalGradient, OnlineNaturalGradient, epoch_rate
from .plan import Method, choose_method
from .step_length import NewtonRate
from .subsampling import to_subsample_minimum

MAX_STEPS_TO_JUDGE = 6
"""Steps after which a curvature is judged, however dear its successor."""


class NaturalGradient(UpdateRule):
    """Natural gradient descent, w := w − α F⁻¹ dw.

    F is the Fisher information of the model, Σ share · (diag(a) − aaᵀ) ⊗ xxᵀ, plus the
    l2 penalty. It measures a step by how much it changes the predicted distribution,
    so that, but for the penalty, the path is the same for any scaling of the features.
    For logistic regression F is the Hessian of J: with the exact F this is Fisher
    scoring, which is Newton's method.

    J, dw and the decision to stop are those of all rows at every iterate. What is spared
    is the work on F, by what it would cost beside a pass over the rows:

    - Few rows: F is worked out on all of them at every point, and factorised (Cholesky); very
      few rows are read once for J, dw and F.
    - Many rows: F is worked out on a subsample, and again when the steps shrink slowly. In
      between it is corrected by L-BFGS. The first step leads to where descents on growing
      subsamples have led.
    - Three classes or more, where F is dear: L-BFGS about the Kronecker product of a
      matrix for the features and one for the classes.
    - More than ``direct_limit`` parameters: L-BFGS about the Kronecker product or about a power
      of the diagonal of F. Products of F on all rows with vectors, in conjugate gradients
      preconditioned by the L-BFGS, decide that the descent has converged.
    - With an L1 penalty the step is the minimiser of the quadratic model plus λ‖w‖₁
      (proximal Newton), found by coordinate descent and an active set, on a working set of
      features.

    A curvature from elsewhere never decides convergence: where its decrement is at most ``tol``,
    F is worked out at that point, on as many rows as the plan says, or products with F on all
    rows decide.

    It stops when √(dwᵀ F⁻¹ dw) ≤ tol, whose half square estimates J − J*; with an L1
    penalty, when the same is true of the decrease of the model. The step from there is
    known by then, and is still made.

    Far from the data, where all probabilities are 0 or 1, F says nothing. From a start
    that costs over four times what w = 0, b = 0 does, the first step leads there.

    ``learning_rate="auto"`` tries α = 1 and backtracks; the first Newton step is as long as
    lowers J most, which the scores at both of its ends tell. With mini-batches F is worked
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
    exact : bool, default=False
        Whether to work F out on all rows at every point: Fisher scoring as in the
        textbooks, without samples and corrections.

    References
    ----------
    Amari, "Natural gradient works efficiently in learning", Neural Comput. 10 (1998).
    Subsamples: Byrd, Chin, Neveitt and Nocedal, "On the use of stochastic Hessian
    information in optimization methods for machine learning", SIAM J. Optim. 21 (2011);
    Daneshmand, Lucchi and Hofmann, "Starting small: learning with adaptive sample sizes",
    ICML 2016; L-BFGS: Nocedal, "Updating quasi-Newton matrices with limited storage", Math.
    Comput. 35 (1980). With an L1 penalty: Lee, Sun and Saunders, "Proximal Newton-type methods
    for minimizing composite functions", SIAM J. Optim. 24 (2014).

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

    _intervals: ClassVar = {
        "damping": Interval(0, inf, "[)"),
        "direct_limit": Interval(1, inf, "[)", integral=True),
    }

    def __init__(self, damping: float = 0.0, direct_limit: int = 2000, exact: bool = False) -> None:
        self.damping = damping
        self.direct_limit = direct_limit
        self.exact = exact
        self._tol = 0.0
        self._on_subsample = False
        self._curvature: Curvature | None = None
        self._method: Method | None = None

    def check(self) -> None:
        super().check()
        check_flags(self, ["exact"])

    # -- variants ----------------------------------------------------------------------------

    @property
    def tol(self) -> float:
        """The decrement at which the descent ends."""
        return self._tol

    def with_tol(self, tol: float) -> NaturalGradient:
        rule = copy(self)
        rule._tol = tol
        return rule

    def with_curvature(self, curvature: Curvature | None) -> NaturalGradient:
        """The rule for a subsample, without smaller ones first: the curvature of its first step."""
        rule = copy(self)
        rule._on_subsample, rule._curvature, rule._method = True, curvature, None
        return rule

    def plan(self, objective: Objective, task: Task) -> Plan:
        if task.batch_size is not None:
            options = self.damping, self.direct_limit
            if task.stream_share is None:
                return Plan(BatchNaturalGradient(*options))
            return Plan(OnlineNaturalGradient(*options, share=task.stream_share))
        data, n_outputs = objective.data, objective.loss.n_outputs
        n_rows = data.n_weighted_rows
        few = (n_rows + 1) * n_outputs <= self.direct_limit
        wide = n_rows < data.n_features and few and not objective.penalty.l1
        rule = self.with_tol(task.tol)
        rule._method = self.method_for(objective)
        return Plan(rule, rule._method.fused, wide)

    def method_for(self, objective: Objective) -> Method:
        """The method for a cost, and why it is chosen: by the plan, if there is one."""
        return self._method or choose_method(objective, self.damping, self.direct_limit, self.exact)

    # -- full batch --------------------------------------------------------------------------

    def curvature_at(self, point: Point) -> Curvature:
        """The curvature of a first step from a point."""
        method = choose_method(point.objective, self.damping, self.direct_limit, self.exact)
        return method.start(point, self._tol, self.direct_limit)

    def prepare(self, point: Point, memory: Any) -> NaturalMemory:
        if memory is None:
            return self._start(point)
        if point is memory.point:  # it is asked again, for another tol
            return self._checked(replace(memory, opinion=0.0, after_last_step=False))
        if memory.after_last_step:  # and yet the descent goes on
            return self._refreshed(memory, point, False)
        current = memory.opinion > 0 or memory.curvature.is_current(memory.point)
        ended = current and self.norm(memory.point, memory) <= self._tol
        curvature = memory.curvature
        if ended or not curvature.every_step:
            updated = curvature.updated(memory.point, point)
            if updated is not None:
                step = updated.target(point, 1.0)
                if isinstance(curvature, Displacement):
                    counts = memory.counts
                    after = NaturalMemory(memory.method, updated, point, step, counts=counts)
                    return self._checked(after)
                n_steps = memory.n_steps + 1
                after = replace(
                    memory,
                    curvature=updated,
                    point=point,
                    step=step,
                    decreases=memory.all_decreases,
                    n_steps=n_steps,
                    opinion=0.0,
                    after_last_step=ended,
                    searched=False,
                )
                return self._checked(after)
        if isinstance(curvature, Displacement):
            return self._from(point, memory.method, memory.counts)
        return self._refreshed(memory, point, False)

    def _start(self, point: Point) -> NaturalMemory:
        """From a first point: to the origin, to where subsamples lead, or the step from here."""
        method = self.method_for(point.objective)
        if point.cost > tuning.MAX_START_COST * point.objective.loss.uniform_loss:
            return self._to(to_origin(point), point, method, NOTHING)
        if method.subsampled_start and not self._on_subsample:
            displacement, sizes = to_subsample_minimum(point, self)
            # J is convex, so it falls by no more than to first order.
            if displacement and 2 * point.expected_decrease(displacement.w) > self._tol**2:
                return self._to(displacement, point, method, Counts(subsamples=sizes))
        return self._from(point, method, NOTHING)

    def _to(
        self, displacement: Displacement, point: Point, method: Method, counts: Counts
    ) -> NaturalMemory:
        step = displacement.target(point, 1.0)
        return NaturalMemory(method, displacement, point, step, counts=counts)

    def _from(self, point: Point, method: Method, counts: Counts) -> NaturalMemory:
        curvature = self._curvature or method.start(point, self._tol, self.direct_limit)
        memory = self._checked(self._with(curvature, point, method, counts))
        newton = memory.curvature.is_current(point) and not (self.exact or self.damping)
        objective = point.objective
        searched = newton and not objective.penalty.l1 and objective.can_keep_scores
        return replace(memory, searched=True) if searched else memory

    def _with(
        self, curvature: Curvature, point: Point, method: Method, counts: Counts
    ) -> NaturalMemory:
        """With a curvature that was worked out at the point."""
        step = curvature.target(point, 1.0)
        counts = counts._replace(
            n_hessians=counts.n_hessians + 1, n_products=counts.n_products + step.n_products
        )
        return NaturalMemory(method, curvature, point, step, counts=counts)

    def _checked(self, memory: NaturalMemory) -> NaturalMemory:
        """With a new curvature where the one in use has served its time, or cannot decide."""
        if isinstance(memory.curvature, Displacement):
            return memory
        ends = self._ends(memory)
        if ends and not memory.is_known:
            ends = not self._on_subsample
            if ends:
                now = self._refreshed(memory, memory.point, True)
                if now.curvature.n_rows >= memory.curvature.n_rows:
                    return now
                # F on few rows has its say; the step by more rows is the better one.
                memory = replace(memory, counts=now.counts, opinion=now.step.decrease)
                ends = self._ends(memory)
        keeps = memory.step.decrease > 0 and not self._is_slow(memory)
        return memory if ends or keeps else self._refreshed(memory, memory.point, False)

    def _ends(self, memory: NaturalMemory) -> bool:
        """Whether J seems to be as near to its minimum as ``tol`` asks."""
        return 2 * memory.decrease_to_come <= self._tol**2

    def _is_slow(self, memory: NaturalMemory) -> bool:
        """Whether a new curvature would reduce J further for each pass that it costs."""
        cost = memory.curvature.refresh_cost
        if not isfinite(cost):
            return memory.n_steps >= tuning.MAX_STEPS_BEFORE_CG
        judged = memory.n_steps >= min(max(cost, 1.0), MAX_STEPS_TO_JUDGE)
        paid = min(cost, tuning.MAX_REFRESH_COST)
        return judged and memory.ratio > tuning.CONTRACTION ** (2 / (1 + paid))

    def _refreshed(self, memory: NaturalMemory, point: Point, ends: bool) -> NaturalMemory:
        curvature = memory.method.refresh(
            point, memory.curvature, memory.step.n_products, self._tol, self.direct_limit, ends
        )
        return self._with(curvature, point, memory.method, memory.counts)

    def norm(self, point: Point, memory: Any) -> float:
        """√(2 · decrease to come), which is √(dwᵀ F⁻¹ dw) without L1 and for F of this point."""
        return sqrt(max(2 * memory.decrease_to_come, 0.0))

    def step(self, point: Point, alpha: float, memory: Any) -> tuple[Array, Any]:
        if alpha != 1 and point.objective.penalty.l1:
            return memory.curvature.target(point, alpha).w, memory
        full = memory.step.w
        return (full if alpha == 1 else point.w + alpha * (full - point.w)), memory

    def is_straight(self, objective: Objective) -> bool:
        return True

    # -- learning rates ----------------------------------------------------------------------

    def auto_rate(self, objective: Objective, batch_size: int | None) -> LearningRate:
        if batch_size is None:
            return NewtonRate(interpolate=not self.exact)
        return epoch_rate(objective, batch_size)

    def stable_rate(self, objective: Objective) -> StableRate:
        return StableRate(2.0, "2")


def to_origin(point: Point) -> Displacement:
    """The way to w = 0, b = 0, where every class is as likely.

    J is convex, so from a point that costs more it falls all the way.
    """
    fall = point.cost - point.objective.loss.uniform_loss
    return Displacement(np.zeros_like(point.w), fall)
