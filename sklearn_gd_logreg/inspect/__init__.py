"""What can be known of a fitted model, whatever solver made it."""

from .duality import Certificate, certificate, duality_gap
from .gradient import gradient_check

__all__ = ["Certificate", "certificate", "duality_gap", "gradient_check"]
