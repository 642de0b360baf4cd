"""What can be known of a fitted model, whatever solver made it."""

from .certificate import Certificate, certificate, duality_gap

__all__ = ["Certificate", "certificate", "duality_gap"]
