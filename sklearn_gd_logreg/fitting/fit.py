"""One call of `fit`: check, assemble, reduce, descend, publish."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

import numpy as np
from numpy.random import RandomState
from numpy.typing import ArrayLike

from ..data import own_threads
from ..targets import label_rows
from .assembly import cost_of, initial_parameters
from .callback_tasks import Tasks
from .inputs import checked, checked_validation_set, require_finite
from .messages import EarlyStopping, warn_if_rounded, warn_unless_converged
from .monitor import History, Observer
from .progress import Printer
from .publish import attributes_at, continues, publish, unchanged_on_error
from .resume import Bookmark
from .run import begin
from .settings import Settings
from .validation_set import Labelled, held_out, hold_out


def fit(
    estimator: Any,
    settings: Settings,
    random_state: RandomState,
    rows: Labelled,
    validation: Labelled,
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
    rows, validation : Labelled
        As given to `fit`, unchecked.
    initial : mapping
        ``coef_init`` and ``intercept_init``.
    callbacks : Tasks or None
    started : float
        Clock reading from which ``history_["time"]`` counts.
    """
    mark = bookmark_of(estimator, settings, initial)
    with unchanged_on_error(estimator):
        X, y = checked(estimator, rows.X, rows.y, reset=not continues(estimator))
        others = checked_validation_set(estimator, validation)
        given, weights, seed = others is not None, rows.sample_weight, mark.seed if mark else 0
        if estimator.early_stopping and not given:
            seed = seed or int(random_state.randint(1, np.iinfo(np.int32).max))
            part, classes = estimator.validation_fraction, estimator.class_weight
            weights, others = hold_out(estimator, Labelled(X, y, weights), classes, part, seed)
        labels = label_rows(estimator, y, weights, estimator.class_weight, X.dtype)
        objective = cost_of(estimator, X, labels, float(estimator.C), float(estimator.l1_ratio))
        held = others and held_out(others, labels, objective)
        w = initial_parameters(estimator, objective, labels, continues(estimator), **initial)
        with nullcontext() if objective.is_tiny and held is None else own_threads():
            warm, finite = estimator.warm_start, lambda: require_finite(estimator, X)
            resumable = bool(warm or callbacks)
            n_steps = sys.maxsize if warm else estimator.max_iter  # more calls may follow
            run = begin(
                settings, objective, w, mark, n_steps, random_state, seed, resumable, finite
            )
            vars(estimator).pop("best_iter_", None)  # callbacks are given a copy of all there is
            history = History(started, held is not None)
            if run.place is not None:
                history = History.after(estimator.history_, run.history, started, held is not None)
            observers: list[Observer] = []
            if estimator.verbose:
                observers.append(Printer(estimator.verbose > 1))
            if callbacks:
                callbacks.attributes = lambda it, watch: attributes_at(run, labels, it, watch)
                observers.append(callbacks)
            patience = estimator.n_iter_no_change if estimator.early_stopping else None
            outcome = run.watched(estimator.max_iter, history, held, patience, tuple(observers))
            publish(estimator, run, labels, outcome, history)
            remaining = run.remaining(outcome)
    judge = EarlyStopping(held, given) if estimator.early_stopping and held else None
    warn_unless_converged(outcome, objective, settings, run.rate, remaining, judge)
    if run.space is not None and settings.tol:
        warn_if_rounded(run.space.rounding(outcome.w, run.origin.w.dtype), settings.tol)


def bookmark_of(
    estimator: Any, settings: Settings, initial: Mapping[str, ArrayLike | None]
) -> Bookmark | None:
    """Where the last fit was left, if this one may go on there."""
    mark = vars(estimator).get("_bookmark")
    given = any(value is not None for value in initial.values())
    if mark is None or given or not continues(estimator):
        return None
    may = settings.may_go_on(mark.settings) and mark.model.is_still(vars(estimator))
    return mark if may else None
