"""A Fisher information that was worked out once, corrected by what steps have shown since."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf
from typing import NamedTuple

import numpy as np
from scipy.linalg import get_blas_funcs

from ..._typing import Array, Precision
from ...objective import Objective, Point
from .curvature import Curvature, FactorisedFisher, Metric
from .subsampling import price

FEWEST_PAIRS, MOST_PAIRS, PAIRS_BYTES = 5, 20, 8e6
"""Steps that are remembered: as many as take so many bytes, between two bounds."""

FRESH = 0.05
"""To what part a step with a fresh F is taken to shrink the norm of the gradient."""

CHEAP, PATIENCE = 1.0, 3
"""A dearer F than this, in passes, is given so many steps before it is judged."""

WINDOW = 6
"""Steps over which the progress that a guess makes is judged."""

MANY = 400
"""Steps after which a guess is given up though it can only be replaced by conjugate gradients.

These read the rows no less often, but in fewer iterations."""

SPAN = 10
"""Greatest number of steps whose decreases are added up to tell by what they shrink."""

NEWTON = 4.0
"""Price up to which F on all rows is worked out at every point: that is Newton's method."""

OLD = 8
"""Steps after which F may have become too large in a direction that no step has shown."""

LAST_STEPS = 1e-4
"""Square of the norm from which Newton's method may be about to end."""

NEGLIGIBLE = 0.1
"""Part of the norm at which the descent ends that is not worth another F."""


class Pair(NamedTuple):
    """A step and the change of dw on it."""

    step: Array
    change: Array
    inner: float

    @classmethod
    def of(cls, step: Array, change: Array, precision: Precision, size: float = 1.0) -> Pair:
        """Both over ``size``, flat, in this precision."""
        kind = np.dtype(precision)
        short: Array = np.ravel(step / size).astype(kind, copy=False)
        turn: Array = np.ravel(change / size).astype(kind, copy=False)
        return cls(short, turn, float(np.vdot(short, turn)))

    def plus(self, more: Array) -> Pair:
        """With more on the diagonal of F."""
        change: Array = (self.change + more * self.step).astype(self.change.dtype, copy=False)
        return Pair(self.step, change, float(np.vdot(self.step, change)))


def bend(step: Array, change: Array, dw: Array) -> float:
    """stepᵀchange of a step and the change of dw on it; 0 if that may be rounding of dw.

    That is judged parameter by parameter, so that their units do not matter.
    """
    inner = float(np.vdot(step, change))
    rounding = np.finfo(dw.dtype).eps * float(np.abs(step).ravel() @ np.abs(dw).ravel())
    return inner if inner > rounding else 0.0


def most_pairs(pair: Pair) -> int:
    """How many like this one are remembered."""
    return int(np.clip(PAIRS_BYTES / (2 * pair.step.nbytes), FEWEST_PAIRS, MOST_PAIRS))


