"""Settings that all tests share."""

import os
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import settings

os.environ.setdefault("MPLBACKEND", "Agg")  # pictures need no display, also in subprocesses

# Doctests are looked for in every module; this one needs a browser's driver.
collect_ignore = [] if find_spec("selenium") else ["site.py"]

# The same examples every time, and none is timed: a slow machine is not a failure.
settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=40)
settings.load_profile("repeatable")


@pytest.fixture
def as_in_fit():
    """Floating-point flags are ignored, as `fit` ignores them.

    With AVX-512, kernels of OpenBLAS work on whole registers and may raise a flag for numbers
    beside an array, which have no part in the product.
    """
    with np.errstate(all="ignore"):
        yield


def pytest_terminal_summary(terminalreporter):
    """Name the kernels of BLAS, on which the last bits depend."""
    import scipy.linalg  # noqa: F401  # so that its BLAS is loaded
    from threadpoolctl import threadpool_info

    for lib in threadpool_info():
        if lib["user_api"] == "blas":
            kernel = lib.get("architecture", "of unknown name")
            terminalreporter.write_line(f"BLAS: {lib['internal_api']} {lib['version']}, {kernel}")
