"""What CostSurfaceDisplay draws: its models on one J, its ``parameters`` and its ``path``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._text import shown
from .._typing import Array
from ..fitting.parameters import reduce
from ..inspection.fitted import FittedObjective, objective_of
from ..objective import Point
from ..validation import Interval, InvalidParameterError, check_finite
from .models import FinalStep, final_step, retrace_descent
from .plane import Plane, coordinate_plane

INTERCEPT = "intercept"
MAX_COST_DIFFERENCE = 1e-5
"""Relative difference of two costs at one point up to which they are equal, float32 included."""


class Fit(NamedTuple):
    """A fitted model, without the steps before it, and its objective."""

    name: str
    step: FinalStep
    fitted: FittedObjective

    @property
    def cost(self) -> float:
        """J at the parameters of the model."""
        return self.cost_at(self.fitted.w)

    def cost_at(self, w: Array) -> float:
        """J at parameters w."""
        objective = self.fitted.objective
        return float(Point(objective, w.astype(objective.data.dtype)).cost)


def fits_of_one_cost(
    caller: str, models: Mapping[str, Any], X: Any, y: Any, sample_weight: ArrayLike | None
) -> dict[str, Fit]:
    """Return the fits of models, by name.

    Raises
    ------
    InvalidParameterError
        If there are none, or their costs differ.
    """
    fits = {}
    for name, model in models.items():
        step = final_step(caller, model, X, y, fitted=True)
        fits[name] = Fit(name, step, objective_of(step.estimator, step.X, y, sample_weight))
    if not fits:
        raise InvalidParameterError(f"{caller} needs at least one model. Got none.")
    best = lowest_fit(fits)
    for name, fit in fits.items():
        has_shape = fit.fitted.w.shape == best.fitted.w.shape
        cost = fit.cost_at(best.fitted.w) if has_shape else np.nan
        if not abs(cost - best.cost) <= MAX_COST_DIFFERENCE * abs(best.cost):
            raise InvalidParameterError(
                f"The 'estimators' parameter of {caller} must be models of one cost J, with the "
                "same data, C, l1_ratio, class_weight and fit_intercept. "
                f"{name!r} and {best.name!r} differ."
            )
    return fits


def lowest_fit(fits: Mapping[str, Fit]) -> Fit:
    """Return the fit with the lowest J."""
    return min(fits.values(), key=lambda fit: fit.cost)


def check_path_names(
    caller: str, path: Mapping[str, ArrayLike], models: Mapping[str, Any]
) -> Mapping[str, ArrayLike]:
    """Return the given paths if they have names of models.

    Raises
    ------
    InvalidParameterError
        If a path has another name.
    """
    if not isinstance(path, Mapping) or not set(path) <= set(models):
        raise InvalidParameterError(
            f"The 'path' parameter of {caller} must be a dict with names of estimators, "
            f"{', '.join(map(repr, models))}, or None. Got {shown(path)} instead."
        )
    return path


def points_of_fit(
    caller: str,
    fit: Fit,
    y: Any,
    sample_weight: ArrayLike | None,
    path: ArrayLike | None,
    max_steps: int,
) -> Array:
    """Return the points of a given path, without one those of the fit repeated."""
    model = fit.step.estimator
    if path is None:
        return retrace_descent(caller, model, fit.step.X, y, sample_weight, max_steps)
    return path_points(caller, path, model, fit.fitted.present)


def parameter_plane(caller: str, fit: Fit, parameters: Any) -> Plane:
    """Return the plane of two parameters through a fitted model.

    Raises
    ------
    InvalidParameterError
        Unless they are two different parameters of the model.
    """
    if not isinstance(parameters, tuple | list) or len(parameters) != 2:
        raise InvalidParameterError(
            f"The 'parameters' parameter of {caller} must be a pair or None. "
            f"Got {shown(parameters)} instead."
        )
    step, classes = fit.step, fit.step.estimator.classes_[fit.fitted.present]
    n_classes = len(classes)
    first, second = (parameter_index(caller, step, n_classes, one) for one in parameters)
    if first == second:
        raise InvalidParameterError(
            f"The 'parameters' parameter of {caller} must be two different parameters. "
            f"Got {shown(parameters)} instead."
        )
    labels = parameter_label(step, classes, first), parameter_label(step, classes, second)
    return coordinate_plane(fit.fitted.w, [first, second], labels)


def parameter_index(
    caller: str, step: FinalStep, n_classes: int, parameter: Any
) -> tuple[int, int]:
    """Return row and column of a parameter in the array w."""
    if n_classes <= 2:
        return parameter_row(caller, step, parameter), 0
    is_pair = isinstance(parameter, tuple | list) and len(parameter) == 2
    if not is_pair or not is_index(parameter[1], n_classes):
        raise InvalidParameterError(
            f"The 'parameters' parameter of {caller} must be, for {n_classes} classes, pairs of a "
            f"feature and the number of a class from 0 to {n_classes - 1}. "
            f"Got {shown(parameter)} instead."
        )
    return parameter_row(caller, step, parameter[0]), int(parameter[1])


def parameter_row(caller: str, step: FinalStep, feature: Any) -> int:
    """Return the row of a feature, or of the intercept, in the array w."""
    feature_names = step.feature_names or []
    n_features = step.estimator.n_features_in_
    if isinstance(feature, str) and feature in feature_names:
        return feature_names.index(feature)
    if isinstance(feature, str) and feature == INTERCEPT and step.estimator.fit_intercept:
        return n_features
    if is_index(feature, n_features):
        return int(feature)
    allowed = [f"numbers of features from 0 to {n_features - 1}"]
    allowed += ["names of features"] if feature_names else []
    allowed += [repr(INTERCEPT)] if step.estimator.fit_intercept else []
    raise InvalidParameterError(
        f"The 'parameters' parameter of {caller} must hold {' or '.join(allowed)}. "
        f"Got {shown(feature)} instead."
    )


def is_index(value: object, length: int) -> bool:
    """Whether the value is an integer in [0, length)."""
    return value in Interval(0, length, "[)", integral=True)


def parameter_label(step: FinalStep, classes: NDArray[Any], entry: tuple[int, int]) -> str:
    """Return the axis label of a parameter."""
    row, column = entry
    of_class = "" if len(classes) <= 2 else f", class {classes[column]}"
    if row == step.estimator.n_features_in_:
        return f"intercept b{of_class}"
    name = step.feature_names[row] if step.feature_names else f"feature {row}"
    return f"weight of {name}{of_class}"


def path_points(caller: str, path: ArrayLike, estimator: Any, present: NDArray[np.bool_]) -> Array:
    """Return the points of a path in the shape of w, up to the first that is not finite.

    Raises
    ------
    InvalidParameterError
        If the path does not have the shape for this model, or no finite point.
    """
    n_outputs, n_parameters = estimator.coef_.shape
    n_parameters += bool(estimator.fit_intercept)
    array = np.asarray(path, dtype=np.float64)
    allowed = [(n_outputs, n_parameters)] + [(n_parameters,)] * (n_outputs == 1)
    if array.shape[1:] not in allowed or not len(array):
        forms = " or ".join(f"(n_points, {str(form)[1:].rstrip(',)')})" for form in allowed)
        raise InvalidParameterError(
            f"The 'path' parameter of {caller} must have shape {forms}. Got {array.shape} instead."
        )
    not_finite = np.flatnonzero(~np.isfinite(array.reshape(len(array), -1)).all(axis=1))
    array = array[: not_finite[0]] if len(not_finite) else array
    check_finite("path", array[:1] if len(array) else [np.nan])
    array = array.reshape(len(array), n_outputs, n_parameters)
    return np.stack(
        [parameters_of_point(point, estimator.fit_intercept, present) for point in array]
    )


def parameters_of_point(point: Array, fit_intercept: bool, present: NDArray[np.bool_]) -> Array:
    """Return the array w of a point: ``coef_`` and, in the last column, ``intercept_``."""
    n_features = point.shape[1] - bool(fit_intercept)
    b = point[:, n_features:].sum(axis=1)
    w, b = reduce(point[:, :n_features].T, b, present)
    return np.vstack([w, b[np.newaxis]] if fit_intercept else [w])
