"""The fitted attributes of a model, from where its descent stands."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from .._typing import Array
from ..descent import Iterate
from ..objective import Objective
from ..targets import LabelSet
from .messages import memory_not_stored_message
from .monitor import Columns, History, Monitor, Outcome
from .parameters import expand, unshifted
from .run import Descent
from .summary import known_gap, path_in_words, solver_info

OPTIONAL_ATTRIBUTES = ("best_iter_", "_resume_state", "_stream")
"""Attributes that only some fits set."""


def is_fitted(estimator: Any) -> bool:
    """Whether there are coefficients of a previous fit."""
    return "coef_" in vars(estimator)


def continues(estimator: Any) -> bool:
    """Whether a fit starts from the coefficients of the previous one."""
    return bool(estimator.warm_start) and is_fitted(estimator)


def fitted_attributes(
    w: Array, start: Array, objective: Objective, cost: float, labels: LabelSet, history: Columns
) -> dict[str, Any]:
    """The fitted attributes of parameters w in coordinates of the features; w_0 is ``start``."""
    intercept = objective.data.intercept
    n_features = len(start) - intercept
    penalty = replace(objective.penalty, n_features=n_features)
    w = unshifted(w, start, objective.loss, penalty, cost).astype(start.dtype, copy=False)
    b = w[n_features] if intercept else np.zeros(w.shape[1], w.dtype)
    weights, b = expand(w[:n_features], b, labels.present)
    return {
        "classes_": labels.all_classes,
        "coef_": np.ascontiguousarray(weights.T),
        "intercept_": b,
        "n_iter_": len(history["iteration"]) - 1,
        "history_": history,
    }


def attributes_of_descent(
    descent: Descent, w: Array, cost: float, labels: LabelSet, history: Columns
) -> dict[str, Any]:
    """The fitted attributes of parameters in the coordinates of a descent."""
    objective, start = descent.start.objective, descent.fingerprint.w
    return fitted_attributes(descent.expand(w), start, objective, cost, labels, history)


def attributes_at(
    descent: Descent, labels: LabelSet, iterate: Iterate, monitor: Monitor, reason: str | None
) -> dict[str, Any]:
    """The fitted attributes at an iterate, and why the fit ended there; None if it goes on."""
    history = monitor.history.as_dict()
    w = monitor.kept(iterate, reason) if reason else iterate.w
    attributes = attributes_of_descent(descent, w, iterate.cost, labels, history)
    resume_state = descent.resume_state_at(iterate, monitor.state, attributes)
    attributes |= {"stop_reason_": reason or "in_progress"}
    attributes |= {"_known_gap": None, "_resume_state": resume_state}
    if monitor.validation_set is not None:
        attributes["best_iter_"] = monitor.state.best.k
    return attributes


def publish(
    estimator: Any,
    descent: Descent,
    labels: LabelSet,
    outcome: Outcome,
    history: History,
    resumable: bool,
) -> None:
    """Set the fitted attributes at the end of a descent, which another fit may resume."""
    at_end = outcome.w, outcome.last.cost, labels, outcome.history
    attributes = attributes_of_descent(descent, *at_end)
    if outcome.state.best.w is not None:
        attributes["best_iter_"] = outcome.state.best.k
    if estimator.warm_start and resumable and outcome.reason != "diverged":
        state = descent.resume_state_at(outcome.last, outcome.state, attributes, ended=history)
        try:
            attributes["_resume_state"] = state.frozen()
        except TypeError as error:
            message = memory_not_stored_message(descent.settings.rule, error)
            warnings.warn(message, UserWarning, stacklevel=5)
    set_attributes(estimator, attributes)
    estimator.stop_reason_ = outcome.reason
    estimator._known_gap = known_gap(outcome, descent, labels)
    estimator.solver_info_ = solver_info(outcome, descent, labels)
    if estimator.verbose > 1 and estimator.solver_info_["hessians"]:
        print(path_in_words(estimator.solver_info_))
    estimator._weight_seen = labels.total


def set_attributes(estimator: Any, attributes: dict[str, Any]) -> None:
    """Set fitted attributes, and delete those that only some fits set."""
    for name in OPTIONAL_ATTRIBUTES:
        vars(estimator).pop(name, None)
    for name, value in attributes.items():
        setattr(estimator, name, value)


@contextmanager
def unchanged_on_error(estimator: Any) -> Iterator[None]:
    """Restore the attributes of an estimator if the block raises."""
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise
