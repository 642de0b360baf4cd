"""Dual points whose residuals are those that the penalty of the model asks for.

At the minimum Xᵀr = −∂P(w), and near it the difference is small. But where C is large it is large
beside λ. With an L1 penalty alone the residuals must then be shortened until |Xᵀr| ≤ l1; with
little L2 beside it, the conjugate divides the square of the difference by l2. Either way the bound
is far below J*, though J is not above it.

So the probabilities are moved to first order, to a − (diag(a) − aaᵀ) Xv. This changes Xᵀr by −Fv
exactly, so the v that minimises the quadratic model of J, penalty included, makes the difference 0
but for rounding, however large C is. (A Newton step of the model leaves one of the order of v².)
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
from ..penalty import ElasticNet
from .dual import DualPoint, Probabilities, dual_point

MAX_PARAMETERS_TO_FACTORISE = 2000
"""Number of parameters up to which F is factorised."""

MOST_ROUNDS = 100
"""Points at the most; two or three do near the minimum."""

MAX_SUPPORT_CHANGES = 200
"""Changes of the support in the search for the minimum of a quadratic model."""

RIDGE_PER_SIDE = 1e-14
"""Curvature that F with a unit diagonal is given in flat directions, times its side."""

EXCESS = 1e-10
"""Part of l1 by which an entry of the gradient may exceed it."""


def refined(
    probabilities: Probabilities, point: DualPoint, damped: bool
) -> Iterator[tuple[DualPoint, bool]]:
    """Dual points beside one of the same probabilities, and whether each ends a whole step.

    Each takes two passes over X, and those for F. There are none where the parameters are too many
    for F. Where the first order is not enough, since a probability would be below 0, they end; or,
    if ``damped``, the model makes a part of the step, as in a damped Newton method.
    """
    objective = probabilities.fitted.objective
    penalty, n_features = objective.penalty, objective.data.n_features
    w = probabilities.fitted.w.copy()
    w[:n_features] = of_least_penalty(w[:n_features], penalty)
    w[n_features:] = probabilities.b
    l1, l2 = np.zeros_like(w), np.zeros_like(w)
    l1[:n_features], l2[:n_features] = penalty.l1, penalty.l2
    u, chosen, model = w, np.zeros(w.shape, dtype=bool), None
    for _ in range(MOST_ROUNDS):
        dw = np.concatenate((point.dw, point.db[np.newaxis]))[: len(w)]
        wanted = (u != 0) | (l1 == 0) | (np.abs(dw) > (1 + EXCESS) * l1)
        if model is None or (wanted & ~chosen).any():
            chosen |= wanted
            if chosen.sum() > MAX_PARAMETERS_TO_FACTORISE:
                return
            model = QuadraticModel(fisher_of(probabilities, w, chosen), l1[chosen], l2[chosen])
        best = np.zeros_like(w)
        try:
            best[chosen] = model.minimum(u[chosen], dw[chosen])
        except (linalg.LinAlgError, ValueError):  # F is not positive, or not finite
            return
        v = w - best
        moved = replace(probabilities, change=scores_of(v, probabilities))
        longest = moved.longest_change()
        if longest < 1:
            u, point = best, dual_point(moved)
            yield point, True
        elif damped and isfinite(longest):
            probabilities = moved.part_of_the_way(w - v / longest, 1 / longest)
            w = u = probabilities.fitted.w
            point, model = dual_point(probabilities), None
            yield point, False
        else:
            return


def scores_of(v: Array, probabilities: Probabilities) -> Array:
    """Xv, the intercept included; one pass over X."""
    scores = np.empty_like(probabilities.scores)

    def forward(rows: Rows) -> tuple[float]:
        scores[rows.index] = rows.forward(v)
        return (0.0,)

    probabilities.fitted.objective.data.sum(forward)
    return scores


def fisher_of(probabilities: Probabilities, w: Array, chosen: NDArray[np.bool_]) -> Array:
    """F of the chosen parameters at w, without the penalty."""
    objective = probabilities.fitted.objective
    n_features, n_outputs = objective.data.n_features, w.shape[1]
    features = np.flatnonzero(chosen[:n_features].any(axis=1))
    fisher = objective.fisher(w, features)
    diagonal(fisher)[: len(features) * n_outputs] -= objective.penalty.l2
    places = np.flatnonzero(chosen[np.append(features, np.arange(n_features, len(w)))])
    return fisher[np.ix_(places, places)]


def of_least_penalty(weights: Array, penalty: ElasticNet) -> Array:
    """The weights, shifted by a number for each feature that makes the penalty least.

    A softmax does not change when the weights of all classes do by the same amount.
    """
    n_classes = weights.shape[1]
    if n_classes == 1 or not penalty.l1:
        return weights
    shifts = weights  # one that makes a weight 0, or one between two of these
    if penalty.l2:
        below = 2 * np.arange(n_classes + 1) / n_classes - 1
        between = weights.mean(axis=1, keepdims=True) - penalty.l1 / penalty.l2 * below
        shifts = np.concatenate((weights, between), axis=1)
    shifted = weights[:, np.newaxis] - shifts[:, :, np.newaxis]
    values = (0.5 * penalty.l2 * shifted**2 + penalty.l1 * np.abs(shifted)).sum(axis=2)
    least: Array = shifted[np.arange(len(weights)), np.argmin(values, axis=1)]
    return least


@dataclass(frozen=True)
class QuadraticModel:
    """dwᵀ(u − u₀) + ½ (u − u₀)ᵀF(u − u₀) + Σ l1 |u| + ½ Σ l2 u², of few parameters.

    Attributes
    ----------
    fisher : array of shape (p, p)
    l1, l2 : array of shape (p,)
        0 for intercepts.
    """

    fisher: Array
    l1: Array
    l2: Array

    def minimum(self, start: Array, dw: Array) -> Array:
        """The best u, by feature-sign search from u₀ on.

        While the signs are kept, u is the solution of a linear system. A step to it ends where
        J is least among the points at which a weight is 0. Then a zero with |dw| > l1 comes in.

        References
        ----------
        Lee, Battle, Raina, Ng, "Efficient sparse coding algorithms", NIPS 19 (2006).
        """
        u, free, complete = start.copy(), self.l1 == 0, False
        for _ in range(MAX_SUPPORT_CHANGES):
            g = dw + self.fisher @ (u - start) + self.l2 * u
            sign = np.sign(u)
            if complete:
                excess = np.where((u == 0) & ~free, np.abs(g) - (1 + EXCESS) * self.l1, 0.0)
                enters = int(np.argmax(excess / unit_scale(diagonal(self.fisher))))
                if not excess[enters] > 0:
                    break
                sign[enters] = -np.sign(g[enters])
            active = free | (sign != 0)
            step = np.zeros_like(u)
            if active.any():
                step[active] = self._solve(active, -(g + self.l1 * sign)[active])
            u = self._lowest_along(u, step, g)
            complete = bool((u[active & ~free] != 0).all())
        return u

    def _solve(self, active: NDArray[np.bool_], g: Array) -> Array:
        matrix = self.fisher[np.ix_(active, active)]
        diagonal(matrix)[...] += self.l2[active]
        scale = unit_scale(diagonal(matrix))
        matrix /= scale * scale[:, np.newaxis]
        diagonal(matrix)[...] += RIDGE_PER_SIDE * len(matrix)
        solution: Array = linalg.cho_solve(linalg.cho_factor(matrix, lower=True), g / scale)
        return solution / scale

    def _lowest_along(self, u: Array, step: Array, g: Array) -> Array:
        """The best of the whole step and its parts at which a weight becomes 0."""
        crossed = np.flatnonzero((self.l1 > 0) & (u * (u + step) < 0))
        if not len(crossed):
            return u + step
        lengths = np.append(-u[crossed] / step[crossed], 1.0)
        slope, bend = float(g @ step), float(step @ (self.fisher @ step) + step @ (self.l2 * step))
        points = u + lengths[:, np.newaxis] * step
        points[np.arange(len(crossed)), crossed] = 0
        rough = (np.abs(points) - np.abs(u)) @ self.l1
        best: Array = points[np.argmin(lengths * (slope + 0.5 * lengths * bend) + rough)]
        return best
