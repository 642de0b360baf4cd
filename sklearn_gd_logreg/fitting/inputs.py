"""X, y and validation data as scikit-learn checks them."""

from __future__ import annotations

from typing import Any

from sklearn import config_context
from sklearn.utils import assert_all_finite, check_consistent_length, column_or_1d
from sklearn.utils.validation import validate_data

from .._namespace import dispatches, namespace, require_no_gradient
from ..data import require_in_memory
from ..validation import DTYPES, hint_for_images, needs_no_conversion, reject_nat
from .validation_set import LabelledRows


def checked(estimator: Any, X: Any, *y: Any, reset: bool) -> Any:
    """X, or X and y, as scikit-learn checks them, but for the finiteness of X."""
    require_in_memory("X", X)
    if dispatches(X):
        return checked_on_device(estimator, X, *y, reset=reset)
    converted = needs_no_conversion(X, *y)
    with hint_for_images(X):
        found = validate_data(
            estimator,
            X,
            *y,
            reset=reset,
            skip_check_array=converted,
            accept_sparse="csr",
            dtype=DTYPES,
            ensure_all_finite=False,
        )
    if not converted:
        reject_nat(estimator, X, found[0] if y else found)
    return found


def checked_on_device(estimator: Any, X: Any, *y: Any, reset: bool) -> Any:
    """X, or X and y, of another library as scikit-learn checks them by the array API standard."""
    xp = namespace(X)
    if xp.isdtype(X.dtype, "complex floating"):
        raise ValueError(f"Complex data not supported\n{X}\n")
    for name, array in zip(("X", "y"), (X, *y), strict=False):
        require_no_gradient(name, array)
    with hint_for_images(X):
        return validate_data(
            estimator,
            X,
            *y,
            reset=reset,
            dtype=(xp.float64, xp.float32),
            ensure_all_finite=False,
        )


def check_features_finite(estimator: Any, X: Any, name: str = "X") -> None:
    """Raise unless X is finite, whatever scikit-learn may assume of it."""
    with config_context(assume_finite=False):
        assert_all_finite(X, estimator_name=type(estimator).__name__, input_name=name)


def checked_validation_set(estimator: Any, rows: LabelledRows) -> LabelledRows | None:
    """X_val, y_val and their weights, checked against the columns of X; None if not given."""
    X_val, y_val, weights = rows
    if X_val is None and y_val is None:
        if weights is not None:
            raise ValueError("sample_weight_val needs X_val and y_val, which are None.")
        return None
    require_in_memory("X_val", X_val)
    for name, other, value in (("X_val", "y_val", y_val), ("y_val", "X_val", X_val)):
        if value is None:
            raise ValueError(f"{name} needs {other}, which is None.")
    try:
        X_val = checked(estimator, X_val, reset=False)
    except ValueError as error:
        raise ValueError(f"X_val does not fit X: {error}") from error
    check_features_finite(estimator, X_val, "X_val")
    y_val = column_or_1d(y_val)
    check_consistent_length(X_val, y_val)
    return LabelledRows(X_val, y_val, weights)
