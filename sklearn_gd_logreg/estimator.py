"""GDLogisticRegression: parameters, documentation, predictions. Fits are in `fitting`."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin

from ._floating import ignore_floating_errors
from ._notebook import NotebookMixin
from ._text import printable
from ._typing import Array
from .fitting.callback_support import CallbackSupportMixin, with_callbacks
from .fitting.callback_tasks import callback_tasks_of
from .fitting.fit import fit
from .fitting.fit_html import fit_html
from .fitting.partial_fit import partial_fit
from .fitting.settings import rate_with, settings_of
from .fitting.summary import FitSummary, KnownGap, describe_fit
from .fitting.validation_set import LabelledRows
from .prediction import (
    accuracy_in_chunks,
    decisions,
    labels,
    log_probabilities,
    predictions,
    probabilities,
)
from .rules import UpdateRule, rule_with
from .validation import Interval, check_nested, invalid

EXAMPLE_FOR_NESTED = {"solver": rule_with, "learning_rate": rate_with}
"""For error messages of `set_params`: an object that has a nested parameter."""

WARN_ONLY_OF_OVERFLOW = ignore_floating_errors("divide", "under", "invalid")
"""Decorator of predictions: overflow of scores is reported as set in `numpy.seterr`."""

L1_ALONE = Interval(1 - 1e-5, 1)
"""Range of ``l1_ratio`` that scikit-learn treats as a pure L1 penalty."""


class GDLogisticRegression(NotebookMixin, CallbackSupportMixin, ClassifierMixin, BaseEstimator):
    r"""Logistic regression trained by explicit gradient descent on the cross-entropy cost.

    A drop-in replacement for `sklearn.linear_model.LogisticRegression` that reaches
    the same optimum and shows how it got there. With labels y, weights
    s = sample weight × class weight, and a = σ(wᵀx + b) for two classes or
    a = softmax(Wx + b) for more (one symmetric softmax, not one-vs-rest), it minimises

    .. math::

        J(w, b) = \frac{\sum_i s_i \mathcal{L}(a_i, y_i)}{\sum_i s_i}
            + \frac{1}{C \sum_i s_i} \left[\frac{1 - \rho}{2} \|w\|_2^2
            + \rho \|w\|_1\right],

    .. math::

        \mathcal{L}(a, y) = -(y \log a + (1 - y) \log(1 - a)),

    with ρ = ``l1_ratio``. This is scikit-learn's objective divided by C Σs, so the
    same ``C`` gives the same model. The intercept is never penalised.

    Parameters
    ----------
    C : float, default=1.0
        Inverse strength of the penalty, in (0, inf]; ``np.inf`` means no penalty.
    l1_ratio : float, default=0.0
        Mixing parameter ρ of the L1 norm in the penalty, in [0, 1]: 0 is L2, 1 is the lasso,
        between is the elastic net. Any ρ > 0 gives exact zeros, with every solver.
    fit_intercept : bool, default=True
        Whether to fit b.
    class_weight : dict, "balanced" or None, default=None
        Weight of each class, multiplied with the sample weights; 1 for labels that are
        not a key. "balanced": Σs / (n_classes · Σs of the class), over the classes with Σs > 0.
    solver : str or UpdateRule, default="natural"
        The rule by which wₖ₊₁ follows from wₖ, by name or as an object whose
        hyper-parameters grids reach by names such as ``solver__beta``:

        - ``"natural"`` (`NaturalGradient`): w := w − α F⁻¹ dw with the Fisher
          information F. It does not depend on the scales of the features.
        - ``"gd"`` (`GradientDescent`): w := w − α dw.
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
        natural step is known by then and still taken: it nearly squares the error.
        Mini-batches: when the mean cost of an epoch has not improved by ``tol`` for 5
        epochs, a plateau. A `ConvergenceWarning` follows if J can still fall by more than
        10 ``tol`` and by more than a fifth (2000 ``tol`` if that is less) of J and of
        ln K − J, its decrease since w = 0. 0 runs exactly ``max_iter`` iterations and does not
        warn that they did not converge.
    early_stopping : bool, default=False
        Stop when the loss on validation data, X_val of `fit`, has had no new minimum for
        ``n_iter_no_change`` iterations, and return the iterate of lowest loss, whatever
        ends the descent. Without X_val a part of the rows is held out. A
        `ConvergenceWarning` follows if that iterate is the untrained start.
    validation_fraction : float, default=0.1
        Part of every class that is held out, in (0, 1); at least as many rows as classes.
    n_iter_no_change : int, default=10
        Iterations, or epochs, without a new minimum after which to stop.
    warm_start : bool, default=False
        Start from the previous fit, which must have had the same classes and features.
        With the same rows, weights, penalty and solver, and True in both fits, the descent
        resumes exactly, with the solver's memory, the schedule and the shuffles, and makes up to
        ``max_iter`` more iterations: k and then m − k of them equal m iterations bit for bit,
        also after pickling. Otherwise a new descent starts from the coefficients.
    random_state : int, RandomState or None, default=None
        Shuffles the mini-batches and chooses the rows held out.
    verbose : int, default=0
        1 prints a table with iterations 0, 1, 2, 5, 10, 20, 50, … and the last, and on a terminal
        a progress bar; 2 prints all iterations.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels that occur in y, sorted. A class whose rows all have weight 0 is not fitted: its
        probability is 0, its weights are 0 and its intercept is -1e6. (With two classes, the other
        class always wins: weights 0, intercept ±1e6, even without ``fit_intercept``.)
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
        Weights, in the precision of X.
    intercept_ : ndarray of shape (1,) or (n_classes,)
        b; zeros without intercept.
    n_iter_ : int
        Number of iterations, those before a resumed warm start included.
    best_iter_ : int
        Number k of the iterate of lowest validation loss; only with validation data. With
        early stopping this iterate is the model.
    history_ : dict of ndarrays of shape (n_iter_ + 1,)
        Entry k describes wₖ; entry 0 is the start, the last is the model (with early
        stopping entry ``best_iter_`` is; after divergence, the entry of lowest cost).
        ``pandas.DataFrame`` takes it as it is.

        - ``iteration``: k.
        - ``passes``: passes over all rows so far. A forward and backward pass counts 1; so
          does a product with F, and the computation of F unless it shares a pass. Rejected
          trials of a line search count. The reduction of wide data to coordinates of the
          row space counts 1, and 1 more for a start that is not 0.
        - ``cost``, ``loss``: J and its first term, the mean loss.
        - ``gradient_norm``: what ``tol`` is compared with (mini-batches: the max-norm
          of the mean gradient of the epoch).
        - ``learning_rate``: rate of the step that led to wₖ; nan for the start.
        - ``time``: seconds since `fit` was called; entries of earlier fits keep theirs.
        - ``val_loss``, ``val_accuracy``: mean loss and accuracy on the validation data at wₖ,
          if there are any; nan for iterations before there were.

        With mini-batches an iteration is an epoch, and its cost, loss and gradient
        are the means over its batches, each taken where the batch was met.
    stop_reason_ : str
        "tol", converged; "plateau", with mini-batches, if the cost of the epochs no longer
        improved by ``tol``; "max_iter"; "early_stopping"; "callback", if a callback asked to
        stop; "stalled", if rounding hides any further decrease; "diverged", if the cost was no
        longer finite; "partial_fit"; or "in_progress", for the model of a fit that goes on, which
        a callback sees and `Checkpoint` writes.
    solver_info_ : dict
        Which path `fit` took: the "method" of the natural gradient, or the update rule, and the
        "reason" for it; the exact "reductions" of the data, each with its reason;
        "hessian_rows", the number of rows from which F is computed, 0 for a diagonal; the sizes
        of the growing "subsamples" that came first; the numbers of "hessians" (F, or an
        approximation of it) computed on the rows of the descent, and of Hessian-vector
        "products"; and "proved", whether the Fenchel bound proves that J − J* ≤ tol²/2. (False
        is no warning: the bound is loose on tall data, and rows in chunks or on a device are not
        read for it.) Not after `partial_fit`.
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
    the weights sum to 0 in the limit of convergence; with L1 they do not.

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
    >>> print(clf.history_["cost"][0].round(6))  # ln 2: at w = 0 all is even
    0.693147
    """

    _known_gap: KnownGap | None

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
        y: Any = None,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: ArrayLike | None = None,
        coef_init: ArrayLike | None = None,
        intercept_init: ArrayLike | None = None,
    ) -> GDLogisticRegression:
        """Minimise J from the starting point until a stopping rule applies.

        Parameters
        ----------
        X : {array-like, sparse matrix, dask collection, Chunks} of shape (n_samples, n_features)
            Rows x. float64 and float32 arrays of either order, memory maps and CSR
            arrays are used as they are, without a copy; float32 stays float32. A large memory map,
            a dask array or data frame, and `Chunks` are read anew in each pass. With scikit-learn's
            ``array_api_dispatch``, tensors of PyTorch and arrays of CuPy stay on their device.
        y : array-like of shape (n_samples,), default=None
            Labels of any kind that sorts; None for `Chunks`, which have them.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights; a weight k is equivalent to k copies of the row.
        X_val : {array-like, sparse matrix} of shape (n_val, n_features), default=None
            Validation data: every iterate is scored on these rows, none is fitted to them. In a
            pipeline ``Pipeline(..., transform_input=["X_val"])`` transforms them as it does X.
        y_val : array-like of shape (n_val,), default=None
            Their labels; each must occur in y.
        sample_weight_val : array-like of shape (n_val,), default=None
            Their weights; ``class_weight`` does not apply.
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
            the fitted attributes then keep their values.

        Warns
        -----
        ConvergenceWarning
            If ``tol`` > 0 was not reached, a plateau is far above the minimum, the descent
            diverged, or early stopping returns an untrained start.
        """
        started = perf_counter()
        with np.errstate(all="ignore"):  # overflow is seen, and reported, as divergence
            settings, random_state = settings_of(self)
            rows = LabelledRows(X, y, sample_weight)
            validation = LabelledRows(X_val, y_val, sample_weight_val)
            initial = {"coef_init": coef_init, "intercept_init": intercept_init}
            tasks = callback_tasks_of(self, self.max_iter, X, y, sample_weight)
            fit(self, settings, random_state, rows, validation, initial, tasks, started)
        return self

    def partial_fit(
        self,
        X: Any,
        y: Any,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> GDLogisticRegression:
        """Make one epoch of online learning on these rows.

        The epoch is one step on all rows, or one on each mini-batch of ``batch_size``. The
        solver's memory, the schedule and the shuffles carry over from call to call. The penalty
        strength is 1/(C Σs) with the sum over all calls, so one pass over the stream ends near
        the model of `fit` on all rows; a row that comes twice counts twice. "natural" averages F
        over the stream, and its "auto" rate falls with the fraction of new rows; the
        expected decrease of a step is at most J. A line search uses the rows of the call alone.
        Another solver, ``batch_size`` or ``fit_intercept``, or coefficients changed by hand,
        reset the memory. ``max_iter``, ``tol`` and callbacks are ignored.

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
            the call before each step. A call with rows of weight 0 alone changes nothing.

        Raises
        ------
        ValueError
            If a parameter, X, y, the classes or the weights are not valid; the model is then
            left as it was.

        Warns
        -----
        ConvergenceWarning
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
        ...
        >>> clf.score(X, y) > 0.9, clf.n_iter_
        (True, 6)
        """
        started = perf_counter()
        with np.errstate(all="ignore"):
            settings, random_state = settings_of(self)
            if self.early_stopping:
                allowed = "False in partial_fit, which sees no validation data"
                raise invalid(self, "early_stopping", self.early_stopping, allowed)
            rows = LabelledRows(X, y, sample_weight)
            partial_fit(self, settings, random_state, rows, classes, started)
        return self

    @property
    def penalty(self) -> str | None:
        """Name of the penalty given by ``C`` and ``l1_ratio``; scikit-learn reads it.

        "l2", "l1", "elasticnet", or None for ``C=np.inf``. It is not a parameter.
        """
        if self.C in Interval(np.inf, np.inf):
            return None
        if self.l1_ratio in L1_ALONE:
            return "l1"
        return "l2" if self.l1_ratio in Interval(0, 0) else "elasticnet"

    @WARN_ONLY_OF_OVERFLOW
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
        return predictions(self, X, decisions)

    @WARN_ONLY_OF_OVERFLOW
    def predict(self, X: Any) -> NDArray[Any]:
        """The most probable label of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        return predictions(self, X, labels)

    @WARN_ONLY_OF_OVERFLOW
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
        return predictions(self, X, probabilities)

    @WARN_ONLY_OF_OVERFLOW
    def predict_log_proba(self, X: Any) -> Array:
        """The logarithm of `predict_proba`, accurate even if a probability underflows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        return predictions(self, X, log_probabilities)

    def score(self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None) -> float:
        """Mean accuracy of `predict`.

        Parameters
        ----------
        X : {array-like, sparse matrix, dask collection, Chunks}
            Rows, of shape (n_samples, n_features).
        y : array-like of shape (n_samples,), default=None
            Their labels; None for `Chunks`, which have them.
        sample_weight : array-like of shape (n_samples,), default=None
            Their weights.

        Returns
        -------
        float
        """
        accuracy = accuracy_in_chunks(self, X, y, sample_weight)
        if accuracy is not None:
            return accuracy
        return float(super().score(X, y, sample_weight))

    def set_params(self, **params: Any) -> GDLogisticRegression:
        """Set parameters, also nested ones of a rule or a learning rate (``solver__<name>``).

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
        check_nested(self, params, EXAMPLE_FOR_NESTED)
        super().set_params(**params)
        return self

    def __str__(self) -> str:
        """The parameters and, once fitted, a summary of the fit."""
        fit = f"\n{describe_fit(FitSummary.of(self))}" if "stop_reason_" in vars(self) else ""
        return printable(repr(self) + fit)

    def _html_below(self) -> str:
        """What a notebook shows below the diagram: the fit and its curve, and the parameters."""
        fit = fit_html(FitSummary.of(self)) if "stop_reason_" in vars(self) else ""
        return fit + super()._html_below()

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.array_api_support = True
        return tags
