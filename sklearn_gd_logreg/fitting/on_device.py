"""J on arrays of another library than NumPy: the counterpart of `inputs` and `targets`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import entr

from .._namespace import (
    astype,
    is_other,
    namespace,
    numpy_dtype,
    require_no_gradient,
    to_numpy,
)
from .._typing import Array
from ..chunk_targets import VALIDATION_LABELS
from ..data import ArrayApiDataset
from ..loss_array_api import array_api_cross_entropy
from ..objective import Objective
from ..penalty import ElasticNet
from ..targets import (
    LabelSet,
    check_labels,
    check_weights,
    class_factors,
    encode,
    encode_with,
    require_two_classes,
    total_weight,
)
from .assembly import penalty_strengths
from .validation_set import LabelledRows, ValidationSet


@dataclass(frozen=True)
class DeviceLabels(LabelSet):
    """Encoded labels and weights on a device.

    Attributes
    ----------
    all_classes, present, total
        As in `LabelSet`.
    weight_shares : array of shape (n_classes,)
        `class_shares`.
    codes : array of shape (n_rows,)
        Index of each label among the classes of J, on the device.
    share : array of shape (n_rows, 1) or None
        On the device; None if all are equal.
    """

    all_classes: NDArray[Any]
    present: NDArray[np.bool_]
    total: float
    weight_shares: Array
    codes: Any
    share: Any

    @property
    def class_shares(self) -> Array:
        return self.weight_shares


def device_labels(estimator: Any, X: Any, y: Any, sample_weight: ArrayLike | None) -> DeviceLabels:
    """Encode labels, which are on the device of X or in NumPy, and weights likewise.

    Raises
    ------
    ValueError
        As `targets.encode_labels`.
    TypeError
        If the arrays are of several libraries.
    """
    classes, codes = device_codes(X, y)
    require_two_classes(estimator, classes)
    weights = device_weights(X, sample_weight, "sample_weight")
    sums = weight_sums(codes, weights, len(classes))
    factors = class_factors(estimator, estimator.class_weight, classes, sums)
    total = total_weight(estimator, estimator.class_weight, sums * factors)
    present = sums * factors > 0
    xp = namespace(X)
    by_class = xp.asarray(factors / total, device=X.device)
    share = xp.take(by_class, codes)
    if weights is not None:
        share = share * weights
    equal = float(xp.min(share)) == float(xp.max(share))
    there = None if equal else astype(share, numpy_dtype(X))[:, None]
    if not present.all():
        renumbered = np.maximum(np.cumsum(present) - 1, 0)
        codes = xp.take(xp.asarray(renumbered, device=X.device), codes)
    shares = (sums * factors)[present] / total
    return DeviceLabels(classes, present, total, shares, codes, there)


def device_codes(X: Any, y: Any, known: NDArray[Any] | None = None) -> tuple[NDArray[Any], Any]:
    """The sorted distinct labels, or those that are ``known``, and the index of each label there.

    Raises
    ------
    ValueError
        If a label is not known, or the labels are not those of a classification.
    """
    if not is_other(y):
        if known is None:
            classes, codes = encode(y)
        else:
            classes, codes = known, encode_with(y, known, VALIDATION_LABELS)
        return classes, namespace(X).asarray(codes.astype(np.int64), device=X.device)
    xp = namespace(X, y)
    if is_bool := xp.isdtype(y.dtype, "bool"):
        y = astype(y, np.int64)
    distinct = xp.sort(xp.unique_values(y))
    classes = to_numpy(distinct).astype(np.bool_) if is_bool else to_numpy(distinct)
    check_labels(classes.repeat(3), classes)
    codes = xp.searchsorted(distinct, y)
    if known is None:
        return classes, codes
    index = encode_with(classes, known, VALIDATION_LABELS).astype(np.int64)
    return known, xp.take(xp.asarray(index, device=X.device), codes)


def device_weights(X: Any, weights: Any, name: str) -> Any:
    """Sample weights on the device of X, float64; None without.

    Raises
    ------
    ValueError
        If they are not valid.
    """
    require_no_gradient(name, weights)
    xp, n_rows = namespace(X, weights) if is_other(weights) else namespace(X), X.shape[0]
    if not is_other(weights):
        checked = check_weights(weights, n_rows, name)
        if checked is None:
            return None
        return xp.asarray(checked.copy(), device=X.device)  # PyTorch warns of read-only arrays
    if tuple(weights.shape) != (n_rows,):
        raise ValueError(f"{name}.shape == {tuple(weights.shape)}, expected {(n_rows,)}!")
    weights = astype(weights, np.float64)
    low, high, total = to_numpy(xp.stack((xp.min(weights), xp.max(weights), xp.sum(weights))))
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ValueError(f"{name} must be finite numbers: Input contains NaN or infinity.")
    if low < 0:
        raise ValueError(f"{name} must be >= 0 everywhere. Got {low} instead.")
    if not high:
        raise ValueError(f"{name} must be > 0 for at least one row. Got only zeros.")
    if not np.isfinite(total):
        raise ValueError(f"{name} must have a finite sum. Got inf instead.")
    return weights


def weight_sums(codes: Any, weights: Any, n_classes: int) -> Array:
    """Sum of the weights of the rows of each class."""
    xp = namespace(codes)
    each = (astype(codes == number, np.float64) for number in range(n_classes))
    return np.array([float(xp.sum(one if weights is None else one * weights)) for one in each])


def cost_on_device(estimator: Any, X: Any, labels: DeviceLabels) -> Objective:
    """J of an estimator on rows on a device."""
    l2, l1 = penalty_strengths(estimator, labels, float(estimator.C), float(estimator.l1_ratio))
    return objective_on_device(X, labels, bool(estimator.fit_intercept), l2, l1)


def objective_on_device(
    X: Any, labels: DeviceLabels, intercept: bool, l2: float = 0.0, l1: float = 0.0
) -> Objective:
    """The mean loss of rows on a device, plus a penalty."""
    loss = array_api_cross_entropy(len(labels.classes))
    data = ArrayApiDataset(X, loss.targets(labels.codes), labels.share, intercept)
    return Objective(data, loss, ElasticNet(l2, l1, data.n_features))


def device_validation_set_of(
    rows: LabelledRows, labels: LabelSet, objective: Objective
) -> ValidationSet:
    """The validation set of labelled rows on a device for a descent on ``objective``, J."""
    X, y, weights = rows
    _, codes = device_codes(X, y, labels.all_classes)
    weights = device_weights(X, weights, "sample_weight_val")
    sums = weight_sums(codes, weights, len(labels.all_classes))
    present, xp = labels.present, namespace(X)
    has_absent_classes = bool((sums[~present] > 0).any())
    if has_absent_classes:
        present = np.ones(len(present), np.bool_)
    else:
        renumbered = np.maximum(np.cumsum(present) - 1, 0)
        codes = xp.take(xp.asarray(renumbered, device=X.device), codes)
    share = None
    if weights is not None:
        share = astype(weights / float(sums.sum()), numpy_dtype(X))[:, None]
    total = float(sums.sum())
    encoded = DeviceLabels(labels.all_classes, present, total, sums / total, codes, share)
    intercept = objective.data.intercept or has_absent_classes
    validation_objective = objective_on_device(X, encoded, intercept)
    entropy = float(entr(sums / total).sum())
    if has_absent_classes:
        return ValidationSet(validation_objective, entropy, objective, labels.present)
    return ValidationSet(validation_objective, entropy)


def attributes_on_device(attributes: Mapping[str, Any], X: Any, y: Any) -> dict[str, Any]:
    """Fitted attributes with the arrays in the library and on the device of X, or of y."""
    xp = namespace(X)
    names = ["coef_", "intercept_", *(["classes_"] if is_other(y) else [])]
    moved = {name: xp.asarray(attributes[name], device=X.device) for name in names}
    return {**attributes, **moved}
