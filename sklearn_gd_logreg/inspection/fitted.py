"""From a fitted model and data to the cost J that it should minimise, and its point there."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn import config_context
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted, validate_data

from .._typing import Array
from ..estimator import GDLogisticRegression
from ..fitting.assembly import cost_of
from ..fitting.parameters import absent_in, reduce
from ..objective import Objective
from ..targets import Labels, label_rows, listed
from ..validation import DTYPES, InvalidParameterError, advice_on_images, invalid, refuse_nat

RATIOS = {"l2": 0.0, "l1": 1.0}
"""l1_ratio of the penalties that older versions of scikit-learn call by name."""


@dataclass(frozen=True)
class Fitted:
    """A fitted model as a point of the cost that its parameters and the data define.

    Attributes
    ----------
    objective : Objective
        J over the rows as the last step of the model meets them.
    w : array of shape (n_features + fit_intercept, n_outputs), float64
    codes : array of shape (n_rows,)
        Place of each label among the classes that J is over.
    present : array of shape (n_classes,)
        Which of ``classes_`` these are.
    """

    objective: Objective
    w: Array
    codes: NDArray[np.signedinteger]
    present: NDArray[np.bool_]

    @property
    def b(self) -> Array:
        """The intercept, 0 where there is none."""
        last = self.w[self.objective.data.n_features :]
        return last.sum(axis=0)

    @property
    def without_intercept(self) -> Array:
        """The parameters with 0 for b."""
        weights = self.w.copy()
        weights[self.objective.data.n_features :] = 0
        return weights


def settle(model: Any, X: Any, y: Any, sample_weight: ArrayLike | None) -> Fitted:
    """Check a fitted model against data, and state its cost there; float64 but for X.

    Raises
    ------
    ValueError
        If the model is of a kind that has no J, the data do not suit it, or the labels of
        the rows of non-zero weight are not those that it knows.
    sklearn.exceptions.NotFittedError
        If it has not been fitted.
    """
    model, X = last_step(model, X)
    C, l1_ratio = penalty_of(model)
    given = X
    with advice_on_images(X), config_context(assume_finite=False):
        X, y = validate_data(model, X, y, reset=False, accept_sparse="csr", dtype=DTYPES)
    refuse_nat(model, given, X)
    labels = label_rows(model, y, sample_weight, model.class_weight)
    present = present_in(model)
    check_classes(model, labels, present)
    objective = cost_of(model, X, labels, C, l1_ratio)
    return Fitted(objective, parameters_of(model, present), labels.codes, present)


def present_in(model: Any) -> NDArray[np.bool_]:
    """Which classes of a fitted model had rows of non-zero weight in its fit."""
    return ~absent_in(model.coef_.T, np.atleast_1d(model.intercept_))


def parameters_of(model: Any, present: NDArray[np.bool_]) -> Array:
    """Fitted parameters, shape (n_features + fit_intercept, n_outputs), float64."""
    w, b = reduce(model.coef_.T, np.atleast_1d(model.intercept_), present)
    return np.vstack([w, b[np.newaxis]] if model.fit_intercept else [w]).astype(np.float64)


def last_step(model: Any, X: Any) -> tuple[Any, Any]:
    """The logistic regression at the end of a pipeline, and X as it meets it."""
    while isinstance(model, Pipeline):
        check_is_fitted(model)
        if len(model) > 1:
            X = model[:-1].transform(X)
        model = model[-1]
    if not isinstance(model, GDLogisticRegression | LogisticRegression):
        raise InvalidParameterError(
            "model must be a GDLogisticRegression, a LogisticRegression or a Pipeline that ends "
            "in one (of a search, its best_estimator_). "
            f"Got {type(model).__name__} instead."
        )
    check_is_fitted(model)
    if isinstance(model, LogisticRegression):
        check_cost(model)
        model = copy(model).densify()
    return model, X


def check_cost(model: LogisticRegression) -> None:
    """Raise if scikit-learn fitted another model than the sigmoid or one symmetric softmax."""
    scheme, two = getattr(model, "multi_class", "auto"), len(model.classes_) == 2
    if not two and (model.solver == "liblinear" or scheme == "ovr"):
        allowed = "a solver of the softmax for more than two classes: one-vs-rest is not one model"
        raise invalid(model, "solver", model.solver, allowed)
    if two and scheme == "multinomial":
        raise invalid(model, "multi_class", scheme, "'auto' for two classes")


def penalty_of(model: Any) -> tuple[float, float]:
    """C, inf without a penalty, and l1_ratio, however this version spells them."""
    if isinstance(model, GDLogisticRegression):
        return float(model.C), float(model.l1_ratio)
    name = getattr(model, "penalty", "deprecated")
    if name is None:
        return np.inf, 0.0
    if isinstance(model, LogisticRegressionCV):
        C, l1_ratio = np.ravel(model.C_)[0], np.ravel(model.l1_ratio_)[0]
    else:
        C, l1_ratio = model.C, model.l1_ratio
    return float(C), RATIOS.get(name, float(l1_ratio or 0.0))


def check_classes(model: Any, labels: Labels, present: NDArray[np.bool_]) -> None:
    """Raise unless the labels of the rows that count are those that the model was fitted on."""
    known, found = listed(model.classes_[present]), listed(labels.classes)
    unseen = [label for label in found if label not in known]
    absent = [label for label in known if label not in found]
    if unseen:
        raise ValueError(
            f"y must hold labels among {known}, the classes of the model that had a row of "
            f"non-zero weight in its fit. Got {unseen} as well."
        )
    if absent:
        raise ValueError(
            f"y must hold each of {known}, the classes of the model, in a row of non-zero weight. "
            f"Got none of {absent}: over such rows J has no minimum."
        )
