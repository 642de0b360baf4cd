"""The natural step under an L1 penalty: the quadratic model plus l1 ‖u‖₁ is minimised."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf

import numpy as np
from numpy.typing import NDArray

from ..._linalg import diagonal
from ..._typing import Array
from ...objective import Objective, Point
from .curvature import Curvature, Target, largest_diagonal, regular_fisher
from .lasso import coordinate_gains, solve_lasso
from .lbfgs import FRESH, NEGLIGIBLE, NEWTON, bend

SET_PRICE = 6.0
"""What F of a working set is taken to cost, in passes."""

MISSED = 0.01
"""Part of the last decrease that the parameters without F may gain before it is worked out anew."""

FULL = 0.9
"""Part of the working set that is in the model where F is kept."""

FEWEST, FEWEST_MOST, ROWS = 100, 250, 80
"""Features that a working set has in any case: one for so many rows, between two bounds."""

RESTRAINT = 0.01
"""Part of the largest curvature that restrains a proximal step shorter than the full one."""


@dataclass(frozen=True)
class ProximalFisher(Curvature):
    """F of all parameters or some, for an L1 penalty.

    Parameters without F stay where they are; what they would gain counts towards the
    decrease, so that none is forgotten. Where F is dear it is kept, and corrected by what
    each step shows of the curvature (BFGS), until the decreases shrink too slowly.

    Attributes
    ----------
    fisher : array of shape (p, p)
    rows : array of ints
        Rows of w that it belongs to.
    enough : float
        Decrease up to which the model is minimised exactly.
    price : float
        What working F out anew would cost, in passes; 0: it is worked out at every point.
    aim : float
        Norm of the gradient at which the descent ends.
    single : bool
        Whether single precision will do for F.
    kept : bool
        Whether it was worked out at a point before.
    """

    fisher: Array
    rows: NDArray[np.intp]
    enough: float = inf
    price: float = 0.0
    aim: float = 0.0
    single: bool = True
    kept: bool = False

    def target(self, point: Point, alpha: float) -> Target:
        target = proximal_target(self.fisher, point, alpha, self.rows, self.enough)
        if len(self.rows) == len(point.w):
            return target
        elsewhere = decrease_elsewhere(point, self.rows)
        if elsewhere and not self.kept and 2 * (target.decrease + elsewhere) <= self.aim**2:
            bends = point.objective.fisher_diagonal(point.w)
            elsewhere = decrease_elsewhere(point, self.rows, bends)
        return Target(target.w, target.decrease + elsewhere)

    def learn(self, before: Point, point: Point, decrease: float) -> Curvature | None:
        if self.price <= NEWTON or self._misses(point, decrease):
            return None
        step = np.subtract(point.w, before.w, dtype=np.float64)[self.rows].ravel()
        change = np.subtract(point.dw, before.dw, dtype=np.float64)[self.rows].ravel()
        foreseen = self.fisher @ step
        true, modelled = bend(step, change, before.dw[self.rows]), float(step @ foreseen)
        if not true or modelled <= 0:
            return replace(self, kept=True)
        fisher = self.fisher + np.outer(change / true, change)
        fisher -= np.outer(foreseen / modelled, foreseen)
        return replace(self, fisher=fisher, kept=True)

    def _misses(self, point: Point, decrease: float) -> bool:
        """Whether parameters without F have come to matter, or many with F no longer do."""
        if len(self.rows) == len(point.w):
            return False
        inside = np.count_nonzero(in_model(point)[self.rows])
        if inside < FULL * len(self.rows) or self.is_partial(point):
            return True
        return decrease_elsewhere(point, self.rows) > MISSED * decrease

    def overlooks(self, point: Point) -> bool:
        elsewhere = np.delete(point.subgradient, self.rows, axis=0)
        return self.kept and bool(elsewhere.any())

    def aimed_at(self, aim: float) -> ProximalFisher:
        return self if aim == self.aim else replace(self, aim=aim, enough=2 * aim**2)

    def is_partial(self, point: Point) -> bool:
        return bool(np.delete(in_model(point), self.rows).any())

    def is_stale(self, decrease: float, ratio: float) -> bool:
        if 2 * decrease < (NEGLIGIBLE * self.aim) ** 2:
            return False
        return ratio > FRESH ** (2 / (1 + self.price))


@dataclass(frozen=True)
class WorkingSet(Curvature):
    """F of the features that matter, for an L1 penalty and many features.

    These are the features in the model and those whose derivative most exceeds the
    threshold: at most twice as many as are in the model already (but `FEWEST` in any
    case), and no more than ``limit`` parameters. The others stay where they are;
    what they would gain counts towards the decrease, so that none is forgotten.
    """

    objective: Objective
    damping: float
    limit: int
    floor: float
    enough: float = inf

    def target(self, point: Point, alpha: float) -> Target:
        return self.at(point).target(point, alpha)

    def at(self, point: Point, aim: float = 0.0) -> ProximalFisher:
        """F of the features that matter at the point."""
        features = self._features(point)
        intercept = np.arange(point.objective.data.n_features, len(point.w))
        rows = np.append(features, intercept)
        fisher = regular_fisher(point, self.damping, features)
        if point.objective is not self.objective:
            diagonal(fisher)[...] *= 2
        if self.floor:
            most = np.repeat(largest_diagonal(self.objective)[rows], point.w.shape[1])
            diagonal(fisher)[...] += self.floor * most
        return ProximalFisher(fisher, rows, self.enough, SET_PRICE, aim)

    def _features(self, point: Point) -> NDArray[np.intp]:
        penalty = point.objective.penalty
        weights = point.w[: penalty.n_features].any(axis=1)
        smallest = penalty.smallest_subgradient(point.w, point.dw)[: penalty.n_features]
        urgency = np.abs(smallest).max(axis=1)
        largest = max(1, self.limit // point.w.shape[1])
        in_model = np.count_nonzero(weights)
        if 2 * in_model <= largest:
            urgency[weights] = np.inf
        fewest = int(np.clip(point.objective.data.n_rows // ROWS, FEWEST, FEWEST_MOST))
        chosen = np.argsort(-urgency)[: min(max(fewest, 2 * in_model), largest)]
        return np.sort(chosen[urgency[chosen] > 0])


def in_model(point: Point) -> NDArray[np.bool_]:
    """Of each row of w, whether it is not 0."""
    used: NDArray[np.bool_] = np.abs(point.w).max(axis=1) > 0
    return used


def decrease_elsewhere(point: Point, rows: NDArray[np.intp], bends: Array | None = None) -> float:
    """What single steps in the parameters left out would gain.

    ``bends`` is the diagonal of F; without it, that is what they would gain at the least.
    """
    penalty = point.objective.penalty
    smallest = penalty.smallest_subgradient(point.w, point.dw).astype(np.float64)
    smallest[rows] = 0
    if not smallest.any():
        return 0.0
    most = largest_diagonal(point.objective) + penalty.l2 if bends is None else bends
    gains = np.divide(smallest**2, 2 * most, out=np.zeros_like(smallest), where=most > 0)
    return float(gains.sum())


def proximal_target(
    fisher: Array, point: Point, alpha: float, rows: NDArray[np.intp], enough: float = inf
) -> Target:
    """The step over the parameters in ``rows`` of w, whose Fisher information is given.

    Where all probabilities are near 0 or 1, F all but vanishes and F/α restrains
    nothing. A short step is kept short by a part of the largest curvature that each
    parameter can have; the full step, α = 1, is left alone.
    """
    objective, n_outputs = point.objective, point.w.shape[1]
    penalised = rows < objective.penalty.n_features
    w, dw = (np.asarray(part[rows], dtype=np.float64).ravel() for part in (point.w, point.dw))
    thresholds = np.repeat(np.where(penalised, objective.penalty.l1, 0.0), n_outputs)
    model = fisher / alpha
    if alpha < 1:
        restraint = RESTRAINT * (1 / alpha - 1) * largest_diagonal(objective)[rows]
        diagonal(model)[...] += np.repeat(restraint, n_outputs)
    u = solve_lasso(model, model @ w - dw, thresholds, w, enough)
    move = (u - w).reshape(-1, n_outputs)
    move[~penalised] = objective.loss.without_shared(move[~penalised])  # that is rounding
    target = point.w.astype(np.float64)
    target[rows] += move
    bend = 0.5 * float(move.ravel() @ model @ move.ravel())
    # At the minimum of the model the decrease is at least the bend, which rounding spares. And
    # it is no less than what one coordinate alone gains: a step that does not move is no end.
    alone = float(coordinate_gains(model, dw, thresholds, w).max(initial=0))
    return Target(target, max(point.expected_decrease(target) - bend, bend, alone))
