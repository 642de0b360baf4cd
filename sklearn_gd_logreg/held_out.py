"""Rows that the descent does not see, by which its iterates are judged."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import train_test_split
from sklearn.utils.multiclass import check_classification_targets

from ._typing import Array
from .data import Reduction, as_dataset
from .objective import Objective
from .penalty import ElasticNet
from .targets import check_weights, place


class Verdict(NamedTuple):
    """Mean loss and accuracy on rows held out."""

    loss: float
    accuracy: float


@dataclass(frozen=True)
class HeldOut:
    """Rows held out of the descent.

    Attributes
    ----------
    objective : Objective
        The mean loss on them, without a penalty.
    """

    objective: Objective

    def judge(self, w: Array) -> Verdict:
        """Mean loss and accuracy at w; one pass over the rows held out."""
        return Verdict(*self.objective.loss_and_accuracy(w))

    def seen_from(self, space: Reduction) -> HeldOut:
        """The same for parameters in the coordinates of a descent on the other rows."""
        data = self.objective.data
        share = data.share if isinstance(data.share, np.ndarray) else None
        rows = as_dataset(space.coordinates(data.X), data.y, share, data.intercept)
        return HeldOut(self.objective.on(rows))


class Labelled(NamedTuple):
    """Rows with their labels and sample weights."""

    X: Any
    y: NDArray[Any]
    sample_weight: ArrayLike | None


def held_out(rows: Labelled, classes: NDArray[Any], objective: Objective) -> HeldOut:
    """Rows held out of an objective, held against its classes.

    Raises
    ------
    ValueError
        If there is a label that no other row has, or the weights are not valid.
    """
    codes = place(rows.y, classes, "y_val must hold no labels but those of the training rows")
    weights = check_weights(rows.sample_weight, len(rows.y), "sample_weight_val")
    share = None if weights is None else (weights / weights.sum())[:, np.newaxis]
    data = as_dataset(rows.X, objective.loss.targets(codes), share, objective.data.intercept)
    return HeldOut(Objective(data, objective.loss, ElasticNet(0.0, 0.0, data.n_features)))


def hold_out(rows: Labelled, fraction: float, seed: int) -> tuple[Array, Labelled]:
    """Hold out a part of the rows of every class, and at least as many rows as classes.

    The rows that stay are not copied: those that leave get the weight 0, with which they
    are as good as absent.

    Parameters
    ----------
    rows : Labelled
    fraction : float
    seed : int

    Returns
    -------
    weights : array of shape (n_rows,)
        Sample weights of all rows, 0 for those held out.
    others : Labelled
        The rows held out, in order.
    """
    check_classification_targets(rows.y)
    weights = check_weights(rows.sample_weight, len(rows.y))
    kept = np.ones(len(rows.y)) if weights is None else weights.copy()
    there = np.flatnonzero(kept)
    labels = rows.y[there]
    size = max(ceil(fraction * len(there)), len(np.unique(labels)))
    try:
        index = train_test_split(there, test_size=size, stratify=labels, random_state=seed)[1]
    except ValueError as error:
        raise ValueError(
            f"early_stopping=True holds out validation_fraction={fraction!r} of every class, which "
            f"these rows do not allow: {error} Pass X_val and y_val, or another fraction."
        ) from error
    index.sort()
    kept[index] = 0
    held = Labelled(rows.X[index], rows.y[index], None if weights is None else weights[index])
    return kept, held
