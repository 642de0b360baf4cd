"""F of a softmax as a Kronecker product of one matrix for the features and one for the classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..._linalg import diagonal, require_finite
from ..._typing import Array
from ...objective import Point
from .curvature import CholeskyFisher, Metric

MIN_EIGENVALUE = 1e-6
"""Least eigenvalue of the classes' matrix, as a part of the largest: it is singular."""

MIN_RIDGE_OF_BLOCK = 1e-6
"""Part of the diagonal that is added before a factorisation."""


@dataclass(frozen=True)
class KroneckerFisher(Metric):
    """F as if features and classes varied independently: G ⊗ A + l2 I.

    A = mean(diag(a) − aaᵀ), and G = Σ h xxᵀ / Σ h with h the trace of diag(a) − aaᵀ of a
    row. In the coordinates of the eigenvectors of A this falls apart into one matrix
    λ G + l2 I for each eigenvalue λ, where F itself has K² as many entries.

    Attributes
    ----------
    eigenvectors : array of shape (n_outputs, n_outputs)
        Of A.
    blocks : list of CholeskyFisher
        The matrix of each.

    References
    ----------
    Martens and Grosse, "Optimizing neural networks with Kronecker-factored approximate
    curvature", ICML 2015; the model is a network of one layer.
    """

    eigenvectors: Array
    blocks: list[CholeskyFisher]

    amplifies_rounding = True

    @classmethod
    def at(cls, point: Point, damping: float) -> KroneckerFisher:
        """Both factors at a point; two passes over its rows."""
        objective = point.objective
        gram, classes = objective.fisher.kronecker_factors(point.w)
        require_finite(gram)
        values, vectors = np.linalg.eigh(classes)
        values = np.maximum(values, MIN_EIGENVALUE * values[-1])
        diagonal(gram)[...] *= 1 + damping
        ridge = np.zeros(len(gram))
        ridge[: objective.data.n_features] = objective.penalty.l2 * (1 + damping)
        blocks = []
        for value in values:
            block = value * gram
            diagonal(block)[...] += ridge
            blocks.append(CholeskyFisher.of(block, MIN_RIDGE_OF_BLOCK))
        return cls(vectors, blocks)

    def solve(self, dw: Array) -> Array:
        columns = zip(self.blocks, (dw @ self.eigenvectors).T, strict=True)
        moves = np.column_stack([block.solve(column) for block, column in columns])
        return moves @ self.eigenvectors.T
