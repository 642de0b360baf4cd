"""F of a softmax as a Kronecker product of a matrix for the features and one for the classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..._linalg import diagonal, require_finite
from ..._typing import Array
from ...objective import Point
from .curvature import CholeskyFisher, Metric

MIN_EIGENVALUE = 1e-6
"""Least eigenvalue of the classes' matrix, which is singular, relative to its largest."""

MIN_BLOCK_RIDGE = 1e-6
"""Ridge added to a block before its factorisation, relative to its diagonal."""


@dataclass(frozen=True)
class KroneckerFisher(Metric):
    """F as if features and classes varied independently: G ⊗ A + l2 I.

    A = mean(diag(a) − aaᵀ), and G = Σ h xxᵀ / Σ h with h the trace of diag(a) − aaᵀ of a
    row. In the coordinates of the eigenvectors of A it is block diagonal, with one block
    λ G + l2 I for each eigenvalue λ; F has K² times as many entries as a block.

    Attributes
    ----------
    eigenvectors : array of shape (n_outputs, n_outputs)
        Of A.
    blocks : list of CholeskyFisher
        One per eigenvalue.

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
        """Both factors at the point; two passes over its rows."""
        objective = point.objective
        gram, classes = objective.fisher.kronecker_factors(point.w)
        require_finite(gram)
        eigenvalues, eigenvectors = np.linalg.eigh(classes)
        eigenvalues = np.maximum(eigenvalues, MIN_EIGENVALUE * eigenvalues[-1])
        diagonal(gram)[...] *= 1 + damping
        ridge = np.zeros(len(gram))
        ridge[: objective.data.n_features] = objective.penalty.l2 * (1 + damping)
        blocks = []
        for eigenvalue in eigenvalues:
            block = eigenvalue * gram
            diagonal(block)[...] += ridge
            blocks.append(CholeskyFisher.factorise(block, MIN_BLOCK_RIDGE))
        return cls(eigenvectors, blocks)

    def solve(self, dw: Array) -> Array:
        columns = zip(self.blocks, (dw @ self.eigenvectors).T, strict=True)
        solutions = np.column_stack([block.solve(column) for block, column in columns])
        return solutions @ self.eigenvectors.T
