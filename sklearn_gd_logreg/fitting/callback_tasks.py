"""The tasks of a fit, as scikit-learn's callbacks see them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..descent import Iterate
from .monitor import Monitor, Observer

MOST_TASKS = 1000
"""Tasks in a fit at the most: a progress bar takes time that grows with their square."""


Attributes = Callable[[Iterate, Monitor], Mapping[str, Any]]


class Tasks(Observer):
    """Calls the hooks of the callbacks: one task for an iteration, or for some.

    The hooks are given X, y and the sample weights as the user gave them, and an estimator
    as if the fit had stopped at this iterate, which is made only if a callback asks for it.

    Parameters
    ----------
    estimator : estimator
    max_iter : int
        Most iterations of this fit.
    X, y : as given to `fit`
    sample_weight : as given to `fit`
    """

    def __init__(self, estimator: Any, max_iter: int, X: Any, y: Any, sample_weight: Any) -> None:
        self.stride = max(1, -(-max_iter // MOST_TASKS))
        self.attributes: Attributes | None = None
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        self._given = {"estimator": estimator, "X": X, "y": y, "metadata": metadata}
        n_tasks = -(-max_iter // self.stride)
        self._root = estimator._init_callback_context(max_subtasks=n_tasks)
        self._root.call_on_fit_task_begin(**self._given)
        self._task: Any = None
        self._made = 0

    def observe(self, iterate: Iterate, monitor: Monitor) -> bool:
        """End the task that led to an iterate, if it is complete; whether to stop there."""
        self._last = iterate, monitor
        if self._task is None:
            return False
        self._made += 1
        return self._made >= self.stride and self._end()

    def before_step(self, iterate: Iterate) -> None:
        """Begin the task of the next iterations."""
        if self._task is None:
            self._made = 0
            self._task = self._root.subcontext(task_name="iteration")
            self._task.call_on_fit_task_begin(**self._given, **self._reconstruction())

    def end(self, reason: str) -> None:
        """End all that is open."""
        if self._task is not None:
            self._end()
        self._root.call_on_fit_task_end(**self._given, **self._reconstruction())

    def _end(self) -> bool:
        task, self._task = self._task, None
        return bool(task.call_on_fit_task_end(**self._given, **self._reconstruction()))

    def _reconstruction(self) -> dict[str, Callable[[], Any]]:
        assert self.attributes is not None
        attributes, (iterate, monitor) = self.attributes, self._last
        return {"reconstruction_attributes": lambda: attributes(iterate, monitor)}


def tasks_of(estimator: Any, max_iter: int, X: Any, y: Any, sample_weight: Any) -> Tasks | None:
    """The tasks that the callbacks of an estimator are told of; None if there are none."""
    if not vars(estimator).get("_skl_callbacks"):
        return None
    return Tasks(estimator, max_iter, X, y, sample_weight)
