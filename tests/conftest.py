"""Settings that all tests share."""

from hypothesis import settings

# The same examples every time, and none is timed: a slow machine is not a failure.
settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=40)
settings.load_profile("repeatable")
