"""What is asked of CostSurfaceDisplay, read and checked: two parameters, a path."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._text import shown
from .._typing import Array
from ..fitting.parameters import reduce
from ..validation import Interval, InvalidParameterError, numbers
from .models import Given
from .plane import Plane, axes_plane

INTERCEPT = "intercept"


def parameter_plane(
    owner: str, given: Given, classes: NDArray[Any], w: Array, chosen: Any
) -> Plane:
    """The plane of two chosen parameters through a fitted model, whose J is over these classes.

    Raises
    ------
    InvalidParameterError
        If they are not two different parameters of the model.
    """
    if not isinstance(chosen, tuple | list) or len(chosen) != 2:
        raise InvalidParameterError(
            f"The 'parameters' parameter of {owner} must be a pair or None. "
            f"Got {shown(chosen)} instead."
        )
    first, second = (entry_of(owner, given, len(classes), one) for one in chosen)
    if first == second:
        raise InvalidParameterError(
            f"The 'parameters' parameter of {owner} must be two different parameters. "
            f"Got {shown(chosen)} instead."
        )
    labels = label_of(given, classes, first), label_of(given, classes, second)
    return axes_plane(w, [first, second], labels)


def entry_of(owner: str, given: Given, n_classes: int, one: Any) -> tuple[int, int]:
    """Row and column of a parameter in the array w."""
    if n_classes <= 2:
        return row_of(owner, given, one), 0
    if not isinstance(one, tuple | list) or len(one) != 2 or not is_place(one[1], n_classes):
        raise InvalidParameterError(
            f"The 'parameters' parameter of {owner} must be, for {n_classes} classes, pairs of a "
            f"feature and the number of a class from 0 to {n_classes - 1}. "
            f"Got {shown(one)} instead."
        )
    return row_of(owner, given, one[0]), int(one[1])


def row_of(owner: str, given: Given, feature: Any) -> int:
    """Row of a feature, or of the intercept, in the array w."""
    names = given.names or []
    n_features = given.final.n_features_in_
    if isinstance(feature, str) and feature in names:
        return names.index(feature)
    if isinstance(feature, str) and feature == INTERCEPT and given.final.fit_intercept:
        return n_features
    if is_place(feature, n_features):
        return int(feature)
    words = [f"numbers of features from 0 to {n_features - 1}"]
    words += ["names of features"] if names else []
    words += [repr(INTERCEPT)] if given.final.fit_intercept else []
    raise InvalidParameterError(
        f"The 'parameters' parameter of {owner} must hold {' or '.join(words)}. "
        f"Got {shown(feature)} instead."
    )


def is_place(value: object, length: int) -> bool:
    """Whether this is a whole number below ``length``."""
    return value in Interval(0, length, "[)", integral=True)


def label_of(given: Given, classes: NDArray[Any], entry: tuple[int, int]) -> str:
    """What a parameter is called on its axis."""
    row, column = entry
    of_class = "" if len(classes) <= 2 else f", class {classes[column]}"
    if row == given.final.n_features_in_:
        return f"intercept b{of_class}"
    name = given.names[row] if given.names else f"feature {row}"
    return f"weight of {name}{of_class}"


def points_of(owner: str, path: ArrayLike, final: Any, present: NDArray[np.bool_]) -> Array:
    """A path as points of the form of w, up to where it is no longer finite.

    Raises
    ------
    InvalidParameterError
        If it does not have the shape for this model, or no finite point.
    """
    n_outputs, n_parameters = final.coef_.shape
    n_parameters += bool(final.fit_intercept)
    array = np.asarray(path, dtype=np.float64)
    allowed = [(n_outputs, n_parameters)] + [(n_parameters,)] * (n_outputs == 1)
    if array.shape[1:] not in allowed or not len(array):
        forms = " or ".join(f"(n_points, {str(form)[1:].rstrip(',)')})" for form in allowed)
        raise InvalidParameterError(
            f"The 'path' parameter of {owner} must have shape {forms}. Got {array.shape} instead."
        )
    lost = np.flatnonzero(~np.isfinite(array.reshape(len(array), -1)).all(axis=1))
    array = array[: lost[0]] if len(lost) else array
    numbers("path", array[:1] if len(array) else [np.nan])
    array = array.reshape(len(array), n_outputs, n_parameters)
    return np.stack([parameters_at(point, final.fit_intercept, present) for point in array])


def parameters_at(point: Array, fit_intercept: bool, present: NDArray[np.bool_]) -> Array:
    """The array w from ``coef_`` and, last, ``intercept_``."""
    n_features = point.shape[1] - bool(fit_intercept)
    b = point[:, n_features:].sum(axis=1)
    w, b = reduce(point[:, :n_features].T, b, present)
    return np.vstack([w, b[np.newaxis]] if fit_intercept else [w])
