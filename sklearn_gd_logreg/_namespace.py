"""The namespace of an array: NumPy's, or that of another library by the array API standard."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from sklearn import get_config


def namespace(*arrays: Any) -> Any:
    """The namespace that arrays have in common, with the functions of the array API standard.

    It is NumPy for arrays of NumPy, for numbers, and for sparse arrays.

    Raises
    ------
    TypeError
        If the arrays are of several libraries.
    """
    others = [a for a in arrays if is_other(a)]
    if not others:
        return np
    from array_api_compat import array_namespace

    return array_namespace(*(a for a in arrays if hasattr(a, "shape")))


def is_other(array: Any) -> bool:
    """Whether it is an array of another library than NumPy."""
    if isinstance(array, np.ndarray | np.generic | int | float) or sparse.issparse(array):
        return False
    return hasattr(array, "shape") and hasattr(array, "device")


def dispatches(array: Any) -> bool:
    """Whether scikit-learn leaves an array in its library: ``array_api_dispatch`` is on."""
    return is_other(array) and bool(get_config()["array_api_dispatch"])


def moved(array: Any, X: Any) -> Any:
    """Labels or weights in the library and on the device of X; as they are if X may have them.

    Text stays in NumPy, since other libraries have none.
    """
    if not is_other(X):
        return to_numpy(array)
    kind = getattr(getattr(array, "dtype", None), "kind", "")
    if array is None or (not is_other(array) and (np.ndim(array) == 0 or kind not in "biuf")):
        return array
    if is_other(array) and type(array) is type(X) and array.device == X.device:
        return array
    return namespace(X).asarray(to_numpy(array), device=X.device)


def place(array: Any) -> str:
    """Library and device of an array, in words."""
    if not is_other(array):
        return "numpy"
    return f"{type(array).__module__.partition('.')[0]} on {array.device}"


def require_same_place(caller: str, array: Any, fitted: Any) -> None:
    """Raise unless an array is of the library and on the device of another, that of a fit.

    Raises
    ------
    ValueError
    """
    if place(array) != place(fitted):
        raise ValueError(
            f"{caller} must use the same namespace and the same device as the X "
            f"of fit(), {place(fitted)}. Got {place(array)} instead."
        )


def astype(array: Any, dtype: Any) -> Any:
    """The array in a dtype of NumPy; itself if it has that dtype."""
    if not is_other(array):
        return array.astype(dtype, copy=False)
    xp = namespace(array)
    return xp.astype(array, getattr(xp, np.dtype(dtype).name), copy=False)


def to_numpy(array: Any) -> Any:
    """A NumPy array with the same entries; NumPy arrays and other objects as they are."""
    if not is_other(array):
        return array
    from array_api_compat import to_device

    if hasattr(array, "get") and type(array).__module__.startswith("cupy"):
        return array.get()
    try:
        return np.asarray(to_device(array, "cpu"))
    except (TypeError, ValueError, RuntimeError):
        return np.from_dlpack(array)
