"""Inputs of CostSurfaceDisplay: models of one J, a plane of parameters, and paths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._namespace import to_numpy
from .._text import shown
from .._typing import Array
from ..fitting.parameters import reduce
from ..inspection.fitted import FittedObjective, objective_of
from ..objective import Point
from ..validation import Interval, InvalidParameterError, check_finite
from .models import FinalStep, final_step, retrace_descent
from .plane import Plane, coordinate_plane

INTERCEPT = "intercept"
"""Name of the intercept in ``parameters``."""

MAX_RELATIVE_COST_DIFFERENCE = 1e-5
"""Largest relative difference of two values of J at one point that count as equal: rounding in
float32."""


class Fit(NamedTuple):
    """A fitted model and its objective.

    Attributes
    ----------
    name : str
    final : FinalStep
        The model; of a pipeline its final estimator, with X transformed for it.
    fitted : FittedObjective
    """

    name: str
    final: FinalStep
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
    """Return the fits of models that minimise the same J, by name.

    J is the same if its value is the same at the parameters of the model with the lowest J.

    Raises
    ------
    InvalidParameterError
        If there are none, or their costs differ.
    """
    fits = {}
    for name, model in models.items():
        final = final_step(caller, model, X, y, fitted=True)
        fits[name] = Fit(name, final, objective_of(final.estimator, final.X, y, sample_weight))
    if not fits:
        raise InvalidParameterError(f"{caller} needs at least one model. Got none.")
    best = lowest_fit(fits)
    for name, fit in fits.items():
        same_shape = fit.fitted.w.shape == best.fitted.w.shape
        cost = fit.cost_at(best.fitted.w) if same_shape else np.nan
        if not abs(cost - best.cost) <= MAX_RELATIVE_COST_DIFFERENCE * abs(best.cost):
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
    """Return ``path`` if its keys are names of models.

    Raises
    ------
    InvalidParameterError
        If it is not a dict, or has other keys.
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
    """Return the points of ``path``; if it is None, repeat the fit and return its iterates."""
    model = fit.final.estimator
    if path is None:
        return retrace_descent(caller, model, fit.final.X, y, sample_weight, max_steps)
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
    final = fit.final
    classes = to_numpy(final.estimator.classes_)[fit.fitted.present]
    first, second = (parameter_index(caller, final, len(classes), each) for each in parameters)
    if first == second:
        raise InvalidParameterError(
            f"The 'parameters' parameter of {caller} must be two different parameters. "
            f"Got {shown(parameters)} instead."
        )
    labels = parameter_label(final, classes, first), parameter_label(final, classes, second)
    return coordinate_plane(fit.fitted.w, [first, second], labels)


def parameter_index(
    caller: str, final: FinalStep, n_classes: int, parameter: Any
) -> tuple[int, int]:
    """Return row and column of a parameter in the array w."""
    if n_classes <= 2:
        return parameter_row(caller, final, parameter), 0
    is_pair = isinstance(parameter, tuple | list) and len(parameter) == 2
    if not is_pair or not is_index(parameter[1], n_classes):
        raise InvalidParameterError(
            f"The 'parameters' parameter of {caller} must be, for {n_classes} classes, pairs of a "
            f"feature and the number of a class from 0 to {n_classes - 1}. "
            f"Got {shown(parameter)} instead."
        )
    return parameter_row(caller, final, parameter[0]), int(parameter[1])


def parameter_row(caller: str, final: FinalStep, feature: Any) -> int:
    """Return the row of a feature, or of the intercept, in the array w."""
    feature_names = final.feature_names or []
    n_features, fit_intercept = final.estimator.n_features_in_, final.estimator.fit_intercept
    if isinstance(feature, str) and feature in feature_names:
        return feature_names.index(feature)
    if isinstance(feature, str) and feature == INTERCEPT and fit_intercept:
        return n_features
    if is_index(feature, n_features):
        return int(feature)
    allowed = [f"numbers of features from 0 to {n_features - 1}"]
    if feature_names:
        allowed.append("names of features")
    if fit_intercept:
        allowed.append(repr(INTERCEPT))
    raise InvalidParameterError(
        f"The 'parameters' parameter of {caller} must hold {' or '.join(allowed)}. "
        f"Got {shown(feature)} instead."
    )


def is_index(value: object, length: int) -> bool:
    """Whether the value is an integer in [0, length)."""
    return value in Interval(0, length, "[)", integral=True)


def parameter_label(final: FinalStep, classes: NDArray[Any], index: tuple[int, int]) -> str:
    """Return the axis label of the parameter at row and column ``index`` of w."""
    row, column = index
    of_class = "" if len(classes) <= 2 else f", class {classes[column]}"
    if row == final.estimator.n_features_in_:
        return f"intercept b{of_class}"
    name = final.feature_names[row] if final.feature_names else f"feature {row}"
    return f"weight of {name}{of_class}"


def path_points(caller: str, path: ArrayLike, estimator: Any, present: NDArray[np.bool_]) -> Array:
    """Return the points of a path in the shape of w, up to the first that is not finite.

    Raises
    ------
    InvalidParameterError
        If the path does not have the shape for this model, or its first point is not finite.
    """
    n_outputs, n_parameters = estimator.coef_.shape
    n_parameters += bool(estimator.fit_intercept)
    array = np.asarray(path, dtype=np.float64)
    allowed: list[tuple[int, ...]] = [(n_outputs, n_parameters)]
    if n_outputs == 1:
        allowed.append((n_parameters,))
    if array.shape[1:] not in allowed or not len(array):
        shapes = (f"({', '.join(map(str, ('n_points', *shape)))})" for shape in allowed)
        raise InvalidParameterError(
            f"The 'path' parameter of {caller} must have shape {' or '.join(shapes)}. "
            f"Got {array.shape} instead."
        )
    check_finite("path", array[:1])
    points = array.reshape(len(array), n_outputs, n_parameters)
    is_finite = np.isfinite(points).all(axis=(1, 2))
    points = points[np.logical_and.accumulate(is_finite)]
    return np.stack(
        [parameters_of_point(point, estimator.fit_intercept, present) for point in points]
    )


def parameters_of_point(point: Array, fit_intercept: bool, present: NDArray[np.bool_]) -> Array:
    """Return the array w of a point: ``coef_`` and, in the last column, ``intercept_``."""
    n_features = point.shape[1] - bool(fit_intercept)
    b = point[:, n_features:].sum(axis=1)  # 0 without an intercept
    w, b = reduce(point[:, :n_features].T, b, present)
    return np.vstack([w, b[np.newaxis]] if fit_intercept else [w])
