"""SplitMix64: reproducible pseudo-random numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ._typing import Array

MULTIPLIERS = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
"""Multipliers of SplitMix64."""


def splitmix64(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the outputs of SplitMix64 for these counters, which may be overwritten.

    References
    ----------
    Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
    """
    first, second, third = (np.uint64(multiplier) for multiplier in MULTIPLIERS)
    numbers *= first
    numbers = (numbers ^ (numbers >> np.uint64(30))) * second
    numbers = (numbers ^ (numbers >> np.uint64(27))) * third
    numbers ^= numbers >> np.uint64(31)
    return numbers


def pseudo_uniform(size: int) -> Array:
    """Return the outputs for 1, 2, …, ``size`` as numbers in [0, 1)."""
    bits = splitmix64(np.arange(1, size + 1, dtype=np.uint64))
    return (bits >> np.uint64(11)).astype(np.float64) * np.float64(2.0**-53)
