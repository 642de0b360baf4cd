"""The natural gradient: its update rule, the curvatures it steps with, and the choice of one."""

from .rule import NaturalGradient

__all__ = ["NaturalGradient"]
