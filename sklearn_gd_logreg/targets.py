"""From labels and weights to class numbers and shares of the mean."""

from __future__ import annotations

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
from .validation import invalid, numbers

ROWS_PER_BLOCK = 1 << 15
"""Rows that are encoded or weighted at a time, so that no temporary is as long as y."""

ROWS_TO_FIND_LABELS = 10_000
"""Rows that are looked at for the labels there are; the others are held against them."""

MAX_LABELS_TO_COMPARE = 8
"""Number of labels up to which comparing with each of them is faster than bisection."""


@dataclass(frozen=True)
class Labels:
    """The labels of the rows, as the objective wants them.

    Attributes
    ----------
    known : array of shape (n_known,)
        Sorted labels that occur in y: the classes of the model.
    present : array of shape (n_known,)
        Whether each of them has a row of non-zero weight.
    codes : array of shape (n_rows,)
        Place of each label in ``classes``, in the smallest signed integer type that
        holds it; of no meaning where the weight is 0.
    share : array of shape (n_rows, 1) or None
        Weights divided by their sum; None if all rows count alike.
    total : float
        Σ s, the sum of sample weight × class weight.
    """

    known: NDArray[Any]
    present: NDArray[np.bool_]
    codes: NDArray[np.signedinteger]
    share: Array | None
    total: float

    @property
    def classes(self) -> NDArray[Any]:
        """The labels that are present: J is over these."""
        return self.known[self.present]


def label_rows(
    owner: object,
    y: NDArray[Any],
    sample_weight: ArrayLike | None,
    class_weight: Mapping[Any, float] | str | None,
    dtype: DTypeLike = np.float64,
) -> Labels:
    """Encode the labels and settle the weights; shares are of the type ``dtype``.

    A row of weight 0 is as good as absent: a class that occurs in no other rows has no part
    in J. Class weights "balanced" count rows by their sample weights, so that a weight of k
    is k copies of the row here too.

    Raises
    ------
    ValueError
        If the labels are not those of classes, there are fewer than two, or weights are
        not finite, not of the length of y, negative, or all 0.
    """
    classes, codes = encode(y)
    if len(classes) < 2:
        raise ValueError(
            f"{type(owner).__name__} needs rows of at least 2 classes, but the data hold only "
            f"one class: {shown(listed(classes)[0])}."
        )
    weights = check_weights(sample_weight, len(y))
    if weights is None and class_weight is None:
        return Labels(classes, np.ones(len(classes), np.bool_), codes, None, float(len(y)))
    mass = class_mass(codes, weights, len(classes))
    factors = class_factors(owner, class_weight, classes, mass)
    mass *= factors
    total = float(mass.sum())
    if not 0 < total < np.inf:
        allowed = "a dict of weights whose sum over the rows is finite, and not 0"
        raise invalid(owner, "class_weight", class_weight, allowed)
    share, present = shares(codes, weights, factors, total, dtype), mass > 0
    return Labels(classes, present, among(codes, present), share, total)


# -- labels ----------------------------------------------------------------------------


