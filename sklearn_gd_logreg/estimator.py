"""GDLogisticRegression: check, assemble, descend, expose. No mathematics here."""

from __future__ import annotations

import pickle
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from math import isfinite
from time import perf_counter
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import (
    assert_all_finite,
    check_consistent_length,
    check_random_state,
    column_or_1d,
)
from sklearn.utils.validation import check_is_fitted, validate_data

from ._floating import ignoring
from ._text import printable
from ._typing import Array
from .callbacks.support import CallbackSupportMixin, with_callbacks
from .callbacks.tasks import Tasks
from .data import Presolve, as_dataset, choose_reductions, own_threads
from .descent import Iterate
from .exposure import absent_in, expand, reduce, unshifted, without_absent
from .held_out import HeldOut, Labelled, held_out, hold_out
from .loss import cross_entropy
from .messages import (
    EarlyStopping,
    cannot_go_on,
    diverged_on_stream,
    sorted_stream,
    warn_if_rounded,
    warn_unless_converged,
)
from .monitor import Columns, History, Observer, Outcome, Watch
from .objective import Objective, Point
from .penalty import ElasticNet
from .progress import Printer
from .rates import Backtracking, as_learning_rate, rate_with
from .resume import Bookmark, Origin, moments, shuffles_from
from .rules import UpdateRule, as_rule, rule_with
from .rules.base import Task
from .run import Run, allowed_reductions
from .settings import Settings
from .stream import Arrivals, Stream, epoch_on, first_on, label_part, nowhere
from .summary import Gap, in_words, known_gap, path_in_words, solver_info
from .targets import Labels, encode, label_rows, listed
from .validation import (
    DTYPES,
    Interval,
    advice_on_images,
    check_flags,
    check_intervals,
    check_nested,
    invalid,
    is_converted,
    numbers,
    refuse_nat,
)

LARGEST = float(np.finfo(np.float64).max)

OBJECTS = {"solver": rule_with, "learning_rate": rate_with}
"""How to write an object with a parameter, where a name or a number has none."""

BUT_OVERFLOW = ignoring("divide", "under", "invalid")
"""Predictions report that scores overflow, as NumPy is set to; what is invalid is looked for."""

LEVELS = Interval(0, float("inf"), "[)", integral=True)
"""Of ``verbose``."""

SIZES = Interval(1, float("inf"), "[)", integral=True)
"""Of mini-batches."""

NEARLY_ONE = Interval(1 - 1e-5, 1)
"""The ``l1_ratio`` that scikit-learn takes for an L1 penalty alone."""


