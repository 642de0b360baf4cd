"""What a fitted model knows of its fit, in words."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .._typing import Array
from ..objective import Point
from ..targets import Labels, class_mass
from .fenchel_bound import gap
from .monitor import Columns, Outcome
from .run import Run
from .upper_bound import upper_bound

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


MAX_ESTIMATE_OVER_COST = 1e-3
"""Part of the cost below which half the squared decrement is an estimate of J − J*."""

MAX_BOUND_OVER_COST = 0.5
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
        if estimate <= MAX_ESTIMATE_OVER_COST * cost:
            return Gap(estimate, proven=False)
    bound = upper_bound(it.point, class_shares(labels))
    return Gap(bound, proven=True) if bound <= MAX_BOUND_OVER_COST * cost else None


def solver_info(outcome: Outcome, run: Run, labels: Labels) -> dict[str, Any]:
    """Which path the descent took, and whether its end is proved: see ``solver_info_``."""
    rule, memory, tol = run.settings.rule, outcome.last.memory, run.settings.tol
    info = {
        "method": type(rule).__name__,
        "reason": "solver",
        "hessian_rows": 0,
        "subsamples": (),
        "hessians": 0,
        "products": 0,
        **getattr(memory, "info", {}),
        "reductions": dict(run.reductions),
        "proved": False,
    }
    if outcome.reason == "tol":
        info["proved"] = is_proved(outcome.last.point, tol**2 / 2, labels)
    return info


def is_proved(point: Point, enough: float, labels: Labels) -> bool:
    """Whether the bound on J − J* at a point is at most ``enough``.

    With an intercept it takes the mean squares of the features: one pass, which does not count. It
    is spared in single precision, and where the bound for the best b is larger.
    """
    objective = point.objective
    data, penalty = objective.data, objective.penalty
    if not penalty.l1 + penalty.l2 > 0:
        return False
    if data.intercept and point.w.dtype == np.float64:
        if gap(point) > enough:
            return False
        count = data.passes.count
        _ = objective.mean_squares
        data.passes.count = count
    return bool(upper_bound(point, class_shares(labels)) <= enough)


def class_shares(labels: Labels) -> Array:
    """The weight of each class that is present, of all."""
    share = None if labels.share is None else labels.share[:, 0]
    mass = class_mass(labels.codes, share, len(labels.classes))
    return np.asarray(mass[mass > 0] / mass.sum())


def path_in_words(info: dict[str, Any]) -> str:
    """The path of a descent in a line or two."""
    lines = [f"{info['method']} ({info['reason']})"]
    if info["subsamples"]:
        sizes = ", ".join(map(str, info["subsamples"]))
        lines[0] += f", after subsamples of {sizes} rows"
    if info["hessians"]:
        products = f", {info['products']} products" if info["products"] else ""
        lines[0] += f"; curvature worked out {info['hessians']} times{products}"
    lines += [f"{name}: {reason}" for name, reason in info["reductions"].items()]
    return "\n".join(lines)


class FitSummary(NamedTuple):
    """What a fitted model knows of its fit: its fitted attributes, and what is known of J − J*."""

    reason: str
    n_iter: int
    best_iter: int | None
    history: Columns
    solver_info: dict[str, Any] | None
    gap: Gap | None
    penalised: bool
    eps: float

    @classmethod
    def of(cls, model: Any) -> FitSummary:
        """That of a fitted model."""
        known = vars(model)
        best = known.get("best_iter_") if model.early_stopping else None
        eps = float(np.finfo(model.coef_.dtype).eps)
        info, gap = known.get("solver_info_"), known.get("_known_gap")
        named = model.stop_reason_, model.n_iter_, best, model.history_
        return cls(*named, info, gap, model.penalty is not None, eps)


def describe_fit(fit: FitSummary) -> str:
    """Why the fit stopped, after how much work, at what cost and how far from the least.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_gd_logreg import GDLogisticRegression
    >>> print(GDLogisticRegression().fit(*load_iris(return_X_y=True)))
    GDLogisticRegression()
    converged (tol) after 7 iterations and 9 passes
    Newton (F on 150 of 150 rows costs 1.4 passes); curvature worked out 8 times
    cost 0.19257..., at the minimum but for rounding
    """
    history, entry = fit.history, fit.n_iter
    passes = f"{history['passes'][-1]:.5g} passes"
    lines = [f"{REASONS[fit.reason]} ({fit.reason}) after {fit.n_iter} iterations and {passes}"]
    info = fit.solver_info
    if info and (info["hessians"] or info["reductions"]):
        lines.append(path_in_words(info))
    if fit.best_iter is not None:
        entry = fit.best_iter
        loss = f"{history['val_loss'][entry]:.6f}"
        lines.append(f"the model is iterate {entry}, of the lowest validation loss, {loss}")
    cost = float(history["cost"][entry])
    lines.append(f"cost {cost:.8g}, {distance(fit, cost)}")
    return "\n".join(lines)


def distance(fit: FitSummary, cost: float) -> str:
    """How far the cost is from its minimum, as far as the fit has told."""
    gap = fit.gap
    if gap is not None and gap.value <= 8 * fit.eps * cost:
        return "at the minimum but for rounding"
    if gap is not None:
        rounded_up = 1.05 * gap.value
        known = f"less than {rounded_up:.2g}" if gap.proven else f"about {gap.value:.2g}"
        return f"{known} above the minimum"
    if not fit.penalised:
        return "how far above the minimum is not known: without a penalty there is no bound"
    return "how far above the minimum: see duality_gap(model, X, y)"
