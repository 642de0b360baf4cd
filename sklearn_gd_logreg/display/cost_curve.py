"""CostCurveDisplay: the cost at every iteration, on training and validation data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .._floating import ignore_floating_errors
from ..validation import InvalidParameterError, check_choice
from .models import final_estimator, fit_history, named
from .style import (
    axes_for,
    best_marker,
    curve_style,
    limit_cost_axis,
    marker_indices,
    place_legend,
    plottable_costs,
    require_pyplot,
    style_axes,
    theme_of,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

X_LABELS = {"iteration": "iteration", "passes": "passes over the data", "time": "time (s)"}
POSITION_FORMATS = {
    "iteration": "at iteration {:g}",
    "passes": "after {:.4g} passes",
    "time": "after {:.2g} s",
}
Y_LABELS = {"loss": "mean loss", "cost": "cost J"}
AXIS_SCALES = "linear", "log"
LEGEND_INCHES = 2.4
"""Width in inches that a new figure gains for a legend beside the axes."""

CURVE_STYLES: dict[str, dict[str, Any]] = {
    "training": {"ls": "-", "lw": 1.6, "ms": 5},
    "validation": {"ls": "--", "lw": 1.6, "ms": 5},
}


class CostCurveDisplay:
    """The cost at every iteration of one or several fits, on training and validation data.

    `from_estimator` and `from_estimators` read ``history_`` of fitted models; the constructor
    takes histories directly.

    Parameters
    ----------
    histories : dict of str to dict of ndarrays
        A ``history_`` for each name: arrays of equal length, ``iteration``, ``passes``,
        ``time``, ``loss``, ``cost`` and, with validation data, ``val_loss``, nan where it was
        not evaluated.
    best_iters : dict of str to int, default=None
        Index of the lowest validation loss, ``best_iter_``, by name. A missing one is found in
        the history.

    Attributes
    ----------
    histories, best_iters : dicts
        As given.
    ax_ : matplotlib Axes
        Axes of the plot.
    figure_ : matplotlib Figure
        Figure of the plot.
    lines_ : list of matplotlib Line2D
        The curves of each model: training, then validation.
    best_ : list of matplotlib Line2D
        Marker of the lowest validation loss of each model; empty if no validation curve is
        drawn.

    See Also
    --------
    LearningRateDisplay : Cost curves over a range of learning rates.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn_gd_logreg import CostCurveDisplay, GDLogisticRegression
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> clf = GDLogisticRegression().fit(X, y)
    >>> display = CostCurveDisplay.from_estimator(clf, scale="log")
    >>> print(display.ax_.get_ylabel(), len(display.lines_))
    cost J 1
    """

    def __init__(
        self,
        histories: Mapping[str, Mapping[str, NDArray[Any]]],
        best_iters: Mapping[str, int] | None = None,
    ) -> None:
        self.histories = histories
        self.best_iters = best_iters

    @classmethod
    @ignore_floating_errors()
    def from_estimator(
        cls,
        estimator: Any,
        *,
        name: str | None = None,
        x: str = "iteration",
        quantity: str = "auto",
        scale: str = "linear",
        x_scale: str = "linear",
        ax: Axes | None = None,
        **line_kw: Any,
    ) -> CostCurveDisplay:
        """Draw the curve of one fitted model.

        Parameters
        ----------
        estimator : estimator
            A fitted `GDLogisticRegression`, or a pipeline or search that ends in one.
        name : str, default=None
            Name of the model in the legend; None: the name of its class.
        x, quantity, scale, x_scale, ax, **line_kw
            As in `plot`.

        Returns
        -------
        display : CostCurveDisplay
            The display, drawn.
        """
        label = type(final_estimator(cls.__name__, estimator)).__name__ if name is None else name
        options = {"x": x, "quantity": quantity, "scale": scale, "x_scale": x_scale}
        return cls.from_estimators({label: estimator}, **options, ax=ax, **line_kw)

    @classmethod
    @ignore_floating_errors()
    def from_estimators(
        cls,
        estimators: Mapping[str, Any] | Sequence[Any],
        *,
        x: str = "iteration",
        quantity: str = "auto",
        scale: str = "linear",
        x_scale: str = "linear",
        ax: Axes | None = None,
        **line_kw: Any,
    ) -> CostCurveDisplay:
        """Draw the curves of several fitted models in one figure.

        Parameters
        ----------
        estimators : dict of str to estimator, or list of estimators
            Fitted models, by their names in the legend. Models of a list are numbered.
        x, quantity, scale, x_scale, ax, **line_kw
            As in `plot`.

        Returns
        -------
        display : CostCurveDisplay
            The display, drawn.
        """
        require_pyplot(cls.__name__)
        histories, best_iters = {}, {}
        for name, estimator in named(cls.__name__, estimators).items():
            histories[name], best = fit_history(cls.__name__, estimator)
            if best is not None:
                best_iters[name] = int(best)
        options = {"x": x, "quantity": quantity, "scale": scale, "x_scale": x_scale}
        return cls(histories, best_iters).plot(ax, **options, **line_kw)

    @ignore_floating_errors()
    def plot(
        self,
        ax: Axes | None = None,
        *,
        x: str = "iteration",
        quantity: str = "auto",
        scale: str = "linear",
        x_scale: str = "linear",
        **line_kw: Any,
    ) -> CostCurveDisplay:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None: a new figure.
        x : {"iteration", "passes", "time"}, default="iteration"
            Quantity on the x axis.
        quantity : {"auto", "loss", "cost"}, default="auto"
            Quantity on the y axis: the mean loss, or the cost J, which includes the penalty.
            "auto" is the loss if a model has a validation loss, and the cost otherwise. "cost"
            omits the validation curves, which have no penalty.
        scale, x_scale : {"linear", "log"}, default="linear"
            Scale of the y and of the x axis. A logarithmic y axis omits costs of 0. On a
            logarithmic x axis the start is at the left end, before the first step.
        **line_kw
            Keywords of ``matplotlib.axes.Axes.plot``, for all curves.

        Returns
        -------
        self : CostCurveDisplay
        """
        name = type(self).__name__
        check_choice(name, "x", x, X_LABELS)
        check_choice(name, "scale", scale, AXIS_SCALES)
        check_choice(name, "x_scale", x_scale, AXIS_SCALES)
        quantity = self._quantity(quantity)
        self.ax_, self.figure_ = axes_for(name, ax)
        self.ax_.set(yscale=scale)
        self.lines_: list[Any] = []
        self.best_: list[Any] = []
        for number, model_name in enumerate(self.histories):
            self._draw(number, model_name, x, quantity, x_scale, line_kw)
        curves = [line.get_ydata() for line in self.lines_]
        limit_cost_axis(self.ax_, curves, self._highest_start(quantity))
        if self._label(x, quantity, x_scale) and ax is None:
            self.figure_.set_figwidth(self.figure_.get_figwidth() + LEGEND_INCHES)
        return self

    def _quantity(self, quantity: str) -> str:
        name = type(self).__name__
        if not self.histories:
            raise InvalidParameterError(f"{name} needs at least one history. Got none.")
        if check_choice(name, "quantity", quantity, ("auto", *Y_LABELS)) != "auto":
            return quantity
        return "loss" if any(map(has_validation_loss, self.histories.values())) else "cost"

    def _highest_start(self, quantity: str) -> float:
        """Return the highest initial value of a curve."""
        return max(float(history[quantity][0]) for history in self.histories.values())

    def _draw(
        self,
        number: int,
        name: str,
        x: str,
        quantity: str,
        x_scale: str,
        line_kw: dict[str, Any],
    ) -> None:
        history, theme = self.histories[name], theme_of(self.ax_)
        several, columns = len(self.histories) > 1, {"training": quantity}
        if quantity == "loss" and has_validation_loss(history):
            columns["validation"] = "val_loss"
        labels = {rows: rows for rows in columns} if len(columns) > 1 else {"training": name}
        if several:
            labels = {"training": name, "validation": "_validation"}
        positions, start = np.asarray(history[x], dtype=np.float64), self._highest_start(quantity)
        for rows, column in columns.items():
            y = plottable_costs(history[column], self.ax_.get_yscale(), start)
            plotted = np.flatnonzero(np.isfinite(y) | (rows == "training"))  # connects across nan
            marked = marker_indices(len(plotted), number, x_scale)
            line_style = curve_style(number, theme) | CURVE_STYLES[rows]
            line_style |= {"label": labels[rows], "markevery": marked}
            if rows == "validation":
                line_style["mfc"] = theme.background
            self.lines_ += self.ax_.plot(positions[plotted], y[plotted], **line_style | line_kw)
        if "validation" in columns:
            best = (self.best_iters or {}).get(name, int(np.nanargmin(history["val_loss"])))
            marker = best_marker(theme) | {"mfc": self.lines_[-1].get_color(), "zorder": 5}
            marker |= {"label": "_best"} | ({"ms": 10} if several else {})
            self.best_ += self.ax_.plot(positions[best], history["val_loss"][best], **marker)

    def _label(self, x: str, quantity: str, x_scale: str) -> bool:
        """Draw axis labels and legend; return whether the legend is beside the axes."""
        from matplotlib.lines import Line2D

        ax, theme = self.ax_, theme_of(self.ax_)
        ax.set(xlabel=X_LABELS[x], ylabel=Y_LABELS[quantity])
        if x_scale == "log":
            self._use_log_x(x)
        style_axes(ax)
        if x == "iteration" and x_scale == "linear":
            ax.xaxis.get_major_locator().set_params(integer=True)
        several = len(self.histories) > 1
        handles = [line for line in self.lines_ if line.get_label()[:1] != "_"]
        if several and len(self.lines_) > len(handles):
            for rows, line_style in CURVE_STYLES.items():
                ls = line_style["ls"]
                handles.append(Line2D([], [], color=theme.text, ls=ls, lw=1.6, label=rows))
        if self.best_:
            mfc = theme.muted if several else self.best_[0].get_mfc()
            marker = best_marker(theme) | {"mfc": mfc, "ms": 11}
            label = "lowest validation loss" if several else self._best_text(x)
            handles.append(Line2D([], [], label=label, **marker))
        return place_legend(ax, handles)

    def _use_log_x(self, x: str) -> None:
        """Make the x axis logarithmic, linear near 0 if the start is at 0."""
        at = np.concatenate([np.asarray(history[x]) for history in self.histories.values()])
        if (at > 0).all():
            self.ax_.set_xscale("log")
        else:
            self.ax_.set_xscale("symlog", linthresh=float(np.min(at[at > 0], initial=1.0)))
            self.ax_.xaxis.set_major_formatter("{x:g}")
            self.ax_.set_xlim(left=0)

    def _best_text(self, x: str) -> str:
        position, y = self.best_[0].get_data()
        return f"lowest: {y[0]:.3g} {POSITION_FORMATS[x].format(position[0])}"


def has_validation_loss(history: Mapping[str, NDArray[Any]]) -> bool:
    """Whether a history holds a validation loss that is not nan."""
    return "val_loss" in history and bool(np.isfinite(history["val_loss"]).any())
