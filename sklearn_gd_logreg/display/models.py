"""What the displays read from a model: its history, its objective, and the path of its fit."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from .._text import shown
from .._typing import Array
from ..estimator import GDLogisticRegression
from ..fitting.assembly import cost_of
from ..fitting.inputs import check_features_finite, checked
from ..fitting.settings import settings_of
from ..inspection.fitted import parameters_of, present_classes
from ..objective import Objective
from ..rules import UpdateRule
from ..targets import encode_labels
from ..validation import InvalidParameterError

MAX_ENDPOINT_ERROR = 0.01
"""Largest difference of a path's end from the model, as a fraction of the largest |w|."""


def named(caller: str, estimators: Mapping[str, Any] | Sequence[Any]) -> Mapping[str, Any]:
    """Return the models by their names; those of a list are numbered.

    Raises
    ------
    InvalidParameterError
        If they are neither a dict nor a list.
    """
    if isinstance(estimators, Mapping):
        return estimators
    if not isinstance(estimators, Iterable) or isinstance(estimators, str | BaseEstimator):
        raise InvalidParameterError(
            f"The 'estimators' parameter of {caller} must be a dict or a list of fitted models. "
            f"Got {shown(estimators)} instead."
        )
    return {f"model {k}": model for k, model in enumerate(estimators, 1)}


def instance_attributes(model: Any) -> dict[str, Any]:
    """Return the attributes set on a model, without calling properties."""
    return getattr(model, "__dict__", {})


def best_estimator(caller: str, model: Any) -> Any:
    """Return ``best_estimator_`` of a fitted search, any other model itself."""
    while "best_estimator_" in instance_attributes(model):
        model = model.best_estimator_
    if isinstance(model, GridSearchCV | RandomizedSearchCV):
        raise NotFittedError(
            f"{caller} needs the best_estimator_ of the {type(model).__name__}: fit it first, "
            "with refit=True."
        )
    return model


def final_estimator(caller: str, model: Any) -> Any:
    """Return the final estimator of a pipeline or search."""
    model = best_estimator(caller, model)
    while isinstance(model, Pipeline):
        model = best_estimator(caller, model.steps[-1][1])
    return model


def fit_history(caller: str, model: Any) -> tuple[dict[str, NDArray[Any]], int | None]:
    """Return ``history_`` of a fitted model, and its ``best_iter_`` if it has one.

    Raises
    ------
    NotFittedError
        If the model is not fitted.
    InvalidParameterError
        If models of this class have no history.
    """
    estimator = final_estimator(caller, model)
    if "history_" not in instance_attributes(estimator):
        if isinstance(estimator, GDLogisticRegression):
            raise NotFittedError(f"{caller} needs a fitted model: call fit first.")
        raise InvalidParameterError(
            f"{caller} needs a fitted model with a history_. {type(estimator).__name__} has none."
        )
    return dict(estimator.history_), instance_attributes(estimator).get("best_iter_")


class FinalStep(NamedTuple):
    """The final estimator of a pipeline, and X transformed for it."""

    estimator: Any
    X: Any
    feature_names: list[str] | None


def final_step(caller: str, model: Any, X: Any, y: Any, fitted: bool) -> FinalStep:
    """Return the final estimator of a pipeline or search, and X transformed for it.

    Unless ``fitted``, clones of the transformers are fitted first.
    """
    model, names = best_estimator(caller, model), column_names(X)
    while isinstance(model, Pipeline):
        if fitted:
            check_is_fitted(model)
        steps = model[:-1]
        if len(steps.steps):
            steps = steps if fitted else clone(steps).fit(X, y)
            X, names = steps.transform(X), transformed_names(steps, names)
        model = best_estimator(caller, model.steps[-1][1])
    return FinalStep(model, X, names)


def column_names(X: Any) -> list[str] | None:
    """Return the column names of a data frame, None for other data."""
    columns = getattr(X, "columns", None)
    return None if columns is None else [str(name) for name in columns]


def transformed_names(steps: Pipeline, names: list[str] | None) -> list[str] | None:
    """Return the feature names after these steps, None if a step does not provide them."""
    try:
        return None if names is None else [str(name) for name in steps.get_feature_names_out(names)]
    except (AttributeError, ValueError):
        return None


def rule_and_objective(
    caller: str, clf: Any, X: Any, y: Any, sample_weight: ArrayLike | None
) -> tuple[UpdateRule, Objective]:
    """Return the update rule of an estimator, and the objective of its fit on these rows.

    Raises
    ------
    ValueError
        If it is not a GDLogisticRegression, or its parameters or the data are invalid.
    """
    if not isinstance(clf, GDLogisticRegression):
        raise InvalidParameterError(
            f"{caller} needs a GDLogisticRegression, or a pipeline or search that ends in one. "
            f"Got {type(clf).__name__} instead."
        )
    unfitted = silent_clone(clf)
    settings, _ = settings_of(unfitted)
    X, y = checked(unfitted, X, y, reset=True)
    check_features_finite(unfitted, X)
    labels = encode_labels(unfitted, y, sample_weight, unfitted.class_weight, X.dtype)
    return settings.rule, cost_of(unfitted, X, labels, float(unfitted.C), float(unfitted.l1_ratio))


def silent_clone(clf: GDLogisticRegression, **parameters: Any) -> GDLogisticRegression:
    """Return a clone with other parameters, without output and callbacks."""
    copied = clone(clf).set_params(verbose=0, **parameters)
    vars(copied).pop("_skl_callbacks", None)  # clones share callbacks
    return copied


def retrace_descent(
    caller: str, clf: Any, X: Any, y: Any, sample_weight: ArrayLike | None, max_steps: int
) -> Array:
    """Repeat a fit from w = 0, one warm-started iteration at a time, and return its iterates.

    After early stopping has restored an iterate, that iterate is repeated.

    Parameters
    ----------
    clf : GDLogisticRegression
        Fitted model with ``n_iter_`` iterations.
    X, y, sample_weight
        Its training data.
    max_steps : int
        Largest number of iterations to repeat.

    Raises
    ------
    ValueError
        If the path does not end at the model.

    Returns
    -------
    array of shape (n_points, n_features + fit_intercept, n_outputs)
    """
    if not isinstance(clf, GDLogisticRegression):
        raise InvalidParameterError(
            f"{caller} needs the 'path' of a {type(clf).__name__}: only that of a "
            "GDLogisticRegression can be found by repeating the fit."
        )
    replica = silent_clone(clf, warm_start=True, max_iter=1, tol=0)
    present = present_classes(clf)
    points = [np.zeros_like(parameters_of(clf, present))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for _ in range(min(clf.n_iter_, max_steps)):
            replica.fit(X, y, sample_weight=sample_weight)
            if replica.stop_reason_ == "diverged":
                break
            points.append(parameters_of(replica, present))
    path = np.stack(points)
    error = np.abs(path[-1] - parameters_of(clf, present)).max(initial=0)
    max_error = MAX_ENDPOINT_ERROR * np.abs(path).max(initial=0)
    if clf.n_iter_ <= max_steps and error > max_error:
        raise ValueError(
            f"{caller} has repeated the fit and come to other parameters. X, y and the "
            "weights must be those of the fit. With coef_init, with X_val and early_stopping, or "
            "with random_state=None it needs 'path': the callback Trajectory keeps it."
        )
    return path
