"""The state of a descent without its data, from which a later fit resumes exactly.

All that the next step depends on is explicit: the iterate, with the rule's memory and the number
of steps, the state of the monitor, and the random state of the shuffles. A `ResumeState` holds a
frozen copy of these (`state.freeze`), without the objective and its data, which `resume` supplies.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from math import sqrt
from typing import Any

import numpy as np
from numpy.random import RandomState

from .._splitmix64 import splitmix64
from .._typing import Array
from ..data import Dataset, Presolve, Rows
from ..descent import Iterate
from ..objective import Objective
from ..penalty import ElasticNet
from ..state import Frozen, freeze, state_of, thaw
from .monitor import History, MonitorState
from .settings import Settings

LEFT_OUT = "objective", "data", "loss"
"""Names of the objects that a frozen state leaves out."""

ROUNDINGS_OF_A_FINGERPRINT = 1000.0
"""Units of rounding, eps times the root of the number of rows, by which equal sums may differ."""


def row_fingerprint(rows: Rows) -> Array:
    """Fingerprint of rows: Σ share · u · (x, 1) with two pseudo-random numbers u for every row.

    The numbers, in [−1, 1), depend on the position of the row in X and on its label, but not on x,
    so other rows, weights or labels have the same sums only by chance. Unlike a hash the sums do
    not depend on how X is stored, and they compare each feature on its own scale.

    Returns
    -------
    array of shape (n_features + 1 or 2, 2)
    """
    start = 1 + rows.index.start
    bits = np.arange(start, start + len(rows.y), dtype=np.uint64)
    bits += rows.y.ravel().astype(np.int64).astype(np.uint64) << np.uint64(48)
    u = splitmix64(bits).view(np.int32).reshape(-1, 2).T * (2.0**-31 * rows.shares())
    parts = (line[:, np.newaxis] for line in np.ascontiguousarray(u))  # one by one is faster
    return np.hstack([np.vstack([rows.backward(part), part.sum(keepdims=True)]) for part in parts])


def data_fingerprint(data: Dataset) -> Array:
    """The `row_fingerprint` of all rows, in a pass that does not count."""
    data.add_to_next_pass(row_fingerprint)
    sums = data.extra_sum()
    assert sums is not None
    return sums


def same_fingerprint(one: Array | None, other: Array | None, n_rows: int) -> bool:
    """Whether two fingerprints of about so many rows are equal up to rounding."""
    if one is None or other is None or one.shape != other.shape:
        return one is other
    size = np.maximum(np.abs(one), np.abs(other)).max(axis=1, keepdims=True)
    rounding = ROUNDINGS_OF_A_FINGERPRINT * np.finfo(np.float64).eps * sqrt(n_rows)
    return bool((np.abs(one - other) <= rounding * size).all())


@dataclass(frozen=True)
class ObjectiveFingerprint:
    """The start of a descent, and what identifies its data and its cost.

    Attributes
    ----------
    w : array of shape (n_features + intercept, n_outputs)
        In coordinates of the features.
    rows : array or None
        Fingerprint of the data; None where no fit will resume.
    penalty : ElasticNet
        In coordinates of the features.
    n_steps : int
        Largest number of steps, for which the reductions of the data were chosen.
    coordinates : tuple
        The coordinates after these reductions (`Presolve.key`).
    """

    w: Array
    rows: Array | None
    penalty: ElasticNet
    n_steps: int
    coordinates: tuple[object, ...]

    def has_shape_of(self, w: Array) -> bool:
        """Whether it has the shape and the precision of these parameters."""
        return self.w.shape == w.shape and self.w.dtype == w.dtype

    def matches(self, objective: Objective, presolve: Presolve) -> bool:
        """Whether rows, labels, weights, penalty and reductions are the same.

        The fingerprint of the data was summed along the last pass.
        """
        data = objective.data
        same = same_fingerprint(self.rows, data.extra_sum(), data.n_rows)
        alike = self.coordinates == presolve.key
        return same and alike and self.penalty == objective.penalty


@dataclass(frozen=True)
class Model:
    """Copies of ``coef_`` and ``intercept_`` at the end of a fit."""

    coef: Array
    intercept: Array

    @classmethod
    def of(cls, attributes: Mapping[str, Any]) -> Model:
        """That of fitted attributes."""
        return cls(attributes["coef_"].copy(), attributes["intercept_"].copy())

    def is_unchanged_in(self, attributes: Mapping[str, Any]) -> bool:
        """Whether the attributes have not been changed by hand since."""
        coef, intercept = attributes["coef_"], attributes["intercept_"]
        return np.array_equal(coef, self.coef) and np.array_equal(intercept, self.intercept)


@dataclass
class ResumeState:
    """All that a later fit needs to resume a descent.

    Attributes
    ----------
    fingerprint : ObjectiveFingerprint
    settings : Settings
        Without the learning rate, which may be another when the descent is resumed.
    first_iteration : int
        Number of the first iterate of the call of `fit`; of the last one if the call has ended.
    seed : int
        Seed of the validation split.
    model : Model
    loop_state : Frozen or tuple
        A `LoopState`, frozen, or with its objective.
    history : History or None
        The history, if it is in this process.
    """

    fingerprint: ObjectiveFingerprint
    settings: Settings
    first_iteration: int
    seed: int
    model: Model
    loop_state: Frozen | tuple[LoopState, Objective] = field(repr=False)
    history: History | None = field(default=None, repr=False)

    def frozen(self) -> ResumeState:
        """The same without a reference to the data."""
        if isinstance(self.loop_state, Frozen):
            return self
        loop_state, objective = self.loop_state
        return replace(self, loop_state=freeze(loop_state, left_out(objective)))

    def resume(self, objective: Objective) -> LoopState:
        """The state of the loop on the same data; it shares nothing with this object."""
        frozen = self.frozen().loop_state
        assert isinstance(frozen, Frozen)
        loop_state = thaw(frozen, left_out(objective))
        assert isinstance(loop_state, LoopState)
        objective.restore_cached(loop_state.known)
        objective.data.passes.count = loop_state.iterate.passes
        return loop_state

    def __getstate__(self) -> dict[str, Any]:
        return dict(vars(self.frozen()))


@dataclass(frozen=True)
class LoopState:
    """All that the next steps of a descent depend on.

    Attributes
    ----------
    iterate : Iterate
    state : MonitorState
    random_state : dict
        State of the generator of the shuffles.
    known : dict
        Cached moments and bounds of the objective.
    """

    iterate: Iterate
    state: MonitorState
    random_state: Mapping[str, Any]
    known: Mapping[str, Any]

    @classmethod
    def at(cls, iterate: Iterate, state: MonitorState, random_state: RandomState) -> LoopState:
        """The state after an iterate; later steps do not change it."""
        kept = replace(
            state,
            stopping=copy(state.stopping),
            lowest=copy(state.lowest),
            best=copy(state.best),
        )
        return cls(iterate, kept, state_of(random_state), iterate.point.objective.cached_values)


def left_out(objective: Objective) -> Mapping[str, object]:
    """The objects that a frozen state leaves out, by name."""
    objects = objective, objective.data, objective.loss
    return dict(zip(LEFT_OUT, objects, strict=True))
