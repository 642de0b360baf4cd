"""Scores on rows held out, after every iteration."""

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
    """Callback that scores the model on rows of its own after every iteration.

    `fit` with ``X_val`` does that for loss and accuracy at a lower price, and can keep the best
    iterate. This takes any scorer, for an estimator that is given no ``X_val``.

    Parameters
    ----------
    X_val : {array-like, sparse matrix} of shape (n_val, n_features)
        As the estimator itself is given X: in a pipeline, transformed.
    y_val : array-like of shape (n_val,)
    scoring : str, callable, list, tuple or dict, default=("neg_log_loss", "accuracy")
        As in `sklearn.metrics.check_scoring`. A single score is called "score".
    sample_weight : array-like of shape (n_val,), default=None
    n_iter_no_change : int or None, default=None
        Ask to stop when the first score has had no new maximum for so many tasks.

    Attributes
    ----------
    logs_ : list of dict of ndarrays
        For each fit in this process, in the order in which they began: "iteration", and an array
        of scores by the name of each. Fits in other processes, as those of a search with
        ``n_jobs``, keep theirs there; `sklearn.callback.ScoringMonitor` collects across them.

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
        self._rows: list[list[dict[str, float]]] = []
        self._fits: dict[int, tuple[Any, list[dict[str, float]]]] = {}

    @property
    def logs_(self) -> list[dict[str, NDArray[Any]]]:
        """The scores of each fit, by name."""
        return [
            {name: np.array([row[name] for row in rows]) for name in (rows[0] if rows else ())}
            for rows in self._rows
        ]

    def setup(self, estimator: Any, context: Any) -> None:
        """Begin a new log."""
        rows: list[dict[str, float]] = []
        self._rows.append(rows)
        self._fits[id(estimator)] = check_scoring(estimator, self.scoring), rows

    def on_fit_task_begin(
        self, estimator: Any, context: Any, *, fitted_estimator: Any = None
    ) -> None:
        """Score the start."""
        if fitted_estimator is not None and not self._fits[id(estimator)][1]:
            self._score(estimator, fitted_estimator)

    def on_fit_task_end(
        self, estimator: Any, context: Any, *, fitted_estimator: Any = None
    ) -> bool:
        """Score the model after a task; whether the scores say to stop."""
        if fitted_estimator is None or context.task_name != "iteration":
            return False
        self._score(estimator, fitted_estimator)
        if self.n_iter_no_change is None:
            return False
        rows = self._fits[id(estimator)][1]
        first = [list(row.values())[1] for row in rows]
        return len(first) - 1 - int(np.argmax(first)) >= self.n_iter_no_change

    def teardown(self, estimator: Any, context: Any) -> None:
        """Forget what belongs to the fit alone."""
        self._fits.pop(id(estimator), None)

    def _score(self, estimator: Any, fitted: Any) -> None:
        scorer, rows = self._fits[id(estimator)]
        more = {} if self.sample_weight is None else {"sample_weight": self.sample_weight}
        scores = scorer(fitted, self.X_val, self.y_val, **more)
        named = scores if isinstance(scores, dict) else {"score": scores}
        rows.append({"iteration": fitted.n_iter_, **named})

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_fits": {}}
