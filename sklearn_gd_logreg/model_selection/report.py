"""BiasVarianceReport: errors on train, dev and test set, as a table, HTML and data frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .formatting import Table, format_html, format_text

MAX_CLASSES_SHOWN = 10
"""Number of classes whose proportions are printed; ``priors`` holds all."""


@dataclass(frozen=True, repr=False)
class BiasVarianceReport:
    """Errors and losses of a model on its sets, the gaps between them, and the next action.

    `bias_variance_report` makes it. ``print`` shows a table, a notebook shows HTML. All
    parameters are attributes.

    Parameters
    ----------
    n_rows : dict of int
        Number of rows of each set. The keys of this and the other dicts are "train", "dev"
        and, with a test set, "test".
    errors : dict of float
        Error rates, 1 − accuracy.
    intervals : dict of (float, float)
        Wilson's 95 % intervals of the errors.
    losses : dict of float
        Mean log losses, unweighted.
    majority_class : object
        The most frequent label of the train set.
    majority_errors : dict of float
        Error rates of always predicting the majority class of the train set.
    majority_losses : dict of float
        Losses of always predicting the class proportions of the train set.
    priors : dict of dict of float
        Proportion of each label.
    baseline : float
        Achievable error rate.
    avoidable_bias : float
        Train error − baseline; negative if the model is better than the baseline.
    variance : float
        Dev error − train error.
    dev_to_test : float or None
        Test error − dev error; None without a test set.
    gap_intervals : dict of (float, float)
        95 % intervals of "avoidable_bias", "variance" and "dev_to_test".
    optimisation_error : float or None
        Upper bound on J − J* on the train set; None if the model has no such bound.
    changeable : int or None
        Upper bound on the number of training predictions that differ at the minimum of J.
    finding : str
        Problem that the action addresses: "optimisation", "test mismatch", "dev mismatch", "bias",
        "variance", "dev set" or "done".
    action : str
        The next action, in words.
    notes : tuple of str
        Further remarks, for example on a mismatch of the sets.

    See Also
    --------
    bias_variance_report : Makes the report and explains its numbers.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_gd_logreg import GDLogisticRegression
    >>> from sklearn_gd_logreg import bias_variance_report
    >>> from sklearn_gd_logreg import train_dev_test_split
    >>> X, y = load_iris(return_X_y=True)
    >>> parts = train_dev_test_split(X, y, stratify=y, random_state=0)
    >>> X_train, X_dev, X_test, y_train, y_dev, y_test = parts
    >>> clf = GDLogisticRegression().fit(X_train, y_train)
    >>> report = bias_variance_report(clf, X_train, y_train, X_dev, y_dev)
    >>> print(report.n_rows)
    {'train': 90, 'dev': 30}
    >>> print(round(report.errors["train"], 4), round(report.variance, 4))
    0.0222 0.0444
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
        """Return the numbers of each set as a pandas DataFrame.

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
        rows = {
            name: self._row(name, gap) for name, gap in zip(self.errors, GAP_NAMES, strict=False)
        }
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("set")

    def _row(self, name: str, gap: str) -> dict[str, Any]:
        low, high = self.intervals[name]
        gap_low, gap_high = self.gap_intervals[gap]
        return {
            "rows": self.n_rows[name],
            "error": self.errors[name],
            "error_low": low,
            "error_high": high,
            "majority_error": self.majority_errors[name],
            "loss": self.losses[name],
            "majority_loss": self.majority_losses[name],
            "gap": getattr(self, gap),
            "gap_low": gap_low,
            "gap_high": gap_high,
            **{f"share of {label}": share for label, share in self.priors[name].items()},
        }

    def __str__(self) -> str:
        return format_text(tables(self), paragraphs(self))

    def __repr__(self) -> str:
        errors = ", ".join(f"{name}: {error:.4g}" for name, error in self.errors.items())
        return f"<BiasVarianceReport, errors {errors}, finding: {self.finding}>"

    def _repr_html_(self) -> str:
        return format_html(tables(self), paragraphs(self))


GAP_NAMES = ("avoidable_bias", "variance", "dev_to_test")
"""Gap before each set: train, dev, test."""


def tables(report: BiasVarianceReport) -> list[Table]:
    """Return the table of the sets and that of the gaps."""
    return [
        Table(set_rows(report), text_columns=(0,)),
        Table(gap_rows(report), text_columns=(0, 3)),
    ]


def set_rows(report: BiasVarianceReport) -> list[list[str]]:
    """Return the cells of the table of the sets, with a column for each set."""
    set_names = list(report.errors)
    labels = list(report.priors["train"])[:MAX_CLASSES_SHOWN]
    n_hidden = len(report.priors["train"]) - len(labels)
    return [
        ["", *set_names],
        ["rows", *(str(report.n_rows[name]) for name in set_names)],
        ["error", *(f"{report.errors[name]:.4f}" for name in set_names)],
        ["  95 % interval", *(format_interval(report.intervals[name]) for name in set_names)],
        [
            f"  of always {report.majority_class}",
            *(f"{report.majority_errors[name]:.4f}" for name in set_names),
        ],
        ["log loss", *(f"{report.losses[name]:.4f}" for name in set_names)],
        [
            "  of the training shares",
            *(f"{report.majority_losses[name]:.4f}" for name in set_names),
        ],
        *(
            [f"share of {label}", *(f"{report.priors[name][label]:.4f}" for name in set_names)]
            for label in labels
        ),
        *([[f"({n_hidden} more classes)", *("" for _ in set_names)]] if n_hidden else []),
    ]


def gap_rows(report: BiasVarianceReport) -> list[list[str]]:
    """Return the cells of the table of the gaps, with a row for each gap."""
    rows = [
        ["gap", "value", "95 % interval", "definition"],
        gap_row(report, "avoidable_bias", f"train error - baseline {report.baseline:g}"),
        gap_row(report, "variance", "dev error - train error"),
    ]
    if report.dev_to_test is not None:
        rows.append(gap_row(report, "dev_to_test", "test error - dev error"))
    if report.optimisation_error is None:
        rows.append(["optimisation error", "n/a", "", "not available"])
    else:
        among = f"of {report.n_rows['train']} training predictions"
        rows += [
            ["optimisation error", f"{report.optimisation_error:.1e}", "", "J - lower bound"],
            ["  may change", str(report.changeable), "", among],
        ]
    return rows


def gap_row(report: BiasVarianceReport, name: str, meaning: str) -> list[str]:
    """Return the row of one gap."""
    title = {"dev_to_test": "dev-to-test gap"}.get(name, name.replace("_", " "))
    value = f"{getattr(report, name):.4f}"
    return [title, value, format_interval(report.gap_intervals[name]), meaning]


def format_interval(interval: tuple[float, float]) -> str:
    """Format an interval."""
    return f"{interval[0]:.4f} to {interval[1]:.4f}"


def paragraphs(report: BiasVarianceReport) -> list[str]:
    """Return the action, then the notes."""
    return [f"Next: {report.action}", *(f"Note: {note}" for note in report.notes)]
