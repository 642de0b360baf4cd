"""Which method a fit of the natural gradient uses, decided once from the sizes of the problem."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np

from ...objective import Objective, Point
from . import tuning
from .cost_model import hessian_cost, hessian_rows, hessian_work, more_rows, refresh_cost
from .curvature import MIN_RIDGE, CholeskyFisher, Curvature, regularized_fisher
from .hessian_free import HessianFree
from .hessian_sample import on_rows
from .kronecker import KroneckerFisher
from .lbfgs import LBFGS, DiagonalBase
from .prox_newton import (
    MAX_PARAMETERS_WITHOUT_WORKING_SET,
    ProximalFisher,
    WorkingSet,
    proximal,
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
    """A method, and why it was chosen.

    Attributes
    ----------
    name : str
    reason : str
    n_rows : int
        Rows that F is worked out on.
    hessian_cost : float
        Cost of F on them, in passes over all rows; infinite where it is too large to factorise.
    fused : bool
        Whether every pass works out F beside J and dw.
    subsampled_start : bool
        Whether descents on growing subsamples come first.
    damping : float
    exact : bool
        Whether F is worked out on all rows at every point.
    """

    name: str
    reason: str
    n_rows: int
    hessian_cost: float
    fused: bool = False
    subsampled_start: bool = False
    damping: float = 0.0
    exact: bool = False

    @property
    def newton(self) -> bool:
        """Whether every step is Newton's, with F on all rows."""
        return self.name == NEWTON

    def start(self, point: Point, tol: float, limit: int) -> Curvature:
        """The curvature of the first step."""
        if self.name in (PROXIMAL, PROXIMAL_ON_WORKING_SET):
            return proximal(point, self.damping, tol, limit, self.exact, None)
        if self.name == KRONECKER:
            base = KroneckerFisher.at(on_rows(point, self.n_rows), self.damping)
            return LBFGS(base, self.hessian_cost)
        if self.name == DIAGONAL:
            return LBFGS(DiagonalBase.of(point.objective), self.hessian_cost)
        if self.name == HESSIAN_FREE:
            return HessianFree.at(point, self.damping, tol=tol)
        return self.factorised(point, self.n_rows)

    def refresh(
        self, point: Point, before: Curvature, n_products: int, tol: float, limit: int, ends: bool
    ) -> Curvature:
        """The curvature at a point, after a step by another one.

        ``n_products`` counts the products that the step before took. ``ends`` says whether the
        descent seems to end there: the curvature is then that of this point, so that its
        decrement decides.
        """
        if self.name in (PROXIMAL, PROXIMAL_ON_WORKING_SET):
            return proximal(point, self.damping, tol, limit, self.exact, before, ends)
        if self.newton:
            return self.factorised(point, self.n_rows)
        if self.name == HESSIAN_FREE:
            return HessianFree.at(point, self.damping, tol=tol)
        too_large = self.hessian_cost == inf
        if isinstance(before, HessianFree):
            known = before.updated(before.point, point)
            if too_large or n_products < tuning.MAX_PRODUCTS:
                n_before = before.n_before + 1
                return HessianFree.at(
                    point, self.damping, tol=tol, preconditioner=known, n_before=n_before
                )
            return self.factorised(point, self.n_rows, known)
        assert isinstance(before, LBFGS)
        if too_large or (ends and self.hessian_cost > tuning.MIN_CG_COST):
            return HessianFree.at(point, self.damping, tol=tol, preconditioner=before)
        n_rows = self.n_rows
        if before.is_fisher and not ends and before.n_rows >= n_rows:
            n_rows = more_rows(point.objective, before.n_rows)
        return self.factorised(point, n_rows, before)

    def factorised(self, point: Point, n_rows: int, before: Curvature | None = None) -> LBFGS:
        """F at the point on so many rows."""
        sample = on_rows(point, n_rows)
        if point.curved:
            fisher = regularized_fisher(point, self.damping)
            base = CholeskyFisher.of(fisher, MIN_RIDGE[point.w.dtype])
        else:
            known = before.base if isinstance(before, LBFGS) else None
            float32 = not self.exact
            if isinstance(known, CholeskyFisher):
                float32 = float32 and known.tolerates_float32(point.w.shape[1])
            base = CholeskyFisher.at(sample, self.damping, float32)
        cost = refresh_cost(point.objective, n_rows)
        return LBFGS(base, cost, n_rows, point.w, self.newton)


def choose_method(objective: Objective, damping: float, limit: int, exact: bool) -> Method:
    """The method for a descent on the full batch, with at most ``limit`` parameters factorised."""
    data, n_outputs = objective.data, objective.loss.n_outputs
    n_parameters = data.n_parameters * n_outputs
    work = hessian_work(objective, data.n_rows)
    sampled = not exact and n_parameters <= limit and bool(subsample_sizes(objective))
    all_rows = exact or hessian_rows(objective) >= data.n_rows
    fused = work <= tuning.MAX_FUSED_WORK and (exact or (all_rows and not sampled))
    if objective.penalty.l1:
        few = n_parameters <= min(limit, MAX_PARAMETERS_WITHOUT_WORKING_SET)
        reason = f"an L1 penalty, {n_parameters} parameters"
        name = PROXIMAL if few else PROXIMAL_ON_WORKING_SET
        cost = hessian_cost(objective, data.n_rows)
        return Method(name, reason, data.n_rows, cost, few and fused, sampled, damping, exact)
    if n_parameters > limit:
        reason = f"{n_parameters} parameters are more than direct_limit = {limit}"
        kronecker = n_outputs > 1 and data.n_parameters <= limit
        if exact:
            return Method(HESSIAN_FREE, reason, data.n_rows, inf, damping=damping, exact=True)
        if kronecker:
            return Method(KRONECKER, reason, hessian_rows(objective), inf, damping=damping)
        return Method(DIAGONAL, reason, 0, inf, damping=damping)
    n_rows = data.n_rows if exact else hessian_rows(objective)
    cost = hessian_cost(objective, n_rows)
    priced = f"F on {n_rows} of {data.n_rows} rows costs {cost:.2g} passes"
    if exact or (all_rows and cost <= tuning.MAX_NEWTON_COST):
        reason = "exact=True" if exact else priced
        return Method(NEWTON, reason, n_rows, cost, fused, sampled, damping, exact)
    if n_outputs > 1 and cost > tuning.MAX_NEWTON_COST:
        return Method(KRONECKER, priced, n_rows, cost, False, sampled, damping)
    return Method(SUBSAMPLED, priced, n_rows, cost, False, sampled, damping)


def full_hessian(point: Point, damping: float, limit: int, floor: float = 0.0) -> Curvature:
    """F at the point on all rows, in the form that its size and the penalty allow.

    ``floor`` is the part of F at w = 0 that is added for mini-batches.
    """
    objective, l1 = point.objective, point.objective.penalty.l1
    if l1 and point.w.size > min(limit, MAX_PARAMETERS_WITHOUT_WORKING_SET):
        return WorkingSet(objective, damping, limit, floor)
    if point.w.size > limit:
        return HessianFree.at(point, damping, floor)
    fisher = regularized_fisher(point, damping)
    if floor:
        fisher += floor * objective.uniform_fisher
    if l1:
        return ProximalFisher(fisher, np.arange(len(point.w)))
    return CholeskyFisher.of(fisher, MIN_RIDGE[point.w.dtype])
