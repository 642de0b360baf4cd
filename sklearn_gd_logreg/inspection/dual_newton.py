"""Dual points after a Newton step: their residuals match the gradient of the penalty.

At the minimum Xᵀr = −∂P(w), and near it the difference is small. For large C it is large
beside λ, though. With an L1 penalty alone the residuals must then shrink until |Xᵀr| ≤ l1; with
a small L2 penalty too, the conjugate divides the square of the difference by l2. Either way the
bound is much lower than J*, even if J is close to J*.

So the probabilities take a step to first order, to a − (diag(a) − aaᵀ) Xv. It changes Xᵀr by −Fv
exactly. Let v be the step to the minimum of the quadratic model of J, penalty included: then the
difference is 0 up to rounding, for any C. (A Newton step of w leaves one of the order of v².)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import isfinite

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from .._linalg import diagonal, unit_scale
from .._typing import Array
from ..data import Rows
from ..objective import Objective
from ..penalty import ElasticNet
from .dual_point import DualPoint, Probabilities, dual_point

MAX_PARAMETERS_TO_FACTORISE = 2000
"""Number of parameters up to which F is factorised."""

MAX_NEWTON_STEPS = 100
"""Dual points of one call; near the minimum two or three suffice."""

MAX_SUPPORT_CHANGES = 200
"""Changes of the support in the search for the minimum of a quadratic model."""

RIDGE_PER_SIDE = 1e-14
"""Ridge of F with a unit diagonal, divided by its number of rows: it makes F definite."""

KKT_TOLERANCE = 1e-10
"""Relative tolerance of the condition |dw| ≤ l1."""


def newton_dual_points(
    probabilities: Probabilities, point: DualPoint, damped: bool
) -> Iterator[tuple[DualPoint, bool]]:
    """Yield dual points after Newton steps, and whether each step was a full one.

    Each takes two passes over X, and those of F. With too many parameters for F there are none.
    Where a full step would make a probability negative, the points end; if ``damped``, the
    model takes a partial step instead, as in a damped Newton method.
    """
    objective = probabilities.fitted.objective
    n_features = objective.data.n_features
    w = probabilities.fitted.w.copy()
    w[:n_features] = with_smallest_penalty(w[:n_features], objective.penalty)
    w[n_features:] = probabilities.b
    l1, l2 = penalty_weights(objective, w.shape)
    u, working_set, model = w, np.zeros(w.shape, dtype=bool), None
    for _ in range(MAX_NEWTON_STEPS):
        dw = np.concatenate((point.dw, point.db[np.newaxis]))[: len(w)]
        violating = (u != 0) | (l1 == 0) | (np.abs(dw) > (1 + KKT_TOLERANCE) * l1)
        if model is None or (violating & ~working_set).any():
            working_set |= violating
            if working_set.sum() > MAX_PARAMETERS_TO_FACTORISE:
                return
            fisher = fisher_of(probabilities, w, working_set)
            model = QuadraticModel(fisher, l1[working_set], l2[working_set])
        minimiser = np.zeros_like(w)
        try:
            minimiser[working_set] = model.minimiser(u[working_set], dw[working_set])
        except (linalg.LinAlgError, ValueError):  # F is not positive definite, or not finite
            return
        v = w - minimiser
        stepped = replace(probabilities, score_step=scores_of(v, probabilities))
        decrease = stepped.max_relative_decrease()
        if decrease < 1:
            u, point = minimiser, dual_point(stepped)
            yield point, True
        elif damped and isfinite(decrease):
            probabilities = stepped.after_partial_step(w - v / decrease, 1 / decrease)
            w = u = probabilities.fitted.w
            point, model = dual_point(probabilities), None
            yield point, False
        else:
            return


def penalty_weights(objective: Objective, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Return l1 and l2 of every parameter, 0 for the intercept."""
    penalty, n_features = objective.penalty, objective.data.n_features
    l1, l2 = np.zeros(shape), np.zeros(shape)
    l1[:n_features], l2[:n_features] = penalty.l1, penalty.l2
    return l1, l2


def scores_of(v: Array, probabilities: Probabilities) -> Array:
    """Return Xv, the intercept included; one pass over X."""
    scores = np.empty_like(probabilities.scores)

    def block(rows: Rows) -> tuple[float]:
        scores[rows.index] = rows.forward(v)
        return (0.0,)

    probabilities.fitted.objective.data.sum(block)
    return scores


