"""The objective J of a fitted model on its data, and the parameters of the model."""

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

from .._namespace import require_numpy, to_numpy
from .._typing import Array
from ..data import require_in_memory
from ..estimator import GDLogisticRegression
from ..fitting.assembly import cost_of
from ..fitting.parameters import absent_in, reduce
from ..objective import Objective
from ..targets import Labels, encode_labels, listed
from ..validation import DTYPES, InvalidParameterError, hint_for_images, invalid, reject_nat

L1_RATIO_OF_PENALTY = {"l2": 0.0, "l1": 1.0}
"""``l1_ratio`` for each value of ``penalty``, a parameter that scikit-learn 1.8 deprecates."""


@dataclass(frozen=True)
class FittedObjective:
    """The objective of a fitted model on data, and the parameters of the model.

    Attributes
    ----------
    objective : Objective
        J on X; for a pipeline, on X as transformed for the final estimator.
    w : array of shape (n_features + fit_intercept, n_outputs), float64
    codes : array of shape (n_rows,)
        Index of each label among the classes of J.
    present : array of shape (n_classes,), bool
        Mask of ``classes_``: the classes of J, those with a row of non-zero weight in the fit.
    """

    objective: Objective
    w: Array
    codes: NDArray[np.signedinteger]
    present: NDArray[np.bool_]

    @property
    def b(self) -> Array:
        """The intercept, shape (n_outputs,); 0 with ``fit_intercept=False``."""
        intercept = self.w[self.objective.data.n_features :]
        return intercept.sum(axis=0)

    @property
    def w_without_intercept(self) -> Array:
        """The parameters w with b = 0."""
        weights = self.w.copy()
        weights[self.objective.data.n_features :] = 0
        return weights


def objective_of(model: Any, X: Any, y: Any, sample_weight: ArrayLike | None) -> FittedObjective:
    """Validate the data and return the objective of a fitted model on them; X keeps its precision.

    Raises
    ------
    ValueError
        If the model does not minimise a single J (one-vs-rest), the data do not match it, or the
        rows of non-zero weight do not have the same classes as in its fit.
    sklearn.exceptions.NotFittedError
        If the model has not been fitted.
    """
    require_in_memory("X", X)
    for name, array in (("X", X), ("y", y)):
        require_numpy(name, array)
    model, X = unwrap_pipeline(model, X)
    C, l1_ratio = penalty_parameters(model)
    X_given = X
    with hint_for_images(X), config_context(assume_finite=False):
        X, y = validate_data(model, X, y, reset=False, accept_sparse="csr", dtype=DTYPES)
    reject_nat(model, X_given, X)
    labels = encode_labels(model, y, sample_weight, model.class_weight)
    present = present_classes(model)
    check_classes(model, labels, present)
    objective = cost_of(model, X, labels, C, l1_ratio)
    return FittedObjective(objective, parameters_of(model, present), labels.codes, present)


def present_classes(model: Any) -> NDArray[np.bool_]:
    """Return a mask of ``classes_``: the classes with a row of non-zero weight in the fit."""
    coef, intercept = coefficients_of(model)
    return ~absent_in(coef.T, intercept)


def coefficients_of(model: Any) -> tuple[Array, Array]:
    """``coef_`` and ``intercept_`` of a fitted model as arrays of NumPy, from any device."""
    return to_numpy(model.coef_), np.atleast_1d(to_numpy(model.intercept_))


def parameters_of(model: Any, present: NDArray[np.bool_]) -> Array:
    """Return w of a fitted model, shape (n_features + fit_intercept, n_outputs), float64."""
    coef, intercept = coefficients_of(model)
    w, b = reduce(coef.T, intercept, present)
    return np.vstack([w, b[np.newaxis]] if model.fit_intercept else [w]).astype(np.float64)


def unwrap_pipeline(model: Any, X: Any) -> tuple[Any, Any]:
    """Return the final estimator of a pipeline, a logistic regression, and X transformed for it."""
    while isinstance(model, Pipeline):
        check_is_fitted(model)
        if len(model) > 1:
            X = model[:-1].transform(X)
        model = model[-1]
    if not isinstance(model, GDLogisticRegression | LogisticRegression):
        raise InvalidParameterError(
            "model must be a GDLogisticRegression, a LogisticRegression or a Pipeline that ends "
            "in one (for a search, pass its best_estimator_). "
            f"Got {type(model).__name__} instead."
        )
    check_is_fitted(model)
    if isinstance(model, LogisticRegression):
        check_single_model(model)
        model = copy(model).densify()
    return model, X


def check_single_model(model: LogisticRegression) -> None:
    """Raise if scikit-learn fitted one-vs-rest, or a softmax for two classes."""
    multi_class, is_binary = getattr(model, "multi_class", "auto"), len(model.classes_) == 2
    if not is_binary and (model.solver == "liblinear" or multi_class == "ovr"):
        allowed = (
            "a solver of the softmax for more than two classes: one-vs-rest is not a single model"
        )
        raise invalid(model, "solver", model.solver, allowed)
    if is_binary and multi_class == "multinomial":
        raise invalid(model, "multi_class", multi_class, "'auto' for two classes")


def penalty_parameters(model: Any) -> tuple[float, float]:
    """Return C (inf without a penalty) and l1_ratio, for any supported version of scikit-learn."""
    if isinstance(model, GDLogisticRegression):
        return float(model.C), float(model.l1_ratio)
    name = getattr(model, "penalty", "deprecated")
    if name is None:
        return np.inf, 0.0
    if isinstance(model, LogisticRegressionCV):
        C, l1_ratio = np.ravel(model.C_)[0], np.ravel(model.l1_ratio_)[0]
    else:
        C, l1_ratio = model.C, model.l1_ratio
    return float(C), L1_RATIO_OF_PENALTY.get(name, float(l1_ratio or 0.0))


def check_classes(model: Any, labels: Labels, present: NDArray[np.bool_]) -> None:
    """Raise unless the rows of non-zero weight have the same classes as in the fit."""
    fitted, given = listed(to_numpy(model.classes_)[present]), listed(labels.classes)
    unseen = [label for label in given if label not in fitted]
    missing = [label for label in fitted if label not in given]
    if unseen:
        raise ValueError(
            f"y must hold labels among {fitted}, the classes of the model with a row of "
            f"non-zero weight in its fit. Got {unseen} as well."
        )
    if missing:
        raise ValueError(
            f"y must hold each of {fitted}, the classes of the model, in a row of non-zero weight. "
            f"Got none of {missing}: without them J has no minimum."
        )
