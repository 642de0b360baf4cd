"""Errors and loss of a model on one set of rows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import inf, log
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier
from sklearn.metrics import log_loss
from sklearn.utils.validation import check_is_fitted

from ..validation import InvalidParameterError
from .checks import as_labels, check_same_rows, count_rows
from .proportions import wilson_interval


@dataclass(frozen=True)
class SetMetrics:
    """Labels, predictions, errors and loss of one set.

    Attributes
    ----------
    y : array of shape (n_rows,)
        Labels.
    proba : array of shape (n_rows, n_classes)
        Predicted probabilities.
    counts : tuple of int
        Number of rows of each class of the model.
    n_wrong : int
        Number of wrong predictions.
    loss : float
        Mean log loss.
    """

    y: NDArray[Any]
    proba: NDArray[Any]
    counts: tuple[int, ...]
    n_wrong: int
    loss: float

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.y)

    @property
    def error(self) -> float:
        """Error rate, 1 − accuracy."""
        return self.n_wrong / self.n_rows

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the error."""
        return wilson_interval(self.n_wrong, self.n_rows)

    @property
    def priors(self) -> tuple[float, ...]:
        """Proportion of each class."""
        return tuple(count / self.n_rows for count in self.counts)

    def constant_error(self, c: int) -> float:
        """Return the error of predicting class number c for all rows."""
        return 1 - self.counts[c] / self.n_rows

    def constant_loss(self, priors: tuple[float, ...]) -> float:
        """Return the log loss of predicting the same probabilities for all rows."""
        present = [(n, p) for n, p in zip(self.counts, priors, strict=True) if n]
        return sum(-log(p) * n if p else inf for n, p in present) / self.n_rows


def evaluate_set(model: Any, name: str, X: Any, y: Any) -> SetMetrics:
    """Predict the rows of one set and compare the predictions with the labels."""
    labels = check_set(model, name, X, y)
    class_counts = Counter(labels.tolist())
    predicted, proba = model.predict(X), np.asarray(model.predict_proba(X))
    return SetMetrics(
        y=labels,
        proba=proba,
        counts=tuple(class_counts[label] for label in model.classes_.tolist()),
        n_wrong=int(np.count_nonzero(np.asarray(predicted) != labels)),
        loss=float(log_loss(labels, proba, labels=model.classes_)),
    )


# -- checks ------------------------------------------------------------------------------


def check_model(model: Any) -> None:
    """Raise unless the model is a fitted classifier with `predict_proba`."""
    if not callable(getattr(model, "predict_proba", None)) or not is_classifier(model):
        raise InvalidParameterError(
            "model must be a fitted classifier with predict_proba. "
            f"Got an object of type {type(model).__name__} instead."
        )
    check_is_fitted(model)


def check_set(model: Any, name: str, X: Any, y: Any) -> NDArray[Any]:
    """Return the labels of a set as an array, after checks against its rows and the model."""
    counts = {f"X_{name}": count_rows(f"X_{name}", X), f"y_{name}": count_rows(f"y_{name}", y)}
    check_same_rows(counts)
    if not counts[f"X_{name}"]:
        raise ValueError(f"X_{name} must have at least 1 row. Got none.")
    labels = as_labels(f"y_{name}", y)
    classes = model.classes_.tolist()
    unseen = sorted(set(labels.tolist()) - set(classes), key=repr)
    if unseen:
        raise ValueError(
            f"y_{name} must hold labels among {classes}, the classes of the model. "
            f"Got {unseen} as well."
        )
    return labels
