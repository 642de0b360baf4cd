"""The measurements behind a report on train, dev and test set."""

from __future__ import annotations

from typing import Any

from sklearn.pipeline import Pipeline

from .._floating import ignoring
from ..inspection import duality_gap
from ..validation import Interval
from .action import Findings, Gap, Optimisation, next_action
from .changeable import changeable
from .checks import refused
from .measure import Measured, check_model, check_part, measure
from .proportions import newcombe, priors_differ
from .report import BiasVarianceReport

BASELINE = Interval(0, 1, "[)")


@ignoring()
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
    r"""Say whether a model suffers from bias or variance, and what to do next.

    With the error rate 1 − accuracy on each set,

    .. math::

        \text{avoidable bias} &= \text{train error} - \text{baseline} \\
        \text{variance} &= \text{dev error} - \text{train error} \\
        \text{dev-to-test gap} &= \text{test error} - \text{dev error} \\
        \text{optimisation error} &= J - (\text{certified lower bound on } J^*)

    Parameters
    ----------
    model : classifier
        Fitted to ``X_train``, ``y_train``, with `predict_proba`: `GDLogisticRegression`,
        `LogisticRegression`, a pipeline that ends in one, or any other. It is not changed.
    X_train : {array-like, sparse matrix, frame} of shape (n_train, n_features)
        The rows that the model was fitted to.
    y_train : array-like of shape (n_train,)
        Their labels.
    X_dev : {array-like, sparse matrix, frame} of shape (n_dev, n_features)
        Rows that the model was not fitted to, to choose by.
    y_dev : array-like of shape (n_dev,)
        Their labels.
    X_test : {array-like, sparse matrix, frame} of shape (n_test, n_features), default=None
        Rows that nothing was chosen by.
    y_test : array-like of shape (n_test,), default=None
        Their labels.
    baseline : float, default=0.0
        The error rate that one could hope for, in [0, 1): that of people who do the task,
        of the best model known, or of noise in the labels.

    Returns
    -------
    BiasVarianceReport
        ``print`` shows it as a table, a notebook as HTML, ``action`` is what to do next.

    Raises
    ------
    ValueError
        If the model is not a classifier with probabilities, a set is empty or holds labels
        that the model does not know, X and y of a set differ in their number of rows, one
        of ``X_test`` and ``y_test`` is missing, or the baseline is out of range.
    sklearn.exceptions.NotFittedError
        If the model has not been fitted.

    Notes
    -----
    *The next action* is the first of these whose reason holds:

    1. Finish the optimisation: the optimisation error is more than 1 % of the training
       loss, *and* may change more training predictions than half the width of the 95 %
       interval of the training error. Otherwise what looks like bias may be a descent that
       has not arrived.
    2. Draw dev and test set from one distribution: their class shares differ.
    3. Reduce the avoidable bias: it is real, and the variance is not, or is smaller.
    4. Reduce the variance: it is real. (If the class shares of train and dev set
       differ, these come first.)
    5. Get a larger dev set: the dev-to-test gap is real.
    6. Look at where train and dev set come from: their class shares differ.
    7. Done.

    *Real* means that a 95 % interval lies above 0: Wilson's interval of the training error
    less the baseline for the bias, Newcombe's interval of the difference of two rates for
    the other two. One gap in forty is called real by chance alone. Class shares *differ* if
    a χ² test of homogeneity has a p-value below 0.01, and a share differs by more than 0.05
    or twofold.

    *Optimisation error* is in the units of J, nats a row, and the bias is a rate. What
    joins them: J is convex, so the mean Kullback–Leibler divergence from the probabilities
    at its minimum to those of the model is at most J − J*. To change the prediction of a
    row takes a divergence of −log(1 − (√p − √q)²), p and q being the probabilities of its
    two likeliest classes. So there is a largest number of training predictions that may
    change before the minimum is reached, ``report.changeable``. The model's own
    ``class_weight`` counts here. Weights that were given to `fit` are not known: the
    certificate is for the cost without them. Without a penalty, and for other kinds of
    models, there is no certificate; ``optimisation_error`` is then None.

    *Losses* are unweighted log losses, whatever the model's ``class_weight``.

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
    >>> report = bias_variance_report(clf, X_train, y_train, X_dev, y_dev, baseline=0.03)
    >>> report.finding, report.optimisation_error < 1e-6
    ('done', True)
    """
    if baseline not in BASELINE:
        raise refused("bias_variance_report", "baseline", baseline, BASELINE)
    check_model(model)
    given = {"train": (X_train, y_train), "dev": (X_dev, y_dev)}
    if (X_test is None) != (y_test is None):
        missing, there = ("X_test", "y_test") if X_test is None else ("y_test", "X_test")
        raise ValueError(f"{missing} must be given with {there}. Got None instead.")
    if X_test is not None:
        given["test"] = (X_test, y_test)
    for part, (X, y) in given.items():
        check_part(model, part, X, y)
    sets = {part: measure(model, part, X, y) for part, (X, y) in given.items()}
    optimisation, why_not = optimisation_of(model, X_train, sets["train"])
    found = compare(sets, float(baseline), optimisation)
    return assemble(model.classes_.tolist(), sets, float(baseline), found, why_not)


