"""The validation set: passed to `fit`, or held out from the training rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from math import ceil
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import entr
from sklearn.model_selection import train_test_split

from .._text import shown
from .._typing import Array
from ..chunk_targets import VALIDATION_LABELS, chunked_validation_labels, label_sums
from ..data import Centering, ChunkedDataset, ChunkReader, Reduction, as_dataset
from ..loss import cross_entropy
from ..objective import Objective
from ..penalty import ElasticNet
from ..targets import (
    LabelSet,
    check_weights,
    class_weight_sums,
    encode_labels,
    encode_with,
    renumber,
)
from .assembly import assemble
from .parameters import expand, unshifted


class ValidationScore(NamedTuple):
    """Mean loss and accuracy on the validation set."""

    loss: float
    accuracy: float


@dataclass(frozen=True)
class ValidationSet:
    """Validation data, on which the iterates are scored.

    Attributes
    ----------
    objective : Objective
        The mean loss on its rows, without a penalty.
    entropy : float
        Entropy of the weighted class frequencies: the mean loss of the best model
        without features.
    training_objective : Objective, optional
        J of the descent, given if the validation rows have classes that are absent from J. The
        validation loss is then over all classes.
    present : array of shape (n_classes,), optional
        Mask of the classes of J among all classes.
    """

    objective: Objective
    entropy: float
    training_objective: Objective | None = None
    present: NDArray[np.bool_] | None = None

    def score(self, w: Array) -> ValidationScore:
        """Mean loss and accuracy at w; one pass over the validation set."""
        if self.training_objective is not None and self.present is not None:
            n_features = self.objective.data.n_features
            # w has no column for the absent classes: centre the classes, then add the absent ones.
            penalty = replace(self.training_objective.penalty, n_features=n_features)
            w = unshifted(w, np.zeros_like(w), self.training_objective.loss, penalty, cost=0.0)
            weights, b = w[:n_features], w[n_features:].sum(axis=0)  # 0 without an intercept
            w = np.vstack(expand(weights, b, self.present))
        return ValidationScore(*self.objective.loss_and_accuracy(w))

    def in_coordinates_of(self, space: Reduction) -> ValidationSet:
        """The validation set for parameters in the reduced coordinates of the training rows."""
        data = self.objective.data
        if data.X is None:
            assert isinstance(
                space, Centering
            )  # the only reduction of rows in chunks or on a device
            return replace(self, objective=self.objective.on(data.subtract(space.offset)))
        share = data.share if isinstance(data.share, np.ndarray) else None
        reduced = as_dataset(space.transform(data.X), data.y, share, data.intercept)
        return replace(self, objective=self.objective.on(reduced))


class LabelledRows(NamedTuple):
    """Rows with their labels and sample weights."""

    X: Any
    y: NDArray[Any]
    sample_weight: ArrayLike | None


def validation_set_of(rows: LabelledRows, labels: LabelSet, objective: Objective) -> ValidationSet:
    """The validation set of labelled rows for a descent on ``objective``, J.

    Raises
    ------
    ValueError
        If a label does not occur in the training rows, or the weights are not valid.
    """
    codes = encode_with(rows.y, labels.all_classes, VALIDATION_LABELS)
    weights = check_weights(rows.sample_weight, len(rows.y), "sample_weight_val")
    share = None if weights is None else (weights / weights.sum())[:, np.newaxis]
    class_weights = class_weight_sums(codes, weights, len(labels.all_classes))
    entropy = float(entr(class_weights / class_weights.sum()).sum())
    n_classes, intercept = len(labels.classes), objective.data.intercept
    has_absent_classes = not labels.present[codes].all()
    if has_absent_classes:
        n_classes, intercept = len(labels.all_classes), True
    else:
        codes = renumber(codes, labels.present)
    validation_objective = assemble(rows.X, codes, share, n_classes, intercept)
    if has_absent_classes:
        return ValidationSet(validation_objective, entropy, objective, labels.present)
    return ValidationSet(validation_objective, entropy)


def chunked_validation_set_of(
    reader: ChunkReader, labels: LabelSet, objective: Objective
) -> ValidationSet:
    """The validation set of rows in chunks for a descent on ``objective``, J.

    Raises
    ------
    ValueError
        If a label does not occur in the training rows, or the weights are not valid.
    """
    sums = list(reader.map_labels(partial(label_sums, name="sample_weight_val")))
    validation = chunked_validation_labels(sums, labels, reader.dtype)
    entropy = float(entr(validation.class_shares).sum())
    has_absent_classes = len(validation.classes) > len(labels.classes)
    intercept = objective.data.intercept or has_absent_classes
    loss = cross_entropy(len(validation.classes))
    data = ChunkedDataset(reader, validation, loss.targets, intercept)
    validation_objective = Objective(data, loss, ElasticNet(0.0, 0.0, data.n_features))
    if has_absent_classes:
        return ValidationSet(validation_objective, entropy, objective, labels.present)
    return ValidationSet(validation_objective, entropy)


def hold_out(estimator: Any, rows: LabelledRows, seed: int) -> tuple[Array, LabelledRows]:
    """Hold out a stratified ``validation_fraction`` of the rows, at least as many as classes.

    The training rows are not copied: the held-out rows get the sample weight 0 instead. Every
    class keeps a training row, and rows of weight 0 are not held out.

    Parameters
    ----------
    estimator : GDLogisticRegression
    rows : LabelledRows
    seed : int

    Returns
    -------
    weights : array of shape (n_rows,)
        Sample weights of all rows, 0 for the held-out rows.
    held_out : LabelledRows
        The held-out rows, in order.
    """
    fraction = estimator.validation_fraction
    labels = encode_labels(estimator, rows.y, rows.sample_weight, estimator.class_weight)
    weights = check_weights(rows.sample_weight, len(rows.y))
    training_weights = np.ones(len(rows.y)) if weights is None else weights.copy()
    candidates = (
        np.arange(len(training_weights)) if labels.share is None else np.flatnonzero(labels.share)
    )
    codes = labels.codes[candidates]
    size = max(ceil(fraction * len(candidates)), len(labels.classes))
    try:
        index = train_test_split(candidates, test_size=size, stratify=codes, random_state=seed)[1]
    except ValueError as error:
        raise ValueError(
            f"early_stopping=True holds out validation_fraction={shown(fraction)} of every class, "
            f"which these rows do not allow: {error} Pass X_val and y_val, or another fraction."
        ) from error
    index.sort()
    # A class of which every row was drawn keeps its first row for training.
    drawn, first, counts = np.unique(labels.codes[index], return_index=True, return_counts=True)
    index = np.delete(index, first[counts == np.bincount(codes)[drawn]])
    training_weights[index] = 0
    held_out_weights = None if weights is None else weights[index]
    held_out = LabelledRows(rows.X[index], rows.y[index], held_out_weights)
    return training_weights, held_out
