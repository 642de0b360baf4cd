"""Rows of two arrays one below the other, whatever holds them."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from scipy import sparse

from ..validation import InvalidParameterError

FRAMES = ("pandas", "polars")
"""Libraries of frames. Both join frames and series by a function ``concat``."""


def join_rows(names: str, first: Any, second: Any) -> Any:
    """The rows of ``first``, then those of ``second``.

    Parameters
    ----------
    names : str
        What the two are called, for the error.
    first, second : array-like, sparse matrix, frame or series
        Frames keep their index and their types. All that is neither a frame nor sparse
        becomes an array.

    Returns
    -------
    array, CSR matrix, frame or series

    Raises
    ------
    ValueError
        If one is a frame or a series and the other is not of the same class, or the
        columns differ.
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
    """The library that an object comes from. What made it has been imported."""
    return type(array).__module__.partition(".")[0]


def check_columns(names: str, first: Any, second: Any) -> None:
    """Raise if two frames have other columns; pandas would join them with gaps."""
    ours, theirs = (list(getattr(frame, "columns", [])) for frame in (first, second))
    if ours != theirs:
        raise InvalidParameterError(
            f"{names} must have the same columns in the same order. Got {ours} and {theirs}."
        )
