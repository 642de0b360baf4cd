"""Labels and weights of rows in chunks.

The first pass sums the weights of each label. Each later pass encodes labels and weights anew, so
that no number is stored for each row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray
from sklearn.utils import assert_all_finite, column_or_1d

from ._typing import Array
from .targets import (
    LabelSet,
    check_label_type,
    check_labels,
    check_weights,
    class_factors,
    encode_with,
    renumber,
    require_two_classes,
    total_weight,
)

SAME_LABELS = "Every pass must read the same labels"
VALIDATION_LABELS = "y_val must contain only labels of the training rows"
"""Rules that `encode_with` quotes in errors, followed by the labels."""


class LabelSums(NamedTuple):
    """The labels of a chunk, and sums over its rows.

    Attributes
    ----------
    classes : array of shape (n_classes,)
        Sorted distinct labels.
    sums : array of shape (n_classes,)
        Sum of the sample weights of each label.
    squares : array of shape (n_classes,)
        Sum of (sample weight / ``high``)² of each label. The squares themselves may overflow.
    counts : array of shape (n_classes,)
        Numbers of rows of non-zero weight of each label.
    n_rows : int
    low, high : float
        Smallest and largest sample weight; ∞ and −∞ without rows.
    """

    classes: NDArray[Any]
    sums: Array
    squares: Array
    counts: NDArray[np.intp]
    n_rows: int
    low: float
    high: float


def label_sums(y: Any, sample_weight: ArrayLike | None, name: str = "sample_weight") -> LabelSums:
    """Check the labels and the weights of a chunk, and sum the weights of each label.

    Errors call the weights ``name``.

    Raises
    ------
    ValueError
        If the labels are not those of a classification, or the weights are not valid.
    """
    y = checked_labels(y)
    weights = check_weights(sample_weight, len(y), name, may_be_zeros=True)
    check_label_type(y)
    classes, codes = np.unique(y, return_inverse=True)
    # Three rows a label: scikit-learn warns of many labels in few rows, which a chunk may have.
    check_labels(classes.repeat(3), classes)
    n_classes = len(classes)
    if weights is None:
        weights = np.ones(len(y))
    low, high = float(weights.min(initial=np.inf)), float(weights.max(initial=-np.inf))
    squares = (weights / (high or 1.0)) ** 2  # 0 / 1 where all weights are 0
    return LabelSums(
        classes,
        np.bincount(codes, weights, n_classes).astype(np.float64),
        np.bincount(codes, squares, n_classes).astype(np.float64),
        np.bincount(codes[weights > 0], minlength=n_classes),
        len(y),
        low,
        high,
    )


def checked_labels(y: Any) -> NDArray[Any]:
    """Labels as a 1-D array, checked as in `sklearn.utils.check_X_y`."""
    labels: NDArray[Any] = column_or_1d(y, warn=True)
    if labels.dtype.kind == "c":
        raise ValueError(f"Complex data not supported\n{labels}\n")
    assert_all_finite(labels, input_name="y")
    return labels


@dataclass(frozen=True)
class ChunkEncoder:
    """Encodes the labels and weights of a chunk.

    A share is the weight of a row, normalised so that the shares of all rows sum to 1.

    Attributes
    ----------
    all_classes : array of shape (n_all_classes,)
        Sorted distinct labels.
    present : array of shape (n_all_classes,)
        Mask of the classes with rows of non-zero weight.
    share_per_weight : array of shape (n_all_classes,)
        Share of a row of sample weight 1: class weight over Σ sample weight × class weight.
    equal_share : float or None
        The share of each row if all are equal.
    dtype : dtype
        Precision of the shares.
    """

    all_classes: NDArray[Any]
    present: NDArray[np.bool_]
    share_per_weight: Array
    equal_share: float | None
    dtype: DTypeLike

    def encode(
        self, y: Any, sample_weight: ArrayLike | None
    ) -> tuple[NDArray[np.signedinteger], Array | float]:
        """Class numbers, arbitrary for rows of weight 0; and shares, of shape (n_rows, 1) or equal.

        Raises
        ------
        ValueError
            If labels or weights are not valid, or a label was not read in the first pass.
        """
        y = checked_labels(y)
        codes = encode_with(y, self.all_classes, SAME_LABELS)
        if self.equal_share is not None:
            return renumber(codes, self.present), self.equal_share
        weights = check_weights(sample_weight, len(y), may_be_zeros=True)
        share = self.share_per_weight[codes]
        if weights is not None:
            share = share * weights
        return renumber(codes, self.present), share.astype(self.dtype)[:, np.newaxis]


@dataclass(frozen=True)
class ChunkedLabels(LabelSet):
    """The classes of rows in chunks, and their weights.

    Attributes
    ----------
    all_classes, present, total
        As in `LabelSet`.
    weight_shares : array of shape (n_classes,)
        The value of `class_shares`: a field cannot override a property.
    encoder : ChunkEncoder
    n_rows : array of shape (n_chunks,)
        Number of rows of each chunk.
    chunk_shares : array of shape (n_chunks,)
        Sum of the shares of each chunk.
    n_weighted_rows : int
        Number of rows of non-zero share.
    effective_sample_size : float
        Kish's effective sample size, 1 / Σ share².
    """

    all_classes: NDArray[Any]
    present: NDArray[np.bool_]
    total: float
    weight_shares: Array
    encoder: ChunkEncoder
    n_rows: NDArray[np.intp]
    chunk_shares: Array
    n_weighted_rows: int
    effective_sample_size: float

    @property
    def class_shares(self) -> Array:
        return self.weight_shares


class WeightTable(NamedTuple):
    """Sums of sample weights over the rows of each chunk and class.

    Attributes
    ----------
    sums : array of shape (n_chunks, n_classes)
        Sums of the sample weights.
    squares : array of shape (n_classes,)
        Sums of (sample weight / ``high``)² over all chunks.
    counts : array of shape (n_classes,)
        Numbers of rows of non-zero weight, in all chunks.
    n_rows : array of shape (n_chunks,)
    low, high : float
        Smallest and largest sample weight.
    """

    sums: Array
    squares: Array
    counts: NDArray[np.intp]
    n_rows: NDArray[np.intp]
    low: float
    high: float

    @classmethod
    def of(cls, chunks: Sequence[LabelSums], classes: NDArray[Any], name: str) -> WeightTable:
        """The table with a column for each of ``classes``; errors call the weights ``name``.

        Raises
        ------
        ValueError
            If the sample weights are all 0, or their sum is not finite.
        """
        low, high = min(chunk.low for chunk in chunks), max(chunk.high for chunk in chunks)
        sums, squares = np.zeros((len(chunks), len(classes))), np.zeros(len(classes))
        counts = np.zeros(len(classes), np.intp)
        for number, chunk in enumerate(chunks):
            index = np.searchsorted(classes, chunk.classes)
            sums[number, index] = chunk.sums
            squares[index] += chunk.squares * (chunk.high / (high or 1.0)) ** 2
            counts[index] += chunk.counts
        if not np.isfinite(sums.sum()):
            raise ValueError(f"{name} must have a finite sum. Got inf instead.")
        if not sums.any():
            raise ValueError(f"{name} must be > 0 for at least one row. Got only zeros.")
        n_rows = np.array([chunk.n_rows for chunk in chunks], np.intp)
        return cls(sums, squares, counts, n_rows, low, high)

    def labels(
        self,
        classes: NDArray[Any],
        present: NDArray[np.bool_],
        factors: Array,
        total: float,
        dtype: DTypeLike,
    ) -> ChunkedLabels:
        """The classes and shares, with these class weights and this sum of all weights."""
        equal = self.low == self.high and factors.min() == factors.max()
        equal_share = 1 / int(self.n_rows.sum()) if equal else None
        share_per_weight = factors / total
        class_shares = self.sums.sum(axis=0) * share_per_weight
        return ChunkedLabels(
            classes,
            present,
            total,
            class_shares[class_shares > 0],
            ChunkEncoder(classes, present, share_per_weight, equal_share, dtype),
            self.n_rows,
            self.sums @ share_per_weight,
            int(self.counts[class_shares > 0].sum()),
            1 / float(self.squares @ (self.high * share_per_weight) ** 2),
        )


def chunked_labels(
    owner: object,
    chunks: Sequence[LabelSums],
    class_weight: Mapping[Any, float] | str | None,
    dtype: DTypeLike,
) -> ChunkedLabels:
    """The classes and shares of all chunks, from the sums of each; ``dtype`` is for the shares.

    Raises
    ------
    ValueError
        If there are fewer than two classes, or the weights are all 0, or their sum overflows.
    """
    classes = distinct_labels(chunks)
    require_two_classes(owner, classes)
    table = WeightTable.of(chunks, classes, "sample_weight")
    weight_sums = table.sums.sum(axis=0)
    factors = class_factors(owner, class_weight, classes, weight_sums)
    total = total_weight(owner, class_weight, weight_sums * factors)
    return table.labels(classes, weight_sums * factors > 0, factors, total, dtype)


def chunked_validation_labels(
    chunks: Sequence[LabelSums], labels: LabelSet, dtype: DTypeLike
) -> ChunkedLabels:
    """The classes and shares of validation rows, whose labels must be those of a fit.

    The present classes are those in J. If a validation row is of another, all classes are present.

    Raises
    ------
    ValueError
        If a label does not occur in the training rows, or the weights are all 0, or their sum
        overflows.
    """
    given = distinct_labels(chunks)
    index = encode_with(given, labels.all_classes, VALIDATION_LABELS)
    table = WeightTable.of(chunks, labels.all_classes, "sample_weight_val")
    present = labels.present
    if not present[index].all():
        present = np.ones(len(present), np.bool_)
    ones = np.ones(len(present))
    return table.labels(labels.all_classes, present, ones, float(table.sums.sum()), dtype)


def distinct_labels(chunks: Sequence[LabelSums]) -> NDArray[Any]:
    """The sorted distinct labels of all chunks.

    Raises
    ------
    ValueError
        If there are no labels, or some chunks have strings and others numbers.
    """
    classes = [chunk.classes for chunk in chunks if len(chunk.classes)]
    if not classes:
        raise ValueError("Found 0 rows in all chunks while a minimum of 1 is required.")
    are_strings = {isinstance(label, str) for labels in classes for label in labels}
    if len(are_strings) > 1:
        raise ValueError(
            "Mix of label input types (string and number): all chunks must have the same."
        )
    return np.unique(np.concatenate(classes))
