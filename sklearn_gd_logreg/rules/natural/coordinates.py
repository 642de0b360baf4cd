"""Coordinate descent on a quadratic plus an L1 norm: scikit-learn's compiled loops.

They warn where the duality gap ends above ``tol`` ‖y‖², as after a few rounds it does. Warnings
can only be switched off for the whole process, which threads must not do. So the regression has
a further row and a feature of its own, which the others do not notice: its target makes ‖y‖²
large, the first round fits it, and the gap is then below. (It is above at the start, where
newer versions look as well and would make no round.) The rounds end when all are made or the
coordinates hardly change.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray
from sklearn import config_context
from sklearn.linear_model import enet_path

from ..._linalg import diagonal
from ..._typing import Array
from ...data import Columns

ROUNDS = 10, 30, 90
"""Rounds over all coordinates that are made before their gain is looked at, in turn."""

SLOW = 0.01
"""Part of the whole decrease from which the last rounds brought little."""

ROUNDING = 1e-15
"""Part of a curvature up to which what is left of it beside the free coordinates is 0."""

PRECISION = 1e-7
"""Change of a coordinate, as a part of the largest, below which the rounds may end."""


class Cyclic(RandomState):
    """Of no effect where coordinates take turns, but asked for a number: without its lock."""

    def randint(self, *args: Any, **options: Any) -> Any:
        return 0


CYCLIC = Cyclic(0)


@dataclass(frozen=True)
class Eliminated:
    """½ uᵀFu − cᵀu minimised over the free coordinates: a quadratic in the others alone.

    Attributes
    ----------
    free : array of bool
    bordered : array of shape (q + 1, q + 1)
        The Schur complement of the free coordinates, and a row and a column of zeros. Of a
        coordinate that the free ones can replace it is 0: scikit-learn then leaves it out.
    c : array of shape (q,)
    solved : array of shape (n_free, q + 1)
        The free coordinates are the last column minus the others times u.
    """

    free: NDArray[np.bool_]
    bordered: Array
    c: Array
    solved: Array

    @property
    def fisher(self) -> Array:
        """The Schur complement."""
        return self.bordered[:-1, :-1]

    @classmethod
    def of(cls, fisher: Array, c: Array, free: NDArray[np.bool_]) -> Eliminated:
        """Of all coordinates where ``free`` is true."""
        n_free = np.count_nonzero(free)
        bordered = np.zeros((len(c) - n_free + 1, len(c) - n_free + 1))
        if not n_free:
            bordered[:-1, :-1] = fisher
            return cls(free, bordered, c, np.zeros((0, len(c) + 1)))
        if free[-n_free:].all():  # as the intercept is: views, no copies
            others, last = slice(0, len(c) - n_free), slice(len(c) - n_free, None)
            edge, corner, rest = fisher[last, others], fisher[last, last], fisher[others, others]
        else:
            edge, corner = fisher[np.ix_(free, ~free)], fisher[np.ix_(free, free)]
            rest = fisher[np.ix_(~free, ~free)]
        solved = np.linalg.lstsq(corner, np.column_stack((edge, c[free])), rcond=1e-12)[0]
        np.subtract(rest, edge.T @ solved[:, :-1], out=bordered[:-1, :-1])
        flat = diagonal(bordered)[:-1] <= ROUNDING * diagonal(rest)
        bordered[:-1][flat] = bordered.T[:-1][flat] = 0.0
        return cls(free, bordered, c[~free] - edge.T @ solved[:, -1], solved)

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
    square of its targets is a constant in the value.
    """
    squares = diagonal(problem.fisher)
    at_least = np.divide(problem.c**2, squares, where=squares > 0, out=np.zeros_like(u))
    growth = abs(float(u @ (problem.fisher @ u))) + threshold * float(np.abs(u).sum())
    value = 1e40 * (float(at_least.sum()) + growth)  # large enough for any c
    apart = Apart.of(value, squares, threshold, 1e30)
    if not apart:
        return u, False
    problem.bordered[-1, -1] = apart.entry**2
    found, made = _elastic_net(
        np.empty((1, len(u) + 1), order="F"),
        np.array([apart.target]),
        u,
        alphas=[threshold],
        l1_ratio=1.0,
        max_iter=n_rounds,
        precompute=problem.bordered,
        Xy=np.append(problem.c, apart.entry * apart.target),
    )
    return (found, made < n_rounds) if np.isfinite(found).all() else (u, False)


def rounds_over_columns(
    columns: Columns,
    targets: Array,
    start: Array,
    penalty: tuple[float, float],
    n_rounds: int,
    value: float,
    bends: Array,
) -> Array:
    """At most so many rounds on ½ ‖W u − targets‖² + l2/2 ‖u‖² + l1 ‖u‖₁.

    Parameters
    ----------
    columns : Columns
        W, of shape (m, p).
    targets : array of shape (m,)
        In the same precision.
    start : array of shape (p,)
    penalty : tuple of float
        l2 and l1.
    n_rounds : int
    value : float
        What is to be minimised, at the start; it may be more.
    bends : array of shape (p,)
        The squares of the columns, and l2.
    """
    l2, l1 = penalty
    norm = float(np.sum(np.square(targets, dtype=np.float64)))
    apart = Apart.of(norm + 4 * value, bends + l2, l1, 1e3, targets.dtype) if len(start) else None
    if not apart:
        return start
    matrix = columns.bordered(apart.entry)
    found, _ = _elastic_net(
        matrix,
        np.append(targets, targets.dtype.type(apart.target)),
        start,
        alphas=[(l1 + l2) / matrix.shape[0]],
        l1_ratio=l1 / (l1 + l2),
        max_iter=n_rounds,
        precompute=False,
    )
    return found.astype(np.float64) if np.isfinite(found).all() else start


@dataclass(frozen=True)
class Apart:
    """A row with one feature, which no other row has, and which has no part in another.

    Attributes
    ----------
    target, entry : float
        Of the row.
    """

    target: float
    entry: float

    @classmethod
    def of(
        cls,
        value: float,
        bends: Array,
        l1: float,
        stretch: float,
        dtype: Any = np.float64,
    ) -> Apart | None:
        """One that makes `PRECISION` ‖y‖² more than the duality gap after a round.

        None where the precision does not have such numbers, and the rounds might lead anywhere.

        Parameters
        ----------
        value : float
            At least ‖y‖² of the other rows and four times what is minimised: the gap is less.
        bends : array of shape (p,)
            At least the squares of the columns, and l2.
        l1 : float
        stretch : float
            Makes the coordinate small beside the others, which seem to have settled otherwise.
        dtype : dtype, default=float64
        """
        range_, largest = np.finfo(dtype), float(bends.max(initial=0.0)) or 1.0
        least = float(bends.min(where=bends > 0, initial=largest))
        ratio = sqrt(10 / PRECISION)
        target = ratio * sqrt(value + l1**2 / largest)
        entry = ratio * sqrt(largest) * stretch
        most = 1e-2 * sqrt(range_.max)
        return cls(target, entry) if max(target, entry) < most and least > 8 * range_.tiny else None


def _elastic_net(X: Any, y: Array, start: Array, **options: Any) -> tuple[Array, int]:
    """What scikit-learn's rounds lead to from ``start``, and how many were made.

    The last coordinate is that of the row apart, and is not among those of the start.
    """
    with config_context(skip_parameter_validation=True):
        _, coefs, _, made = enet_path(
            X,
            y,
            coef_init=np.append(start, 0.0),
            check_input=False,
            random_state=CYCLIC,
            return_n_iter=True,
            tol=PRECISION,
            **options,
        )
    return coefs[:-1, 0], made[0]
