"""Concatenation of the rows of arrays, sparse matrices and data frames."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from scipy import sparse

from ..validation import InvalidParameterError

FRAMES = ("pandas", "polars")
"""Data frame libraries. Both have a function ``concat``."""


def join_rows(names: str, first: Any, second: Any) -> Any:
    """Concatenate the rows of ``first`` and ``second``.

    Parameters
    ----------
    names : str
        Names of the two, for the error message.
    first, second : array-like, sparse matrix, data frame or series
        A data frame keeps its index and dtypes. Any other array-like becomes an array.

    Returns
    -------
    array, CSR matrix, data frame or series

    Raises
    ------
    ValueError
        If one is a data frame or series and the other is of another class, or if the columns
        differ.
    """
    if library(first) in FRAMES or library(second) in FRAMES:
        if type(first) is not type(second):
            raise InvalidParameterError(
                f"{names} must be of one class. "
                f"Got {type(first).__name__} and {type(second).__name__} instead."
            )
        check_columns(names, first, second)
        return sys.modules[library(first)].concat([first, second])
    try:
        if sparse.issparse(first) or sparse.issparse(second):
            return sparse.vstack([first, second], format="csr")
        return np.concatenate([np.asarray(first), np.asarray(second)])
    except ValueError as error:
        raise InvalidParameterError(f"{names} cannot be joined: {error}") from error


def library(array: Any) -> str:
    """Name of the library of an object's class, which is in ``sys.modules``."""
    return type(array).__module__.partition(".")[0]


def check_columns(names: str, first: Any, second: Any) -> None:
    """Raise if the columns of two data frames differ; pandas would fill them with NaN."""
    one, other = (list(getattr(frame, "columns", [])) for frame in (first, second))
    if one != other:
        raise InvalidParameterError(
            f"{names} must have the same columns in the same order. Got {one} and {other}."
        )