def optimisation_of(
    model: Any, X_train: Any, train: Measured
) -> tuple[Optimisation | None, str | None]:
    """What the certificate says, or why there is none."""
    try:
        gap = duality_gap(model, X_train, train.y)
    except ValueError as error:
        return None, str(error)
    last = model
    while isinstance(last, Pipeline):
        last = last[-1]
    moved = changeable(train.proba, train.y, last.class_weight, gap)
    low, high = train.interval
    return Optimisation(gap, moved, train.n_rows, train.loss, (high - low) / 2), None


def compare(
    sets: dict[str, Measured], baseline: float, optimisation: Optimisation | None
) -> Findings:
    """The gaps between the sets, with their intervals."""
    train, dev, test = sets["train"], sets["dev"], sets.get("test")
    low, high = train.interval
    return Findings(
        bias=Gap(train.error - baseline, low - baseline, high - baseline),
        variance=difference(dev, train),
        dev_to_test=None if test is None else difference(test, dev),
        optimisation=optimisation,
        dev_differs=priors_differ(train.counts, dev.counts),
        test_differs=test is not None and priors_differ(dev.counts, test.counts),
    )


def difference(later: Measured, earlier: Measured) -> Gap:
    """By how much the error is higher on one set than on another."""
    low, high = newcombe(later.error, later.interval, earlier.error, earlier.interval)
    return Gap(later.error - earlier.error, low, high)


def assemble(
    classes: list[Any],
    sets: dict[str, Measured],
    baseline: float,
    found: Findings,
    why_not: str | None,
) -> BiasVarianceReport:
    """The report, with the predictions of the majority beside those of the model."""
    train = sets["train"]
    majority = max(range(len(classes)), key=train.counts.__getitem__)
    finding, action = next_action(found)
    gaps = {"avoidable_bias": found.bias, "variance": found.variance}
    if found.dev_to_test is not None:
        gaps["dev_to_test"] = found.dev_to_test
    known = found.optimisation
    return BiasVarianceReport(
        n_rows={part: s.n_rows for part, s in sets.items()},
        errors={part: s.error for part, s in sets.items()},
        intervals={part: s.interval for part, s in sets.items()},
        losses={part: s.loss for part, s in sets.items()},
        majority_class=classes[majority],
        majority_errors={part: s.error_of(majority) for part, s in sets.items()},
        majority_losses={part: s.loss_of(train.priors) for part, s in sets.items()},
        priors={part: dict(zip(classes, s.priors, strict=True)) for part, s in sets.items()},
        baseline=baseline,
        avoidable_bias=found.bias.value,
        variance=found.variance.value,
        dev_to_test=None if found.dev_to_test is None else found.dev_to_test.value,
        gap_intervals={name: (gap.low, gap.high) for name, gap in gaps.items()},
        optimisation_error=None if known is None else known.error,
        changeable=None if known is None else known.changeable,
        finding=finding,
        action=action,
        notes=notes(classes[majority], majority, sets, found, why_not),
    )


def notes(
    label: Any, majority: int, sets: dict[str, Measured], found: Findings, why_not: str | None
) -> tuple[str, ...]:
    """What else a reader should know."""
    dev = sets["dev"]
    said = {
        "The training error is below the baseline: the baseline is beaten.": found.bias.value < 0,
        "Mismatch: the class shares of train and dev set differ much.": found.dev_differs,
        "Mismatch: the class shares of dev and test set differ much.": found.test_differs,
        "The error is lower on the dev set than on the train set, by more than chance explains: "
        "its rows are easier, or some are in both.": found.variance.high < 0,
        f"On the dev set the model is no better than always predicting {label!r}.": dev.error
        >= dev.error_of(majority),
        f"Optimisation error not available: {why_not}": why_not is not None,
    }
    return tuple(text for text, holds in said.items() if holds)
