"""What a fitted model knows of its fit, in words."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .._namespace import to_numpy
from ..objective import Point
from ..targets import LabelSet
from .fenchel_bound import fenchel_gap
from .monitor import Columns, Outcome
from .run import Descent
from .upper_bound import upper_bound

REASONS = {
    "tol": "converged",
    "plateau": "stopped on a plateau of the cost",
    "max_iter": "stopped at max_iter",
    "stalled": "stalled: no further decrease is representable",
    "diverged": "diverged",
    "early_stopping": "stopped early",
    "callback": "stopped by a callback",
    "in_progress": "in progress",
    "partial_fit": "trained by partial_fit",
}


MAX_ESTIMATE_OVER_COST = 1e-3
"""Fraction of J below which half the squared Newton decrement is an estimate of J − J*."""

MAX_BOUND_OVER_COST = 0.5
"""Fraction of J below which a bound on J − J* is informative."""


class KnownGap(NamedTuple):
    """A bound on J − J* if ``proven``, else an estimate."""

    value: float
    proven: bool


def known_gap(outcome: Outcome, descent: Descent, labels: LabelSet) -> KnownGap | None:
    """A bound on J − J* of the model, or an estimate, without a further pass.

    Near the minimum, half the square of the Newton decrement estimates J − J*, except with an L1
    part. With a penalty the gradient of the last pass gives a bound (`upper_bound`). The result is
    None for mini-batches, for a model that is not the last iterate, and far from the minimum.
    """
    it, cost = outcome.last, outcome.last.cost
    if descent.settings.batch_size is not None or outcome.w is not it.w:
        return None
    if not (descent.settings.rule.uses_max_norm or descent.start.objective.penalty.l1):
        estimate = 0.5 * float(it.gradient_norm) ** 2
        if estimate <= MAX_ESTIMATE_OVER_COST * cost:
            return KnownGap(estimate, proven=False)
    bound = upper_bound(it.point, labels.class_shares)
    return KnownGap(bound, proven=True) if bound <= MAX_BOUND_OVER_COST * cost else None


def solver_info(outcome: Outcome, descent: Descent, labels: LabelSet) -> dict[str, Any]:
    """The fitted attribute ``solver_info_``."""
    rule, memory, tol = descent.settings.rule, outcome.last.memory, descent.settings.tol
    info = {
        "method": type(rule).__name__,
        "reason": "solver",
        "hessian_rows": 0,
        "subsamples": (),
        "hessians": 0,
        "products": 0,
        **getattr(memory, "info", {}),
        "reductions": dict(descent.reductions),
        "proved": False,
    }
    if outcome.reason == "tol":
        info["proved"] = is_proved(outcome.last.point, tol**2 / 2, labels)
    return info


def is_proved(point: Point, enough: float, labels: LabelSet) -> bool:
    """Whether the bound on J − J* at a point is at most ``enough``.

    With an intercept this needs the mean squares of the features: one pass, which ``passes`` does
    not count. It is skipped in single precision, and where the bound for the best b is larger. Rows
    in chunks or on a device are not read for it: the bound uses what the fit has computed.
    """
    objective = point.objective
    data, penalty = objective.data, objective.penalty
    if not penalty.l1 + penalty.l2 > 0:
        return False
    if data.intercept and point.w.dtype == np.float64 and data.stores_row_values:
        if fenchel_gap(point) > enough:
            return False
        count = data.passes.count
        _ = objective.mean_squares
        data.passes.count = count
    return bool(upper_bound(point, labels.class_shares) <= enough)


def path_in_words(info: dict[str, Any]) -> str:
    """``solver_info_`` in words, one line and one for each reduction."""
    lines = [f"{info['method']} ({info['reason']})"]
    if info["subsamples"]:
        sizes = ", ".join(map(str, info["subsamples"]))
        lines[0] += f", after subsamples of {sizes} rows"
    if info["hessians"]:
        lines[0] += f"; {counted(info['hessians'], 'curvature')}"
    if info["products"]:
        lines[0] += f", {counted(info['products'], 'product')}"
    lines += [f"{name}: {reason}" for name, reason in info["reductions"].items()]
    return "\n".join(lines)


def counted(number: float, noun: str) -> str:
    """A number and its noun, in the plural unless the number is 1."""
    plural = noun + ("es" if noun.endswith("s") else "s")
    shown = str(number) if isinstance(number, int) else f"{number:.5g}"
    return f"{shown} {noun if number == 1 else plural}"


class FitSummary(NamedTuple):
    """What a fitted model knows of its fit: its fitted attributes, and what is known of J − J*.

    ``unfinished`` says whether the descent diverged or met ``max_iter`` before ``tol``.
    """

    reason: str
    n_iter: int
    best_iter: int | None
    history: Columns
    solver_info: dict[str, Any] | None
    gap: KnownGap | None
    penalised: bool
    eps: float
    unfinished: bool

    @classmethod
    def of(cls, model: Any) -> FitSummary:
        """That of a fitted model."""
        known = vars(model)
        reason = model.stop_reason_
        keeps_best = model.early_stopping and reason != "in_progress"
        best = known.get("best_iter_") if keeps_best else None
        eps = float(np.finfo(to_numpy(model.coef_).dtype).eps)
        info, gap = known.get("solver_info_"), known.get("_known_gap")
        named = reason, model.n_iter_, best, model.history_
        unfinished = reason == "diverged" or (reason == "max_iter" and model.tol != 0)
        return cls(*named, info, gap, model.penalty is not None, eps, unfinished)

    @property
    def entry(self) -> int:
        """Entry of the history that describes the model."""
        if self.best_iter is not None:
            return self.best_iter
        if self.reason == "diverged":
            return int(np.argmin(self.history["cost"]))
        return self.n_iter

    @property
    def stop(self) -> str:
        """Why the fit stopped."""
        return f"{REASONS[self.reason]} ({self.reason})"

    @property
    def work(self) -> str:
        """Numbers of iterations and passes."""
        passes = counted(self.history["passes"][-1], "pass")
        return f"{counted(self.n_iter, 'iteration')} and {passes}"


def describe_fit(fit: FitSummary) -> str:
    """Stop reason, iterations and passes, path, cost, and distance to the minimum.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_gd_logreg import GDLogisticRegression
    >>> print(GDLogisticRegression().fit(*load_iris(return_X_y=True)))
    GDLogisticRegression()
    converged (tol) after 7 iterations and 9 passes
    Newton (F on 150 of 150 rows costs 1.4 passes); 8 curvatures
    cost 0.19257..., at the minimum up to rounding
    """
    history, entry = fit.history, fit.entry
    lines = [f"{fit.stop} after {fit.work}"]
    info = fit.solver_info
    if info and (info["hessians"] or info["reductions"]):
        lines.append(path_in_words(info))
    if fit.best_iter is not None:
        loss = f"{history['val_loss'][entry]:.6f}"
        lines.append(f"the model is iterate {entry}, of the lowest validation loss, {loss}")
    cost = float(history["cost"][entry])
    lines.append(f"cost {cost:.8g}, {distance(fit, cost)}")
    return "\n".join(lines)


def distance(fit: FitSummary, cost: float) -> str:
    """The distance of the cost to its minimum, in words."""
    gap = fit.gap
    if gap is not None and gap.value <= 8 * fit.eps * cost:
        return "at the minimum up to rounding"
    if gap is not None:
        rounded_up = 1.05 * gap.value
        known = f"less than {rounded_up:.2g}" if gap.proven else f"about {gap.value:.2g}"
        return f"{known} above the minimum"
    if not fit.penalised:
        return "distance to the minimum unknown: without a penalty there is no bound"
    return "distance to the minimum: see duality_gap(model, X, y)"
