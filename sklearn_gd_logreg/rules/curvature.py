"""The Fisher information at a point, in the form that its size allows.

Each form answers one question: where does a step of length α lead, and how much
lower is the quadratic model of J there?
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import linalg
from scipy.sparse.linalg import LinearOperator, cg

from .._linalg import diagonal, require_finite, unit_scale
from .._typing import Array
from ..objective import ALL, Objective, Point
from .lasso import solve_lasso

RESTRAINT = 0.01
"""Part of the largest curvature that restrains a proximal step shorter than the full one."""


class Target(NamedTuple):
    """Where a step leads, and by how much the quadratic model is lower there."""

    w: Array
    decrease: float


class Curvature(ABC):
    """The quadratic model of J that belongs to a Fisher information."""

    @abstractmethod
    def target(self, point: Point, alpha: float) -> Target:
        """Minimum over u of dw·(u − w) + (u − w)ᵀF(u − w)/(2α) + l1 ‖u‖₁."""


@dataclass(frozen=True)
class FactorisedFisher(Curvature):
    """F, scaled to a unit diagonal and factorised.

    A trace of the diagonal is added, no more than rounding makes necessary: F is
    singular where features are collinear or, without a penalty, where adding the
    same to the scores of all classes changes nothing. The gradient has no part there.
    """

    scale: Array
    factor: tuple[Array, bool]

    @classmethod
    def of(cls, fisher: Array) -> FactorisedFisher:
        """Factorise with the least trace that makes F positive definite."""
        scale = unit_scale(diagonal(fisher))
        scaled = fisher / scale / scale[:, np.newaxis]
        trace = 1e-12
        while True:
            diagonal(scaled)[...] += trace
            try:
                return cls(scale, linalg.cho_factor(scaled, lower=True, check_finite=False))
            except linalg.LinAlgError:
                trace *= 10

    def target(self, point: Point, alpha: float) -> Target:
        slope = point.dw.ravel() / self.scale
        move = linalg.cho_solve(self.factor, slope, check_finite=False)
        w = point.w - alpha * (move / self.scale).reshape(point.w.shape)
        return Target(w, 0.5 * alpha * float(slope @ move))


class Origin(Curvature):
    """No F at all: the way to w = 0, b = 0, where every class is as likely.

    J is convex, so from a point that costs more it falls all the way.
    """

    def target(self, point: Point, alpha: float) -> Target:
        w = (1 - alpha) * point.w
        return Target(w, point.cost - point.objective.loss.uniform_loss)


@dataclass(frozen=True)
class ImplicitFisher(Curvature):
    """F by its products with vectors: conjugate gradients in scaled parameters.

    On the rows it was looked at, F is used as it is. On a mini-batch the diagonal of
    the full F is added to the F of the batch, which sees too few rows to be trusted
    in all directions.
    """

    objective: Objective
    diagonal: Array
    damping: float
    floor: float
    accuracy: float = 0.05
    max_products: int = 200

    def target(self, point: Point, alpha: float) -> Target:
        product = point.objective.fisher_product(point.w)
        added = self.damping * self.diagonal
        if point.objective is not self.objective:
            added = added + self.diagonal
        if self.floor:
            added = added + self.floor * largest_diagonal(self.objective)
        scale = unit_scale(self.diagonal + added)

        def scaled_product(v: Array) -> Array:
            move = v.reshape(scale.shape) / scale
            curved = product(move.astype(point.w.dtype)) + added * move
            return (curved / scale).ravel()

        operator = LinearOperator((scale.size, scale.size), scaled_product, dtype=np.float64)
        slope = (point.dw / scale).ravel()
        move, _ = cg(operator, slope, rtol=self.accuracy, maxiter=self.max_products)
        w = point.w - alpha * move.reshape(scale.shape) / scale
        return Target(w, 0.5 * alpha * float(slope @ move))


@dataclass(frozen=True)
class ProximalFisher(Curvature):
    """F of all parameters, for an L1 penalty: the model is minimised exactly."""

    fisher: Array

    def target(self, point: Point, alpha: float) -> Target:
        everything = np.arange(len(point.w))
        return proximal_target(self.fisher, point, alpha, everything)


@dataclass(frozen=True)
class WorkingSet(Curvature):
    """F of the features that matter, for an L1 penalty and many features.

    These are the features in the model and those whose derivative most exceeds the
    threshold: at most twice as many as are in the model already (but ``fewest`` in
    any case), and no more than ``limit`` parameters. The others stay where they are;
    what they would gain counts towards the decrease, so that none is forgotten.
    """

    objective: Objective
    damping: float
    limit: int
    floor: float
    fewest: int = 100

    def target(self, point: Point, alpha: float) -> Target:
        features = self._features(point)
        intercept = np.arange(point.objective.data.n_features, len(point.w))
        rows = np.append(features, intercept)
        fisher = regular_fisher(point, self.damping, features)
        if point.objective is not self.objective:
            diagonal(fisher)[...] *= 2
        if self.floor:
            most = np.repeat(largest_diagonal(self.objective)[rows], point.w.shape[1])
            diagonal(fisher)[...] += self.floor * most
        target = proximal_target(fisher, point, alpha, rows)
        return Target(target.w, target.decrease + self._decrease_elsewhere(point, rows))

    def _decrease_elsewhere(self, point: Point, rows: NDArray[np.intp]) -> float:
        """What single steps in the features left out would gain at the least."""
        penalty = point.objective.penalty
        smallest = penalty.smallest_subgradient(point.w, point.dw).astype(np.float64)
        smallest[rows] = 0
        most = largest_diagonal(point.objective) + penalty.l2
        gains = np.divide(smallest**2, 2 * most, out=np.zeros_like(smallest), where=most > 0)
        return float(gains.sum())

    def _features(self, point: Point) -> NDArray[np.intp]:
        penalty = point.objective.penalty
        weights = point.w[: penalty.n_features].any(axis=1)
        smallest = penalty.smallest_subgradient(point.w, point.dw)[: penalty.n_features]
        urgency = np.abs(smallest).max(axis=1)
        largest = max(1, self.limit // point.w.shape[1])
        in_model = np.count_nonzero(weights)
        if 2 * in_model <= largest:
            urgency[weights] = np.inf
        chosen = np.argsort(-urgency)[: min(max(self.fewest, 2 * in_model), largest)]
        return np.sort(chosen[urgency[chosen] > 0])


def proximal_target(fisher: Array, point: Point, alpha: float, rows: NDArray[np.intp]) -> Target:
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
    move = (solve_lasso(model, model @ w - dw, thresholds, w) - w).reshape(-1, n_outputs)
    move[~penalised] -= move[~penalised] @ objective.loss.redundancy  # nothing but rounding
    target = point.w.astype(np.float64)
    target[rows] += move
    bend = 0.5 * float(move.ravel() @ model @ move.ravel())
    # At the minimum of the model the decrease is at least the bend, which rounding spares.
    return Target(target, max(point.expected_decrease(target) - bend, bend))


def regular_fisher(point: Point, damping: float, features: NDArray[np.intp] | slice = ALL) -> Array:
    """F + damping diag(F), made regular where the loss is redundant.

    The softmax does not change when all scores of a row do by the same amount, and
    nor does J in a parameter without an l2 penalty. The gradient is 0 in such a
    direction but for rounding; F gets a curvature there, small beside its own and
    large beside rounding, that keeps rounding from being blown up.
    """
    objective = point.objective
    fisher = objective.fisher(point.w, features)
    require_finite(fisher)
    diagonal(fisher)[...] *= 1 + damping
    n_outputs = point.w.shape[1]
    by_class = fisher.reshape(len(fisher) // n_outputs, n_outputs, -1, n_outputs)
    flat = slice(len(by_class) - objective.data.intercept if objective.penalty.l2 else 0, None)
    mean = np.einsum("icjc->ij", by_class[flat, :, flat]) / n_outputs
    by_class[flat, :, flat] += 1e-6 * np.einsum("ij,cd->icjd", mean, objective.loss.redundancy)
    return fisher


def largest_diagonal(objective: Objective) -> Array:
    """The largest values that the diagonal of F can have but for l2, (n_parameters, 1)."""
    return objective.loss.smoothness * objective.mean_squares[:, np.newaxis]


def curvature_at(point: Point, damping: float, limit: int, floor: float = 0.0) -> Curvature:
    """The form of the Fisher information that suits the size and the penalty.

    ``floor`` is the part of F at w = 0 that is added for mini-batches.
    """
    objective, rough = point.objective, point.objective.penalty.l1 > 0
    if point.w.size > limit:
        if rough:
            return WorkingSet(objective, damping, limit, floor)
        return ImplicitFisher(objective, objective.fisher_diagonal(point.w), damping, floor)
    fisher = regular_fisher(point, damping)
    if floor:
        fisher += floor * objective.uniform_fisher
    return ProximalFisher(fisher) if rough else FactorisedFisher.of(fisher)
