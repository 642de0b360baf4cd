"""L-BFGS about a base metric: a curvature that is corrected by the steps made with it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf
from typing import NamedTuple

import numpy as np
from scipy.linalg import get_blas_funcs

from ..._typing import Array, Precision
from ...objective import Objective, Point
from .cost_model import refresh_cost
from .curvature import CholeskyFisher, Metric

MIN_PAIRS, MAX_PAIRS, PAIRS_BYTES = 5, 20, 8e6
"""Steps that are remembered: as many as take so many bytes, between two bounds."""

MIN_SIZE_FLOAT32 = 2000
"""Number of parameters from which a diagonal base and its pairs are kept in float32."""

POWERS = 0.5, 0.75, 1.0
"""Of the diagonal of F."""

FLOAT32_RANGE = 1e15
"""Largest entry of such a diagonal, and of its inverse, whose products float32 holds."""


@dataclass(frozen=True)
class DiagonalBase(Metric):
    """A power of the diagonal of F at w = 0.

    The diagonal itself makes the path the same for any scaling of the features. Where most
    features are rare, as words are, it gives these too much: many of them together make up
    directions in which J has little curvature. There its square root is the better metric.

    Attributes
    ----------
    metrics : array of shape (3, w.size)
        The powers, each times the power of its sum that keeps the units of F.
    inverses : array of the same shape
        1 / metrics, and 0 where the diagonal is 0.
    chosen : int
        The one in use.
    """

    metrics: Array
    inverses: Array
    chosen: int = 1

    @classmethod
    def of(cls, objective: Objective) -> DiagonalBase:
        """From the mean squares of the features."""
        n_outputs = objective.loss.n_outputs
        probability = 1 / max(n_outputs, 2)
        variance = np.full((1, n_outputs), probability * (1 - probability))
        fisher = objective.mean_squares[:, np.newaxis] * variance
        fisher += objective.penalty.gradient(np.ones_like(fisher))
        sums = fisher.sum(axis=0)
        metrics = np.stack([fisher**t * sums ** (1 - t) for t in POWERS])
        metrics = metrics.reshape(len(POWERS), -1)
        inverses = np.divide(1, metrics, out=np.zeros_like(metrics), where=metrics > 0)
        in_range = max(metrics.max(), inverses.max()) < FLOAT32_RANGE
        if fisher.size > MIN_SIZE_FLOAT32 and in_range:
            metrics, inverses = metrics.astype(np.float32), inverses.astype(np.float32)
        return cls(metrics, inverses)

    def solve(self, dw: Array) -> Array:
        return dw * self.inverses[self.chosen].reshape(dw.shape)

    @property
    def precision(self) -> Precision:
        return self.metrics.dtype.type

    def fitted(self, s: Array, y: Array) -> DiagonalBase:
        """With the power whose metric M has the least sᵀMs · yᵀM⁻¹y.

        By Cauchy and Schwarz that is (sᵀy)² at the least, which it is where y is a multiple of Ms.
        """
        kind = self.metrics.dtype
        s2, y2 = np.square(s, dtype=kind), np.square(y, dtype=kind)
        return replace(self, chosen=int(np.argmin((self.metrics @ s2) * (self.inverses @ y2))))


class CurvaturePair(NamedTuple):
    """A step s and the change y of dw along it, flat."""

    s: Array
    y: Array
    sTy: float  # noqa: N815  (the name in the literature)

    @classmethod
    def of(cls, before: Point, point: Point, precision: Precision) -> CurvaturePair | None:
        """Both over one length, in this precision; None if sᵀy may be the rounding of dw.

        That is judged parameter by parameter, so that their units do not matter.
        """
        s = np.subtract(point.w, before.w, dtype=np.float64).ravel()
        y = np.subtract(point.dw, before.dw, dtype=np.float64).ravel()
        if not curvature_along(s, y, before.dw):
            return None
        length = float(np.sqrt(np.linalg.norm(s) * np.linalg.norm(y)))
        kind = np.dtype(precision)
        s, y = ((part / length).astype(kind, copy=False) for part in (s, y))
        pair = cls(s, y, float(np.vdot(s, y)))
        return pair if pair.sTy > 0 else None


def curvature_along(s: Array, y: Array, dw: Array) -> float:
    """sᵀy of a step and the change of dw along it; 0 if that may be the rounding of dw."""
    sTy = float(np.vdot(s, y))
    rounding = np.finfo(dw.dtype).eps * float(np.abs(s).ravel() @ np.abs(dw).ravel())
    return sTy if sTy > rounding else 0.0


@dataclass(frozen=True)
class LBFGS(Metric):
    """The inverse of a base metric, corrected by BFGS updates of the last steps.

    The base may be F of a subsample, F of an earlier point, or no more than a diagonal. The
    update of Broyden, Fletcher, Goldfarb and Shanno is the least change of its inverse that
    agrees with the change of dw along a step.

    Attributes
    ----------
    base : Metric
    refresh_cost : float
        Of F at another point, in passes; infinite where it is too large to factorise.
    n_rows : int
        On how many rows the base was worked out; 0 for a diagonal.
    current_at : array or None
        The w of the point whose F the base is.
    every_step : bool
    pairs : tuple of CurvaturePair
        Oldest first.
    scale : float
        The factor of the base's inverse, sᵀy / yᵀ B⁻¹ y of the last pair unless the base is F.

    References
    ----------
    Nocedal, "Updating quasi-Newton matrices with limited storage", Math. Comput. 35 (1980).
    """

    base: Metric
    refresh_cost: float = inf
    n_rows: int = 0
    current_at: Array | None = None
    every_step: bool = False
    pairs: tuple[CurvaturePair, ...] = ()
    scale: float = 1.0

    @property
    def is_fisher(self) -> bool:
        """Whether the base is F, of a sample or of another point maybe."""
        return isinstance(self.base, CholeskyFisher)

    @property
    def amplifies_rounding(self) -> bool:  # type: ignore[override]
        return self.base.amplifies_rounding

    def is_current(self, point: Point) -> bool:
        return point.w is self.current_at

    def updated(self, before: Point, point: Point) -> LBFGS | None:
        if self.every_step:
            return None
        pair = CurvaturePair.of(before, point, self.base.precision)
        if not pair:
            return self
        most = int(np.clip(PAIRS_BYTES / (2 * pair.s.nbytes), MIN_PAIRS, MAX_PAIRS))
        pairs = (*self.pairs, pair)[-most:]
        if self.is_fisher:
            return replace(self, pairs=pairs)
        base = self.base.fitted(pair.s, pair.y)
        moved = base.solve(pair.y.reshape(point.w.shape)).ravel()
        return replace(self, base=base, pairs=pairs, scale=pair.sTy / float(np.vdot(pair.y, moved)))

    def transferred(self, objective: Objective, ridge: Array) -> LBFGS | None:
        if not isinstance(self.base, CholeskyFisher):
            return None
        cost = refresh_cost(objective, self.n_rows)
        return LBFGS(self.base.plus(ridge), cost, self.n_rows)

    def solve(self, dw: Array) -> Array:
        if not self.pairs:
            return self.base.solve(dw)
        kind = self.pairs[0].s.dtype
        axpy = get_blas_funcs("axpy", dtype=kind)
        slope, shares = dw.astype(kind).ravel(), []
        for s, y, sTy in reversed(self.pairs):
            shares.append(float(np.vdot(s, slope)) / sTy)
            slope = axpy(y, slope, a=-shares[-1])
        move = (self.scale * self.base.solve(slope.reshape(dw.shape))).astype(kind).ravel()
        for (s, y, sTy), share in zip(self.pairs, reversed(shares), strict=True):
            move = axpy(s, move, a=share - float(np.vdot(y, move)) / sTy)
        return move.reshape(dw.shape)
