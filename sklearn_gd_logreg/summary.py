"""What a fitted model knows of its fit, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .monitor import Outcome
from .run import Run

if TYPE_CHECKING:
    from .estimator import GDLogisticRegression

REASONS = {
    "tol": "converged",
    "plateau": "stopped on a plateau of the cost",
    "max_iter": "stopped at max_iter",
    "stalled": "stalled at the rounding of the numbers",
    "diverged": "diverged",
    "early_stopping": "stopped early",
    "callback": "stopped by a callback",
    "partial_fit": "fed by partial_fit",
}


def estimated_gap(outcome: Outcome, run: Run) -> float | None:
    """About J − J* of the model, if it is known without a further pass.

    √(dwᵀ F⁻¹ dw), the norm of the natural gradient, says it by half its square. Else, where
    the cost is l2-strongly convex in w, it is at most ‖g‖²/(2 l2) with g the smallest
    subgradient, provided that b is the best for this w. None on mini-batches, without an L2
    penalty, and where the model is not the last iterate.
    """
    it, penalty = outcome.last, run.start.objective.penalty
    if run.settings.batch_size is not None or outcome.w is not it.w:
        return None
    if not run.settings.rule.max_norm:
        return 0.5 * float(it.gradient_norm) ** 2
    if not penalty.l2:
        return None
    return float(np.square(it.point.subgradient, dtype=np.float64).sum()) / (2 * penalty.l2)


def in_words(model: GDLogisticRegression) -> str:
    """Why the fit stopped, after how much work, at what cost and how far from the least.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_gd_logreg import GDLogisticRegression
    >>> print(GDLogisticRegression().fit(*load_iris(return_X_y=True)))
    GDLogisticRegression()
    converged (tol) after 6 iterations and 7 passes
    cost 0.19257..., at the minimum but for rounding
    """
    history, reason = model.history_, model.stop_reason_
    entry = model.n_iter_
    lines = [
        f"{REASONS[reason]} ({reason}) after {model.n_iter_} iterations "
        f"and {history['passes'][-1]:.5g} passes"
    ]
    if model.early_stopping and "best_iter_" in vars(model):
        entry = model.best_iter_
        lines.append(
            f"the model is iterate {entry}, of the lowest validation loss, "
            f"{history['val_loss'][entry]:.6f}"
        )
    lines.append(f"cost {history['cost'][entry]:.8g}, {distance(model, history['cost'][entry])}")
    return "\n".join(lines)


def distance(model: GDLogisticRegression, cost: float) -> str:
    """How far the cost is from its minimum, as far as the fit has told."""
    gap = model._estimated_gap
    if gap is None:
        return "how far above the minimum: see duality_gap(model, X, y)"
    if gap <= np.finfo(model.coef_.dtype).eps * cost:
        return "at the minimum but for rounding"
    return f"about {gap:.2g} above the minimum"
