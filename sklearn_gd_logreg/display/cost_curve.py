"""CostCurveDisplay: the cost of every iteration, on training and validation data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .._floating import ignoring
from .._typing import Array
from ..validation import InvalidParameterError
from .models import history_of, last_step
from .style import (
    INK,
    MUTED,
    STAR,
    axes_for,
    choose,
    cut_off,
    drawable,
    place_legend,
    require_pyplot,
    spaced,
    style,
    tidy,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAME = "CostCurveDisplay"
X_LABELS = {"iteration": "iteration", "passes": "passes over the data", "time": "time (s)"}
PLACES = {
    "iteration": "at iteration {:g}",
    "passes": "after {:.4g} passes",
    "time": "after {:.2g} s",
}
Y_LABELS = {"loss": "mean loss", "cost": "cost J"}
SCALES_OF_X = "linear", "log"
LEGEND_WIDTH = 2.4
"""Inches by which a new figure is wider where a long legend is beside the axes."""

LOOKS: dict[str, dict[str, Any]] = {
    "training": {"ls": "-", "lw": 1.6, "ms": 5},
    "validation": {"ls": "--", "lw": 1.6, "ms": 5, "mfc": "white"},
}


class CostCurveDisplay:
    """Cost of every iteration, on training and validation data, of one or several fits.

    The constructor takes the data; `from_estimator` and `from_estimators` take them from
    ``history_`` of fitted models.

    Parameters
    ----------
    histories : dict of str to dict of ndarrays
        For each name a ``history_``: arrays of one length, ``iteration``, ``loss``, ``cost``
        and, if there are validation data, ``val_loss``, nan where it was not evaluated.
    best_iters : dict of str to int, default=None
        Entry of the best point, ``best_iter_``, by name. For the others it is the entry of
        the lowest validation loss, without validation data that of the lowest curve.

    Attributes
    ----------
    histories, best_iters : dicts
        As given.
    ax_ : matplotlib Axes
        What was drawn on.
    figure_ : matplotlib Figure
        Its figure.
    lines_ : list of matplotlib Line2D
        A curve for each set of rows of each model: training, then validation.
    best_ : list of matplotlib Line2D
        The mark of the best point of each model.

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
    @ignoring()
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
            Its name in the legend; None: that of its class.
        x, quantity, scale, x_scale, ax, **line_kw
            As in `plot`.

        Returns
        -------
        CostCurveDisplay
        """
        label = type(last_step(NAME, estimator)).__name__ if name is None else name
        options = {"x": x, "quantity": quantity, "scale": scale, "x_scale": x_scale}
        return cls.from_estimators({label: estimator}, **options, ax=ax, **line_kw)

    @classmethod
    @ignoring()
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
        """Draw the curves of several fitted models in one picture.

        Parameters
        ----------
        estimators : dict of str to estimator, or list of estimators
            Fitted models by their names in the legend; those of a list are numbered.
        x, quantity, scale, x_scale, ax, **line_kw
            As in `plot`.

        Returns
        -------
        CostCurveDisplay
        """
        require_pyplot(NAME)
        if not isinstance(estimators, Mapping):
            estimators = {f"model {number}": one for number, one in enumerate(estimators, 1)}
        histories, best_iters = {}, {}
        for name, estimator in estimators.items():
            histories[name], best = history_of(NAME, estimator)
            if best is not None:
                best_iters[name] = int(best)
        options = {"x": x, "quantity": quantity, "scale": scale, "x_scale": x_scale}
        return cls(histories, best_iters).plot(ax, **options, **line_kw)

    @ignoring()
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
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            What to draw on; None: a new figure.
        x : {"iteration", "passes", "time"}, default="iteration"
            What the curves are drawn against.
        quantity : {"auto", "loss", "cost"}, default="auto"
            The mean loss, or the cost J, which has the penalty in it. "auto" is the loss if
            there is a validation loss to compare it with. With "cost" validation curves
            are left out, since they have no penalty.
        scale, x_scale : {"linear", "log"}, default="linear"
            Of the axes. Costs of 0 have no place on a logarithmic axis and are left out. On a
            logarithmic x the start stands at the left end, before the first step.
        **line_kw
            Passed to `matplotlib.axes.Axes.plot`, for all curves.

        Returns
        -------
        self : CostCurveDisplay
        """
        choose(NAME, "x", x, X_LABELS)
        choose(NAME, "scale", scale, SCALES_OF_X)
        choose(NAME, "x_scale", x_scale, SCALES_OF_X)
        quantity = self._quantity(quantity)
        self.ax_, self.figure_ = axes_for(NAME, ax)
        self.ax_.set(yscale=scale)
        self.lines_: list[Any] = []
        self.best_: list[Any] = []
        for number, name in enumerate(self.histories):
            self._draw(number, name, x, quantity, line_kw)
        cut_off(self.ax_, [line.get_ydata() for line in self.lines_], self._start(quantity))
        if self._label(x, quantity, x_scale) and ax is None:
            self.figure_.set_figwidth(self.figure_.get_figwidth() + LEGEND_WIDTH)
        return self

    def _quantity(self, quantity: str) -> str:
        if not self.histories:
            raise InvalidParameterError(f"{NAME} needs at least one history. Got none.")
        if choose(NAME, "quantity", quantity, ("auto", *Y_LABELS)) != "auto":
            return quantity
        return "loss" if any(map(validated, self.histories.values())) else "cost"

    def _start(self, quantity: str) -> float:
        """The highest start of a curve."""
        return max(float(history[quantity][0]) for history in self.histories.values())

    def _draw(self, number: int, name: str, x: str, quantity: str, line_kw: dict[str, Any]) -> None:
        history = self.histories[name]
        several, columns = len(self.histories) > 1, {"training": quantity}
        if quantity == "loss" and validated(history):
            columns["validation"] = "val_loss"
        labels = {rows: rows for rows in columns} if len(columns) > 1 else {"training": name}
        if several:
            labels = {"training": name, "validation": "_validation"}
        at = np.asarray(history[x], dtype=np.float64)
        for rows, column in columns.items():
            y = drawable(history[column], self.ax_.get_yscale(), self._start(quantity))
            known = np.flatnonzero(np.isfinite(y) | (rows == "training"))  # gaps are bridged
            every = spaced(len(known), number)
            look = style(number) | LOOKS[rows] | {"label": labels[rows], "markevery": every}
            self.lines_ += self.ax_.plot(at[known], y[known], **look | line_kw)
        best = self._best(name, y)
        if best is not None:
            size = 10 if several else STAR["ms"]
            colour = self.lines_[-1].get_color()
            mark = STAR | {"mfc": colour, "ms": size, "zorder": 5, "label": "_best"}
            self.best_ += self.ax_.plot(at[[best]], y[[best]], **mark)

    def _best(self, name: str, y: Array) -> int | None:
        known = (self.best_iters or {}).get(name)
        if known is not None:
            return known
        return int(np.nanargmin(y)) if np.isfinite(y).any() else None

    def _label(self, x: str, quantity: str, x_scale: str) -> bool:
        """Axes and legend; whether the legend is beside the axes."""
        from matplotlib.lines import Line2D

        ax = self.ax_
        ax.set(xlabel=X_LABELS[x], ylabel=Y_LABELS[quantity])
        if x_scale == "log":
            self._make_logarithmic(x)
        tidy(ax)
        if x == "iteration" and x_scale == "linear":
            ax.xaxis.get_major_locator().set_params(integer=True)
        several = len(self.histories) > 1
        handles = [line for line in self.lines_ if line.get_label()[:1] != "_"]
        if several and len(self.lines_) > len(handles):
            for rows, look in LOOKS.items():
                handles.append(Line2D([], [], color=INK, ls=look["ls"], lw=1.6, label=rows))
        if self.best_:
            mark = STAR | {"mfc": MUTED if several else self.best_[0].get_mfc(), "ms": 11}
            label = "lowest" if several else self._best_in_words(x)
            handles.append(Line2D([], [], label=label, **mark))
        return place_legend(ax, handles)

    def _make_logarithmic(self, x: str) -> None:
        """A logarithmic x axis, with room for the start if that is at 0."""
        at = np.concatenate([np.asarray(history[x]) for history in self.histories.values()])
        if (at > 0).all():
            self.ax_.set_xscale("log")
        else:
            self.ax_.set_xscale("symlog", linthresh=float(np.min(at[at > 0], initial=1.0)))
            self.ax_.xaxis.set_major_formatter("{x:g}")
            self.ax_.set_xlim(left=0)

    def _best_in_words(self, x: str) -> str:
        at, y = self.best_[0].get_data()
        return f"lowest: {y[0]:.3g} {PLACES[x].format(at[0])}"


def validated(history: Mapping[str, NDArray[Any]]) -> bool:
    """Whether a validation loss was evaluated."""
    return "val_loss" in history and bool(np.isfinite(history["val_loss"]).any())
