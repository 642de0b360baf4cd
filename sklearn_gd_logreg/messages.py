"""What to tell the user when a descent has not converged, and what to do about it."""

from __future__ import annotations

import warnings
from math import isfinite

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from .descent import Iterate
from .monitor import Outcome
from .objective import Objective
from .rates import LearningRate
from .rules import UpdateRule
from .settings import Settings

UNEVEN = 10.0
"""Ratio of feature scales from which they are named as a cause."""


CONTENT = ("tol", "early_stopping", "callback")
"""Reasons to stop that need no warning."""


def warn_unless_converged(
    outcome: Outcome, objective: Objective, settings: Settings, rate: LearningRate
) -> None:
    """Warn if the descent diverged, or stopped short of a ``tol`` above 0.

    Parameters
    ----------
    outcome : Outcome
    objective : Objective
        In the coordinates of the features.
    settings : Settings
    rate : LearningRate
        As asked for in the settings, or as the rule has chosen.
    """
    tol, rule = settings.tol, settings.rule
    if outcome.reason == "diverged":
        message = diverged(outcome, objective, settings)
    elif outcome.reason in CONTENT or not tol:
        return
    elif outcome.reason == "stalled":
        message = stalled(outcome, tol, objective)
    else:
        message = out_of_iterations(outcome, tol, objective, rule, rate)
    warnings.warn(message, ConvergenceWarning, stacklevel=4)


def warn_if_rounded(rounding: float, tol: float) -> None:
    """Warn if the scores of a converged model are rounded by more than ``tol`` allows for.

    A change of the scores by δ adds at most δ²/8 to J at its minimum, and ``tol`` stands for
    tol²/2; what adds no more than 1e-13 is rounding of J.
    """
    if rounding > max(6 * tol, 1e-6):
        message = (
            "A feature is so far from 0, beside its spread, that coef_ and intercept_ cannot hold "
            f"the minimum that was found: rounding may change a score by {rounding:.1g}. Remedy: "
            "subtract a constant from the feature, or use sklearn.preprocessing.StandardScaler."
        )
        warnings.warn(message, ConvergenceWarning, stacklevel=4)


def cannot_go_on(rule: UpdateRule, error: Exception) -> str:
    """What the rule remembers cannot be kept."""
    return (
        f"The memory of {type(rule).__name__} cannot be pickled ({error}), so the next fit with "
        "warm_start=True will start from the coefficients alone."
    )


def diverged_on_stream(last: Iterate) -> str:
    """The cost on rows of a stream is not finite."""
    return (
        f"The descent diverged in call {last.k} of partial_fit, with learning rate "
        f"{last.learning_rate:.3g}. The model is that of the call before. Use a smaller "
        "learning_rate, learning_rate='auto' or scaled features."
    )


def diverged(outcome: Outcome, objective: Objective, settings: Settings) -> str:
    """The cost is not finite, or that of the epochs has settled above the start."""
    rule = settings.rule
    it, stable = outcome.last, rule.stable_rate(objective)
    what = "the cost is not finite"
    if isfinite(it.cost):
        start = outcome.history["cost"][0]
        what = f"the cost is {it.cost:.3g}, that of the start {start:.3g},"
    bound = ""
    if isfinite(stable.value):
        bound = f" The largest stable learning rate for these data is {stable}."
    others = ["a smaller learning_rate"]
    if settings.rate is not None:
        others.append("learning_rate='auto'")
    if settings.batch_size is None:
        others.append("learning_rate='backtracking'")
    if not rule.scale_free:
        others.append("solver='natural'")
        if scale_ratio(objective) > UNEVEN:
            others.append("scaled features (sklearn.preprocessing.StandardScaler)")
    return (
        f"The descent diverged: {what} at iteration {it.k}, with learning rate "
        f"{it.learning_rate:.3g}.{bound} The model is the point of lowest cost before that. "
        f"Use {', or '.join(others)}."
    )


def stalled(outcome: Outcome, tol: float, objective: Objective) -> str:
    """Rounding hides any further decrease."""
    dtype = objective.data.dtype
    remedy = "pass X as float64, or raise tol" if dtype == np.float32 else "raise tol"
    return (
        f"The descent stopped at iteration {outcome.last.k}: no step lowers the cost by more than "
        f"the rounding of {dtype}. The gradient norm is {outcome.last.gradient_norm:.2e}, tol is "
        f"{tol:.2e}. Remedy: {remedy}."
    )


def out_of_iterations(
    outcome: Outcome, tol: float, objective: Objective, rule: UpdateRule, rate: LearningRate
) -> str:
    """The limit of iterations came first."""
    it = outcome.last
    causes, remedies = [], []
    stable = rule.stable_rate(objective)
    if it.learning_rate > stable.value and not rate.searches:
        causes.append(
            f"The learning rate {it.learning_rate:.3g} is above the largest stable one for these "
            f"data, {stable}."
        )
        remedies.append("lower learning_rate, or leave it 'auto'")
    if not rule.scale_free:
        scales, remedy = scale_causes(objective)
        causes += scales
        remedies += [*remedy, "use solver='natural'"]
    remedies.append("raise max_iter")
    listed = "; ".join(f"({number}) {remedy}" for number, remedy in enumerate(remedies, 1))
    state = f"The gradient norm is {it.gradient_norm:.2e}, tol is {tol:.2e}."
    return " ".join(
        [
            f"No convergence after max_iter={it.k} iterations.",
            state,
            *causes,
            f"Remedies: {listed}.",
        ]
    )


def scale_causes(objective: Objective) -> tuple[list[str], list[str]]:
    """What the scales of the features have to do with it, and the remedies; a pass over X."""
    uneven = scale_ratio(objective)
    beside_the_intercept = float(np.sqrt(objective.mean_squares[: objective.data.n_features].max()))
    if uneven > UNEVEN:
        return [
            f"The largest feature scale is {uneven:.3g} times the smallest, which slows every "
            "solver but 'natural'."
        ], ["scale the features (sklearn.preprocessing.StandardScaler)"]
    if objective.data.intercept and beside_the_intercept > UNEVEN:
        return [
            f"The features are {beside_the_intercept:.3g} times the 1 of the intercept, which "
            "slows every solver but 'natural'."
        ], ["centre and scale the features (sklearn.preprocessing.StandardScaler)"]
    return [], []


def scale_ratio(objective: Objective) -> float:
    """Largest over smallest scale √(mean x²) of the features that are not all 0."""
    scales = np.sqrt(objective.mean_squares[: objective.data.n_features])
    scales = scales[(scales > 0) & np.isfinite(scales)]
    return float(scales.max() / scales.min()) if len(scales) else 1.0
