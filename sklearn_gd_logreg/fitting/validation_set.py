"""Rows that the descent does not see, by which its iterates are judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import entr
from sklearn.model_selection import train_test_split

from .._text import shown
from .._typing import Array
from ..data import Reduction, as_dataset
from ..objective import Objective
from ..targets import Labels, among, check_weights, class_mass, label_rows, place
from .assembly import assemble
from .parameters import expand, unshifted


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
    entropy : float
        The least mean loss of a model that gives all rows the same probabilities.
    learnt : Objective, optional
        J of the descent, if they hold classes that are absent from it. The loss is then over
        all classes.
    present : array of shape (n_classes,), optional
        Which of all classes J is over.
    """

    objective: Objective
    entropy: float
    learnt: Objective | None = None
    present: NDArray[np.bool_] | None = None

    def judge(self, w: Array) -> Verdict:
        """Mean loss and accuracy at w; one pass over the rows held out."""
        if self.learnt is not None and self.present is not None:
            n_features = self.objective.data.n_features
            penalty = replace(self.learnt.penalty, n_features=n_features)
            w = unshifted(w, np.zeros_like(w), self.learnt.loss, penalty, cost=0.0)
            weights, b = w[:n_features], w[n_features:].sum(axis=0)  # 0 without an intercept
            w = np.vstack(expand(weights, b, self.present))
        return Verdict(*self.objective.loss_and_accuracy(w))

    def seen_from(self, space: Reduction) -> HeldOut:
        """The same for parameters in the coordinates of a descent on the other rows."""
        data = self.objective.data
        share = data.share if isinstance(data.share, np.ndarray) else None
        rows = as_dataset(space.coordinates(data.X), data.y, share, data.intercept)
        return replace(self, objective=self.objective.on(rows))


class Labelled(NamedTuple):
    """Rows with their labels and sample weights."""

    X: Any
    y: NDArray[Any]
    sample_weight: ArrayLike | None


def held_out(rows: Labelled, labels: Labels, objective: Objective) -> HeldOut:
    """Rows held out of an objective, held against the labels of its rows.

    Raises
    ------
    ValueError
        If there is a label that no other row has, or the weights are not valid.
    """
    rule = "y_val must hold no labels but those of the training rows"
    codes = place(rows.y, labels.known, rule)
    weights = check_weights(rows.sample_weight, len(rows.y), "sample_weight_val")
    share = None if weights is None else (weights / weights.sum())[:, np.newaxis]
    mass = class_mass(codes, weights, len(labels.known))
    entropy = float(entr(mass / mass.sum()).sum())
    n_classes, intercept = len(labels.classes), objective.data.intercept
    strangers = not labels.present[codes].all()
    if strangers:
        n_classes, intercept = len(labels.known), True
    else:
        codes = among(codes, labels.present)
    judged = assemble(rows.X, codes, share, n_classes, intercept)
    if strangers:
        return HeldOut(judged, entropy, objective, labels.present)
    return HeldOut(judged, entropy)


def hold_out(
    owner: object,
    rows: Labelled,
    class_weight: Mapping[Any, float] | str | None,
    fraction: float,
    seed: int,
) -> tuple[Array, Labelled]:
    """Hold out a part of the rows of every class, and at least as many rows as classes.

    The rows that stay are not copied: those that leave get the weight 0, with which they
    are as good as absent. Every class keeps a row, and rows of weight 0 are not held out.

    Parameters
    ----------
    owner : estimator
    rows : Labelled
    class_weight : dict, "balanced" or None
    fraction : float
    seed : int

    Returns
    -------
    weights : array of shape (n_rows,)
        Sample weights of all rows, 0 for those held out.
    others : Labelled
        The rows held out, in order.
    """
    labels = label_rows(owner, rows.y, rows.sample_weight, class_weight)
    weights = check_weights(rows.sample_weight, len(rows.y))
    kept = np.ones(len(rows.y)) if weights is None else weights.copy()
    there = np.arange(len(kept)) if labels.share is None else np.flatnonzero(labels.share)
    codes = labels.codes[there]
    size = max(ceil(fraction * len(there)), len(labels.classes))
    try:
        index = train_test_split(there, test_size=size, stratify=codes, random_state=seed)[1]
    except ValueError as error:
        raise ValueError(
            f"early_stopping=True holds out validation_fraction={shown(fraction)} of every class, "
            f"which these rows do not allow: {error} Pass X_val and y_val, or another fraction."
        ) from error
    index.sort()
    out, first, counts = np.unique(labels.codes[index], return_index=True, return_counts=True)
    index = np.delete(index, first[counts == np.bincount(codes)[out]])
    kept[index] = 0
    held = Labelled(rows.X[index], rows.y[index], None if weights is None else weights[index])
    return kept, held
