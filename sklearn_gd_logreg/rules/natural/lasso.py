"""The minimum of a convex quadratic plus an L1 norm, by coordinate descent and an active set.

min over u of ½ uᵀFu − cᵀu + Σ λⱼ |uⱼ|, λⱼ = λ, or 0 for coordinates without a penalty.
With the signs of the active coordinates given, the minimum is one linear system. The
search guesses the signs, walks towards that minimum as far as the true value falls,
and lets in the coordinates whose derivative exceeds λ, until there are none: the
feature-sign search. It ends after finitely many steps, however ill-conditioned F is.
Most of the signs are found first by scikit-learn's coordinate descent on F, whose rounds
cost a product with F each. Where these alone converge, no system is solved.

References
----------
Friedman, Hastie and Tibshirani, "Regularization paths for generalized linear models via
coordinate descent", J. Stat. Softw. 33 (2010). Lee, Battle, Raina and Ng, "Efficient
sparse coding algorithms", NeurIPS 2006.
"""

from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from ..._linalg import diagonal, unit_scale
from ..._typing import Array
from ...data import blas_threads
from .coordinates import descend_by_coordinates

ROUNDING = 1e-12

MANY = 40
"""Number of coordinates from which coordinate descent comes first."""

SEARCH_STEPS = 50
"""Most steps of the search. Every one lowers the value, and few are needed near the end
of a descent, so an early step of it loses little by a search that is cut short."""

BRIEF, LITTLE = 8, 0.01
"""Far from the end: the steps of a search that are enough without coordinate descent, and the
part of the decrease so far that is not worth a further step."""

CYCLES = 10
"""Most turns of coordinate descent and search where the search alone is stuck: where F is singular
on the active coordinates, its linear system may have no solution."""

ROUNDING_OF_FALL = 1e-15
"""Rounding of the fall of the value along a move, relative to its terms."""


@dataclass(frozen=True)
class LassoProblem:
    """F, c, λ, and the scale that gives F a unit diagonal."""

    fisher: Array
    c: Array
    thresholds: Array
    scale: Array

    def slope(self, u: Array) -> Array:
        """Derivative of the quadratic part."""
        return self.fisher @ u - self.c

    def minimum(self, active: NDArray[np.intp], signs: Array) -> Array:
        """The minimiser over the active coordinates with these signs, 0 elsewhere."""
        scale = self.scale[active]
        matrix = self.fisher[np.ix_(active, active)]
        matrix /= scale
        matrix /= scale[:, np.newaxis]
        diagonal(matrix)[...] += ROUNDING
        right = (self.c[active] - self.thresholds[active] * signs[active]) / scale
        u = np.zeros_like(self.c)
        if not len(active):
            return u
        with blas_threads(len(active) ** 3 / 3):
            _, found, failed = lapack.dposv(matrix, right, lower=1)
            found = np.linalg.solve(matrix, right) if failed else found.ravel()
        u[active] = found / scale
        return u

    def bend(self, move: Array) -> float:
        """½ uᵀFu of a move: what it gains where it leads to the minimum."""
        return 0.5 * float(move @ self.fisher @ move)

    def fall(self, u: Array, w: Array) -> float:
        """By how much the value is lower at w than at u; 0 if that may be rounding.

        It is worked out from the move. The difference of the two values would have the rounding of
        these, which is larger than what is left to gain near the minimum.
        """
        move = w - u
        terms = move * self.slope(u)
        falls = terms + self.thresholds * (np.abs(w) - np.abs(u))
        fall = -float(np.sum(falls)) - self.bend(move)
        return fall if fall > ROUNDING_OF_FALL * float(np.abs(terms).sum()) else 0.0

    def walk(self, u: Array, v: Array) -> tuple[Array, float]:
        """From u towards v, to the best of a few points; and by how much it is lower than u.

        Where a coordinate changes sign on the way, the candidates are v, v with all such
        coordinates held at 0, and the lowest point of the segment at which one is 0.
        """
        crossing = np.flatnonzero((u * v < 0) & (self.thresholds > 0))
        candidates = [v]
        if len(crossing):
            held = v.copy()
            held[crossing] = 0.0
            candidates += [held, self._lowest_crossing(u, v, crossing)]
        falls = [self.fall(u, w) for w in candidates]
        best = int(np.argmax(falls))
        return candidates[best], falls[best]

    def _lowest_crossing(self, u: Array, v: Array, crossing: NDArray[np.intp]) -> Array:
        move = v - u
        at = -u[crossing] / move[crossing]
        slope, bend = move @ self.slope(u), move @ self.fisher @ move
        rough = np.abs(u + at[:, np.newaxis] * move) @ self.thresholds
        best = int(np.argmin(at * slope + 0.5 * at**2 * bend + rough))
        w = u + at[best] * move
        w[crossing[best]] = 0.0
        return w

    def gain_of_a_coordinate(self, u: Array) -> float:
        """By how much the best exact step in one coordinate lowers the value; 0 at the minimum."""
        return float(
            coordinate_gains(self.fisher, self.slope(u), self.thresholds, u).max(initial=0)
        )

    def excess(self, u: Array) -> Array:
        """By how much the derivative of a coordinate held at 0 exceeds λ, in its scale."""
        outside = (np.abs(self.slope(u)) - self.thresholds) / self.scale
        return np.where((u == 0) & (self.thresholds > 0), outside, 0.0)


