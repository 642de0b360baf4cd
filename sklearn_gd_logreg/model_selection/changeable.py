"""The optimisation error of a model, and what it can mean for its predictions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.class_weight import compute_sample_weight

from .._typing import Array


def changeable(proba: Array, y: NDArray[Any], class_weight: Any, gap: float) -> int:
    r"""At most how many predictions the rest of the descent can change.

    J is convex and the cross-entropy a Bregman divergence, so with a\* the probabilities
    at the minimum, and shares of the rows that sum to 1,

    .. math:: \sum_i \text{share}_i \, KL(a^*_i \| a_i) \le J - J^* \le \text{gap}.

    The class that is predicted for a row, with probability p, gives way to the next, with
    probability q, only if KL is at least −log(1 − (√p − √q)²), which is what the nearest
    distribution costs in which both are as likely. The gap pays for the cheapest rows
    first.

    Parameters
    ----------
    proba : array of shape (n_samples, n_classes)
        Predicted probabilities.
    y : array of shape (n_samples,)
        Labels, which the class weights go by.
    class_weight : dict, "balanced" or None
        That of the model.
    gap : float
        Upper bound on J − J\*.

    Returns
    -------
    int

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_gd_logreg.model_selection.changeable import changeable
    >>> proba = np.array([[0.5, 0.5], [0.4, 0.6], [0.1, 0.9]])
    >>> [changeable(proba, np.array([0, 1, 1]), None, gap) for gap in (0.0, 0.01, 1.0)]
    [1, 2, 3]
    """
    share: Array = compute_sample_weight(class_weight, y)
    share = share / share.sum()
    a: Array = np.sort(np.asarray(proba, dtype=float), axis=1)
    q, p = a[:, -2], a[:, -1]
    with np.errstate(divide="ignore"):
        price: Array = -np.log(np.clip(1 - (np.sqrt(p) - np.sqrt(q)) ** 2, 0, 1))
    dearest_last = np.sort(share * price)
    return int(np.searchsorted(np.cumsum(dearest_last), gap, side="right"))
