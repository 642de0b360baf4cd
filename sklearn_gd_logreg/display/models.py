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
from sklearn.utils.validation import check_is_fitted

from .._typing import Array
from ..estimator import GDLogisticRegression
from ..fitting.assembly import cost_of
from ..fitting.inputs import check_finite, checked
from ..fitting.settings import settings_of
from ..inspection.fitted import parameters_of, present_in
from ..objective import Objective
from ..rules import UpdateRule
from ..targets import label_rows
from ..validation import InvalidParameterError

ASTRAY = 0.01
"""Part of the extent of a path by which its end may differ from the model."""


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
        if isinstance(final, GDLogisticRegression):
            raise NotFittedError(f"{owner} needs a fitted model: call fit first.")
        raise InvalidParameterError(
            f"{owner} needs a fitted model with a history_. {type(final).__name__} has none."
        )
    return dict(final.history_), attributes(final).get("best_iter_")


class Given(NamedTuple):
    """An estimator and what it is given: X as the last step of a pipeline sees it."""

    final: Any
    X: Any
    names: list[str] | None


def unwrap(owner: str, model: Any, X: Any, y: Any, fitted: bool) -> Given:
    """The estimator at the end, and X as it sees it.

    Without ``fitted`` the steps before it are fitted here, on clones.
    """
    model, names = chosen_estimator(owner, model), names_of(X)
    while isinstance(model, Pipeline):
        if fitted:
            check_is_fitted(model)
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


def rule_and_cost(
    owner: str, clf: Any, X: Any, y: Any, sample_weight: ArrayLike | None
) -> tuple[UpdateRule, Objective]:
    """The rule of one of our estimators, and J as its fit on these rows would minimise it.

    Raises
    ------
    ValueError
        If it is not one of ours, or `fit` would refuse its parameters or the data.
    """
    if not isinstance(clf, GDLogisticRegression):
        raise InvalidParameterError(
            f"{owner} needs a GDLogisticRegression, or a pipeline or search that ends in one. "
            f"Got {type(clf).__name__} instead."
        )
    unfitted = fresh(clf)
    settings, _ = settings_of(unfitted)
    X, y = checked(unfitted, X, y, reset=True)
    check_finite(unfitted, X)
    labels = label_rows(unfitted, y, sample_weight, unfitted.class_weight, X.dtype)
    return settings.rule, cost_of(unfitted, X, labels, float(unfitted.C), float(unfitted.l1_ratio))


def fresh(clf: GDLogisticRegression, **parameters: Any) -> GDLogisticRegression:
    """A silent clone with other parameters, which no callback watches."""
    copy = clone(clf).set_params(verbose=0, **parameters)
    vars(copy).pop("_skl_callbacks", None)  # a clone would share them
    return copy


def trace(
    owner: str, clf: Any, X: Any, y: Any, sample_weight: ArrayLike | None, max_steps: int
) -> Array:
    """The iterates of a fit from w = 0, one step after the other by a warm start.

    Once early stopping has kept an iterate, later ones are not seen, and it is repeated.

    Parameters
    ----------
    clf : GDLogisticRegression
        Fitted; it is followed for as many iterations as it made, ``max_steps`` at most.
    X, y, sample_weight
        What it was fitted on.
    max_steps : int

    Raises
    ------
    ValueError
        If it does not lead to the model.

    Returns
    -------
    array of shape (n_points, n_features + fit_intercept, n_outputs)
    """
    if not isinstance(clf, GDLogisticRegression):
        raise InvalidParameterError(
            f"{owner} needs the 'path' of a {type(clf).__name__}: only that of a "
            "GDLogisticRegression can be found by fitting it once more."
        )
    follower = fresh(clf, warm_start=True, max_iter=1, tol=0)
    present = present_in(clf)
    points = [np.zeros_like(parameters_of(clf, present))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for _ in range(min(clf.n_iter_, max_steps)):
            follower.fit(X, y, sample_weight=sample_weight)
            if follower.stop_reason_ == "diverged":
                break
            points.append(parameters_of(follower, present))
    path = np.stack(points)
    off = np.abs(path[-1] - parameters_of(clf, present)).max(initial=0)
    if clf.n_iter_ <= max_steps and off > ASTRAY * np.abs(path).max(initial=0):
        raise ValueError(
            f"{owner} has fitted the model once more, and come to other parameters. X, y and the "
            "weights must be those of the fit. A fit from a start of its own, with X_val and "
            "early_stopping, or with random_state=None must be given with its 'path': that of "
            "the callback Trajectory."
        )
    return path
