"""The quadratic model of J under an L1 penalty as a regression on columns of X.

With W = diag(√h) X, h the share times a(1 − a) of each row, F is WᵀW + l2 I, and the
model of J at w is, but for a constant,

    ½ ‖W u − t‖² + l2/2 ‖u‖² + l1 ‖u‖₁,  t = W w − dz/√h.

Rounds of coordinate descent find most of the signs; the minimum with these signs is one
linear system, solved by conjugate gradients. Both read the stored entries of the features
that matter, and nothing else: where features are many and rows sparse, F costs far more.

References
----------
Friedman, Hastie and Tibshirani, "Regularization paths for generalized linear models via
coordinate descent", J. Stat. Softw. 33 (2010). Yuan, Ho and Lin, "An improved GLMNET for
L1-regularized logistic regression", JMLR 13 (2012).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..._cached import cached_attribute
from ..._linalg import unit_scale
from ..._typing import Array
from ...data import Columns
from ...penalty import ElasticNet
from .coordinates import rounds_over_columns
from .hessian_free import conjugate_gradients


class Care(NamedTuple):
    """To what part of its length, in the norm of F, a step is exact.

    And from how many products that is judged.
    """

    accuracy: float
    delay: int


LOOSE, CAREFUL = Care(0.5, 3), Care(0.1, 10)


class State(NamedTuple):
    """u, and W (u − w)."""

    u: Array
    growth: Array


@dataclass(frozen=True)
class ColumnModel:
    """½ ‖W (u − w)‖² + dw·(u − w) + l2/2 ‖u − w‖² + l1 (‖u‖₁ − ‖w‖₁).

    W is in single precision, and dw is not: F may be a little off, and a slope may not.

    Attributes
    ----------
    columns : Columns
        W, of shape (m, p).
    w, dw : array of shape (p,)
    bends : array of shape (p,)
        The diagonal of F.
    targets : array of shape (m,), float32, or None
        W w − dz/√h, to which W u is fitted; None where there can be no rounds.
    misfit : float
        ‖W w − targets‖².
    penalty : ElasticNet
        Of these coordinates; those of the features come first.
    """

    columns: Columns
    w: Array
    dw: Array
    bends: Array
    targets: Array | None
    misfit: float
    penalty: ElasticNet

    @cached_attribute
    def start(self) -> State:
        """The state at w."""
        return State(self.w, np.zeros(self.columns.matrix.shape[0], np.float32))

    @cached_attribute
    def ridge(self) -> Array:
        """The l2 penalty of each coordinate."""
        return self.penalty.gradient(np.ones(len(self.w)))

    @cached_attribute
    def value(self) -> float:
        """½ ‖W w − targets‖² and the penalty at w, as if the intercept had one too."""
        l2, l1 = self.penalty.l2, self.penalty.l1
        return 0.5 * (self.misfit + l2 * float(self.w @ self.w)) + l1 * float(np.abs(self.w).sum())

    def bend(self, state: State) -> float:
        """½ (u − w)ᵀ F (u − w)."""
        move = state.u - self.w
        growth = float(np.sum(np.square(state.growth), dtype=np.float64))
        return 0.5 * (growth + float(self.ridge @ move**2))

    def fall(self, state: State) -> float:
        """By how much the model is lower than at w but for the `bend`: to first order."""
        before, after = (np.abs(u[: self.penalty.n_features]) for u in (self.w, state.u))
        return self.penalty.l1 * float(np.sum(before - after)) - float(self.dw @ (state.u - self.w))

    def gain(self, state: State) -> float:
        """By how much the model is lower than at w."""
        return self.fall(state) - self.bend(state)

    def subgradient(self, state: State) -> Array:
        """The smallest subgradient."""
        slope = self.dw + self.ridge * (state.u - self.w)
        if state is not self.start:
            slope += self.columns.transposed_times(state.growth)
        return self.penalty.smallest_subgradient(state.u, slope)

    def to_gain(self, subgradient: Array) -> float:
        """What single steps would gain, each for itself, were the signs to stay."""
        return 0.5 * float(subgradient @ (subgradient / unit_scale(self.bends) ** 2))

    def by_coordinates(self, state: State, n_rounds: int) -> State:
        """After rounds of coordinate descent, unless they lead nowhere."""
        assert self.targets is not None
        self.columns.count(n_rounds)
        u = rounds_over_columns(
            self.columns,
            self.targets,
            state.u,
            (self.penalty.l2, self.penalty.l1),
            n_rounds,
            self.value,
            self.bends,
        )
        return self._lower(state, self._moved(state, u))

    def by_signs(self, state: State, subgradient: Array, care: Care, enough: float) -> State:
        """Towards the minimum where all signs stay, as far as the value falls.

        Coordinates at 0 with a slope beyond l1 are let go, with the sign that lowers it.
        """
        rescale = ((state.u != 0) | (subgradient != 0)) / unit_scale(self.bends)

        def product(v: Array) -> Array:
            move = rescale * v
            curved = self.columns.transposed_times(self.columns.times(move))
            return rescale * (curved + self.ridge * move)

        slope = rescale * subgradient
        move, _ = conjugate_gradients(
            product, np.copy, slope, care.accuracy, enough, care.delay, precision=np.float32
        )
        signs = np.where(state.u, np.sign(state.u), -np.sign(subgradient))
        return self._walk(state, state.u - rescale * move, signs)

    def _walk(self, state: State, v: Array, signs: Array) -> State:
        """From u to v, with coordinates that would change their sign on the way held at 0.

        If the value is no lower there, to where the first of them is 0: so far it falls.
        """
        crossing = np.flatnonzero((signs * v < 0)[: self.penalty.n_features])
        held = v.copy()
        held[crossing] = 0.0
        found = self._lower(state, self._moved(state, held))
        if found is not state or not len(crossing):
            return found
        parts = state.u[crossing] / (state.u - v)[crossing]
        first = int(np.argmin(parts))
        near = state.u + parts[first] * (v - state.u)
        near[crossing[first]] = 0.0
        return self._lower(state, self._moved(state, near))

    def _moved(self, state: State, u: Array) -> State:
        return State(u, state.growth + self.columns.times(u - state.u))

    def _lower(self, state: State, other: State) -> State:
        """The other, if the model is lower there."""
        return other if self.gain(other) > self.gain(state) else state
