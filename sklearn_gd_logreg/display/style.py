"""The common style of the displays: colours, markers, axes; legible in grey, light or dark."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .._text import shown
from .._typing import Array
from ..validation import InvalidParameterError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#7f7f7f"
"""Palette of Okabe and Ito, safe for colour-blind readers; grey replaces yellow."""

TEXT_COLOUR_POSITION = 3
"""Index of the curve that is drawn in the colour of the text, which is the palette's black."""

MARKERS = "os^DvPX<"
"""A marker for each colour: they distinguish the curves in grey."""

LUMINANCE_WEIGHTS = 0.2126, 0.7152, 0.0722
"""Weights of red, green and blue in the brightness of a colour (Rec. 709)."""

MUTED_MIX, FAINT_MIX = 0.4, 0.85
"""Fraction of the background in the colours of secondary parts and of the grid."""

LIGHTER_MIX = 0.2
"""Fraction of the text's colour in the colours of curves on a dark background."""

MAX_LINES_INSIDE = 5
"""Lines of a legend inside the axes; a longer one is placed beside them."""

AXIS_TOP_OVER_START = 1.5
"""Upper limit of a cost axis, as a multiple of the highest initial cost."""

CLIP_OVER_START = 1e6
"""Costs are clipped at this multiple of the initial cost."""

LEGEND_CHARACTERS = 30
"""Characters in a line of a legend."""


def require_pyplot(caller: str) -> Any:
    """Import and return `matplotlib.pyplot`.

    Raises
    ------
    ImportError
        If matplotlib is not installed. The message says how to install it.
    """
    try:
        import matplotlib.pyplot as pyplot
    except ImportError as error:
        raise ImportError(
            f"{caller} needs matplotlib. Install it by `pip install matplotlib`."
        ) from error
    return pyplot


def axes_for(caller: str, ax: Axes | None, in_3d: bool = False) -> tuple[Any, Any]:
    """Return the axes, new ones if ``ax`` is None, and their figure.

    Raises
    ------
    InvalidParameterError
        As `check_axes`.
    """
    check_axes(caller, ax, in_3d)
    if ax is None:
        layout = None if in_3d else "constrained"  # which clips the labels of 3-D axes
        subplot_kw = {"projection": "3d"} if in_3d else {}
        figure, ax = require_pyplot(caller).subplots(layout=layout, subplot_kw=subplot_kw)
        return ax, figure
    return ax, ax.figure


def check_axes(caller: str, ax: object, in_3d: bool = False) -> None:
    """Check the parameter ``ax`` of a drawing.

    Raises
    ------
    InvalidParameterError
        Unless it is None or matplotlib Axes, three-dimensional if the drawing is, else flat.
    """
    require_pyplot(caller)
    from matplotlib.axes import Axes

    if ax is None or (isinstance(ax, Axes) and (ax.name == "3d") == in_3d):
        return
    needed = "with projection='3d'" if in_3d else "without projection='3d'"
    raise InvalidParameterError(
        f"The 'ax' parameter of {caller} must be matplotlib Axes {needed}, or None. "
        f"Got {shown(ax)} instead."
    )


class ThemeColours(NamedTuple):
    """The neutral colours of a picture, from the background to the text.

    Attributes
    ----------
    background : (float, float, float)
        Background of the axes.
    faint, muted : (float, float, float)
        Mixtures of background and text, for the grid and for secondary parts.
    text : (float, float, float)
        Colour of the text, ``text.color`` in matplotlib's style.
    """

    background: tuple[float, ...]
    faint: tuple[float, ...]
    muted: tuple[float, ...]
    text: tuple[float, ...]

    @property
    def is_dark(self) -> bool:
        """Whether the text is lighter than its background."""
        return luminance(self.text) > luminance(self.background)

    def contrasting(self, colour: str) -> tuple[float, ...]:
        """Return a colour of the palette, on a dark background a lighter one."""
        from matplotlib.colors import to_rgb

        return mixed(to_rgb(colour), self.text, LIGHTER_MIX if self.is_dark else 0.0)


def theme_of(ax: Any) -> ThemeColours:
    """Return the neutral colours for axes, from their background and matplotlib's style.

    Behind transparent axes is the background of their figure, behind a transparent figure white
    under dark text, and black under light text.
    """
    from matplotlib import rcParams
    from matplotlib.colors import to_rgba

    text = to_rgba(rcParams["text.color"])[:3]
    background: tuple[float, ...] = (1.0,) * 3 if luminance(text) < 0.5 else (0.0,) * 3
    for patch in (ax.figure.get_facecolor(), ax.get_facecolor()):
        *colour, opacity = to_rgba(patch)
        background = mixed(colour, background, 1 - opacity)
    faint, muted = (mixed(text, background, mix) for mix in (FAINT_MIX, MUTED_MIX))
    return ThemeColours(background, faint, muted, text)


def luminance(colour: Iterable[float]) -> float:
    """Return the brightness of a colour, from 0 to 1."""
    return sum(weight * part for weight, part in zip(LUMINANCE_WEIGHTS, colour, strict=True))


