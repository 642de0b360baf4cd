"""One call of `fit`: check, assemble, reduce, descend, publish."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import nullcontext
from functools import partial
from typing import Any

import numpy as np
from numpy.random import RandomState
from numpy.typing import ArrayLike

from ..data import reserve_threads
from ..targets import Labels, encode_labels
from .assembly import cost_of, initial_parameters
from .callback_tasks import Tasks
from .inputs import check_features_finite, checked, checked_validation_set
from .messages import EarlyStopping, warn_if_rounded, warn_unless_converged
from .monitor import History, Observer
from .progress import Printer
from .publish import attributes_at, continues, publish, unchanged_on_error
from .resume import ResumeState
from .run import Descent, begin
from .settings import Settings
from .validation_set import LabelledRows, hold_out, validation_set_of


def fit(
    estimator: Any,
    settings: Settings,
    random_state: RandomState,
    rows: LabelledRows,
    validation: LabelledRows,
    initial: Mapping[str, ArrayLike | None],
    callbacks: Tasks | None,
    started: float,
) -> None:
    """Descend on J from the start to convergence, and set the fitted attributes.

    Parameters
    ----------
    estimator : GDLogisticRegression
    settings : Settings
    random_state : RandomState
    rows, validation : LabelledRows
        As given to `fit`, unchecked.
    initial : mapping
        ``coef_init`` and ``intercept_init``.
    callbacks : Tasks or None
    started : float
        Clock reading from which ``history_["time"]`` counts.
    """
    resume_state = resume_state_of(estimator, settings, initial)
    with unchanged_on_error(estimator):
        X, y = checked(estimator, rows.X, rows.y, reset=not continues(estimator))
        held_out = checked_validation_set(estimator, validation)
        is_given, weights = held_out is not None, rows.sample_weight
        seed = resume_state.seed if resume_state else 0
        if estimator.early_stopping and not is_given:
            seed = seed or int(random_state.randint(1, np.iinfo(np.int32).max))
            weights, held_out = hold_out(estimator, LabelledRows(X, y, weights), seed)
        labels = encode_labels(estimator, y, weights, estimator.class_weight, X.dtype)
        objective = cost_of(estimator, X, labels, float(estimator.C), float(estimator.l1_ratio))
        validation_set = held_out and validation_set_of(held_out, labels, objective)
        w = initial_parameters(estimator, objective, labels, continues(estimator), **initial)
        with (
            nullcontext()
            if objective.runs_on_one_thread and not validation_set
            else reserve_threads()
        ):
            resumable = bool(estimator.warm_start or callbacks)
            n_steps = sys.maxsize if estimator.warm_start else estimator.max_iter
            finite = partial(check_features_finite, estimator, X)
            state = resume_state, n_steps, random_state, seed, resumable
            descent = begin(settings, objective, w, *state, finite)
            vars(estimator).pop("best_iter_", None)  # callbacks get a copy of all attributes
            history = history_for(estimator, descent, started, validation_set is not None)
            patience = estimator.n_iter_no_change if estimator.early_stopping else None
            observers = observers_of(estimator, descent, labels, callbacks)
            outcome = descent.descend(
                estimator.max_iter, history, validation_set, patience, observers
            )
            publish(estimator, descent, labels, outcome, history)
            remaining = descent.remaining(outcome)
    stopped_by = None
    if estimator.early_stopping and validation_set:
        stopped_by = EarlyStopping(validation_set, is_given)
    warn_unless_converged(outcome, objective, settings, descent.rate, remaining, stopped_by)
    if descent.space is not None and settings.tol:
        warn_if_rounded(
            descent.space.score_error(outcome.w, descent.fingerprint.w.dtype), settings.tol
        )


def resume_state_of(
    estimator: Any, settings: Settings, initial: Mapping[str, ArrayLike | None]
) -> ResumeState | None:
    """Where the last fit ended, if this one may resume there."""
    state = vars(estimator).get("_resume_state")
    is_given = any(value is not None for value in initial.values())
    if state is None or is_given or not continues(estimator):
        return None
    same_model = state.model.is_unchanged_in(vars(estimator))
    return state if same_model and settings.can_continue(state.settings) else None


def history_for(estimator: Any, descent: Descent, started: float, validated: bool) -> History:
    """A new history, or that of the descent that is resumed."""
    if descent.loop_state is None:
        return History(started, validated)
    return History.after(estimator.history_, descent.history, started, validated)


def observers_of(
    estimator: Any, descent: Descent, labels: Labels, callbacks: Tasks | None
) -> tuple[Observer, ...]:
    """The observers of the loop: what ``verbose`` prints, and the callbacks."""
    observers: list[Observer] = []
    if estimator.verbose:
        observers.append(Printer(estimator.verbose > 1))
    if callbacks:
        callbacks.attributes = lambda it, monitor: attributes_at(descent, labels, it, monitor)
        observers.append(callbacks)
    return tuple(observers)
