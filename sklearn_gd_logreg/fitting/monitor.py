"""The consumer of the iterates: it records the history, decides when to stop and reports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import isfinite, nan
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._typing import Array
from ..descent import Iterate
from .stopping import BestIterate, StoppingRule
from .validation_set import ValidationScore, ValidationSet

Columns = dict[str, NDArray[np.generic]]


class History:
    """One row for each iterate, kept as columns.

    The columns are arrays with room for more rows, and `as_dict` returns views of the rows so
    far. A descent in many calls of `fit` or `partial_fit` keeps its history, so that a call takes
    a time that does not depend on the number of calls before. A row that was returned is never
    written again.

    Parameters
    ----------
    started : float
        Clock reading (`time.perf_counter`) from which ``time`` counts, in seconds.
    validated : bool, default=False
        Whether there are the columns of rows held out.
    before : mapping of arrays, optional
        The columns of the descent that goes on here; they are copied.
    """

    columns = ("iteration", "passes", "cost", "loss", "gradient_norm", "learning_rate", "time")
    validation = ("val_loss", "val_accuracy")

    def __init__(
        self,
        started: float,
        validated: bool = False,
        before: Mapping[str, NDArray[np.generic]] | None = None,
    ) -> None:
        self._started = started
        self._rows: list[tuple[float, ...]] = []
        self._shown: Columns = {}
        self.names: tuple[str, ...] = self.columns
        if validated or (before is not None and self.validation[0] in before):
            self.names += self.validation
        self._size = 0 if before is None else len(before["time"])
        self._table = np.empty((len(self.names), self._size))
        if before is not None:
            for column, name in zip(self._table, self.names, strict=True):
                column[:] = before.get(name, nan)
            self._started -= self._last_time
        self._numbers = self._table[0].astype(np.intp)

    @classmethod
    def after(
        cls, before: Columns, known: History | None, started: float, validated: bool = False
    ) -> History:
        """The history that goes on after these columns: ``known`` itself if it returned them."""
        if known is None or not known._may_go_on(before, validated):
            return cls(started, validated, before)
        known._rows, known._size = [], len(before["time"])
        known._started = started - known._last_time
        return known

    def _may_go_on(self, before: Columns, validated: bool) -> bool:
        """Whether these are the columns returned last, which nobody has replaced or gone on from.

        Arrays that were changed in place share the memory of the history, and so does the change.
        """
        same = list(before) == list(self._shown) and all(
            before[name] is array for name, array in self._shown.items()
        )
        return same and (not validated or self.validation[0] in self.names)

    @property
    def _last_time(self) -> float:
        return float(self._table[self.names.index("time"), self._size - 1])

    def record(self, it: Iterate, score: ValidationScore | None = None) -> None:
        """Add the row of an iterate."""
        seconds = perf_counter() - self._started
        row: tuple[float, ...] = (
            it.k,
            it.passes,
            it.cost,
            it.loss,
            it.gradient_norm,
            it.learning_rate,
            seconds,
        )
        if len(self.names) > len(row):
            row += score or (nan, nan)
        self._rows.append(row)

    def as_dict(self) -> Columns:
        """Equal-length arrays by name; ``iteration`` is integer, the others float64."""
        new = np.array(self._rows, dtype=np.float64).reshape(-1, len(self.names)).T
        first, size = self._size, self._size + len(self._rows)
        self._make_room(size)
        self._table[:, first:size] = new
        self._numbers[first:size] = new[0]
        self._rows, self._size = [], size
        self._shown = dict(zip(self.names, self._table[:, :size], strict=True))
        self._shown["iteration"] = self._numbers[:size]
        return dict(self._shown)

    def _make_room(self, size: int) -> None:
        """For so many rows; for as many again if these are not the first."""
        if size <= len(self._numbers):
            return
        room = 2 * size if self._size else size
        table, numbers = np.empty((len(self.names), room)), np.empty(room, np.intp)
        table[:, : self._size] = self._table[:, : self._size]
        numbers[: self._size] = self._numbers[: self._size]
        self._table, self._numbers = table, numbers

    def __reduce__(self) -> tuple[Any, ...]:
        """Nothing: a copy of a model begins with a copy of the columns it has."""
        return type(None), ()


@dataclass
class MonitorState:
    """The state of a `Monitor`, without the history.

    Attributes
    ----------
    stopping : StoppingRule
    reason : str or None
        The stopping rule's reason to stop at the last iterate.
    lowest : BestIterate
        The iterate of the lowest cost.
    best : BestIterate
        The iterate of the lowest validation loss.
    validation_rows : array or None
        Fingerprint of the validation set, if the descent can be resumed.
    """

    stopping: StoppingRule
    reason: str | None = None
    lowest: BestIterate = field(default_factory=BestIterate)
    best: BestIterate = field(default_factory=BestIterate)
    validation_rows: Array | None = None


@dataclass(frozen=True)
class Outcome:
    """How a descent ended.

    Attributes
    ----------
    w : array
        Parameters of the model: the last ones, after divergence those of the lowest cost, with
        early stopping those of the lowest validation loss.
    last : Iterate
    reason : str
        "tol", "plateau", "early_stopping", "callback", "max_iter", "stalled" or "diverged".
    history : dict of arrays
    state : MonitorState
    """

    w: Array
    last: Iterate
    reason: str
    history: Columns
    state: MonitorState


class Observer:
    """Base of what is called at every iterate and can stop the descent."""

    def observe(self, iterate: Iterate, monitor: Monitor) -> bool:
        """Process an iterate, and return whether to stop at it."""
        return False

    def before_step(self, iterate: Iterate) -> None:
        """Process an iterate from which the descent makes another step."""

    def end(self, reason: str) -> None:
        """Process the end of the descent."""


@dataclass
class Monitor:
    """Consumes iterates, records the history, and decides when to stop.

    Attributes
    ----------
    state : MonitorState
    history : History
    last : int
        Number of the last iterate.
    validation_set : ValidationSet or None
        Every iterate is scored on it.
    patience : int or None
        Iterations without a lower validation loss after which early stopping ends the descent
        and keeps the best iterate; None keeps the last one.
    observers : tuple of Observer
    recorded : bool
        Whether the history holds the first iterate already.
    score : ValidationScore or None
        That of the last iterate.
    """

    state: MonitorState
    history: History
    last: int
    validation_set: ValidationSet | None = None
    patience: int | None = None
    observers: tuple[Observer, ...] = ()
    recorded: bool = False
    score: ValidationScore | None = None

    def run(self, iterates: Iterable[Iterate]) -> Outcome:
        """Consume iterates.

        Raises
        ------
        ValueError
            If the cost is not finite at the start.
        """
        for iterate in iterates:
            if not isfinite(iterate.cost):
                if self.state.lowest.w is None:
                    raise ValueError(
                        "The cost is not finite at the start: coef_init, intercept_init or the "
                        "previous fit are too far from 0 for the features in X."
                    )
                return self._outcome(iterate, "diverged")
            if not self.recorded:
                self._record(iterate)
            self.recorded = False
            asked = False
            for observer in self.observers:
                asked |= observer.observe(iterate, self)
            reason = self._reason(iterate, asked)
            if reason:
                return self._outcome(iterate, reason)
            for observer in self.observers:
                observer.before_step(iterate)
        raise AssertionError("a descent ends only after a cost that is not finite")

    def _record(self, iterate: Iterate) -> None:
        state = self.state
        if self.validation_set is not None:
            self.score = self.validation_set.score(iterate.w)
            state.best.update(self.score.loss, iterate)
        self.history.record(iterate, self.score)
        state.lowest.update(iterate.cost, iterate)
        state.reason = state.stopping.reason(iterate)

    def _reason(self, iterate: Iterate, asked: bool) -> str | None:
        state = self.state
        if state.reason:
            return state.reason
        if self.patience is not None and iterate.k - state.best.k >= self.patience:
            return "early_stopping"
        if asked:
            return "callback"
        if iterate.k >= self.last:
            return "tol" if state.stopping.converged else "max_iter"
        return None

    def _outcome(self, iterate: Iterate, reason: str) -> Outcome:
        for observer in self.observers:
            observer.end(reason)
        kept = self.kept(iterate, reason)
        return Outcome(kept, iterate, reason, self.history.as_dict(), self.state)

    def kept(self, iterate: Iterate, reason: str) -> Array:
        """Parameters of the model if the descent ends with this iterate for this reason."""
        state = self.state
        if self.patience is not None and state.best.w is not None:
            return state.best.w
        if reason == "diverged" and state.lowest.w is not None:
            return state.lowest.w
        return iterate.w
