"""From measured gaps to what to do next."""

from __future__ import annotations

from dataclasses import dataclass

WORTHWHILE = 0.01
"""Share of the training loss below which what the descent has left undone is nothing."""


@dataclass(frozen=True)
class Gap:
    """A difference of error rates, and its interval of 95 %."""

    value: float
    low: float
    high: float

    @property
    def real(self) -> bool:
        """Whether it is more than chance explains."""
        return self.low > 0

    def __str__(self) -> str:
        return f"{self.value:.3g}, 95 % interval {self.low:.3g} to {self.high:.3g}"


@dataclass(frozen=True)
class Optimisation:
    """What is known of the distance to the minimum of J.

    Attributes
    ----------
    error : float
        Upper bound on J − J*.
    changeable : int
        At most how many training predictions are others at the minimum.
    n_rows : int
        Rows of the train set.
    loss : float
        Training loss.
    noise : float
        Half the width of the interval of the training error.
    """

    error: float
    changeable: int
    n_rows: int
    loss: float
    noise: float

    @property
    def unfinished(self) -> bool:
        """Whether going on could matter, to the loss and to the error rate."""
        for_the_loss = self.error > WORTHWHILE * self.loss
        return for_the_loss and self.changeable / self.n_rows > self.noise


@dataclass(frozen=True)
class Findings:
    """All that the next action depends on.

    Attributes
    ----------
    bias, variance : Gap
        Train error − baseline, dev error − train error.
    dev_to_test : Gap or None, default=None
        Test error − dev error; None without a test set.
    optimisation : Optimisation or None, default=None
        None if nothing is known of it.
    dev_differs, test_differs : bool, default=False
        Whether the class priors of the dev set differ from those of the train set, and
        those of the test set from those of the dev set.
    """

    bias: Gap
    variance: Gap
    dev_to_test: Gap | None = None
    optimisation: Optimisation | None = None
    dev_differs: bool = False
    test_differs: bool = False


def diagnose(found: Findings) -> str:
    """The first thing to mend: a key of `ACTIONS`."""
    if found.optimisation is not None and found.optimisation.unfinished:
        return "optimisation"
    if found.test_differs:
        return "test mismatch"
    bias, variance = found.bias, found.variance
    if bias.real and not (variance.real and variance.value > bias.value):
        return "bias"
    if variance.real:
        return "dev mismatch" if found.dev_differs else "variance"
    if found.dev_to_test is not None and found.dev_to_test.real:
        return "dev set"
    return "dev mismatch" if found.dev_differs else "done"


ACTIONS = {
    "optimisation": (
        "Finish the optimisation before calling anything bias. The cost may be up to "
        "{optimisation.error:.2g} above its minimum, and as many as {optimisation.changeable} of "
        "{optimisation.n_rows} training predictions may change on the way there. Train longer "
        "(raise max_iter, lower tol), scale the features, or use solver='natural'. (The bound is "
        "for these rows without sample weights.)"
    ),
    "test mismatch": (
        "Draw the dev and the test set anew, from one distribution: the one that the model is "
        "for. Their class shares differ by more than chance explains, so what is chosen on the "
        "one need not be good on the other. Shuffle and stratify the split."
    ),
    "dev mismatch": (
        "Look at where the train and the dev set come from. Their class shares differ by more "
        "than chance explains, so dev error - train error ({variance}) is not variance alone. "
        "Draw both from one distribution (stratify the split); if the train set was rebalanced "
        "on purpose, hold out a part of it and measure the variance there."
    ),
    "bias": (
        "Reduce the avoidable bias ({bias}). The model does not fit even the rows that it was "
        "trained on as well as the baseline says one can: use more or better features, a larger "
        "model, or a weaker penalty (raise C)."
    ),
    "variance": (
        "Reduce the variance ({variance}). The model fits the rows that it was trained on better "
        "than others: get more data to train on, use a stronger penalty (lower C), or fewer "
        "features."
    ),
    "dev set": (
        "Get a larger dev set. The error is higher on the test set than on the dev set "
        "({dev_to_test}): choices have been fitted to the dev set, or the two come from different "
        "distributions."
    ),
    "done": (
        "Done: no gap is larger than chance explains, and the training error is at the baseline. "
        "To learn more, lower the baseline if you believe that less is possible, or get more dev "
        "and test rows for shorter intervals."
    ),
}
"""What to do, by what is to be mended."""

UNCERTIFIED = (
    " How far the descent is from its minimum is not known here, so first make sure that it has "
    "converged."
)


def next_action(found: Findings) -> tuple[str, str]:
    """What is to be mended first, and how, in words."""
    finding = diagnose(found)
    words = ACTIONS[finding].format(**vars(found))
    if finding == "bias" and found.optimisation is None:
        words += UNCERTIFIED
    return finding, words
