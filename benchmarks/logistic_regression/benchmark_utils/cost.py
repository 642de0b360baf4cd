"""The objective J, its gradient, and how far above its minimum a point can be.

Written out anew in float64, apart from every package that is measured.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse, special

ROWS = 8192  # in a block: float32 rows become float64 a block at a time


@dataclass(frozen=True)
class Problem:
    """Rows, labels 0 … K−1, weights and the penalty: all that J depends on."""

    X: Any
    y: np.ndarray
    sample_weight: np.ndarray | None = None
    C: float = 1.0
    l1_ratio: float = 0.0
    fit_intercept: bool = True

    @property
    def n_classes(self) -> int:
        return int(self.y.max()) + 1

    @property
    def n_outputs(self) -> int:
        return 1 if self.n_classes == 2 else self.n_classes

    @property
    def total(self) -> float:
        """Σs."""
        return float(len(self.y) if self.sample_weight is None else self.sample_weight.sum())

    @property
    def strength(self) -> float:
        """1/(CΣs), the factor of the penalty."""
        return 1 / (self.C * self.total)

    def blocks(self) -> Iterator[tuple[Any, np.ndarray, np.ndarray]]:
        """Rows in float64, labels and shares s/Σs, a block of rows at a time."""
        for start in range(0, len(self.y), ROWS):
            rows = slice(start, start + ROWS)
            X, y = self.X[rows].astype(np.float64, copy=False), self.y[rows]
            s = np.ones(len(y)) if self.sample_weight is None else self.sample_weight[rows]
            yield X, y, s / self.total


def cost(problem: Problem, coef: np.ndarray, intercept: np.ndarray) -> float:
    """J = Σ s ℒ / Σs + ((1 − ρ)/2 ‖w‖₂² + ρ ‖w‖₁)/(CΣs)."""
    loss = cost_and_gradient(problem, coef, intercept, gradient=False)[0]
    ridge, lasso = 0.5 * np.sum(coef**2), np.sum(np.abs(coef))
    rho = problem.l1_ratio
    return float(loss + problem.strength * ((1 - rho) * ridge + rho * lasso))


def cost_and_gradient(
    problem: Problem, coef: np.ndarray, intercept: np.ndarray, gradient: bool = True
) -> tuple[float, np.ndarray, np.ndarray]:
    """The mean loss alone, and its derivatives; coef (1 or K, n_features)."""
    loss, dw, db = 0.0, np.zeros(coef.shape), np.zeros(len(coef))
    for X, y, share in problem.blocks():
        z = np.asarray(X @ coef.T) + intercept
        scores = np.hstack([np.zeros_like(z), z]) if len(coef) == 1 else z
        own = scores[np.arange(len(y)), y]
        loss += share @ (special.logsumexp(scores, axis=1) - own)
        if gradient:
            dz = special.softmax(scores, axis=1)
            dz[np.arange(len(y)), y] -= 1
            dz = share[:, np.newaxis] * dz[:, -len(coef) :]
            dw += np.asarray(X.T @ dz).T
            db += dz.sum(axis=0)
    return float(loss), dw, db


def excess_bound(problem: Problem, coef: np.ndarray, intercept: np.ndarray) -> float:
    r"""An upper bound of J − J\*, from the gradient alone; inf without a penalty.

    An L2 part makes J, minimised over b, strongly convex in w with modulus
    μ = (1 − ρ)/(CΣs): J − J\* ≤ ‖g‖²/(2μ), g the smallest subgradient. For the lasso,
    J − J\* ≤ ‖g‖∞ ‖w − w\*‖₁, and CΣs J bounds ‖w\*‖₁. Both take b as optimal for w; what
    is left of its derivative counts as one more coordinate.
    """
    _, dw, db = cost_and_gradient(problem, coef, intercept)
    l2, l1 = (1 - problem.l1_ratio) * problem.strength, problem.l1_ratio * problem.strength
    dw = dw + l2 * coef
    g = np.where(coef == 0, np.maximum(np.abs(dw) - l1, 0), np.abs(dw + l1 * np.sign(coef)))
    g = np.append(g, db * problem.fit_intercept)
    if l2:
        return float(g @ g / (2 * l2))
    if not l1:
        return float("inf")
    length = np.abs(coef).sum() + cost(problem, coef, intercept) / l1
    return float(np.abs(g).max() * length)


def is_sparse(X: Any) -> bool:
    return bool(sparse.issparse(X))
