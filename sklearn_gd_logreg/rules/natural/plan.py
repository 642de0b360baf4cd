"""The choice of a method for a fit, made once, from the size of the problem and its penalty."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from math import inf

import numpy as np

from ...objective import Objective, Point
from . import tuning
from .cost_model import hessian_cost, hessian_rows, hessian_work, more_hessian_rows, refresh_cost
from .curvature import MIN_RIDGE, CholeskyFisher, Curvature, regularized_fisher
from .hessian_free import HessianFree
from .hessian_subsample import hessian_subsample
from .kronecker import KroneckerFisher
from .lbfgs import LBFGS, DiagonalBase
from .prox_newton import (
    MAX_PARAMETERS_WITHOUT_WORKING_SET,
    ColumnFisher,
    ProximalFisher,
    WorkingSetFisher,
)
from .subsampling import subsample_sizes

NEWTON = "Newton"
SUBSAMPLED = "subsampled Newton"
KRONECKER = "L-BFGS about Kronecker factors"
DIAGONAL = "L-BFGS about the diagonal"
HESSIAN_FREE = "Hessian-free Newton"
PROXIMAL = "proximal Newton"
PROXIMAL_ON_WORKING_SET = "proximal Newton on a working set"
PROXIMAL_ON_COLUMNS = "proximal Newton on columns of X"


@dataclass(frozen=True)
class Method:
    """A method, and the reason for its choice.

    Attributes
    ----------
    name : str
    reason : str
    n_rows : int
        Number of rows that F is computed on.
    hessian_cost : float
        Cost of F on these rows, in passes over all rows; infinite if F is too large to factorise.
    fused : bool
        Whether every pass computes F together with J and dw.
    subsampled_start : bool
        Whether descents on growing subsamples come first.
    damping : float
        Multiple of diag(F) that is added to F.
    direct_limit : int
        Largest number of parameters for which F is factorised.
    exact : bool
        Whether F is computed on all rows at every point.
    """

    name: str
    reason: str
    n_rows: int
    hessian_cost: float
    fused: bool = False
    subsampled_start: bool = False
    damping: float = 0.0
    direct_limit: int = 2000
    exact: bool = False

    @property
    def is_newton(self) -> bool:
        """Whether every step is a Newton step, with F on all rows."""
        return self.name == NEWTON

    @property
    def is_proximal(self) -> bool:
        """Whether the steps are proximal Newton steps, as the penalty has an L1 part."""
        return self.name in (PROXIMAL, PROXIMAL_ON_WORKING_SET)

    def start(self, point: Point, tol: float) -> Curvature:
        """The curvature of the first step."""
        if self.is_proximal:
            return self.proximal(point, tol)
        if self.name == KRONECKER:
            base = KroneckerFisher.at(hessian_subsample(point, self.n_rows), self.damping)
            return LBFGS(base, self.hessian_cost)
        if self.name == DIAGONAL:
            return LBFGS(DiagonalBase.from_objective(point.objective), self.hessian_cost)
        if self.name == HESSIAN_FREE:
            return HessianFree.at(point, self.damping, tol=tol)
        return self.factorised(point, self.n_rows)

    def refresh(
        self, point: Point, previous: Curvature, n_products: int, tol: float, decides: bool
    ) -> Curvature:
        """A new curvature at a point, after steps with the previous one.

        ``n_products`` is the number of Hessian-vector products of the last step. With ``decides``
        the Newton decrement of the new curvature decides convergence.
        """
        if self.is_proximal:
            return self.proximal(point, tol, previous, decides)
        if self.is_newton:
            return self.factorised(point, self.n_rows)
        if self.name == HESSIAN_FREE:
            return HessianFree.at(point, self.damping, tol=tol)
        too_large = self.hessian_cost == inf
        if isinstance(previous, HessianFree):
            lbfgs = previous.updated(previous.point, point)
            if not too_large and n_products >= tuning.MAX_PRODUCTS:
                return self.factorised(point, self.n_rows, lbfgs)
            n_previous = previous.n_previous + 1
            return HessianFree.at(
                point, self.damping, tol=tol, preconditioner=lbfgs, n_previous=n_previous
            )
        assert isinstance(previous, LBFGS)
        if too_large or (decides and self.hessian_cost > tuning.MIN_CG_COST):
            return HessianFree.at(point, self.damping, tol=tol, preconditioner=previous)
        n_rows = self.n_rows
        if previous.has_fisher_base and not decides and previous.n_rows >= n_rows:
            n_rows = more_hessian_rows(point.objective, previous.n_rows)
        return self.factorised(point, n_rows, previous)

    def factorised(self, point: Point, n_rows: int, previous: Curvature | None = None) -> LBFGS:
        """F at the point on ``n_rows`` rows, factorised, as the base of L-BFGS."""
        sample = hessian_subsample(point, n_rows)
        if point.fused:
            fisher = regularized_fisher(point, self.damping)
            base = CholeskyFisher.factorise(fisher, MIN_RIDGE[point.w.dtype])
        else:
            previous_base = previous.base if isinstance(previous, LBFGS) else None
            float32 = not self.exact
            if isinstance(previous_base, CholeskyFisher):
                float32 = float32 and previous_base.tolerates_float32(point.w.shape[1])
            base = CholeskyFisher.at(sample, self.damping, float32)
        cost = refresh_cost(point.objective, n_rows)
        return LBFGS(base, cost, n_rows, point.w, self.is_newton)

    def proximal(
        self, point: Point, tol: float, previous: Curvature | None = None, decides: bool = False
    ) -> Curvature:
        """The curvature of the proximal Newton step from a point, after steps with ``previous``.

        It is F of all parameters, or of a working set of many parameters. Columns of X replace F
        if they are available and cost less, unless the previous step formed F. With ``decides``
        it may be F of a subsample, which is not used for the step.
        """
        objective, data = point.objective, point.objective.data
        is_small = point.w.size <= min(self.direct_limit, MAX_PARAMETERS_WITHOUT_WORKING_SET)
        may_use_columns = not (
            self.damping or self.exact or is_small or isinstance(previous, ProximalFisher)
        )
        if may_use_columns and data.has_columns and objective.loss.n_outputs == 1:
            by_columns = ColumnFisher.at(point, tol, self.direct_limit)
            if by_columns:
                return by_columns
        fisher = WorkingSetFisher(objective, self.damping, self.direct_limit, 0.0)
        if self.exact:
            return replace(fisher.at(point, tol), refresh_cost=0.0)
        n_rows = hessian_rows(objective)
        if decides and n_rows < data.n_rows and isinstance(previous, ProximalFisher):
            return fisher.at(point, tol, hessian_subsample(point, n_rows))
        float32 = is_small and not point.fused
        is_expensive = hessian_cost(objective, data.n_rows) > tuning.MAX_NEWTON_COST
        if float32 and n_rows < data.n_rows and is_expensive:
            # A subsample tells whether float32 is accurate enough before all rows are read.
            base = CholeskyFisher.at(hessian_subsample(point, n_rows), self.damping)
            float32 = base.tolerates_float32(point.w.shape[1])
        return fisher.at(point, tol, float32=float32)


def choose_method(objective: Objective, damping: float, direct_limit: int, exact: bool) -> Method:
    """Choose the method for a full-batch descent.

    F is factorised for up to ``direct_limit`` parameters. With ``exact`` F is computed on all rows
    at every point.
    """
    make_method = partial(Method, damping=damping, direct_limit=direct_limit, exact=exact)
    data, n_outputs = objective.data, objective.loss.n_outputs
    n_parameters = data.n_parameters * n_outputs
    work = hessian_work(objective, data.n_rows)
    subsampled_start = (
        not exact and n_parameters <= direct_limit and bool(subsample_sizes(objective))
    )
    n_rows = data.n_rows if exact else hessian_rows(objective)
    uses_all_rows = n_rows >= data.n_rows
    fused = work <= tuning.MAX_FUSED_WORK and (exact or (uses_all_rows and not subsampled_start))
    if objective.penalty.l1:
        is_small = n_parameters <= min(direct_limit, MAX_PARAMETERS_WITHOUT_WORKING_SET)
        reason = f"an L1 penalty, {n_parameters} parameters"
        name = PROXIMAL if is_small else PROXIMAL_ON_WORKING_SET
        cost = hessian_cost(objective, data.n_rows)
        return make_method(name, reason, data.n_rows, cost, is_small and fused, subsampled_start)
    if n_parameters > direct_limit:
        reason = f"{n_parameters} parameters are more than direct_limit = {direct_limit}"
        if exact:
            return make_method(HESSIAN_FREE, reason, data.n_rows, inf)
        if n_outputs > 1 and data.n_parameters <= direct_limit:
            return make_method(KRONECKER, reason, n_rows, inf)
        return make_method(DIAGONAL, reason, 0, inf)
    cost = hessian_cost(objective, n_rows)
    reason = f"F on {n_rows} of {data.n_rows} rows costs {cost:.2g} passes"
    if exact or (uses_all_rows and cost <= tuning.MAX_NEWTON_COST):
        reason = "exact=True" if exact else reason
        return make_method(NEWTON, reason, n_rows, cost, fused, subsampled_start)
    kronecker = n_outputs > 1 and cost > tuning.MAX_NEWTON_COST
    return make_method(
        KRONECKER if kronecker else SUBSAMPLED, reason, n_rows, cost, False, subsampled_start
    )


def full_hessian(
    point: Point, damping: float, direct_limit: int, uniform_weight: float = 0.0
) -> Curvature:
    """The curvature F at the point on all rows.

    Up to ``direct_limit`` parameters F is computed; beyond, it is known by Hessian-vector products.
    With an L1 part and many parameters it is computed on a working set. For mini-batches
    ``uniform_weight`` times F at w = 0 is added.
    """
    objective, l1 = point.objective, point.objective.penalty.l1
    if l1 and point.w.size > min(direct_limit, MAX_PARAMETERS_WITHOUT_WORKING_SET):
        return WorkingSetFisher(objective, damping, direct_limit, uniform_weight)
    if point.w.size > direct_limit:
        return HessianFree.at(point, damping, uniform_weight=uniform_weight)
    fisher = regularized_fisher(point, damping)
    if uniform_weight:
        fisher += uniform_weight * objective.uniform_fisher
    if l1:
        return ProximalFisher(fisher, np.arange(len(point.w)))
    return CholeskyFisher.factorise(fisher, MIN_RIDGE[point.w.dtype])
