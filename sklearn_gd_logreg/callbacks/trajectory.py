"""Trajectory: a callback that keeps the path of the parameters."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._namespace import to_numpy
from .._typing import Array


class Trajectory:
    """Callback that keeps the parameters after every iteration.

    With a ``max_iter`` above 1000 it keeps those at the end of each task of several iterations.

    Attributes
    ----------
    path_ : ndarray of shape (n_points, n_outputs, n_features + 1)
        ``coef_`` and ``intercept_``, the last column, at the start and after each iteration
        of the fit that began last. `CostSurfaceDisplay` takes it as ``path``.

    Examples
    --------
    >>> from sklearn_gd_logreg import Trajectory
    >>> trajectory = Trajectory()

    With scikit-learn 1.9, ``clf.set_callbacks(trajectory).fit(X, y)`` fills it.
    """

    def __init__(self) -> None:
        self._latest: list[Array] = []
        self._paths: dict[int, list[Array]] = {}

    @property
    def path_(self) -> Array:
        """``coef_`` and ``intercept_``, the last column, at each iteration of the latest fit.

        `CostSurfaceDisplay` takes it as ``path``.
        """
        if not self._latest:
            raise AttributeError("Trajectory has no path_ before a fit with it as a callback.")
        return np.stack(self._latest)

    def setup(self, estimator: Any, context: Any) -> None:
        """Begin a new path."""
        self._latest = self._paths[id(estimator)] = []

    def on_fit_task_begin(
        self, estimator: Any, context: Any, *, fitted_estimator: Any = None
    ) -> None:
        """Keep the parameters at the start."""
        if not self._paths[id(estimator)]:
            self._keep(estimator, fitted_estimator)

    def on_fit_task_end(
        self, estimator: Any, context: Any, *, fitted_estimator: Any = None
    ) -> None:
        """Keep the parameters after a task."""
        if context.task_name == "iteration" or not self._paths[id(estimator)]:
            self._keep(estimator, fitted_estimator)

    def teardown(self, estimator: Any, context: Any) -> None:
        """Remove the state of a fit."""
        self._paths.pop(id(estimator), None)

    def _keep(self, estimator: Any, fitted: Any) -> None:
        if fitted is not None:
            point = np.column_stack([to_numpy(fitted.coef_), to_numpy(fitted.intercept_)])
            self._paths[id(estimator)].append(point)

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_paths": {}}
