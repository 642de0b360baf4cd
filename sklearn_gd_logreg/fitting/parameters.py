"""Parameters of a descent to those of a model and back: absent classes, the common shift.

J is a cost over the classes that are present: those with a row of non-zero weight. A model has
scores for all labels in y. An absent class gets the weights 0 and the intercept `ABSENT`, so that
its probability is 0. Two present classes of more are one score z in J, and ∓z/2 in the model.

Parameters come here as w, one row a feature and one column a score, and b, the intercept of each
score, which is 0 without ``fit_intercept``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .._typing import Array
from ..loss import CrossEntropy
from ..penalty import ElasticNet

ABSENT = -1e6
"""Intercept of an absent class. The highest score of the others is 0 or more where they are
centred, so the probability is exp(-1e6) at most, which is 0; and nothing overflows."""

MAX_PENALTY_CHANGE = 1e-10
"""Fraction of J up to which a change of the penalty counts as rounding."""

Parameters = tuple[Array, Array]


def expand(w: Array, b: Array, present: NDArray[np.bool_]) -> Parameters:
    """Parameters of the present classes as parameters of all."""
    if present.all():
        return w, b
    n_present = int(np.count_nonzero(present))
    by_class = np.zeros((len(w), len(present)), w.dtype)
    by_class[:, present] = per_class(w, n_present)
    intercepts = np.full(len(present), ABSENT, b.dtype)
    intercepts[present] = per_class(b, n_present)
    return per_score(by_class), per_score(intercepts)


def reduce(w: Array, b: Array, present: NDArray[np.bool_]) -> Parameters:
    """Parameters of all classes as parameters of the present ones; 0 where that is only one."""
    if present.all():
        return w, b
    if np.count_nonzero(present) == 1:
        return np.zeros((len(w), 1), w.dtype), np.zeros(1, b.dtype)
    by_class, intercepts = per_class(w, len(present)), per_class(b, len(present))
    return per_score(by_class[:, present]), per_score(intercepts[present])


def without_absent(b: Array, absent: NDArray[np.bool_]) -> Array:
    """The intercepts of a warm start: 0 for classes absent from the previous fit."""
    if not absent.any():
        return b
    return np.where(absent, 0, b).astype(b.dtype) if len(b) > 1 else np.zeros_like(b)


def absent_in(w: Array, b: Array) -> NDArray[np.bool_]:
    """Mask of the classes that were absent from the fit of a model, from its parameters."""
    unused = ~w.any(axis=0)
    if len(b) > 1:
        return unused & (b == ABSENT)
    return np.concatenate([unused & (b == -ABSENT), unused & (b == ABSENT)])


def unshifted(
    w: Array, start: Array, loss: CrossEntropy, penalty: ElasticNet, cost: float
) -> Array:
    """The parameters without the common shift of all scores that the descent has added.

    This centres a descent from 0. Weights whose penalty the shift changes keep it: L1 prefers
    another shift, and L2 none, which the descent converges to. The intercept is always centred.

    Parameters
    ----------
    w, start : arrays of shape (n_parameters, n_outputs)
        The parameters and the start of the descent.
    loss : CrossEntropy
    penalty : ElasticNet
        Its ``n_features`` are the weights among the parameters.
    cost : float
        About J.
    """
    moved = w - start
    shift = moved - loss.center_classes(moved)
    if not shift.any():
        return w
    centred: Array = w - shift
    change = abs(penalty.value(centred) - penalty.value(w)) if not penalty.l1 else np.inf
    if change and not change <= MAX_PENALTY_CHANGE * cost < np.inf:
        centred[: penalty.n_features] = w[: penalty.n_features]
    return centred


def per_class(v: Array, n_classes: int) -> Array:
    """One column for each class, a copy: two classes get ∓z/2 from their score z."""
    return np.concatenate([0 - v / 2, v / 2], axis=-1) if n_classes == 2 else v.copy()


def per_score(v: Array) -> Array:
    """One column for each score: two classes have one."""
    return v[..., 1:] - v[..., :1] if v.shape[-1] == 2 else v
