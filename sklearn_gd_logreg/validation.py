"""Checks of parameters: what is allowed is stated once, and the error quotes it."""

from abc import ABC
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from sklearn import config_context
from sklearn.base import BaseEstimator
from sklearn.utils import check_array

from ._text import shown
from ._typing import Array

NAT = float(np.iinfo(np.int64).min)
"""What a conversion to float64 makes of NaT."""

DTYPES = (np.float64, np.float32)
"""Precisions of X; any other is converted to the first."""


class InvalidParameterError(ValueError, TypeError):
    """A parameter has a type or a value that is not allowed."""


@dataclass(frozen=True)
class Interval:
    """The numbers from ``low`` to ``high``; ``brackets`` says which ends belong to it.

    Parameters
    ----------
    low, high : float
        The ends.
    brackets : str, default="[]"
        ``"["`` or ``"("`` followed by ``"]"`` or ``")"``: a square bracket
        includes the end, a round one excludes it.
    integral : bool, default=False
        Whether only whole numbers are allowed.

    Examples
    --------
    >>> from sklearn_gd_logreg.validation import Interval
    >>> 0.5 in Interval(0, 1), 1 in Interval(0, 1, "[)"), True in Interval(0, 1)
    (True, False, False)
    >>> str(Interval(0, float("inf"), "()"))
    'a float in the range (0, inf)'
    """

    low: float
    high: float
    brackets: str = "[]"
    integral: bool = False

    def __contains__(self, value: object) -> bool:
        kind = Integral if self.integral else Real
        if not isinstance(value, kind) or type(value).__name__ in ("bool", "bool_"):
            return False
        number = float(value)
        above = number >= self.low if self.brackets[0] == "[" else number > self.low
        below = number <= self.high if self.brackets[1] == "]" else number < self.high
        return above and below

    def __str__(self) -> str:
        kind = "an int" if self.integral else "a float"
        return f"{kind} in the range {self.brackets[0]}{self.low}, {self.high}{self.brackets[1]}"


POSITIVE = Interval(0, float("inf"), "()")


def invalid(
    owner: object, name: str, value: object, allowed: object, hint: str = ""
) -> InvalidParameterError:
    """The error for one parameter, in scikit-learn's words, and what might be meant."""
    where = f"The {name!r} parameter of {type(owner).__name__}"
    error = f"{where} must be {allowed}. Got {shown(value)} instead. {hint}"
    return InvalidParameterError(error.rstrip())


def check_intervals(owner: object, intervals: dict[str, Interval]) -> None:
    """Raise for the first attribute of ``owner`` that lies outside its interval."""
    for name, interval in intervals.items():
        value = getattr(owner, name)
        if value not in interval:
            raise invalid(owner, name, value, interval)


def check_flags(owner: object, names: Iterable[str]) -> None:
    """Raise for the first attribute of ``owner`` among these that is not a bool."""
    for name in names:
        if not isinstance(value := getattr(owner, name), bool | np.bool_):
            raise invalid(owner, name, value, "a bool")


def numbers(name: str, value: ArrayLike) -> Array:
    """An array of finite floats of any shape; the error names it."""
    try:
        with config_context(assume_finite=False):
            return check_array(
                value, ensure_2d=False, allow_nd=True, dtype=np.float64, ensure_min_samples=0
            )
    except (TypeError, ValueError) as error:
        raise InvalidParameterError(f"{name} must be finite numbers: {error}") from error


@contextmanager
def advice_on_images(X: object) -> Iterator[None]:
    """Say, where an array of three dimensions or more is refused, how to make rows of it."""
    try:
        yield
    except ValueError as error:
        if n_dimensions(X) <= 2:
            raise
        advice = "Make a row of each sample: X.reshape(len(X), -1)."
        raise ValueError(f"{error} {advice}") from error


def n_dimensions(X: Any) -> int:
    """Number of dimensions of an array or of nested lists; 0 if these make none."""
    try:
        return int(getattr(X, "ndim", None) or np.ndim(X))
    except (TypeError, ValueError):
        return 0


def is_converted(X: object, y: object = None) -> bool:
    """Whether `sklearn.utils.check_X_y` would hand on these arrays as they are.

    It takes as long as several passes over a small X. The finiteness of X is left out.
    """
    return (
        type(X) is np.ndarray
        and X.ndim == 2
        and X.dtype in DTYPES
        and min(X.shape) > 0
        and (y is None or _is_column_of_labels(y, len(X)))
    )


def refuse_nat(owner: object, given: Any, X: Any) -> None:
    """Raise if NaT has become a number, which `numpy` makes of a missing date: the lowest int64.

    Parameters
    ----------
    owner : estimator
    given : as given to the estimator
    X : array or sparse matrix
        What `check_array` has made of it.
    """
    dtypes = [given.dtype] if hasattr(given, "dtype") else list(getattr(given, "dtypes", [None]))
    if all(getattr(dtype, "kind", "O") in "biufc" for dtype in dtypes) or X.min() != NAT:
        return
    array = np.asarray(given)
    missing = np.isnat(array) if array.dtype.kind in "mM" else array != array
    if np.any(missing):
        raise ValueError(
            f"Input X contains NaT. {type(owner).__name__} does not accept missing values."
        )


def _is_column_of_labels(y: object, n_rows: int) -> bool:
    if type(y) is not np.ndarray or y.shape != (n_rows,):
        return False
    return y.dtype.kind in "biuU" or (y.dtype.kind == "f" and bool(np.isfinite(y).all()))


def check_nested(
    owner: BaseEstimator,
    changes: Mapping[str, Any],
    objects: Mapping[str, Callable[[str, object], str]],
) -> None:
    """Raise for the first ``name__of`` among changes whose ``name`` is no object with parameters.

    Parameters
    ----------
    owner : estimator
    changes : mapping
        As of `set_params`.
    objects : mapping
        For ``name``, how to write an object with a parameter in place of a value.
    """
    known = owner.get_params(deep=False)
    for key in changes:
        name, nested, rest = key.partition("__")
        value = changes.get(name, known.get(name))
        if not nested or name not in known or is_changeable(value):
            continue
        hint = f"Give {name}={objects[name](rest, value)}." if name in objects else ""
        raise invalid(owner, name, value, f"an object with a parameter {rest!r}", hint)


def is_changeable(value: object) -> bool:
    """Whether a value has parameters of its own."""
    return hasattr(value, "set_params") and not isinstance(value, type)


class Hyperparameters(BaseEstimator, ABC):
    """Base of rules and rates: named numbers that ``clone`` and grids can reach.

    A subclass lists its numbers in ``_intervals``; they are checked at ``fit``,
    as scikit-learn does, not at construction.
    """

    _intervals: ClassVar[dict[str, Interval]] = {}

    def check(self) -> None:
        """Raise `InvalidParameterError` if a hyper-parameter is out of bounds."""
        check_intervals(self, self._intervals)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        return tags


def first_with(parameter: str, kinds: Sequence[type[Hyperparameters]]) -> type[Hyperparameters]:
    """The first of these classes that has a parameter; the first of all if none has."""
    return next((kind for kind in kinds if parameter in kind().get_params()), kinds[0])
