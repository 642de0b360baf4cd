"""LearningRateDisplay: the effect of the learning rate on the descent."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.exceptions import ConvergenceWarning

from .._floating import ignore_floating_errors
from .._text import shown
from .._typing import Array
from ..estimator import GDLogisticRegression
from ..objective import Objective
from ..rules import UpdateRule
from ..rules.base import StableRate
from ..validation import Interval, InvalidParameterError, check_choice, check_finite, check_interval
from .models import final_step, rule_and_objective, silent_clone
from .style import (
    AXIS_TOP_OVER_START,
    COLOURS,
    ThemeColours,
    axes_for,
    best_marker,
    check_axes,
    cross_marker,
    limit_cost_axis,
    place_legend_above,
    plottable_costs,
    style_axes,
    theme_of,
    use_plain_numbers,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LEARNING_RATE_KINDS = "curves", "final"
COST_SCALES = "log", "linear"
STABLE_RATE_MULTIPLES = 0.01, 20.0
"""Default range of the rates, as multiples of the largest stable rate."""

AUTO_RATE_MULTIPLES = 0.01, 100.0
"""Default range for rules without a stable rate, as multiples of the "auto" rate."""

N_RATES = 15
STABLE_RATE_COLOUR = "#d55e00"
CROSS_LABEL = "diverged or above the axis"
VIRIDIS_RANGES = {"light": (0.0, 0.8), "dark": (0.25, 1.0)}
"""Part of viridis that contrasts with a light and with a dark background."""


class LearningRateDisplay:
    """Cost curves over a range of learning rates, and the largest stable rate, 2/L.

    Above 2/L a step along the direction of largest curvature may overshoot the minimum by more
    than its distance. L bounds the curvature at all w, and J is often flatter along the descent;
    then somewhat larger rates converge too. Adaptive rules have no known stable rate, so none is
    drawn.

    Parameters
    ----------
    learning_rates : ndarray of shape (n_rates,)
        The rates α, ascending.
    costs : ndarray of shape (n_rates, n_iterations + 1)
        J at every iteration, the start included; nan after divergence.
    diverged : ndarray of shape (n_rates,)
        Whether the fit stopped because the cost was not finite.
    stable_rate : float, default=inf
        The largest stable rate; inf if none is known.
    stable_formula : str, default="2/L"
        Formula of the stable rate, for the legend.

    Attributes
    ----------
    learning_rates, costs, diverged, stable_rate, stable_formula
        As given.
    ax_ : matplotlib Axes
        Axes of the plot.
    figure_ : matplotlib Figure
        Figure of the plot.
    lines_ : list of matplotlib Line2D
        The curves.
    stable_line_ : matplotlib Line2D or None
        The line at the largest stable rate.
    colorbar_ : matplotlib Colorbar or None
        Colour bar of the rates.

    References
    ----------
    Nesterov, "Lectures on Convex Optimization", 2nd ed. (2018), section 1.2.3.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.preprocessing import scale
    >>> from sklearn_gd_logreg import GDLogisticRegression
    >>> from sklearn_gd_logreg import LearningRateDisplay
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> clf = GDLogisticRegression(solver="gd")
    >>> display = LearningRateDisplay.from_estimator(
    ...     clf, scale(X), y, max_iter=20
    ... )
    >>> print(display.costs.shape, round(display.stable_rate, 3))
    (15, 21) 0.602
    """

    def __init__(
        self,
        learning_rates: Array,
        costs: Array,
        diverged: NDArray[np.bool_],
        stable_rate: float = np.inf,
        stable_formula: str = "2/L",
    ) -> None:
        self.learning_rates = learning_rates
        self.costs = costs
        self.diverged = diverged
        self.stable_rate = stable_rate
        self.stable_formula = stable_formula

    @classmethod
    @ignore_floating_errors()
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        learning_rates: ArrayLike | None = None,
        max_iter: int = 50,
        sample_weight: ArrayLike | None = None,
        kind: str = "curves",
        scale: str = "log",
        ax: Axes | None = None,
    ) -> LearningRateDisplay:
        """Fit a clone with each rate for the same number of iterations, and draw the costs.

        Parameters
        ----------
        estimator : estimator
            A `GDLogisticRegression`, fitted or not, or a pipeline that ends in one. It is not
            changed.
        X, y
            Training data.
        learning_rates : array-like of shape (n_rates,), default=None
            Positive rates. None: 15 rates from 0.01 to 20 times the largest stable rate; without
            one, from 0.01 to 100 times the "auto" rate.
        max_iter : int, default=50
            Iterations of each fit.
        sample_weight : array-like of shape (n_samples,), default=None
            Training weights.
        kind, scale, ax
            As in `plot`.

        Returns
        -------
        LearningRateDisplay
        """
        name = cls.__name__
        check_axes(name, ax)
        check_choice(name, "kind", kind, LEARNING_RATE_KINDS)
        check_choice(name, "scale", scale, COST_SCALES)
        check_interval(name, "max_iter", max_iter, Interval(1, np.inf, "[)", integral=True))
        rates = None if learning_rates is None else check_learning_rates(name, learning_rates)
        step = final_step(name, estimator, X, y, fitted=False)
        model = step.estimator
        rule, objective = rule_and_objective(name, model, step.X, y, sample_weight)
        stable = rule.stable_rate(objective)
        if rates is None:
            rates = default_rates(rule, objective, model.batch_size)
        no_stopping = {"tol": 0, "warm_start": False, "early_stopping": False}
        clf = silent_clone(model, max_iter=int(max_iter), **no_stopping)
        costs, diverged = fit_each_rate(clf, rates, step.X, y, sample_weight)
        display = cls(rates, costs, diverged, float(stable.value), stable.formula)
        return display.plot(ax, kind=kind, scale=scale)

    @ignore_floating_errors()
    def plot(
        self, ax: Axes | None = None, *, kind: str = "curves", scale: str = "log"
    ) -> LearningRateDisplay:
        """Draw the cost curves, or the final costs.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None: a new figure.
        kind : {"curves", "final"}, default="curves"
            "curves": J against the iteration, one curve for each rate. Those above the largest
            stable rate are dashed; the colour bar marks the stable rate. "final": J after the
            last iteration against the rate. A cross at the upper edge marks a fit that diverged
            or whose cost is above the axis.
        scale : {"log", "linear"}, default="log"
            Scale of the axis of J.

        Returns
        -------
        self : LearningRateDisplay
        """
        check_choice(type(self).__name__, "kind", kind, LEARNING_RATE_KINDS)
        check_choice(type(self).__name__, "scale", scale, COST_SCALES)
        self.ax_, self.figure_ = axes_for(type(self).__name__, ax)
        self.lines_: list[Any] = []
        self.stable_line_: Any = None
        self.colorbar_: Any = None
        self._has_cross = False
        self.ax_.set(yscale=scale)
        if kind == "curves":
            self._draw_curves()
        else:
            self._draw_final()
        style_axes(self.ax_)
        return self

    # -- the parts of plot --------------------------------------------------------------

    @property
    def _initial_cost(self) -> float:
        return float(self.costs[0, 0])

    def _plottable_costs(self) -> Array:
        return plottable_costs(self.costs, self.ax_.get_yscale(), self._initial_cost)

    def _draw_curves(self) -> None:
        from matplotlib.cm import ScalarMappable

        ax, rates, theme = self.ax_, self.learning_rates, theme_of(self.ax_)
        colours = ScalarMappable(log_norm(rates), contrasting_viridis(theme))
        curves = self._plottable_costs()
        for rate, curve in zip(rates, curves, strict=True):
            line_style = "-" if rate <= self.stable_rate else "--"
            self.lines_ += ax.plot(curve, ls=line_style, lw=1.5, color=colours.to_rgba(rate))
        ax.set(xlabel="iteration", ylabel="cost J")
        ax.xaxis.get_major_locator().set_params(integer=True)
        limit_cost_axis(ax, curves, self._initial_cost)
        for line in self.lines_:
            if len(outside := np.flatnonzero(~(line.get_ydata() <= ax.get_ylim()[1]))):
                self._draw_cross(outside[0], line.get_color())
        self.colorbar_ = self.figure_.colorbar(colours, ax=ax, label="learning rate α")
        use_plain_numbers(self.colorbar_.ax.yaxis)
        if rates[0] <= self.stable_rate <= rates[-1]:
            bar = self.colorbar_.ax
            bar.axhline(self.stable_rate, color=theme.background, lw=5)
            self.stable_line_ = bar.axhline(self.stable_rate, color=STABLE_RATE_COLOUR, lw=3)
        self._draw_curves_legend()

    def _draw_curves_legend(self) -> None:
        from matplotlib.lines import Line2D

        stable, theme = self.learning_rates <= self.stable_rate, theme_of(self.ax_)
        handles = []
        if np.isfinite(self.stable_rate):
            sides = {"-": (stable.any(), "≤"), "--": (not stable.all(), ">")}
            for line_style, (is_drawn, side) in sides.items():
                if is_drawn:
                    label = f"α {side} {self._stable_rate_text()}"
                    handles.append(Line2D([], [], color=theme.text, ls=line_style, label=label))
        if self._has_cross:
            handles.append(Line2D([], [], label=CROSS_LABEL, **cross_marker(theme)))
        if handles:
            place_legend_above(self.ax_, handles, n_columns=2)

    def _draw_final(self) -> None:
        ax, rates, theme = self.ax_, self.learning_rates, theme_of(self.ax_)
        final = self._plottable_costs()[:, -1]
        final[final > AXIS_TOP_OVER_START * self._initial_cost] = np.nan  # drawn as a cross
        after = self.costs.shape[1] - 1
        colour = theme.contrasting(COLOURS[0])
        self.lines_ += ax.plot(rates, final, color=colour, marker="o", ms=5)
        ax.set(xscale="log", xlabel="learning rate α", ylabel=f"cost J after {after} iterations")
        ax.axhline(self.costs[0, 0], color=theme.muted, ls=":", label="cost of the start")
        if np.isfinite(self.stable_rate):
            line_style: dict[str, Any] = {"color": STABLE_RATE_COLOUR, "ls": "--", "lw": 1.6}
            self.stable_line_ = ax.axvline(
                self.stable_rate, **line_style, label=self._stable_rate_text()
            )
        for rate in rates[np.isnan(final)]:
            self._draw_cross(rate, colour)
        if np.isfinite(final).any():
            best = int(np.nanargmin(final))
            label = f"lowest: {final[best]:.3g} at α = {rates[best]:.3g}"
            ax.plot(rates[best], final[best], **best_marker(theme), mfc=colour, label=label)
        place_legend_above(ax, ax.get_legend_handles_labels()[0], n_columns=2)

    def _draw_cross(self, x: float, colour: Any) -> None:
        """Draw a cross at the upper edge."""
        edge = self.ax_.get_xaxis_transform()
        label = "_crossed" if self._has_cross else CROSS_LABEL
        self._has_cross = True
        marker = cross_marker(theme_of(self.ax_)) | {"color": colour, "label": label}
        self.ax_.plot([x], [1], **marker, transform=edge)

    def _stable_rate_text(self) -> str:
        return str(StableRate(self.stable_rate, self.stable_formula))


def check_learning_rates(caller: str, learning_rates: ArrayLike) -> Array:
    """Return the given rates, ascending, after checks."""
    rates = np.unique(check_finite("learning_rates", learning_rates))
    if not len(rates) or not rates[0] > 0:
        raise InvalidParameterError(
            f"The 'learning_rates' parameter of {caller} must be positive floats or None. "
            f"Got {shown(learning_rates)} instead."
        )
    return rates


def default_rates(rule: UpdateRule, objective: Objective, batch_size: int | None) -> Array:
    """Return rates around the largest stable rate, without one around the "auto" rate."""
    stable = rule.stable_rate(objective).value
    low, high = (fraction * stable for fraction in STABLE_RATE_MULTIPLES)
    if not np.isfinite(stable):
        auto = rule.auto_rate(objective, batch_size).at(0)
        low, high = (multiple * auto for multiple in AUTO_RATE_MULTIPLES)
    return np.geomspace(low, high, N_RATES)


def fit_each_rate(
    clf: GDLogisticRegression, rates: Array, X: Any, y: Any, sample_weight: ArrayLike | None
) -> tuple[Array, NDArray[np.bool_]]:
    """Fit with each rate; return J at every iteration, nan after divergence, and which diverged."""
    costs = np.full((len(rates), clf.max_iter + 1), np.nan)
    diverged = np.zeros(len(rates), dtype=bool)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the plot shows it
        for number, rate in enumerate(rates):
            fit = silent_clone(clf, learning_rate=float(rate))
            fit.fit(X, y, sample_weight=sample_weight)
            cost = fit.history_["cost"]
            costs[number, : len(cost)] = cost
            diverged[number] = fit.stop_reason_ == "diverged"
    return costs, diverged


def log_norm(rates: Array) -> Any:
    """Return a logarithmic colour norm over the range of the rates."""
    from matplotlib.colors import LogNorm

    margin = 1.0 if len(rates) > 1 else 2.0
    return LogNorm(rates[0] / margin, rates[-1] * margin)


def contrasting_viridis(theme: ThemeColours) -> Any:
    """Return viridis without the end that is hard to see on the background."""
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap

    ends = VIRIDIS_RANGES["dark" if theme.is_dark else "light"]
    return ListedColormap(colormaps["viridis"](np.linspace(*ends, 256)))
