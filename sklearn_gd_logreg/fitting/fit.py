"""One call of `fit`: check the input, build J, descend, set the fitted attributes, warn."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.random import RandomState
from numpy.typing import ArrayLike
from sklearn import get_config

from .._namespace import (
    dispatches,
    hint_for_devices,
    moved,
    require_float64,
    require_numpy,
    require_same_place,
)
from .._typing import Array
from ..data import ChunkReader, reserve_threads
from ..objective import Objective
from ..targets import LabelSet, encode_labels
from ..validation import invalid
from .assembly import cost_in_chunks, cost_of, initial_parameters
from .callback_tasks import CallbackTasks
from .chunked import check_chunks_finite, labels_of, training_reader, validation_reader
from .inputs import check_features_finite, checked, checked_validation_set
from .messages import EarlyStopping, warn_if_rounded, warn_unless_converged
from .monitor import History, Observer
from .on_device import (
    attributes_on_device,
    cost_on_device,
    device_labels,
    device_validation_set_of,
)
from .progress import Printer
from .publish import attributes_at, continues, publish, unchanged_on_error
from .resume import ResumeState
from .run import Descent, begin
from .settings import Settings
from .validation_set import (
    LabelledRows,
    ValidationSet,
    chunked_validation_set_of,
    hold_out,
    validation_set_of,
)


def fit(
    estimator: Any,
    settings: Settings,
    random_state: RandomState,
    rows: LabelledRows,
    validation: LabelledRows,
    initial: Mapping[str, ArrayLike | None],
    callbacks: CallbackTasks | None,
    started: float,
) -> None:
    """Minimise J from the starting point, set the fitted attributes, and warn of non-convergence.

    Parameters
    ----------
    estimator : GDLogisticRegression
    settings : Settings
    random_state : RandomState
    rows, validation : LabelledRows
        As given to `fit`, unchecked.
    initial : mapping
        ``coef_init`` and ``intercept_init``.
    callbacks : CallbackTasks or None
    started : float
        Clock reading (`time.perf_counter`) from which ``history_["time"]`` counts.
    """
    resume_state = resume_state_of(estimator, settings, initial)
    with unchanged_on_error(estimator):
        with hint_for_devices(*rows, *validation):
            problem = build_problem(
                estimator, settings, random_state, rows, validation, resume_state
            )
        objective, labels = problem.objective, problem.labels
        validation_set = problem.validation_set
        w = initial_parameters(estimator, objective, labels, continues(estimator), **initial)
        with threads_for(problem):
            resumable = bool(estimator.warm_start or callbacks) and not problem.on_device
            resume_state = resume_state if resumable else None  # nothing identifies rows elsewhere
            descent = begin_descent(
                estimator, settings, problem, w, resume_state, random_state, resumable
            )
            # Callbacks get copies of the estimator, without `best_iter_` of an earlier fit.
            vars(estimator).pop("best_iter_", None)
            history = history_for(estimator, descent, started, validation_set is not None)
            patience = estimator.n_iter_no_change if estimator.early_stopping else None
            observers = observers_of(estimator, descent, problem, callbacks)
            outcome = descent.descend(
                estimator.max_iter, history, validation_set, patience, observers
            )
            publish(estimator, descent, labels, outcome, history, resumable)
            vars(estimator).update(problem.placed(vars(estimator)))
            remaining = descent.remaining(outcome)
    stopped_by = None
    if estimator.early_stopping and validation_set:
        stopped_by = EarlyStopping(validation_set, problem.has_given_validation)
    warn_unless_converged(outcome, objective, settings, descent.rate, remaining, stopped_by)
    if descent.space is not None and settings.tol:
        score_error = descent.space.score_error(outcome.w, descent.fingerprint.w.dtype)
        warn_if_rounded(score_error, settings.tol, descent.reductions)


class Problem(NamedTuple):
    """The J of one call of `fit`, and the data on which its iterates are scored.

    Attributes
    ----------
    require_finite : callable
        Raises unless all features are finite, those of held-out rows included.
    labels : LabelSet
    objective : Objective
        J in coordinates of the features.
    validation_set : ValidationSet or None
    has_given_validation : bool
        Whether the user gave the validation set.
    split_seed : int
        Seed of the split that early stopping makes; 0 if no fit of this descent made one.
    on_device : tuple or None
        X and y, if X is of another library than NumPy: the fitted attributes get their library
        and device.
    """

    require_finite: Callable[[], None]
    labels: LabelSet
    objective: Objective
    validation_set: ValidationSet | None
    has_given_validation: bool
    split_seed: int
    on_device: tuple[Any, Any] | None = None

    def placed(self, attributes: Mapping[str, Any]) -> Mapping[str, Any]:
        """Fitted attributes in the library and on the device of the rows."""
        return attributes_on_device(attributes, *self.on_device) if self.on_device else attributes


def build_problem(
    estimator: Any,
    settings: Settings,
    random_state: RandomState,
    rows: LabelledRows,
    validation: LabelledRows,
    resume_state: ResumeState | None,
) -> Problem:
    """Check the input, hold out rows if early stopping needs them, and build J.

    A resumed descent holds out the same rows again: its split has the same seed.
    """
    reader = training_reader(estimator, settings, rows, validation, reset=not continues(estimator))
    if reader is not None:
        return build_problem_in_chunks(estimator, reader, validation)
    if dispatches(rows.X):
        require_float64("X", rows.X)
    if get_config()["array_api_dispatch"]:
        rows, validation = (with_labels_beside_rows(part) for part in (rows, validation))
    if dispatches(rows.X):
        return build_problem_on_device(estimator, rows, validation)
    require_numpy("X_val", validation.X)
    X, y = checked(estimator, rows.X, rows.y, reset=not continues(estimator))
    validation_rows = checked_validation_set(estimator, validation)
    is_given, weights = validation_rows is not None, rows.sample_weight
    seed = resume_state.seed if resume_state else 0
    if estimator.early_stopping and not is_given:
        seed = seed or int(random_state.randint(1, np.iinfo(np.int32).max))
        weights, validation_rows = hold_out(estimator, LabelledRows(X, y, weights), seed)
    labels = encode_labels(estimator, y, weights, estimator.class_weight, X.dtype)
    objective = cost_of(estimator, X, labels, float(estimator.C), float(estimator.l1_ratio))
    validation_set = validation_rows and validation_set_of(validation_rows, labels, objective)
    require_finite = partial(check_features_finite, estimator, X)
    return Problem(require_finite, labels, objective, validation_set, is_given, seed)


def with_labels_beside_rows(rows: LabelledRows) -> LabelledRows:
    """Labels and weights in the library and on the device of X, as scikit-learn moves them."""
    X, y, weights = rows
    return rows if X is None else LabelledRows(X, moved(y, X), moved(weights, X))


def build_problem_on_device(
    estimator: Any, rows: LabelledRows, validation: LabelledRows
) -> Problem:
    """Check rows in arrays of another library, and build J where they are."""
    if estimator.early_stopping and validation.X is None:
        allowed = "False without validation data for arrays that are not NumPy's"
        hint = "Pass X_val and y_val."
        raise invalid(estimator, "early_stopping", estimator.early_stopping, allowed, hint)
    X, y = checked(estimator, rows.X, rows.y, reset=not continues(estimator))
    labels = device_labels(estimator, X, y, rows.sample_weight)
    objective, validation_set = cost_on_device(estimator, X, labels), None
    if validation_rows := checked_validation_set(estimator, validation):
        require_same_place("X_val", validation_rows.X, X)
        validation_set = device_validation_set_of(validation_rows, labels, objective)
    require_finite = partial(check_features_finite, estimator, X)
    is_given = validation_set is not None
    return Problem(require_finite, labels, objective, validation_set, is_given, 0, (X, y))


def build_problem_in_chunks(
    estimator: Any, reader: ChunkReader, validation: LabelledRows
) -> Problem:
    """Check the labels, and the validation data if there are any, and build J."""
    require_numpy("X_val", validation.X)
    labels = labels_of(estimator, reader)
    objective, validation_set = cost_in_chunks(estimator, reader, labels), None
    if reader_val := validation_reader(estimator, validation):
        validation_set = chunked_validation_set_of(reader_val, labels, objective)
    elif validation_rows := checked_validation_set(estimator, validation):
        validation_set = validation_set_of(validation_rows, labels, objective)
    require_finite = partial(check_chunks_finite, estimator, reader)
    is_given = validation_set is not None
    return Problem(require_finite, labels, objective, validation_set, is_given, split_seed=0)


def threads_for(problem: Problem) -> AbstractContextManager[Any]:
    """The context of a descent. If it may use several threads, BLAS leaves them to the package."""
    if problem.objective.runs_on_one_thread and not problem.validation_set:
        return nullcontext()
    return reserve_threads()


def begin_descent(
    estimator: Any,
    settings: Settings,
    problem: Problem,
    w: Array,
    resume_state: ResumeState | None,
    random_state: RandomState,
    resumable: bool,
) -> Descent:
    """Reduce the data and evaluate J at w_0, or resume the last descent if J is the same."""
    return begin(
        settings,
        problem.objective,
        w,
        resume_state,
        n_steps=sys.maxsize if estimator.warm_start else estimator.max_iter,
        random_state=random_state,
        seed=problem.split_seed,
        resumable=resumable,
        check_features_finite=problem.require_finite,
    )


def resume_state_of(
    estimator: Any, settings: Settings, initial: Mapping[str, ArrayLike | None]
) -> ResumeState | None:
    """The state in which the last fit ended; None if this fit cannot resume from it.

    It can with `warm_start`, the same coefficients and settings, and no given start.
    """
    state = vars(estimator).get("_resume_state")
    is_given = any(value is not None for value in initial.values())
    if state is None or is_given or not continues(estimator):
        return None
    same_model = state.model.is_unchanged_in(vars(estimator))
    return state if same_model and settings.can_continue(state.settings) else None


def history_for(estimator: Any, descent: Descent, started: float, validated: bool) -> History:
    """A new history; for a resumed descent, the continuation of its history."""
    if descent.loop_state is None:
        return History(started, validated)
    return History.after(estimator.history_, descent.history, started, validated)


def observers_of(
    estimator: Any, descent: Descent, problem: Problem, callbacks: CallbackTasks | None
) -> tuple[Observer, ...]:
    """The observers of the iterates: the printer for ``verbose``, and the callbacks."""
    observers: list[Observer] = []
    if estimator.verbose:
        observers.append(Printer(estimator.verbose > 1))
    if callbacks:
        at = partial(attributes_at, descent, problem.labels)
        callbacks.attributes = lambda *arguments: dict(problem.placed(at(*arguments)))
        observers.append(callbacks)
    return tuple(observers)
