"""The minimum of a convex quadratic plus an L1 norm.

    ½ (u − w)ᵀF(u − w) + dw·(u − w) + Σ λⱼ (|uⱼ| − |wⱼ|),   λⱼ = 0 where there is no penalty.

`minimise` alternates two steps. Coordinate descent finds most of the signs. For given signs the
minimum solves a linear system, and the second step moves towards this solution as far as the value
decreases (feature-sign search). The search ends where steps along single coordinates can hardly
lower the value.

F is either a matrix (`GramModel`) or a product of columns of X (`ColumnModel`).

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
from ...penalty import soft_threshold
from .coordinate_descent import GramCoordinateDescent, column_coordinate_descent
from .curvature import CholeskyFisher
from .hessian_free import conjugate_gradients

MAX_ALTERNATIONS = 100
"""Most alternations of coordinate descent and linear systems. Hard problems of the tests take 30;
the bound matters where rounding stops the search."""

N_CYCLES = 10
"""Cycles of coordinate descent in an alternation; each costs as much as a product with F."""

MAX_ENTERING_WITHOUT_CD = 0.1
"""Entering coordinates, relative to the non-zero ones, up to which a linear system comes first."""

INEXACT_TOL = 0.1
"""Error of an inexact step relative to the step, in the norm of F."""

CG_TOL = 0.3
"""Error of the solution of a linear system by conjugate gradients, in the same units."""

EXACT_TOL = 1e-10
"""Error of an exact step, in the same units: that of a Cholesky factor of a well-conditioned F."""

DECREASE_ROUNDING = 1e-15
"""Rounding of the decrease along a step, relative to its terms."""


class L1State(NamedTuple):
    """Coordinates, and the value and the derivatives of the quadratic there.

    Attributes
    ----------
    u : array of shape (p,)
    image : array
        The image of u − w under F or W.
    decrease : float
        By how much the value is lower than at w.
    gradient : array of shape (p,)
        Of the quadratic.
    coordinate_decreases : array of shape (p,)
        By how much the minimum along each coordinate is lower.
    """

    u: Array
    image: Array
    decrease: float
    gradient: Array
    coordinate_decreases: Array


@dataclass(frozen=True)
class L1Quadratic(ABC):
    """The quadratic, expanded about w.

    Attributes
    ----------
    w, dw : array of shape (p,)
        The centre of the expansion, and the gradient there.
    thresholds : array of shape (p,)
        λⱼ.
    squares : array of shape (p,)
        The diagonal of F.
    """

    w: Array
    dw: Array
    thresholds: Array
    squares: Array

    min_decrease = 0.0
    """The search ends where the coordinate decreases sum to no more than this."""

    @abstractmethod
    def image(self, delta: Array) -> Array:
        """The image of a step under F or W."""

    @abstractmethod
    def curvature(self, delta: Array, image: Array) -> float:
        """deltaᵀ F delta."""

    @abstractmethod
    def gradient(self, u: Array, image: Array) -> Array:
        """The gradient of the quadratic."""

    @abstractmethod
    def coordinate_descent(self, u: Array) -> Array:
        """The coordinates after `N_CYCLES` of coordinate descent from u."""

    @abstractmethod
    def solve(self, active: NDArray[np.bool_], gradient: Array) -> Array:
        """About F⁻¹ gradient on the active coordinates, 0 elsewhere."""

    @cached_attribute
    def start(self) -> L1State:
        """The state at w."""
        image = np.zeros_like(self.image(np.zeros_like(self.w)))
        decreases = self._coordinate_decreases(self.w, self.dw)
        return L1State(self.w, image, 0.0, self.dw, decreases)

    def _coordinate_decreases(self, u: Array, gradient: Array) -> Array:
        squares = unit_scale(self.squares) ** 2
        best = soft_threshold(u - gradient / squares, self.thresholds / squares)
        delta = best - u
        increases = delta * (gradient + 0.5 * squares * delta)
        decreases = self.thresholds * (np.abs(u) - np.abs(best)) - increases
        return np.where(np.isfinite(decreases), decreases, 0.0)

    def subgradient(self, state: L1State) -> Array:
        """The smallest subgradient."""
        gradient = state.gradient
        at_zero = soft_threshold(gradient, self.thresholds)
        return np.where(state.u == 0, at_zero, gradient + self.thresholds * np.sign(state.u))

    def accept_if_lower(self, state: L1State, u: Array, image: Array | None = None) -> L1State:
        """The state at u if the value is lower there, or else ``state`` itself.

        The decrease is summed over the terms of the step. A difference of two values would have
        their rounding, which near the minimum exceeds the remaining decrease.
        """
        delta = u - state.u
        image = self.image(delta) if image is None else image
        linear = delta * state.gradient
        terms = linear + self.thresholds * (np.abs(u) - np.abs(state.u))
        decrease = -float(np.sum(terms)) - 0.5 * self.curvature(delta, image)
        if not decrease > DECREASE_ROUNDING * float(np.abs(linear).sum()):
            return state
        image = state.image + image
        gradient = self.gradient(u, image)
        decreases = self._coordinate_decreases(u, gradient)
        return L1State(u, image, state.decrease + decrease, gradient, decreases)


@dataclass(frozen=True)
class GramModel(L1Quadratic):
    """F as a matrix; systems are solved by Cholesky."""

    fisher: Array

    def image(self, delta: Array) -> Array:
        return self.fisher @ delta

    def curvature(self, delta: Array, image: Array) -> float:
        return float(delta @ image)

    def gradient(self, u: Array, image: Array) -> Array:
        return self.dw + image

    def coordinate_descent(self, u: Array) -> Array:
        return self._coordinate_descent(u, N_CYCLES)

    @cached_attribute
    def _coordinate_descent(self) -> GramCoordinateDescent:
        c = self.fisher @ self.w - self.dw
        return GramCoordinateDescent(self.fisher, c, self.thresholds)

    def solve(self, active: NDArray[np.bool_], gradient: Array) -> Array:
        solution = np.zeros_like(gradient)
        if active.any():
            fisher = self.fisher[np.ix_(active, active)]
            solution[active] = CholeskyFisher.factorise(fisher).solve(gradient[active])
        return solution


@dataclass(frozen=True)
class ColumnModel(L1Quadratic):
    """F = WᵀW + l2 by the columns of W; systems are solved by conjugate gradients.

    W is in single precision and dw in double precision: F only shapes the step. Columns without a
    penalty come last and are multiplied by `UNPENALISED_SCALE`.

    Attributes
    ----------
    columns : Columns
        W = diag(√h) X with h = share · a(1 − a) of each row.
    targets : array of shape (m,), float32
        W w − dz/√h: the quadratic is ½ ‖W u − targets‖² + ½ Σ l2 u² and a constant.
    squared_residual : float
        ‖W w − targets‖².
    l2 : array of shape (p,)
    max_error : float
        Error of a solution, in the norm of F, up to which no more products are needed.
    max_products : int
        Most products for a system.
    products : list of int
        Products that each system has taken.
    """

    columns: Columns
    targets: Array
    squared_residual: float
    l2: Array
    max_error: float
    max_products: int
    products: list[int] = field(default_factory=lambda: [0])

    @property
    def min_decrease(self) -> float:  # type: ignore[override]
        return self.max_error**2

    def image(self, delta: Array) -> Array:
        return self.columns.times(delta)

    def curvature(self, delta: Array, image: Array) -> float:
        return float(np.sum(np.square(image), dtype=np.float64)) + float(self.l2 @ delta**2)

    def gradient(self, u: Array, image: Array) -> Array:
        return self.dw + self.columns.transposed_times(image) + self.l2 * (u - self.w)

    def coordinate_descent(self, u: Array) -> Array:
        l2, l1 = float(self.l2.max(initial=0.0)), float(self.thresholds.max(initial=0.0))
        smooth = 0.5 * (self.squared_residual + l2 * float(self.w @ self.w))
        value = smooth + l1 * float(np.abs(self.w).sum())
        return column_coordinate_descent(
            self.columns, self.targets, u, (l2, l1), N_CYCLES, value, self.squares
        )

    def solve(self, active: NDArray[np.bool_], gradient: Array) -> Array:
        rescale = active / unit_scale(self.squares)

        def product(v: Array) -> Array:
            delta = rescale * v
            image = self.columns.transposed_times(self.columns.times(delta))
            return rescale * (image + self.l2 * delta)

        solution, _, n_products = conjugate_gradients(
            product,
            np.copy,
            rescale * gradient,
            CG_TOL,
            self.max_error,
            max_products=self.max_products,
            precision=np.float32,
        )
        self.products.append(n_products)
        return rescale * solution


def minimise(model: L1Quadratic, rel_tol: float, exact_below: float = inf) -> tuple[L1State, bool]:
    """Minimise the quadratic plus the L1 norm.

    Coordinates enter only at the minimum for the signs of u, after coordinate descent. If this
    minimum lowers the value by less than one exact step in the best coordinate would, the solution
    of the system is inaccurate (F is nearly singular), and coordinate descent alone continues. So
    the value falls at least as much as by coordinate descent.

    Parameters
    ----------
    model : L1Quadratic
    rel_tol : float
        Relative error allowed where the value has fallen by more than ``exact_below``: the search
        ends where the coordinate decreases sum to no more than the square of this part of the
        decrease.
    exact_below : float, default=inf
        Decrease up to which the step is exact.

    Returns
    -------
    state : L1State
        Its value is no higher than that at w.
    converged : bool
    """

    def is_converged(state: L1State) -> bool:
        tol = rel_tol if state.decrease > exact_below else EXACT_TOL
        max_left = max(tol**2 * state.decrease, model.min_decrease)
        return bool(state.coordinate_decreases.sum() <= max_left)

    state, at_minimum, stalled = model.start, True, False
    for _ in range(MAX_ALTERNATIONS):
        previous, subgradient = state, model.subgradient(state)
        at_zero = state.u == 0
        n_entering = np.count_nonzero(subgradient[at_zero])
        if not at_minimum:
            subgradient[at_zero] = 0.0
        elif stalled or n_entering > MAX_ENTERING_WITHOUT_CD * np.count_nonzero(~at_zero):
            state = model.accept_if_lower(state, model.coordinate_descent(state.u))
            if stalled and state is previous:
                break
            if state.decrease > exact_below and is_converged(state):
                return state, True
            subgradient = model.subgradient(state)
        if at_minimum:
            sufficient = state.decrease + state.coordinate_decreases.max(initial=0.0)
        state, at_minimum = _sign_step(model, state, subgradient)
        stalled = state.decrease <= sufficient
        is_small = state.decrease - previous.decrease <= rel_tol**4 * state.decrease
        if is_converged(state) or (state.decrease > exact_below and is_small):
            return state, True
    return state, False


def _sign_step(model: L1Quadratic, state: L1State, subgradient: Array) -> tuple[L1State, bool]:
    """Move towards the minimum for the signs of u; return the state and whether it is reached.

    Coordinates at 0 with a subgradient enter with the sign that lowers the value; those to which
    the system gives the other sign stay at 0. Coordinates that would change their sign are set to
    0: all of them, or those that cross 0 first, half as many at each trial, until the value falls.
    """
    u, penalised = state.u, model.thresholds > 0
    direction = model.solve((u != 0) | (subgradient != 0) | ~penalised, -subgradient)
    direction[penalised & (u == 0) & (subgradient * direction > 0)] = 0.0
    image = model.image(direction)
    curvature = model.curvature(direction, image)
    descent = -float(subgradient @ direction)
    length = min(descent / curvature, 1.0) if curvature > 0 else 1.0
    crossing = np.flatnonzero(penalised & (u * (u + length * direction) < 0))
    if not len(crossing):
        return model.accept_if_lower(state, u + length * direction, length * image), True
    lengths = -u[crossing] / direction[crossing]
    order = np.argsort(lengths)
    halved = [len(order) >> k for k in range(len(order).bit_length())]
    for n_zeros, t in [(len(order), length), *((n, lengths[order[n - 1]]) for n in halved)]:
        trial = u + t * direction
        trial[crossing[order[:n_zeros]]] = 0.0
        accepted = model.accept_if_lower(state, trial)
        if accepted is not state:
            return accepted, False
    return state, True  # no decrease is representable
