"""TimeLimit: a callback that stops a fit at a time limit."""

from __future__ import annotations

from time import perf_counter
from typing import Any, ClassVar

from ..validation import POSITIVE, Interval, check_intervals


class TimeLimit:
    """Callback that stops a fit at a time limit, with ``stop_reason_ == "callback"``.

    It checks the clock at the end of each task: an iteration, or several if ``max_iter`` is
    above 1000. Each fit has its own clock, even if the fits of a search share the callback.

    Parameters
    ----------
    seconds : float
        Wall-clock time in seconds from the beginning of ``fit``, in (0, inf).

    Examples
    --------
    >>> from sklearn_gd_logreg import TimeLimit
    >>> callback = TimeLimit(60.0)  # for clf.set_callbacks(callback)
    """

    _intervals: ClassVar[dict[str, Interval]] = {"seconds": POSITIVE}

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        check_intervals(self, self._intervals)
        self._started: dict[int, float] = {}

    def setup(self, estimator: Any, context: Any) -> None:
        """Start the clock of a fit."""
        self._started[id(estimator)] = perf_counter()

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Do nothing."""

    def on_fit_task_end(self, estimator: Any, context: Any) -> bool:
        """Return whether the time limit is reached, which stops the fit."""
        return perf_counter() - self._started[id(estimator)] >= self.seconds

    def teardown(self, estimator: Any, context: Any) -> None:
        """Remove the clock of a fit."""
        self._started.pop(id(estimator), None)

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_started": {}}