def mixed(colour: Iterable[float], other: Iterable[float], fraction: float) -> tuple[float, ...]:
    """Return a mixture of two colours, with this fraction of the other one."""
    pairs = zip(colour, other, strict=True)
    return tuple((1 - fraction) * one + fraction * two for one, two in pairs)


def curve_style(number: int, theme: ThemeColours) -> dict[str, Any]:
    """Return colour and marker of the curve with this number."""
    colours = [theme.contrasting(colour) for colour in COLOURS]
    colours.insert(TEXT_COLOUR_POSITION, theme.text)
    return {"color": colours[number % len(colours)], "marker": MARKERS[number % len(MARKERS)]}


def best_marker(theme: ThemeColours) -> dict[str, Any]:
    """Return the style of the best point of a curve."""
    return {
        "ls": "none", "marker": "*", "ms": 14, "mec": theme.text, "mew": 1.0, "clip_on": False
    }  # fmt: skip


def cross_marker(theme: ThemeColours) -> dict[str, Any]:
    """Return the style of the point where a curve leaves the axes."""
    return {
        "ls": "none", "marker": "X", "ms": 9, "color": theme.text, "mec": theme.background,
        "clip_on": False, "zorder": 6,
    }  # fmt: skip


def marker_indices(n_points: int, number: int = 0, x_scale: str = "linear") -> list[int]:
    """Return the indices of about ten points with a marker, shifted from curve to curve.

    On a logarithmic x axis their distances grow, so that they are evenly spaced there.
    """
    if x_scale == "log" and n_points > 10:
        return np.unique(np.geomspace(1, n_points, 10).astype(int) - 1).tolist()
    step = max(1, n_points // 10)
    return list(range(number * step // len(MARKERS) % step, n_points, step))


def wrap_text(text: object, width: int = LEGEND_CHARACTERS) -> str:
    """Wrap a text into lines of at most ``width`` characters."""
    return "\n".join(textwrap.wrap(str(text), width)) or str(text)


def place_legend(ax: Axes, handles: list[Any]) -> bool:
    """Place the legend inside the axes, or beside them if it is long; return whether beside."""
    labels = [wrap_text(handle.get_label()) for handle in handles]
    beside: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1.01, 1.0)}
    inside = sum(label.count("\n") + 1 for label in labels) <= MAX_LINES_INSIDE
    place = {"loc": "best"} if inside else beside
    ax.legend(handles, labels, frameon=inside, handlelength=2.6, **place)
    return not inside


def place_legend_above(ax: Axes, handles: list[Any], n_columns: int) -> None:
    """Place the legend above the axes, where it covers nothing."""
    ax.legend(
        handles, [handle.get_label() for handle in handles],
        loc="lower left", bbox_to_anchor=(0, 1), ncols=n_columns, frameon=False, fontsize=9,
        borderaxespad=0.6, handlelength=2, handletextpad=0.5, columnspacing=1.2,
    )  # fmt: skip


def use_plain_numbers(axis: Any) -> None:
    """Label a logarithmic axis with 0.2 rather than 2 × 10⁻¹."""
    from matplotlib.ticker import LogFormatter

    class PlainFormatter(LogFormatter):
        """Labels the same ticks as its base class, with plain numbers."""

        def __call__(self, x: float, pos: int | None = None) -> str:
            return f"{x:.3g}" if super().__call__(x, pos) else ""

    if axis.get_scale() == "log":
        axis.set_major_formatter(PlainFormatter())
        axis.set_minor_formatter(PlainFormatter(minor_thresholds=(1.5, 0.5)))


def style_axes(ax: Axes) -> None:
    """Add a light grid and remove the top and right spines."""
    for axis in (ax.xaxis, ax.yaxis):
        use_plain_numbers(axis)
    ax.grid(color=theme_of(ax).faint, lw=0.7)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)


def plottable_costs(costs: Any, scale: str, start: float) -> Array:
    """Return the costs with nan where they cannot be drawn, clipped at ``CLIP_OVER_START``.

    Parameters
    ----------
    costs : array-like
        Costs that are not finite cannot be drawn, nor can 0 on a logarithmic axis.
    scale : {"linear", "log"}
    start : float
        Initial cost.
    """
    y = np.asarray(costs, dtype=np.float64)
    drawable = np.isfinite(y) & ((y > 0) | (scale == "linear"))
    return np.where(drawable, np.minimum(y, CLIP_OVER_START * start), np.nan)


def limit_cost_axis(ax: Any, curves: Iterable[Array], start: float) -> None:
    """Limit a cost axis to a little above the initial cost if a curve rises further."""
    costs = np.concatenate([np.ravel(curve) for curve in curves])
    top = AXIS_TOP_OVER_START * start
    if (costs > top).any():
        bottom = float(np.min(costs[costs <= top], initial=top))
        ax.set_ylim(bottom / 1.2 if ax.get_yscale() == "log" else 0.0, top)
