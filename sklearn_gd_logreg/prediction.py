"""Predictions from the scores z = Xw + b, of rows in any storage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import config_context
from sklearn.utils import assert_all_finite, check_consistent_length, column_or_1d
from sklearn.utils.validation import check_is_fitted

from ._floating import ignore_floating_errors
from ._namespace import (
    dispatches,
    hint_for_devices,
    is_other,
    namespace,
    require_same_place,
    to_numpy,
)
from ._typing import Array
from .chunk_targets import LabelSums, WeightTable, distinct_labels, label_sums
from .data import Chunk, check_chunk, chunk_reader
from .fitting.chunked import check_header
from .fitting.inputs import checked
from .loss import CrossEntropy, cross_entropy
from .loss_array_api import array_api_cross_entropy
from .targets import check_weights


def decisions(z: Array, classes: NDArray[Any]) -> Array:
    """The scores; 1-D if there is one for each row."""
    return z[:, 0] if z.shape[1] == 1 else z


def labels(z: Array, classes: NDArray[Any]) -> NDArray[Any]:
    """The most probable label of each row."""
    codes = loss_of(z, classes).predict_codes(z)
    if is_other(classes):
        return namespace(classes).take(classes, codes)
    return classes[to_numpy(codes)]


def probabilities(z: Array, classes: NDArray[Any]) -> Array:
    """The probability of every class."""
    return loss_of(z, classes).probabilities(z)


def log_probabilities(z: Array, classes: NDArray[Any]) -> Array:
    """The logarithm of the probability of every class."""
    return loss_of(z, classes).log_probabilities(z)


def loss_of(z: Array, classes: NDArray[Any]) -> CrossEntropy:
    """The cross-entropy for scores in NumPy, or in another library."""
    return (array_api_cross_entropy if is_other(z) else cross_entropy)(classes.shape[0])


METHODS: dict[Any, str] = {
    decisions: "decision_function",
    labels: "predict",
    probabilities: "predict_proba",
    log_probabilities: "predict_log_proba",
}
"""Name of the method of the estimator that each function computes."""

ScoreFunction = Callable[[Array, NDArray[Any]], NDArray[Any]]
"""One of `METHODS`: a function of the scores, of shape (n_rows, n_outputs), and the classes."""


@dataclass(frozen=True)
class Predictor:
    """Computes the scores of checked rows, and a function of them.

    Attributes
    ----------
    estimator_name : str
    coef, intercept, classes : arrays
        As the fitted attributes.
    function : callable
        A `ScoreFunction`.
    """

    estimator_name: str
    coef: Array
    intercept: Array
    classes: NDArray[Any]
    function: ScoreFunction

    def __call__(self, X: Any) -> NDArray[Any]:
        """The predictions for X.

        Raises
        ------
        ValueError
            If X is not finite.
        """
        xp, coef = namespace(X), self.coef
        if is_other(X):  # NumPy promotes by itself
            dtype = xp.result_type(X, coef)
            X, coef = (xp.astype(array, dtype, copy=False) for array in (X, coef))
        z: Array = X @ coef.T
        z += self.intercept
        if not xp.all(xp.isfinite(z)):
            with config_context(assume_finite=False):
                assert_all_finite(X, estimator_name=self.estimator_name, input_name="X")
        return self.function(z, self.classes)


@dataclass(frozen=True)
class ChunkPredictor:
    """Checks the rows of a chunk, and predicts."""

    predictor: Predictor
    dtype: np.dtype[np.floating]

    @ignore_floating_errors("divide", "under", "invalid")
    def __call__(self, chunk: Chunk) -> NDArray[Any]:
        """The predictions for X of a chunk."""
        n_features = self.predictor.coef.shape[1]
        return self.predictor(check_chunk(chunk, n_features, self.dtype))


def predictions(estimator: Any, X: Any, function: ScoreFunction) -> Any:
    """A function of the scores of X.

    Returns
    -------
    array, or dask array for a dask collection
    """
    check_is_fitted(estimator)
    reader = chunk_reader(X, labelled=False)
    if reader is None:
        caller = f"{type(estimator).__name__}.{METHODS[function]}()"
        used = X if dispatches(X) else None  # `checked` will make a NumPy array of it
        require_same_place(f"Inputs passed to {caller}", used, estimator.coef_)
        with hint_for_devices(X):
            X = checked(estimator, X, reset=False)
        return predictor_of(estimator, function)(X)
    check_header(estimator, reader, reset=False)
    return reader.predict(ChunkPredictor(predictor_of(estimator, function), reader.dtype))


def predictor_of(estimator: Any, function: ScoreFunction) -> Predictor:
    """The predictor of a fitted estimator."""
    fitted = estimator.coef_, estimator.intercept_, estimator.classes_
    return Predictor(type(estimator).__name__, *fitted, function)


@dataclass(frozen=True)
class CountCorrect:
    """Checks the labels of a chunk, and sums the weights of the rows predicted correctly."""

    predict: ChunkPredictor

    def __call__(self, chunk: Chunk) -> tuple[float, LabelSums]:
        """The sum, and the sums of all weights by label."""
        sums = label_sums(chunk.y, chunk.sample_weight)
        y, predicted = column_or_1d(chunk.y), self.predict(chunk)
        check_consistent_length(predicted, y)
        weights = check_weights(chunk.sample_weight, len(y), may_be_zeros=True)
        is_correct = predicted == y
        return float(is_correct.sum() if weights is None else weights @ is_correct), sums


def accuracy_in_chunks(estimator: Any, X: Any, y: Any, sample_weight: Any) -> float | None:
    """Weighted accuracy on rows in chunks; None for rows in memory.

    Raises
    ------
    ValueError
        If a chunk is not valid, its labels are of another type than the classes, or all weights
        are 0.
    """
    check_is_fitted(estimator)
    reader = chunk_reader(X, y, sample_weight)
    if reader is None:
        return None
    check_header(estimator, reader, reset=False)
    count = CountCorrect(ChunkPredictor(predictor_of(estimator, labels), reader.dtype))
    correct, sums = zip(*reader.map(count), strict=True)
    classes = distinct_labels([*sums, label_sums(estimator.classes_, None)])
    total = float(WeightTable.of(sums, classes, "sample_weight").sums.sum())
    return float(sum(correct)) / total
