"""What the pictures ask of a model: its history, its cost, and the way that it went."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import Pipeline

from .._typing import Array
from ..estimator import GDLogisticRegression
from ..objective import Objective
from ..rules import UpdateRule
from ..validation import InvalidParameterError


def attributes(model: Any) -> dict[str, Any]:
    """What is set on a model, whatever it is."""
    return getattr(model, "__dict__", {})


def chosen_estimator(owner: str, model: Any) -> Any:
    """The model itself, or the one that a search has found."""
    while "best_estimator_" in attributes(model):
        model = model.best_estimator_
    if isinstance(model, GridSearchCV | RandomizedSearchCV):
        raise NotFittedError(
            f"{owner} needs the model that {type(model).__name__} has found: fit it first, with "
            "refit=True."
        )
    return model


def last_step(owner: str, model: Any) -> Any:
    """The estimator at the end of searches and pipelines."""
    model = chosen_estimator(owner, model)
    while isinstance(model, Pipeline):
        model = chosen_estimator(owner, model.steps[-1][1])
    return model


def history_of(owner: str, model: Any) -> tuple[dict[str, NDArray[Any]], int | None]:
    """``history_`` of a fitted model, and its ``best_iter_`` if it has one.

    Raises
    ------
    NotFittedError, InvalidParameterError
        If there is no history: not yet, or never.
    """
    final = last_step(owner, model)
    if "history_" not in attributes(final):
        require_fitted(owner, final)
        raise InvalidParameterError(
            f"{owner} needs a fitted model with a history_. {type(final).__name__} has none."
        )
    return dict(final.history_), attributes(final).get("best_iter_")


def require_ours(owner: str, final: Any) -> None:
    """Raise unless the cost of this estimator is known here."""
    if not isinstance(final, GDLogisticRegression):
        raise InvalidParameterError(
            f"{owner} needs a GDLogisticRegression, or a pipeline or search that ends in one. "
            f"Got {type(final).__name__} instead."
        )


def require_fitted(owner: str, final: Any) -> None:
    """Raise if one of our estimators has not been fitted."""
    if isinstance(final, GDLogisticRegression) and "coef_" not in attributes(final):
        raise NotFittedError(
            f"{owner} needs a fitted model, but this {type(final).__name__} has not been fitted: "
            "call fit first."
        )


class Given(NamedTuple):
    """An estimator and what it is given: X as the last step of a pipeline sees it."""

    final: GDLogisticRegression
    X: Any
    names: list[str] | None


def unwrap(owner: str, model: Any, X: Any, y: Any, fitted: bool) -> Given:
    """The estimator at the end, and X as it sees it.

    Without ``fitted`` the steps before it are fitted here, on clones.
    """
    model, names = chosen_estimator(owner, model), names_of(X)
    require_ours(owner, last_step(owner, model))
    if fitted:
        require_fitted(owner, last_step(owner, model))
    while isinstance(model, Pipeline):
        before = model[:-1]
        if len(before.steps):
            before = before if fitted else clone(before).fit(X, y)
            X, names = before.transform(X), names_after(before, names)
        model = chosen_estimator(owner, model.steps[-1][1])
    return Given(model, X, names)


def names_of(X: Any) -> list[str] | None:
    """The names of the columns of a data frame."""
    columns = getattr(X, "columns", None)
    return None if columns is None else [str(name) for name in columns]


def names_after(steps: Pipeline, names: list[str] | None) -> list[str] | None:
    """What the features are called after these steps, if they tell."""
    try:
        return None if names is None else [str(name) for name in steps.get_feature_names_out(names)]
    except (AttributeError, ValueError):
        return None


class Cost(NamedTuple):
    """The cost J of an estimator on some rows.

    Attributes
    ----------
    objective : Objective
    classes : array of shape (n_classes,)
    rule : UpdateRule
    """

    objective: Objective
    classes: NDArray[Any]
    rule: UpdateRule


def cost_of(clf: GDLogisticRegression, X: Any, y: Any, sample_weight: ArrayLike | None) -> Cost:
    """J as a fit of this estimator on these rows would minimise it, parameters and data checked."""
    fresh = clone(clf).set_params(warm_start=False)
    rule, _, _ = fresh._check_parameters()
    labels, objective, _ = fresh._check_data(X, y, sample_weight, None, None)
    fresh._require_finite(objective.data.X)
    return Cost(objective, labels.classes, rule)


def fitted_parameters(clf: GDLogisticRegression) -> Array:
    """Fitted parameters, shape (n_features + fit_intercept, n_outputs), float64."""
    rows = [clf.coef_.T, clf.intercept_[np.newaxis]] if clf.fit_intercept else [clf.coef_.T]
    return np.vstack(rows).astype(np.float64)


def trace(
    clf: GDLogisticRegression, X: Any, y: Any, sample_weight: ArrayLike | None, max_steps: int
) -> Array:
    """The iterates of a fit from w = 0, one step after the other by a warm start.

    Parameters
    ----------
    clf : GDLogisticRegression
        Fitted; it is followed for as many iterations as it made, ``max_steps`` at most.
    X, y, sample_weight
        What it was fitted on.
    max_steps : int

    Returns
    -------
    array of shape (n_points, n_features + fit_intercept, n_outputs)
    """
    follower = clone(clf).set_params(warm_start=True, max_iter=1, tol=0, verbose=0)
    points = [np.zeros_like(fitted_parameters(clf))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for _ in range(min(clf.n_iter_, max_steps)):
            follower.fit(X, y, sample_weight=sample_weight)
            if follower.stop_reason_ == "diverged":
                break
            points.append(fitted_parameters(follower))
    return np.stack(points)