def fisher_of(probabilities: Probabilities, w: Array, working_set: NDArray[np.bool_]) -> Array:
    """Return F of the parameters in the working set at w, without the penalty."""
    objective = probabilities.fitted.objective
    n_features, n_outputs = objective.data.n_features, w.shape[1]
    features = np.flatnonzero(working_set[:n_features].any(axis=1))
    fisher = objective.fisher(w, features)
    diagonal(fisher)[: len(features) * n_outputs] -= objective.penalty.l2
    indices = np.flatnonzero(working_set[np.append(features, np.arange(n_features, len(w)))])
    return fisher[np.ix_(indices, indices)]


def with_smallest_penalty(weights: Array, penalty: ElasticNet) -> Array:
    """Shift the weights of each feature by the number that minimises the penalty.

    The softmax is invariant to a common shift of the weights of all classes.
    """
    n_classes = weights.shape[1]
    if n_classes == 1 or not penalty.l1:
        return weights
    shifts = weights  # the minimiser makes a weight 0, or lies between two such shifts
    if penalty.l2:
        mean_signs = 2 * np.arange(n_classes + 1) / n_classes - 1
        between = weights.mean(axis=1, keepdims=True) - penalty.l1 / penalty.l2 * mean_signs
        shifts = np.concatenate((weights, between), axis=1)
    shifted = weights[:, np.newaxis] - shifts[:, :, np.newaxis]
    values = (0.5 * penalty.l2 * shifted**2 + penalty.l1 * np.abs(shifted)).sum(axis=2)
    best: Array = shifted[np.arange(len(weights)), np.argmin(values, axis=1)]
    return best


@dataclass(frozen=True)
class QuadraticModel:
    """Quadratic model of J: dwᵀ(u − u₀) + ½ (u − u₀)ᵀF(u − u₀) + Σ l1 |u| + ½ Σ l2 u².

    Attributes
    ----------
    fisher : array of shape (p, p)
    l1, l2 : array of shape (p,)
        0 for intercepts.
    """

    fisher: Array
    l1: Array
    l2: Array

    def minimiser(self, start: Array, dw: Array) -> Array:
        """Minimise over u by feature-sign search from u₀ on.

        For fixed signs, u solves a linear system. A step towards it ends at the lowest of the
        points at which a weight is 0. Then a zero weight with |dw| > l1 becomes active.

        References
        ----------
        Lee, Battle, Raina, Ng, "Efficient sparse coding algorithms", NIPS 19 (2006).
        """
        u, unpenalised, signs_kept = start.copy(), self.l1 == 0, False
        for _ in range(MAX_SUPPORT_CHANGES):
            g = dw + self.fisher @ (u - start) + self.l2 * u
            sign = np.sign(u)
            if signs_kept:
                excess = np.where(
                    (u == 0) & ~unpenalised, np.abs(g) - (1 + KKT_TOLERANCE) * self.l1, 0.0
                )
                entering = int(np.argmax(excess / unit_scale(diagonal(self.fisher))))
                if not excess[entering] > 0:
                    break
                sign[entering] = -np.sign(g[entering])
            active = unpenalised | (sign != 0)
            step = np.zeros_like(u)
            if active.any():
                step[active] = self._solve(active, -(g + self.l1 * sign)[active])
            u = self._best_along(u, step, g)
            signs_kept = bool((u[active & ~unpenalised] != 0).all())
        return u

    def _solve(self, active: NDArray[np.bool_], g: Array) -> Array:
        matrix = self.fisher[np.ix_(active, active)]
        diagonal(matrix)[...] += self.l2[active]
        scale = unit_scale(diagonal(matrix))
        matrix /= scale * scale[:, np.newaxis]
        diagonal(matrix)[...] += RIDGE_PER_SIDE * len(matrix)
        solution: Array = linalg.cho_solve(linalg.cho_factor(matrix, lower=True), g / scale)
        return solution / scale

    def _best_along(self, u: Array, step: Array, g: Array) -> Array:
        """Return the lowest of the full step and of its points at which a weight becomes 0."""
        crossing = np.flatnonzero((self.l1 > 0) & (u * (u + step) < 0))
        if not len(crossing):
            return u + step
        fractions = np.append(-u[crossing] / step[crossing], 1.0)
        slope = float(g @ step)
        curvature = float(step @ (self.fisher @ step) + step @ (self.l2 * step))
        points = u + fractions[:, np.newaxis] * step
        points[np.arange(len(crossing)), crossing] = 0
        l1_values = (np.abs(points) - np.abs(u)) @ self.l1
        values = fractions * (slope + 0.5 * fractions * curvature) + l1_values
        best: Array = points[np.argmin(values)]
        return best
