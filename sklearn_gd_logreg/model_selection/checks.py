"""Checks of arguments."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray
from sklearn.utils import column_or_1d

from .._namespace import require_numpy
from .._text import shown
from ..data import require_in_memory
from ..validation import InvalidParameterError


def invalid_argument(
    function: str, name: str, value: object, allowed: object
) -> InvalidParameterError:
    """Return the error for an invalid argument, worded as in scikit-learn."""
    return InvalidParameterError(
        f"The {name!r} parameter of {function} must be {allowed}. Got {shown(value)} instead."
    )


def count_rows(name: str, array: Any) -> int:
    """Return the number of rows of an array, list, sparse matrix, frame or series."""
    require_in_memory(name, array)
    require_numpy(name, array)
    try:
        shape = getattr(array, "shape", None)
        return len(array) if shape is None else int(shape[0])
    except (TypeError, IndexError) as error:
        raise InvalidParameterError(
            f"{name} must be a sequence, array, sparse matrix or frame of rows. "
            f"Got an object of type {type(array).__name__} instead."
        ) from error


def check_same_rows(counts: dict[str, int]) -> None:
    """Raise if the named arrays do not all have the same number of rows."""
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{name}: {count}" for name, count in counts.items())
        raise ValueError(f"All arrays must have the same number of rows. Got {listed}.")


def as_labels(name: str, y: Any) -> NDArray[Any]:
    """Return the labels as an array of shape (n_rows,)."""
    try:
        labels: NDArray[Any] = column_or_1d(y)
    except ValueError as error:
        raise InvalidParameterError(f"{name} must hold one label for each row: {error}") from error
    return labels
