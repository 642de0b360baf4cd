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
    "max_iter": "stopped at max_iter",
    "stalled": "stalled at the rounding of the numbers",
    "diverged": "diverged",
    "early_stopping": "stopped early",
    "callback": "stopped by a callback",
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
    converged (tol) after 8 iterations and 9 passes
    cost 0.19257..., about ...e-... above the minimum
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
    gap = model._estimated_gap
    known = "how far above the minimum: see duality_gap(model, X, y)"
    if gap is not None:
        known = f"about {gap:.2g} above the minimum"
    lines.append(f"cost {history['cost'][entry]:.8g}, {known}")
    return "\n".join(lines)
