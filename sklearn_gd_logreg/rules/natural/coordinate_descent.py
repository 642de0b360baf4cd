"""Cyclic coordinate descent on a quadratic plus an L1 norm, by scikit-learn's compiled loops.

scikit-learn warns where the duality gap after the last cycle exceeds ``tol`` ‖y‖², as it does
after a few cycles. Warnings can only be silenced for the whole process, which is not thread-safe.
So the regression gets an extra row and an extra feature that is non-zero in this row alone. The
target of the row makes ‖y‖² so large that the gap is below the threshold once the first cycle has
fitted the row. (Before, it is above, so versions that check the gap at the start run the cycles.)
The other coordinates take the same values as without the extra row.
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

CD_TOL = 1e-7
"""scikit-learn's ``tol``: the cycles end where no coordinate changes by more than this part of the
largest. float32 allows no less."""

UNPENALISED_SCALE = 1e6
"""Factor by which the scale of an unpenalised coordinate is enlarged, since scikit-learn has one λ
for all coordinates."""


class UnusedRandomState(RandomState):
    """scikit-learn draws a seed, which cyclic descent does not use; this one takes no lock."""

    def randint(self, *args: Any, **options: Any) -> Any:
        return 0


UNUSED_RANDOM_STATE = UnusedRandomState(0)


class GramCoordinateDescent:
    """Coordinate descent on ½ uᵀFu − cᵀu + Σ λⱼ |uⱼ|, with λⱼ = λ or 0.

    scikit-learn takes the problem as a regression with Gram matrix F and Xᵀy = c.
    """

    def __init__(self, fisher: Array, c: Array, thresholds: Array) -> None:
        self.l1 = float(thresholds.max(initial=0.0))
        self.scale = np.where(thresholds > 0, 1.0, UNPENALISED_SCALE)
        self.bordered = np.zeros((len(c) + 1, len(c) + 1))
        np.multiply(fisher, self.scale, out=self.bordered[:-1, :-1])
        self.bordered[:-1, :-1] *= self.scale[:, np.newaxis]
        self.c = c * self.scale

    def __call__(self, start: Array, n_cycles: int) -> Array:
        """The coordinates after at most ``n_cycles`` from ``start``."""
        u, squares = start / self.scale, diagonal(self.bordered)[:-1]
        norms = np.sqrt(squares)
        fitted = np.divide(self.c, norms, out=np.zeros_like(u), where=norms > 0)
        size = float(fitted @ fitted) + float(norms @ np.abs(u)) ** 2
        bound = 1e40 * (size + self.l1 * float(np.abs(u).sum()))  # ‖y‖² is unknown
        extra = extra_row(bound, squares, self.l1, 1e30)
        if not extra or not self.l1:
            return start
        target, entry = extra
        self.bordered[-1, -1] = entry**2
        coef = _elastic_net(
            np.empty((1, len(u) + 1), order="F"),
            np.array([target]),
            u,
            alphas=[self.l1],
            l1_ratio=1.0,
            max_iter=n_cycles,
            precompute=self.bordered,
            Xy=np.append(self.c, entry * target),
        )
        return coef * self.scale if np.isfinite(coef).all() else start


def column_coordinate_descent(
    columns: Columns,
    targets: Array,
    start: Array,
    penalty: tuple[float, float],
    n_cycles: int,
    value: float,
    squares: Array,
) -> Array:
    """Coordinate descent on ½ ‖W u − targets‖² + l2/2 ‖u‖² + l1 ‖u‖₁.

    Parameters
    ----------
    columns : Columns
        W, of shape (m, p).
    targets : array of shape (m,)
        In the precision of W.
    start : array of shape (p,)
    penalty : tuple of float
        l2 and l1.
    n_cycles : int
    value : float
        The value at the start, or an upper bound.
    squares : array of shape (p,)
        Squared norms of the columns, plus l2.
    """
    l2, l1 = penalty
    norm = float(np.sum(np.square(targets, dtype=np.float64)))
    extra = extra_row(norm + 4 * value, squares + l2, l1, 1e3, targets.dtype)
    if not extra or not l1:
        return start
    target, entry = extra
    matrix = columns.bordered(entry)
    columns.count_reads(n_cycles)
    coef = _elastic_net(
        matrix,
        np.append(targets, targets.dtype.type(target)),
        start,
        alphas=[(l1 + l2) / matrix.shape[0]],
        l1_ratio=l1 / (l1 + l2),
        max_iter=n_cycles,
        precompute=False,
    )
    return coef.astype(np.float64) if np.isfinite(coef).all() else start


def extra_row(
    bound: float, squares: Array, l1: float, enlarge: float, dtype: DTypeLike = np.float64
) -> tuple[float, float] | None:
    """Target and only entry of the extra row, for which `CD_TOL` ‖y‖² exceeds the duality gap.

    None where such numbers are not representable.

    Parameters
    ----------
    bound : float
        Upper bound on ‖y‖² of the other rows plus four times the value, which the gap is below.
    squares : array of shape (p,)
        Upper bounds on the diagonal of the quadratic.
    l1 : float
    enlarge : float
        Factor of the entry. It makes the extra coordinate so small that it does not hide changes
        of the others.
    dtype : dtype, default=float64
    """
    limits, largest = np.finfo(dtype), float(squares.max(initial=0.0)) or 1.0
    smallest = float(squares.min(where=squares > 0, initial=largest))
    ratio = sqrt(10 / CD_TOL)
    target = ratio * sqrt(bound + l1**2 / largest)
    entry = ratio * sqrt(largest) * enlarge
    representable = max(target, entry) < 1e-2 * sqrt(limits.max) and smallest > 8 * limits.tiny
    return (target, entry) if representable else None


def _elastic_net(X: Any, y: Array, start: Array, **options: Any) -> Array:
    """The coefficients that scikit-learn finds from ``start``, without that of the extra column."""
    with config_context(skip_parameter_validation=True):
        _, coefs, _ = enet_path(
            X,
            y,
            coef_init=np.append(start, 0.0),
            check_input=False,
            random_state=UNUSED_RANDOM_STATE,
            tol=CD_TOL,
            **options,
        )
    coef: Array = coefs[:-1, 0] + 0.0  # no −0
    return coef
