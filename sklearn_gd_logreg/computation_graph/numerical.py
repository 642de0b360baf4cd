"""Derivatives by differences of function values."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable

from .._text import shown
from ..validation import POSITIVE, InvalidParameterError, check_choice, check_interval
from .node import REAL, Node

EPSILON = sys.float_info.epsilon
DEFAULT_STEPS = {"central": EPSILON ** (1 / 3), "forward": EPSILON**0.5, "backward": EPSILON**0.5}
"""Default step of each scheme at |a| ≤ 1."""


def numerical_derivative(
    f: Callable[[float], float | Node],
    a: float,
    h: float | None = None,
    scheme: str = "central",
) -> float:
    r"""Return the slope of f at a, from two values of f.

    .. math::

        \text{central:} &\quad \frac{f(a + h) - f(a - h)}{2h} \\[1ex]
        \text{forward:} &\quad \frac{f(a + h) - f(a)}{h} \\[1ex]
        \text{backward:} &\quad \frac{f(a) - f(a - h)}{h}

    The error of the central difference shrinks as h², that of the others as h.

    Parameters
    ----------
    f : callable
        Function of a float that returns a float, or a `Node`, whose value is taken.
    a : float
        Where to differentiate, finite.
    h : float, default=None
        Step, positive. The notes nudge by 0.001. None: max(1, \|a\|) times ∛ε for the central
        difference and √ε for the others, with ε = 2⁻⁵². That balances the error of the formula
        with the rounding of f [1]_ [2]_.
    scheme : {"central", "forward", "backward"}, default="central"
        On which sides of a the two points are. "forward" is the notes' difference.

    Returns
    -------
    float
        The slope. h is rounded so that a + h and a - h are floats.

    Raises
    ------
    ValueError
        If a parameter is not allowed, if h is so small that a + h is a, if f returns no finite
        number, or if the slope overflows. Errors of f are passed on.

    References
    ----------
    .. [1] Dennis and Schnabel, "Numerical Methods for Unconstrained Optimization and Nonlinear
       Equations" (1983), section 5.4.
    .. [2] Press, Teukolsky, Vetterling and Flannery, "Numerical Recipes", 3rd ed. (2007),
       section 5.7.

    Examples
    --------
    >>> from sklearn_gd_logreg.computation_graph import numerical_derivative
    >>> def cube(a):
    ...     return a**3
    >>> print(round(numerical_derivative(cube, 2.0), 8))
    12.0
    >>> print(round(numerical_derivative(cube, 2.0, 0.001, "forward"), 8))
    12.006001
    """
    caller = "numerical_derivative"
    if not callable(f):
        raise InvalidParameterError(
            f"The 'f' parameter of {caller} must be callable. Got {shown(f)} instead."
        )
    check_choice(caller, "scheme", scheme, DEFAULT_STEPS)
    check_interval(caller, "a", a, REAL)
    a = float(a)
    step = DEFAULT_STEPS[scheme] * max(1.0, abs(a)) if h is None else h
    check_interval(caller, "h", step, POSITIVE)
    low = a if scheme == "forward" else a - float(step)
    high = a if scheme == "backward" else a + float(step)
    width = high - low
    if not (0 < width < math.inf):
        raise InvalidParameterError(
            f"The 'h' parameter of {caller} must be such that a + h and a - h are finite and "
            f"differ from a = {a!r}. Got {shown(h)} instead."
        )
    upper, lower = value_at(f, high), value_at(f, low)
    slope = (upper - lower) / width
    if not math.isfinite(slope):
        raise InvalidParameterError(
            f"The slope of f, from {lower!r} to {upper!r} over {width!r}, must be finite: change "
            "'h' or 'f'."
        )
    return slope


def value_at(f: Callable[[float], float | Node], a: float) -> float:
    """Return f(a), a finite float."""
    result = f(a)
    value = result.value if isinstance(result, Node) else result
    if value not in REAL:
        raise InvalidParameterError(
            f"The 'f' parameter of numerical_derivative must return {REAL}. "
            f"Got {shown(value)} at {a!r} instead."
        )
    return float(value)
