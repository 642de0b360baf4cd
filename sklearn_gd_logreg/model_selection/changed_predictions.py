"""The number of predictions that an optimisation error may change."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.class_weight import compute_sample_weight

from .._typing import Array


def max_changed_predictions(proba: Array, y: NDArray[Any], class_weight: Any, gap: float) -> int:
    r"""Bound the number of predictions that differ at the minimum of J.

    J is convex and the cross-entropy a Bregman divergence, so with a\* the probabilities
    at the minimum, and weights of the rows that sum to 1,

    .. math:: \sum_i \text{weight}_i \, KL(a^*_i \| a_i) \le J - J^* \le \text{gap}.

    Let p and q be the two largest probabilities of a row. Its prediction changes only if KL is
    at least −log(1 − (√p − √q)²), the divergence of the nearest distribution with two equal
    largest probabilities. The bound is the largest number of rows whose weighted divergences
    sum to at most the gap.

    Parameters
    ----------
    proba : array of shape (n_samples, n_classes)
        Predicted probabilities.
    y : array of shape (n_samples,)
        Labels, for the class weights.
    class_weight : dict, "balanced" or None
        Class weights of the model.
    gap : float
        Upper bound on J − J\*.

    Returns
    -------
    int
        Largest number of changed predictions.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_gd_logreg.model_selection.changed_predictions import max_changed_predictions
    >>> proba = np.array([[0.5, 0.5], [0.4, 0.6], [0.1, 0.9]])
    >>> [max_changed_predictions(proba, np.array([0, 1, 1]), None, gap) for gap in (0.0, 0.01, 1.0)]
    [1, 2, 3]
    """
    weight: Array = compute_sample_weight(class_weight, y)
    weight = weight / weight.sum()
    a: Array = np.sort(np.asarray(proba, dtype=float), axis=1)
    q, p = a[:, -2], a[:, -1]
    with np.errstate(divide="ignore"):
        cost: Array = -np.log(np.clip(1 - (np.sqrt(p) - np.sqrt(q)) ** 2, 0, 1))
    costs = np.sort(weight * cost)
    return int(np.searchsorted(np.cumsum(costs), gap, side="right"))