@dataclass(frozen=True)
class SecantFisher(Metric):
    """F̂⁻¹ as the centre of BFGS updates: momentum in the metric of F̂.

    F̂ may be of a sample of rows, or of a point some steps ago. Each step shows what the
    true curvature along it is, (dw⁺ − dw) for (w⁺ − w), and the update of Broyden,
    Fletcher, Goldfarb and Shanno is the least change of F̂⁻¹ that agrees with it.

    Attributes
    ----------
    centre : Metric
        F̂.
    price : float
        What working out F̂ anew would cost, in passes; infinite where it is too large.
    n_rows : int
        How many rows F̂ is of.
    whole : bool
        Whether these are all.
    aim : float
        Norm of the gradient at which the descent ends.
    trusted : bool
        Whether F̂ may decide that this is so: it may not if it is no more than a guess.
    scale : float
        By what F̂⁻¹ is multiplied: for a guess, what the last step has shown.
    pairs : tuple of Pair
        Oldest first.
    steps : int
        Made since F̂ was worked out.
    promised : tuple of float
        The decreases that were promised at the last points, oldest first.

    References
    ----------
    Nocedal, "Updating quasi-Newton matrices with limited storage", Math. Comput. 35
    (1980): the two loops of `solve`.
    """

    centre: Metric
    price: float
    n_rows: int
    whole: bool
    aim: float
    trusted: bool = True
    scale: float = 1.0
    pairs: tuple[Pair, ...] = ()
    steps: int = 0
    promised: tuple[float, ...] = ()

    def learn(self, before: Point, point: Point, decrease: float) -> Curvature | None:
        if self._is_newton and 2 * decrease > max(self.aim, LAST_STEPS):
            return None
        promised = (*self.promised, decrease)[-2 * SPAN :]
        return replace(self.with_pair(before, point), steps=self.steps + 1, promised=promised)

    def with_pair(self, before: Point, point: Point) -> SecantFisher:
        """With the update for the step between two points."""
        step = np.subtract(point.w, before.w, dtype=np.float64)
        change = np.subtract(point.dw, before.dw, dtype=np.float64)
        if not bend(step, change, before.dw):
            return self
        size = float(np.sqrt(np.linalg.norm(step) * np.linalg.norm(change)))
        pair = Pair.of(step, change, self.centre.precision, size)
        if pair.inner <= 0:
            return self
        pairs = (*self.pairs, pair)[-most_pairs(pair) :]
        if self.trusted:
            return replace(self, pairs=pairs)
        centre, change = self.centre.agreeing(pair.step, pair.change), pair.change
        moved = centre.solve(change.reshape(step.shape)).ravel()
        scale = pair.inner / float(np.vdot(change, moved))
        return replace(self, centre=centre, scale=scale, pairs=pairs)

    @property
    def _is_newton(self) -> bool:
        return self.whole and self.price <= NEWTON

    def handed_over(self, objective: Objective, more: Array) -> Curvature | None:
        if not isinstance(self.centre, FactorisedFisher):
            return None
        pairs = tuple(pair.plus(more) for pair in self.pairs) if more.any() else self.pairs
        return replace(
            self,
            centre=self.centre.plus(more),
            price=price(objective, self.n_rows),
            whole=False,
            pairs=tuple(pair for pair in pairs if pair.inner > 0),
            steps=0,
        )

    @property
    def is_rough(self) -> bool:
        return self.centre.is_rough

    def aimed_at(self, aim: float) -> SecantFisher:
        """A guess that was trusted to end a descent is not for another end."""
        if aim == self.aim:
            return self
        return replace(self, aim=aim, trusted=isinstance(self.centre, FactorisedFisher))

    @property
    def is_fresh(self) -> bool:
        return self._is_newton and not (self.pairs or self.steps)

    @property
    def is_old(self) -> bool:
        return isinstance(self.centre, FactorisedFisher) and self.steps >= OLD

    def to_come(self, decrease: float, ratio: float) -> float:
        """Of a guess from many steps: what it promises of one may be far from what is left."""
        if self.trusted or not self.promised:
            return super().to_come(decrease, ratio)
        decreases = (*self.promised, decrease)[-2 * SPAN :]
        span = len(decreases) // 2
        shrunk = sum(decreases[-span:]) / (sum(decreases[-2 * span : -span]) or 1.0)
        return super().to_come(decrease, max(shrunk, 0.0) ** (1 / span))

    def asks_for_proof(self, decrease: float) -> bool:
        return not self.trusted and 2 * self.to_come(decrease, 0.0) <= self.aim**2

    def is_stale(self, decrease: float, ratio: float) -> bool:
        if not decrease > 0 or self.asks_for_proof(decrease):
            return True
        if 2 * decrease < (NEGLIGIBLE * self.aim) ** 2:
            return False
        if self._is_newton:
            return True
        if not self.trusted:
            if self.price == inf:
                return self.steps >= (MANY if self.pairs else WINDOW)
            if len(self.promised) < WINDOW:
                return False
            before = self.promised[-WINDOW:][: WINDOW // 2]
            ratio = (decrease / max(before)) ** (1 / WINDOW)
        elif self.price > CHEAP and self.steps < PATIENCE:
            return False
        return ratio > FRESH ** (2 / (1 + self.price))

    def solve(self, dw: Array) -> Array:
        if not self.pairs:
            return self.centre.solve(dw)
        kind = self.pairs[0].step.dtype
        axpy = get_blas_funcs("axpy", dtype=kind)
        slope, shares = dw.astype(kind).ravel(), []
        for step, change, inner in reversed(self.pairs):
            shares.append(float(np.vdot(step, slope)) / inner)
            slope = axpy(change, slope, a=-shares[-1])
        move = (self.scale * self.centre.solve(slope.reshape(dw.shape))).astype(kind).ravel()
        for (step, change, inner), share in zip(self.pairs, reversed(shares), strict=True):
            move = axpy(step, move, a=share - float(np.vdot(change, move)) / inner)
        return move.reshape(dw.shape)
