"""Proximal Newton steps: the minimum of the quadratic model plus l1 ‖u‖₁.

With many features, the step is over a working set of them.

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
from .coordinate_descent import UNPENALISED_SCALE
from .cost_model import hessian_cost
from .curvature import CholeskyFisher, Curvature, Step, max_fisher_diagonal, regularized_fisher
from .l1_quadratic import INEXACT_TOL, N_CYCLES, ColumnModel, GramModel, L1State, minimise
from .lbfgs import curvature_along

MIN_WORKING_SET = 100
"""Least size of a working set, in features, if as many violate the KKT conditions."""

MAX_REFRESH_COST_L1 = 6.0
"""Upper bound on the cost of F, in passes, in the decision to refresh it: each step takes Cholesky
factors too. With 26 classes, where F costs 50 passes, a fit takes 22 passes, and 36 without this
bound."""

COLUMN_ERROR_OVER_TOL = 0.02
"""Error allowed in a step by columns, relative to ``tol``, estimated from coordinate decreases.
With 0.2, as in conjugate gradients, J ended 200 tol²/2 too high where systems take many
products."""

MAX_PARAMETERS_WITHOUT_WORKING_SET = 200
"""Number of parameters up to which F of all of them is computed."""


@dataclass(frozen=True)
class ProximalFisher(Curvature):
    """F of all parameters or of a working set, for an L1 penalty.

    Parameters without F stay where they are; the decrease that they would give counts towards the
    predicted decrease. Where F is expensive it is kept and corrected by BFGS updates, until the
    decreases shrink too slowly or a parameter without F violates its KKT condition.

    Attributes
    ----------
    fisher : array of shape (p, p)
    w_rows : array of ints
        The rows of w that F covers.
    tol : float
        The Newton decrement at which the descent ends; `inf` where every step is exact.
    refresh_cost : float
        Cost of F at another point, in passes; 0 where F is refreshed at every point.
    current_at : array or None
        The w of the point whose F it is.
    n_rows : float
    """

    fisher: Array
    w_rows: NDArray[np.intp]
    tol: float = inf
    refresh_cost: float = 0.0
    current_at: Array | None = None
    n_rows: float = inf

    @property
    def refresh_every_step(self) -> bool:  # type: ignore[override]
        return self.refresh_cost <= tuning.MAX_NEWTON_COST

    def is_current(self, point: Point) -> bool:
        return point.w is self.current_at

    def newton_step(self, point: Point, alpha: float) -> Step:
        """The step over the parameters that F covers."""
        objective, rows, n_outputs = point.objective, self.w_rows, point.w.shape[1]
        penalised = rows < objective.penalty.n_features
        w, dw = (np.asarray(part[rows], dtype=np.float64).ravel() for part in (point.w, point.dw))
        thresholds = np.repeat(np.where(penalised, objective.penalty.l1, 0.0), n_outputs)
        fisher = self.fisher / alpha
        model = GramModel(w, dw, thresholds, diagonal(fisher), fisher)
        state, _ = minimise(model, INEXACT_TOL, 2 * self.tol**2)
        delta = (state.u - w).reshape(-1, n_outputs)
        # The common shift of the unpenalised rows is rounding.
        delta[~penalised] = objective.loss.center_classes(delta[~penalised])
        end = point.w.astype(np.float64)
        end[rows] += delta
        # At the minimum of the model, the decrease is at least half the curvature term, which has
        # no cancellation. Rounding may stop the step, so one coordinate's decrease is a bound too.
        half_curvature = 0.5 * model.curvature(state.u - w, state.image)
        best_coordinate = float(model.start.coordinate_decreases.max(initial=0.0))
        decrease = max(state.decrease, half_curvature, best_coordinate)
        return Step(end, decrease + self._decrease_outside(point, decrease))

    def _decrease_outside(self, point: Point, decrease: float) -> float:
        """The predicted decrease of coordinate steps in the parameters without F.

        Upper bounds on the diagonal of F give a lower bound without a pass. Where the descent
        would end by this bound, a pass computes the diagonal itself.
        """
        penalty = point.objective.penalty
        subgradient = point.subgradient.astype(np.float64)
        subgradient[self.w_rows] = 0
        if not subgradient.any():
            return 0.0
        max_diagonal = max_fisher_diagonal(point.objective) + penalty.l2
        outside = diagonal_decrease(subgradient, max_diagonal)
        if 2 * (decrease + outside) <= self.tol**2 < inf:
            outside = diagonal_decrease(subgradient, point.objective.fisher.diagonal(point.w))
        return outside

    def updated(self, previous: Point, point: Point) -> Curvature | None:
        if np.delete(point.subgradient, self.w_rows, axis=0).any():
            return None
        s = np.subtract(point.w, previous.w, dtype=np.float64)[self.w_rows].ravel()
        y = np.subtract(point.dw, previous.dw, dtype=np.float64)[self.w_rows].ravel()
        Fs = self.fisher @ s
        sTy, sTFs = curvature_along(s, y, previous.dw[self.w_rows]), float(s @ Fs)
        if not sTy or sTFs <= 0:
            return replace(self, current_at=None)
        fisher = self.fisher + np.outer(y / sTy, y)
        fisher -= np.outer(Fs / sTFs, Fs)
        return replace(self, fisher=fisher, current_at=None)


@dataclass(frozen=True)
class WorkingSetFisher(Curvature):
    """F of a working set, chosen and computed at every point, for mini-batches of many features.

    A batch has too few rows for a reliable F, so the diagonal of its F is doubled.
    """

    objective: Objective
    damping: float
    direct_limit: int
    uniform_weight: float

    def newton_step(self, point: Point, alpha: float) -> Step:
        return self.at(point, inf).newton_step(point, alpha)

    def at(
        self, point: Point, tol: float, sample: Point | None = None, float32: bool = False
    ) -> ProximalFisher:
        """F of the working set at the point.

        F on the rows of a sample is scaled to its diagonal on all rows, since features are rare.
        """
        features: NDArray[np.intp] | slice = ALL
        rows = np.arange(len(point.w))
        if point.w.size > min(self.direct_limit, MAX_PARAMETERS_WITHOUT_WORKING_SET):
            features = working_set(point, self.direct_limit)
            rows = with_intercept(features, point)
        if float32:
            fisher = CholeskyFisher.at(point, self.damping).fisher
        else:
            fisher = regularized_fisher(sample or point, self.damping, features)
        if sample:
            full_diagonal = point.objective.fisher.diagonal(point.w)[rows].ravel()
            scale = np.sqrt(full_diagonal) / unit_scale(diagonal(fisher))
            fisher *= scale
            fisher *= scale[:, np.newaxis]
            diagonal(fisher)[...] = full_diagonal
        if point.objective is not self.objective:
            diagonal(fisher)[...] *= 2
        if self.uniform_weight:
            max_diagonal = np.repeat(max_fisher_diagonal(self.objective)[rows], point.w.shape[1])
            diagonal(fisher)[...] += self.uniform_weight * max_diagonal
        cost = hessian_cost(point.objective, point.objective.data.n_rows)
        cost = min(cost * (len(rows) / len(point.w)) ** 2, MAX_REFRESH_COST_L1)
        n_rows = sample.objective.data.n_rows if sample else inf
        return ProximalFisher(fisher, rows, tol, cost, point.w, n_rows)


@dataclass(frozen=True)
class ColumnFisher(Curvature):
    """F of the working set at a point by columns of X, without a matrix F.

    Attributes
    ----------
    step : Step
        The Newton step from the point; neither the model nor the columns are kept.
    direct_limit : int
        Largest number of parameters for which F is formed.
    current_at : array
        The w of the point.
    """

    step: Step
    direct_limit: int
    current_at: Array

    def is_current(self, point: Point) -> bool:
        return point.w is self.current_at

    @classmethod
    def at(cls, point: Point, tol: float, direct_limit: int) -> ColumnFisher | None:
        """F at the point, by one forward pass; None where forming F costs less than the systems."""
        data = point.objective.data
        features = working_set(point)
        cost = matrix_cost(data, features) if len(features) <= direct_limit else inf
        if cost < N_CYCLES:
            return None
        rows = with_intercept(features, point)
        model = column_model(point, tol, rows, int(min(cost, tuning.MAX_PRODUCTS)))
        state, converged = minimise(model, INEXACT_TOL, tol**2)
        if max(model.products) >= model.max_products or not converged:
            return None
        return cls(column_step(point, rows, model, state), direct_limit, point.w)

    def newton_step(self, point: Point, alpha: float) -> Step:
        if alpha != 1:
            fisher = WorkingSetFisher(point.objective, 0.0, self.direct_limit, 0.0)
            return fisher.newton_step(point, alpha)
        return self.step


def column_model(
    point: Point, tol: float, w_rows: NDArray[np.intp], max_products: int
) -> ColumnModel:
    """The quadratic model over some rows of w, by columns of X; one forward pass."""
    data, penalty = point.objective.data, point.objective.penalty
    is_feature = w_rows < penalty.n_features
    scale = np.where(is_feature, 1.0, UNPENALISED_SCALE)
    w, dw = (part[w_rows, 0].astype(np.float64) for part in (point.w, point.dw))
    dz, h = point.objective.fisher.row_derivatives(point.w)
    sqrt_h = np.sqrt(h)
    columns = data.columns(w_rows[is_feature], sqrt_h, UNPENALISED_SCALE)
    residual = np.divide(dz, sqrt_h, out=np.zeros_like(dz), where=sqrt_h > 0)
    l2 = np.where(is_feature, penalty.l2, 0.0)
    return ColumnModel(
        w / scale,
        dw * scale,
        np.where(is_feature, penalty.l1, 0.0),
        columns.squares() + l2,
        columns,
        columns.times(w / scale) - residual.astype(np.float32),
        float(np.sum(np.square(residual))),
        l2,
        COLUMN_ERROR_OVER_TOL * tol,
        max_products,
    )


def column_step(point: Point, w_rows: NDArray[np.intp], model: ColumnModel, state: L1State) -> Step:
    """The step of the parameters to a state of the model."""
    scale = np.where(model.thresholds > 0, 1.0, UNPENALISED_SCALE)
    w = point.w.astype(np.float64)
    w[w_rows, 0] += scale * (state.u - model.w)
    w[w_rows[state.u == 0], 0] = 0.0
    half_curvature = 0.5 * model.curvature(state.u - model.w, state.image)
    return Step(w, max(state.decrease, half_curvature))


def working_set(point: Point, direct_limit: int | None = None) -> NDArray[np.intp]:
    """The features with a weight and those that violate their KKT condition.

    With a limit, the set has the features of the largest violations: at most twice as many as have
    a weight (or `MIN_WORKING_SET`), and no more than ``direct_limit`` parameters.
    """
    penalty = point.objective.penalty
    features = slice(penalty.n_features)
    nonzero = point.w[features].any(axis=1)
    violations = np.abs(point.dw[features]).max(axis=1) - penalty.l1
    if direct_limit is None:
        return np.flatnonzero(nonzero | (violations > 0))
    max_features, n_nonzero = max(1, direct_limit // point.w.shape[1]), np.count_nonzero(nonzero)
    if 2 * n_nonzero <= max_features:
        violations[nonzero] = inf
    else:
        violations = np.abs(point.subgradient[features]).max(axis=1)
    size = min(max(MIN_WORKING_SET, 2 * n_nonzero), max_features)
    largest = np.argsort(-violations)[:size]
    return np.sort(largest[violations[largest] > 0])


def with_intercept(features: NDArray[np.intp], point: Point) -> NDArray[np.intp]:
    """Rows of w of these features and of the intercept, if there is one."""
    return np.append(features, np.arange(point.objective.data.n_features, len(point.w)))


def diagonal_decrease(subgradient: Array, curvatures: Array) -> float:
    """The predicted decrease of a Newton step with this diagonal in place of F."""
    decreases = np.divide(
        subgradient**2, 2 * curvatures, out=np.zeros_like(subgradient), where=curvatures > 0
    )
    return float(decreases.sum())


def matrix_cost(data: Dataset, features: NDArray[np.intp]) -> float:
    """Cost of F of these features and its Cholesky factor, in products with their columns."""
    product, gram = data.column_pass_and_gram_work(features)
    return (gram + len(features) ** 3 / 3) / (product + tuning.WORK_PER_PASS)