def encode(y: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.signedinteger]]:
    """The sorted distinct labels, and the place of each row's label among them.

    What `numpy.unique` returns, without sorting y: the distinct labels of some rows are
    sorted, and y is held against them. Should a rare label be missing, all rows are looked
    at for distinct labels.

    Raises
    ------
    ValueError
        If `sklearn.utils.multiclass.check_classification_targets` does, or a label is NaT.
    """
    check_kind(y)
    classes = np.unique(y[:: max(1, len(y) // ROWS_TO_FIND_LABELS)])
    codes = find(y, classes)
    if codes is None:
        classes = np.unique(y)
        codes = find(y, classes)
    if codes is None:  # labels that do not equal themselves
        classes, codes = np.unique(y, return_inverse=True)
    check_labels(y, classes)
    return classes, codes


def find(y: NDArray[Any], classes: NDArray[Any]) -> NDArray[np.signedinteger] | None:
    """The place of each label in ``classes``; None if there is one that is not in it."""
    codes = np.empty(len(y), dtype=np.min_scalar_type(-len(classes)))
    places = compare if len(classes) <= MAX_LABELS_TO_COMPARE else bisect
    for rows in blocks(len(y)):
        codes[rows], complete = places(y[rows], classes)
        if not complete:
            return None
    return codes


def place(y: NDArray[Any], classes: NDArray[Any], rule: str) -> NDArray[np.signedinteger]:
    """The place of each label in ``classes``; an error that states the rule if there is none."""
    kinds = y.dtype.kind + classes.dtype.kind
    comparable = "O" in kinds or kinds[0] == kinds[1] or set(kinds) <= set("biuf")
    try:
        codes = find(y, classes) if comparable else None
    except TypeError:  # objects of several kinds do not sort
        codes = None
    if codes is None:
        known = listed(classes)
        unseen = [label for label in dict.fromkeys(listed(y)) if label not in known]
        raise ValueError(f"{rule}, {shown(known)}. Got {shown(unseen)} as well.")
    return codes


def listed(labels: NDArray[Any]) -> list[Any]:
    """Labels as an error shows them."""
    labels = labels.astype(str) if labels.dtype.kind in "mM" else labels
    return list(labels.tolist())


def compare(y: NDArray[Any], classes: NDArray[Any]) -> tuple[NDArray[np.int8], bool]:
    """Places by one comparison with each class, and whether every label has one."""
    codes, found = np.zeros(len(y), dtype=np.int8), 0
    for place, label in enumerate(classes):
        hits = y == label
        found += int(np.count_nonzero(hits))
        codes += hits * np.int8(place)
    return codes, found == len(y)


def bisect(y: NDArray[Any], classes: NDArray[Any]) -> tuple[NDArray[np.intp], bool]:
    """Places by bisection, and whether every label has one."""
    codes = np.minimum(np.searchsorted(classes, y), len(classes) - 1)
    return codes, bool((classes[codes] == y).all())


def check_kind(y: NDArray[Any]) -> None:
    """Raise if objects are no labels: the first decides, others may not even sort."""
    if y.dtype == object:
        check_classification_targets(y[:1])


def check_labels(y: NDArray[Any], classes: NDArray[Any]) -> None:
    """Let scikit-learn object to the labels, where it could.

    It looks at all of y several times, but its verdict depends on the distinct labels,
    and, for a warning, on whether there are half as many as rows.
    """
    kind = classes.dtype.kind
    if kind in "mM" and np.isnat(classes).any():
        raise ValueError("Input y contains NaT.")
    whole = kind == "f" and np.array_equal(classes, classes.astype(np.int64))
    if not (whole or kind in "biuUO") or 2 * len(classes) > len(y):
        check_classification_targets(y)


# -- weights ---------------------------------------------------------------------------


def check_weights(
    sample_weight: ArrayLike | None,
    n_rows: int,
    name: str = "sample_weight",
    may_be_zeros: bool = False,
) -> Array | None:
    """Sample weights as float64 of shape (n_rows,), or None; the errors say their name."""
    if sample_weight is None:
        return None
    if isinstance(sample_weight, Real):
        sample_weight = np.broadcast_to(float(sample_weight), n_rows)
    weights = numbers(name, sample_weight)
    if weights.shape != (n_rows,):
        raise ValueError(f"{name}.shape == {weights.shape}, expected {(n_rows,)}!")
    if weights.min() < 0:
        raise ValueError(f"{name} must be >= 0 everywhere. Got {shown(weights.min())} instead.")
    if not np.isfinite(weights.sum()):
        raise ValueError(f"{name} must have a finite sum. Got inf instead.")
    if not (may_be_zeros or weights.any()):
        raise ValueError(f"{name} must be > 0 for at least one row. Got only zeros.")
    return weights


def class_mass(codes: NDArray[np.signedinteger], weights: Array | None, n_classes: int) -> Array:
    """Sum of the weights of the rows of every class."""
    mass = np.zeros(n_classes)
    for rows in blocks(len(codes)):
        part = None if weights is None else weights[rows]
        mass += np.bincount(codes[rows], weights=part, minlength=n_classes)
    return mass


def class_factors(
    owner: object,
    class_weight: Mapping[Any, float] | str | None,
    classes: NDArray[Any],
    mass: Array,
) -> Array:
    """The weight of every class; 1 for those that a dict has no key for.

    As in `sklearn.utils.class_weight.compute_class_weight`, keys that are no label are an
    error unless every label has one. A key is that of a label if it equals it.
    """
    if class_weight is None:
        return np.ones(len(classes))
    if class_weight == "balanced":
        present = mass > 0
        balanced = mass.sum() / (np.count_nonzero(present) * np.where(present, mass, 1))
        return np.where(present, balanced, 0.0)
    assert isinstance(class_weight, Mapping)
    factors, known = np.ones(len(classes)), np.zeros(len(classes), np.bool_)
    unknown = []
    for key, weight in class_weight.items():
        hits = equal_to(key, classes)
        known |= hits
        if not hits.any():
            unknown.append(key)
            continue
        try:
            factors[hits] = float(weight)
        except (TypeError, ValueError) as error:
            raise invalid(owner, "class_weight", class_weight, "a dict of numbers") from error
    if unknown and not known.all():
        allowed = (
            f"a dict whose keys are among the labels {listed(classes)}, which {unknown!r} are not"
        )
        raise invalid(owner, "class_weight", class_weight, allowed)
    if not (np.isfinite(factors).all() and (factors >= 0).all() and factors.any()):
        raise invalid(
            owner, "class_weight", class_weight, "a dict of finite weights >= 0, not all 0"
        )
    return factors


def equal_to(key: object, classes: NDArray[Any]) -> NDArray[np.bool_]:
    """Which of the labels equals a key of a dict."""
    if classes.dtype.kind == "M" and isinstance(key, date) and getattr(key, "tzinfo", None) is None:
        key = np.datetime64(key)  # equal in any unit
    if not isinstance(key, tuple):
        hits = np.asarray(classes == key)
        if hits.shape == classes.shape and hits.dtype == np.bool_:
            return hits
    return np.zeros(len(classes), np.bool_)


def shares(
    codes: NDArray[np.signedinteger],
    weights: Array | None,
    factors: Array,
    total: float,
    dtype: DTypeLike,
) -> Array | None:
    """Sample weight × class weight over their total, as a column; None if all are equal."""
    equal = weights is None or weights.min() == weights.max()
    if equal and factors.min() == factors.max():
        return None
    share = np.empty((len(codes), 1), dtype)
    for rows in blocks(len(codes)):
        by_class = factors[codes[rows]]
        weight = by_class if weights is None else by_class * weights[rows]
        share[rows, 0] = weight / total
    return share


def among(
    codes: NDArray[np.signedinteger], present: NDArray[np.bool_]
) -> NDArray[np.signedinteger]:
    """The place of each label among the present classes; that of an absent one says nothing."""
    if present.all():
        return codes
    renumbered = np.maximum(np.cumsum(present) - 1, 0).astype(codes.dtype)
    return renumbered[codes]


def blocks(n_rows: int) -> Iterator[slice]:
    """All rows, some at a time."""
    return (slice(start, start + ROWS_PER_BLOCK) for start in range(0, n_rows, ROWS_PER_BLOCK))
