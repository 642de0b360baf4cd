"""Curves as a small inline picture, SVG."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .._typing import Array

WIDTH, HEIGHT, MARGIN = 220, 60, 4
"""Size of the picture and the space around the curves, in pixels."""

MAX_POINTS = 200
"""Points of a curve; longer ones are thinned."""

STROKES = ("stroke='#3a86d8'", "stroke='#d9730d' stroke-dasharray='4 2'")
"""Colours and dashes, in order. The contrast is 3:1 or more on white and on black."""


class Curve(NamedTuple):
    """Some values of a column: their indices and logarithms."""

    at: Array
    log: Array

    @classmethod
    def of(cls, column: ArrayLike) -> Curve:
        """The curve of the values that a logarithmic axis can show, thinned."""
        values = np.asarray(column, dtype=np.float64)
        index = np.flatnonzero(np.isfinite(values) & (values > 0))
        if len(index) > MAX_POINTS:
            index = index[np.linspace(0, len(index) - 1, MAX_POINTS).astype(np.intp)]
        return cls(index.astype(np.float64), np.log(values[index]))


def sparkline(columns: Mapping[str, ArrayLike], label: str) -> str:
    """Draw columns of equal length against their index; the y axis is logarithmic.

    Parameters
    ----------
    columns : mapping of str to array-like
        One or two, by name. Values that are not positive or not finite are left out.
    label : str
        The picture in words, for a tooltip and for screen readers.

    Returns
    -------
    str
        An element ``figure``; nothing if no column has two points.
    """
    curves = {name: Curve.of(column) for name, column in columns.items()}
    curves = {name: curve for name, curve in curves.items() if len(curve.at) > 1}
    if not curves:
        return ""
    last = max(curve.at[-1] for curve in curves.values())
    logs = np.concatenate([curve.log for curve in curves.values()])
    low, span = logs.min(), np.ptp(logs) or 1.0
    lines, legend = "", []
    for stroke, (name, curve) in zip(STROKES, curves.items(), strict=False):
        x = MARGIN + (WIDTH - 2 * MARGIN) * curve.at / last
        y = HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * (curve.log - low) / span
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
        lines += f"<polyline points='{points}' fill='none' stroke-width='1.8' {stroke}/>"
        key = f"<line x2='20' y1='5' y2='5' stroke-width='1.8' {stroke}/>"
        legend.append(f"<svg width='20' height='9' aria-hidden='true'>{key}</svg> {escape(name)}")
    size = f"width='{WIDTH}' height='{HEIGHT}' viewBox='0 0 {WIDTH} {HEIGHT}'"
    words = escape(label)
    axes = f"<path d='M.5 0V{HEIGHT - 0.5}H{WIDTH}' fill='none' stroke='#888'/>"
    return (
        f"<figure><svg {size} role='img' aria-label='{words}'><title>{words}</title>{axes}{lines}"
        f"</svg><figcaption>{'&ensp;'.join(legend)}, log scale</figcaption></figure>"
    )
