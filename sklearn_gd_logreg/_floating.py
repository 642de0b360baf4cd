"""Floating-point errors are ignored: overflow and NaN are results that the code checks."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import numpy as np

P = ParamSpec("P")
R = TypeVar("R")

KINDS = ("divide", "over", "under", "invalid")


def ignore_floating_errors(*kinds: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator that ignores these kinds of floating-point errors; none given: all.

    Before NumPy 2, `numpy.errstate` as a decorator is not thread-safe.
    """
    states = dict.fromkeys(kinds or KINDS, "ignore")

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def quiet(*args: P.args, **kwargs: P.kwargs) -> R:
            with np.errstate(**states):  # type: ignore[arg-type]
                return function(*args, **kwargs)

        return quiet

    return decorate
