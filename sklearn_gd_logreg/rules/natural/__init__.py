"""The natural gradient: the update rule, its quadratic models of J, and the choice of a method."""

from .rule import NaturalGradient

__all__ = ["NaturalGradient"]
