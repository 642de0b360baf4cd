"""Coordinate descent on a quadratic plus an L1 norm: scikit-learn's compiled loops."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray
from sklearn import config_context
from sklearn.linear_model import enet_path

from .._linalg import diagonal
from .._typing import Array

ROUNDS = 10, 30, 90
"""Rounds over all coordinates that are made before their gain is looked at, in turn."""

SLOW = 0.01
"""Part of the whole decrease from which the last rounds brought little."""

CYCLIC = RandomState(0)
"""Of no effect where coordinates take turns, and never the global one; seeding costs a while."""

QUIET = Lock()
"""Held while warnings are off: that is a state of the process, and threads would mix it up."""

PRECISION = 1e-7
"""Change of a coordinate, as a part of the largest, below which the rounds may end."""


@dataclass(frozen=True)
class Eliminated:
    """½ uᵀFu − cᵀu minimised over the free coordinates: a quadratic in the others alone.

    Attributes
    ----------
    free : array of bool
    fisher : array of shape (q, q)
        The Schur complement of the free coordinates.
    c : array of shape (q,)
    solved : array of shape (n_free, q + 1)
        The free coordinates are the last column minus the others times u.
    """

    free: NDArray[np.bool_]
    fisher: Array
    c: Array
    solved: Array

    @classmethod
    def of(cls, fisher: Array, c: Array, free: NDArray[np.bool_]) -> Eliminated:
        """Of all coordinates where ``free`` is true."""
        n_free = np.count_nonzero(free)
        if not n_free:
            return cls(free, fisher, c, np.zeros((0, len(c) + 1)))
        if free[-n_free:].all():  # as the intercept is: views, no copies
            others, last = slice(0, len(c) - n_free), slice(len(c) - n_free, None)
            edge, corner, rest = fisher[last, others], fisher[last, last], fisher[others, others]
        else:
            edge, corner = fisher[np.ix_(free, ~free)], fisher[np.ix_(free, free)]
            rest = fisher[np.ix_(~free, ~free)]
        solved = np.linalg.lstsq(corner, np.column_stack((edge, c[free])), rcond=1e-12)[0]
        return cls(free, rest - edge.T @ solved[:, :-1], c[~free] - edge.T @ solved[:, -1], solved)

    def expand(self, u: Array) -> Array:
        """All coordinates."""
        everything = np.empty(len(self.free))
        everything[~self.free] = u
        everything[self.free] = self.solved[:, -1] - self.solved[:, :-1] @ u
        return everything

    def value(self, u: Array, threshold: float) -> float:
        """The quadratic plus the L1 norm, but for a constant."""
        return float(u @ (0.5 * (self.fisher @ u) - self.c) + threshold * np.abs(u).sum())


def descend_by_coordinates(
    fisher: Array, c: Array, thresholds: Array, start: Array
) -> tuple[Array, bool]:
    """Lower ½ uᵀFu − cᵀu + Σ λⱼ |uⱼ| by rounds over the coordinates, while these gain much.

    Returns
    -------
    u : array of shape (p,)
    settled : bool
        Whether the last rounds changed next to nothing.
    """
    free = thresholds == 0
    problem = Eliminated.of(fisher, c, free)
    threshold = float(thresholds.max())
    u = start[~free]
    values = [problem.value(u, threshold)]
    for n_rounds in ROUNDS:
        u, settled = _rounds(problem, threshold, u, n_rounds)
        values.append(problem.value(u, threshold))
        if settled or not values[-2] - values[-1] > SLOW * (values[0] - values[-1]):
            break
    return problem.expand(u), settled


def _rounds(problem: Eliminated, threshold: float, u: Array, n_rounds: int) -> tuple[Array, bool]:
    """At most so many rounds; and whether they ended before.

    scikit-learn knows the problem as a regression with Gram matrix F and products c. The
    square of its targets is a constant in the value, and here large enough for any c.
    """
    squares = diagonal(problem.fisher)
    at_least = np.divide(problem.c**2, squares, where=squares > 0, out=np.zeros_like(u))
    y = np.sqrt(2 * at_least.sum(keepdims=True) + 1e-300)
    found, made = _elastic_net(
        np.empty((1, len(u)), order="F"),
        y,
        u,
        alphas=[threshold],
        l1_ratio=1.0,
        max_iter=n_rounds,
        tol=PRECISION,
        precompute=np.ascontiguousarray(problem.fisher),
        Xy=problem.c,
    )
    return (found, made < n_rounds) if np.isfinite(found).all() else (u, False)


def rounds_over_columns(
    columns: Any, targets: Array, start: Array, penalty: tuple[float, float], n_rounds: int
) -> Array:
    """At most so many rounds on ½ ‖columns u − targets‖² + l2/2 ‖u‖² + l1 ‖u‖₁.

    Parameters
    ----------
    columns : CSC array of shape (m, p)
    targets : array of shape (m,)
        In the same precision.
    start : array of shape (p,)
    penalty : tuple of float
        l2 and l1.
    n_rounds : int
    """
    if not len(start):
        return start
    l2, l1 = penalty
    strength = (l1 + l2) / len(targets)
    found, _ = _elastic_net(
        columns,
        targets,
        start,
        alphas=[strength],
        l1_ratio=l1 / (l1 + l2),
        max_iter=n_rounds,
        tol=0.0,
        precompute=False,
    )
    return found.astype(np.float64) if np.isfinite(found).all() else start


def _elastic_net(X: Any, y: Array, start: Array, **options: Any) -> tuple[Array, int]:
    """What scikit-learn's rounds lead to from ``start``, and how many were made."""
    with QUIET, warnings.catch_warnings(), config_context(skip_parameter_validation=True):
        warnings.simplefilter("ignore")  # that the rounds have not converged
        _, coefs, _, made = enet_path(
            X,
            y,
            coef_init=start.copy(),
            check_input=False,
            random_state=CYCLIC,
            return_n_iter=True,
            **options,
        )
    return coefs[:, 0], made[0]
