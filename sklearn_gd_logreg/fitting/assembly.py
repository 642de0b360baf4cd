"""From checked data and the parameters of a model to the cost J and its starting point."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._namespace import to_numpy
from .._typing import Array
from ..chunk_targets import ChunkedLabels
from ..data import ChunkedDataset, ChunkReader, as_dataset
from ..loss import cross_entropy
from ..objective import Objective
from ..penalty import ElasticNet
from ..targets import Labels, LabelSet, listed
from ..validation import check_finite, invalid
from .parameters import absent_in, reduce, without_absent

MAX_STRENGTH = float(np.finfo(np.float64).max)


def assemble(
    X: Any,
    codes: NDArray[np.signedinteger],
    share: Array | None,
    n_classes: int,
    fit_intercept: bool,
    l2: float = 0.0,
    l1: float = 0.0,
) -> Objective:
    """The mean loss of rows with these class numbers and shares of the weight, plus a penalty."""
    loss = cross_entropy(n_classes)
    data = as_dataset(X, loss.targets(codes), share, fit_intercept)
    return Objective(data, loss, ElasticNet(l2, l1, data.n_features))


def cost_of(estimator: Any, X: Any, labels: Labels, C: float, l1_ratio: float) -> Objective:
    """J of a logistic regression on rows with these labels: scikit-learn's cost over C Σs.

    Raises
    ------
    ValueError
        If 1 / (C Σs) overflows.
    """
    l2, l1 = penalty_strengths(estimator, labels, C, l1_ratio)
    intercept = bool(estimator.fit_intercept)
    return assemble(X, labels.codes, labels.share, len(labels.classes), intercept, l2, l1)


def cost_in_chunks(estimator: Any, reader: ChunkReader, labels: ChunkedLabels) -> Objective:
    """J of an estimator on rows in chunks.

    Raises
    ------
    ValueError
        If 1 / (C Σs) overflows.
    """
    l2, l1 = penalty_strengths(estimator, labels, float(estimator.C), float(estimator.l1_ratio))
    loss = cross_entropy(len(labels.classes))
    data = ChunkedDataset(reader, labels, loss.targets, bool(estimator.fit_intercept))
    return Objective(data, loss, ElasticNet(l2, l1, data.n_features))


def penalty_strengths(
    estimator: Any, labels: LabelSet, C: float, l1_ratio: float
) -> tuple[float, float]:
    """The factors of the L2 and the L1 part in J.

    Raises
    ------
    ValueError
        If 1 / (C Σs) overflows.
    """
    strength = 1 / max(C * labels.total, 5e-324)
    if strength > MAX_STRENGTH:
        raise invalid(estimator, "C", C, "so large that 1 / (C · sum of weights) is finite")
    return (1 - l1_ratio) * strength, l1_ratio * strength


def initial_parameters(
    estimator: Any,
    objective: Objective,
    labels: LabelSet,
    continues: bool,
    coef_init: ArrayLike | None = None,
    intercept_init: ArrayLike | None = None,
) -> Array:
    """w_0, of shape (n_features + fit_intercept, n_outputs), in the precision of X.

    It is 0, that of the previous fit where the fit ``continues`` it, or as given.
    """
    n_features = objective.data.n_features
    n_outputs = 1 if len(labels.all_classes) == 2 else len(labels.all_classes)
    coef: Array = np.zeros((n_outputs, n_features))
    intercept: Array = np.zeros(n_outputs)
    if continues:
        if not np.array_equal(classes := to_numpy(estimator.classes_), labels.all_classes):
            raise ValueError(
                f"warm_start=True needs the classes of the previous fit, "
                f"{listed(classes)}. Got {listed(labels.all_classes)} instead."
            )
        coef, intercept = to_numpy(estimator.coef_), to_numpy(estimator.intercept_)
    if coef_init is not None:
        coef = check_initial("coef_init", coef_init, coef.shape)
    if intercept_init is not None:
        if not estimator.fit_intercept:
            raise ValueError("intercept_init must be None with fit_intercept=False.")
        intercept = check_initial("intercept_init", intercept_init, intercept.shape)
    intercept = without_absent(intercept, absent_in(coef.T, intercept))
    weights, b = reduce(coef.T, intercept, labels.present)
    rows = [weights, b[np.newaxis]] if estimator.fit_intercept else [weights]
    return np.vstack(rows).astype(objective.data.dtype)


def check_initial(name: str, value: ArrayLike, shape: tuple[int, ...]) -> Array:
    """A starting value as an array of the shape asked; a single row may be 1-D."""
    array = check_finite(name, to_numpy(value))
    if shape[0] == 1 and array.shape == shape[1:]:
        array = array[np.newaxis]
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}. Got {array.shape} instead.")
    return array
