"""The path of the parameters."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._typing import Array


class Trajectory:
    """Callback that keeps the parameters after every iteration.

    With a ``max_iter`` over 1000 a task is several iterations, and the path has their ends.

    Attributes
    ----------
    path_ : ndarray of shape (n_points, n_outputs, n_features + 1)
        ``coef_`` and, last, ``intercept_`` of the start and after each iteration, in the fit
        that began last. `CostSurfaceDisplay` takes it.

    Examples
    --------
    >>> from sklearn_gd_logreg import Trajectory
    >>> trajectory = Trajectory()  # clf.set_callbacks(trajectory), with scikit-learn 1.9
    """

    def __init__(self) -> None:
        self._points: list[Array] = []
        self._fits: dict[int, list[Array]] = {}

    @property
    def path_(self) -> Array:
        """The points of the fit that began last."""
        if not self._points:
            raise AttributeError("Trajectory has no path_ before a fit with it as a callback.")
        return np.stack(self._points)

    def setup(self, estimator: Any, context: Any) -> None:
        """Begin a new path."""
        self._points = self._fits[id(estimator)] = []

    def on_fit_task_begin(
        self, estimator: Any, context: Any, *, fitted_estimator: Any = None
    ) -> None:
        """Keep the start."""
        if not self._fits[id(estimator)]:
            self._keep(estimator, fitted_estimator)

    def on_fit_task_end(
        self, estimator: Any, context: Any, *, fitted_estimator: Any = None
    ) -> None:
        """Keep the parameters after a task."""
        if context.task_name == "iteration" or not self._fits[id(estimator)]:
            self._keep(estimator, fitted_estimator)

    def teardown(self, estimator: Any, context: Any) -> None:
        """Forget what belongs to the fit alone."""
        self._fits.pop(id(estimator), None)

    def _keep(self, estimator: Any, fitted: Any) -> None:
        if fitted is not None:
            point = np.column_stack([fitted.coef_, fitted.intercept_])
            self._fits[id(estimator)].append(point)

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_fits": {}}
