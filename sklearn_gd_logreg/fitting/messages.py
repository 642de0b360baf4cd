"""What to tell the user when a descent has not converged, and what to do about it.

A message gives the state, then the causes that the fit shows, then the remedies in the order in
which to try them: those of the causes first, another solver last.
"""

from __future__ import annotations

import warnings
from math import isfinite
from typing import NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from ..descent import Iterate
from ..objective import Objective
from ..rules import AdaGrad, Adam, Momentum, UpdateRule
from ..schedules import LearningRate
from .monitor import Outcome
from .remaining import Remaining
from .settings import Settings
from .stopping import rounding_of_norm
from .symptoms import goes_up_and_down, pace
from .validation_set import ValidationSet

MIN_SCALE_RATIO = 10.0
"""Ratio of feature scales from which they are named as a cause."""

MAX_RATE_OVER_AUTO = 0.1
"""Part of the rate that "auto" begins with, below which a rate is named as a cause."""

MAX_FALL_OF_RATE = 1e-3
"""Part of its largest value to which a rate has fallen when that is named as a cause."""

MIN_CONSTANT_RATE = 0.9
"""Part of its largest value above which a rate counts as constant."""

MIN_MOMENTUM = 0.95
"""Part of the last move that is made again, from which it may be named as a cause."""

MAX_ITERATIONS_TOLD = 100
"""How many times the iterations made may still be needed for their number to be told."""

MAX_SEPARABLE_LOSS = 0.1
"""Part of ln K below which a loss without a penalty suggests that classes are separable."""

MIN_SCALE_DIFFERENCE = 2.0
"""Ratio of the scales of validation and training rows from which it is named as a cause."""

MIN_VALIDATION_ROWS = 100
"""Number of validation rows below which it is named as a cause."""

REASONS_WITHOUT_WARNING = ("tol", "early_stopping", "callback")
"""Reasons to stop that need no warning."""


