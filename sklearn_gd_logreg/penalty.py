"""The elastic-net penalty: a smooth part for the gradient, a rough part for the prox."""

from dataclasses import dataclass

import numpy as np

from ._typing import Array


@dataclass(frozen=True)
class ElasticNet:
    """l2/2 ‖w‖² + l1 ‖w‖₁ over the weights; the intercept is never penalised.

    Parameters are one array (n_features + fit_intercept, n_outputs), so the
    weights are its first ``n_features`` rows.

    Parameters
    ----------
    l2, l1 : float
        Strengths, per unit of mean loss.
    n_features : int
        Number of penalised rows.
    """

    l2: float
    l1: float
    n_features: int

    def value(self, w: Array) -> float:
        """Penalty at w."""
        weights = w[: self.n_features].astype(np.float64, copy=False)
        return 0.5 * self.l2 * float(np.vdot(weights, weights)) + self.rough_value(w)

    def rough_value(self, w: Array) -> float:
        """The part without a derivative, l1 ‖w‖₁."""
        if not self.l1:
            return 0.0
        return self.l1 * float(np.sum(np.abs(w[: self.n_features]), dtype=np.float64))

    def gradient(self, w: Array) -> Array:
        """Gradient of the smooth part, l2 w, and 0 for the intercept."""
        gradient = self.l2 * w
        gradient[self.n_features :] = 0
        return gradient

    def prox(self, w: Array, step: float | Array) -> Array:
        """Soft thresholding, argmin over u of ‖u − w‖²/(2 step) + l1 ‖u‖₁.

        Parameters
        ----------
        w : array of shape (n_parameters, n_outputs)
        step : float or array of the shape of w
            The step of the gradient move that led to w, one for all
            coordinates or one for each.
        """
        if not self.l1:
            return w
        threshold = np.broadcast_to(self.l1 * np.asarray(step, dtype=w.dtype), w.shape)
        shrunk = w.copy()
        weights, cut = shrunk[: self.n_features], threshold[: self.n_features]
        weights[...] = np.sign(weights) * np.maximum(np.abs(weights) - cut, 0)
        return shrunk

    def smallest_subgradient(self, w: Array, dw: Array) -> Array:
        """The subgradient of smooth part + l1 ‖w‖₁ of least norm; 0 where KKT holds.

        It is the limit of the proximal residual (w − prox(w − t dw, t)) / t as t → 0.
        """
        if not self.l1:
            return dw
        smallest = dw.copy()
        weights, g = w[: self.n_features], smallest[: self.n_features]
        at_zero = np.sign(g) * np.maximum(np.abs(g) - self.l1, 0)
        g[...] = np.where(weights == 0, at_zero, g + self.l1 * np.sign(weights))
        return smallest

    def conjugate(self, dw: Array) -> float:
        """P*(dw) = max over w of dw·w − P(w), for an array of the shape of the weights.

        It is Σ max(|dw| − l1, 0)² / (2 l2); without an L2 part 0, or infinite if |dw| > l1.
        """
        excess = np.maximum(np.abs(dw) - self.l1, 0)
        if not excess.any():
            return 0.0
        return float(np.vdot(excess, excess)) / (2 * self.l2) if self.l2 else np.inf

    def conjugate_gradient(self, dw: Array) -> Array:
        """The w of that maximum, sign(dw) max(|dw| − l1, 0) / l2; 0 where nothing exceeds l1."""
        excess = np.sign(dw) * np.maximum(np.abs(dw) - self.l1, 0) if self.l1 else dw
        return excess / self.l2 if excess.any() else excess

    def fenchel_gap(self, w: Array, g: Array) -> float:
        """P(w) + P*(−g) + g·w, at least 0, with an L2 part; 0 where −g is a subgradient of P at w.

        With u the w of the maximum in P*, it is l2/2 ‖w − u‖² + Σ (l1 |w| + clip(g, −l1, l1) w):
        no small number is left of large ones.
        """
        u = -self.conjugate_gradient(g)
        smooth = 0.5 * self.l2 * float(np.square(w - u).sum())
        if not self.l1:
            return smooth
        spread = self.l1 * np.abs(w) + np.clip(g, -self.l1, self.l1) * w
        return smooth + float(spread.sum())
