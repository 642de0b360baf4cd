"""LearningRateDisplay: what the learning rate does to the descent."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.exceptions import ConvergenceWarning

from .._floating import ignoring
from .._text import shown
from .._typing import Array
from ..estimator import GDLogisticRegression
from ..objective import Objective
from ..rules import UpdateRule
from ..rules.base import StableRate
from ..validation import Interval, InvalidParameterError, numbers
from .models import fresh, rule_and_cost, unwrap
from .style import (
    COLOURS,
    HEADROOM,
    INK,
    MUTED,
    STAR,
    axes_for,
    check,
    choose,
    cut_off,
    drawable,
    place_legend,
    plain_numbers,
    require_pyplot,
    tidy,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAME = "LearningRateDisplay"
KINDS_OF_PICTURE = "curves", "final"
SCALES_OF_RATES = "log", "linear"
FRACTIONS = 0.01, 20.0
"""The default range, as parts of the largest stable rate."""

AROUND = 0.01, 100.0
"""The same where there is no such rate, as multiples of the "auto" rate."""

N_RATES = 15
LIMIT = "#d55e00"
CROSSED = "diverged, or above the picture"
CROSS: dict[str, Any] = {
    "ls": "none", "marker": "X", "ms": 9, "color": INK, "mec": "white", "clip_on": False,
    "zorder": 6,
}  # fmt: skip


class LearningRateDisplay:
    """Cost curves over a range of learning rates, and the largest stable rate, 2/L.

    Above 2/L a step along the direction of largest curvature may jump further than it came
    from. L bounds the curvature at every w, and J is often flatter where the descent is:
    then somewhat larger rates work too. With adaptive rules no rate is known to be the
    largest stable one, and none is drawn.

    Parameters
    ----------
    learning_rates : ndarray of shape (n_rates,)
        The rates α, ascending.
    costs : ndarray of shape (n_rates, n_iterations + 1)
        J of every iteration, with the start; nan after a descent has diverged.
    diverged : ndarray of shape (n_rates,)
        Whether the cost was no longer finite.
    stable_rate : float, default=inf
        The largest rate at which steps cannot grow; inf if there is none.
    stable_formula : str, default="2/L"
        How it comes about.

    Attributes
    ----------
    learning_rates, costs, diverged, stable_rate, stable_formula
        As given.
    ax_ : matplotlib Axes
        What was drawn on.
    figure_ : matplotlib Figure
        Its figure.
    lines_ : list of matplotlib Line2D
        The curves.
    stable_line_ : matplotlib Line2D or None
        The line at the largest stable rate.
    colorbar_ : matplotlib Colorbar or None
        Which colour is which rate.

    References
    ----------
    Nesterov, "Lectures on Convex Optimization", 2nd ed. (2018), section 1.2.3.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.preprocessing import scale
    >>> from sklearn_gd_logreg import GDLogisticRegression, LearningRateDisplay
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> clf = GDLogisticRegression(solver="gd")
    >>> display = LearningRateDisplay.from_estimator(clf, scale(X), y, max_iter=20)
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
    @ignoring()
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
        """Fit clones with each rate for the same number of iterations, and draw their cost.

        Parameters
        ----------
        estimator : estimator
            A `GDLogisticRegression`, fitted or not, or a pipeline that ends in one. It is
            left as it is.
        X, y
            Rows to fit.
        learning_rates : array-like of shape (n_rates,), default=None
            Positive rates. None: 15 rates from a hundredth to twenty times the largest stable one;
            where there is none, from a hundredth to a hundred times the "auto" rate.
        max_iter : int, default=50
            Iterations of each fit.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.
        kind, scale, ax
            As in `plot`.

        Returns
        -------
        LearningRateDisplay
        """
        require_pyplot(NAME)
        choose(NAME, "kind", kind, KINDS_OF_PICTURE)
        choose(NAME, "scale", scale, SCALES_OF_RATES)
        check(NAME, "max_iter", max_iter, Interval(1, np.inf, "[)", integral=True))
        rates = None if learning_rates is None else checked_rates(learning_rates)
        given = unwrap(NAME, estimator, X, y, fitted=False)
        rule, objective = rule_and_cost(NAME, given.final, given.X, y, sample_weight)
        stable = rule.stable_rate(objective)
        if rates is None:
            rates = default_rates(rule, objective, given.final.batch_size)
        plain = {"max_iter": int(max_iter), "tol": 0, "warm_start": False, "early_stopping": False}
        clf = fresh(given.final, **plain)
        costs, diverged = descents(clf, rates, given.X, y, sample_weight)
        display = cls(rates, costs, diverged, float(stable.value), stable.formula)
        return display.plot(ax, kind=kind, scale=scale)

    @ignoring()
    def plot(
        self, ax: Axes | None = None, *, kind: str = "curves", scale: str = "log"
    ) -> LearningRateDisplay:
        """Draw one of two pictures.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            What to draw on; None: a new figure.
        kind : {"curves", "final"}, default="curves"
            "curves": J against the iteration, a curve for each rate; those above the largest
            stable rate are dashed, and it is a line on the scale of colours. "final": J
            after the last iteration against the rate. In both a cross at the upper edge is
            a descent that diverged or left the picture upwards.
        scale : {"log", "linear"}, default="log"
            Of the axis of J.

        Returns
        -------
        self : LearningRateDisplay
        """
        choose(NAME, "kind", kind, KINDS_OF_PICTURE)
        choose(NAME, "scale", scale, SCALES_OF_RATES)
        self.ax_, self.figure_ = axes_for(NAME, ax)
        self.lines_: list[Any] = []
        self.stable_line_: Any = None
        self.colorbar_: Any = None
        self._crossed = False
        self.ax_.set(yscale=scale)
        if kind == "curves":
            self._draw_curves()
        else:
            self._draw_final()
        tidy(self.ax_)
        return self

    # -- the parts of plot --------------------------------------------------------------

    @property
    def _start(self) -> float:
        return float(self.costs[0, 0])

    def _shown(self) -> Array:
        return drawable(self.costs, self.ax_.get_yscale(), self._start)

    def _draw_curves(self) -> None:
        from matplotlib.cm import ScalarMappable

        ax, rates = self.ax_, self.learning_rates
        colours = ScalarMappable(log_norm(rates), dark_viridis())
        curves = self._shown()
        for rate, curve in zip(rates, curves, strict=True):
            look = "-" if rate <= self.stable_rate else "--"
            self.lines_ += ax.plot(curve, ls=look, lw=1.5, color=colours.to_rgba(rate))
        ax.set(xlabel="iteration", ylabel="cost J")
        ax.xaxis.get_major_locator().set_params(integer=True)
        cut_off(ax, curves, self._start)
        for line in self.lines_:
            if len(lost := np.flatnonzero(~(line.get_ydata() <= ax.get_ylim()[1]))):
                self._cross(lost[0], line.get_color())
        self.colorbar_ = self.figure_.colorbar(colours, ax=ax, label="learning rate α")
        plain_numbers(self.colorbar_.ax.yaxis)
        if rates[0] <= self.stable_rate <= rates[-1]:
            self.colorbar_.ax.axhline(self.stable_rate, color="white", lw=5)
            self.stable_line_ = self.colorbar_.ax.axhline(self.stable_rate, color=LIMIT, lw=3)
        self._explain_curves()

    def _explain_curves(self) -> None:
        from matplotlib.lines import Line2D

        stable = self.learning_rates <= self.stable_rate
        handles = []
        if np.isfinite(self.stable_rate):
            ends = {"-": (stable.any(), "up to"), "--": (not stable.all(), "above")}
            for look, (there, side) in ends.items():
                label = f"α {side} {self._stable_in_words()}"
                handles += [Line2D([], [], color=INK, ls=look, label=label)] if there else []
        handles += [Line2D([], [], label=CROSSED, **CROSS)] if self._crossed else []
        if handles:
            place_legend(self.ax_, handles)

    def _draw_final(self) -> None:
        ax, rates = self.ax_, self.learning_rates
        final = self._shown()[:, -1]
        final[final > HEADROOM * self._start] = np.nan  # a cross says so
        after = self.costs.shape[1] - 1
        self.lines_ += ax.plot(rates, final, color=COLOURS[0], marker="o", ms=5)
        ax.set(xscale="log", xlabel="learning rate α", ylabel=f"cost J after {after} iterations")
        ax.axhline(self.costs[0, 0], color=MUTED, ls=":", label="cost of the start")
        if np.isfinite(self.stable_rate):
            look: dict[str, Any] = {"color": LIMIT, "ls": "--", "lw": 1.6}
            self.stable_line_ = ax.axvline(self.stable_rate, **look, label=self._stable_in_words())
        for rate in rates[np.isnan(final)]:
            self._cross(rate, COLOURS[0])
        if np.isfinite(final).any():
            best = int(np.nanargmin(final))
            label = f"lowest: {final[best]:.3g} at α = {rates[best]:.3g}"
            ax.plot(rates[best], final[best], **STAR, mfc=COLOURS[0], label=label)
        place_legend(ax, ax.get_legend_handles_labels()[0])

    def _cross(self, x: float, colour: Any) -> None:
        """A cross at the upper edge."""
        edge = self.ax_.get_xaxis_transform()
        label = "_crossed" if self._crossed else CROSSED
        self._crossed = True
        self.ax_.plot([x], [1], **CROSS | {"color": colour}, transform=edge, label=label)

    def _stable_in_words(self) -> str:
        return str(StableRate(self.stable_rate, self.stable_formula))