class GDLogisticRegression(CallbackSupportMixin, ClassifierMixin, BaseEstimator):
    r"""Logistic regression trained by explicit gradient descent on the cross-entropy cost.

    A drop-in replacement for `sklearn.linear_model.LogisticRegression` that reaches
    the same optimum and shows how it got there. With labels y, weights
    s = sample weight × class weight, and a = σ(wᵀx + b) for two classes or
    a = softmax(Wx + b) for more (one symmetric softmax, not one-vs-rest), it minimises

    .. math::

        J(w, b) = \frac{\sum_i s_i \mathcal{L}(a_i, y_i)}{\sum_i s_i}
            + \frac{1}{C \sum_i s_i} \left[\frac{1 - \rho}{2} \|w\|_2^2
            + \rho \|w\|_1\right],
        \qquad \mathcal{L}(a, y) = -(y \log a + (1 - y) \log(1 - a)),

    with ρ = ``l1_ratio``. This is scikit-learn's objective divided by C Σs, so the
    same ``C`` gives the same model. The intercept is never penalised.

    Parameters
    ----------
    C : float, default=1.0
        Inverse strength of the penalty, in (0, inf]; ``np.inf`` means no penalty.
    l1_ratio : float, default=0.0
        Share ρ of the L1 norm in the penalty, in [0, 1]: 0 is L2, 1 is the lasso,
        between is the elastic net. Any ρ > 0 gives exact zeros, with every solver.
    fit_intercept : bool, default=True
        Whether to fit b.
    class_weight : dict, "balanced" or None, default=None
        Weight of each class, multiplied with the sample weights; 1 for labels that are no
        key. "balanced": Σs / (n_classes · Σs of the class), over the classes with Σs > 0.
    solver : str or UpdateRule, default="natural"
        The rule by which w_{k+1} follows from w_k, by name or as an object whose
        hyper-parameters grids reach as ``solver__<name>``:

        - ``"natural"`` (`NaturalGradient`): w := w − α F⁻¹ dw with the Fisher
          information F. It does not depend on the scales of the features.
        - ``"gd"`` (`GradientDescent`): w := w − α dw and nothing else.
        - ``"momentum"`` (`Momentum`), ``"nesterov"`` (`Nesterov`).
        - ``"adagrad"`` (`AdaGrad`), ``"rmsprop"`` (`RMSProp`), ``"adam"`` (`Adam`).
    learning_rate : "auto", "backtracking", float, LearningRate or callable, default="auto"
        The rate α. A float is used exactly as given. "auto" is 1/L for "gd",
        "momentum" and "nesterov", L the largest curvature that J can have on these
        data (with mini-batches a schedule that starts near that); a constant for the
        adaptive rules (0.5 for AdaGrad, 0.01 for RMSProp and Adam); and a full
        step, or a longer one, with backtracking for "natural". "backtracking" is
        Armijo's rule, for the full batch only. A schedule (`TimeDecay`, …) or any
        function takes the number k of steps made so far; with mini-batches a step is
        one batch.
    batch_size : int or None, default=None
        Rows in a mini-batch, shuffled anew each epoch; None for all rows at once.
    max_iter : int, default=1000
        Most iterations: steps, or epochs with mini-batches.
    tol : float, default=1e-4
        When to stop. Full batch: when the max-norm of the gradient of J (of its
        smallest subgradient, with an L1 part) is at most ``tol``; for "natural", when
        √(dwᵀ F⁻¹ dw) is, whose half square estimates J − J* whatever the scales. The
        natural step, known by then, is still made: it all but squares the error.
        Mini-batches: when the mean cost of an epoch has not improved by ``tol`` for 5
        epochs, a plateau. A `ConvergenceWarning` follows if J can still fall by more than
        10 ``tol`` and by more than a fifth (2000 ``tol`` if that is less) of J and of
        ln K − J, which it has fallen. 0 runs exactly ``max_iter`` iterations and does not
        warn that they did not converge.
    early_stopping : bool, default=False
        Stop when the loss on validation data, X_val of `fit`, has had no new minimum for
        ``n_iter_no_change`` iterations, and keep the iterate of its minimum, however the
        descent ends. Without X_val a part of the rows is held out for it. A
        `ConvergenceWarning` follows if that iterate is the start and has learnt nothing.
    validation_fraction : float, default=0.1
        Part of every class that is held out, in (0, 1); at least as many rows as classes.
    n_iter_no_change : int, default=10
        Iterations, or epochs, without a new minimum after which to stop.
    warm_start : bool, default=False
        Go on from the previous fit, which must have had the same classes and features.
        With the same rows, weights, penalty and solver, and True in both fits, the descent
        goes on where it was left, with the memory of the solver, the place in the schedule and
        the shuffles, and makes up to ``max_iter`` more iterations: k and then m − k of them are
        m iterations, bit for bit, after pickling too. Otherwise a new descent starts from the
        coefficients.
    random_state : int, RandomState or None, default=None
        Shuffles the mini-batches and chooses the rows held out.
    verbose : int, default=0
        1 prints iterations 0, 1, 2, 5, 10, 20, 50, … and the last, and on a terminal draws a
        bar while the next of them is long in coming; 2 prints all.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels that occur in y, sorted. One of which all rows have the weight 0 has no part in
        the fit: its probability is 0, its weights are 0 and its intercept is -1e6. (Of two such
        classes the score is the other's: weights 0, intercept ±1e6, ``fit_intercept`` or not.)
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
        Weights, in the precision of X.
    intercept_ : ndarray of shape (1,) or (n_classes,)
        b; zeros without intercept.
    n_iter_ : int
        Number of iterations made, those that a warm start goes on from included.
    best_iter_ : int
        Number of the iterate of the lowest validation loss; only with validation data. With
        early stopping it is the model.
    history_ : dict of ndarrays of shape (n_iter_ + 1,)
        Entry k describes w_k; entry 0 is the start, the last is the model (with early
        stopping entry ``best_iter_`` is; after divergence, the entry of lowest cost).
        ``pandas.DataFrame`` takes it as it is.

        - ``iteration``: k.
        - ``passes``: how often all rows have been read so far. A forward and backward
          pass counts 1, and so does working out F, unless it is done in the same pass,
          or a product with F; rejected trials of a line search are counted. Wide data
          may be rewritten first, in coordinates of the space that their rows span, which
          counts 1, and 1 more for a start that is not 0.
        - ``cost``, ``loss``: J and its first term, the mean loss.
        - ``gradient_norm``: what ``tol`` is compared with (mini-batches: the max-norm
          of the mean gradient of the epoch).
        - ``learning_rate``: rate of the step that led to w_k; nan for the start.
        - ``time``: seconds since `fit` was called; before a warm start those of then.
        - ``val_loss``, ``val_accuracy``: mean loss and accuracy on the validation data at w_k,
          if there are any; nan for iterations before there were.

        With mini-batches an iteration is an epoch, and its cost, loss and gradient
        are the means over its batches, each taken where the batch was met.
    stop_reason_ : str
        "tol", converged; "plateau", with mini-batches, if the cost of the epochs no longer
        improved by ``tol``; "max_iter"; "early_stopping"; "callback", if a callback asked to
        stop; "stalled", if rounding hides any further decrease; "diverged", if the cost was no
        longer finite; or "partial_fit".
    solver_info_ : dict
        Which path `fit` took: the "method" of the natural gradient, or the update rule, and the
        "reason" for it; the exact "reductions" of the data, each with its reason; "hessian_rows",
        on how many rows F is worked out, 0 for a diagonal; the sizes of the growing "subsamples"
        that came first; how many "hessians" (F, or an approximation of it) were worked out on the
        rows of the descent, and Hessian-vector "products" made; and "proved", whether the Fenchel
        bound proves that J − J* ≤ tol²/2. (False is no warning: the bound is loose on tall data.)
        Not after `partial_fit`.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, if X has names that are all strings.

    See Also
    --------
    sklearn.linear_model.LogisticRegression : The same model by other solvers.
    sklearn.linear_model.SGDClassifier : Linear models by stochastic gradient descent.

    Notes
    -----
    For this model the Fisher information is the Hessian of J, so the natural gradient
    with α = 1 is Fisher scoring, that is Newton's method.

    A row of weight 0 is treated as absent, and a weight k as k copies of the row.

    For more than two classes a common shift of all scores changes no probability. From a start at
    0 the intercepts sum to 0, and so do the weights of each feature without a penalty. With L2
    they come to, as the descent converges; with L1 they do not.

    References
    ----------
    Cox, "The regression analysis of binary sequences", J. R. Stat. Soc. B 20 (1958).
    Amari, "Natural gradient works efficiently in learning", Neural Comput. 10 (1998).

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn_gd_logreg import GDLogisticRegression
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> clf = GDLogisticRegression().fit(X, y)
    >>> round(clf.score(X, y), 3), clf.stop_reason_
    (0.958, 'tol')
    >>> print(clf.history_["cost"][0].round(6))  # ln 2: at w = 0 both classes are as likely
    0.693147
    """

    _intervals: ClassVar = {
        "C": Interval(0, float("inf"), "(]"),
        "l1_ratio": Interval(0, 1),
        "max_iter": Interval(0, float("inf"), "[)", integral=True),
        "tol": Interval(0, float("inf"), "[)"),
        "validation_fraction": Interval(0, 1, "()"),
        "n_iter_no_change": Interval(1, float("inf"), "[)", integral=True),
    }

    _known_gap: Gap | None

    def __init__(
        self,
        *,
        C: float = 1.0,
        l1_ratio: float = 0.0,
        fit_intercept: bool = True,
        class_weight: dict[Any, float] | str | None = None,
        solver: str | UpdateRule = "natural",
        learning_rate: Any = "auto",
        batch_size: int | None = None,
        max_iter: int = 1000,
        tol: float = 1e-4,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        warm_start: bool = False,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.C = C
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.solver = solver
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.tol = tol
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

    @with_callbacks  # type: ignore[untyped-decorator]
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: ArrayLike | None = None,
        coef_init: ArrayLike | None = None,
        intercept_init: ArrayLike | None = None,
    ) -> GDLogisticRegression:
        """Descend on J from the start to convergence.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows x. float64 and float32 arrays of either order, memory maps and CSR
            arrays are used as they are, without a copy; float32 stays float32.
        y : array-like of shape (n_samples,)
            Labels of any kind that sorts.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights; k is as good as k copies of the row.
        X_val : {array-like, sparse matrix} of shape (n_val, n_features), default=None
            Rows by which every iterate is judged, and which it does not learn from. In a
            pipeline ``Pipeline(..., transform_input=["X_val"])`` transforms them as it does X.
        y_val : array-like of shape (n_val,), default=None
            Their labels, none of which may be missing in y.
        sample_weight_val : array-like of shape (n_val,), default=None
            Their weights. ``class_weight`` has no part in them.
        coef_init : array-like of shape of ``coef_``, default=None
            Where to start; default: zeros, or the previous fit with ``warm_start``.
        intercept_init : array-like of shape of ``intercept_``, default=None
            Likewise for b.

        Returns
        -------
        self : GDLogisticRegression

        Raises
        ------
        ValueError
            If a parameter, X, y, the weights, the validation data or the start are not valid;
            what had been fitted before is then left as it was.

        Warns
        -----
        sklearn.exceptions.ConvergenceWarning
            If ``tol`` > 0 was not reached, a plateau is far above the minimum, the descent
            diverged, or early stopping returns a start that has learnt nothing.
        """
        started = perf_counter()
        with np.errstate(all="ignore"):  # overflow is seen, and reported, as divergence
            settings, random_state = self._check_parameters()
            mark = self._bookmark_for(settings, coef_init, intercept_init)
            tasks = self._tasks(X, y, sample_weight)
            with unchanged_on_error(self):
                X, y = self._validate(X, y, reset=not self._goes_on)
                others = self._validation_rows(X_val, y_val, sample_weight_val)
                seed = mark.seed if mark else 0
                if self.early_stopping and others is None:
                    seed = seed or int(random_state.randint(1, np.iinfo(np.int32).max))
                    rows = Labelled(X, y, sample_weight)
                    sample_weight, others = hold_out(
                        self, rows, self.class_weight, self.validation_fraction, seed
                    )
                labels = label_rows(self, y, sample_weight, self.class_weight, X.dtype)
                objective = self._objective(X, labels)
                held = others and held_out(others, labels, objective)
                w = self._start(objective, labels, coef_init, intercept_init, self._goes_on)
                with nullcontext() if objective.is_tiny and held is None else own_threads():
                    run = self._run(settings, objective, w, mark, random_state, seed)
                    if "best_iter_" in vars(self):  # callbacks are given a copy of all there is
                        del self.best_iter_
                    history = self._history(run, mark, started, held is not None)
                    outcome = self._watched(run, history, labels, held, tasks)
                    self._expose(run, labels, outcome, history)
                    remaining = run.remaining(outcome)
            judge = EarlyStopping(held, X_val is not None) if self.early_stopping and held else None
            warn_unless_converged(outcome, objective, settings, run.rate, remaining, judge)
            if run.space is not None and settings.tol:
                rounding = run.space.rounding(outcome.w, run.origin.w.dtype)
                warn_if_rounded(rounding, settings.tol)
        return self

    def partial_fit(
        self,
        X: Any,
        y: Any,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> GDLogisticRegression:
        """One epoch on these rows alone, as a part of a stream.

        That is one step on all of them, or one on each mini-batch of ``batch_size``. The
        memory of the solver, the schedule and the shuffles go on from call to call. The
        penalty is that of all rows so far, 1/(C Σs) with the sum over all calls, so that one
        reading of the stream ends near the model of `fit` on all rows; a row that comes twice
        counts twice. "natural" averages F over the stream, and its "auto" rate falls with the
        part that the new rows are of all so far; no step promises to lower J by more than J.
        A line search looks at the rows of the call alone. Another solver, ``batch_size`` or
        ``fit_intercept``, or coefficients changed by hand, begin with a new memory.
        ``max_iter``, ``tol`` and callbacks have no part in it.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        classes : array-like of shape (n_classes,), default=None
            All labels that will occur; needed in the first call.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights.

        Returns
        -------
        self : GDLogisticRegression
            ``history_`` has an entry for each call; its cost and loss are those of the rows of
            the call, met before each step. A call of rows of weight 0 alone changes nothing.

        Raises
        ------
        ValueError
            If a parameter, X, y, the classes or the weights are not valid; the model is then
            left as it was.

        Warns
        -----
        sklearn.exceptions.ConvergenceWarning
            If the descent diverged, or the rows seem to be sorted by class: they must come in
            random order, or the model forgets the classes that came first.

        Examples
        --------
        >>> from sklearn.datasets import load_breast_cancer
        >>> from sklearn_gd_logreg import GDLogisticRegression
        >>> X, y = load_breast_cancer(return_X_y=True)
        >>> clf = GDLogisticRegression()
        >>> for start in range(0, len(y), 100):
        ...     part = slice(start, start + 100)
        ...     clf = clf.partial_fit(X[part], y[part], classes=[0, 1])
        >>> clf.score(X, y) > 0.9, clf.n_iter_
        (True, 6)
        """
        started = perf_counter()
        with np.errstate(all="ignore"), own_threads(), unchanged_on_error(self):
            settings, random_state = self._check_parameters()
            if self.early_stopping:
                allowed = "False in partial_fit, which sees no validation data"
                raise invalid(self, "early_stopping", self.early_stopping, allowed)
            known = self._classes_of_stream(classes)
            X, y = self._validate(X, y, reset="coef_" not in vars(self))
            self._require_finite(X)
            absent = np.zeros(len(known), np.bool_)
            if "coef_" in vars(self):
                absent = absent_in(self.coef_.T, self.intercept_)
            labels = label_part(self, y, known, absent, sample_weight, self.class_weight, X.dtype)
            if labels.total:
                self._learn_from(X, labels, settings, random_state, started)
            elif "coef_" not in vars(self):
                self._wait_for_rows(X, labels, started)
        return self

    def _classes_of_stream(self, classes: ArrayLike | None) -> NDArray[Any]:
        if classes is None:
            if "coef_" not in vars(self):
                raise ValueError("classes must be given in the first call of partial_fit.")
            return self.classes_
        given, _ = encode(np.tile(column_or_1d(classes), 3))  # few labels beside so many rows
        if "coef_" in vars(self) and not np.array_equal(given, self.classes_):
            raise ValueError(
                f"classes must be those of the first call or fit, {listed(self.classes_)}. "
                f"Got {listed(given)} instead."
            )
        if len(given) < 2:
            raise ValueError(f"classes must be at least 2. Got {listed(given)} instead.")
        return given

    def _learn_from(
        self,
        X: Any,
        labels: Labels,
        settings: Settings,
        random_state: np.random.RandomState,
        started: float,
    ) -> None:
        """One epoch on the rows of a stream."""
        seen = vars(self).get("_weight_seen", 0.0)
        whole = replace(labels, total=seen + labels.total)
        objective = self._objective(X, whole)
        w = self._start(objective, labels, None, None, goes_on="coef_" in vars(self))
        stream = vars(self).get("_stream")
        if stream and not stream.goes_on(settings, w, vars(self), labels):
            stream = None
        if stream:
            history = History.after(self.history_, stream.history, started)
            first = stream.iterate_on(objective, w, self.n_iter_)
            random_state = shuffles_from(stream.random_state)
        else:
            history, first = History(started), first_on(objective, w, settings)
            history.record(first)
        last = epoch_on(first, settings, labels.total / whole.total, random_state)
        history.record(last)
        finite = isfinite(last.cost) and bool(np.isfinite(last.w).all())
        kept = last.w if finite else w
        self._take(self._attributes(kept, w, objective, last.cost, labels, history.as_dict()))
        self.stop_reason_ = "partial_fit" if finite else "diverged"
        if "solver_info_" in vars(self):  # of a fit before
            del self.solver_info_
        self._known_gap, self._weight_seen = None, whole.total
        if not finite:
            warnings.warn(diverged_on_stream(last), ConvergenceWarning, stacklevel=3)
            return
        arrivals = stream.arrivals if stream else Arrivals.of(len(labels.classes))
        arrivals = arrivals.after(labels.codes)
        late = arrivals.sorted_class()
        if late is not None:
            message = sorted_stream(labels.classes[late], arrivals.waited[late])
            warnings.warn(message, ConvergenceWarning, stacklevel=3)
            arrivals = replace(arrivals, noted=True)
        known = (settings, labels, history, arrivals)
        self._stream = Stream.after(last, random_state, vars(self), *known)

    def _wait_for_rows(self, X: Any, labels: Labels, started: float) -> None:
        """The start of a stream, of which no row of non-zero weight has come yet."""
        objective, history = self._objective(X, replace(labels, total=1.0)), History(started)
        w = self._start(objective, labels, None, None, goes_on=False)
        history.record(start := nowhere(w, labels))
        attributes = self._attributes(w, w, objective, start.cost, labels, history.as_dict())
        self._take(attributes)
        self.stop_reason_ = "partial_fit"
        self._known_gap, self._weight_seen = None, 0.0

    def _take(self, attributes: dict[str, Any]) -> None:
        """Set these fitted attributes, and forget those that not every fit has."""
        for name in {"best_iter_", "_bookmark", "_stream"} & vars(self).keys():
            delattr(self, name)
        for name, value in attributes.items():
            setattr(self, name, value)

    @property
    def penalty(self) -> str | None:
        """Name of the penalty that ``C`` and ``l1_ratio`` make; scikit-learn asks for it.

        "l2", "l1", "elasticnet", or None for ``C=np.inf``. It is no parameter.
        """
        if self.C in Interval(np.inf, np.inf):
            return None
        if self.l1_ratio in NEARLY_ONE:
            return "l1"
        return "l2" if self.l1_ratio in Interval(0, 0) else "elasticnet"

    @BUT_OVERFLOW
    def decision_function(self, X: Any) -> Array:
        """Scores z = Xw + b.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            One score a row for two classes, positive for ``classes_[1]``; one for
            each class otherwise.
        """
        z = self._scores(X)
        return z[:, 0] if z.shape[1] == 1 else z

    @BUT_OVERFLOW
    def predict(self, X: Any) -> NDArray[Any]:
        """The most probable label of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        z = self._scores(X)
        return self.classes_[cross_entropy(len(self.classes_)).decide(z)]

    @BUT_OVERFLOW
    def predict_proba(self, X: Any) -> Array:
        """The probability of every class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``; rows sum to 1.
        """
        z = self._scores(X)
        return cross_entropy(len(self.classes_)).probabilities(z)

    @BUT_OVERFLOW
    def predict_log_proba(self, X: Any) -> Array:
        """The logarithm of `predict_proba`, exact where that underflows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        z = self._scores(X)
        return cross_entropy(len(self.classes_)).log_probabilities(z)

    def set_params(self, **params: Any) -> GDLogisticRegression:
        """Set parameters, those of a rule or a learning rate as ``solver__<name>`` too.

        Parameters
        ----------
        **params : dict
            The values by name.

        Returns
        -------
        self : GDLogisticRegression

        Raises
        ------
        ValueError
            If there is no such parameter, or ``solver`` or ``learning_rate`` is not an object.
        """
        check_nested(self, params, OBJECTS)
        super().set_params(**params)
        return self

    def __str__(self) -> str:
        """The parameters and, once fitted, what is known of the fit."""
        fit = f"\n{in_words(self)}" if "stop_reason_" in vars(self) else ""
        return printable(repr(self) + fit)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    # -- the parts of fit and predict ---------------------------------------------------

    def _check_parameters(self) -> tuple[Settings, np.random.RandomState]:
        """What the descent goes by, and the source of shuffles, if all are valid."""
        check_intervals(self, self._intervals)
        check_flags(self, ("fit_intercept", "early_stopping", "warm_start"))
        if not isinstance(self.verbose, bool | np.bool_) and self.verbose not in LEVELS:
            raise invalid(self, "verbose", self.verbose, f"{LEVELS} or a bool")
        if self.batch_size is not None and self.batch_size not in SIZES:
            raise invalid(self, "batch_size", self.batch_size, f"{SIZES} or None")
        if not (self.class_weight is None or isinstance(self.class_weight, dict)) and not (
            isinstance(self.class_weight, str) and self.class_weight == "balanced"
        ):
            raise invalid(self, "class_weight", self.class_weight, "a dict, 'balanced' or None")
        rule = as_rule(self, self.solver)
        rate = None
        if not (isinstance(self.learning_rate, str) and self.learning_rate == "auto"):
            rate = as_learning_rate(self, self.learning_rate)
            if self.batch_size is not None and isinstance(rate, Backtracking):
                allowed = (
                    "'auto', a float, a schedule or a function of the step with batch_size set"
                )
                raise invalid(self, "learning_rate", self.learning_rate, allowed)
        try:
            random_state = check_random_state(self.random_state)
        except (TypeError, ValueError) as error:
            allowed = "an int in the range [0, 2**32 - 1], a RandomState or None"
            raise invalid(self, "random_state", self.random_state, allowed) from error
        return Settings(rule, rate, self.batch_size, float(self.tol)), random_state

    @property
    def _goes_on(self) -> bool:
        return bool(self.warm_start) and "coef_" in vars(self)

    def _bookmark_for(
        self, settings: Settings, coef_init: ArrayLike | None, intercept_init: ArrayLike | None
    ) -> Bookmark | None:
        """Where the last fit was left, if this one may go on there."""
        mark = vars(self).get("_bookmark")
        if mark is None or not self._goes_on or coef_init is not None or intercept_init is not None:
            return None
        may = settings.may_go_on(mark.settings) and mark.model.is_still(vars(self))
        return mark if may else None

    def _tasks(self, X: Any, y: Any, sample_weight: ArrayLike | None) -> Tasks | None:
        """The tasks that callbacks are told of, if there are any."""
        if not vars(self).get("_skl_callbacks"):
            return None
        return Tasks(self, self.max_iter, X, y, sample_weight)

    def _validation_rows(
        self, X_val: Any, y_val: Any, sample_weight_val: ArrayLike | None
    ) -> Labelled | None:
        """X_val, y_val and their weights, checked against the columns of X."""
        if X_val is None and y_val is None:
            if sample_weight_val is not None:
                raise ValueError("sample_weight_val needs X_val and y_val, which are None.")
            return None
        for name, other, value in (("X_val", "y_val", y_val), ("y_val", "X_val", X_val)):
            if value is None:
                raise ValueError(f"{name} needs {other}, which is None.")
        try:
            X_val = self._validate(X_val, reset=False)
        except ValueError as error:
            raise ValueError(f"X_val does not fit X: {error}") from error
        self._require_finite(X_val, "X_val")
        y_val = column_or_1d(y_val)
        check_consistent_length(X_val, y_val)
        return Labelled(X_val, y_val, sample_weight_val)

    def _objective(self, X: Any, labels: Labels) -> Objective:
        loss = cross_entropy(len(labels.classes))
        targets = loss.targets(labels.codes)
        data = as_dataset(X, targets, labels.share, bool(self.fit_intercept))
        strength = 1 / max(float(self.C) * labels.total, 5e-324)
        if strength > LARGEST:
            raise invalid(self, "C", self.C, "such that C times the sum of the weights is not tiny")
        rough = float(self.l1_ratio)
        penalty = ElasticNet((1 - rough) * strength, rough * strength, data.n_features)
        return Objective(data, loss, penalty)

    def _start(
        self,
        objective: Objective,
        labels: Labels,
        coef_init: ArrayLike | None,
        intercept_init: ArrayLike | None,
        goes_on: bool,
    ) -> Array:
        """w_0, of shape (n_features + fit_intercept, n_outputs)."""
        n_features = objective.data.n_features
        n_outputs = 1 if len(labels.known) == 2 else len(labels.known)
        coef: Array = np.zeros((n_outputs, n_features))
        intercept: Array = np.zeros(n_outputs)
        if goes_on:
            if not np.array_equal(self.classes_, labels.known):
                raise ValueError(
                    f"warm_start=True needs the classes of the previous fit, "
                    f"{listed(self.classes_)}. Got {listed(labels.known)} instead."
                )
            coef, intercept = self.coef_, self.intercept_
        if coef_init is not None:
            coef = check_start("coef_init", coef_init, coef.shape)
        if intercept_init is not None:
            if not self.fit_intercept:
                raise ValueError("intercept_init must be None with fit_intercept=False.")
            intercept = check_start("intercept_init", intercept_init, intercept.shape)
        intercept = without_absent(intercept, absent_in(coef.T, intercept))
        weights, b = reduce(coef.T, intercept, labels.present)
        rows = [weights, b[np.newaxis]] if self.fit_intercept else [weights]
        return np.vstack(rows).astype(objective.data.dtype)

    def _run(
        self,
        settings: Settings,
        objective: Objective,
        w: Array,
        mark: Bookmark | None,
        random_state: np.random.RandomState,
        seed: int,
    ) -> Run:
        """The descent from w, or from the bookmark if data and cost are still the same."""
        if self.warm_start or vars(self).get("_skl_callbacks"):  # there may be a bookmark
            objective.data.along(moments)
        if mark and mark.origin.may_be(w):
            origin = mark.origin
            found = self._first_point(settings, objective, origin.w, origin.n_steps)
            start, rule, presolve = found
            if not origin.is_of(objective, presolve):
                mark = None
        else:
            mark = None
        if mark is None:
            # With a warm start more steps may come than this call asks for.
            n_steps = sys.maxsize if self.warm_start else self.max_iter
            start, rule, presolve = self._first_point(settings, objective, w, n_steps)
            seen = objective.data.added_along()
            origin = Origin(w, seen, objective.penalty, n_steps, presolve.coordinates)
        rate = settings.rate or settings.rule.auto_rate(objective, self.batch_size)
        run = Run(settings, rule, rate, start, origin, presolve.reduction, random_state, seed)
        run.reductions = presolve.reasons
        if mark is not None:
            run.go_on_from(mark)
        return run

    def _first_point(
        self, settings: Settings, objective: Objective, w: Array, n_steps: int
    ) -> tuple[Point, UpdateRule, Presolve]:
        """w_0 in the coordinates of the descent, the rule ready for it, and the reductions.

        Whether X is finite is asked only if J or its gradient is not: a NaN or an infinity
        in X, times whatever number, leaves neither as it was. It is asked first where rows are
        left out, or the row space is worked out.
        """
        allowed = allowed_reductions(settings.rule, objective, self.batch_size, n_steps)
        data = objective.data
        presolve = choose_reductions(data, w, allowed, lambda: self._require_finite(data.X))
        if presolve.reduction is not None:
            objective, w = objective.on(presolve.data), presolve.start
        plan = settings.rule.plan(objective, Task(settings.tol, self.batch_size))
        point = Point(objective, w, plan.fused)
        if not (isfinite(point.cost) and np.isfinite(point.dw).all()):
            self._require_finite(data.X)
        return point, plan.rule, presolve

    def _history(self, run: Run, mark: Bookmark | None, started: float, judged: bool) -> History:
        """The history of a new descent, or of the one that goes on."""
        if mark is None or run.place is None:
            return History(started, judged)
        return History.after(self.history_, mark.history, started, judged)

    def _watched(
        self,
        run: Run,
        history: History,
        labels: Labels,
        held: HeldOut | None,
        tasks: Tasks | None,
    ) -> Outcome:
        """Descend, before the eyes of all who watch."""
        observers: list[Observer] = [Printer(self.verbose > 1)] if self.verbose else []
        if tasks:
            tasks.attributes = lambda it, watch: self._attributes_at(run, labels, it, watch)
            observers.append(tasks)
        patience = self.n_iter_no_change if self.early_stopping else None
        return run.watched(self.max_iter, history, held, patience, tuple(observers))

    def _attributes_at(
        self, run: Run, labels: Labels, iterate: Iterate, watch: Watch
    ) -> dict[str, Any]:
        """The fitted attributes as if the fit had ended with an iterate."""
        attributes = self._attributes_of(
            run, iterate.w, iterate.cost, labels, watch.history.as_dict()
        )
        mark = run.bookmark(iterate, watch.standing, attributes)
        attributes |= {"stop_reason_": "callback", "_known_gap": None, "_bookmark": mark}
        if watch.held_out is not None:
            attributes["best_iter_"] = watch.standing.best.k
        return attributes

    def _attributes_of(
        self, run: Run, w: Array, cost: float, labels: Labels, history: Columns
    ) -> dict[str, Any]:
        objective, start = run.start.objective, run.origin.w
        return self._attributes(run.expand(w), start, objective, cost, labels, history)

    def _attributes(
        self,
        w: Array,
        start: Array,
        objective: Objective,
        cost: float,
        labels: Labels,
        history: Columns,
    ) -> dict[str, Any]:
        n_features = self.n_features_in_
        penalty = ElasticNet(objective.penalty.l2, objective.penalty.l1, n_features)
        w = unshifted(w, start, objective.loss, penalty, cost).astype(start.dtype, copy=False)
        b = w[n_features] if self.fit_intercept else np.zeros(w.shape[1], w.dtype)
        weights, b = expand(w[:n_features], b, labels.present)
        return {
            "classes_": labels.known,
            "coef_": np.ascontiguousarray(weights.T),
            "intercept_": b,
            "n_iter_": len(history["iteration"]) - 1,
            "history_": history,
        }

    def _expose(self, run: Run, labels: Labels, outcome: Outcome, history: History) -> None:
        attributes = self._attributes_of(run, outcome.w, outcome.last.cost, labels, outcome.history)
        if outcome.standing.best.w is not None:
            attributes["best_iter_"] = outcome.standing.best.k
        if self.warm_start and outcome.reason != "diverged":
            mark = run.bookmark(outcome.last, outcome.standing, attributes, ended=history)
            try:
                attributes["_bookmark"] = mark.frozen()
            except (pickle.PicklingError, AttributeError, TypeError) as error:
                warnings.warn(cannot_go_on(run.settings.rule, error), UserWarning, stacklevel=4)
        self._take(attributes)
        self.stop_reason_ = outcome.reason
        self._known_gap = known_gap(outcome, run, labels)
        self.solver_info_ = solver_info(outcome, run, labels)
        if self.verbose > 1 and self.solver_info_["hessians"]:
            print(path_in_words(self.solver_info_))
        self._weight_seen = labels.total

    def _scores(self, X: Any) -> Array:
        check_is_fitted(self)
        X = self._validate(X, reset=False)
        z: Array = X @ self.coef_.T
        z += self.intercept_
        if not np.isfinite(z).all():
            self._require_finite(X)
        return z

    def _validate(self, X: Any, *y: Any, reset: bool) -> Any:
        """X, or X and y, as scikit-learn checks them, but for the finiteness of X."""
        converted = is_converted(X, *y)
        with advice_on_images(X):
            checked = validate_data(
                self,
                X,
                *y,
                reset=reset,
                skip_check_array=converted,
                accept_sparse="csr",
                dtype=DTYPES,
                ensure_all_finite=False,
            )
        if not converted:
            refuse_nat(self, X, checked[0] if y else checked)
        return checked

    def _require_finite(self, X: Any, name: str = "X") -> None:
        """Raise unless X is finite, whatever scikit-learn may assume of it."""
        with config_context(assume_finite=False):
            assert_all_finite(X, estimator_name=type(self).__name__, input_name=name)


def check_start(name: str, value: ArrayLike, shape: tuple[int, ...]) -> Array:
    """A starting value as an array of the shape asked; a single row may be 1-D."""
    array = numbers(name, value)
    if shape[0] == 1 and array.shape == shape[1:]:
        array = array[np.newaxis]
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}. Got {array.shape} instead.")
    return array


@contextmanager
def unchanged_on_error(estimator: BaseEstimator) -> Iterator[None]:
    """Give an estimator its attributes back if the block fails."""
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise
