"""Encoding of labels as class numbers, and of weights as shares."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray
from sklearn.utils.multiclass import check_classification_targets

from ._text import shown
from ._typing import Array
from .validation import check_finite, invalid

ROWS_PER_BLOCK = 1 << 15
"""Rows in a block: temporaries are no longer than this."""

ROWS_TO_FIND_LABELS = 10_000
"""Size of the sample of rows whose distinct labels are sorted."""

MAX_LABELS_TO_COMPARE = 8
"""Number of labels up to which comparisons are faster than binary search."""


class LabelSet(ABC):
    """The classes of a fit and their weights.

    Attributes
    ----------
    all_classes : array of shape (n_all_classes,)
        Sorted distinct labels in y: the classes of the model.
    present : array of shape (n_all_classes,)
        Whether a class has a row of non-zero weight.
    total : float
        Σ s, the sum of sample weight × class weight.
    """

    all_classes: NDArray[Any]
    present: NDArray[np.bool_]
    total: float

    @property
    def classes(self) -> NDArray[Any]:
        """The classes with rows of non-zero weight: the classes in J."""
        return self.all_classes[self.present]

    @property
    @abstractmethod
    def class_shares(self) -> Array:
        """Fraction of the total weight of each class in J."""


@dataclass(frozen=True)
class Labels(LabelSet):
    """Encoded labels and weights of rows in memory.

    Attributes
    ----------
    all_classes : array of shape (n_all_classes,)
        Sorted distinct labels in y: the classes of the model.
    present : array of shape (n_all_classes,)
        Whether a class has a row of non-zero weight.
    codes : array of shape (n_rows,)
        Index of each label in ``classes``, in the smallest signed integer type. Arbitrary
        for rows of weight 0.
    share : array of shape (n_rows, 1) or None
        Weights divided by their sum; None if they are equal.
    total : float
        Σ s, the sum of sample weight × class weight.
    """

    all_classes: NDArray[Any]
    present: NDArray[np.bool_]
    codes: NDArray[np.signedinteger]
    share: Array | None
    total: float

    @property
    def class_shares(self) -> Array:
        share = None if self.share is None else self.share[:, 0]
        mass = class_weight_sums(self.codes, share, len(self.classes))
        return np.asarray(mass[mass > 0] / mass.sum())


def encode_labels(
    owner: object,
    y: NDArray[Any],
    sample_weight: ArrayLike | None,
    class_weight: Mapping[Any, float] | str | None,
    dtype: DTypeLike = np.float64,
) -> Labels:
    """Encode the labels and compute the shares, in ``dtype``.

    A class whose rows all have weight 0 has no part in J. Class weights "balanced" use sums of
    sample weights, so that a weight of k equals k copies of the row.

    Raises
    ------
    ValueError
        If the labels are not those of a classification or have fewer than two classes, or if
        the weights are not finite, have another length than y, are negative, or are all 0.
    """
    classes, codes = encode(y)
    require_two_classes(owner, classes)
    weights = check_weights(sample_weight, len(y))
    if weights is None and class_weight is None:
        return Labels(classes, np.ones(len(classes), np.bool_), codes, None, float(len(y)))
    weight_sums = class_weight_sums(codes, weights, len(classes))
    factors = class_factors(owner, class_weight, classes, weight_sums)
    weight_sums *= factors
    total = total_weight(owner, class_weight, weight_sums)
    share, present = shares(codes, weights, factors, total, dtype), weight_sums > 0
    return Labels(classes, present, renumber(codes, present), share, total)


def require_two_classes(owner: object, classes: NDArray[Any]) -> None:
    """Raise if there are not two."""
    if len(classes) < 2:
        raise ValueError(
            f"{type(owner).__name__} needs rows of at least 2 classes, but the data hold only "
            f"one class: {shown(listed(classes)[0])}."
        )


def total_weight(
    owner: object, class_weight: Mapping[Any, float] | str | None, weight_sums: Array
) -> float:
    """Sum of sample weight × class weight; raise if it is 0 or not finite."""
    total = float(weight_sums.sum())
    if not 0 < total < np.inf:
        allowed = "a dict of weights whose sum over the rows is finite, and not 0"
        raise invalid(owner, "class_weight", class_weight, allowed)
    return total


# -- labels ----------------------------------------------------------------------------


def encode(y: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.signedinteger]]:
    """Return the sorted distinct labels, and the index of each label in them.

    The result is that of `numpy.unique`, without sorting y: the distinct labels of a sample
    are sorted, and the labels of all rows are searched in them. If a label is not in the
    sample, y is sorted.

    Raises
    ------
    ValueError
        If `sklearn.utils.multiclass.check_classification_targets` does, or a label is NaT.
    """
    check_label_type(y)
    classes = np.unique(y[:: max(1, len(y) // ROWS_TO_FIND_LABELS)])
    codes = search(y, classes)
    if codes is None:
        classes = np.unique(y)
        codes = search(y, classes)
    if codes is None:  # labels that do not equal themselves
        classes, codes = np.unique(y, return_inverse=True)
    check_labels(y, classes)
    return classes, codes


def search(y: NDArray[Any], classes: NDArray[Any]) -> NDArray[np.signedinteger] | None:
    """Return the index of each label in ``classes``; None if a label is missing there."""
    codes = np.empty(len(y), dtype=np.min_scalar_type(-len(classes)))
    method = by_comparison if len(classes) <= MAX_LABELS_TO_COMPARE else by_binary_search
    for rows in row_blocks(len(y)):
        codes[rows], complete = method(y[rows], classes)
        if not complete:
            return None
    return codes


def encode_with(y: NDArray[Any], classes: NDArray[Any], rule: str) -> NDArray[np.signedinteger]:
    """Return the index of each label in ``classes``; raise, quoting ``rule``, if one is missing."""
    kinds = y.dtype.kind + classes.dtype.kind
    comparable = "O" in kinds or kinds[0] == kinds[1] or set(kinds) <= set("biuf")
    try:
        codes = search(y, classes) if comparable else None
    except TypeError:  # objects of several kinds do not sort
        codes = None
    if codes is None:
        known = listed(classes)
        unseen = [label for label in dict.fromkeys(listed(y)) if label not in known]
        raise ValueError(f"{rule}, {shown(known)}. Got {shown(unseen)} as well.")
    return codes


def listed(labels: NDArray[Any]) -> list[Any]:
    """Return the labels as a list, for an error message."""
    labels = labels.astype(str) if labels.dtype.kind in "mM" else labels
    return list(labels.tolist())


def by_comparison(y: NDArray[Any], classes: NDArray[Any]) -> tuple[NDArray[np.int8], bool]:
    """Return the indices by comparison with each class, and whether every label is found."""
    codes, n_found = np.zeros(len(y), dtype=np.int8), 0
    for index, label in enumerate(classes):
        equal = y == label
        n_found += int(np.count_nonzero(equal))
        codes += equal * np.int8(index)
    return codes, n_found == len(y)


def by_binary_search(y: NDArray[Any], classes: NDArray[Any]) -> tuple[NDArray[np.intp], bool]:
    """Return the indices by binary search, and whether every label is found."""
    codes = np.minimum(np.searchsorted(classes, y), len(classes) - 1)
    return codes, bool((classes[codes] == y).all())


def check_label_type(y: NDArray[Any]) -> None:
    """Raise if the first of an array of objects is not a label: it may not be sortable."""
    if y.dtype == object:
        check_classification_targets(y[:1])


def check_labels(y: NDArray[Any], classes: NDArray[Any]) -> None:
    """Call `check_classification_targets` where it can raise or warn.

    It reads y several times, but the result depends only on the distinct labels and on
    whether they are more than half as many as the rows.
    """
    kind = classes.dtype.kind
    if kind in "mM" and np.isnat(classes).any():
        raise ValueError("Input y contains NaT.")
    integral = kind == "f" and np.array_equal(classes, classes.astype(np.int64))
    if not (integral or kind in "biuUO") or 2 * len(classes) > len(y):
        check_classification_targets(y)


# -- weights ---------------------------------------------------------------------------


def check_weights(
    sample_weight: ArrayLike | None,
    n_rows: int,
    name: str = "sample_weight",
    may_be_zeros: bool = False,
) -> Array | None:
    """Return sample weights as float64 of shape (n_rows,), or None; errors contain ``name``."""
    if sample_weight is None:
        return None
    if isinstance(sample_weight, Real):
        sample_weight = np.broadcast_to(float(sample_weight), n_rows)
    weights = check_finite(name, sample_weight)
    if weights.shape != (n_rows,):
        raise ValueError(f"{name}.shape == {weights.shape}, expected {(n_rows,)}!")
    if weights.min(initial=0.0) < 0:
        raise ValueError(f"{name} must be >= 0 everywhere. Got {shown(weights.min())} instead.")
    if not np.isfinite(weights.sum()):
        raise ValueError(f"{name} must have a finite sum. Got inf instead.")
    if not (may_be_zeros or weights.any()):
        raise ValueError(f"{name} must be > 0 for at least one row. Got only zeros.")
    return weights


def class_weight_sums(
    codes: NDArray[np.signedinteger], weights: Array | None, n_classes: int
) -> Array:
    """Sum of the weights of the rows of each class."""
    sums = np.zeros(n_classes)
    for rows in row_blocks(len(codes)):
        block = None if weights is None else weights[rows]
        sums += np.bincount(codes[rows], weights=block, minlength=n_classes)
    return sums


def class_factors(
    owner: object,
    class_weight: Mapping[Any, float] | str | None,
    classes: NDArray[Any],
    weight_sums: Array,
) -> Array:
    """Class weight of each class; 1 for classes that are not keys of a dict.

    As in `sklearn.utils.class_weight.compute_class_weight`, a key that is not a label is an
    error unless every label is a key.
    """
    if class_weight is None:
        return np.ones(len(classes))
    if class_weight == "balanced":
        present = weight_sums > 0
        n_present = np.count_nonzero(present)
        balanced = weight_sums.sum() / (n_present * np.where(present, weight_sums, 1))
        return np.where(present, balanced, 0.0)
    assert isinstance(class_weight, Mapping)
    factors, is_key = np.ones(len(classes)), np.zeros(len(classes), np.bool_)
    unknown = []
    for key, weight in class_weight.items():
        equal = equal_to_key(key, classes)
        is_key |= equal
        if not equal.any():
            unknown.append(key)
            continue
        try:
            factors[equal] = float(weight)
        except (TypeError, ValueError) as error:
            raise invalid(owner, "class_weight", class_weight, "a dict of numbers") from error
    if unknown and not is_key.all():
        allowed = (
            f"a dict whose keys are among the labels {listed(classes)}, which {unknown!r} are not"
        )
        raise invalid(owner, "class_weight", class_weight, allowed)
    if not (np.isfinite(factors).all() and (factors >= 0).all() and factors.any()):
        raise invalid(
            owner, "class_weight", class_weight, "a dict of finite weights >= 0, not all 0"
        )
    return factors


def equal_to_key(key: object, classes: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether each label equals a key of a dict."""
    if classes.dtype.kind == "M" and isinstance(key, date) and getattr(key, "tzinfo", None) is None:
        key = np.datetime64(key)  # equal in any unit
    if not isinstance(key, tuple):
        equal = np.asarray(classes == key)
        if equal.shape == classes.shape and equal.dtype == np.bool_:
            return equal
    return np.zeros(len(classes), np.bool_)


def shares(
    codes: NDArray[np.signedinteger],
    weights: Array | None,
    factors: Array,
    total: float,
    dtype: DTypeLike,
) -> Array | None:
    """Return sample weight × class weight / total as a column; None if they are equal."""
    equal = weights is None or weights.min() == weights.max()
    if equal and factors.min() == factors.max():
        return None
    share = np.empty((len(codes), 1), dtype)
    for rows in row_blocks(len(codes)):
        by_class = factors[codes[rows]]
        weight = by_class if weights is None else by_class * weights[rows]
        share[rows, 0] = weight / total
    return share


def renumber(
    codes: NDArray[np.signedinteger], present: NDArray[np.bool_]
) -> NDArray[np.signedinteger]:
    """Return the index of each label in the present classes; arbitrary for absent classes."""
    if present.all():
        return codes
    renumbered = np.maximum(np.cumsum(present) - 1, 0).astype(codes.dtype)
    return renumbered[codes]


def row_blocks(n_rows: int) -> Iterator[slice]:
    """Yield slices of at most `ROWS_PER_BLOCK` rows."""
    return (slice(start, start + ROWS_PER_BLOCK) for start in range(0, n_rows, ROWS_PER_BLOCK))
