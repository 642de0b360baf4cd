"""Rows that come in parts and are seen once: what `partial_fit` remembers between its calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import RandomState
from numpy.typing import ArrayLike, NDArray

from ._typing import Array
from .descent import Iterate, epoch, first_epoch
from .objective import Objective, Point
from .resume import freeze, thaw
from .settings import Settings
from .targets import Labels, check_weights, class_factors, class_mass, place, shares
from .validation import invalid


@dataclass(frozen=True)
class Stream:
    """Where the descent on a stream of rows stands.

    Attributes
    ----------
    total : float
        Σs of all rows so far.
    memory : bytes
        Pickle of what the rule remembers, without the rows.
    learning_rate : float
    steps : int
    passes : float
    random_state : dict
    model : tuple of arrays
        Copies of ``coef_`` and ``intercept_``.
    """

    total: float
    memory: bytes
    learning_rate: float
    steps: int
    passes: float
    random_state: Mapping[str, Any]
    model: tuple[Array, Array]

    @classmethod
    def after(
        cls, iterate: Iterate, total: float, random_state: RandomState, model: tuple[Array, Array]
    ) -> Stream:
        """The stream after an epoch on its last rows."""
        state = random_state.get_state(legacy=False)
        assert isinstance(state, Mapping)
        memory = freeze(iterate.memory, iterate.point.objective)
        copies = model[0].copy(), model[1].copy()
        known = (iterate.learning_rate, iterate.steps, iterate.passes, state, copies)
        return cls(total, memory, *known)

    def iterate_on(self, objective: Objective, w: Array, k: int) -> Iterate:
        """Where an epoch on the next rows begins; nothing is read yet."""
        objective.data.passes.count = self.passes
        point, memory = Point(objective, w), thaw(self.memory, objective)
        nan = float("nan")
        known = (k, w, 0.0, 0.0, nan, self.learning_rate, self.passes, w)
        return Iterate(*known, point, memory, self.steps)

    def shuffles(self) -> RandomState:
        """The source of shuffles from here on."""
        random_state = RandomState()
        random_state.set_state(dict(self.random_state))
        return random_state


def epoch_on(
    first: Iterate, settings: Settings, share: float, random_state: RandomState
) -> Iterate:
    """One epoch on new rows, whose weight is the part ``share`` of all so far."""
    objective = first.point.objective
    size = settings.batch_size or objective.data.n_rows
    rule = settings.rule.on_stream(share)
    rate = settings.rate or rule.auto_rate(objective, size)
    objective.data.passes.count = first.passes
    return epoch(first, rule, rate, size, random_state)


def first_on(objective: Objective, w: Array, settings: Settings) -> Iterate:
    """The start of a stream, true of its first rows."""
    return first_epoch(Point(objective, w), settings.rule)


def label_part(
    owner: object,
    y: NDArray[Any],
    classes: NDArray[Any],
    sample_weight: ArrayLike | None,
    class_weight: Mapping[Any, float] | str | None,
    dtype: Any,
) -> Labels:
    """The labels of a part of the rows, of which every class may be missing."""
    if class_weight == "balanced":
        allowed = "a dict or None in partial_fit, which does not know how often a class will occur"
        raise invalid(owner, "class_weight", class_weight, allowed)
    codes = place(y, classes, "y must hold no labels but those of the first call's classes")
    weights = check_weights(sample_weight, len(y))
    factors = class_factors(owner, class_weight, classes, np.ones(len(classes)))
    total = float(class_mass(codes, weights, len(classes)) @ factors)
    share = None
    if weights is not None or class_weight is not None:
        share = shares(codes, weights, factors, total, dtype)
    return Labels(classes, codes, share, total)
