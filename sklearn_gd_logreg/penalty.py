"""The elastic-net penalty: the L2 part has a gradient, the L1 part a proximal operator."""

from dataclasses import dataclass

import numpy as np

from ._typing import Array


def soft_threshold(v: Array, threshold: float | Array) -> Array:
    """sign(v) max(|v| − threshold, 0)."""
    shrunk: Array = np.sign(v) * np.maximum(np.abs(v) - threshold, 0)
    return shrunk


@dataclass(frozen=True)
class ElasticNet:
    """P(w) = l2/2 ‖w‖² + l1 ‖w‖₁ over the coefficients; the intercept is not penalised.

    Parameters are one array of shape (n_features + fit_intercept, n_outputs); its first
    ``n_features`` rows are the coefficients.

    Parameters
    ----------
    l2, l1 : float
        Strengths of the two parts, in J = mean loss + P.
    n_features : int
        Number of penalised rows of the parameters.
    """

    l2: float
    l1: float
    n_features: int

    def value(self, w: Array) -> float:
        """Penalty at w."""
        coef = w[: self.n_features].astype(np.float64, copy=False)
        return 0.5 * self.l2 * float(np.vdot(coef, coef)) + self.l1_value(w)

    def l1_value(self, w: Array) -> float:
        """L1 part of the penalty, l1 ‖w‖₁."""
        if not self.l1:
            return 0.0
        return self.l1 * float(np.sum(np.abs(w[: self.n_features]), dtype=np.float64))

    def gradient(self, w: Array) -> Array:
        """Gradient of the L2 part: l2 w, and 0 for the intercept."""
        gradient = self.l2 * w
        gradient[self.n_features :] = 0
        return gradient

    def prox(self, w: Array, step: float | Array) -> Array:
        """Proximal operator of the L1 part, argmin over u of ‖u − w‖²/(2 step) + l1 ‖u‖₁.

        It soft-thresholds the coefficients at step · l1.

        Parameters
        ----------
        w : array of shape (n_parameters, n_outputs)
        step : float or array of the shape of w
            Step size of the gradient step to w: one number, or one for each coordinate.
        """
        if not self.l1:
            return w
        threshold = np.broadcast_to(self.l1 * np.asarray(step, dtype=w.dtype), w.shape)
        shrunk = w.copy()
        coef, threshold = shrunk[: self.n_features], threshold[: self.n_features]
        coef[...] = soft_threshold(coef, threshold)
        return shrunk

    def smallest_subgradient(self, w: Array, dw: Array) -> Array:
        """Minimum-norm subgradient of J, 0 where the KKT conditions hold.

        ``dw`` is the gradient of the smooth part of J. The result is the limit of the proximal
        residual (w − prox(w − t dw, t)) / t as t → 0.
        """
        if not self.l1:
            return dw
        smallest = dw.copy()
        coef, g = w[: self.n_features], smallest[: self.n_features]
        g[...] = np.where(coef == 0, soft_threshold(g, self.l1), g + self.l1 * np.sign(coef))
        return smallest

    def conjugate(self, dw: Array) -> float:
        """Convex conjugate P*(dw) = max over w of dw·w − P(w), over the coefficients alone.

        It is Σ max(|dw| − l1, 0)² / (2 l2). Without an L2 part it is 0, or infinite if |dw| > l1.
        """
        excess = np.maximum(np.abs(dw) - self.l1, 0)
        if not excess.any():
            return 0.0
        return float(np.vdot(excess, excess)) / (2 * self.l2) if self.l2 else np.inf

    def conjugate_gradient(self, dw: Array) -> Array:
        """Gradient of `conjugate`, sign(dw) max(|dw| − l1, 0) / l2."""
        excess = soft_threshold(dw, self.l1) if self.l1 else dw
        return excess / self.l2 if excess.any() else excess

    def fenchel_gap(self, w: Array, g: Array) -> float:
        """Fenchel–Young gap P(w) + P*(−g) + g·w ≥ 0, for l2 > 0; 0 if −g is in ∂P(w).

        To avoid cancellation it is computed as l2/2 ‖w − u‖² + Σ (l1 |w| + clip(g, −l1, l1) w)
        with u = ∇P*(−g).
        """
        u = -self.conjugate_gradient(g)
        l2_gap = 0.5 * self.l2 * float(np.square(w - u).sum())
        if not self.l1:
            return l2_gap
        l1_gaps = self.l1 * np.abs(w) + np.clip(g, -self.l1, self.l1) * w
        return l2_gap + float(l1_gaps.sum())
