"""The observer that calls scikit-learn's callbacks at the beginning and end of a fit's tasks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..descent import Iterate
from .monitor import Monitor, Observer

MAX_TASKS = 1000
"""Largest number of tasks of a fit. The time that scikit-learn's progress bar takes grows with its
square."""

AttributesAt = Callable[[Iterate, Monitor, str | None], Mapping[str, Any]]
"""Function that returns the fitted attributes at an iterate. Its last argument is the reason to
stop there, or None if the fit continues."""


class CallbackTasks(Observer):
    """Calls the hooks of the callbacks at the beginning and end of the fit and of each task.

    The hooks get X, y and the sample weights as given to `fit`, and a function that returns the
    attributes of a fit that stops at the current iterate. The attributes are computed only when a
    callback calls the function.

    Parameters
    ----------
    estimator : estimator
    max_iter : int
        Largest number of iterations of this fit.
    X, y : as given to `fit`
    sample_weight : as given to `fit`

    Attributes
    ----------
    stride : int
        Iterations of a task: one, unless ``max_iter`` exceeds `MAX_TASKS`.
    attributes : callable or None
        `AttributesAt` of the descent. The fit sets it before the first iterate.
    """

    def __init__(self, estimator: Any, max_iter: int, X: Any, y: Any, sample_weight: Any) -> None:
        self.stride = max(1, -(-max_iter // MAX_TASKS))
        self.attributes: AttributesAt | None = None
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        self._hook_arguments = {"estimator": estimator, "X": X, "y": y, "metadata": metadata}
        n_tasks = -(-max_iter // self.stride)
        self._fit_context = estimator._init_callback_context(max_subtasks=n_tasks)
        self._fit_context.call_on_fit_task_begin(**self._hook_arguments)
        self._task_context: Any = None
        self._n_iterations_in_task = 0

    def observe(self, iterate: Iterate, monitor: Monitor) -> bool:
        """End the task if its iterations are complete; return whether a callback asks to stop."""
        self._last_observed = iterate, monitor
        if self._task_context is None:  # the start: no step yet
            return False
        self._n_iterations_in_task += 1
        return self._n_iterations_in_task >= self.stride and self._end_task()

    def before_step(self, iterate: Iterate) -> None:
        """Begin a task unless one is in progress."""
        if self._task_context is None:
            self._n_iterations_in_task = 0
            self._task_context = self._fit_context.subcontext(task_name="iteration")
            self._task_context.call_on_fit_task_begin(
                **self._hook_arguments, **self._reconstruction_attributes()
            )

    def end(self, reason: str) -> None:
        """End the task in progress, and the fit."""
        if self._task_context is not None:
            self._end_task()
        self._fit_context.call_on_fit_task_end(
            **self._hook_arguments, **self._reconstruction_attributes(reason)
        )

    def _end_task(self) -> bool:
        """End the task in progress; return whether a callback asks to stop."""
        task, self._task_context = self._task_context, None
        return bool(
            task.call_on_fit_task_end(**self._hook_arguments, **self._reconstruction_attributes())
        )

    def _reconstruction_attributes(self, reason: str | None = None) -> dict[str, Callable[[], Any]]:
        """The keyword argument by which a hook can rebuild the model of the last iterate."""
        assert self.attributes is not None
        attributes, (iterate, monitor) = self.attributes, self._last_observed
        return {"reconstruction_attributes": lambda: attributes(iterate, monitor, reason)}


def callback_tasks_of(
    estimator: Any, max_iter: int, X: Any, y: Any, sample_weight: Any
) -> CallbackTasks | None:
    """The observer for the callbacks of an estimator; None if it has no callbacks."""
    if not vars(estimator).get("_skl_callbacks"):
        return None
    return CallbackTasks(estimator, max_iter, X, y, sample_weight)
