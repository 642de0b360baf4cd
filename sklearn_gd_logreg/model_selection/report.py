"""What was found on train, dev and test set, and how it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .show import Table, as_html, as_text

MOST_CLASSES = 10
"""Classes whose shares are shown; the others are in ``priors``."""


@dataclass(frozen=True, repr=False)
class BiasVarianceReport:
    """Errors and losses of a model on its sets, the gaps between them, and the next action.

    It is made by `bias_variance_report`, and what it is made of are its attributes. ``print``
    shows a table, a notebook HTML.

    Parameters
    ----------
    n_rows : dict of int
        Rows of each set. The keys of this and the other dicts are "train", "dev" and, if
        there is a test set, "test".
    errors : dict of float
        1 − accuracy.
    intervals : dict of (float, float)
        Wilson's 95 % intervals of the errors.
    losses : dict of float
        Mean log losses, unweighted.
    majority_class : object
        The most frequent label of the train set.
    majority_errors : dict of float
        Errors of always predicting the majority class of the train set.
    majority_losses : dict of float
        Losses of always predicting the class shares of the train set.
    priors : dict of dict of float
        The share of each label.
    baseline : float
        The error rate that was hoped for.
    avoidable_bias : float
        Train error − baseline; below 0 if the baseline is beaten.
    variance : float
        Dev error − train error.
    dev_to_test : float or None
        Test error − dev error; None without a test set.
    gap_intervals : dict of (float, float)
        95 % intervals of "avoidable_bias", "variance" and "dev_to_test".
    optimisation_error : float or None
        Upper bound on J − J* on the train set; None if there is none for the model.
    changeable : int or None
        At most how many training predictions would be others at the minimum of J.
    finding : str
        What the action mends: "optimisation", "test mismatch", "dev mismatch", "bias",
        "variance", "dev set" or "done".
    action : str
        The next action, in words.
    notes : tuple of str
        What else to know: a mismatch, a baseline that is beaten, ….

    See Also
    --------
    bias_variance_report : Makes it, and says what its numbers mean.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_gd_logreg import GDLogisticRegression
    >>> from sklearn_gd_logreg import bias_variance_report, train_dev_test_split
    >>> X, y = load_iris(return_X_y=True)
    >>> parts = train_dev_test_split(X, y, stratify=y, random_state=0)
    >>> X_train, X_dev, X_test, y_train, y_dev, y_test = parts
    >>> clf = GDLogisticRegression().fit(X_train, y_train)
    >>> report = bias_variance_report(clf, X_train, y_train, X_dev, y_dev)
    >>> print(report.n_rows, round(report.errors["train"], 4), round(report.variance, 4))
    {'train': 90, 'dev': 30} 0.0222 0.0444
    >>> print(report.finding)
    bias
    """

    n_rows: dict[str, int]
    errors: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    losses: dict[str, float]
    majority_class: Any
    majority_errors: dict[str, float]
    majority_losses: dict[str, float]
    priors: dict[str, dict[Any, float]]
    baseline: float
    avoidable_bias: float
    variance: float
    dev_to_test: float | None
    gap_intervals: dict[str, tuple[float, float]]
    optimisation_error: float | None
    changeable: int | None
    finding: str
    action: str
    notes: tuple[str, ...]

    def to_frame(self) -> Any:
        """The numbers of each set as a pandas DataFrame.

        Returns
        -------
        pandas.DataFrame
            A row for each set. The columns are "rows", "error", "error_low", "error_high",
            "majority_error", "loss", "majority_loss", "gap", "gap_low", "gap_high" and, for
            each label, "share of <label>". The gap of the train set is the avoidable bias,
            that of the dev set the variance, that of the test set the dev-to-test gap.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError(
                "BiasVarianceReport.to_frame needs pandas. Install it by `pip install pandas`."
            ) from error
        rows = {part: self._row(part, gap) for part, gap in zip(self.errors, GAPS, strict=False)}
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("set")

    def _row(self, part: str, gap: str) -> dict[str, Any]:
        low, high = self.intervals[part]
        gap_low, gap_high = self.gap_intervals[gap]
        return {
            "rows": self.n_rows[part],
            "error": self.errors[part],
            "error_low": low,
            "error_high": high,
            "majority_error": self.majority_errors[part],
            "loss": self.losses[part],
            "majority_loss": self.majority_losses[part],
            "gap": getattr(self, gap),
            "gap_low": gap_low,
            "gap_high": gap_high,
            **{f"share of {label}": share for label, share in self.priors[part].items()},
        }

    def __str__(self) -> str:
        return as_text(tables(self), words(self))

    def __repr__(self) -> str:
        errors = ", ".join(f"{part}: {error:.4g}" for part, error in self.errors.items())
        return f"<BiasVarianceReport, errors {errors}, finding: {self.finding}>"

    def _repr_html_(self) -> str:
        return as_html(tables(self), words(self))


GAPS = ("avoidable_bias", "variance", "dev_to_test")
"""The gap that each set adds."""


def tables(report: BiasVarianceReport) -> list[Table]:
    """The sets, and the gaps between them."""
    return [Table(sets(report), left=(0,)), Table(gaps(report), left=(0, 3))]


def sets(report: BiasVarianceReport) -> list[list[str]]:
    """A column for each set."""
    parts = list(report.errors)
    shown = list(report.priors["train"])[:MOST_CLASSES]
    hidden = len(report.priors["train"]) - len(shown)
    return [
        ["", *parts],
        ["rows", *(str(report.n_rows[part]) for part in parts)],
        ["error", *(f"{report.errors[part]:.4f}" for part in parts)],
        ["  95 % interval", *(between(report.intervals[part]) for part in parts)],
        [
            f"  of always {report.majority_class}",
            *(f"{report.majority_errors[part]:.4f}" for part in parts),
        ],
        ["log loss", *(f"{report.losses[part]:.4f}" for part in parts)],
        [
            "  of the training shares",
            *(f"{report.majority_losses[part]:.4f}" for part in parts),
        ],
        *(
            [f"share of {label}", *(f"{report.priors[part][label]:.4f}" for part in parts)]
            for label in shown
        ),
        *([[f"({hidden} more classes)", *("" for _ in parts)]] if hidden else []),
    ]


def gaps(report: BiasVarianceReport) -> list[list[str]]:
    """A line for each gap."""
    rows = [
        ["gap", "value", "95 % interval", "what it is"],
        gap(report, "avoidable_bias", f"train error - baseline {report.baseline:g}"),
        gap(report, "variance", "dev error - train error"),
    ]
    if report.dev_to_test is not None:
        rows.append(gap(report, "dev_to_test", "test error - dev error"))
    if report.optimisation_error is None:
        rows.append(["optimisation error", "n/a", "", "not available"])
    else:
        meaning = (
            f"J - lower bound; may change {report.changeable} of {report.n_rows['train']} "
            "training predictions"
        )
        rows.append(["optimisation error", f"{report.optimisation_error:.1e}", "", meaning])
    return rows


def gap(report: BiasVarianceReport, name: str, meaning: str) -> list[str]:
    """The line of one gap."""
    title = {"dev_to_test": "dev-to-test gap"}.get(name, name.replace("_", " "))
    value = f"{getattr(report, name):.4f}"
    return [title, value, between(report.gap_intervals[name]), meaning]


def between(interval: tuple[float, float]) -> str:
    """An interval in one cell."""
    return f"{interval[0]:.4f} to {interval[1]:.4f}"


def words(report: BiasVarianceReport) -> list[str]:
    """The action, then the notes."""
    return [f"Next: {report.action}", *(f"Note: {note}" for note in report.notes)]
