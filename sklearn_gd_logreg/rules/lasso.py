"""The minimum of a convex quadratic plus an L1 norm, exactly, by an active set.

min over u of ½ uᵀFu − cᵀu + Σ λⱼ |uⱼ|, λⱼ = 0 for coordinates without a penalty.
With the signs of the active coordinates given, the minimum is one linear system. The
search guesses the signs, walks towards that minimum as far as the true value falls
(to the best of the points where a sign changes, if one does), and lets in the
coordinates whose derivative exceeds λ, until there are none: the feature-sign search.
It ends after finitely many steps, however ill-conditioned F is.

References
----------
Lee, Battle, Raina and Ng, "Efficient sparse coding algorithms", NeurIPS 2006.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from .._typing import Array

ROUNDING = 1e-12


@dataclass(frozen=True)
class LassoProblem:
    """F, c and λ in coordinates that give F a unit diagonal."""

    fisher: Array
    c: Array
    thresholds: Array

    def slope(self, u: Array) -> Array:
        """Derivative of the quadratic part."""
        return self.fisher @ u - self.c

    def minimum(self, active: NDArray[np.intp], signs: Array) -> Array:
        """The minimiser over the active coordinates with these signs, 0 elsewhere."""
        matrix = self.fisher[np.ix_(active, active)]
        matrix[np.diag_indices_from(matrix)] += ROUNDING
        right = self.c[active] - self.thresholds[active] * signs[active]
        u = np.zeros_like(self.c)
        u[active] = np.linalg.solve(matrix, right)
        return u

    def best_on_segment(self, u: Array, v: Array) -> tuple[Array, float]:
        """The lowest of v and the points between u and v where a coordinate is 0.

        Returns that point and by how much it is lower than u (negative if higher).
        """
        move = v - u
        crossing = np.flatnonzero(u * v < 0)
        at = np.append(u[crossing] / -move[crossing], 1.0)
        slope, bend = move @ self.slope(u), move @ self.fisher @ move
        rough = np.abs(u + at[:, np.newaxis] * move) @ self.thresholds
        rise = at * slope + 0.5 * at**2 * bend + rough - np.abs(u) @ self.thresholds
        best = int(np.argmin(rise))
        w = u + at[best] * move
        w[crossing[best : best + 1]] = 0.0
        return w, -float(rise[best])

    def excess(self, u: Array) -> Array:
        """By how much the derivative of a coordinate held at 0 exceeds λ."""
        outside = np.abs(self.slope(u)) - self.thresholds
        return np.where((u == 0) & (self.thresholds > 0), outside, 0.0)


def solve_lasso(fisher: Array, c: Array, thresholds: Array, start: Array) -> Array:
    """Minimise ½ uᵀFu − cᵀu + Σ λⱼ |uⱼ|.

    Parameters
    ----------
    fisher : array of shape (p, p)
        F, symmetric and positive semi-definite.
    c : array of shape (p,)
    thresholds : array of shape (p,)
        λ ≥ 0; a coordinate with λⱼ = 0 is never held at 0.
    start : array of shape (p,)
        Where to begin; the nearer, the fewer steps.

    Returns
    -------
    array of shape (p,)
        The minimiser, with exact zeros.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_gd_logreg.rules.lasso import solve_lasso
    >>> u = solve_lasso(np.eye(3), np.array([3.0, -0.5, -2.0]), np.ones(3), np.zeros(3))
    >>> print(u.round(6))
    [ 2.  0. -1.]
    """
    scale = np.sqrt(np.diag(fisher))
    scale[scale == 0] = 1.0
    problem = LassoProblem(fisher / scale / scale[:, np.newaxis], c / scale, thresholds / scale)
    return _feature_sign_search(problem, start * scale) / scale


def _feature_sign_search(problem: LassoProblem, u: Array) -> Array:
    free = problem.thresholds == 0
    signs = np.where(free, 0.0, np.sign(u))
    together = max(10, len(u) // 10)
    entered = 0
    for _ in range(20 * len(u) + 20):
        active = np.flatnonzero(free | (signs != 0))
        w, fall = problem.best_on_segment(u, problem.minimum(active, signs))
        if fall > 1e-15 * abs(u @ problem.c):
            u, guess, signs = w, signs, np.where(free, 0.0, np.sign(w))
            if not np.array_equal(signs, guess):
                continue
            together = max(10, len(u) // 10)
        elif entered == 1:
            return u
        elif entered:
            together = 1
        excess = problem.excess(u)
        entering = np.argsort(-excess)[:together]
        entering = entering[excess[entering] > ROUNDING * (1 + problem.thresholds[entering])]
        if not (entered := len(entering)):
            return u
        signs = np.where(free, 0.0, np.sign(u))
        signs[entering] = -np.sign(problem.slope(u)[entering])
    return u
