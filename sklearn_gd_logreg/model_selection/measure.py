"""What a model does on one set of rows."""

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
from .proportions import wilson


@dataclass(frozen=True)
class Measured:
    """Errors, loss and labels of one set.

    Attributes
    ----------
    y : array of shape (n_rows,)
        Labels.
    proba : array of shape (n_rows, n_classes)
        Predicted probabilities.
    counts : tuple of int
        Rows of each class of the model.
    wrong : int
        Rows that are predicted wrong.
    loss : float
        Mean log loss.
    """

    y: NDArray[Any]
    proba: NDArray[Any]
    counts: tuple[int, ...]
    wrong: int
    loss: float

    @property
    def n_rows(self) -> int:
        """How many rows there are."""
        return len(self.y)

    @property
    def error(self) -> float:
        """The share of the rows that are predicted wrong, 1 − accuracy."""
        return self.wrong / self.n_rows

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's interval for the error."""
        return wilson(self.wrong, self.n_rows)

    @property
    def priors(self) -> tuple[float, ...]:
        """The share of each class."""
        return tuple(count / self.n_rows for count in self.counts)

    def error_of(self, c: int) -> float:
        """The error of predicting class number c for all rows."""
        return 1 - self.counts[c] / self.n_rows

    def loss_of(self, priors: tuple[float, ...]) -> float:
        """The loss of predicting the same probabilities for all rows."""
        present = [(n, p) for n, p in zip(self.counts, priors, strict=True) if n]
        return sum(-log(p) * n if p else inf for n, p in present) / self.n_rows


def measure(model: Any, part: str, X: Any, y: Any) -> Measured:
    """Predict the rows of one set, and hold the predictions against the labels."""
    labels = check_part(model, part, X, y)
    counted = Counter(labels.tolist())
    predicted, proba = model.predict(X), np.asarray(model.predict_proba(X))
    return Measured(
        y=labels,
        proba=proba,
        counts=tuple(counted[label] for label in model.classes_.tolist()),
        wrong=int(np.count_nonzero(np.asarray(predicted) != labels)),
        loss=float(log_loss(labels, proba, labels=model.classes_)),
    )


# -- checks ------------------------------------------------------------------------------


def check_model(model: Any) -> None:
    """Raise unless the model is a fitted classifier that gives probabilities."""
    if not callable(getattr(model, "predict_proba", None)) or not is_classifier(model):
        raise InvalidParameterError(
            "model must be a fitted classifier with predict_proba. "
            f"Got an object of type {type(model).__name__} instead."
        )
    check_is_fitted(model)


def check_part(model: Any, part: str, X: Any, y: Any) -> NDArray[Any]:
    """The labels of a set as an array, if they suit its rows and the model."""
    counts = {f"X_{part}": count_rows(f"X_{part}", X), f"y_{part}": count_rows(f"y_{part}", y)}
    check_same_rows(counts)
    if not counts[f"X_{part}"]:
        raise ValueError(f"X_{part} must have at least 1 row. Got none.")
    labels = as_labels(f"y_{part}", y)
    known = model.classes_.tolist()
    unseen = sorted(set(labels.tolist()) - set(known), key=repr)
    if unseen:
        raise ValueError(
            f"y_{part} must hold labels among {known}, the classes of the model. "
            f"Got {unseen} as well."
        )
    return labels
