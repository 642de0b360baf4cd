"""One call of `fit`: the descent from its first iterate on, or from where the last call left it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from math import isfinite
from typing import Any, NamedTuple

import numpy as np
from numpy.random import RandomState

from .._typing import Array
from ..data import Allowed, Presolve, Reduction, choose_reductions
from ..descent import (
    Iterate,
    descend,
    descend_by_batches,
    first_epoch,
    first_iterate,
    seen_again,
    with_max_norms,
)
from ..objective import Objective, Point
from ..rules import UpdateRule
from ..rules.base import Task
from ..schedules import LearningRate
from ..state import shuffles_from
from .monitor import History, Observer, Outcome, Standing, Watch
from .remaining import Remaining, remaining_at
from .resume import (
    Bookmark,
    Model,
    Origin,
    Place,
    moments,
    moments_of,
    same_moments,
)
from .settings import Settings
from .stopping import Best, CostPlateau, GradientTolerance, StoppingRule
from .validation_set import HeldOut


def allowed_reductions(
    rule: UpdateRule, objective: Objective, batch_size: int | None, n_steps: int
) -> Allowed:
    """The reductions that leave the descent of a rule the same.

    The textbook's natural gradient merges nothing, so that its F is that of the rows as they are.
    """
    full_batch, merges = batch_size is None, not getattr(rule, "exact", False)
    l1, l2, intercept = objective.penalty.l1, objective.penalty.l2, objective.data.intercept
    turns = rule.rotation_invariant or rule.scale_free
    task = Task(batch_size=batch_size, max_iter=n_steps)
    return Allowed(
        n_steps=n_steps,
        zero_weight=full_batch,
        equal_rows=full_batch and merges,
        centring=rule.scale_free and intercept,
        single_row_features=full_batch and merges and turns and not l1,
        row_space=lambda data: rule.plan(objective.on(data), task).row_space,
        l2=l2 if rule.scale_free else None,
    )


def begin(
    settings: Settings,
    objective: Objective,
    w: Array,
    mark: Bookmark | None,
    n_steps: int,
    random_state: RandomState,
    seed: int,
    resumable: bool,
    require_finite: Callable[[], None],
) -> Run:
    """The descent from w, or from the bookmark if data and cost are still the same.

    Parameters
    ----------
    settings : Settings
    objective : Objective
    w : array
        w_0 in coordinates of the features.
    mark : Bookmark or None
    n_steps : int
        The most steps.
    random_state : RandomState
    seed : int
        Chose the rows that are held out.
    resumable : bool
        Whether another fit may go on where this one ends.
    require_finite : callable
        Raises unless X is finite.
    """
    if resumable:
        objective.data.along(moments)
    if mark and mark.origin.may_be(w):
        origin = mark.origin
        found = first_point(settings, objective, origin.w, origin.n_steps, require_finite)
        if not origin.is_of(objective, found.presolve):
            mark = None
    else:
        mark = None
    if mark is None:
        found = first_point(settings, objective, w, n_steps, require_finite)
        seen = objective.data.added_along()
        origin = Origin(w, seen, objective.penalty, n_steps, found.presolve.coordinates)
    start, rule, presolve = found
    rate = settings.rate or settings.rule.auto_rate(objective, settings.batch_size)
    run = Run(settings, rule, rate, start, origin, presolve.reduction, random_state, seed)
    run.reductions = presolve.reasons
    if mark is not None:
        run.go_on_from(mark)
    return run


class FirstPoint(NamedTuple):
    """w_0 in the coordinates of the descent, the rule ready for it, and the reductions."""

    point: Point
    rule: UpdateRule
    presolve: Presolve


def first_point(
    settings: Settings,
    objective: Objective,
    w: Array,
    n_steps: int,
    require_finite: Callable[[], None],
) -> FirstPoint:
    """Reduce the data, and evaluate J at w_0.

    Whether X is finite is asked only if J or its gradient is not: a NaN or an infinity
    in X, times whatever number, leaves neither as it was. It is asked first where rows are
    left out, or the row space is worked out.
    """
    allowed = allowed_reductions(settings.rule, objective, settings.batch_size, n_steps)
    presolve = choose_reductions(objective.data, w, allowed, require_finite)
    if presolve.reduction is not None:
        objective, w = objective.on(presolve.data), presolve.start
    plan = settings.rule.plan(objective, Task(settings.tol, settings.batch_size))
    point = Point(objective, w, plan.fused)
    if not (isfinite(point.cost) and np.isfinite(point.dw).all()):
        require_finite()
    return FirstPoint(point, plan.rule, presolve)


@dataclass
class Run:
    """A descent, and where it is to begin.

    Attributes
    ----------
    settings : Settings
    rule : UpdateRule
        Ready for this descent, by its plan.
    rate : LearningRate
        As asked for, or as the rule has chosen.
    start : Point
        w_0 of the descent, in its coordinates.
    origin : Origin
    space : Reduction or None
        These coordinates, if they are not the features.
    random_state : RandomState
        Shuffles the mini-batches.
    seed : int
        Chose the rows that are held out; 0: none were.
    place : Place or None
        Where the descent goes on; None: at w_0.
    began : int
        Number of the iterate at which this call of `fit` began.
    history : History or None
        That of the descent that goes on here, if it was in this process.
    reductions : mapping
        The names of the reductions that lead to the coordinates, and why each is used.
    """

    settings: Settings
    rule: UpdateRule
    rate: LearningRate
    start: Point
    origin: Origin
    space: Reduction | None
    random_state: RandomState
    seed: int = 0
    place: Place | None = None
    began: int = 0
    history: History | None = None
    reductions: Mapping[str, str] = field(default_factory=dict)

    def go_on_from(self, mark: Bookmark) -> None:
        """Go on where a descent on the same cost was left."""
        self.place, self.began = mark.go_on(self.start.objective), mark.began
        self.history = mark.history
        if self.settings.batch_size is None and self.settings.tol != mark.settings.tol:
            iterate = seen_again(self.place.iterate, self.rule)
            self.place = replace(self.place, iterate=iterate)
        self.random_state = shuffles_from(self.place.random_state)

    def watched(
        self,
        max_iter: int,
        history: History,
        held_out: HeldOut | None,
        patience: int | None,
        observers: tuple[Observer, ...],
    ) -> Outcome:
        """Descend, until those who watch say that it is enough."""
        last = self.began + max_iter
        judges = None
        if held_out is not None:
            if self.origin.moments is not None:
                judges = moments_of(held_out.objective.data)
            if self.space is not None:
                held_out = held_out.seen_from(self.space)
        standing = self._standing(held_out, judges)
        known = self.place is not None
        watch = Watch(standing, history, last, held_out, patience, observers, known)
        return watch.run(self._iterates(last))

    def _iterates(self, last: int) -> Iterator[Iterate]:
        rule, batch_size = self.rule, self.settings.batch_size
        if batch_size is not None:
            first = self.place.iterate if self.place else first_epoch(self.start, rule)
            return descend_by_batches(first, rule, self.rate, batch_size, self.random_state)
        first = self.place.iterate if self.place else first_iterate(self.start, rule)
        iterates = descend(first, rule, self.rate)
        if self.space is None or not (self.space.steps_ahead and rule.max_norm):
            return iterates
        last, ahead = max(first.k, last), self.space.steps_ahead
        return with_max_norms(iterates, self.space.max_norms, first.k, last, ahead)

    def _standing(self, held_out: HeldOut | None, judges: Array | None) -> Standing:
        """What those who watch have seen so far, as far as they were told the same.

        Other rows held out judge where the descent goes on from there.
        """
        stopping = self._stopping()
        if self.place is None:
            return Standing(stopping, judges=judges)
        standing, iterate = self.place.standing, self.place.iterate
        if standing.stopping.settings != stopping.settings:
            standing = replace(standing, stopping=stopping, verdict=stopping.reason(iterate))
        n_rows = 0 if held_out is None else held_out.objective.data.n_rows
        if not same_moments(judges, standing.judges, n_rows):
            standing = replace(standing, best=Best(), judges=judges)
            if held_out is not None:
                standing.best.see(held_out.judge(iterate.w).loss, iterate)
        return standing

    def _stopping(self) -> StoppingRule:
        settings = self.settings
        if settings.batch_size is not None:
            return CostPlateau(settings.tol)
        return GradientTolerance(settings.tol, not settings.rule.max_norm, self.rate.searches)

    def remaining(self, outcome: Outcome) -> Remaining | None:
        """What is left to gain after the last iterate; asked of a descent that met a plateau."""
        if outcome.reason != "plateau":
            return None
        it = outcome.last
        return remaining_at(Point(it.point.objective, it.w), it.passes)

    def expand(self, w: Array) -> Array:
        """Parameters in coordinates of the features."""
        return w if self.space is None else self.space.expand(w)

    def bookmark(
        self,
        iterate: Iterate,
        standing: Standing,
        model: Mapping[str, Any],
        ended: History | None = None,
    ) -> Bookmark:
        """Where the descent stands after an iterate, and the attributes of its model.

        ``ended`` is its history if the call has come to its end.
        """
        place = Place.at(iterate, standing, self.random_state)
        began = self.began if ended is None else iterate.k
        objective = self.start.objective
        settings = replace(self.settings, rule=copy(self.settings.rule), rate=None)
        kept = Model.of(model)
        return Bookmark(
            self.origin, settings, began, self.seed, kept, (place, objective), history=ended
        )
