"""Operations on scalars: value, partial derivatives, and how they are written."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass

SUM, PRODUCT, NEGATION, POWER, ATOM = 1, 2, 3, 4, 5
"""Precedences of expressions, as in Python."""


@dataclass(frozen=True)
class Operation:
    """A function of one or more scalars.

    Parameters
    ----------
    template : str
        The expression, with braces for each operand.
    value : callable
        The function. It raises ``ValueError`` or ``ArithmeticError`` outside its domain.
    partials : sequence of callables
        The partial derivative by each operand, as a function of all operands.
    precedence : int
        Precedence of the expression.
    needed : sequence of int
        An operand of a lower precedence than this is written in parentheses.
    """

    template: str
    value: Callable[..., float]
    partials: Sequence[Callable[..., float]]
    precedence: int
    needed: Sequence[int]


def function(
    name: str, value: Callable[[float], float], derivative: Callable[[float], float]
) -> Operation:
    """Return the operation of a function of one scalar."""
    return Operation(name + "({})", value, (derivative,), ATOM, (0,))


def sigmoid_value(z: float) -> float:
    """Return σ(z); e is raised to non-positive powers only, so nothing overflows."""
    e = math.exp(-abs(z))
    return 1.0 / (1.0 + e) if z >= 0 else e / (1.0 + e)


def sigmoid_derivative(z: float) -> float:
    """Return a (1 − a) for the rounded a = σ(z).

    Times 1/(1 − a), the derivative of −log(1 − a), it is a to rounding, however close a is to 1.
    """
    a = sigmoid_value(z)
    return a * (1.0 - a)


def power_by_exponent(base: float, exponent: float) -> float:
    """Return the derivative of base ** exponent by the exponent."""
    if base == 0.0 and exponent > 0.0:
        return 0.0
    return math.pow(base, exponent) * math.log(base)


ADD = Operation("{} + {}", operator.add, (lambda a, b: 1.0, lambda a, b: 1.0), SUM, (SUM, PRODUCT))
SUBTRACT = Operation(
    "{} - {}", operator.sub, (lambda a, b: 1.0, lambda a, b: -1.0), SUM, (SUM, PRODUCT)
)
MULTIPLY = Operation(
    "{} * {}", operator.mul, (lambda a, b: b, lambda a, b: a), PRODUCT, (PRODUCT, NEGATION)
)
DIVIDE = Operation(
    "{} / {}",
    operator.truediv,
    (lambda a, b: 1.0 / b, lambda a, b: -(a / b) / b),
    PRODUCT,
    (PRODUCT, NEGATION),
)
NEGATE = Operation("-{}", operator.neg, (lambda a: -1.0,), NEGATION, (POWER,))
RAISE = Operation(
    "{} ** {}",
    math.pow,
    (lambda a, b: b * math.pow(a, b - 1.0) if b else 0.0, power_by_exponent),
    POWER,
    (ATOM, POWER),
)
EXP = function("exp", math.exp, math.exp)
LOG = function("log", math.log, lambda a: 1.0 / a)
SIGMOID = function("sigmoid", sigmoid_value, sigmoid_derivative)
RELU = function("relu", lambda z: max(0.0, z), lambda z: float(z > 0.0))


def mean_of(n: int) -> Operation:
    """Return the mean of n scalars."""

    def value(*operands: float) -> float:
        return math.fsum(operand / n for operand in operands)

    template = f"mean({', '.join(['{}'] * n)})"
    return Operation(template, value, (lambda *operands: 1.0 / n,) * n, ATOM, (0,) * n)
