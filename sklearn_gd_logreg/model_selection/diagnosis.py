"""The bias-variance report of a model on train, dev and test set."""

from __future__ import annotations

from typing import Any

from sklearn.pipeline import Pipeline

from .._floating import ignore_floating_errors
from ..inspection import duality_gap
from ..validation import Interval
from .action import ErrorDifference, Findings, OptimisationBound, next_action
from .changed_predictions import max_changed_predictions
from .checks import invalid_argument
from .proportions import newcombe_interval, priors_differ
from .report import BiasVarianceReport
from .set_metrics import SetMetrics, check_model, check_set, evaluate_set

BASELINE_INTERVAL = Interval(0, 1, "[)")


@ignore_floating_errors()
def bias_variance_report(
    model: Any,
    X_train: Any,
    y_train: Any,
    X_dev: Any,
    y_dev: Any,
    X_test: Any = None,
    y_test: Any = None,
    *,
    baseline: float = 0.0,
) -> BiasVarianceReport:
    r"""Diagnose bias and variance of a model and recommend the next action.

    With the error rate 1 − accuracy on each set,

    .. math::

        \text{avoidable bias} &= \text{train error} - \text{baseline} \\
        \text{variance} &= \text{dev error} - \text{train error} \\
        \text{dev-to-test gap} &= \text{test error} - \text{dev error} \\
        \text{optimisation error} &= J - (\text{certified lower bound on } J^*)

    Parameters
    ----------
    model : classifier
        Any classifier with ``predict_proba``, fitted on ``X_train``, ``y_train``. It is not
        changed.
    X_train : {array-like, sparse matrix, frame} of shape (n_train, n_features)
        Training data of the model.
    y_train : array-like of shape (n_train,)
        Training labels.
    X_dev : {array-like, sparse matrix, frame} of shape (n_dev, n_features)
        Data for model selection, not used in the fit.
    y_dev : array-like of shape (n_dev,)
        Labels of the dev set.
    X_test : {array-like, sparse matrix, frame} of shape (n_test, n_features), default=None
        Data used neither in the fit nor for model selection.
    y_test : array-like of shape (n_test,), default=None
        Labels of the test set.
    baseline : float, default=0.0
        Achievable error rate in [0, 1), for example that of people, of the best known model,
        or of noise in the labels.

    Returns
    -------
    BiasVarianceReport
        ``print`` shows a table, a notebook HTML; ``action`` is the next action.

    Raises
    ------
    ValueError
        If the model is not a classifier with ``predict_proba``, a set is empty or holds labels
        unknown to the model, X and y of a set differ in their number of rows, only one of
        ``X_test`` and ``y_test`` is given, or the baseline is out of range.
    sklearn.exceptions.NotFittedError
        If the model has not been fitted.

    Notes
    -----
    *The next action* is the first of these whose condition holds:

    1. Finish the optimisation: the optimisation error is more than 1 % of the training
       loss, *and* may change more training predictions than half the width of the 95 %
       interval of the training error. An apparent bias may then be due to an unfinished
       descent.
    2. Draw dev and test set from one distribution: their class proportions differ.
    3. Reduce the avoidable bias: it is significant, and the variance is not, or is smaller.
    4. Reduce the variance: it is significant. (If the class proportions of train and dev set
       differ, action 6 replaces this one.)
    5. Get a larger dev set: the dev-to-test gap is significant.
    6. Look at where train and dev set come from: their class proportions differ.
    7. Done.

    *Significant* means that a 95 % interval is above 0: Wilson's interval of the training
    error minus the baseline for the bias, Newcombe's interval of the difference of two rates
    for the other two gaps. One gap in forty is significant by chance. Class proportions
    *differ* if a χ² test of homogeneity has a p-value below 0.01, and a proportion differs by
    more than 0.05 or a factor of 2.

    *Optimisation error* is in the units of J, nats per row, while the bias is a rate. They are
    connected as follows. J is convex, so the mean Kullback–Leibler divergence from the
    probabilities at its minimum to those of the model is at most J − J*. A change of the
    prediction of a row takes a divergence of at least −log(1 − (√p − √q)²), with p and q the
    probabilities of its two most likely classes. This bounds the number of training
    predictions that change on the way to the minimum, ``report.changeable``.

    The bound uses the ``class_weight`` of the model, but not the ``sample_weight`` of ``fit``,
    which the report does not know. Without a penalty, and for other classes of models, there is
    no bound; ``optimisation_error`` is then None.

    *Losses* are unweighted log losses, also with ``class_weight``.

    References
    ----------
    Ng, "Machine Learning Yearning" (2018), chapters 20 to 32.
    Bottou, Bousquet, "The tradeoffs of large scale learning", NIPS 20 (2007), for the
    optimisation error.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn_gd_logreg import GDLogisticRegression
    >>> from sklearn_gd_logreg import bias_variance_report, train_dev_test_split
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> parts = train_dev_test_split(X, y, stratify=y, random_state=0)
    >>> X_train, X_dev, X_test, y_train, y_dev, y_test = parts
    >>> clf = GDLogisticRegression().fit(X_train, y_train)
    >>> report = bias_variance_report(
    ...     clf, X_train, y_train, X_dev, y_dev, baseline=0.03
    ... )
    >>> report.finding, report.optimisation_error < 1e-6
    ('done', True)
    """
    if baseline not in BASELINE_INTERVAL:
        raise invalid_argument("bias_variance_report", "baseline", baseline, BASELINE_INTERVAL)
    check_model(model)
    named_sets = {"train": (X_train, y_train), "dev": (X_dev, y_dev)}
    if (X_test is None) != (y_test is None):
        missing, other = ("X_test", "y_test") if X_test is None else ("y_test", "X_test")
        raise ValueError(f"{missing} must be given with {other}. Got None instead.")
    if X_test is not None:
        named_sets["test"] = (X_test, y_test)
    for name, (X, y) in named_sets.items():
        check_set(model, name, X, y)
    sets = {name: evaluate_set(model, name, X, y) for name, (X, y) in named_sets.items()}
    optimisation, reason = optimisation_error_of(model, X_train, sets["train"])
    findings = compare_sets(sets, float(baseline), optimisation)
    return build_report(model.classes_.tolist(), sets, float(baseline), findings, reason)


