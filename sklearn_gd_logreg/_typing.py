"""Array types."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.floating]
"""Floating-point array, float64 or float32."""

Precision: TypeAlias = type[np.float64] | type[np.float32]
"""Precision of a computation."""
