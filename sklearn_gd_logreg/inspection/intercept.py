"""The balanced intercept: the weighted residuals of each class sum to 0, up to rounding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._typing import Array
from ..data import Rows, pairs
from ..fisher import assemble_fisher
from ..objective import Objective

FLOAT64_EPS = float(np.finfo(np.float64).eps)

MAX_INTERCEPT_STEPS = 100
"""Newton steps for b; the repair removes the remaining imbalance."""


@dataclass(frozen=True)
class InterceptPoint:
    """Mean loss, gradient and Fisher information at one b.

    Attributes
    ----------
    b : array of shape (n_outputs,)
    loss : float
    db : array of shape (n_outputs,)
        Sums of the weighted residuals.
    fisher : array of shape (n_outputs, n_outputs)
        F of b.
    """

    b: Array
    loss: float
    db: Array
    fisher: Array

    def improves(self, other: InterceptPoint) -> bool:
        """Whether the loss decreases sufficiently (Armijo), or the largest residual sum halves."""
        predicted_change = float(other.db @ (self.b - other.b))
        decreases = (
            self.loss <= other.loss + 1e-4 * min(predicted_change, 0.0) - FLOAT64_EPS * other.loss
        )
        return decreases or float(np.abs(self.db).max()) <= 0.5 * float(np.abs(other.db).max())


@dataclass(frozen=True)
class InterceptLoss:
    """Mean loss as a function of b at fixed scores Xw.

    Attributes
    ----------
    objective : Objective
    scores : array of shape (n_rows, n_outputs)
        Xw.
    priors : array of shape (n_classes,)
        π, the weighted class frequencies.
    """

    objective: Objective
    scores: Array
    priors: Array

    def at(self, b: Array) -> InterceptPoint:
        """Evaluate loss, gradient and F at b; X is not read."""
        loss = self.objective.loss

        def block(rows: Rows) -> tuple[float, Array, Array]:
            z = self.scores[rows.index] + b
            value, dz, a = loss.loss_dz_and_probabilities(z, rows.y, rows.share)
            products = (a * rows.shares()) @ a.T
            return value, np.add.reduce(dz), products[pairs(len(a))]

        value, db, products = self.objective.data.sum(block)
        fisher = assemble_fisher(products[:, np.newaxis, np.newaxis], loss.n_outputs)
        return InterceptPoint(b, value, db, fisher)

    def minimiser(self, b: Array) -> InterceptPoint:
        """Minimise the loss by Newton's method from b on; there the residuals sum to 0.

        If a full Newton step does not improve, a majorisation–minimisation step follows:
        b_c += log(π_c / mean a_c) minimises an upper bound on the loss, since
        log Σ a_c e^d_c ≤ Σ a_c e^d_c − 1.
        """
        current = self.at(b)
        for _ in range(MAX_INTERCEPT_STEPS):
            if np.abs(current.db).max() <= 4 * FLOAT64_EPS:
                break
            trial = self.at(current.b + self._newton_step(current))
            if not trial.improves(current):
                trial = self.at(current.b + self._majorisation_step(current))
                if not trial.improves(current):
                    break
            current = trial
        return current

    def _newton_step(self, current: InterceptPoint) -> Array:
        fisher = current.fisher + self.objective.loss.shift_projector
        return np.linalg.lstsq(fisher, -current.db, rcond=None)[0]

    def _majorisation_step(self, current: InterceptPoint) -> Array:
        mean = np.maximum(self.priors + self.class_residuals(current.db), np.finfo(np.float64).tiny)
        step = np.log(self.priors / mean)
        return (step - step[0])[-self.objective.loss.n_outputs :]

    def class_residuals(self, db: Array) -> Array:
        """Return δ of every class from db: over the classes it sums to 0."""
        delta = np.zeros(len(self.priors))
        delta[-len(db) :] = db
        delta[0] -= delta.sum()
        return delta

    def repair(self, db: Array) -> tuple[float, Array]:
        """Return t and q of the repair, given the weighted residual sums db."""
        delta = self.class_residuals(db)
        odds = float(np.max(delta / self.priors))  # t / (1 − t)
        if odds <= 0:
            return 0.0, self.priors
        return odds / (1 + odds), np.maximum(self.priors - delta / odds, 0)
