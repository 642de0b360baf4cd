"""What holds for all tests: those of `tests`, and the examples of package, pages and README."""

import sys

import pytest


@pytest.fixture(autouse=True)
def no_figure_stays_open():
    """Close the figures that a test has left open: matplotlib warns from the 21st on."""
    yield
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")
