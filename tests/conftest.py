"""Settings that all tests share."""

import scipy.linalg  # noqa: F401  # so that the BLAS of scipy is there to be named
from hypothesis import settings
from threadpoolctl import threadpool_info

# The same examples every time, and none is timed: a slow machine is not a failure.
settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=40)
settings.load_profile("repeatable")


def pytest_report_header():
    """The kernels of BLAS, on which the last bits depend."""
    named = [lib for lib in threadpool_info() if lib["user_api"] == "blas"]
    return [
        f"BLAS: {lib['internal_api']} {lib['version']} {lib.get('architecture')}" for lib in named
    ]
