"""From labels and weights to class numbers and shares of the mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.class_weight import compute_class_weight

from ._typing import Array
from .validation import invalid, numbers


@dataclass(frozen=True)
class Labels:
    """The labels of the rows, as the objective wants them.

    Attributes
    ----------
    classes : array of shape (n_classes,)
        Sorted labels that occur in a row of non-zero weight.
    codes : array of shape (n_rows,)
        Place of each label in ``classes``; of no meaning where the weight is 0.
    share : array of shape (n_rows, 1) or None
        Weights divided by their sum; None if all rows count alike.
    total : float
        Σ s, the sum of sample weight × class weight.
    """

    classes: NDArray[Any]
    codes: NDArray[np.intp]
    share: Array | None
    total: float


def label_rows(
    owner: object,
    y: NDArray[Any],
    sample_weight: ArrayLike | None,
    class_weight: Mapping[Any, float] | str | None,
) -> Labels:
    """Encode the labels and settle the weights.

    A row of weight 0 is as good as absent: a class that occurs in no other rows is
    no class. Class weights "balanced" count rows by their sample weights, so that a
    weight of k is k copies of the row here too.

    Raises
    ------
    ValueError
        If fewer than two classes are left, or weights are not finite, not of the
        length of y, negative, or all 0.
    """
    classes, codes = np.unique(y, return_inverse=True)
    weights = check_weights(sample_weight, len(y))
    mass: Array = np.bincount(codes, weights=weights).astype(np.float64)
    classes, codes, mass = drop_absent(classes, codes, mass)
    if class_weight is not None:
        factors = class_factors(owner, class_weight, classes, mass)
        weights = factors[codes] if weights is None else weights * factors[codes]
        classes, codes, mass = drop_absent(classes, codes, mass * factors)
        if not np.isfinite(weights.sum()):
            allowed = "a dict of weights whose sum over the rows is finite"
            raise invalid(owner, "class_weight", class_weight, allowed)
    if len(classes) < 2:
        raise ValueError(
            f"{type(owner).__name__} needs rows of at least 2 classes, but the rows of non-zero "
            f"weight hold only one class: {classes.tolist()[0]!r}."
        )
    total = float(len(y) if weights is None else weights.sum())
    share = None if weights is None else (weights / total)[:, np.newaxis]
    return Labels(classes, codes, share, total)


def check_weights(sample_weight: ArrayLike | None, n_rows: int) -> Array | None:
    """Sample weights as float64 of shape (n_rows,), or None."""
    if sample_weight is None:
        return None
    if isinstance(sample_weight, Real):
        sample_weight = np.full(n_rows, float(sample_weight))
    weights = numbers("sample_weight", sample_weight)
    if weights.shape != (n_rows,):
        raise ValueError(f"sample_weight.shape == {weights.shape}, expected {(n_rows,)}!")
    if weights.min() < 0:
        raise ValueError(f"sample_weight must be >= 0 everywhere. Got {weights.min()!r} instead.")
    if not np.isfinite(weights.sum()):
        raise ValueError("sample_weight must have a finite sum. Got inf instead.")
    if not weights.any():
        raise ValueError("sample_weight must be > 0 for at least one row. Got only zeros.")
    return weights


def class_factors(
    owner: object,
    class_weight: Mapping[Any, float] | str,
    classes: NDArray[Any],
    mass: Array,
) -> Array:
    """The weight of every class."""
    if class_weight == "balanced":
        return mass.sum() / (len(classes) * mass)
    try:
        factors = compute_class_weight(class_weight, classes=classes, y=classes)
    except (TypeError, ValueError) as error:
        allowed = f"a dict with a weight for each of the classes {classes.tolist()}"
        raise invalid(owner, "class_weight", class_weight, allowed) from error
    if not (np.isfinite(factors).all() and (factors >= 0).all() and factors.any()):
        raise invalid(
            owner, "class_weight", class_weight, "a dict of finite weights >= 0, not all 0"
        )
    return factors


def drop_absent(
    classes: NDArray[Any], codes: NDArray[np.intp], mass: Array
) -> tuple[NDArray[Any], NDArray[np.intp], Array]:
    """Leave out the classes without mass."""
    present = mass > 0
    if present.all():
        return classes, codes, mass
    renumbered = np.maximum(np.cumsum(present) - 1, 0)
    return classes[present], renumbered[codes], mass[present]
