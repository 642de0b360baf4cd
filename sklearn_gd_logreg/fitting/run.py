"""The descent of one call of `fit`: it starts at w_0, or resumes that of the last call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any, NamedTuple

import numpy as np
from numpy.random import RandomState

from .._typing import Array
from ..data import AllowedReductions, Presolve, Reduction, choose_reductions
from ..descent import (
    Iterate,
    descend,
    descend_by_batches,
    first_epoch,
    first_iterate,
    reevaluate,
    with_max_norms,
)
from ..objective import Objective, Point
from ..rules import UpdateRule
from ..rules.base import Budget
from ..schedules import LearningRate
from ..state import shuffles_from
from .monitor import History, Monitor, MonitorState, Observer, Outcome
from .remaining import Remaining, remaining_at
from .resume import (
    LoopState,
    Model,
    ObjectiveFingerprint,
    ResumeState,
    data_fingerprint,
    row_fingerprint,
    same_fingerprint,
)
from .settings import Settings
from .stopping import BestIterate, CostPlateau, GradientTolerance, StoppingRule
from .validation_set import ValidationSet


def allowed_reductions(
    rule: UpdateRule, objective: Objective, batch_size: int | None, n_steps: int
) -> AllowedReductions:
    """The reductions that leave the descent of a rule the same.

    The textbook's natural gradient merges nothing, so that its F is that of the rows as they are.
    """
    in_memory = objective.data.stores_row_values
    full_batch, merges = batch_size is None and in_memory, not getattr(rule, "exact", False)
    l1, l2, intercept = objective.penalty.l1, objective.penalty.l2, objective.data.intercept
    turns = rule.rotation_invariant or rule.scale_free
    budget = Budget(batch_size=batch_size, max_iter=n_steps)
    return AllowedReductions(
        n_steps=n_steps,
        zero_weight=full_batch,
        equal_rows=full_batch and merges,
        centering=rule.scale_free and intercept,
        single_row_features=full_batch and merges and turns and not l1,
        row_space=lambda data: in_memory and rule.plan(objective.on(data), budget).row_space,
        l2=l2 if rule.scale_free else None,
    )


def begin(
    settings: Settings,
    objective: Objective,
    w: Array,
    resume_state: ResumeState | None,
    n_steps: int,
    random_state: RandomState,
    seed: int,
    resumable: bool,
    check_features_finite: Callable[[], None],
) -> Descent:
    """The descent from w, or from where the last one ended if data and cost are the same.

    Parameters
    ----------
    settings : Settings
    objective : Objective
    w : array
        w_0 in coordinates of the features.
    resume_state : ResumeState or None
        Where the last descent ended.
    n_steps : int
        Largest number of steps, those of later calls included.
    random_state : RandomState
    seed : int
        Seed of the validation split; 0 if there is none.
    resumable : bool
        Whether another fit may resume this one.
    check_features_finite : callable
        Raises unless X is finite.
    """
    if resumable:
        objective.data.add_to_next_pass(row_fingerprint)
    if resume_state and resume_state.fingerprint.has_shape_of(w):
        fingerprint = resume_state.fingerprint
        found = first_point(
            settings, objective, fingerprint.w, fingerprint.n_steps, check_features_finite
        )
        if not fingerprint.matches(objective, found.presolve):
            resume_state = None
    else:
        resume_state = None
    if resume_state is None:
        found = first_point(settings, objective, w, n_steps, check_features_finite)
        rows, coordinates = objective.data.extra_sum(), found.presolve.key
        fingerprint = ObjectiveFingerprint(w, rows, objective.penalty, n_steps, coordinates)
    start, rule, presolve = found
    rate = settings.rate or settings.rule.auto_rate(objective, settings.batch_size)
    space, reasons = presolve.reduction, presolve.reasons
    descent = Descent(settings, rule, rate, start, fingerprint, space, reasons, random_state, seed)
    if resume_state is not None:
        descent.resume_from(resume_state)
    return descent


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
    check_features_finite: Callable[[], None],
) -> FirstPoint:
    """Reduce the data, and evaluate J at w_0.

    A NaN or an infinity in X makes J or its gradient not finite, so X is checked only then. It is
    checked first where a reduction leaves rows out or computes the row space.

    Where a sample needs a pass, J is evaluated first: one pass for both. The reductions look at the
    sample.
    """
    rule, point = settings.rule, Point(objective, w)
    if rule.scale_free and objective.data.needs_pass_to_sample:
        objective.data.draw_in_next_pass()
        require_finite(point, check_features_finite)  # evaluates J
    allowed = allowed_reductions(rule, objective, settings.batch_size, n_steps)
    presolve = choose_reductions(objective.data, w, allowed, check_features_finite)
    if presolve.reduction is not None:
        point = Point(objective.on(presolve.data), presolve.start)
    plan = rule.plan(point.objective, Budget(settings.tol, settings.batch_size))
    if plan.fused:
        point = Point(point.objective, point.w, fused=True)
    require_finite(point, check_features_finite)
    return FirstPoint(point, plan.rule, presolve)


def require_finite(point: Point, check_features_finite: Callable[[], None]) -> None:
    """Call ``check_features_finite`` unless J and its gradient are finite."""
    if not (isfinite(point.cost) and np.isfinite(point.dw).all()):
        check_features_finite()


@dataclass
class Descent:
    """A descent that is ready to start or to resume.

    Attributes
    ----------
    settings : Settings
    rule : UpdateRule
        The rule of the plan for this descent.
    rate : LearningRate
        The given one, or the rule's own for "auto".
    start : Point
        w_0 of the descent, in its coordinates.
    fingerprint : ObjectiveFingerprint
    space : Reduction or None
        The reduction that leads to these coordinates, if they are not the features.
    reductions : mapping
        Name of every reduction in use, and the reason for it.
    random_state : RandomState
        Shuffles the mini-batches.
    seed : int
        Seed of the validation split; 0 if there is none.
    loop_state : LoopState or None
        State of the loop to resume from; None starts at w_0.
    first_iteration : int
        Number of the first iterate of this call of `fit`.
    history : History or None
        History of the resumed descent, if it ran in this process.
    """

    settings: Settings
    rule: UpdateRule
    rate: LearningRate
    start: Point
    fingerprint: ObjectiveFingerprint
    space: Reduction | None
    reductions: Mapping[str, str]
    random_state: RandomState
    seed: int = 0
    loop_state: LoopState | None = None
    first_iteration: int = 0
    history: History | None = None

    def resume_from(self, resume_state: ResumeState) -> None:
        """Resume a descent on the same cost."""
        self.loop_state = resume_state.resume(self.start.objective)
        self.first_iteration, self.history = resume_state.first_iteration, resume_state.history
        if self.settings.batch_size is None and self.settings.tol != resume_state.settings.tol:
            iterate = reevaluate(self.loop_state.iterate, self.rule)
            self.loop_state = replace(self.loop_state, iterate=iterate)
        self.random_state = shuffles_from(self.loop_state.random_state)

    def descend(
        self,
        max_iter: int,
        history: History,
        validation_set: ValidationSet | None,
        patience: int | None,
        observers: tuple[Observer, ...],
    ) -> Outcome:
        """Descend until the monitor stops the loop."""
        last = self.first_iteration + max_iter
        validation_rows = None
        if validation_set is not None:
            if self.fingerprint.rows is not None:
                validation_rows = data_fingerprint(validation_set.objective.data)
            if self.space is not None:
                validation_set = validation_set.in_coordinates_of(self.space)
        state = self._monitor_state(validation_set, validation_rows)
        recorded = self.loop_state is not None
        monitor = Monitor(state, history, last, validation_set, patience, observers, recorded)
        return monitor.run(self._iterates(last))

    def _iterates(self, last: int) -> Iterator[Iterate]:
        rule, batch_size = self.rule, self.settings.batch_size
        if batch_size is not None:
            first = self.loop_state.iterate if self.loop_state else first_epoch(self.start, rule)
            return descend_by_batches(first, rule, self.rate, batch_size, self.random_state)
        first = self.loop_state.iterate if self.loop_state else first_iterate(self.start, rule)
        iterates = descend(first, rule, self.rate)
        if self.space is None or not (self.space.norms_per_product and rule.uses_max_norm):
            return iterates
        last, ahead = max(first.k, last), self.space.norms_per_product
        return with_max_norms(iterates, self.space.max_norms, first.k, last, ahead)

    def _monitor_state(
        self, validation_set: ValidationSet | None, validation_rows: Array | None
    ) -> MonitorState:
        """The state of the monitor to begin with.

        Another stopping rule, or another validation set, starts anew at the resumed iterate.
        """
        stopping = self._stopping()
        if self.loop_state is None:
            return MonitorState(stopping, validation_rows=validation_rows)
        state, iterate = self.loop_state.state, self.loop_state.iterate
        if state.stopping.settings != stopping.settings:
            state = replace(state, stopping=stopping, reason=stopping.reason(iterate))
        n_rows = 0 if validation_set is None else validation_set.objective.data.n_rows
        if not same_fingerprint(validation_rows, state.validation_rows, n_rows):
            state = replace(state, best=BestIterate(), validation_rows=validation_rows)
            if validation_set is not None:
                state.best.update(validation_set.score(iterate.w).loss, iterate)
        return state

    def _stopping(self) -> StoppingRule:
        settings = self.settings
        if settings.batch_size is not None:
            return CostPlateau(settings.tol)
        return GradientTolerance(settings.tol, not settings.rule.uses_max_norm, self.rate.searches)

    def remaining(self, outcome: Outcome) -> Remaining | None:
        """How far J can still fall after the last iterate, if the descent met a plateau."""
        if outcome.reason != "plateau":
            return None
        it = outcome.last
        return remaining_at(Point(it.point.objective, it.w), it.passes)

    def expand(self, w: Array) -> Array:
        """Parameters in coordinates of the features."""
        return w if self.space is None else self.space.expand(w)

    def resume_state_at(
        self,
        iterate: Iterate,
        state: MonitorState,
        model: Mapping[str, Any],
        ended: History | None = None,
    ) -> ResumeState:
        """All that a later fit needs to resume after an iterate with this model.

        ``ended`` is the history if this call of `fit` has ended.
        """
        loop_state = LoopState.at(iterate, state, self.random_state)
        first_iteration = self.first_iteration if ended is None else iterate.k
        objective = self.start.objective
        settings = replace(self.settings, rule=copy(self.settings.rule), rate=None)
        numbers = first_iteration, self.seed
        kept = Model.of(model), (loop_state, objective)
        return ResumeState(self.fingerprint, settings, *numbers, *kept, history=ended)
