"""BiasVarianceDisplay: from the baseline to the test error, gap by gap."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from .._floating import ignoring
from ..validation import InvalidParameterError
from .style import INK, MUTED, axes_for, require_pyplot, tidy, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..model_selection import BiasVarianceReport

NAME = "BiasVarianceDisplay"
PARTS = {"train": "training error", "dev": "dev error", "test": "test error"}
GAP_STYLES = {
    "train": ("avoidable bias", "#d55e00", "//"),
    "dev": ("variance", "#e69f00", "\\\\"),
    "test": ("dev-to-test gap", "#cc79a7", ".."),
}
"""The gap that each set adds, its colour, and a hatch that is seen in grey."""

ERROR = "#0072b2"
TITLE_WIDTH = 70
ROOM = 1.25
"""The axis ends at the largest error, or the end of its interval, times this."""

MIN_AXIS_PERCENT = 1.0
"""It is never shorter than this, in per cent."""

STRETCH = 2.5
"""How much further it may go to show the error of the majority class."""

TEXT: dict[str, Any] = {
    "textcoords": "offset points", "va": "center", "fontsize": 9, "color": INK,
    "bbox": {"fc": "white", "ec": "none", "pad": 1, "alpha": 0.8},
}  # fmt: skip
INTERVAL: dict[str, Any] = {"color": INK, "lw": 1.4, "marker": "|", "ms": 8}


class BiasVarianceDisplay:
    """Errors of train, dev and test set, and the gaps that lead from one to the next.

    Each gap hangs between the error above it and the one below. What is given is an
    error rate, 1 − accuracy; the axis is in per cent.

    Parameters
    ----------
    errors : dict of str to float
        Errors of "train", "dev" and, if there is a test set, "test".
    baseline : float, default=0.0
        The error rate that one could hope for.
    intervals : dict of str to (float, float), default=None
        Confidence intervals of the errors; None: not drawn.
    n_rows : dict of str to int, default=None
        Rows of each set; None: not said.
    majority_error : float, default=None
        Error of always predicting the most frequent class; None: not drawn.
    action : str, default=""
        What to do next, the title.
    optimisation_error : float, default=None
        Upper bound on J − J*, said below the title; None: not said.

    Attributes
    ----------
    errors, baseline, intervals, n_rows, majority_error, action, optimisation_error
        As given.
    gaps : dict of str to float
        The avoidable bias at "train", the variance at "dev", the dev-to-test gap at "test".
    ax_ : matplotlib Axes
        What was drawn on.
    figure_ : matplotlib Figure
        Its figure.
    bars_ : matplotlib BarContainer
        A bar for each row of the picture, from the baseline down.
    line_ : matplotlib Line2D or None
        The error of the majority class; None if it is not given, or far beyond the bars.

    References
    ----------
    Ng, "Machine Learning Yearning" (2018), chapters 20 to 23.

    Examples
    --------
    >>> from sklearn_gd_logreg import BiasVarianceDisplay
    >>> display = BiasVarianceDisplay({"train": 0.08, "dev": 0.1}, baseline=0.05).plot()
    >>> print([label.get_text() for label in display.ax_.get_yticklabels()])
    ['baseline', 'avoidable bias', 'training error', 'variance', 'dev error']
    """

    def __init__(
        self,
        errors: Mapping[str, float],
        baseline: float = 0.0,
        intervals: Mapping[str, tuple[float, float]] | None = None,
        n_rows: Mapping[str, int] | None = None,
        majority_error: float | None = None,
        action: str = "",
        optimisation_error: float | None = None,
    ) -> None:
        self.errors = errors
        self.baseline = baseline
        self.intervals = intervals
        self.n_rows = n_rows
        self.majority_error = majority_error
        self.action = action
        self.optimisation_error = optimisation_error

    @classmethod
    @ignoring()
    def from_report(cls, report: BiasVarianceReport, *, ax: Axes | None = None) -> Any:
        """Draw a report.

        Parameters
        ----------
        report : BiasVarianceReport
            What `bias_variance_report` returns.
        ax : matplotlib Axes, default=None
            As in `plot`.

        Returns
        -------
        BiasVarianceDisplay
        """
        return cls(
            report.errors,
            report.baseline,
            report.intervals,
            report.n_rows,
            report.majority_errors["dev"],
            report.action,
            report.optimisation_error,
        ).plot(ax)

    @classmethod
    @ignoring()
    def from_estimator(
        cls,
        estimator: Any,
        X_train: Any,
        y_train: Any,
        X_dev: Any,
        y_dev: Any,
        X_test: Any = None,
        y_test: Any = None,
        *,
        baseline: float = 0.0,
        ax: Axes | None = None,
    ) -> BiasVarianceDisplay:
        """Measure a fitted model on its sets, and draw what is found.

        Parameters
        ----------
        estimator, X_train, y_train, X_dev, y_dev, X_test, y_test, baseline
            As in `bias_variance_report`.
        ax : matplotlib Axes, default=None
            As in `plot`.

        Returns
        -------
        BiasVarianceDisplay
        """
        from ..model_selection import bias_variance_report

        require_pyplot(NAME)
        sets = X_train, y_train, X_dev, y_dev, X_test, y_test
        return cls.from_report(bias_variance_report(estimator, *sets, baseline=baseline), ax=ax)

    @property
    def gaps(self) -> dict[str, float]:
        """The gap that each set adds."""
        steps = pairwise([self.baseline, *(self.errors[part] for part in self._parts)])
        return {p: after - before for p, (before, after) in zip(self._parts, steps, strict=True)}

    @ignoring()
    def plot(self, ax: Axes | None = None) -> BiasVarianceDisplay:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            What to draw on; None: a new figure.

        Returns
        -------
        self : BiasVarianceDisplay
        """
        if not {"train", "dev"} <= set(self.errors) <= set(PARTS):
            raise InvalidParameterError(
                f"The 'errors' parameter of {NAME} must have the keys 'train', 'dev' and perhaps "
                f"'test'. Got {sorted(self.errors)} instead."
            )
        self.ax_, self.figure_ = axes_for(NAME, ax)
        self.line_: Any = None
        self._draw_bars()
        self._draw_intervals()
        self._draw_majority()
        self._label()
        return self

    # -- the parts of plot --------------------------------------------------------------

    @property
    def _parts(self) -> list[str]:
        return [part for part in PARTS if part in self.errors]

    def _rows(self) -> list[tuple[str, float, float, str, str]]:
        """Label, left end and signed length in per cent, colour and hatch of each bar."""
        rows = [("baseline", 0.0, 100 * self.baseline, MUTED, "")]
        for part, gap in self.gaps.items():
            name, colour, hatch = GAP_STYLES[part]
            error = 100 * self.errors[part]
            size = "" if self.n_rows is None else f"\n{self.n_rows[part]} rows"
            rows.append((name, error - 100 * gap, 100 * gap, colour, hatch))
            rows.append((PARTS[part] + size, 0.0, error, ERROR, ""))
        return rows

    def _draw_bars(self) -> None:
        names, lefts, lengths, colours, hatches = zip(*self._rows(), strict=True)
        ax, places = self.ax_, range(len(names))
        look: dict[str, Any] = {"color": colours, "hatch": hatches, "edgecolor": "white"}
        self.bars_ = ax.barh(places, lengths, left=lefts, height=0.62, **look)
        ax.set_yticks(places, labels=names)
        ax.invert_yaxis()
        for place, (name, left, length, _, _) in enumerate(self._rows()):
            gap = name in {gap for gap, _, _ in GAP_STYLES.values()}
            text = f"{length:+.2f} %".replace("-", "−") if gap else f"{length:.2f} %"
            ax.annotate(text, (self._end(place, left, length), place), (5, 0), **TEXT)
            if place + 1 < len(names):  # from the end of this bar to that of the next
                ax.plot([left + length] * 2, [place + 0.31, place + 0.69], color=INK, lw=0.8)

    def _end(self, place: int, left: float, length: float) -> float:
        """Where the number of a bar is written: beyond its end, and that of its interval."""
        end = max(left, left + length)
        if self.intervals is not None and place >= 2 and place % 2 == 0:
            end = max(end, 100 * self.intervals[self._parts[place // 2 - 1]][1])
        return end

    def _draw_intervals(self) -> None:
        if self.intervals is None:
            return
        for number, part in enumerate(self._parts):
            low, high = (100 * end for end in self.intervals[part])
            label = "95 % interval" if number == 0 else "_interval"
            self.ax_.plot([low, high], [2 * number + 2] * 2, **INTERVAL, label=label)

    def _draw_majority(self) -> None:
        ends = [self._end(place, row[1], row[2]) for place, row in enumerate(self._rows())]
        right = ROOM * max(*ends, MIN_AXIS_PERCENT)
        if self.majority_error is not None:
            majority = 100 * self.majority_error
            label = f"majority class, {majority:.3g} %"
            if majority <= STRETCH * right:
                right = max(right, 1.05 * majority)
                self.line_ = self.ax_.axvline(majority, color=INK, ls="--", lw=1.4, label=label)
            else:
                self.ax_.plot([], [], ls="none", marker=">", color=INK, label=f"{label}, beyond")
        self.ax_.set_xlim(0, right)

    def _label(self) -> None:
        ax = self.ax_
        ax.set_xlabel("error (%)", loc="left")
        tidy(ax)
        ax.grid(visible=False, axis="y")
        lines = [wrapped(self.action, TITLE_WIDTH)] if self.action else []
        if self.optimisation_error is not None:
            above = (
                f"at most {self.optimisation_error:.2g} above" if self.optimisation_error else "at"
            )
            lines.append(f"J is {above} its minimum.")
        ax.set_title("\n".join(lines), loc="left", fontsize=10)
        if ax.get_legend_handles_labels()[0]:
            below: dict[str, Any] = {"loc": "upper right", "bbox_to_anchor": (1, -0.11)}
            ax.legend(**below, ncols=2, frameon=False, borderaxespad=0, handlelength=1.6)
