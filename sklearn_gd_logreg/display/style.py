"""How all pictures look: colours, lines and markers that survive grey, and their axes."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from .._text import shown
from .._typing import Array
from ..validation import Interval, InvalidParameterError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = (
    "#0072b2", "#d55e00", "#009e73", "#000000", "#cc79a7", "#56b4e9", "#e69f00", "#7f7f7f"
)  # fmt: skip
"""Those of Okabe and Ito, which the colour-blind tell apart; grey in place of yellow."""

MARKERS = "os^DvPX<"
"""A marker for each colour, so that lines are told apart in grey too."""

INK, MUTED, FAINT = "#222222", "#6b6b6b", "#d9d9d9"

STAR: dict[str, Any] = {
    "ls": "none", "marker": "*", "ms": 14, "mec": "black", "mew": 1.0, "clip_on": False
}  # fmt: skip
"""The best point of a curve, or the lowest of a surface."""

SEVERAL = 5
"""Lines of a legend from which it stands beside the axes, where it covers nothing."""

HEADROOM = 1.5
"""A picture ends at the highest start times this, should a curve go further up."""

MAX_HEIGHT_OVER_START = 1e6
"""What is higher above a picture is drawn at this multiple of the start."""

LEGEND_LETTERS = 30
"""Letters in a line of a legend."""


def require_pyplot(owner: str) -> Any:
    """`matplotlib.pyplot`.

    Raises
    ------
    ImportError
        If matplotlib is not installed; it says how to install it.
    """
    try:
        import matplotlib.pyplot as pyplot
    except ImportError as error:
        raise ImportError(
            f"{owner} needs matplotlib. Install it with: pip install 'sklearn-gd-logreg[plot]'"
        ) from error
    return pyplot


def axes_for(owner: str, ax: Axes | None, **subplot_kw: Any) -> tuple[Any, Any]:
    """The axes to draw on, and their figure; a new figure if there are none."""
    pyplot = require_pyplot(owner)
    if ax is None:
        layout = None if subplot_kw else "constrained"  # which cannot cope with 3-D labels
        figure, ax = pyplot.subplots(layout=layout, subplot_kw=subplot_kw)
        return ax, figure
    return ax, ax.figure


def style(number: int) -> dict[str, Any]:
    """Colour and marker of the curve of this number."""
    return {"color": COLOURS[number % len(COLOURS)], "marker": MARKERS[number % len(MARKERS)]}


def spaced(n_points: int, number: int = 0) -> list[int]:
    """At which points of a curve its marker is drawn: about ten, shifted from curve to curve."""
    step = max(1, n_points // 10)
    return list(range(number * step // len(MARKERS) % step, n_points, step))


def wrapped(text: object, width: int = LEGEND_LETTERS) -> str:
    """A text in lines of about this many letters."""
    return "\n".join(textwrap.wrap(str(text), width)) or str(text)


def place_legend(ax: Axes, handles: list[Any]) -> bool:
    """Inside the axes, or to the right of them if it is long; whether it is there."""
    labels = [wrapped(handle.get_label()) for handle in handles]
    beside: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1.01, 1.0)}
    inside = sum(label.count("\n") + 1 for label in labels) <= SEVERAL
    place = {"loc": "best"} if inside else beside
    ax.legend(handles, labels, frameon=inside, handlelength=2.6, **place)
    return not inside


def plain_numbers(axis: Any) -> None:
    """0.2 rather than 2 × 10⁻¹ on a logarithmic axis."""
    from matplotlib.ticker import LogFormatter

    class PlainFormatter(LogFormatter):
        """Labels the same ticks, but with plain numbers."""

        def __call__(self, x: float, pos: int | None = None) -> str:
            return f"{x:.3g}" if super().__call__(x, pos) else ""

    if axis.get_scale() == "log":
        axis.set_major_formatter(PlainFormatter())
        axis.set_minor_formatter(PlainFormatter(minor_thresholds=(1.5, 0.5)))


def tidy(ax: Axes) -> None:
    """A light grid behind, and no frame where there is no axis."""
    for axis in (ax.xaxis, ax.yaxis):
        plain_numbers(axis)
    ax.grid(color=FAINT, lw=0.7)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)


def choose(owner: str, name: str, value: object, allowed: Iterable[str]) -> Any:
    """``value`` if it is one of the words allowed.

    Raises
    ------
    InvalidParameterError
        If it is not.
    """
    words = list(allowed)
    if isinstance(value, str) and value in words:
        return value
    listed = ", ".join(map(repr, words[:-1])) + f" or {words[-1]!r}"
    raise InvalidParameterError(
        f"The {name!r} parameter of {owner} must be {listed}. Got {shown(value)} instead."
    )


def drawable(curves: Any, scale: str, start: float) -> Array:
    """Costs as they are drawn: nan where they have no place, and not absurdly high.

    Parameters
    ----------
    curves : array-like
        Costs; those that are not finite have no place, nor has 0 on a logarithmic axis.
    scale : {"linear", "log"}
    start : float
        Cost of the start.
    """
    y = np.asarray(curves, dtype=np.float64)
    fits = np.isfinite(y) & ((y > 0) | (scale == "linear"))
    return np.where(fits, np.minimum(y, MAX_HEIGHT_OVER_START * start), np.nan)


def cut_off(ax: Any, curves: Iterable[Array], start: float) -> None:
    """End the axis of a cost a little above the start, whatever goes further up."""
    shown = np.concatenate([np.ravel(curve) for curve in curves])
    top = HEADROOM * start
    if (shown > top).any():
        low = float(np.min(shown[shown <= top], initial=top))
        ax.set_ylim(low / 1.2 if ax.get_yscale() == "log" else 0.0, top)


def check(owner: str, name: str, value: object, interval: Interval) -> None:
    """Raise `InvalidParameterError` if a number lies outside its interval."""
    if value not in interval:
        raise InvalidParameterError(
            f"The {name!r} parameter of {owner} must be {interval}. Got {shown(value)} instead."
        )