def checked_rates(learning_rates: ArrayLike) -> Array:
    """The rates asked for, ascending."""
    rates = np.unique(numbers("learning_rates", learning_rates))
    if not len(rates) or not rates[0] > 0:
        raise InvalidParameterError(
            f"The 'learning_rates' parameter of {NAME} must be positive floats or None. "
            f"Got {shown(learning_rates)} instead."
        )
    return rates


def default_rates(rule: UpdateRule, objective: Objective, batch_size: int | None) -> Array:
    """A range around the largest stable rate, or around the "auto" rate if there is none."""
    stable = rule.stable_rate(objective).value
    low, high = (fraction * stable for fraction in FRACTIONS)
    if not np.isfinite(stable):
        auto = rule.auto_rate(objective, batch_size).at(0)
        low, high = (multiple * auto for multiple in AROUND)
    return np.geomspace(low, high, N_RATES)


def descents(
    clf: GDLogisticRegression, rates: Array, X: Any, y: Any, sample_weight: ArrayLike | None
) -> tuple[Array, NDArray[np.bool_]]:
    """J of every iteration for each rate, nan after a divergence; and which diverged."""
    costs = np.full((len(rates), clf.max_iter + 1), np.nan)
    diverged = np.zeros(len(rates), dtype=bool)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the picture says it
        for number, rate in enumerate(rates):
            fit = fresh(clf, learning_rate=float(rate))
            fit.fit(X, y, sample_weight=sample_weight)
            cost = fit.history_["cost"]
            costs[number, : len(cost)] = cost
            diverged[number] = fit.stop_reason_ == "diverged"
    return costs, diverged


def log_norm(rates: Array) -> Any:
    """Colours over the range of the rates, on a logarithmic scale."""
    from matplotlib.colors import LogNorm

    room = 1.0 if len(rates) > 1 else 2.0
    return LogNorm(rates[0] / room, rates[-1] * room)


def dark_viridis() -> Any:
    """Viridis without its yellow end, which is hard to see on white."""
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap

    return ListedColormap(colormaps["viridis"](np.linspace(0, 0.88, 256)))
