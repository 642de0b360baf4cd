"""What holds for all tests: those of `tests`, and the examples of package, pages and README.

The examples of one page need dask: ``make test-dask`` runs them.
"""

import sys
from importlib.util import find_spec

import pytest

collect_ignore = [] if find_spec("dask") else ["docs/large-data.md"]


@pytest.fixture(autouse=True)
def no_figure_stays_open():
    """Close the figures that a test has left open: matplotlib warns from the 21st on."""
    yield
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")
