"""The intercept at which the weighted residuals of each class sum to 0, or all but."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._typing import Array
from ..data import Rows, pairs
from ..fisher import joined
from ..objective import Objective

EPS = float(np.finfo(np.float64).eps)

MAX_INTERCEPT_STEPS = 100
"""Steps after which b is good enough: the repair does the rest."""


@dataclass(frozen=True)
class Balance:
    """What is true of the mean loss at one b.

    Attributes
    ----------
    b : array of shape (n_outputs,)
    loss : float
    db : array of shape (n_outputs,)
        Sums of the weighted residuals.
    curvature : array of shape (n_outputs, n_outputs)
        F of b.
    """

    b: Array
    loss: float
    db: Array
    curvature: Array

    def improves(self, other: Balance) -> bool:
        """Whether the loss is lower, or so nearly the same that only the residuals tell."""
        slope = float(other.db @ (self.b - other.b))
        fallen = self.loss <= other.loss + 1e-4 * min(slope, 0.0) - EPS * other.loss
        return fallen or float(np.abs(self.db).max()) <= 0.5 * float(np.abs(other.db).max())


@dataclass(frozen=True)
class Intercept:
    """The mean loss as a function of b, with Xw kept.

    Attributes
    ----------
    objective : Objective
    scores : array of shape (n_rows, n_outputs)
        Xw.
    mass : array of shape (n_classes,)
        π, the share of every class.
    """

    objective: Objective
    scores: Array
    mass: Array

    def at(self, b: Array) -> Balance:
        """Loss, residuals and curvature at b; X is not read."""
        loss = self.objective.loss

        def block(rows: Rows) -> tuple[float, Array, Array]:
            z = self.scores[rows.index] + b
            value, dz, a = loss.loss_dz_and_a(z, rows.y, rows.share)
            products = (a * rows.shares()) @ a.T
            return value, np.add.reduce(dz), products[pairs(len(a))]

        value, db, products = self.objective.data.sum(block)
        curvature = joined(products[:, np.newaxis, np.newaxis], loss.n_outputs)
        return Balance(b, value, db, curvature)

    def balanced(self, b: Array) -> Balance:
        """Newton's method for the b at which the residuals sum to 0.

        Where a full step is no improvement, b_c += log(π_c / mean a_c) is one: it minimises
        an upper bound, since log Σ a_c e^d_c ≤ Σ a_c e^d_c − 1.
        """
        here = self.at(b)
        for _ in range(MAX_INTERCEPT_STEPS):
            if np.abs(here.db).max() <= 4 * EPS:
                break
            there = self.at(here.b + self._newton_step(here))
            if not there.improves(here):
                there = self.at(here.b + self._cautious_step(here))
                if not there.improves(here):
                    break
            here = there
        return here

    def _newton_step(self, here: Balance) -> Array:
        curvature = here.curvature + self.objective.loss.redundancy
        return np.linalg.lstsq(curvature, -here.db, rcond=None)[0]

    def _cautious_step(self, here: Balance) -> Array:
        mean = np.maximum(self.mass + self.imbalance(here.db), np.finfo(np.float64).tiny)
        step = np.log(self.mass / mean)
        return (step - step[0])[-self.objective.loss.n_outputs :]

    def imbalance(self, db: Array) -> Array:
        """δ of every class: the residuals of all classes of a row sum to 0."""
        imbalance = np.zeros(len(self.mass))
        imbalance[-len(db) :] = db
        imbalance[0] -= imbalance.sum()
        return imbalance

    def repair(self, db: Array) -> tuple[float, Array]:
        """The t and q that balance residuals of the weighted sums db."""
        imbalance = self.imbalance(db)
        odds = float(np.max(imbalance / self.mass))  # t / (1 − t)
        if odds <= 0:
            return 0.0, self.mass
        return odds / (1 + odds), np.maximum(self.mass - imbalance / odds, 0)