class EarlyStopping(NamedTuple):
    """What early stopping went by.

    Attributes
    ----------
    validation_set : ValidationSet
    given : bool
        Whether the validation rows were given, and not held out of X.
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
    """Warn if the descent diverged, learnt nothing, or stopped short of a ``tol`` above 0.

    Parameters
    ----------
    outcome : Outcome
    objective : Objective
        In the coordinates of the features.
    settings : Settings
    rate : LearningRate
        As asked for in the settings, or as the rule has chosen.
    remaining : Remaining or None
        What is left to gain after a plateau.
    early_stopping : EarlyStopping or None
        None: the model is the last iterate.
    """
    tol = settings.tol
    case = Case(outcome, objective, settings, rate)
    if outcome.reason == "diverged":
        message = diverged(case, early_stopping=early_stopping is not None)
    elif early_stopping and learnt_nothing(outcome, early_stopping):
        message = untrained(case, early_stopping)
    elif outcome.reason in REASONS_WITHOUT_WARNING or not tol:
        return
    elif outcome.reason == "stalled":
        message = stalled(outcome, tol, objective)
    elif remaining is None:
        message = out_of_iterations(case)
    elif remaining.is_much(tol):
        message = on_a_plateau(case, remaining)
    else:
        return
    warnings.warn(message, ConvergenceWarning, stacklevel=5)


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
        warnings.warn(message, ConvergenceWarning, stacklevel=5)


def cannot_go_on(rule: UpdateRule, error: Exception) -> str:
    """What the rule remembers cannot be kept."""
    return (
        f"The memory of {type(rule).__name__} cannot be kept ({error}), so the next fit with "
        "warm_start=True will start from the coefficients alone."
    )


def diverged_on_stream(last: Iterate) -> str:
    """The cost on rows of a stream is not finite."""
    return (
        f"The descent diverged in call {last.k} of partial_fit, with learning rate "
        f"{last.learning_rate:.3g}. The model is that of the call before. Use a smaller "
        "learning_rate, learning_rate='auto' or scaled features."
    )


def sorted_stream(label: object, waited: int) -> str:
    """The rows of a stream come sorted by class."""
    return (
        f"The rows of partial_fit seem to be sorted by class: none of the first {waited} is of "
        f"class {label!s}, and many since are. From such rows a model forgets the classes "
        "that came first, and may predict them worse than without any training. Shuffle the rows, "
        "so that every class comes all along."
    )


class Case(NamedTuple):
    """A descent that has not converged, as it was asked for and as it ended."""

    outcome: Outcome
    objective: Objective
    settings: Settings
    rate: LearningRate


class Advice(NamedTuple):
    """Causes, and the remedies for them, each in the order in which to look at them."""

    causes: list[str]
    remedies: list[str]

    def add(self, cause: str, remedy: str) -> None:
        """A cause and its remedy."""
        self.causes.append(cause)
        self.remedies.append(remedy)

    def extend(self, other: Advice) -> None:
        """Further causes and remedies."""
        self.causes.extend(other.causes)
        self.remedies.extend(other.remedies)

    def after(self, *state: str) -> str:
        """The message that begins with the state."""
        listed = "; ".join(f"({number}) {what}" for number, what in enumerate(self.remedies, 1))
        return " ".join([*state, *self.causes, f"Remedies: {listed}."])


def diverged(case: Case, early_stopping: bool) -> str:
    """The cost is not finite, or that of the epochs has settled above the start."""
    outcome, objective, settings, _ = case
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
        if scale_causes(objective).causes:
            others.append("scaled features (sklearn.preprocessing.StandardScaler)")
        others.append("solver='natural'")
    kept = "iterate of lowest validation loss" if early_stopping else "point of lowest cost"
    return (
        f"The descent diverged: {what} at iteration {it.k}, with learning rate "
        f"{it.learning_rate:.3g}.{bound} The model is the {kept} before that. "
        f"Use {', or '.join(others)}."
    )


def stalled(outcome: Outcome, tol: float, objective: Objective) -> str:
    """Rounding hides any further decrease."""
    dtype = objective.data.dtype
    remedy = "pass X as float64, or raise tol" if dtype == np.float32 else "raise tol"
    if rounding_of_norm(outcome.last) < outcome.last.gradient_norm <= tol:
        remedy = "clip or impute extreme values; duality_gap tells how far J may be above J*"
    return (
        f"The descent stopped at iteration {outcome.last.k}: no step lowers the cost by more than "
        f"the rounding of {dtype}. {norm_beside_tol(outcome.last, tol)} Remedy: {remedy}."
    )


def norm_beside_tol(it: Iterate, tol: float) -> str:
    """The norm and ``tol``; and why a norm that is small enough was not believed."""
    state = f"The gradient norm is {it.gradient_norm:.2e}, tol is {tol:.2e}."
    if it.gradient_norm > tol:
        return state
    return (
        f"{state} But the bound on J - J* from the gradient, or the pace of the norm, says that "
        "more may be left: an extreme value may hide what the other rows say of its feature."
    )


def out_of_iterations(case: Case) -> str:
    """The limit of iterations came first."""
    it, tol = case.outcome.last, case.settings.tol
    advice, hopeless = why(case)
    if not hopeless:
        advice.remedies.append(f"raise max_iter{how_far(case)}")
    if not case.settings.rule.scale_free:
        advice.remedies.append("use solver='natural'")
    return advice.after(
        f"No convergence after max_iter={it.k} iterations.",
        norm_beside_tol(it, tol),
    )


def on_a_plateau(case: Case, remaining: Remaining) -> str:
    """The cost of the epochs has settled, far above its minimum."""
    it, tol = case.outcome.last, case.settings.tol
    advice, hopeless = why(case)
    if not hopeless:
        advice.remedies.append("lower tol, to go on at this pace")
    if not case.settings.rule.scale_free:
        advice.remedies.append("use solver='natural'")
    left = f"{'about' if remaining.is_estimate else 'at least'} {remaining.decrease:.2g}"
    if not isfinite(remaining.decrease):
        left = "an amount that overflows"
    return advice.after(
        f"The cost of the epochs is on a plateau after {it.k} of them, but not at its minimum: "
        f"J is {remaining.cost:.6g} and can still fall by {left}. "
        f"The gradient norm is {it.gradient_norm:.2e}, tol is {tol:.2e}."
    )


def how_far(case: Case) -> str:
    """How many more iterations the pace of late asks for, if that can be told."""
    outcome, _, settings, _ = case
    if settings.batch_size is not None:
        return ""
    more = pace(outcome.history["gradient_norm"], settings.tol)
    if more is None or more.iterations > MAX_ITERATIONS_TOLD * outcome.last.k:
        return ""
    return f" (at the pace of late, {more})"


# -- early stopping ------------------------------------------------------------------------


def learnt_nothing(outcome: Outcome, early_stopping: EarlyStopping) -> bool:
    """Whether early stopping keeps a start that knows nothing, or had nothing to choose by.

    A start that was fitted before may be the best there is. It knows something if it predicts
    the validation rows better than the frequencies of their classes do.
    """
    best = outcome.state.best
    if not outcome.last.k or not outcome.history["val_loss"].size:
        return False
    if best.w is None:
        return not np.isfinite(outcome.history["val_loss"]).any()
    return best.k == 0 and (not best.w.any() or best.value >= early_stopping.validation_set.entropy)


def untrained(case: Case, early_stopping: EarlyStopping) -> str:
    """The validation loss has never been lower than at the start."""
    outcome, objective, settings, _ = case
    history, k = outcome.history, outcome.last.k
    losses, costs = history["val_loss"], history["cost"]
    if outcome.state.best.w is None:
        state = (
            f"Early stopping had nothing to choose by: the validation loss was not finite in any "
            f"of {k} iterations. The model is the last iterate."
        )
    else:
        state = (
            f"Early stopping returned the start, best_iter_=0: the validation loss is "
            f"{losses[0]:.4g} there, {losses[1]:.4g} after one iteration and no lower in any of "
            f"{k}. The model has learnt nothing."
        )
    advice = Advice([], [])
    ratio = validation_scale(objective, early_stopping.validation_set.objective)
    if early_stopping.given and not 1 / MIN_SCALE_DIFFERENCE < ratio < MIN_SCALE_DIFFERENCE:
        advice.add(
            f"The features in X_val are {ratio:.3g} times as large as those in X (root mean "
            "square).",
            "transform X_val as X was (Pipeline(..., transform_input=['X_val']) does)",
        )
        return advice.after(state)
    if costs[1] < costs[0]:
        advice.causes.append("The cost of the training rows fell in the first.")
        if early_stopping.given:
            advice.remedies.append("see that X_val was transformed as X was, and y_val fits it")
    else:
        advice.causes.append("The cost of the training rows rose in the first, too.")
    if not settings.rule.scale_free:
        advice.extend(scale_causes(objective))
    if not case.rate.searches:
        advice.remedies.append(f"lower learning_rate, which was {history['learning_rate'][1]:.3g}")
    n_rows = len(early_stopping.validation_set.objective.data.weighted_rows())
    if costs[1] < costs[0]:
        advice.remedies.append("lower C, for a stronger penalty")
    if n_rows < MIN_VALIDATION_ROWS:
        more = "give more of them" if early_stopping.given else "raise validation_fraction"
        advice.add(f"There are only {n_rows} validation rows.", more)
    if outcome.reason == "early_stopping":
        advice.remedies.append("raise n_iter_no_change, to see whether the loss falls later")
    if not settings.rule.scale_free:
        advice.remedies.append("use solver='natural'")
    return advice.after(state)


def validation_scale(objective: Objective, validation_set: Objective) -> float:
    """How large the features of the validation rows are, beside those of the training rows."""
    n_features = objective.data.n_features
    there, here = (o.mean_squares[:n_features].sum() for o in (validation_set, objective))
    return float(np.sqrt(there / here)) if here > 0 and there > 0 else 1.0


# -- causes --------------------------------------------------------------------------------


def why(case: Case) -> tuple[Advice, bool]:
    """What the fit shows of the causes, and whether more iterations would be in vain."""
    advice, scales = Advice([], []), Advice([], [])
    if not case.settings.rule.scale_free:
        scales = scale_causes(case.objective)
    if case.settings.rate is None:
        advice.extend(scales)
    hopeless = rate_causes(case, advice)
    if case.settings.rate is not None:
        advice.extend(scales)
    penalty, loss = case.objective.penalty, case.objective.loss
    if (
        not (penalty.l1 or penalty.l2)
        and case.outcome.last.loss < MAX_SEPARABLE_LOSS * loss.uniform_loss
    ):
        advice.add(
            "Without a penalty the minimum is at infinity if the classes can be separated, which "
            "a cost so low suggests.",
            "set C to a finite number",
        )
    return advice, hopeless


def rate_causes(case: Case, advice: Advice) -> bool:
    """Learning rate and momentum as causes, and whether more iterations would be in vain."""
    outcome, objective, settings, rate = case
    rule, it, chosen = settings.rule, outcome.last, settings.rate is not None
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
    adaptive, by_batches = not isfinite(stable.value), settings.batch_size is not None
    restless = goes_up_and_down(outcome.history["cost"], objective.data.dtype)
    momentum_causes(case, advice, restless)
    if restless and last > MIN_CONSTANT_RATE * largest and (adaptive or by_batches):
        ending = "the noise of the batches never settles." if by_batches else circles(rule)
        falling = f"let learning_rate fall, as CosineDecay({last:.3g}, steps={it.steps}) does"
        if chosen and not adaptive:
            falling = f"leave learning_rate 'auto', which falls, or {falling}"
        advice.add(
            f"The cost goes up and down: at a learning rate that stays at {last:.3g} {ending}",
            f"{falling}, or lower it",
        )
        return True
    if not chosen:
        return False
    usual = rule.auto_rate(objective, settings.batch_size).at(0)
    if largest < MAX_RATE_OVER_AUTO * usual:
        bound = "" if adaptive else f"; the largest stable one for these data is {stable}"
        advice.add(
            f"The learning rate {largest:.3g} is far below {usual:.3g}, with which 'auto' "
            f"begins{bound}.",
            "raise learning_rate, or leave it 'auto'",
        )
    elif last < MAX_FALL_OF_RATE * largest:
        advice.add(
            f"The learning rate fell from {largest:.3g} to {last:.3g} before the minimum was near.",
            "let learning_rate fall more slowly, or leave it 'auto'",
        )
    return False


def circles(rule: UpdateRule) -> str:
    """What an adaptive rule does at a constant rate, as the end of a sentence."""
    if isinstance(rule, AdaGrad):
        return "the steps are too long."
    return f"{type(rule).__name__} circles the minimum, at a distance of about that rate."


def momentum_causes(case: Case, advice: Advice, restless: bool) -> None:
    """Momentum as a cause.

    Along no direction of a quadratic does the error of the heavy ball shrink by more than √β a
    step on average, so β alone says how many steps it takes at the least.
    """
    outcome, _, settings, _ = case
    rule = settings.rule
    if isinstance(rule, Momentum):
        name, beta = "beta", rule.beta
    elif isinstance(rule, Adam):
        name, beta = "beta1", rule.beta1
    else:
        return
    slow = False
    if name == "beta" and settings.batch_size is None and beta:
        first = outcome.history["gradient_norm"][0]
        slow = first * beta ** (outcome.last.k / 2) > settings.tol
    if beta >= MIN_MOMENTUM and (restless or slow):
        advice.add(
            f"With {name}={beta:.6g} each step is carried on for {1 / (1 - beta):.3g} more, and "
            "the descent swings about the minimum.",
            f"lower {name}, to 0.9 for example",
        )


def scale_causes(objective: Objective) -> Advice:
    """What the scales of the features have to do with it; a pass over X."""
    advice, uneven = Advice([], []), scale_ratio(objective)
    beside_the_intercept = float(np.sqrt(objective.mean_squares[: objective.data.n_features].max()))
    if uneven > MIN_SCALE_RATIO:
        advice.add(
            f"The largest feature scale is {uneven:.3g} times the smallest, which slows every "
            "solver but 'natural'.",
            "scale the features (sklearn.preprocessing.StandardScaler)",
        )
    elif objective.data.intercept and beside_the_intercept > MIN_SCALE_RATIO:
        advice.add(
            f"The features are {beside_the_intercept:.3g} times the 1 of the intercept, which "
            "slows every solver but 'natural'.",
            "centre and scale the features (sklearn.preprocessing.StandardScaler)",
        )
    return advice


def scale_ratio(objective: Objective) -> float:
    """Largest over smallest scale √(mean x²) of the features that are not all 0."""
    scales = np.sqrt(objective.mean_squares[: objective.data.n_features])
    scales = scales[(scales > 0) & np.isfinite(scales)]
    return float(scales.max() / scales.min()) if len(scales) else 1.0
