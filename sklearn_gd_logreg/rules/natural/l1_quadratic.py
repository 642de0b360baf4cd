"""The minimum of a convex quadratic plus an L1 norm.

    ½ (u − w)ᵀF(u − w) + dw·(u − w) + Σ λⱼ (|uⱼ| − |wⱼ|),   λⱼ = 0 where there is no penalty.

`minimise` alternates two steps. Rounds of coordinate descent find most of the signs. With the
signs given, the minimum is the solution of a linear system, and the second step walks towards it
as far as the value falls (feature-sign search). The search ends where single steps in the
coordinates, which follow from the smallest subgradient, have next to nothing left to gain.

F is known in one of two ways: as a matrix (`GramModel`), or by columns of X (`ColumnModel`).

References
----------
Lee, Battle, Raina and Ng, "Efficient sparse coding algorithms", NeurIPS 2006. Friedman, Hastie
and Tibshirani, "Regularization paths for generalized linear models via coordinate descent",
J. Stat. Softw. 33 (2010). Yuan, Ho and Lin, "An improved GLMNET for L1-regularized logistic
regression", JMLR 13 (2012).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from math import inf
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..._cached import cached_attribute
from ..._linalg import unit_scale
from ..._typing import Array
from ...data import Columns
from .coordinate_rounds import GramRounds, rounds_over_columns
from .curvature import CholeskyFisher
from .hessian_free import conjugate_gradients

MAX_CYCLES = 100
"""Rounds of coordinate descent and linear systems that alternate, at most. Hard problems of the
tests take 30; this bounds the time where rounding stops the search."""

ROUNDS = 10
"""Rounds of coordinate descent in a cycle, each as dear as a product with F."""

FEW_ENTERING = 0.1
"""Entering coordinates, relative to those in the model, up to which no rounds come first."""

ACCURACY = 0.1
"""How exact a step is far from the end: its error relative to its length, in the norm of F."""

CG_ACCURACY = 0.3
"""The same of a system that is solved by conjugate gradients."""

EXACT = 1e-10
"""The same near the end: what a Cholesky factor of a well-conditioned F leaves, and no more."""

ROUNDING_OF_A_DECREASE = 1e-15
"""Rounding of the fall of the value along a move, relative to its terms."""


class State(NamedTuple):
    """Coordinates and what is known there.

    Attributes
    ----------
    u : array of shape (p,)
    image : array
        Of u − w, under F or W.
    gained : float
        By how much the value is lower than at w.
    slope : array of shape (p,)
        The derivative of the quadratic.
    gains : array of shape (p,)
        By how much the minimum along each coordinate is lower.
    """

    u: Array
    image: Array
    gained: float
    slope: Array
    gains: Array


@dataclass(frozen=True)
class L1Quadratic(ABC):
    """The quadratic, by its expansion about w.

    Attributes
    ----------
    w, dw : array of shape (p,)
        Where it is expanded, and the derivative there.
    thresholds : array of shape (p,)
        λⱼ.
    squares : array of shape (p,)
        The diagonal of F.
    """

    w: Array
    dw: Array
    thresholds: Array
    squares: Array

    floor = 0.0
    """A gain of single steps that is too little for a further one."""

    @abstractmethod
    def image(self, move: Array) -> Array:
        """What a move adds to the image of the state."""

    @abstractmethod
    def curvature(self, move: Array, image: Array) -> float:
        """moveᵀ F move."""

    @abstractmethod
    def slope(self, u: Array, image: Array) -> Array:
        """The derivative of the quadratic."""

    @abstractmethod
    def rounds(self, u: Array) -> Array:
        """Where rounds of coordinate descent lead."""

    @abstractmethod
    def solve(self, active: NDArray[np.bool_], slope: Array) -> Array:
        """About F⁻¹ slope on the active coordinates, 0 elsewhere."""

    @cached_attribute
    def start(self) -> State:
        """The state at w."""
        image = np.zeros_like(self.image(np.zeros_like(self.w)))
        return State(self.w, image, 0.0, self.dw, self._gains(self.w, self.dw))

    def _gains(self, u: Array, slope: Array) -> Array:
        squares = unit_scale(self.squares) ** 2
        best = u - slope / squares
        best = np.sign(best) * np.maximum(np.abs(best) - self.thresholds / squares, 0)
        move = best - u
        falls = move * (slope + 0.5 * squares * move)
        gains = self.thresholds * (np.abs(u) - np.abs(best)) - falls
        return np.where(np.isfinite(gains), gains, 0.0)

    def subgradient(self, state: State) -> Array:
        """The smallest subgradient."""
        slope = state.slope
        at_zero = np.sign(slope) * np.maximum(np.abs(slope) - self.thresholds, 0)
        return np.where(state.u == 0, at_zero, slope + self.thresholds * np.sign(state.u))

    def moved(self, state: State, u: Array, image: Array | None = None) -> State:
        """The state at u if the value is lower there, or else the same.

        The fall is summed over the move. The difference of two values would have their rounding,
        which near the minimum is more than what is left to gain.
        """
        move = u - state.u
        image = self.image(move) if image is None else image
        terms = move * state.slope
        falls = terms + self.thresholds * (np.abs(u) - np.abs(state.u))
        fall = -float(np.sum(falls)) - 0.5 * self.curvature(move, image)
        if not fall > ROUNDING_OF_A_DECREASE * float(np.abs(terms).sum()):
            return state
        image = state.image + image
        slope = self.slope(u, image)
        return State(u, image, state.gained + fall, slope, self._gains(u, slope))


@dataclass(frozen=True)
class GramModel(L1Quadratic):
    """F as a matrix; systems are solved by Cholesky."""

    fisher: Array

    def image(self, move: Array) -> Array:
        return self.fisher @ move

    def curvature(self, move: Array, image: Array) -> float:
        return float(move @ image)

    def slope(self, u: Array, image: Array) -> Array:
        return self.dw + image

    def rounds(self, u: Array) -> Array:
        return self._rounds(u, ROUNDS)

    @cached_attribute
    def _rounds(self) -> GramRounds:
        return GramRounds(self.fisher, self.fisher @ self.w - self.dw, self.thresholds)

    def solve(self, active: NDArray[np.bool_], slope: Array) -> Array:
        move = np.zeros_like(slope)
        if active.any():
            fisher = self.fisher[np.ix_(active, active)]
            move[active] = CholeskyFisher.of(fisher).solve(slope[active])
        return move


@dataclass(frozen=True)
class ColumnModel(L1Quadratic):
    """F = WᵀW + l2 by the columns of W; systems are solved by conjugate gradients.

    W has single precision, and dw has double precision: F only shapes the step. Columns without a
    penalty come last and are multiplied by `UNPENALISED`.

    Attributes
    ----------
    columns : Columns
        W = diag(√h) X with h = share · a(1 − a) of each row.
    targets : array of shape (m,), float32
        W w − dz/√h: the quadratic is ½ ‖W u − targets‖² + ½ Σ l2 u² and a constant.
    misfit : float
        ‖W w − targets‖².
    l2 : array of shape (p,)
    enough : float
        Norm of the step that is left by conjugate gradients in any case.
    most : int
        Products that a system may take.
    products : list of int
        Those that each system has taken.
    """

    columns: Columns
    targets: Array
    misfit: float
    l2: Array
    enough: float
    most: int
    products: list[int] = field(default_factory=lambda: [0])

    @property
    def floor(self) -> float:  # type: ignore[override]
        return self.enough**2

    def image(self, move: Array) -> Array:
        return self.columns.times(move)

    def curvature(self, move: Array, image: Array) -> float:
        return float(np.sum(np.square(image), dtype=np.float64)) + float(self.l2 @ move**2)

    def slope(self, u: Array, image: Array) -> Array:
        return self.dw + self.columns.transposed_times(image) + self.l2 * (u - self.w)

    def rounds(self, u: Array) -> Array:
        l2, l1 = float(self.l2.max(initial=0.0)), float(self.thresholds.max(initial=0.0))
        value = 0.5 * (self.misfit + l2 * float(self.w @ self.w)) + l1 * float(np.abs(self.w).sum())
        return rounds_over_columns(
            self.columns, self.targets, u, (l2, l1), ROUNDS, value, self.squares
        )

    def solve(self, active: NDArray[np.bool_], slope: Array) -> Array:
        rescale = active / unit_scale(self.squares)

        def product(v: Array) -> Array:
            move = rescale * v
            image = self.columns.transposed_times(self.columns.times(move))
            return rescale * (image + self.l2 * move)

        move, _, n_products = conjugate_gradients(
            product,
            np.copy,
            rescale * slope,
            CG_ACCURACY,
            self.enough,
            max_products=self.most,
            precision=np.float32,
        )
        self.products.append(n_products)
        return rescale * move


def minimise(model: L1Quadratic, accuracy: float, much: float = inf) -> tuple[State, bool]:
    """Where the quadratic is lowest, and whether the smallest subgradient says so.

    Coordinates enter only where the minimum with the signs of u is reached, after rounds. If that
    minimum gains less than one exact step in the best coordinate would have, rounding has spoilt
    the system (F is nearly singular), and rounds alone go on. So the value falls by as much as
    coordinate descent would make it fall.

    Parameters
    ----------
    model : L1Quadratic
    accuracy : float
        Once the value has fallen by more than ``much``, the search ends where single steps
        would gain no more than this part, squared, of the fall; before, it is exact.
    much : float, default=inf

    Returns
    -------
    state : State
        Its value is no higher than that at w.
    settled : bool
    """

    def is_settled(state: State) -> bool:
        part = accuracy if state.gained > much else EXACT
        return bool(state.gains.sum() <= max(part**2 * state.gained, model.floor))

    state, reached, stuck = model.start, True, False
    for _ in range(MAX_CYCLES):
        before, subgradient = state, model.subgradient(state)
        at_zero = state.u == 0
        entering = np.count_nonzero(subgradient[at_zero])
        if not reached:
            subgradient[at_zero] = 0.0
        elif stuck or entering > FEW_ENTERING * np.count_nonzero(~at_zero):
            state = model.moved(state, model.rounds(state.u))
            if stuck and state is before:
                break
            if state.gained > much and is_settled(state):
                return state, True
            subgradient = model.subgradient(state)
        if reached:
            hoped_for = state.gained + state.gains.max(initial=0.0)
        state, reached = _step_with_signs(model, state, subgradient)
        stuck = state.gained <= hoped_for
        little = state.gained - before.gained <= accuracy**4 * state.gained
        if is_settled(state) or (state.gained > much and little):
            return state, True
    return state, False


def _step_with_signs(model: L1Quadratic, state: State, subgradient: Array) -> tuple[State, bool]:
    """Towards the minimum with the signs of u as far as the value falls; and if that is reached.

    Coordinates at 0 with a subgradient enter with the sign that lowers the value; those that the
    system would give the other sign stay. On the way, coordinates that change their sign are
    held at 0: all of them, or those that do so first, half as many at each trial.
    """
    u, penalised = state.u, model.thresholds > 0
    move = model.solve((u != 0) | (subgradient != 0) | ~penalised, -subgradient)
    move[penalised & (u == 0) & (subgradient * move > 0)] = 0.0
    image = model.image(move)
    curvature = model.curvature(move, image)
    downhill = -float(subgradient @ move)
    length = min(downhill / curvature, 1.0) if curvature > 0 else 1.0
    crossing = np.flatnonzero(penalised & (u * (u + length * move) < 0))
    if not len(crossing):
        return model.moved(state, u + length * move, length * image), True
    lengths = -u[crossing] / move[crossing]
    order = np.argsort(lengths)
    halved = [len(order) >> k for k in range(len(order).bit_length())]
    for n_held, part in [(len(order), length), *((n, lengths[order[n - 1]]) for n in halved)]:
        v = u + part * move
        v[crossing[order[:n_held]]] = 0.0
        found = model.moved(state, v)
        if found is not state:
            return found, False
    return state, True  # by rounding
