"""The next action of a bias-variance report: the first problem to address, and what to do."""

from __future__ import annotations

from dataclasses import dataclass

NEGLIGIBLE_LOSS_FRACTION = 0.01
"""Fraction of the training loss below which an optimisation error is negligible."""


@dataclass(frozen=True)
class ErrorDifference:
    """A difference of error rates, and its 95 % interval from ``low`` to ``high``."""

    value: float
    low: float
    high: float

    @property
    def is_significant(self) -> bool:
        """Whether the interval is above 0."""
        return self.low > 0

    def __str__(self) -> str:
        return f"{self.value:.3g}, 95 % interval {self.low:.3g} to {self.high:.3g}"


@dataclass(frozen=True)
class OptimisationBound:
    """Bound on the optimisation error J − J* by the duality gap, and what it may change.

    Attributes
    ----------
    error : float
        Upper bound on J − J*.
    changeable : int
        Upper bound on the number of training predictions that differ at the minimum.
    n_rows : int
        Number of rows of the train set.
    loss : float
        Training loss.
    half_width : float
        Half the width of the 95 % interval of the training error.
    """

    error: float
    changeable: int
    n_rows: int
    loss: float
    half_width: float

    @property
    def is_significant(self) -> bool:
        """Whether further descent may change both the loss and the predictions noticeably.

        The error exceeds `NEGLIGIBLE_LOSS_FRACTION` of the loss, and the fraction of predictions
        that may change exceeds ``half_width``.
        """
        affects_loss = self.error > NEGLIGIBLE_LOSS_FRACTION * self.loss
        return affects_loss and self.changeable / self.n_rows > self.half_width


@dataclass(frozen=True)
class Findings:
    """The inputs of `next_action`.

    Attributes
    ----------
    bias, variance : ErrorDifference
        Train error − baseline, dev error − train error.
    dev_to_test : ErrorDifference or None, default=None
        Test error − dev error; None without a test set.
    optimisation : OptimisationBound or None, default=None
        None if the model has no bound.
    dev_differs, test_differs : bool, default=False
        Whether the class priors of the dev set differ from those of the train set, and
        those of the test set from those of the dev set.
    """

    bias: ErrorDifference
    variance: ErrorDifference
    dev_to_test: ErrorDifference | None = None
    optimisation: OptimisationBound | None = None
    dev_differs: bool = False
    test_differs: bool = False


def diagnose(findings: Findings) -> str:
    """Return the first problem to address, a key of `ACTIONS`."""
    if findings.optimisation is not None and findings.optimisation.is_significant:
        return "optimisation"
    if findings.test_differs:
        return "test mismatch"
    bias, variance = findings.bias, findings.variance
    if bias.is_significant and not (variance.is_significant and variance.value > bias.value):
        return "bias"
    if variance.is_significant:
        return "dev mismatch" if findings.dev_differs else "variance"
    if findings.dev_to_test is not None and findings.dev_to_test.is_significant:
        return "dev set"
    return "dev mismatch" if findings.dev_differs else "done"


ACTIONS = {
    "optimisation": (
        "Finish the optimisation before calling anything bias. The cost may be up to "
        "{optimisation.error:.2g} above its minimum, and as many as {optimisation.changeable} of "
        "{optimisation.n_rows} training predictions may change on the way there. Train longer "
        "(raise max_iter, lower tol), scale the features, or use solver='natural'. (The bound is "
        "for these rows without sample weights.)"
    ),
    "test mismatch": (
        "Draw the dev and the test set again from one distribution, that of the model's use. "
        "Their class proportions differ by more than chance explains, so a choice made on one "
        "need not be good on the other. Shuffle and stratify the split."
    ),
    "dev mismatch": (
        "Look at where the train and the dev set come from. Their class proportions differ by "
        "more than chance explains, so dev error - train error ({variance}) is not variance alone. "
        "Draw both from one distribution (stratify the split); if the train set was rebalanced "
        "on purpose, hold out a part of it and measure the variance on that part."
    ),
    "bias": (
        "Reduce the avoidable bias ({bias}). The model fits even its training rows less well than "
        "the baseline: use more or better features, a larger model, or a weaker penalty (raise C)."
    ),
    "variance": (
        "Reduce the variance ({variance}). The model fits its training rows better than other "
        "rows: get more data to train on, use a stronger penalty (lower C), or fewer features."
    ),
    "dev set": (
        "Get a larger dev set. The error is higher on the test set than on the dev set "
        "({dev_to_test}): choices have overfitted the dev set, or the two come from different "
        "distributions."
    ),
    "done": (
        "Done: no gap is larger than chance explains, and the training error is at the baseline. "
        "To go on, lower the baseline if a lower error is possible, or get more dev and test "
        "rows for shorter intervals."
    ),
}
"""Recommendation for each finding; the names in braces are those of `Findings`."""

NO_BOUND = (
    " The optimisation error of this model is not known, so first make sure that the fit has "
    "converged."
)
"""Addition to the action "bias" if there is no `OptimisationBound`."""


def next_action(findings: Findings) -> tuple[str, str]:
    """Return the first problem to address and the recommendation."""
    finding = diagnose(findings)
    text = ACTIONS[finding].format(**vars(findings))
    if finding == "bias" and findings.optimisation is None:
        text += NO_BOUND
    return finding, text
