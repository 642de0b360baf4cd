"""ValidationMonitor: a callback that scores on validation data after every iteration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import check_scoring
from sklearn.utils import check_consistent_length

from ..validation import Interval, check_intervals

SCORING = ("neg_log_loss", "accuracy")


class ValidationMonitor:
    """Callback that scores the model on validation data after every iteration.

    ``fit`` with ``X_val`` does this at a lower cost for loss and accuracy, and can restore the best
    iterate. This callback takes any scorer.

    Parameters
    ----------
    X_val : {array-like, sparse matrix} of shape (n_val, n_features)
        Validation data, as the estimator receives X: in a pipeline, transformed.
    y_val : array-like of shape (n_val,)
        Validation labels.
    scoring : str, callable, list, tuple or dict, default=("neg_log_loss", "accuracy")
        As in `sklearn.metrics.check_scoring`. The name of a single score is "score".
    sample_weight : array-like of shape (n_val,), default=None
        Validation weights.
    n_iter_no_change : int or None, default=None
        Stop the fit after this number of tasks without a new maximum of the first score. None:
        never.

    Attributes
    ----------
    logs_ : list of dict of ndarrays
        One dict for each fit in this process, in the order of their starts: an array
        "iteration" and an array for the name of each score. Fits in other processes, as in a
        search with ``n_jobs``, are missing; `sklearn.callback.ScoringMonitor` collects them.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn_gd_logreg import ValidationMonitor
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> monitor = ValidationMonitor(X[:100], y[:100], scoring="roc_auc")
    """

    _intervals: ClassVar[dict[str, Interval]] = {
        "n_iter_no_change": Interval(1, float("inf"), "[)", integral=True)
    }

    def __init__(
        self,
        X_val: Any,
        y_val: ArrayLike,
        *,
        scoring: str | Callable[..., Any] | list[str] | tuple[str, ...] | dict[str, Any] = SCORING,
        sample_weight: ArrayLike | None = None,
        n_iter_no_change: int | None = None,
    ) -> None:
        check_consistent_length(X_val, y_val, sample_weight)
        self.X_val = X_val
        self.y_val = y_val
        self.scoring = scoring
        self.sample_weight = sample_weight
        self.n_iter_no_change = n_iter_no_change
        if n_iter_no_change is not None:
            check_intervals(self, self._intervals)
        self._logs: list[list[dict[str, float]]] = []
        self._fits: dict[int, tuple[Any, list[dict[str, float]]]] = {}

    @property
    def logs_(self) -> list[dict[str, NDArray[Any]]]:
        """Scores of each fit, by name."""
        return [
            {name: np.array([row[name] for row in log]) for name in (log[0] if log else ())}
            for log in self._logs
        ]

    def setup(self, estimator: Any, context: Any) -> None:
        """Begin the log of a fit."""
        log: list[dict[str, float]] = []
        self._logs.append(log)
        self._fits[id(estimator)] = check_scoring(estimator, self.scoring), log

    def on_fit_task_begin(
        self, estimator: Any, context: Any, *, fitted_estimator: Any = None
    ) -> None:
        """Score the model at the start."""
        if fitted_estimator is not None and not self._fits[id(estimator)][1]:
            self._score(estimator, fitted_estimator)

    def on_fit_task_end(
        self, estimator: Any, context: Any, *, fitted_estimator: Any = None
    ) -> bool:
        """Score the model after a task; return whether to stop the fit."""
        if fitted_estimator is None or context.task_name != "iteration":
            return False
        self._score(estimator, fitted_estimator)
        if self.n_iter_no_change is None:
            return False
        log = self._fits[id(estimator)][1]
        first_scores = [list(row.values())[1] for row in log]
        return len(first_scores) - 1 - int(np.argmax(first_scores)) >= self.n_iter_no_change

    def teardown(self, estimator: Any, context: Any) -> None:
        """Remove the state of a fit."""
        self._fits.pop(id(estimator), None)

    def _score(self, estimator: Any, fitted: Any) -> None:
        scorer, log = self._fits[id(estimator)]
        weights = {} if self.sample_weight is None else {"sample_weight": self.sample_weight}
        scores = scorer(fitted, self.X_val, self.y_val, **weights)
        named_scores = scores if isinstance(scores, dict) else {"score": scores}
        log.append({"iteration": fitted.n_iter_, **named_scores})

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_fits": {}}
