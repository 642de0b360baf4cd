"""Update rules: how wₖ₊₁ follows from wₖ, one file each."""

from difflib import get_close_matches
from inspect import isabstract
from typing import Any

from ..validation import Hyperparameters, first_class_with, invalid
from .adagrad import AdaGrad
from .adam import Adam
from .base import UpdateRule
from .gradient_descent import GradientDescent
from .momentum import Momentum
from .natural import NaturalGradient
from .nesterov import Nesterov
from .rmsprop import RMSProp

__all__ = [
    "RULES",
    "AdaGrad",
    "Adam",
    "GradientDescent",
    "Momentum",
    "NaturalGradient",
    "Nesterov",
    "RMSProp",
    "UpdateRule",
    "as_rule",
]

RULES: dict[str, type[UpdateRule]] = {
    "gd": GradientDescent,
    "momentum": Momentum,
    "nesterov": Nesterov,
    "adagrad": AdaGrad,
    "rmsprop": RMSProp,
    "adam": Adam,
    "natural": NaturalGradient,
}
"""Rules by their name as ``solver``."""

SOLVERS_OF_LOGISTIC_REGRESSION = (
    "lbfgs",
    "liblinear",
    "newton-cg",
    "newton-cholesky",
    "sag",
    "saga",
)
"""Solvers of scikit-learn's `LogisticRegression`."""


def as_rule(owner: object, value: Any) -> UpdateRule:
    """Return the rule of this name, or the rule itself; raise for any other value."""
    if isinstance(value, UpdateRule):
        value.check()
        return value
    if not isinstance(value, str) or value not in RULES:
        names = ", ".join(map(repr, RULES))
        allowed = f"one of {{{names}}} or an UpdateRule"
        raise invalid(owner, "solver", value, allowed, hint_for_rule(value))
    return RULES[value]()


def rule_with(parameter: str, value: object) -> str:
    """Return an expression for a rule with this parameter, for an error message."""
    named = [RULES[value]] if isinstance(value, str) and value in RULES else []
    return f"{first_class_with(parameter, [*named, *RULES.values()]).__name__}()"


def hint_for_rule(value: object) -> str:
    """Return a hint for a value of ``solver`` that is not a rule, or an empty string."""
    if isinstance(value, type) and issubclass(value, UpdateRule) and not isabstract(value):
        return f"Give an instance: solver={value.__name__}()."
    kind = value if isinstance(value, type) else type(value)
    if issubclass(kind, Hyperparameters) and not issubclass(kind, UpdateRule):
        return f"{kind.__name__} is a learning rate: give it as learning_rate."
    if not isinstance(value, str):
        return ""
    if value in SOLVERS_OF_LOGISTIC_REGRESSION:
        return f"{value!r} is a solver of LogisticRegression: leave it out, or choose one of these."
    similar = get_close_matches(value.lower(), RULES, n=1)
    return f"Did you mean {similar[0]!r}?" if similar else ""
