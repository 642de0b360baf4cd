"""Figures for a dark page."""

import numpy as np
from matplotlib.collections import Collection
from matplotlib.colors import to_hex, to_rgba_array
from matplotlib.contour import ContourSet
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text

PAPER, INK = to_rgba_array(["#14181e", "#dfe3e8"])
"""What is white and black on a dark page, as in ``docs/pictures.py``."""

COLOURS = {
    Text: ["color"],
    Line2D: ["color", "markerfacecolor", "markeredgecolor"],
    Patch: ["facecolor", "edgecolor"],
    Collection: ["facecolor", "edgecolor"],
}


def on_dark(colours):
    """White, black and the greys between them reversed; other colours a little lighter."""
    colours = to_rgba_array(colours)
    grey = np.ptp(colours[:, :3], axis=1) < 0.05
    lightness = colours[grey, :1]
    colours[grey, :3] = (lightness * PAPER + (1 - lightness) * INK)[:, :3]
    colours[~grey, :3] = 0.75 * colours[~grey, :3] + 0.25
    return colours


def darken(figure):
    """Change a figure to one for a dark page, but for the colours of data and what is on them."""
    coloured = [axes for axes in figure.axes if has_coloured_ground(axes)]
    on_data = {artist for axes in coloured for artist in [*axes.texts, *axes.lines]}
    boxes = {word.get_bbox_patch() for word in figure.findobj(Text)}  # None without one
    artists = set(figure.findobj()) - on_data | boxes
    for kind, names in COLOURS.items():
        for artist in artists:
            if not isinstance(artist, kind):
                continue
            if kind is Collection and artist.get_array() is not None:
                continue  # the colours are data
            # all before the first changes: a marker may have the colour of its line
            colours = {name: on_dark(getattr(artist, f"get_{name}")()) for name in names}
            for name, found in colours.items():
                if np.any(found[:, 3]):  # not "none"
                    as_hex = [to_hex(colour, keep_alpha=True) for colour in found]
                    getattr(artist, f"set_{name}")(as_hex if kind is Collection else as_hex[0])
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis, axes.zaxis) if hasattr(axes, "zaxis") else ():
            axis.set_pane_color(PAPER)


def has_coloured_ground(axes):
    """Whether an image or filled contours cover the axes."""
    contours = [artist for artist in axes.collections if isinstance(artist, ContourSet)]
    return bool(axes.images) or any(contour.filled for contour in contours)