def solve_lasso(
    fisher: Array, c: Array, thresholds: Array, start: Array, enough: float = inf
) -> Array:
    """Minimise ½ uᵀFu − cᵀu + Σ λⱼ |uⱼ|.

    Parameters
    ----------
    fisher : array of shape (p, p)
        F, symmetric and positive semi-definite.
    c : array of shape (p,)
    thresholds : array of shape (p,)
        λ, or 0 for a coordinate that is never held at 0.
    start : array of shape (p,)
        Where to begin; the nearer, the fewer steps.
    enough : float, default=inf
        A decrease that is much: from there on the minimum need not be exact.

    Returns
    -------
    array of shape (p,)
        The minimiser, with exact zeros; no higher than ``start`` in any case.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_gd_logreg.rules.natural.lasso import solve_lasso
    >>> u = solve_lasso(np.eye(3), np.array([3.0, -0.5, -2.0]), np.ones(3), np.zeros(3))
    >>> print(u.round(6))
    [ 2.  0. -1.]
    """
    problem = LassoProblem(fisher, c, thresholds, unit_scale(diagonal(fisher)))
    first: Array = start.astype(np.float64)
    u = first
    if len(u) > MANY:
        found, settled = descend_by_coordinates(fisher, c, thresholds, u)
        gained = problem.fall(u, found)
        u = found if gained else u
        if settled and gained > enough:
            return u
    u = _feature_sign_search(problem, first, u, enough)
    for _ in range(CYCLES if thresholds.any() else 0):
        left, gained = problem.gain_of_a_coordinate(u), problem.fall(first, u)
        if left <= LITTLE * gained:
            break
        found, _ = descend_by_coordinates(fisher, c, thresholds, u)
        if not problem.fall(u, found):
            break
        u = _feature_sign_search(problem, first, found, enough)
    return u


def coordinate_gains(fisher: Array, slope: Array, thresholds: Array, u: Array) -> Array:
    """By how much the minimum along each coordinate is lower than the value at u.

    Parameters
    ----------
    fisher : array of shape (p, p)
    slope : array of shape (p,)
        Derivative of the quadratic part at u.
    thresholds, u : arrays of shape (p,)
    """
    bends = unit_scale(diagonal(fisher)) ** 2
    aim = u - slope / bends
    aim = np.sign(aim) * np.maximum(np.abs(aim) - thresholds / bends, 0)
    move = aim - u
    gains: Array = thresholds * (np.abs(u) - np.abs(aim)) - move * (slope + 0.5 * bends * move)
    return np.where(np.isfinite(gains), gains, 0.0)


def _feature_sign_search(problem: LassoProblem, first: Array, u: Array, enough: float) -> Array:
    """From ``u``, until a step gains little beside more than ``enough`` since ``first``."""
    free = problem.thresholds == 0
    signs = np.where(free, 0.0, np.sign(u))
    together = max(10, len(u) // 10)
    entered = 0
    gained = problem.fall(first, u)
    brief = BRIEF if len(u) <= MANY else SEARCH_STEPS
    for step in range(SEARCH_STEPS):
        active = np.flatnonzero(free | (signs != 0))
        v = problem.minimum(active, signs)
        promised = problem.bend(v - u) if gained > enough else inf
        w, fall = problem.walk(u, v)
        if fall:
            u, guess, signs = w, signs, np.where(free, 0.0, np.sign(w))
            gained += fall
            if gained > enough and (step >= brief - 1 or promised <= LITTLE * gained):
                return u
            if not np.array_equal(signs, guess):
                continue
            together = max(10, len(u) // 10)
        elif entered == 1:
            return u
        elif entered:
            together = 1
        excess = problem.excess(u)
        entering = np.argsort(-excess)[:together]
        entering = entering[
            excess[entering]
            > ROUNDING * (1 + problem.thresholds[entering] / problem.scale[entering])
        ]
        if not (entered := len(entering)):
            return u
        signs = np.where(free, 0.0, np.sign(u))
        signs[entering] = -np.sign(problem.slope(u)[entering])
    return u
