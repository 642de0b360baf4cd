"""The natural step under an L1 penalty: the quadratic model plus l1 ‖u‖₁ is minimised.

Where features are many, the step is over a working set of them.

References
----------
Lee, Sun and Saunders, "Proximal Newton-type methods for minimizing composite functions", SIAM J.
Optim. 24 (2014). Yuan, Ho and Lin, "An improved GLMNET for L1-regularized logistic regression",
JMLR 13 (2012).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf

import numpy as np
from numpy.typing import NDArray

from ..._linalg import diagonal, unit_scale
from ..._typing import Array
from ...data import ALL, Dataset
from ...objective import Objective, Point
from . import tuning
from .coordinate_rounds import UNPENALISED
from .cost_model import hessian_cost, hessian_rows
from .curvature import (
    CholeskyFisher,
    Curvature,
    Step,
    max_fisher_diagonal,
    regularized_fisher,
)
from .hessian_sample import on_rows
from .l1_quadratic import ACCURACY, ROUNDS, ColumnModel, GramModel, State, minimise
from .lbfgs import curvature_along

MIN_WORKING_SET = 100
"""Features that a working set has in any case, if any lowers J."""

MAX_REFRESH_COST_L1 = 6.0
"""Cost of F, in passes, that is reckoned with at the most: each step takes Cholesky factors too.
With 26 classes, where F costs 50 passes, a fit takes 22 passes, and 36 without this bound."""

PART_OF_TOL_BY_COLUMNS = 0.02
"""Part of ``tol`` that the error of a step by columns may have, as single steps tell it. With 0.2,
as in conjugate gradients, J ended 200 tol²/2 too high where systems take many products."""

MAX_PARAMETERS_WITHOUT_WORKING_SET = 200
"""Number of parameters up to which F of all of them is worked out."""


@dataclass(frozen=True)
class ProximalFisher(Curvature):
    """F of all parameters or some, for an L1 penalty.

    Parameters without F stay where they are; what they would gain counts towards the
    decrease, so that none is forgotten. Where F is dear it is kept, and corrected by what
    each step shows of the curvature (BFGS), until the decreases shrink too slowly or a
    parameter without F would lower J.

    Attributes
    ----------
    fisher : array of shape (p, p)
    rows : array of ints
        Rows of w that it belongs to.
    tol : float
        The decrement at which the descent ends; `inf` where a step is exact.
    refresh_cost : float
        Of F at another point, in passes; 0: it is worked out at every point.
    current_at : array or None
        The w of the point whose F it is.
    n_rows : float
        As of `Curvature`.
    """

    fisher: Array
    rows: NDArray[np.intp]
    tol: float = inf
    refresh_cost: float = 0.0
    current_at: Array | None = None
    n_rows: float = inf

    @property
    def every_step(self) -> bool:  # type: ignore[override]
        return self.refresh_cost <= tuning.MAX_NEWTON_COST

    def is_current(self, point: Point) -> bool:
        return point.w is self.current_at

    def target(self, point: Point, alpha: float) -> Step:
        """The step over the parameters in ``rows`` of w."""
        objective, rows, n_outputs = point.objective, self.rows, point.w.shape[1]
        penalised = rows < objective.penalty.n_features
        w, dw = (np.asarray(part[rows], dtype=np.float64).ravel() for part in (point.w, point.dw))
        thresholds = np.repeat(np.where(penalised, objective.penalty.l1, 0.0), n_outputs)
        fisher = self.fisher / alpha
        model = GramModel(w, dw, thresholds, diagonal(fisher), fisher)
        state, _ = minimise(model, ACCURACY, 2 * self.tol**2)
        move = (state.u - w).reshape(-1, n_outputs)
        move[~penalised] = objective.loss.without_shared(move[~penalised])  # that is rounding
        target = point.w.astype(np.float64)
        target[rows] += move
        # At the minimum of the model the decrease is at least the bend, which rounding spares. And
        # it is no less than what one coordinate alone gains: a step that does not move is no end.
        alone = float(model.start.gains.max(initial=0.0))
        decrease = max(state.gained, 0.5 * model.curvature(state.u - w, state.image), alone)
        return Step(target, decrease + self._decrease_elsewhere(point, decrease))

    def _decrease_elsewhere(self, point: Point, decrease: float) -> float:
        """What single steps in the parameters without F would gain.

        That is first reckoned with the largest curvature they can have, which needs no pass: the
        least that they would gain. If the descent would end by it, with their own.
        """
        penalty = point.objective.penalty
        smallest = point.subgradient.astype(np.float64)
        smallest[self.rows] = 0
        if not smallest.any():
            return 0.0
        gain = gain_of(smallest, max_fisher_diagonal(point.objective) + penalty.l2)
        if 2 * (decrease + gain) <= self.tol**2 < inf:
            gain = gain_of(smallest, point.objective.fisher.diagonal(point.w))
        return gain

    def updated(self, before: Point, point: Point) -> Curvature | None:
        if np.delete(point.subgradient, self.rows, axis=0).any():
            return None
        step = np.subtract(point.w, before.w, dtype=np.float64)[self.rows].ravel()
        change = np.subtract(point.dw, before.dw, dtype=np.float64)[self.rows].ravel()
        foreseen = self.fisher @ step
        true = curvature_along(step, change, before.dw[self.rows])
        modelled = float(step @ foreseen)
        if not true or modelled <= 0:
            return replace(self, current_at=None)
        fisher = self.fisher + np.outer(change / true, change)
        fisher -= np.outer(foreseen / modelled, foreseen)
        return replace(self, fisher=fisher, current_at=None)


@dataclass(frozen=True)
class WorkingSet(Curvature):
    """F of a working set at the point where a step is made, for mini-batches of many features.

    A batch sees too few rows to be trusted: the diagonal is added to its F.
    """

    objective: Objective
    damping: float
    limit: int
    floor: float

    def target(self, point: Point, alpha: float) -> Step:
        return self.at(point, inf).target(point, alpha)

    def at(
        self, point: Point, tol: float, sample: Point | None = None, float32: bool = False
    ) -> ProximalFisher:
        """F of the features that matter at the point.

        On the rows of a sample it is scaled to its own diagonal on all rows: features are rare.
        """
        features: NDArray[np.intp] | slice = ALL
        rows = np.arange(len(point.w))
        if point.w.size > min(self.limit, MAX_PARAMETERS_WITHOUT_WORKING_SET):
            features = working_set(point, self.limit)
            rows = rows_of(features, point)
        if float32:
            fisher = CholeskyFisher.at(point, self.damping).fisher
        else:
            fisher = regularized_fisher(sample or point, self.damping, features)
        if sample:
            own = point.objective.fisher.diagonal(point.w)[rows].ravel()
            scale = np.sqrt(own) / unit_scale(diagonal(fisher))
            fisher *= scale
            fisher *= scale[:, np.newaxis]
            diagonal(fisher)[...] = own
        if point.objective is not self.objective:
            diagonal(fisher)[...] *= 2
        if self.floor:
            most = np.repeat(max_fisher_diagonal(self.objective)[rows], point.w.shape[1])
            diagonal(fisher)[...] += self.floor * most
        cost = hessian_cost(point.objective, point.objective.data.n_rows)
        cost = min(cost * (len(rows) / len(point.w)) ** 2, MAX_REFRESH_COST_L1)
        n_rows = sample.objective.data.n_rows if sample else inf
        return ProximalFisher(fisher, rows, tol, cost, point.w, n_rows)


@dataclass(frozen=True)
class ColumnFisher(Curvature):
    """F of all features that matter at a point, by their columns of X: no matrix is formed.

    Attributes
    ----------
    full : Step
        The step from there, about as exact as it is wanted; neither model nor columns are kept.
    limit : int
        Largest number of parameters for which F is formed.
    current_at : array
    """

    full: Step
    limit: int
    current_at: Array

    def is_current(self, point: Point) -> bool:
        return point.w is self.current_at

    @classmethod
    def at(cls, point: Point, aim: float, limit: int) -> ColumnFisher | None:
        """F at a point, by one pass forward; None where the matrix costs less than the systems."""
        data = point.objective.data
        features = working_set(point)
        products = price_of_matrix(data, features) if len(features) <= limit else inf
        if products < ROUNDS:
            return None
        rows = rows_of(features, point)
        model = column_model(point, aim, rows, int(min(products, tuning.MAX_PRODUCTS)))
        state, settled = minimise(model, ACCURACY, aim**2)
        dear = max(model.products) >= model.most
        if dear or not settled:
            return None
        return cls(step_on_columns(point, rows, model, state), limit, point.w)

    def target(self, point: Point, alpha: float) -> Step:
        if alpha != 1:
            return WorkingSet(point.objective, 0.0, self.limit, 0.0).target(point, alpha)
        return self.full


def column_model(
    point: Point, aim: float, rows: NDArray[np.intp], max_products: int
) -> ColumnModel:
    """The quadratic model at a point over some rows of w, by columns of X; one pass forward."""
    data, penalty = point.objective.data, point.objective.penalty
    is_feature = rows < penalty.n_features
    unit = np.where(is_feature, 1.0, UNPENALISED)
    w, dw = (part[rows, 0].astype(np.float64) for part in (point.w, point.dw))
    dz, h = point.objective.fisher.row_derivatives(point.w)
    root = np.sqrt(h)
    columns = data.columns(rows[is_feature], root, UNPENALISED)
    gap = np.divide(dz, root, out=np.zeros_like(dz), where=root > 0)
    l2 = np.where(is_feature, penalty.l2, 0.0)
    return ColumnModel(
        w / unit,
        dw * unit,
        np.where(is_feature, penalty.l1, 0.0),
        columns.squares() + l2,
        columns,
        columns.times(w / unit) - gap.astype(np.float32),
        float(np.sum(np.square(gap))),
        l2,
        PART_OF_TOL_BY_COLUMNS * aim,
        max_products,
    )


def step_on_columns(point: Point, rows: NDArray[np.intp], model: ColumnModel, state: State) -> Step:
    """The step to a state of the model."""
    unit = np.where(model.thresholds > 0, 1.0, UNPENALISED)
    w = point.w.astype(np.float64)
    w[rows, 0] += unit * (state.u - model.w)
    w[rows[state.u == 0], 0] = 0.0
    bend = 0.5 * model.curvature(state.u - model.w, state.image)
    return Step(w, max(state.gained, bend))


def working_set(point: Point, limit: int | None = None) -> NDArray[np.intp]:
    """The features in the model, and those whose derivative exceeds l1.

    With a limit they are those that exceed it most: with them the set has at most twice as many
    features as the model (or `MIN_WORKING_SET`), and no more than ``limit`` parameters.
    """
    penalty = point.objective.penalty
    features = slice(penalty.n_features)
    weights = point.w[features].any(axis=1)
    urgency = np.abs(point.dw[features]).max(axis=1) - penalty.l1
    if limit is None:
        return np.flatnonzero(weights | (urgency > 0))
    largest, in_model = max(1, limit // point.w.shape[1]), np.count_nonzero(weights)
    if 2 * in_model <= largest:
        urgency[weights] = inf
    else:
        urgency = np.abs(point.subgradient[features]).max(axis=1)
    chosen = np.argsort(-urgency)[: min(max(MIN_WORKING_SET, 2 * in_model), largest)]
    return np.sort(chosen[urgency[chosen] > 0])


def rows_of(features: NDArray[np.intp], point: Point) -> NDArray[np.intp]:
    """Rows of w of these features and of the intercept, if there is one."""
    return np.append(features, np.arange(point.objective.data.n_features, len(point.w)))


def gain_of(subgradient: Array, squares: Array) -> float:
    """What single steps gain with this diagonal of F."""
    gains = np.divide(
        subgradient**2, 2 * squares, out=np.zeros_like(subgradient), where=squares > 0
    )
    return float(gains.sum())


def price_of_matrix(data: Dataset, features: NDArray[np.intp]) -> float:
    """What F of these features and its factor would cost, in products with their columns."""
    product, gram = data.column_works(features)
    return (gram + len(features) ** 3 / 3) / (product + tuning.WORK_PER_PASS)


def proximal(
    point: Point,
    damping: float,
    tol: float,
    limit: int,
    exact: bool,
    before: Curvature | None,
    ends: bool = False,
) -> Curvature:
    """The curvature of the proximal step from a point, after a step by another one.

    F of all parameters if they are few, else of a working set; or the columns of X of one, where
    these can be read, cost less, and were of use so far. Where the descent seems to end, F of a
    sample has to agree.
    """
    objective, n_rows = point.objective, hessian_rows(point.objective)
    usable = objective.loss.n_outputs == 1 and objective.data.has_columns and not (damping or exact)
    few = point.w.size <= min(limit, MAX_PARAMETERS_WITHOUT_WORKING_SET)
    if usable and not few and not isinstance(before, ProximalFisher):
        columns = ColumnFisher.at(point, tol, limit)
        if columns:
            return columns
    form = WorkingSet(objective, damping, limit, 0.0)
    if exact:
        return replace(form.at(point, tol), refresh_cost=0.0)
    sampled = n_rows < objective.data.n_rows
    if ends and sampled and isinstance(before, ProximalFisher):
        return form.at(point, tol, on_rows(point, n_rows))
    float32 = few and not point.curved
    dear = hessian_cost(objective, objective.data.n_rows) > tuning.MAX_NEWTON_COST
    if float32 and sampled and dear:  # F in float32 may have to be worked out again
        sample = on_rows(point, n_rows)
        float32 = CholeskyFisher.at(sample, damping).tolerates_float32(point.w.shape[1])
    return form.at(point, tol, float32=float32)
