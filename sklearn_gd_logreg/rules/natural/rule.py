"""Natural gradient: w := w − α F⁻¹ dw, steepest descent in the Fisher metric."""

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
from ..base import Budget, Plan, StableRate, UpdateRule
from . import tuning
from .curvature import Curvature, Displacement
from .memory import NaturalMemory, WorkCounts
from .online import BatchNaturalGradient, OnlineNaturalGradient, epoch_rate
from .plan import Method, choose_method
from .step_length import NewtonRate
from .subsampling import subsample_displacement

MAX_STEPS_BEFORE_TEST = 6
"""Steps after which the contraction of a curvature is tested, for any refresh cost."""


class NaturalGradient(UpdateRule):
    """Natural gradient descent, w := w − α F⁻¹ dw.

    F is the Fisher information of the model, Σ weight · (diag(a) − aaᵀ) ⊗ xxᵀ, plus the
    L2 penalty. It measures the length of a step by the change of the predicted distribution.
    So the path is the same for any scaling of the features, except for the penalty. For
    logistic regression F is the Hessian of J: with the exact F this is Fisher scoring, which
    is Newton's method.

    J, dw and the stopping rule are computed on all rows at every iterate. F is approximated
    where its cost is large beside that of a pass over the rows:

    - Few rows: Newton's method. F is computed on all rows at every point and factorised
      (Cholesky); on very few rows, one pass computes J, dw and F.
    - Many rows: subsampled Newton. F is computed on a subsample, corrected by L-BFGS, and
      refreshed where the steps shrink slowly. The first step leads to the minimum on a
      subsample, found by descents on growing subsamples.
    - Three classes or more, where F is expensive: L-BFGS about the Kronecker product of a
      matrix for the features and one for the classes.
    - More than ``direct_limit`` parameters: L-BFGS about the Kronecker product or about a power
      of the diagonal of F. Hessian-free Newton steps, by conjugate gradients on all rows with
      the L-BFGS as a preconditioner, decide convergence.
    - With an L1 penalty the step is the minimiser of the quadratic model plus λ‖w‖₁
      (proximal Newton) on a working set of features, found by coordinate descent and a
      feature-sign search.

    An approximate curvature never decides convergence alone. Where its decrement is at most
    ``tol``, F is computed at this point on the method's number of rows, or Hessian-vector products
    on all rows decide. With a penalty, a bound on J − J* that uses no F must agree.

    The descent stops at √(dwᵀ F⁻¹ dw) ≤ tol, the Newton decrement, whose half square estimates
    J − J*. With an L1 penalty, the predicted decrease takes the place of the half square. The
    last step is known by then, and is made.

    Where all probabilities are near 0 or 1, F nearly vanishes. So from a start that costs over
    four times as much as w = 0, b = 0, the first step leads there.

    ``learning_rate="auto"`` tries α = 1 and backtracks. The first Newton step gets an exact
    line search, since scores are linear along a step. With mini-batches F is computed once an
    epoch, on all rows, and a small multiple of F at w = 0 is added (beyond ``direct_limit``:
    the diagonals of both are added to the F of each batch), and
    α = 1 / ((1 + p/batch_size)(1 + epochs)), p the number of parameters.

    Parameters
    ----------
    damping : float, default=0.0
        F + damping · diag(F) takes the place of F (Levenberg and Marquardt): shorter
        steps, turned towards the gradient of scaled features.
    direct_limit : int, default=2000
        Largest number of parameters for which F is factorised.
    exact : bool, default=False
        Whether to compute F on all rows at every point: textbook Fisher scoring, without
        subsamples and corrections.

    References
    ----------
    - Amari, "Natural gradient works efficiently in learning", Neural Comput. 10 (1998).
    - Subsamples: Byrd, Chin, Neveitt and Nocedal, "On the use of stochastic Hessian
      information in optimization methods for machine learning", SIAM J. Optim. 21 (2011).
    - Growing subsamples: Daneshmand, Lucchi and Hofmann, "Starting small: learning with
      adaptive sample sizes", ICML 2016.
    - L-BFGS: Nocedal, "Updating quasi-Newton matrices with limited storage", Math. Comput. 35
      (1980).
    - L1 penalty: Lee, Sun and Saunders, "Proximal Newton-type methods for minimizing
      composite functions", SIAM J. Optim. 24 (2014).

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
        """The Newton decrement at which the descent ends."""
        return self._tol

    def with_tol(self, tol: float) -> NaturalGradient:
        rule = copy(self)
        rule._tol = tol
        return rule

    def with_curvature(self, curvature: Curvature | None) -> NaturalGradient:
        """The rule for a subsample, with a curvature for its first step."""
        rule = copy(self)
        rule._on_subsample, rule._curvature, rule._method = True, curvature, None
        return rule

    def plan(self, objective: Objective, budget: Budget) -> Plan:
        if budget.batch_size is not None:
            options = self.damping, self.direct_limit
            if budget.stream_fraction is None:
                return Plan(BatchNaturalGradient(*options))
            return Plan(OnlineNaturalGradient(*options, share=budget.stream_fraction))
        data, n_outputs = objective.data, objective.loss.n_outputs
        n_rows = data.n_weighted_rows
        is_small = (n_rows + 1) * n_outputs <= self.direct_limit
        row_space = n_rows < data.n_features and is_small and not objective.penalty.l1
        rule = self.with_tol(budget.tol)
        rule._method = self.method_for(objective)
        return Plan(rule, rule._method.fused, row_space)

    def method_for(self, objective: Objective) -> Method:
        """The method for a cost: that of the plan, if there is one."""
        return self._method or choose_method(objective, self.damping, self.direct_limit, self.exact)

    # -- full batch --------------------------------------------------------------------------

    def curvature_at(self, point: Point) -> Curvature:
        """The curvature of a first step from a point."""
        method = choose_method(point.objective, self.damping, self.direct_limit, self.exact)
        return method.start(point, self._tol)

    def prepare(self, point: Point, memory: Any) -> NaturalMemory:
        if memory is None:
            return self._start(point)
        if point is memory.point:  # with another tol
            memory = replace(memory, subsample_decrease=0.0, previous_converged=False)
            return self._refresh_if_needed(memory)
        if memory.previous_converged:  # the stopping rule was not satisfied
            return self._refresh(memory, point)
        current = memory.subsample_decrease > 0 or memory.curvature.is_current(memory.point)
        converged = current and self.norm(memory.point, memory) <= self._tol
        if converged or not memory.curvature.refresh_every_step:
            updated = memory.curvature.updated(memory.point, point)
            if updated is not None:
                return self._refresh_if_needed(memory.after_step(updated, point, converged))
        if isinstance(memory.curvature, Displacement):
            return self._first_newton_step(memory.method, point, memory.counts)
        return self._refresh(memory, point)

    def _start(self, point: Point) -> NaturalMemory:
        """Begin with a step to w = 0, to the minimum on a subsample, or with a Newton step."""
        method = self.method_for(point.objective)
        if point.cost > tuning.MAX_START_COST * point.objective.loss.uniform_loss:
            return NaturalMemory.first(method, displacement_to_zero(point), point, WorkCounts())
        if method.subsampled_start and not self._on_subsample:
            displacement, sizes = subsample_displacement(point, self)
            # J is convex, so the first-order decrease is an upper bound.
            if displacement and 2 * point.expected_decrease(displacement.w) > self._tol**2:
                counts = WorkCounts(subsamples=sizes)
                return NaturalMemory.first(method, displacement, point, counts)
        return self._first_newton_step(method, point, WorkCounts())

    def _first_newton_step(self, method: Method, point: Point, counts: WorkCounts) -> NaturalMemory:
        curvature = self._curvature or method.start(point, self._tol)
        memory = NaturalMemory.first(method, curvature, point, counts)
        memory = self._refresh_if_needed(memory.counted())
        newton = memory.curvature.is_current(point) and not (self.exact or self.damping)
        objective = point.objective
        searches = newton and not objective.penalty.l1 and objective.can_keep_scores
        return replace(memory, exact_line_search=True) if searches else memory

    def _refresh_if_needed(self, memory: NaturalMemory) -> NaturalMemory:
        """Refresh a curvature that cannot decide convergence, or whose steps shrink slowly."""
        if isinstance(memory.curvature, Displacement):
            return memory
        converged = self._is_converged(memory)
        if converged and not memory.is_current:
            converged = not self._on_subsample
            if converged:
                refreshed = self._refresh(memory, memory.point, decides=True)
                if refreshed.curvature.n_rows >= memory.curvature.n_rows:
                    return refreshed
                # F on fewer rows decides convergence; the one on more rows makes the better step.
                decrease = refreshed.step.decrease
                memory = replace(memory, counts=refreshed.counts, subsample_decrease=decrease)
                converged = self._is_converged(memory)
        keep = memory.step.decrease > 0 and not self._contracts_slowly(memory)
        return memory if converged or keep else self._refresh(memory, memory.point)

    def _is_converged(self, memory: NaturalMemory) -> bool:
        return 2 * memory.remaining_decrease <= self._tol**2

    def _contracts_slowly(self, memory: NaturalMemory) -> bool:
        """Whether a refresh would reduce the decrement further, per pass that it costs."""
        cost = memory.curvature.refresh_cost
        if not isfinite(cost):
            return memory.n_steps >= tuning.MAX_STEPS_BEFORE_CG
        is_tested = memory.n_steps >= min(max(cost, 1.0), MAX_STEPS_BEFORE_TEST)
        bounded_cost = min(cost, tuning.MAX_REFRESH_COST)
        return is_tested and memory.decrease_ratio > tuning.CONTRACTION ** (2 / (1 + bounded_cost))

    def _refresh(self, memory: NaturalMemory, point: Point, decides: bool = False) -> NaturalMemory:
        """Compute the curvature of a point, which ``decides`` convergence or makes more steps."""
        curvature = memory.method.refresh(
            point, memory.curvature, memory.step.n_products, self._tol, decides
        )
        return NaturalMemory.first(memory.method, curvature, point, memory.counts).counted()

    def norm(self, point: Point, memory: Any) -> float:
        """√(2 · remaining decrease): the Newton decrement √(dwᵀ F⁻¹ dw) for the F of this point."""
        return sqrt(max(2 * memory.remaining_decrease, 0.0))

    def step(self, point: Point, alpha: float, memory: Any) -> tuple[Array, Any]:
        if alpha != 1 and point.objective.penalty.l1:
            return memory.curvature.newton_step(point, alpha).w, memory
        w = memory.step.w
        return (w if alpha == 1 else point.w + alpha * (w - point.w)), memory

    def is_straight(self, objective: Objective) -> bool:
        return True

    # -- learning rates ----------------------------------------------------------------------

    def auto_rate(self, objective: Objective, batch_size: int | None) -> LearningRate:
        if batch_size is None:
            return NewtonRate(interpolate=not self.exact)
        return epoch_rate(objective, batch_size)

    def stable_rate(self, objective: Objective) -> StableRate:
        return StableRate(2.0, "2")


def displacement_to_zero(point: Point) -> Displacement:
    """The step to w = 0, b = 0, where all classes are equally likely.

    J is convex, so it falls all the way from a point of higher cost.
    """
    decrease = point.cost - point.objective.loss.uniform_loss
    return Displacement(np.zeros_like(point.w), decrease)
