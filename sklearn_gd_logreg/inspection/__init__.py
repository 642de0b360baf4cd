"""What can be known of a fitted model, whatever solver made it."""

from .duality import DualityGap, duality_gap
from .gradient import gradient_check

__all__ = ["DualityGap", "duality_gap", "gradient_check"]
