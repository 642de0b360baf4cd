"""Update rules: how w_{k+1} follows from w_k. One file each."""

from typing import Any

from ..validation import invalid
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
"""Name of every rule that ``solver`` may be."""


def as_rule(owner: object, value: Any) -> UpdateRule:
    """The rule for a name, or the object itself; raises for anything else."""
    if isinstance(value, UpdateRule):
        value.check()
        return value
    if not isinstance(value, str) or value not in RULES:
        names = ", ".join(map(repr, RULES))
        raise invalid(owner, "solver", value, f"one of {{{names}}} or an UpdateRule")
    return RULES[value]()
