"""L-BFGS about a base metric: a curvature corrected by the last steps."""

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
"""Number of curvature pairs that are kept: as many as take `PAIRS_BYTES`, between two bounds."""

MIN_PARAMETERS_FLOAT32 = 2000
"""Number of parameters from which a diagonal base and its pairs are kept in float32."""

POWERS = 0.5, 0.75, 1.0
"""Powers of the diagonal of F."""

MAX_ENTRY_FLOAT32 = 1e15
"""Largest entry of a diagonal base, and of its inverse, for which float32 represents products."""


@dataclass(frozen=True)
class DiagonalBase(Metric):
    """A power of the diagonal of F at w = 0.

    The diagonal itself makes the path the same for any scaling of the features. Where most
    features are rare, as words are, it gives them too much weight: many of them together make up
    directions in which J has little curvature. There the square root is the better metric.

    Attributes
    ----------
    metrics : array of shape (3, w.size)
        The powers, each times the power of its sum that keeps the units of F.
    inverses : array of the same shape
        1 / metrics, and 0 where the diagonal is 0.
    chosen : int
        The index of the power in use.
    """

    metrics: Array
    inverses: Array
    chosen: int = 1

    @classmethod
    def from_objective(cls, objective: Objective) -> DiagonalBase:
        """The diagonal base from the mean squares of the features."""
        n_outputs = objective.loss.n_outputs
        probability = 1 / max(n_outputs, 2)
        variance = np.full((1, n_outputs), probability * (1 - probability))
        fisher = objective.mean_squares[:, np.newaxis] * variance
        fisher += objective.penalty.gradient(np.ones_like(fisher))
        sums = fisher.sum(axis=0)
        metrics = np.stack([fisher**t * sums ** (1 - t) for t in POWERS])
        metrics = metrics.reshape(len(POWERS), -1)
        inverses = np.divide(1, metrics, out=np.zeros_like(metrics), where=metrics > 0)
        in_range = max(metrics.max(), inverses.max()) < MAX_ENTRY_FLOAT32
        if fisher.size > MIN_PARAMETERS_FLOAT32 and in_range:
            metrics, inverses = metrics.astype(np.float32), inverses.astype(np.float32)
        return cls(metrics, inverses)

    def solve(self, dw: Array) -> Array:
        return dw * self.inverses[self.chosen].reshape(dw.shape)

    @property
    def precision(self) -> Precision:
        return self.metrics.dtype.type

    def fitted(self, s: Array, y: Array) -> DiagonalBase:
        """Choose the power whose metric M has the least sᵀMs · yᵀM⁻¹y.

        By the Cauchy–Schwarz inequality this is at least (sᵀy)², with equality where y is a
        multiple of Ms.
        """
        dtype = self.metrics.dtype
        s2, y2 = np.square(s, dtype=dtype), np.square(y, dtype=dtype)
        return replace(self, chosen=int(np.argmin((self.metrics @ s2) * (self.inverses @ y2))))


class CurvaturePair(NamedTuple):
    """A step s and the change y of dw along it, flat."""

    s: Array
    y: Array
    sTy: float  # noqa: N815  (the name in the literature)

    @classmethod
    def between(cls, previous: Point, point: Point, precision: Precision) -> CurvaturePair | None:
        """The pair of a step, both divided by √(‖s‖ ‖y‖); None if sᵀy may be the rounding of dw.

        The rounding is bounded parameter by parameter, so that their units do not matter.
        """
        s = np.subtract(point.w, previous.w, dtype=np.float64).ravel()
        y = np.subtract(point.dw, previous.dw, dtype=np.float64).ravel()
        if not curvature_along(s, y, previous.dw):
            return None
        length = float(np.sqrt(np.linalg.norm(s) * np.linalg.norm(y)))
        dtype = np.dtype(precision)
        s, y = ((part / length).astype(dtype, copy=False) for part in (s, y))
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

    The base is F of a subsample or of an earlier point, Kronecker factors or a diagonal. The
    update of Broyden, Fletcher, Goldfarb and Shanno is the least change of the inverse that
    agrees with the change of dw along a step.

    Attributes
    ----------
    base : Metric
    refresh_cost : float
        Cost of F at another point, in passes; infinite where F is too large to factorise.
    n_rows : int
        Number of rows that the base is computed on; 0 for a diagonal.
    current_at : array or None
        The w of the point whose F the base is.
    refresh_every_step : bool
    pairs : tuple of CurvaturePair
        Oldest first.
    scale : float
        Factor of the base's inverse, sᵀy / yᵀB⁻¹y of the last pair unless the base is F.

    References
    ----------
    Nocedal, "Updating quasi-Newton matrices with limited storage", Math. Comput. 35 (1980).
    """

    base: Metric
    refresh_cost: float = inf
    n_rows: int = 0
    current_at: Array | None = None
    refresh_every_step: bool = False
    pairs: tuple[CurvaturePair, ...] = ()
    scale: float = 1.0

    @property
    def has_fisher_base(self) -> bool:
        """Whether the base is F, of any rows and any point."""
        return isinstance(self.base, CholeskyFisher)

    @property
    def amplifies_rounding(self) -> bool:  # type: ignore[override]
        return self.base.amplifies_rounding

    def is_current(self, point: Point) -> bool:
        return point.w is self.current_at

    def updated(self, previous: Point, point: Point) -> LBFGS | None:
        if self.refresh_every_step:
            return None
        pair = CurvaturePair.between(previous, point, self.base.precision)
        if not pair:
            return self
        max_pairs = int(np.clip(PAIRS_BYTES / (2 * pair.s.nbytes), MIN_PAIRS, MAX_PAIRS))
        pairs = (*self.pairs, pair)[-max_pairs:]
        if self.has_fisher_base:
            return replace(self, pairs=pairs)
        base = self.base.fitted(pair.s, pair.y)
        solved = base.solve(pair.y.reshape(point.w.shape)).ravel()
        scale = pair.sTy / float(np.vdot(pair.y, solved))
        return replace(self, base=base, pairs=pairs, scale=scale)

    def transferred(self, objective: Objective, ridge: Array) -> LBFGS | None:
        if not isinstance(self.base, CholeskyFisher):
            return None
        cost = refresh_cost(objective, self.n_rows)
        return LBFGS(self.base.with_ridge(ridge), cost, self.n_rows)

    def solve(self, dw: Array) -> Array:
        """The two-loop recursion."""
        if not self.pairs:
            return self.base.solve(dw)
        dtype = self.pairs[0].s.dtype
        axpy = get_blas_funcs("axpy", dtype=dtype)
        q, coefficients = dw.astype(dtype).ravel(), []
        for s, y, sTy in reversed(self.pairs):
            coefficients.append(float(np.vdot(s, q)) / sTy)
            q = axpy(y, q, a=-coefficients[-1])
        r = (self.scale * self.base.solve(q.reshape(dw.shape))).astype(dtype).ravel()
        for (s, y, sTy), coefficient in zip(self.pairs, reversed(coefficients), strict=True):
            r = axpy(s, r, a=coefficient - float(np.vdot(y, r)) / sTy)
        return r.reshape(dw.shape)
