"""The settings of a descent, read from the parameters of an estimator."""

from __future__ import annotations

from dataclasses import dataclass
from inspect import isabstract
from typing import Any

import numpy as np
from numpy.random import RandomState
from sklearn.utils import check_random_state

from .._text import shown
from ..line_search import Backtracking
from ..rules import UpdateRule, as_rule
from ..schedules import Constant, CosineDecay, FunctionRate, LearningRate, StepDecay, TimeDecay
from ..validation import (
    POSITIVE,
    Hyperparameters,
    Interval,
    check_flags,
    check_intervals,
    first_class_with,
    invalid,
)

INTERVALS = {
    "C": Interval(0, float("inf"), "(]"),
    "l1_ratio": Interval(0, 1),
    "max_iter": Interval(0, float("inf"), "[)", integral=True),
    "tol": Interval(0, float("inf"), "[)"),
    "validation_fraction": Interval(0, 1, "()"),
    "n_iter_no_change": Interval(1, float("inf"), "[)", integral=True),
}
"""Of the numbers among the parameters."""

VERBOSE = Interval(0, float("inf"), "[)", integral=True)
BATCH_SIZE = Interval(1, float("inf"), "[)", integral=True)

SCHEDULES_OF_SGD = ("constant", "optimal", "invscaling", "adaptive", "pa1", "pa2")
"""What ``learning_rate`` may be in scikit-learn's SGDClassifier and MLPClassifier."""


@dataclass(frozen=True)
class Settings:
    """What a descent goes by, as it was asked for.

    Attributes
    ----------
    rule : UpdateRule
    rate : LearningRate or None
        None: the rule chooses it.
    batch_size : int or None
    tol : float
    """

    rule: UpdateRule
    rate: LearningRate | None
    batch_size: int | None
    tol: float

    def can_continue(self, before: Settings) -> bool:
        """Whether a descent that went by other settings may go on by these.

        The rule must be the same, since its memory is, and the mini-batches as large.
        """
        return self.batch_size == before.batch_size and _key(self.rule) == _key(before.rule)


def _key(rule: UpdateRule) -> tuple[type, str]:
    return type(rule), repr(sorted(rule.get_params(deep=False).items()))


def settings_of(estimator: Any) -> tuple[Settings, RandomState]:
    """The settings of a descent, and the source of shuffles, if all parameters are valid."""
    check_intervals(estimator, INTERVALS)
    check_flags(estimator, ("fit_intercept", "early_stopping", "warm_start"))
    verbose, batch_size = estimator.verbose, estimator.batch_size
    if not isinstance(verbose, bool | np.bool_) and verbose not in VERBOSE:
        raise invalid(estimator, "verbose", verbose, f"{VERBOSE} or a bool")
    if batch_size is not None and batch_size not in BATCH_SIZE:
        raise invalid(estimator, "batch_size", batch_size, f"{BATCH_SIZE} or None")
    weight = estimator.class_weight
    balanced = isinstance(weight, str) and weight == "balanced"
    if not (weight is None or isinstance(weight, dict) or balanced):
        raise invalid(estimator, "class_weight", weight, "a dict, 'balanced' or None")
    rule, rate = as_rule(estimator, estimator.solver), rate_of(estimator)
    try:
        random_state = check_random_state(estimator.random_state)
    except (TypeError, ValueError) as error:
        allowed = "an int in the range [0, 2**32 - 1], a RandomState or None"
        raise invalid(estimator, "random_state", estimator.random_state, allowed) from error
    return Settings(rule, rate, batch_size, float(estimator.tol)), random_state


# -- the learning rate ---------------------------------------------------------------------


def rate_of(estimator: Any) -> LearningRate | None:
    """The learning rate; None for "auto"."""
    value = estimator.learning_rate
    if isinstance(value, str) and value == "auto":
        return None
    rate = as_learning_rate(estimator, value)
    if estimator.batch_size is not None and isinstance(rate, Backtracking):
        allowed = "'auto', a float, a schedule or a function of the step with batch_size set"
        raise invalid(estimator, "learning_rate", value, allowed)
    return rate


def as_learning_rate(owner: object, value: Any) -> LearningRate:
    """The rate for a number, a function or ``"backtracking"``; raises for anything else."""
    if isinstance(value, LearningRate):
        value.check()
        return value
    if isinstance(value, str) and value == "backtracking":
        return Backtracking()
    if value in POSITIVE:
        return Constant(value)
    if callable(value) and not isinstance(value, type):
        return FunctionRate(value)
    raise invalid(
        owner,
        "learning_rate",
        value,
        f"{POSITIVE}, 'auto', 'backtracking', a LearningRate or a function of the step",
        hint_for_rate(value),
    )


def rate_with(parameter: str, value: object) -> str:
    """How to write a learning rate with such a parameter, in place of a number or a name."""
    if parameter == "alpha" and value in POSITIVE:
        return f"Constant({shown(value)})"
    kinds = (TimeDecay, StepDecay, CosineDecay, Backtracking)
    return f"{first_class_with(parameter, kinds).__name__}()"


def hint_for_rate(value: object) -> str:
    """What to give in place of something that is no learning rate."""
    if isinstance(value, type) and issubclass(value, LearningRate) and not isabstract(value):
        return f"Give an instance: learning_rate={value.__name__}()."
    kind = value if isinstance(value, type) else type(value)
    if issubclass(kind, Hyperparameters) and not issubclass(kind, LearningRate):
        return f"{kind.__name__} is a rule: give it as solver."
    if isinstance(value, str) and value in SCHEDULES_OF_SGD:
        return (
            f"{value!r} is a learning_rate of SGDClassifier: leave it out, or give a number or a "
            "schedule such as TimeDecay()."
        )
    return ""
