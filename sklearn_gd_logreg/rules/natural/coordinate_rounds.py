"""Coordinate descent on a quadratic plus an L1 norm: scikit-learn's compiled loops.

scikit-learn warns where the duality gap ends above ``tol`` ‖y‖², as it does after a few rounds.
Warnings can only be switched off for the whole process, which threads must not do. So the
regression gets one more row and one more feature, which only they share. The target of that row
makes ‖y‖² large, and the first round fits it; then the gap is below. (At the start it is above, so
newer versions, which look there too, make the rounds.) The other coordinates take the same
values as without.
"""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
from numpy.random import RandomState
from numpy.typing import DTypeLike
from sklearn import config_context
from sklearn.linear_model import enet_path

from ..._linalg import diagonal
from ..._typing import Array
from ...data import Columns

CHANGE = 1e-7
"""The rounds end early where no coordinate changes by this part of the largest. It is the ``tol``
of scikit-learn, and single precision allows no less."""

UNPENALISED = 1e6
"""By how much the unit of a coordinate without a penalty is enlarged: there is one λ for all."""


class Cyclic(RandomState):
    """Of no effect where coordinates take turns, but asked for a number: without its lock."""

    def randint(self, *args: Any, **options: Any) -> Any:
        return 0


CYCLIC = Cyclic(0)


class GramRounds:
    """Rounds on ½ uᵀFu − cᵀu + Σ λⱼ |uⱼ|, with λⱼ = λ or 0.

    scikit-learn takes the problem as a regression with Gram matrix F and products c.
    """

    def __init__(self, fisher: Array, c: Array, thresholds: Array) -> None:
        self.l1 = float(thresholds.max(initial=0.0))
        self.unit = np.where(thresholds > 0, 1.0, UNPENALISED)
        self.bordered = np.zeros((len(c) + 1, len(c) + 1))
        np.multiply(fisher, self.unit, out=self.bordered[:-1, :-1])
        self.bordered[:-1, :-1] *= self.unit[:, np.newaxis]
        self.c = c * self.unit

    def __call__(self, start: Array, n_rounds: int) -> Array:
        """At most so many rounds from ``start``."""
        u, squares = start / self.unit, diagonal(self.bordered)[:-1]
        scale = np.sqrt(squares)
        fitted = np.divide(self.c, scale, out=np.zeros_like(u), where=scale > 0)
        size = float(fitted @ fitted) + float(scale @ np.abs(u)) ** 2
        value = 1e40 * (size + self.l1 * float(np.abs(u).sum()))  # ‖y‖² is not known
        apart = row_apart(value, squares, self.l1, 1e30)
        if not apart or not self.l1:
            return start
        target, entry = apart
        self.bordered[-1, -1] = entry**2
        found = _elastic_net(
            np.empty((1, len(u) + 1), order="F"),
            np.array([target]),
            u,
            alphas=[self.l1],
            l1_ratio=1.0,
            max_iter=n_rounds,
            precompute=self.bordered,
            Xy=np.append(self.c, entry * target),
        )
        return found * self.unit if np.isfinite(found).all() else start


def rounds_over_columns(
    columns: Columns,
    targets: Array,
    start: Array,
    penalty: tuple[float, float],
    n_rounds: int,
    value: float,
    squares: Array,
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
    squares : array of shape (p,)
        Those of the columns, and l2.
    """
    l2, l1 = penalty
    norm = float(np.sum(np.square(targets, dtype=np.float64)))
    apart = row_apart(norm + 4 * value, squares + l2, l1, 1e3, targets.dtype)
    if not apart or not l1:
        return start
    target, entry = apart
    matrix = columns.bordered(entry)
    columns.count(n_rounds)
    found = _elastic_net(
        matrix,
        np.append(targets, targets.dtype.type(target)),
        start,
        alphas=[(l1 + l2) / matrix.shape[0]],
        l1_ratio=l1 / (l1 + l2),
        max_iter=n_rounds,
        precompute=False,
    )
    return found.astype(np.float64) if np.isfinite(found).all() else start


def row_apart(
    value: float, squares: Array, l1: float, shrink: float, dtype: DTypeLike = np.float64
) -> tuple[float, float] | None:
    """Target and only entry of the further row, by which `CHANGE` ‖y‖² exceeds the duality gap.

    None where the precision does not have such numbers, and the rounds might lead anywhere.

    Parameters
    ----------
    value : float
        At least ‖y‖² of the other rows and four times what is minimised: the gap is less.
    squares : array of shape (p,)
        At least the diagonal of the quadratic.
    l1 : float
    shrink : float
        Makes the further coordinate small beside the others, which would seem not to change.
    dtype : dtype, default=float64
    """
    limits, largest = np.finfo(dtype), float(squares.max(initial=0.0)) or 1.0
    least = float(squares.min(where=squares > 0, initial=largest))
    ratio = sqrt(10 / CHANGE)
    target = ratio * sqrt(value + l1**2 / largest)
    entry = ratio * sqrt(largest) * shrink
    representable = max(target, entry) < 1e-2 * sqrt(limits.max) and least > 8 * limits.tiny
    return (target, entry) if representable else None


def _elastic_net(X: Any, y: Array, start: Array, **options: Any) -> Array:
    """Where scikit-learn's rounds lead from ``start``, without the further coordinate, the last."""
    with config_context(skip_parameter_validation=True):
        _, coefs, _ = enet_path(
            X,
            y,
            coef_init=np.append(start, 0.0),
            check_input=False,
            random_state=CYCLIC,
            tol=CHANGE,
            **options,
        )
    found: Array = coefs[:-1, 0] + 0.0  # no −0
    return found
