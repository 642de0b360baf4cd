"""Checks of parameters and input arrays."""

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

from ._notebook import NotebookMixin
from ._text import shown
from ._typing import Array

NAT = float(np.iinfo(np.int64).min)
"""Value of NaT after conversion to float64."""

DTYPES = (np.float64, np.float32)
"""Allowed dtypes of X; any other is converted to the first."""


class InvalidParameterError(ValueError, TypeError):
    """A parameter has an invalid type or value."""


@dataclass(frozen=True)
class Interval:
    """Interval of numbers from ``low`` to ``high``, with ends included or excluded.

    Parameters
    ----------
    low, high : float
        Ends of the interval.
    brackets : str, default="[]"
        ``"["`` or ``"("`` followed by ``"]"`` or ``")"``: a square bracket
        includes the end, a round one excludes it.
    integral : bool, default=False
        Whether only integers are allowed.

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
        try:
            number = float(value)
        except OverflowError:  # an int beyond the floats
            return False
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
    """Return the error for an invalid parameter, worded as in scikit-learn, with a hint."""
    where = f"The {name!r} parameter of {type(owner).__name__}"
    error = f"{where} must be {allowed}. Got {shown(value)} instead. {hint}"
    return InvalidParameterError(error.rstrip())


def check_intervals(owner: object, intervals: dict[str, Interval]) -> None:
    """Raise for the first attribute of ``owner`` outside its interval."""
    for name, interval in intervals.items():
        value = getattr(owner, name)
        if value not in interval:
            raise invalid(owner, name, value, interval)


def check_flags(owner: object, names: Iterable[str]) -> None:
    """Raise for the first of these attributes of ``owner`` that is not a bool."""
    for name in names:
        if not isinstance(value := getattr(owner, name), bool | np.bool_):
            raise invalid(owner, name, value, "a bool")


def check_interval(caller: str, name: str, value: object, interval: Interval) -> None:
    """Raise `InvalidParameterError` if a number is outside its interval."""
    if value not in interval:
        raise InvalidParameterError(
            f"The {name!r} parameter of {caller} must be {interval}. Got {shown(value)} instead."
        )


def check_choice(caller: str, name: str, value: object, allowed: Iterable[str]) -> Any:
    """Return ``value`` if it is one of the allowed strings.

    Raises
    ------
    InvalidParameterError
        If it is not.
    """
    choices = list(allowed)
    if isinstance(value, str) and value in choices:
        return value
    listed = ", ".join(map(repr, choices[:-1])) + f" or {choices[-1]!r}"
    raise InvalidParameterError(
        f"The {name!r} parameter of {caller} must be {listed}. Got {shown(value)} instead."
    )


def check_finite(name: str, value: ArrayLike) -> Array:
    """Convert to an array of finite floats of any shape; the error contains ``name``."""
    try:
        with config_context(assume_finite=False):
            return check_array(
                value, ensure_2d=False, allow_nd=True, dtype=np.float64, ensure_min_samples=0
            )
    except (TypeError, ValueError) as error:
        raise InvalidParameterError(f"{name} must be finite numbers: {error}") from error


@contextmanager
def hint_for_images(X: object) -> Iterator[None]:
    """Add a hint to the error about an X of three or more dimensions: reshape it to rows."""
    try:
        yield
    except ValueError as error:
        if n_dimensions(X) <= 2:
            raise
        advice = "Make a row of each sample: X.reshape(len(X), -1)."
        raise ValueError(f"{error} {advice}") from error


def n_dimensions(X: Any) -> int:
    """Number of dimensions of an array or of nested lists; 0 if the lists are ragged."""
    try:
        return int(getattr(X, "ndim", None) or np.ndim(X))
    except (TypeError, ValueError):
        return 0


def needs_no_conversion(X: object, y: object = None) -> bool:
    """Whether `sklearn.utils.check_X_y` would return these arrays unchanged, if X is finite.

    `check_X_y` takes as long as several passes over a small X.
    """
    return (
        type(X) is np.ndarray
        and X.ndim == 2
        and X.dtype in DTYPES
        and min(X.shape) > 0
        and (y is None or _is_column_of_labels(y, len(X)))
    )


def reject_nat(owner: object, given: Any, X: Any) -> None:
    """Raise if X has NaT, which NumPy converts to the lowest int64.

    Parameters
    ----------
    owner : estimator
    given : array-like
        X as passed to the estimator.
    X : array or sparse matrix
        X as returned by `check_array`.
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
    """Whether y is an array of shape (n_rows,) of booleans, numbers or strings without NaN."""
    if type(y) is not np.ndarray or y.shape != (n_rows,):
        return False
    return y.dtype.kind in "biuU" or (y.dtype.kind == "f" and bool(np.isfinite(y).all()))


def check_nested(
    owner: BaseEstimator,
    changes: Mapping[str, Any],
    objects: Mapping[str, Callable[[str, object], str]],
) -> None:
    """Raise for the first ``name__parameter`` whose ``name`` is not an object with parameters.

    Parameters
    ----------
    owner : estimator
    changes : mapping
        Arguments of `set_params`.
    objects : mapping
        For each ``name`` a function of parameter and value. It returns an expression for an
        object with that parameter, for the error message.
    """
    params = owner.get_params(deep=False)
    for key in changes:
        name, nested, rest = key.partition("__")
        value = changes.get(name, params.get(name))
        if not nested or name not in params or has_parameters(value):
            continue
        hint = f"Give {name}={objects[name](rest, value)}." if name in objects else ""
        raise invalid(owner, name, value, f"an object with a parameter {rest!r}", hint)


def has_parameters(value: object) -> bool:
    """Whether a value is an object with `set_params`."""
    return hasattr(value, "set_params") and not isinstance(value, type)


class Hyperparameters(NotebookMixin, BaseEstimator, ABC):
    """Base class of update rules and learning rates: hyper-parameters as in an estimator.

    A subclass lists the intervals of its hyper-parameters in ``_intervals``. They are checked
    in ``fit``, as in scikit-learn, not in the constructor.
    """

    _intervals: ClassVar[dict[str, Interval]] = {}

    def check(self) -> None:
        """Raise `InvalidParameterError` if a hyper-parameter is outside its interval."""
        check_intervals(self, self._intervals)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        return tags


def first_class_with(
    parameter: str, kinds: Sequence[type[Hyperparameters]]
) -> type[Hyperparameters]:
    """Return the first class with this parameter, or the first class if none has it."""
    return next((kind for kind in kinds if parameter in kind().get_params()), kinds[0])
