"""Settings that all tests share."""

from hypothesis import settings

# The same examples every time, and none is timed: a slow machine is not a failure.
settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=40)
settings.load_profile("repeatable")


def pytest_terminal_summary(terminalreporter):
    """Name the kernels of BLAS, on which the last bits depend."""
    import scipy.linalg  # noqa: F401  # so that its BLAS is loaded
    from threadpoolctl import threadpool_info

    for lib in threadpool_info():
        if lib["user_api"] == "blas":
            kernel = lib.get("architecture", "of unknown name")
            terminalreporter.write_line(f"BLAS: {lib['internal_api']} {lib['version']}, {kernel}")
