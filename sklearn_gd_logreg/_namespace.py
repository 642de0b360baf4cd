"""The namespace of an array: NumPy's, or that of another library by the array API standard."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np
from scipy import sparse
from sklearn import get_config

from .validation import InvalidParameterError


def namespace(*arrays: Any) -> Any:
    """The namespace that arrays have in common, with the functions of the array API standard.

    It is NumPy for arrays of NumPy, for numbers, and for sparse arrays.

    Raises
    ------
    TypeError
        If the arrays are of several libraries.
    ImportError
        If array-api-compat is not installed.
    """
    others = [a for a in arrays if is_other(a)]
    if not others:
        return np
    return array_api_compat_for(others[0]).array_namespace(
        *(a for a in arrays if hasattr(a, "shape"))
    )


def array_api_compat_for(array: Any) -> ModuleType:
    """The module array_api_compat, which only arrays of other libraries need.

    Raises
    ------
    ImportError
        If it is not installed.
    """
    try:
        import array_api_compat
    except ImportError as error:
        raise ImportError(
            f"An array of {place(array)} needs array-api-compat. Install it by "
            "`pip install sklearn-gd-logreg[array-api]`."
        ) from error
    return array_api_compat


def is_other(array: Any) -> bool:
    """Whether it is an array of another library than NumPy."""
    if isinstance(array, np.ndarray | np.generic | int | float) or sparse.issparse(array):
        return False
    kind = type(array)  # a data frame has its columns as attributes
    return hasattr(kind, "shape") and hasattr(kind, "device")


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


def require_float64(name: str, array: Any) -> None:
    """Raise unless the device of an array has float64, in which sums are computed.

    Raises
    ------
    InvalidParameterError
    """
    dtypes = namespace(array).__array_namespace_info__().dtypes(device=array.device)
    if "float64" not in dtypes:
        raise InvalidParameterError(
            f"{name} must be on a device with float64, for sums. Got {place(array)} instead."
        )


def require_no_gradient(name: str, array: Any) -> None:
    """Raise if PyTorch records the operations on a tensor: a fit has no derivative.

    Raises
    ------
    InvalidParameterError
    """
    if getattr(array, "requires_grad", False):
        raise InvalidParameterError(
            f"{name} must not require a gradient. Pass {name}.detach() instead."
        )


def require_numpy(name: str, array: Any) -> None:
    """Raise if an array would stay in another library than NumPy.

    Raises
    ------
    InvalidParameterError
    """
    if dispatches(array):
        raise InvalidParameterError(
            f"{name} must be an array of NumPy here. Got {place(array)} instead. (With "
            "array_api_dispatch, fit, score and predictions take rows of another library, if all "
            "are of it and none are in Chunks.)"
        )


@contextmanager
def hint_for_devices(*arrays: Any) -> Iterator[None]:
    """Add a hint to the error about an array on a device, which NumPy cannot read."""
    try:
        yield
    except (TypeError, RuntimeError) as error:
        others = [a for a in arrays if is_other(a) and not getattr(a, "requires_grad", False)]
        there = [array for array in others if not is_readable_by_numpy(array)]
        if not there or dispatches(there[0]):
            raise
        raise TypeError(
            f"{error} To fit and predict on {place(there[0])}, use "
            "sklearn.set_config(array_api_dispatch=True)."
        ) from error


def is_readable_by_numpy(array: Any) -> bool:
    """Whether NumPy makes an array of it. It does not of an array on a GPU."""
    try:
        np.asarray(array)
    except (TypeError, RuntimeError):
        return False
    return True


def copied(array: Any) -> Any:
    """A copy in the same library, on the same device."""
    return namespace(array).asarray(array, copy=True) if is_other(array) else array.copy()


def numpy_dtype(array: Any) -> np.dtype[Any]:
    """The dtype of NumPy of the same name as that of an array, which is "torch.float32", say."""
    return np.dtype(str(array.dtype).rpartition(".")[2])


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
    if hasattr(array, "get") and type(array).__module__.startswith("cupy"):
        return array.get()
    try:
        return np.asarray(array_api_compat_for(array).to_device(array, "cpu"))
    except (TypeError, ValueError, RuntimeError):
        return np.from_dlpack(array)
