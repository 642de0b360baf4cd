r"""Dual points: each gives a lower bound on J that holds at all parameters.

For any class probabilities a of a row, ℒ(z, y) ≥ (a − y)·z + H(a), with the entropy H(a) =
−Σ_c a_c log a_c. Equality holds for the probabilities of the scores z. The weighted sum over the
rows, plus the penalty, minimised over w and b, gives weak duality:

    J*  ≥  D(a)  =  Σ weight · H(a)  −  P*(Xᵀr),        r = weight · (a − y),

with P* the conjugate of the penalty, if there is no intercept or the residuals r of each class
sum to 0. (Otherwise b takes the right side to −∞.) At the minimum of J, D = J*. Three steps turn
the probabilities of any model into a good dual point:

- **Balance.** Newton's method finds the b at which the residuals of each class sum to 0.
- **Repair.** Let δ be the sums that remain and π the class priors. Then a := (1 − t) a + t q with
  the same q in all rows, q = π − δ (1 − t)/t, and the smallest t at which q ≥ 0. So the bound
  holds for an inexact b too.
- **Scaling.** y + s (a − y) is feasible too while all its entries are at least 0. D is concave in
  s; Brent's method maximises it. With an L1 penalty alone P* is 0 or ∞, and s must keep
  |Xᵀr| ≤ l1. s = 0 gives J* ≥ 0.

All three together take two passes over X, one forward and one backward.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import brentq
from scipy.special import entr, xlog1py, xlogy

from .._typing import Array
from ..data import Rows
from ..objective import Objective
from .fitted import FittedObjective
from .intercept import InterceptLoss

MIN_SCALE, MAX_SCALE = 1e-9, 1e9
"""Range of the positive scales s."""

FEASIBLE_FRACTION = 1 - 1e-14
"""Fraction of the largest feasible s: rounding must not make an entry negative."""


@dataclass(frozen=True)
class DualPoint:
    """Feasible probabilities, reduced to what the bounds along s need.

    Attributes
    ----------
    objective : Objective
    wrong_proba : array of shape (n_rows,)
        Probability of the wrong classes together; 0 for rows of weight 0.
    mean_wrong_proba : float
        Weighted mean of ``wrong_proba``.
    mean_wrong_entropy : float
        Weighted mean of the terms of H of the wrong classes.
    dw : array of shape (n_features, n_outputs)
        Xᵀr.
    db : array of shape (n_outputs,)
        Sums of the residuals before the repair.
    """

    objective: Objective
    wrong_proba: Array
    mean_wrong_proba: float
    mean_wrong_entropy: float
    dw: Array
    db: Array

    def bound(self, s: float) -> float:
        """Return D at y + s (a − y)."""
        wrong = np.minimum(s * self.wrong_proba, 1)
        right_entropy = -self._weighted_mean(xlog1py(1 - wrong, -wrong))
        wrong_entropy = s * self.mean_wrong_entropy
        entropy = right_entropy + wrong_entropy - self.mean_wrong_proba * float(xlogy(s, s))
        return entropy - self.objective.penalty.conjugate(s * self.dw)

    def derivative(self, log_s: float) -> float:
        """Return dD/ds at s = exp(log_s), infinite values replaced by finite ones."""
        s = float(np.exp(log_s))
        right_entropy = self._weighted_mean(xlog1py(self.wrong_proba, -s * self.wrong_proba))
        entropy = right_entropy + self.mean_wrong_entropy
        w = self.objective.penalty.conjugate_gradient(s * self.dw)
        derivative = entropy - log_s * self.mean_wrong_proba - float(np.vdot(self.dw, w))
        return float(np.nan_to_num(derivative))

    def best_bound(self) -> float:
        """Return the maximum of D over s; the error of s enters squared."""
        max_scale = min(MAX_SCALE, FEASIBLE_FRACTION * self._max_feasible_scale())
        candidates = [0.0, 1.0]
        low, high = np.log(MIN_SCALE), np.log(max(max_scale, MIN_SCALE))
        if self.derivative(high) >= 0:
            candidates.append(max_scale)
        elif self.derivative(low) > 0:
            candidates.append(float(np.exp(brentq(self.derivative, low, high, xtol=1e-9))))
        return max(map(self.bound, candidates))

    def _max_feasible_scale(self) -> float:
        """Return the s beyond which a probability is negative or P* is infinite."""
        penalty, max_gradient = self.objective.penalty, float(np.abs(self.dw).max(initial=0))
        by_penalty = penalty.l1 / max_gradient if penalty.l2 == 0 and max_gradient else np.inf
        max_proba = float(self.wrong_proba.max())
        return min(by_penalty, 1 / max_proba if max_proba else np.inf)

    def _weighted_mean(self, values: Array) -> float:
        share = self.objective.data.share
        return float(np.vdot(np.broadcast_to(np.ravel(share), values.shape), values))


@dataclass(frozen=True)
class Probabilities:
    """Class probabilities of a model, optionally after a step of its scores, to first order.

    Attributes
    ----------
    fitted : FittedObjective
    scores : array of shape (n_rows, n_outputs)
        Xw without b.
    priors : array of shape (n_classes,)
        π, the weighted class frequencies.
    b : array of shape (n_outputs,)
        The balanced intercept; 0 without an intercept.
    score_step : array of shape (n_rows, n_outputs) or None
        u: the probabilities are a − (diag(a) − aaᵀ) u, linear in u.
    """

    fitted: FittedObjective
    scores: Array
    priors: Array
    b: Array
    score_step: Array | None = None

    @classmethod
    def of(cls, fitted: FittedObjective, scores: Array, priors: Array) -> Probabilities:
        """Return the probabilities of a model at its balanced intercept; X is not read."""
        b = fitted.b
        if fitted.objective.data.intercept:
            b = InterceptLoss(fitted.objective, scores, priors).minimiser(b).b
        return cls(fitted, scores, priors, b)

    def of_block(self, rows: Rows) -> Array:
        """Return the probabilities of a block of m rows, shape (n_classes, m)."""
        a = self.fitted.objective.loss.class_probabilities(self.scores[rows.index] + self.b)
        return a if self.score_step is None else a * (1 - self._relative_decrease(rows, a))

    def max_relative_decrease(self) -> float:
        """Return the largest relative decrease of a probability by the step; X is not read."""
        data = self.fitted.objective.data
        largest = np.empty(data.n_rows)

        def block(rows: Rows) -> tuple[float]:
            a = self.fitted.objective.loss.class_probabilities(self.scores[rows.index] + self.b)
            largest[rows.index] = self._relative_decrease(rows, a).max(axis=0)
            return (0.0,)

        data.sum(block)
        return float(largest.max())

    def after_partial_step(self, w: Array, fraction: float) -> Probabilities:
        """Return the probabilities at w, this fraction of the step; X is not read."""
        assert self.score_step is not None
        w, n_features = w.copy(), self.fitted.objective.data.n_features
        scores = self.scores + self.b - fraction * self.score_step - w[n_features:].sum(axis=0)
        moved = Probabilities.of(replace(self.fitted, w=w), scores, self.priors)
        w[n_features:] = moved.b
        return moved

    def _relative_decrease(self, rows: Rows, a: Array) -> Array:
        assert self.score_step is not None
        u = np.zeros(a.shape)
        u[-self.score_step.shape[1] :] = self.score_step[rows.index].T * (rows.shares() > 0)
        relative: Array = u - np.add.reduce(a * u)
        return relative

    def residuals(self, rows: Rows, a: Array) -> Array:
        """Return a − y of the classes that have a score, overwriting a.

        The entry of the right class is minus the sum of the others, which keeps its digits.
        """
        right = (self.fitted.codes[rows.index], np.arange(a.shape[1]))
        a[right] = 0
        a[right] = -np.add.reduce(a)
        return a[-self.fitted.objective.loss.n_outputs :]

    def residual_sums(self) -> Array:
        """Return the weighted sums of the residuals; X is not read."""

        def block(rows: Rows) -> tuple[Array]:
            return (self.residuals(rows, self.of_block(rows)) @ rows.shares(),)

        db: Array = self.fitted.objective.data.sum(block)[0]
        return db


def dual_point(probabilities: Probabilities) -> DualPoint:
    """Return the dual point of these probabilities, repaired; one backward pass over X."""
    fitted = probabilities.fitted
    objective, codes = fitted.objective, fitted.codes
    n_features, n_outputs = objective.data.n_features, objective.loss.n_outputs
    db: Array = np.zeros(n_outputs)
    t, q = 0.0, probabilities.priors
    if objective.data.intercept:
        db = probabilities.residual_sums()
        t, q = InterceptLoss(objective, probabilities.scores, probabilities.priors).repair(db)
    wrong_proba = np.empty(objective.data.n_rows)

    def block(rows: Rows) -> tuple[float, float, Array]:
        a = (1 - t) * probabilities.of_block(rows) + t * q[:, np.newaxis]
        right, share = (codes[rows.index], np.arange(a.shape[1])), rows.shares()
        a[right] = 0
        sums = np.add.reduce(a) * (share > 0)
        entropy = float(share @ np.add.reduce(entr(a)))
        wrong_proba[rows.index], a[right] = sums, -sums
        dw = rows.transposed_times((share * a)[-n_outputs:].T)
        return float(share @ sums), entropy, dw

    mean_wrong_proba, entropy, dw = objective.data.sum(block, fitted.w.size)
    return DualPoint(objective, wrong_proba, mean_wrong_proba, entropy, dw[:n_features], db)
