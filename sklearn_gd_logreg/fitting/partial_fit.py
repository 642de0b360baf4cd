"""One call of `partial_fit`: an epoch on rows that come in parts and are seen once."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

import numpy as np
from numpy.random import RandomState
from numpy.typing import ArrayLike, NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import column_or_1d

from .._namespace import hint_for_devices, require_numpy, to_numpy
from .._typing import Array
from ..data import reserve_threads
from ..descent import Iterate, epoch, first_epoch
from ..loss import cross_entropy
from ..objective import Objective, Point
from ..rules.base import Budget
from ..state import Frozen, freeze, shuffles_from, state_of, thaw
from ..targets import (
    Labels,
    check_label_type,
    check_weights,
    class_factors,
    class_weight_sums,
    encode,
    encode_with,
    listed,
    renumber,
    shares,
)
from ..validation import invalid
from .assembly import cost_of, initial_parameters
from .inputs import check_features_finite, checked
from .messages import stream_diverged_message, stream_sorted_message
from .monitor import History
from .parameters import absent_in
from .publish import fitted_attributes, is_fitted, set_attributes, unchanged_on_error
from .resume import Model, left_out
from .settings import Settings
from .validation_set import LabelledRows

Kind = tuple[tuple[int, ...], str, tuple[bool, ...]]
CALLS_BEFORE_LATE = 2
"""A class that first occurs after so many calls is late."""

MAX_ORDER_PROBABILITY = 1e-9
"""Probability of an order of the rows, under random orders, below which they count as sorted."""

MIN_FREQUENCY_OF_LATE = 1.5
"""Frequency of a late class since its first row, in units of the average class, that counts."""


@dataclass(frozen=True)
class ClassArrivals:
    """How many rows of each class came, and when the first of them.

    Attributes
    ----------
    counts : array of shape (n_classes,)
        Rows of each class so far.
    waited : array of shape (n_classes,)
        Rows before the first of a late class, 0 for the others.
    calls : int
    noted : bool
        Whether the warning of sorted rows was given.
    """

    counts: NDArray[np.intp]
    waited: NDArray[np.intp]
    calls: int = 0
    noted: bool = False

    @classmethod
    def of(cls, n_classes: int) -> ClassArrivals:
        """The state before the first rows."""
        return cls(np.zeros(n_classes, np.intp), np.zeros(n_classes, np.intp))

    def after(self, codes: NDArray[np.intp]) -> ClassArrivals:
        """The state after a call with rows of these class numbers."""
        new = np.bincount(codes, minlength=len(self.counts))
        waited = self.waited
        if self.calls >= CALLS_BEFORE_LATE:
            waited = np.where((self.counts == 0) & (new > 0), self.counts.sum(), waited)
        return replace(self, counts=self.counts + new, waited=waited, calls=self.calls + 1)

    def sorted_class(self) -> int | None:
        """A late class that has been frequent since, which a random order makes improbable.

        With n rows of the class, at most a fraction pⁿ of all orders has them all in the last
        fraction p of the rows.
        """
        n_rows = int(self.counts.sum())
        since = n_rows - self.waited
        unlikely = self.counts * np.log(since / n_rows) < np.log(MAX_ORDER_PROBABILITY)
        often = self.counts * len(self.counts) >= MIN_FREQUENCY_OF_LATE * since
        found = np.flatnonzero(unlikely & often & (self.waited > 0))
        return None if self.noted or not len(found) else int(found[0])


@dataclass(frozen=True)
class StreamState:
    """The state between two calls of `partial_fit`.

    Attributes
    ----------
    memory : Frozen
        Memory of the rule, without the rows.
    learning_rate : float
    steps : int
    passes : float
    random_state : dict
    model : Model
    settings : Settings
        Without the learning rate, which may change between calls.
    kind : tuple
        Shape and precision of the parameters, and the classes that are present.
    history : History or None
        The history, if it is in this process.
    arrivals : ClassArrivals
    """

    memory: Frozen
    learning_rate: float
    steps: int
    passes: float
    random_state: Mapping[str, Any]
    model: Model
    settings: Settings
    kind: Kind
    history: History | None
    arrivals: ClassArrivals

    @classmethod
    def after(
        cls,
        iterate: Iterate,
        random_state: RandomState,
        model: Mapping[str, Any],
        settings: Settings,
        labels: Labels,
        history: History,
        arrivals: ClassArrivals,
    ) -> StreamState:
        """The state after an epoch on the rows of a call."""
        memory = freeze(iterate.memory, left_out(iterate.point.objective))
        settings = replace(settings, rule=copy(settings.rule), rate=None)
        known = (iterate.learning_rate, iterate.steps, iterate.passes, state_of(random_state))
        kind = kind_of(iterate.w, labels)
        return cls(memory, *known, Model.of(model), settings, kind, history, arrivals)

    def continues_from(
        self, settings: Settings, w: Array, model: Mapping[str, Any], labels: Labels
    ) -> bool:
        """Whether the state belongs to this rule, these parameters and this model."""
        same = settings.can_continue(self.settings) and kind_of(w, labels) == self.kind
        return same and self.model.is_unchanged_in(model)

    def first_iterate(self, objective: Objective, w: Array, k: int) -> Iterate:
        """The iterate before an epoch on the next rows; it reads no row."""
        objective.data.passes.count = self.passes
        point, memory = Point(objective, w), thaw(self.memory, left_out(objective))
        nan = float("nan")
        known = (k, w, 0.0, 0.0, nan, self.learning_rate, self.passes, w)
        return Iterate(*known, point, memory, self.steps)


def kind_of(w: Array, labels: Labels) -> Kind:
    """Shape and precision of parameters, and which classes they belong to."""
    return w.shape, w.dtype.str, tuple(labels.present.tolist())


def epoch_on(
    first: Iterate, settings: Settings, share: float, random_state: RandomState
) -> Iterate:
    """One epoch on new rows; ``share`` is their fraction of the weight of all rows so far."""
    objective = first.point.objective
    size = settings.batch_size or objective.data.n_rows
    rule = settings.rule.plan(objective, Budget(batch_size=size, stream_fraction=share)).rule
    rate = settings.rate or rule.auto_rate(objective, size)
    objective.data.passes.count = first.passes
    return epoch(first, rule, rate, size, random_state)


def first_on(objective: Objective, w: Array, settings: Settings) -> Iterate:
    """The start of a stream, evaluated on its first rows."""
    return first_epoch(Point(objective, w), settings.rule)


def iterate_without_rows(w: Array, labels: Labels) -> Iterate:
    """The start w = 0 of a stream before its first rows, where J is ln K."""
    loss, nan = cross_entropy(len(labels.classes)).uniform_loss, float("nan")
    known = (0, w, loss, loss, nan, nan, 0.0, w)
    return Iterate(*known, None, None, 0)  # type: ignore[arg-type]


def labels_of_part(
    owner: object,
    y: NDArray[Any],
    classes: NDArray[Any],
    absent: NDArray[np.bool_],
    sample_weight: ArrayLike | None,
    class_weight: Mapping[Any, float] | str | None,
    dtype: Any,
) -> Labels:
    """The labels of some rows, in which any class may be missing.

    All classes of the first call are present, unless their class weight is 0. A class that is
    absent from the model so far is present from its first row of non-zero weight. The sum of the
    weights may be 0; the call then changes nothing.
    """
    if class_weight == "balanced":
        allowed = "a dict or None in partial_fit, which does not know how often a class will occur"
        raise invalid(owner, "class_weight", class_weight, allowed)
    check_label_type(y)
    codes = encode_with(y, classes, "y must hold no labels but those of the first call's classes")
    weights = check_weights(sample_weight, len(y), may_be_zeros=True)
    mass = class_weight_sums(codes, weights, len(classes))
    factors = class_factors(owner, class_weight, classes, mass)
    total = float(mass @ factors)
    if not np.isfinite(total):
        allowed = "a dict of weights whose sum over the rows is finite"
        raise invalid(owner, "class_weight", class_weight, allowed)
    present = (~absent | (mass > 0)) & (factors > 0)
    share = None
    if total and (weights is not None or class_weight is not None):
        share = shares(codes, weights, factors, total, dtype)
    return Labels(classes, present, renumber(codes, present), share, total)


# -- one call --------------------------------------------------------------------------------


def partial_fit(
    estimator: Any,
    settings: Settings,
    random_state: RandomState,
    rows: LabelledRows,
    classes: ArrayLike | None,
    started: float,
) -> None:
    """One epoch on the rows of a call, and the fitted attributes after it."""
    with reserve_threads(), unchanged_on_error(estimator), hint_for_devices(*rows):
        for name, array in zip(("X", "y", "sample_weight"), rows, strict=True):
            require_numpy(name, array)
        known = classes_of_stream(estimator, to_numpy(classes))
        X, y = checked(estimator, rows.X, rows.y, reset=not is_fitted(estimator))
        check_features_finite(estimator, X)
        absent = np.zeros(len(known), np.bool_)
        if is_fitted(estimator):
            absent = absent_in(to_numpy(estimator.coef_).T, to_numpy(estimator.intercept_))
        weight = rows.sample_weight, estimator.class_weight
        labels = labels_of_part(estimator, y, known, absent, *weight, X.dtype)
        if labels.total:
            learn_from(estimator, X, labels, settings, random_state, started)
        elif not is_fitted(estimator):
            wait_for_rows(estimator, X, labels, started)


def classes_of_stream(estimator: Any, classes: ArrayLike | None) -> NDArray[Any]:
    """All labels that will occur: those of the first call or of the fit before."""
    if classes is None:
        if not is_fitted(estimator):
            raise ValueError("classes must be given in the first call of partial_fit.")
        known: NDArray[Any] = to_numpy(estimator.classes_)
        return known
    given, _ = encode(np.tile(column_or_1d(classes), 3))  # few labels beside so many rows
    if is_fitted(estimator) and not np.array_equal(given, to_numpy(estimator.classes_)):
        raise ValueError(
            "classes must be those of the first call or fit, "
            f"{listed(to_numpy(estimator.classes_))}. "
            f"Got {listed(given)} instead."
        )
    if len(given) < 2:
        raise ValueError(f"classes must be at least 2. Got {listed(given)} instead.")
    return given


def learn_from(
    estimator: Any,
    X: Any,
    labels: Labels,
    settings: Settings,
    random_state: RandomState,
    started: float,
) -> None:
    """One epoch on the rows of a stream."""
    known = vars(estimator)
    whole = replace(labels, total=known.get("_weight_seen", 0.0) + labels.total)
    objective = cost_of(estimator, X, whole, float(estimator.C), float(estimator.l1_ratio))
    w = initial_parameters(estimator, objective, labels, is_fitted(estimator))
    stream = known.get("_stream")
    if stream and not stream.continues_from(settings, w, known, labels):
        stream = None
    if stream:
        history = History.after(estimator.history_, stream.history, started)
        first = stream.first_iterate(objective, w, estimator.n_iter_)
        random_state = shuffles_from(stream.random_state)
    else:
        history, first = History(started), first_on(objective, w, settings)
        history.record(first)
    last = epoch_on(first, settings, labels.total / whole.total, random_state)
    history.record(last)
    finite = isfinite(last.cost) and bool(np.isfinite(last.w).all())
    kept = last.w if finite else w
    attributes = fitted_attributes(kept, w, objective, last.cost, labels, history.as_dict())
    set_attributes(estimator, attributes)
    estimator.stop_reason_ = "partial_fit" if finite else "diverged"
    known.pop("solver_info_", None)  # of a fit before
    estimator._known_gap, estimator._weight_seen = None, whole.total
    if not finite:
        warnings.warn(stream_diverged_message(last), ConvergenceWarning, stacklevel=4)
        return
    arrivals = stream.arrivals if stream else ClassArrivals.of(len(labels.classes))
    arrivals = warn_if_sorted(arrivals.after(labels.codes), labels)
    rest = (settings, labels, history, arrivals)
    estimator._stream = StreamState.after(last, random_state, known, *rest)


def warn_if_sorted(arrivals: ClassArrivals, labels: Labels) -> ClassArrivals:
    """Warn once if the rows of the stream seem to be sorted by class."""
    late = arrivals.sorted_class()
    if late is None:
        return arrivals
    message = stream_sorted_message(labels.classes[late], arrivals.waited[late])
    warnings.warn(message, ConvergenceWarning, stacklevel=5)
    return replace(arrivals, noted=True)


def wait_for_rows(estimator: Any, X: Any, labels: Labels, started: float) -> None:
    """The start of a stream, of which no row of non-zero weight has come yet."""
    unit = replace(labels, total=1.0)
    objective = cost_of(estimator, X, unit, float(estimator.C), float(estimator.l1_ratio))
    history = History(started)
    w = initial_parameters(estimator, objective, labels, continues=False)
    history.record(start := iterate_without_rows(w, labels))
    attributes = fitted_attributes(w, w, objective, start.cost, labels, history.as_dict())
    set_attributes(estimator, attributes)
    estimator.stop_reason_ = "partial_fit"
    estimator._known_gap, estimator._weight_seen = None, 0.0
