r"""Points of the dual problem: each is a lower bound on J at all parameters.

For any probabilities a of a row, ℒ(z, y) ≥ (a − y)·z + H(a), with the entropy H(a) =
−Σ_c a_c log a_c; equality holds for those that z gives. Weighted, summed, with the penalty
added, and minimised over w and b, this says

    J*  ≥  D(a)  =  Σ share · H(a)  −  P*(Xᵀr),        r = share · (a − y),

with P* the conjugate of the penalty, if there is no intercept or the residuals r of each class
sum to 0. (Else b takes the right side to −∞.) The probabilities of the minimum have D = J*.
Three things make a good point of those of any model:

- **The balanced intercept.** b is solved anew, so that the residuals of each class sum to 0.
- **The repair.** What the solution leaves of these sums, δ, is taken out: with π the shares of
  the classes, a := (1 − t) a + t q for the same q in all rows, q = π − δ (1 − t)/t, and the
  least t for which no entry of q is negative. So the bound holds however inexact b is.
- **The scale.** y + s (a − y) is feasible too, as long as it has no negative entry. D is
  concave in s, and nearly the best s is taken. If the penalty is L1 alone, P* is 0 or ∞, and
  s is small enough for |Xᵀr| ≤ l1. s = 0 says J* ≥ 0.

The three are made in two passes over X, one forward and one backward.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import entr, xlog1py, xlogy

from .._typing import Array
from ..data import Rows
from ..objective import Objective
from .fitted import Fitted
from .intercept import Intercept

SMALLEST, LARGEST = 1e-9, 1e9
"""The scales that are looked at, beside 0."""

BELOW = 1 - 1e-14
"""How near to the end of the feasible scales one may go."""


@dataclass(frozen=True)
class DualPoint:
    """Feasible probabilities, as far as the bounds along s need them.

    Attributes
    ----------
    objective : Objective
    wrong : array of shape (n_rows,)
        Sum of the probabilities of the wrong classes; 0 for rows of weight 0.
    wrong_mean : float
        Its weighted mean.
    wrong_entropy : float
        Weighted mean of the part of H that the wrong classes make.
    dw : array of shape (n_features, n_outputs)
        Xᵀr.
    """

    objective: Objective
    wrong: Array
    wrong_mean: float
    wrong_entropy: float
    dw: Array

    def bound(self, s: float) -> float:
        """D at y + s (a − y)."""
        wrong = np.minimum(s * self.wrong, 1)
        right_entropy = -self._mean(xlog1py(1 - wrong, -wrong))
        entropy = right_entropy + s * self.wrong_entropy - self.wrong_mean * float(xlogy(s, s))
        return entropy - self.objective.penalty.conjugate(s * self.dw)

    def slope(self, log_s: float) -> float:
        """dD/ds at s = exp(log_s), finite."""
        s = float(np.exp(log_s))
        entropy = self._mean(xlog1py(self.wrong, -s * self.wrong)) + self.wrong_entropy
        weights = self.objective.penalty.conjugate_gradient(s * self.dw)
        slope = entropy - log_s * self.wrong_mean - float(np.vdot(self.dw, weights))
        return float(np.nan_to_num(slope))

    def best_bound(self) -> float:
        """The largest D over s, but for the error of s, which enters squared."""
        top = min(LARGEST, BELOW * self._limit())
        candidates = [0.0, 1.0]
        low, high = np.log(SMALLEST), np.log(max(top, SMALLEST))
        if self.slope(high) >= 0:
            candidates.append(top)
        elif self.slope(low) > 0:
            candidates.append(float(np.exp(brentq(self.slope, low, high, xtol=1e-9))))
        return max(map(self.bound, candidates))

    def _limit(self) -> float:
        """The s beyond which a probability is negative, or P* is infinite."""
        penalty, largest = self.objective.penalty, float(np.abs(self.dw).max(initial=0))
        by_penalty = penalty.l1 / largest if penalty.l2 == 0 and largest else np.inf
        ends = float(self.wrong.max())
        return min(by_penalty, 1 / ends if ends else np.inf)

    def _mean(self, values: Array) -> float:
        share = self.objective.data.share
        return float(np.vdot(np.broadcast_to(np.ravel(share), values.shape), values))


def dual_point(fitted: Fitted, scores: Array, mass: Array) -> DualPoint:
    """The probabilities of a model, made feasible; one pass backward over X.

    Parameters
    ----------
    fitted : Fitted
    scores : array of shape (n_rows, n_outputs)
        Xw without b.
    mass : array of shape (n_classes,)
        Share of every class.
    """
    objective, codes = fitted.objective, fitted.codes
    n_features, n_outputs = objective.data.n_features, objective.loss.n_outputs
    b, t, q = fitted.b, 0.0, mass
    if objective.data.intercept:
        intercept = Intercept(objective, scores, mass)
        here = intercept.balanced(b)
        b, (t, q) = here.b, intercept.repair(here)
    wrong = np.empty(objective.data.n_rows)

    def block(rows: Rows) -> tuple[float, float, Array]:
        a = (1 - t) * objective.loss.lines(scores[rows.index] + b) + t * q[:, np.newaxis]
        right, share = (codes[rows.index], np.arange(a.shape[1])), rows.shares()
        a[right] = 0
        sums = np.add.reduce(a) * (share > 0)
        entropy = float(share @ np.add.reduce(entr(a)))
        wrong[rows.index], a[right] = sums, -sums
        dw = rows.transposed_times((share * a)[-n_outputs:].T)
        return float(share @ sums), entropy, dw

    wrong_mean, entropy, dw = objective.data.sum(block, fitted.w.size)
    return DualPoint(objective, wrong, wrong_mean, entropy, dw[:n_features])
