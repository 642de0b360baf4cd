"""Warnings of a fit that has not converged: its state, the causes, the remedies.

The remedies are in the order in which to try them: those of the causes first, another solver last.
The thresholds are rules of thumb; `tests/test_warnings.py` has fits for each cause.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection
from math import isfinite, sqrt
from typing import NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from ..data import CENTERING
from ..descent import Iterate
from ..objective import Objective
from ..rules import AdaGrad, Adam, Momentum, UpdateRule
from ..schedules import LearningRate
from .monitor import Outcome
from .remaining import Remaining
from .settings import Settings
from .stopping import norm_rounding
from .symptoms import iterations_to_tol, oscillates
from .validation_set import ValidationSet

MIN_SCALE_RATIO = 10.0
"""Ratio of feature scales from which the warning names them as a cause."""

MAX_RATE_OVER_AUTO = 0.1
"""Fraction of the first rate of "auto" below which the warning names the rate as a cause."""

MAX_DECAYED_RATE_RATIO, MIN_CONSTANT_RATE_RATIO = 1e-3, 0.9
"""Ratios of the last to the largest rate. Below the first the warning names the decay as a cause;
above the second the rate counts as constant."""

MIN_MOMENTUM = 0.95
"""Value of β from which the warning may name momentum as a cause."""

MAX_ITERATIONS_LEFT_RATIO = 100
"""Largest estimate of the iterations left that the warning gives, in units of those made."""

MAX_SEPARABLE_LOSS = 0.1
"""Fraction of ln K below which a loss without a penalty suggests separable classes."""

MIN_VALIDATION_SCALE_RATIO = 2.0
"""Ratio, or its inverse, of the feature scales of validation and training rows from which the
warning names it as the cause."""

MIN_VALIDATION_ROWS = 100
"""Number of validation rows below which the warning names their number as a cause."""

MAX_SCORE_ERROR_OVER_TOL, MAX_SCORE_ERROR = 6.0, 1e-6
"""Rounding of a score that needs no warning: the larger of the first, in units of ``tol``, and the
second. With two classes a change of the scores by δ adds at most δ²/8 to J at its minimum: here 9
times the tol²/2 that ``tol`` stands for, and 1.25e-13."""

STACK_LEVEL = 5
"""Level of the caller of `fit` for `warnings.warn`."""

REASONS_WITHOUT_WARNING = ("tol", "early_stopping", "callback")
"""Reasons to stop without a warning."""


class EarlyStopping(NamedTuple):
    """The validation set of early stopping, and its origin.

    Attributes
    ----------
    validation_set : ValidationSet
    given : bool
        Whether the user gave the validation set; otherwise it was held out of X.
    """

    validation_set: ValidationSet
    given: bool


def warn_unless_converged(
    outcome: Outcome,
    objective: Objective,
    settings: Settings,
    rate: LearningRate,
    remaining: Remaining | None,
    early_stopping: EarlyStopping | None,
) -> None:
    """Warn if the descent diverged, did not improve on the start, or did not reach ``tol`` > 0.

    Parameters
    ----------
    outcome : Outcome
    objective : Objective
        In the coordinates of the features, before the presolve.
    settings : Settings
    rate : LearningRate
        The given learning rate, or that of the rule for "auto".
    remaining : Remaining or None
        How far J can still fall after a plateau.
    early_stopping : EarlyStopping or None
        None without early stopping.
    """
    tol = settings.tol
    case = Case(outcome, objective, settings, rate)
    if outcome.reason == "diverged":
        message = diverged_message(case, early_stopping=early_stopping is not None)
    elif early_stopping and is_untrained(outcome, early_stopping):
        message = untrained_message(case, early_stopping)
    elif outcome.reason in REASONS_WITHOUT_WARNING or not tol:
        return
    elif outcome.reason == "stalled":
        message = stalled_message(outcome, tol, objective)
    elif remaining is None:
        message = max_iter_message(case)
    elif remaining.needs_warning(tol):
        message = plateau_message(case, remaining)
    else:
        return
    warnings.warn(message, ConvergenceWarning, stacklevel=STACK_LEVEL)


def warn_if_rounded(rounding: float, tol: float, reductions: Collection[str]) -> None:
    """Warn if rounding changes the scores of a converged model by more than ``tol`` allows.

    ``rounding`` is a bound on the change of a score, and ``reductions`` are the names of those
    whose coordinates the parameters leave.
    """
    if rounding > max(MAX_SCORE_ERROR_OVER_TOL * tol, MAX_SCORE_ERROR):
        cause = "The means or the scales of the features differ so much"
        remedy = "use sklearn.preprocessing.StandardScaler"
        if CENTERING in reductions:
            cause = "The mean of a feature is so far from 0, relative to its standard deviation,"
            remedy = f"subtract a constant from the feature, or {remedy}"
        message = (
            f"{cause} that coef_ and intercept_ cannot represent the minimum: rounding may change "
            f"a score by {rounding:.1g}. Remedy: {remedy}."
        )
        warnings.warn(message, ConvergenceWarning, stacklevel=STACK_LEVEL)


def memory_not_stored_message(rule: UpdateRule, error: Exception) -> str:
    """Message for a memory of the rule that cannot be stored."""
    return (
        f"The memory of {type(rule).__name__} cannot be stored ({error}). The next fit with "
        "warm_start=True starts from the coefficients alone."
    )


def stream_diverged_message(last: Iterate) -> str:
    """Message for a call of `partial_fit` after which the cost is not finite."""
    return (
        f"The descent diverged in call {last.k} of partial_fit, with learning rate "
        f"{last.learning_rate:.3g}. The model is that of the previous call. Use a smaller "
        "learning_rate, learning_rate='auto' or scaled features."
    )


def stream_sorted_message(label: object, n_rows: int) -> str:
    """Message for a stream that seems sorted: its first ``n_rows`` rows do not have this label."""
    return (
        f"The rows of partial_fit seem to be sorted by class: none of the first {n_rows} is of "
        f"class {label!s}, and many later rows are. On sorted rows the model forgets the first "
        "classes and may predict them worse than without training. Shuffle the rows."
    )


class Case(NamedTuple):
    """A descent that has not converged: its outcome, objective, settings and learning rate."""

    outcome: Outcome
    objective: Objective
    settings: Settings
    rate: LearningRate


class Advice(NamedTuple):
    """Causes and remedies, each in order of priority."""

    causes: list[str]
    remedies: list[str]

    def add(self, cause: str, remedy: str) -> None:
        """Append a cause and its remedy."""
        self.causes.append(cause)
        self.remedies.append(remedy)

    def extend(self, other: Advice) -> None:
        """Append the causes and remedies of another advice."""
        self.causes.extend(other.causes)
        self.remedies.extend(other.remedies)

    def message(self, state: str) -> str:
        """The message: the state of the fit, the causes, the remedies numbered."""
        numbered = "; ".join(f"({number}) {text}" for number, text in enumerate(self.remedies, 1))
        return " ".join([state, *self.causes, f"Remedies: {numbered}."])


def diverged_message(case: Case, early_stopping: bool) -> str:
    """Message for a cost that is not finite, or for epochs whose cost stays above the start."""
    outcome, objective, settings, _ = case
    rule = settings.rule
    it, stable = outcome.last, rule.stable_rate(objective)
    cost = "the cost is not finite"
    if isfinite(it.cost):
        start = outcome.history["cost"][0]
        cost = f"the cost is {it.cost:.3g}, that of the start {start:.3g},"
    bound = ""
    if isfinite(stable.value):
        bound = f" The largest stable learning rate for these data is {stable}."
    remedies = ["a smaller learning_rate"]
    if settings.rate is not None:
        remedies.append("learning_rate='auto'")
    if settings.batch_size is None:
        remedies.append("learning_rate='backtracking'")
    if not rule.scale_free:
        if scale_causes(objective).causes:
            remedies.append("scaled features (sklearn.preprocessing.StandardScaler)")
        remedies.append("solver='natural'")
    kept = "iterate of lowest validation loss" if early_stopping else "point of lowest cost"
    return (
        f"The descent diverged: {cost} at iteration {it.k}, with learning rate "
        f"{it.learning_rate:.3g}.{bound} The model is the {kept} before that. "
        f"Use {', or '.join(remedies)}."
    )


def stalled_message(outcome: Outcome, tol: float, objective: Objective) -> str:
    """Message for a descent in which no further decrease of J is representable."""
    dtype = objective.data.dtype
    remedy = "pass X as float64, or raise tol" if dtype == np.float32 else "raise tol"
    if norm_rounding(outcome.last) < outcome.last.gradient_norm <= tol:  # not confirmed
        remedy = "clip or impute extreme values; duality_gap tells how far J may be above J*"
    return (
        f"The descent stopped at iteration {outcome.last.k}: no further decrease of the cost is "
        f"representable in {dtype}. {norm_and_tol(outcome.last, tol)} Remedy: {remedy}."
    )


def norm_and_tol(it: Iterate, tol: float) -> str:
    """The norm and ``tol``, and why a norm below ``tol`` was not accepted."""
    state = f"The gradient norm is {it.gradient_norm:.2e}, tol is {tol:.2e}."
    if it.gradient_norm > tol:
        return state
    if tol < norm_rounding(it):
        return f"{state} The rounding of the norm, about {norm_rounding(it):.0e}, is above tol."
    return (
        f"{state} The bound on J - J* from the gradient, or the decrease of the norm from step to "
        "step, does not confirm convergence: an extreme value may dominate its feature."
    )


def max_iter_message(case: Case) -> str:
    """Message for a descent that reached ``max_iter``."""
    it, tol = case.outcome.last, case.settings.tol
    advice, rate_prevents_convergence = advice_for(case)
    if not rate_prevents_convergence:
        advice.remedies.append(f"raise max_iter{iterations_left(case)}")
    if not case.settings.rule.scale_free:
        advice.remedies.append("use solver='natural'")
    return advice.message(
        f"No convergence after max_iter={it.k} iterations. {norm_and_tol(it, tol)}"
    )


def plateau_message(case: Case, remaining: Remaining) -> str:
    """Message for a plateau far above the minimum."""
    it, tol = case.outcome.last, case.settings.tol
    advice, rate_prevents_convergence = advice_for(case)
    if not rate_prevents_convergence:
        advice.remedies.append("lower tol, to continue at this rate")
    if not case.settings.rule.scale_free:
        advice.remedies.append("use solver='natural'")
    decrease = f"{'about' if remaining.is_estimate else 'at least'} {remaining.decrease:.2g}"
    if not isfinite(remaining.decrease):
        decrease = "an amount that overflows"
    return advice.message(
        f"The cost is on a plateau after {it.k} epochs, but not at its minimum: "
        f"J is {remaining.cost:.6g} and can still fall by {decrease}. "
        f"The gradient norm is {it.gradient_norm:.2e}, tol is {tol:.2e}."
    )


def iterations_left(case: Case) -> str:
    """The iterations left at the present rate of convergence, in words; "" without an estimate."""
    outcome, _, settings, _ = case
    if settings.batch_size is not None:
        return ""
    left = iterations_to_tol(outcome.history["gradient_norm"], settings.tol)
    if left is None or left.iterations > MAX_ITERATIONS_LEFT_RATIO * outcome.last.k:
        return ""
    return f" (at the present rate of convergence, {left})"


# -- early stopping ------------------------------------------------------------------------


def is_untrained(outcome: Outcome, early_stopping: EarlyStopping) -> bool:
    """Whether early stopping keeps an untrained start, or every validation loss is not finite.

    A start from a previous fit counts as trained if it predicts the validation set better than
    the frequencies of its classes do.
    """
    best = outcome.state.best
    if not outcome.last.k or not outcome.history["val_loss"].size:
        return False
    if best.w is None:
        return not np.isfinite(outcome.history["val_loss"]).any()
    return best.k == 0 and (not best.w.any() or best.value >= early_stopping.validation_set.entropy)


def untrained_message(case: Case, early_stopping: EarlyStopping) -> str:
    """Message for a validation loss that is lowest at the start, or never finite."""
    outcome, objective, settings, _ = case
    history, costs = outcome.history, outcome.history["cost"]
    state, advice = untrained_state(outcome), Advice([], [])
    ratio = validation_scale_ratio(objective, early_stopping.validation_set.objective)
    cost_fell = costs[1] < costs[0]
    has_same_scale = 1 / MIN_VALIDATION_SCALE_RATIO < ratio < MIN_VALIDATION_SCALE_RATIO
    if early_stopping.given and not has_same_scale:
        advice.add(
            f"The features in X_val are {ratio:.3g} times as large as those in X (root mean "
            "square).",
            "transform X_val as X was (Pipeline(..., transform_input=['X_val']) does)",
        )
        return advice.message(state)
    if cost_fell:
        advice.causes.append("The training cost fell in the first iteration.")
        if early_stopping.given:
            advice.remedies.append(
                "check that X_val was transformed as X was, and that y_val fits it"
            )
    else:
        advice.causes.append("The training cost rose in the first iteration, too.")
    if not settings.rule.scale_free:
        advice.extend(scale_causes(objective))
    if not case.rate.searches:
        advice.remedies.append(f"lower learning_rate, which was {history['learning_rate'][1]:.3g}")
    if cost_fell:
        advice.remedies.append("lower C, for a stronger penalty")
    n_rows = early_stopping.validation_set.objective.data.n_weighted_rows
    if n_rows < MIN_VALIDATION_ROWS:
        more = "give more of them" if early_stopping.given else "raise validation_fraction"
        advice.add(f"There are only {n_rows} validation rows.", more)
    if outcome.reason == "early_stopping":
        advice.remedies.append("raise n_iter_no_change, to see whether the loss falls later")
    if not settings.rule.scale_free:
        advice.remedies.append("use solver='natural'")
    return advice.message(state)


def untrained_state(outcome: Outcome) -> str:
    """The first sentences of `untrained_message`: the model, and the validation loss."""
    losses, k = outcome.history["val_loss"], outcome.last.k
    if outcome.state.best.w is None:
        return (
            f"Early stopping found no best iterate: the validation loss was not finite in any "
            f"of {k} iterations. The model is the last iterate."
        )
    return (
        f"Early stopping returned the start, best_iter_=0: the validation loss is "
        f"{losses[0]:.4g} there, {losses[1]:.4g} after one iteration and no lower in any of "
        f"{k}. The model is untrained."
    )


def validation_scale_ratio(training: Objective, validation: Objective) -> float:
    """Root mean square of the validation features over that of the training features."""
    n_features = training.data.n_features
    squares = float(training.mean_squares[:n_features].sum())
    squares_val = float(validation.mean_squares[:n_features].sum())
    return sqrt(squares_val / squares) if squares > 0 and squares_val > 0 else 1.0


# -- causes --------------------------------------------------------------------------------


def advice_for(case: Case) -> tuple[Advice, bool]:
    """Causes and remedies, and whether the learning rate prevents convergence at any max_iter."""
    advice, scales = Advice([], []), Advice([], [])
    if not case.settings.rule.scale_free:
        scales = scale_causes(case.objective)
    if case.settings.rate is None:
        advice.extend(scales)
    rate_prevents_convergence = add_rate_causes(case, advice)
    if case.settings.rate is not None:  # a given rate is the likelier cause
        advice.extend(scales)
    penalty, loss = case.objective.penalty, case.objective.loss
    if (
        not (penalty.l1 or penalty.l2)
        and case.outcome.last.loss < MAX_SEPARABLE_LOSS * loss.uniform_loss
    ):
        advice.add(
            "Without a penalty the minimum is at infinity if the classes are separable, as the low "
            "cost suggests.",
            "set C to a finite number",
        )
    return advice, rate_prevents_convergence


def add_rate_causes(case: Case, advice: Advice) -> bool:
    """Append learning rate and momentum as causes; return whether the rate prevents convergence."""
    outcome, objective, settings, rate = case
    rule, it, is_given = settings.rule, outcome.last, settings.rate is not None
    if rate.searches or not it.learning_rate > 0:
        return False
    last, largest = it.learning_rate, float(np.nanmax(outcome.history["learning_rate"]))
    stable = rule.stable_rate(objective)
    if last > stable.value:
        advice.add(
            f"The learning rate {last:.3g} is above the largest stable one for these data, "
            f"{stable}.",
            "lower learning_rate, or leave it 'auto'",
        )
        return True
    is_adaptive = not isfinite(stable.value)  # no rate is unstable
    has_batches = settings.batch_size is not None
    is_constant = last > MIN_CONSTANT_RATE_RATIO * largest
    is_oscillating = oscillates(outcome.history["cost"], objective.data.dtype)
    add_momentum_causes(case, advice, is_oscillating)
    if is_oscillating and is_constant and (is_adaptive or has_batches):
        effect = constant_rate_effect(rule, has_batches)
        remedy = f"let learning_rate decay, as CosineDecay({last:.3g}, steps={it.steps}) does"
        if is_given and not is_adaptive:
            remedy = f"leave learning_rate 'auto', which decays, or {remedy}"
        advice.add(
            f"The cost goes up and down: at a learning rate that stays at {last:.3g} {effect}",
            f"{remedy}, or lower it",
        )
        return True
    if is_given:
        add_small_rate_causes(case, advice, last, largest)
    return False


def add_small_rate_causes(case: Case, advice: Advice, last: float, largest: float) -> None:
    """Append a given learning rate that is too small, or decays too fast, as a cause."""
    rule, objective = case.settings.rule, case.objective
    auto = rule.auto_rate(objective, case.settings.batch_size).at(0)
    stable = rule.stable_rate(objective)
    if largest < MAX_RATE_OVER_AUTO * auto:
        bound = ""
        if isfinite(stable.value):
            bound = f"; the largest stable one for these data is {stable}"
        advice.add(
            f"The learning rate {largest:.3g} is far below {auto:.3g}, the first rate of 'auto'"
            f"{bound}.",
            "raise learning_rate, or leave it 'auto'",
        )
    elif last < MAX_DECAYED_RATE_RATIO * largest:
        advice.add(
            f"The learning rate fell from {largest:.3g} to {last:.3g} far from the minimum.",
            "let learning_rate decay more slowly, or leave it 'auto'",
        )


def constant_rate_effect(rule: UpdateRule, has_batches: bool) -> str:
    """The effect of a constant rate with batches or an adaptive rule, as the end of a sentence."""
    if has_batches:
        return "the noise of the batches does not vanish."
    if isinstance(rule, AdaGrad):
        return "the steps are too long."
    return f"{type(rule).__name__} circles the minimum, at a distance of about that rate."


def add_momentum_causes(case: Case, advice: Advice, is_oscillating: bool) -> None:
    """Append momentum as a cause.

    On a quadratic a step of the heavy ball leaves at least √β of the error on average, in every
    direction. So β alone bounds the number of steps to ``tol`` from below.
    """
    outcome, _, settings, _ = case
    rule, is_slow = settings.rule, False
    if isinstance(rule, Momentum):
        name, beta = "beta", rule.beta
        if settings.batch_size is None:
            least_norm = outcome.history["gradient_norm"][0] * beta ** (outcome.last.k / 2)
            is_slow = least_norm > settings.tol
    elif isinstance(rule, Adam):
        name, beta = "beta1", rule.beta1
    else:
        return
    if beta >= MIN_MOMENTUM and (is_oscillating or is_slow):
        advice.add(
            f"With {name}={beta:.6g} the momentum averages about {1 / (1 - beta):.3g} steps, and "
            "the descent oscillates about the minimum.",
            f"lower {name}, to 0.9 for example",
        )


def scale_causes(objective: Objective) -> Advice:
    """Feature scales as causes, with their remedies; one pass over X."""
    advice, ratio = Advice([], []), scale_ratio(objective)
    largest = float(np.sqrt(objective.mean_squares[: objective.data.n_features].max()))
    if ratio > MIN_SCALE_RATIO:
        advice.add(
            f"The largest feature scale is {ratio:.3g} times the smallest, which slows every "
            "solver except 'natural'.",
            "scale the features (sklearn.preprocessing.StandardScaler)",
        )
    elif objective.data.intercept and largest > MIN_SCALE_RATIO:
        advice.add(
            f"The largest feature scale is {largest:.3g} times that of the intercept, 1, which "
            "slows every solver except 'natural'.",
            "centre and scale the features (sklearn.preprocessing.StandardScaler)",
        )
    return advice


def scale_ratio(objective: Objective) -> float:
    """Largest over smallest scale √(mean x²) of the nonzero features."""
    scales = np.sqrt(objective.mean_squares[: objective.data.n_features])
    scales = scales[(scales > 0) & np.isfinite(scales)]
    return float(scales.max() / scales.min()) if len(scales) else 1.0
