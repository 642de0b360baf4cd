"""A fitted model as scikit-learn's own, for tools that know only that."""

from __future__ import annotations

from copy import copy, deepcopy

import numpy as np
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from ._namespace import copied
from .estimator import GDLogisticRegression

__all__ = ["as_logistic_regression"]

SHARED_PARAMETERS = (
    "C",
    "fit_intercept",
    "class_weight",
    "tol",
    "max_iter",
    "random_state",
    "warm_start",
    "verbose",
)
"""Parameters of the same name and meaning in both classes."""

FITTED_ARRAYS = ("classes_", "coef_", "intercept_", "feature_names_in_")
"""Fitted attributes that are the same arrays in both classes."""


def as_logistic_regression(
    model: GDLogisticRegression | Pipeline,
) -> LogisticRegression | Pipeline:
    """Convert a fitted model to scikit-learn's `LogisticRegression`.

    The result has the same coefficients, so the same scores and, to rounding, the same
    probabilities. Tools that know scikit-learn's classes take it: exporters, explainers, model
    registries.

    Parameters
    ----------
    model : GDLogisticRegression or Pipeline
        A fitted model, or a fitted pipeline that ends with one.

    Returns
    -------
    LogisticRegression or Pipeline
        It shares no fitted state with ``model``: arrays are copied, and so are the other steps of
        a pipeline. Its solver minimises the same cost: "lbfgs", or "saga" with an L1 part. So
        ``clone(result).fit(X, y)`` leads to the same minimum.

    Raises
    ------
    TypeError
        If ``model`` is neither of the two.
    sklearn.exceptions.NotFittedError
        If ``model`` is not fitted.

    Notes
    -----
    LogisticRegression has no counterpart of ``learning_rate``, ``batch_size``, early stopping,
    ``history_`` and ``solver_info_``: the result lacks them, and a refit ends at the minimum where
    early stopping ended before it. Callbacks and metadata requests are not copied either.

    ``n_iter_`` holds the number of iterations of ``model``. ``tol`` and ``max_iter`` are copied,
    but each solver compares ``tol`` with a different quantity. If all rows of a class have weight
    0, a refit gives that class a small probability in place of 0.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_gd_logreg import GDLogisticRegression
    >>> from sklearn_gd_logreg.conversion import as_logistic_regression
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = GDLogisticRegression(C=0.5).fit(X, y)
    >>> converted = as_logistic_regression(clf)
    >>> converted
    LogisticRegression(C=0.5, max_iter=1000)
    >>> difference = converted.predict_proba(X) - clf.predict_proba(X)
    >>> bool(abs(difference).max() < 1e-15)
    True
    """
    if isinstance(model, Pipeline) and model.steps:
        *others, (name, last) = model.steps
        converted = as_logistic_regression(last)
        pipeline = copy(model)
        pipeline.steps = [*deepcopy(others), (name, converted)]
        return pipeline
    if not isinstance(model, GDLogisticRegression):
        raise TypeError(
            "model must be a GDLogisticRegression or a Pipeline that ends with one. "
            f"Got {_named(model)} instead.{_advice(model)}"
        )
    check_is_fitted(model)
    result = _unfitted(model)
    for attribute in FITTED_ARRAYS:
        if hasattr(model, attribute):
            setattr(result, attribute, copied(getattr(model, attribute)))
    result.n_features_in_ = model.n_features_in_
    result.n_iter_ = np.array([model.n_iter_], dtype=np.int32)
    return result


def _unfitted(model: GDLogisticRegression) -> LogisticRegression:
    """Return a LogisticRegression that minimises the cost of ``model``."""
    params = {name: getattr(model, name) for name in SHARED_PARAMETERS}
    if model.l1_ratio > 0 and np.isfinite(model.C):
        params |= {"solver": "saga", "l1_ratio": model.l1_ratio}
        if LogisticRegression().get_params().get("penalty") == "l2":  # before scikit-learn 1.8
            params["penalty"] = "elasticnet"
    return clone(LogisticRegression(**params))  # copies a dict of class weights, a RandomState


def _named(model: object) -> str:
    """Return the type of a model, or say that it is a class."""
    return f"the class {model.__name__}" if isinstance(model, type) else type(model).__name__


def _advice(model: object) -> str:
    """Return a hint for a fitted meta-estimator that keeps its model in one attribute."""
    for attribute in ("best_estimator_", "estimator_"):
        if hasattr(model, attribute):
            return f" Pass its {attribute}."
    return ""
