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

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import brentq
from scipy.special import entr, xlog1py, xlogy

from .._typing import Array
from ..data import Rows
from ..objective import Objective
from .fitted import Fitted
from .intercept import Intercept

MIN_SCALE, MAX_SCALE = 1e-9, 1e9
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
    db : array of shape (n_outputs,)
        Sums of the residuals before the repair.
    """

    objective: Objective
    wrong: Array
    wrong_mean: float
    wrong_entropy: float
    dw: Array
    db: Array

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
        top = min(MAX_SCALE, BELOW * self._limit())
        candidates = [0.0, 1.0]
        low, high = np.log(MIN_SCALE), np.log(max(top, MIN_SCALE))
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


@dataclass(frozen=True)
class Probabilities:
    """The probabilities of a model, at scores or to first order beside them.

    Attributes
    ----------
    fitted : Fitted
    scores : array of shape (n_rows, n_outputs)
        Xw without b.
    mass : array of shape (n_classes,)
        Share of every class.
    b : array of shape (n_outputs,)
        The balanced intercept; 0 where there is none.
    change : array of shape (n_rows, n_outputs) or None
        u: the probabilities are a − (diag(a) − aaᵀ) u, linear in u.
    """

    fitted: Fitted
    scores: Array
    mass: Array
    b: Array
    change: Array | None = None

    @classmethod
    def of(cls, fitted: Fitted, scores: Array, mass: Array) -> Probabilities:
        """Those of a model with its intercept balanced; X is not read."""
        b = fitted.b
        if fitted.objective.data.intercept:
            b = Intercept(fitted.objective, scores, mass).balanced(b).b
        return cls(fitted, scores, mass, b)

    def lines(self, rows: Rows) -> Array:
        """A line for each class, shape (n_classes, m); all entries of a row sum to 1."""
        a = self.fitted.objective.loss.lines(self.scores[rows.index] + self.b)
        return a if self.change is None else a * (1 - self._relative(rows, a))

    def longest_change(self) -> float:
        """The largest part of itself that a probability loses by the change; X is not read."""
        data = self.fitted.objective.data
        longest = np.empty(data.n_rows)

        def block(rows: Rows) -> tuple[float]:
            a = self.fitted.objective.loss.lines(self.scores[rows.index] + self.b)
            longest[rows.index] = self._relative(rows, a).max(axis=0)
            return (0.0,)

        data.sum(block)
        return float(longest.max())

    def part_of_the_way(self, w: Array, part: float) -> Probabilities:
        """Those at w, a part of the way that the change is the end of; X is not read."""
        assert self.change is not None
        w, n_features = w.copy(), self.fitted.objective.data.n_features
        scores = self.scores + self.b - part * self.change - w[n_features:].sum(axis=0)
        there = Probabilities.of(replace(self.fitted, w=w), scores, self.mass)
        w[n_features:] = there.b
        return there

    def _relative(self, rows: Rows, a: Array) -> Array:
        assert self.change is not None
        u = np.zeros(a.shape)
        u[-self.change.shape[1] :] = self.change[rows.index].T * (rows.shares() > 0)
        relative: Array = u - np.add.reduce(a * u)
        return relative

    def residuals(self, rows: Rows, a: Array) -> Array:
        """Differences a − y of the classes with a score, from the wrong ones; written over a."""
        right = (self.fitted.codes[rows.index], np.arange(a.shape[1]))
        a[right] = 0
        a[right] = -np.add.reduce(a)
        return a[-self.fitted.objective.loss.n_outputs :]

    def imbalance(self) -> Array:
        """Sums of the weighted residuals; X is not read."""

        def block(rows: Rows) -> tuple[Array]:
            return (self.residuals(rows, self.lines(rows)) @ rows.shares(),)

        db: Array = self.fitted.objective.data.sum(block)[0]
        return db


def dual_point(probabilities: Probabilities) -> DualPoint:
    """Probabilities, made feasible; one pass backward over X."""
    fitted = probabilities.fitted
    objective, codes = fitted.objective, fitted.codes
    n_features, n_outputs = objective.data.n_features, objective.loss.n_outputs
    db: Array = np.zeros(n_outputs)
    t, q = 0.0, probabilities.mass
    if objective.data.intercept:
        db = probabilities.imbalance()
        t, q = Intercept(objective, probabilities.scores, probabilities.mass).repair(db)
    wrong = np.empty(objective.data.n_rows)

    def block(rows: Rows) -> tuple[float, float, Array]:
        a = (1 - t) * probabilities.lines(rows) + t * q[:, np.newaxis]
        right, share = (codes[rows.index], np.arange(a.shape[1])), rows.shares()
        a[right] = 0
        sums = np.add.reduce(a) * (share > 0)
        entropy = float(share @ np.add.reduce(entr(a)))
        wrong[rows.index], a[right] = sums, -sums
        dw = rows.transposed_times((share * a)[-n_outputs:].T)
        return float(share @ sums), entropy, dw

    wrong_mean, entropy, dw = objective.data.sum(block, fitted.w.size)
    return DualPoint(objective, wrong, wrong_mean, entropy, dw[:n_features], db)
