"""BiasVarianceDisplay: the errors of train, dev and test set, and the gaps between them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from .._floating import ignore_floating_errors
from .._text import shown
from ..validation import Interval, InvalidParameterError, check_interval
from .style import (
    axes_for,
    place_legend_above,
    require_pyplot,
    style_axes,
    theme_of,
    wrap_text,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..model_selection import BiasVarianceReport

SET_LABELS = {"train": "training error", "dev": "dev error", "test": "test error"}
GAP_STYLES = {
    "train": ("avoidable bias", "#d55e00", "//"),
    "dev": ("variance", "#e69f00", "\\\\"),
    "test": ("dev-to-test gap", "#cc79a7", ".."),
}
"""Label of the gap before each set, its colour, and its hatch, which shows in grey too."""

RATE = Interval(0, 1)
"""Error rates."""

ERROR_COLOUR = "#0072b2"
TITLES = {
    "optimisation": "The optimisation is not finished",
    "test mismatch": "Dev and test set have different class proportions",
    "dev mismatch": "Train and dev set have different class proportions",
    "bias": "High bias: the training error is above the baseline",
    "variance": "High variance: the dev error is above the training error",
    "dev set": "The test error is above the dev error",
    "done": "No gap is larger than chance explains",
}
"""Title for each finding of a `BiasVarianceReport`."""

CHARACTERS_PER_INCH = 14.5
"""Characters of a text of 9 points, on average of the default font."""

LEGEND_POINTS = 26
"""Distance of the title from the axes, in points, with the legend between them."""

ADVICE_LINE_INCHES = 0.15
"""Height of a line of the advice, which a new figure gains."""

AXIS_MARGIN = 1.25
"""Upper limit of the axis, as a multiple of the largest error or interval end."""

MIN_AXIS_PERCENT = 1.0
"""Smallest value in per cent that this multiple applies to."""

MAX_AXIS_EXTENSION = 1.5
"""Factor by which the axis may grow to show the error of the majority class."""


class BiasVarianceDisplay:
    """Waterfall from the baseline to the errors of train, dev and test set.

    Each gap is a bar that leads from the error above it to the error below it. The numbers at the
    bars add up as printed. Parameters are error rates, 1 − accuracy; the axis is in per cent.

    Parameters
    ----------
    errors : dict of str to float
        Error rates of "train", "dev" and, optionally, "test".
    baseline : float, default=0.0
        Achievable error rate, for example that of people.
    intervals : dict of str to (float, float), default=None
        Confidence intervals of the errors; None: not drawn.
    n_rows : dict of str to int, default=None
        Number of rows of each set; None: not shown.
    majority_error : float, default=None
        Error rate of always predicting the most frequent class; None: not drawn.
    finding : str, default=""
        ``finding`` of a `BiasVarianceReport`, shown in words as the title.
    action : str, default=""
        Recommended next action, shown below the axes.
    optimisation_error : float, default=None
        Upper bound on J − J*, the second line of the title; None: not shown.

    Attributes
    ----------
    errors, baseline, intervals, n_rows, majority_error, finding, action, optimisation_error
        As given.
    gaps : dict of str to float
        The avoidable bias at "train", the variance at "dev", the dev-to-test gap at "test".
    ax_ : matplotlib Axes
        Axes of the plot.
    figure_ : matplotlib Figure
        Figure of the plot.
    bars_ : matplotlib BarContainer
        The bars, from the baseline down.
    advice_ : matplotlib Annotation or None
        The action below the axes; None without one.
    line_ : matplotlib Line2D or None
        Line at the error of the majority class; None if it is not given or beyond the axis.

    References
    ----------
    Ng, "Machine Learning Yearning" (2018), chapters 20 to 23.

    Examples
    --------
    >>> from sklearn_gd_logreg import BiasVarianceDisplay
    >>> errors = {"train": 0.08, "dev": 0.1}
    >>> display = BiasVarianceDisplay(errors, baseline=0.05).plot()
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
        finding: str = "",
        action: str = "",
        optimisation_error: float | None = None,
    ) -> None:
        self.errors = errors
        self.baseline = baseline
        self.intervals = intervals
        self.n_rows = n_rows
        self.majority_error = majority_error
        self.finding = finding
        self.action = action
        self.optimisation_error = optimisation_error

    @classmethod
    @ignore_floating_errors()
    def from_report(cls, report: BiasVarianceReport, *, ax: Axes | None = None) -> Any:
        """Draw a report.

        Parameters
        ----------
        report : BiasVarianceReport
            Result of `bias_variance_report`.
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
            report.finding,
            report.action,
            report.optimisation_error,
        ).plot(ax)

    @classmethod
    @ignore_floating_errors()
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
        """Make the report of a fitted model on its sets, and draw it.

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

        require_pyplot(cls.__name__)
        sets = X_train, y_train, X_dev, y_dev, X_test, y_test
        return cls.from_report(bias_variance_report(estimator, *sets, baseline=baseline), ax=ax)

    @property
    def gaps(self) -> dict[str, float]:
        """The gap between each set and the one before, the baseline first."""
        names = self._set_names
        steps = pairwise([self.baseline, *(self.errors[name] for name in names)])
        return {name: after - before for name, (before, after) in zip(names, steps, strict=True)}

    @ignore_floating_errors()
    def plot(self, ax: Axes | None = None) -> BiasVarianceDisplay:
        """Draw the waterfall.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None: a new figure.

        Returns
        -------
        self : BiasVarianceDisplay
        """
        self._check()
        self.ax_, self.figure_ = axes_for(type(self).__name__, ax)
        self.line_: Any = None
        self.advice_: Any = None
        self._draw_bars()
        self._draw_intervals()
        self._draw_majority()
        self._label()
        if self.action:
            self._draw_advice(is_new=ax is None)
        return self

    # -- the parts of plot --------------------------------------------------------------

    def _check(self) -> None:
        """Check the sets and the error rates.

        Raises
        ------
        InvalidParameterError
        """
        caller, errors = type(self).__name__, self.errors
        if not (isinstance(errors, Mapping) and {"train", "dev"} <= set(errors) <= set(SET_LABELS)):
            raise InvalidParameterError(
                f"The 'errors' parameter of {caller} must be a dict with the keys 'train', 'dev' "
                f"and, optionally, 'test'. Got {shown(errors)} instead."
            )
        for name, error in {"baseline": self.baseline, **errors}.items():
            check_interval(caller, name if name == "baseline" else f"errors[{name!r}]", error, RATE)
        for name, given in {"intervals": self.intervals, "n_rows": self.n_rows}.items():
            if given is not None and not (isinstance(given, Mapping) and set(errors) <= set(given)):
                raise InvalidParameterError(
                    f"The {name!r} parameter of {caller} must be None or a dict with the keys of "
                    f"'errors'. Got {shown(given)} instead."
                )

    @property
    def _set_names(self) -> list[str]:
        return [name for name in SET_LABELS if name in self.errors]

    def _bars(self) -> list[tuple[str, float, float, str, str]]:
        """Return label, left end and signed length in per cent, colour and hatch of each bar."""
        bars = [("baseline", 0.0, 100 * self.baseline, "", "")]
        for name, gap in self.gaps.items():
            gap_label, colour, hatch = GAP_STYLES[name]
            error = 100 * self.errors[name]
            row_count = "" if self.n_rows is None else f"\n{self.n_rows[name]} rows"
            bars.append((gap_label, error - 100 * gap, 100 * gap, colour, hatch))
            bars.append((SET_LABELS[name] + row_count, 0.0, error, ERROR_COLOUR, ""))
        return bars

    def _numbers(self) -> list[str]:
        """Return the number at each bar; a gap is the difference of the numbers around it."""
        errors = [self.baseline, *(self.errors[name] for name in self._set_names)]
        percents = [round(100 * error, 2) for error in errors]
        numbers = [f"{percents[0]:.2f} %"]
        for before, after in pairwise(percents):
            gap = round(after - before, 2) + 0.0  # without the sign of -0.0
            numbers += [f"{gap:+.2f} %".replace("-", "−"), f"{after:.2f} %"]
        return numbers

    def _draw_bars(self) -> None:
        labels, lefts, lengths, colours, hatches = zip(*self._bars(), strict=True)
        ax, positions, theme = self.ax_, range(len(labels)), theme_of(self.ax_)
        colours = (theme.muted, *colours[1:])
        bar_style: dict[str, Any] = {
            "color": colours,
            "hatch": hatches,
            "edgecolor": theme.background,
        }
        self.bars_ = ax.barh(positions, lengths, left=lefts, height=0.62, **bar_style)
        ax.set_yticks(positions, labels=labels)
        ax.invert_yaxis()
        box = {"fc": theme.background, "ec": "none", "pad": 1, "alpha": 0.8}
        text_style: dict[str, Any] = {"va": "center", "fontsize": 9, "bbox": box}
        bars = zip(lefts, lengths, self._numbers(), strict=True)
        for position, (left, length, number) in enumerate(bars):
            end = self._end(position, left, length), position
            ax.annotate(number, end, (5, 0), textcoords="offset points", **text_style)
            if position + 1 < len(labels):  # a line to the next bar
                ends = [position + 0.31, position + 0.69]
                ax.plot([left + length] * 2, ends, color=theme.text, lw=0.8)

    def _end(self, position: int, left: float, length: float) -> float:
        """Return the right end of a bar and its interval, where the number is written."""
        end = max(left, left + length)
        if self.intervals is not None and position >= 2 and position % 2 == 0:
            end = max(end, 100 * self.intervals[self._set_names[position // 2 - 1]][1])
        return end

    def _draw_intervals(self) -> None:
        if self.intervals is None:
            return
        line_style = {"color": theme_of(self.ax_).text, "lw": 1.4, "marker": "|", "ms": 8}
        for k, name in enumerate(self._set_names):
            low, high = (100 * end for end in self.intervals[name])
            label = "95 % interval" if k == 0 else "_interval"
            self.ax_.plot([low, high], [2 * k + 2] * 2, **line_style, label=label)

    def _draw_majority(self) -> None:
        ends = [self._end(position, bar[1], bar[2]) for position, bar in enumerate(self._bars())]
        x_max = AXIS_MARGIN * max(*ends, MIN_AXIS_PERCENT)
        if self.majority_error is not None:
            majority = 100 * self.majority_error
            label = f"majority class, {majority:.3g} %"
            colour = theme_of(self.ax_).text
            if majority <= MAX_AXIS_EXTENSION * x_max:
                x_max = max(x_max, 1.05 * majority)
                self.line_ = self.ax_.axvline(majority, color=colour, ls="--", lw=1.4, label=label)
            else:
                self.ax_.plot(
                    [], [], ls="none", marker=">", color=colour, label=f"{label}, beyond the axis"
                )
        self.ax_.set_xlim(0, x_max)

    def _label(self) -> None:
        ax = self.ax_
        ax.set_xlabel("error (%)", loc="left")
        style_axes(ax)
        ax.grid(visible=False, axis="y")
        lines = [TITLES.get(self.finding, self.finding)] if self.finding else []
        bound = self.optimisation_error
        if bound is not None:
            lines.append(f"J is {f'at most {bound:.2g} above' if bound else 'at'} its minimum")
        handles = ax.get_legend_handles_labels()[0]
        if handles:
            place_legend_above(ax, handles, n_columns=2)
        pad = LEGEND_POINTS if handles else None
        ax.set_title("\n".join(lines), loc="left", fontsize=10, pad=pad)

    def _draw_advice(self, is_new: bool) -> None:
        """Write the action below the label of the axis, wrapped to the width of the axes."""
        width = self.ax_.get_window_extent().width / self.figure_.dpi
        text = wrap_text(self.action, int(CHARACTERS_PER_INCH * width))
        if is_new:
            lines = text.count("\n") + 2
            self.figure_.set_figheight(self.figure_.get_figheight() + ADVICE_LINE_INCHES * lines)
        below = {"xycoords": self.ax_.xaxis.label, "textcoords": "offset points", "va": "top"}
        self.advice_ = self.ax_.annotate(text, (0, 0), (0, -8), **below, fontsize=9)