def optimisation_error_of(
    model: Any, X_train: Any, train: SetMetrics
) -> tuple[OptimisationBound | None, str | None]:
    """Return the bound on the optimisation error, or the reason why there is none."""
    try:
        gap = duality_gap(model, X_train, train.y)
    except ValueError as error:
        return None, str(error)
    estimator = model
    while isinstance(estimator, Pipeline):
        estimator = estimator[-1]
    max_changed = max_changed_predictions(train.proba, train.y, estimator.class_weight, gap)
    low, high = train.interval
    return OptimisationBound(gap, max_changed, train.n_rows, train.loss, (high - low) / 2), None


def compare_sets(
    sets: dict[str, SetMetrics], baseline: float, optimisation: OptimisationBound | None
) -> Findings:
    """Return the gaps between the sets, with their intervals."""
    train, dev, test = sets["train"], sets["dev"], sets.get("test")
    low, high = train.interval
    return Findings(
        bias=ErrorDifference(train.error - baseline, low - baseline, high - baseline),
        variance=error_difference(dev, train),
        dev_to_test=None if test is None else error_difference(test, dev),
        optimisation=optimisation,
        dev_differs=priors_differ(train.counts, dev.counts),
        test_differs=test is not None and priors_differ(dev.counts, test.counts),
    )


def error_difference(later: SetMetrics, earlier: SetMetrics) -> ErrorDifference:
    """Return the error on one set minus that on an earlier one, with its interval."""
    low, high = newcombe_interval(later.error, later.interval, earlier.error, earlier.interval)
    return ErrorDifference(later.error - earlier.error, low, high)


def build_report(
    classes: list[Any],
    sets: dict[str, SetMetrics],
    baseline: float,
    findings: Findings,
    reason: str | None,
) -> BiasVarianceReport:
    """Return the report, with the errors of constant predictions beside those of the model."""
    train = sets["train"]
    majority = max(range(len(classes)), key=train.counts.__getitem__)
    finding, action = next_action(findings)
    gaps = {"avoidable_bias": findings.bias, "variance": findings.variance}
    if findings.dev_to_test is not None:
        gaps["dev_to_test"] = findings.dev_to_test
    optimisation = findings.optimisation
    return BiasVarianceReport(
        n_rows={name: s.n_rows for name, s in sets.items()},
        errors={name: s.error for name, s in sets.items()},
        intervals={name: s.interval for name, s in sets.items()},
        losses={name: s.loss for name, s in sets.items()},
        majority_class=classes[majority],
        majority_errors={name: s.constant_error(majority) for name, s in sets.items()},
        majority_losses={name: s.constant_loss(train.priors) for name, s in sets.items()},
        priors={name: dict(zip(classes, s.priors, strict=True)) for name, s in sets.items()},
        baseline=baseline,
        avoidable_bias=findings.bias.value,
        variance=findings.variance.value,
        dev_to_test=None if findings.dev_to_test is None else findings.dev_to_test.value,
        gap_intervals={name: (gap.low, gap.high) for name, gap in gaps.items()},
        optimisation_error=None if optimisation is None else optimisation.error,
        changeable=None if optimisation is None else optimisation.changeable,
        finding=finding,
        action=action,
        notes=remarks(classes[majority], majority, sets, findings, reason),
    )


def remarks(
    label: Any, majority: int, sets: dict[str, SetMetrics], findings: Findings, reason: str | None
) -> tuple[str, ...]:
    """Return further remarks for the reader."""
    dev = sets["dev"]
    better_on_dev = (
        "The error is lower on the dev set than on the train set, by more than chance explains: "
        "its rows are easier, or some are in both."
    )
    no_better = f"On the dev set the model is no better than always predicting {label!r}."
    conditions = {
        "The training error is below the baseline: the baseline is beaten.": (
            findings.bias.value < 0
        ),
        "Mismatch: the class proportions of train and dev set differ.": findings.dev_differs,
        "Mismatch: the class proportions of dev and test set differ.": findings.test_differs,
        better_on_dev: findings.variance.high < 0,
        no_better: dev.error >= dev.constant_error(majority),
        f"Optimisation error not available: {reason}": reason is not None,
    }
    return tuple(text for text, holds in conditions.items() if holds)
