"""Where a descent was left, without the data, so that it can go on there to the last bit.

All that the next step depends on is explicit: the iterate, with the rule's memory and the
number of steps made, what the stopping rules have seen, and the source of the shuffles. A
bookmark holds a frozen copy of these (`state.freeze`). The objective, and with it the data, is left
out; it is put in its place again when the descent goes on.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from math import sqrt
from typing import Any

import numpy as np
from numpy.random import RandomState

from .._mixing import mixed
from .._typing import Array
from ..data import Dataset, Presolve, Rows
from ..descent import Iterate
from ..objective import Objective
from ..penalty import ElasticNet
from ..state import Frozen, freeze, state_of, thaw
from .monitor import History, Standing
from .settings import Settings

ROUNDING = 1000.0
"""Roundings of a sum, each eps times the root of its length, by which equal moments may differ."""


def moments(rows: Rows) -> Array:
    """By which data are known again: Σ share · u · (x, 1) with two numbers u for every row.

    These numbers, in [−1, 1), look random. They depend on the place of the row in X and on its
    label, but not on x, so that other rows, weights or labels cannot have the same sums but by
    chance. Unlike a hash they do not depend on how X is stored, and hold each feature against
    its own scale.

    Returns
    -------
    array of shape (n_features + 1 or 2, 2)
    """
    start = 1 + (rows.index.start or 0)
    bits = np.arange(start, start + len(rows.y), dtype=np.uint64)
    bits += rows.y.ravel().astype(np.int64).astype(np.uint64) << np.uint64(48)
    u = mixed(bits).view(np.int32).reshape(-1, 2).T * (2.0**-31 * rows.shares())
    parts = (line[:, np.newaxis] for line in np.ascontiguousarray(u))  # one by one is faster
    return np.hstack([np.vstack([rows.backward(part), part.sum(keepdims=True)]) for part in parts])


def moments_of(data: Dataset) -> Array:
    """The `moments` of all rows, in a pass that does not count."""
    data.along(moments)
    sums = data.added_along()
    assert sums is not None
    return sums


def same_moments(one: Array | None, other: Array | None, n_rows: int) -> bool:
    """Whether the moments of two data sets of about so many rows are equal, but for rounding."""
    if one is None or other is None or one.shape != other.shape:
        return one is other
    size = np.maximum(np.abs(one), np.abs(other)).max(axis=1, keepdims=True)
    rounding = ROUNDING * np.finfo(np.float64).eps * sqrt(n_rows)
    return bool((np.abs(one - other) <= rounding * size).all())


@dataclass(frozen=True)
class Origin:
    """The start of a descent, and that by which its data and its cost are known again.

    Attributes
    ----------
    w : array of shape (n_features + intercept, n_outputs)
        In coordinates of the features.
    moments : array or None
        Those of the data; None where no descent will go on.
    penalty : ElasticNet
        In coordinates of the features.
    n_steps : int
        Most steps for which the reductions of the data were chosen.
    coordinates : tuple
        Those that they lead to (`Presolve.coordinates`).
    """

    w: Array
    moments: Array | None
    penalty: ElasticNet
    n_steps: int
    coordinates: tuple[object, ...]

    def may_be(self, w: Array) -> bool:
        """Whether it has the shape and the precision of these parameters."""
        return self.w.shape == w.shape and self.w.dtype == w.dtype

    def is_of(self, objective: Objective, presolve: Presolve) -> bool:
        """Whether the descent was on the same rows, labels, weights and penalty, reduced alike.

        The data are asked what was added up `along` the last pass.
        """
        data = objective.data
        same = same_moments(self.moments, data.added_along(), data.n_rows)
        alike = self.coordinates == presolve.coordinates
        return same and alike and self.penalty == objective.penalty


@dataclass(frozen=True)
class Model:
    """Copies of ``coef_`` and ``intercept_`` as they were left."""

    coef: Array
    intercept: Array

    @classmethod
    def of(cls, attributes: Mapping[str, Any]) -> Model:
        """That of fitted attributes."""
        return cls(attributes["coef_"].copy(), attributes["intercept_"].copy())

    def is_still(self, attributes: Mapping[str, Any]) -> bool:
        """Whether the attributes have not been changed by hand since."""
        coef, intercept = attributes["coef_"], attributes["intercept_"]
        return np.array_equal(coef, self.coef) and np.array_equal(intercept, self.intercept)


@dataclass
class Bookmark:
    """Where a descent was left.

    Attributes
    ----------
    origin : Origin
    settings : Settings
        Without the learning rate, which may be another when the descent goes on.
    began : int
        Number of the iterate at which the last call of `fit` began; that of the last one if
        the call has come to its end.
    seed : int
        Chooses the rows that are held out.
    model : Model
    place : Frozen or tuple
        A `Place`, frozen, or with its objective.
    history : History or None
        With which the descent may go on in this process.
    """

    origin: Origin
    settings: Settings
    began: int
    seed: int
    model: Model
    place: Frozen | tuple[Place, Objective] = field(repr=False)
    history: History | None = field(default=None, repr=False)

    def frozen(self) -> Bookmark:
        """The same without a reference to the data."""
        if isinstance(self.place, Frozen):
            return self
        place, objective = self.place
        return replace(self, place=freeze(place, left_out(objective)))

    def go_on(self, objective: Objective) -> Place:
        """The place on the same data; nothing of it is shared with this bookmark."""
        frozen = self.frozen().place
        assert isinstance(frozen, Frozen)
        place = thaw(frozen, left_out(objective))
        assert isinstance(place, Place)
        objective.remember(place.known)
        objective.data.passes.count = place.iterate.passes
        return place

    def __getstate__(self) -> dict[str, Any]:
        return dict(vars(self.frozen()))


@dataclass(frozen=True)
class Place:
    """All that the rest of a descent depends on.

    Attributes
    ----------
    iterate : Iterate
    standing : Standing
    random_state : dict
        State of the source of shuffles.
    known : dict
        What has been worked out of the data, and need not be again.
    """

    iterate: Iterate
    standing: Standing
    random_state: Mapping[str, Any]
    known: Mapping[str, Any]

    @classmethod
    def at(cls, iterate: Iterate, standing: Standing, random_state: RandomState) -> Place:
        """The place after an iterate, of which nothing changes when the descent goes on."""
        seen = replace(
            standing,
            stopping=copy(standing.stopping),
            lowest=copy(standing.lowest),
            best=copy(standing.best),
        )
        return cls(iterate, seen, state_of(random_state), iterate.point.objective.known)


def left_out(objective: Objective) -> Mapping[str, object]:
    """What is not kept with a descent."""
    return {"objective": objective, "data": objective.data}
