"""A fit that ends in time."""

from __future__ import annotations

from time import perf_counter
from typing import Any, ClassVar

from ..validation import POSITIVE, Interval, check_intervals


class TimeLimit:
    """Callback that stops a fit after some time, ``stop_reason_ == "callback"``.

    The clock is looked at after each iteration, with a ``max_iter`` over 1000 after each task of
    several; the one under way is finished. Every fit has its own clock, and so have those of a
    search that share the callback.

    Parameters
    ----------
    seconds : float
        Wall-clock time from the beginning of `fit`, in (0, inf).

    Examples
    --------
    >>> from sklearn_gd_logreg import TimeLimit
    >>> callback = TimeLimit(60.0)  # clf.set_callbacks(callback), with scikit-learn 1.9
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
        """Nothing to do."""

    def on_fit_task_end(self, estimator: Any, context: Any) -> bool:
        """Whether the time is over."""
        return perf_counter() - self._started[id(estimator)] >= self.seconds

    def teardown(self, estimator: Any, context: Any) -> None:
        """Forget the clock of a fit."""
        self._started.pop(id(estimator), None)

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_started": {}}
