"""Inspection of fitted models: duality gap and gradient check."""

from .duality import DualityGap, duality_gap
from .gradient import gradient_check

__all__ = ["DualityGap", "duality_gap", "gradient_check"]
