"""Floating-point errors are outcomes here, whatever the user has NumPy do about them."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import numpy as np

P = ParamSpec("P")
R = TypeVar("R")

KINDS = ("divide", "over", "under", "invalid")


def ignoring(*kinds: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorator of a function in which these kinds of errors, or all, are ignored.

    `numpy.errstate` is one too, but before NumPy 2 not for calls in several threads.
    """
    states = dict.fromkeys(kinds or KINDS, "ignore")

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def quiet(*args: P.args, **kwargs: P.kwargs) -> R:
            with np.errstate(**states):  # type: ignore[arg-type]
                return function(*args, **kwargs)

        return quiet

    return decorate
