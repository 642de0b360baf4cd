"""What a fitted model knows of its fit, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .bound import upper_bound
from .monitor import Outcome
from .run import Run
from .targets import Labels, class_mass

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


NEAR = 1e-3
"""Part of the cost below which half the squared decrement is an estimate of J − J*."""

TELLING = 0.5
"""Part of the cost below which a bound on J − J* says more than J ≥ 0 does."""


class Gap(NamedTuple):
    """What is known of J − J*: at most ``value`` if that is proven, else about so much."""

    value: float
    proven: bool


def known_gap(outcome: Outcome, run: Run, labels: Labels) -> Gap | None:
    """What is known of J − J* of the model without a further pass.

    √(dwᵀ F⁻¹ dw), the norm of the natural gradient, says it by half its square near the minimum;
    not with an L1 part, where it is that of a quadratic model solved in part. The gradient of the
    last pass bounds it where there is a penalty: see `upper_bound`. None on mini-batches, where the
    model is not the last iterate, and far from the minimum, where neither is near J − J*.
    """
    it, cost = outcome.last, outcome.last.cost
    if run.settings.batch_size is not None or outcome.w is not it.w:
        return None
    if not (run.settings.rule.max_norm or run.start.objective.penalty.l1):
        estimate = 0.5 * float(it.gradient_norm) ** 2
        if estimate <= NEAR * cost:
            return Gap(estimate, proven=False)
    share = None if labels.share is None else labels.share[:, 0]
    mass = class_mass(labels.codes, share, len(labels.classes))
    bound = upper_bound(it.point, mass[mass > 0] / mass.sum())
    return Gap(bound, proven=True) if bound <= TELLING * cost else None


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
    gap = vars(model).get("_known_gap")
    if gap is not None and gap.value <= 8 * np.finfo(model.coef_.dtype).eps * cost:
        return "at the minimum but for rounding"
    if gap is not None:
        rounded_up = 1.05 * gap.value
        known = f"less than {rounded_up:.2g}" if gap.proven else f"about {gap.value:.2g}"
        return f"{known} above the minimum"
    if model.penalty is None:
        return "how far above the minimum is not known: without a penalty there is no bound"
    return "how far above the minimum: see duality_gap(model, X, y)"
