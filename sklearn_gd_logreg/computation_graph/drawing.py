"""The drawing of a computation graph: boxes from left to right, arrows both ways."""

from __future__ import annotations

import base64
import html
import io
import math
import textwrap
from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from ..display.style import COLOURS, check_axes, require_pyplot
from .layout import PASSAGE_HEIGHT, Routes, columns_of, layout_of
from .text import Row, grad_text, number, table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_DRAWN = 100
"""Nodes of the largest graph that is drawn."""

TITLE_CHARACTERS = 28
"""Characters in a line of a title."""

FORWARD, BACKWARD = COLOURS[0], COLOURS[1]
TITLE_COLOUR, FRAME_COLOUR = "#222222", "#6b6b6b"
"""Colours of titles and frames: the boxes are white on every background."""

LEGEND = ("→ forward: value", FORWARD), ("← backward: derivative", BACKWARD)

# Sizes in points, where the axes have room for them.
FONT_SIZE, LINE_HEIGHT, PADDING = 10.0, 14.0, 8.0
COLUMN_GAP, LEGEND_GAP, MARGIN = 48.0, 18.0, 8.0
PORT_DISTANCE, ARROW_DISTANCE = 13.0, 5.0


@dataclass(frozen=True)
class Box:
    """The lines of text of a node, and its size.

    Parameters
    ----------
    lines : list of (str, str)
        Text and colour.
    width, height : float
    """

    lines: list[tuple[str, str]]
    width: float
    height: float


@dataclass(frozen=True)
class Edge:
    """The arrows between two nodes.

    Parameters
    ----------
    points : list of (float, float)
        Ends of its level pieces, from left to right, the first and last point being its own.
    has_grad : bool
        Whether the derivatives are known, so that there is an arrow back.
    """

    points: list[tuple[float, float]]
    has_grad: bool


def draw(rows: list[Row], ax: Axes | None) -> Any:
    """Draw a graph and return the axes.

    Parameters
    ----------
    rows : list of Row
    ax : matplotlib Axes or None
        None: a new figure of pyplot, as large as the drawing.

    Raises
    ------
    ValueError
        If there are more than ``MAX_DRAWN`` rows.
    """
    if len(rows) > MAX_DRAWN:
        raise ValueError(
            f"A drawing has at most {MAX_DRAWN} nodes. This graph has {len(rows)}: "
            "draw an earlier node, or use to_text()."
        )
    pyplot = require_pyplot("Node.plot")
    check_axes("Node.plot", ax)
    picture = Picture(rows)
    if ax is None:
        figure = pyplot.figure(figsize=picture.inches)
        ax = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    else:
        ax.figure.canvas.figure.draw_without_rendering()  # so that a layout has moved the axes
    picture.draw_on(ax)
    return ax


def drawn_as_image(rows: list[Row]) -> str:
    """Return an image of a graph as HTML, with the table as its alternative text."""
    require_pyplot("Node.plot")
    from matplotlib.figure import Figure

    picture, file = Picture(rows), io.BytesIO()
    figure = Figure(figsize=picture.inches)
    picture.draw_on(figure.add_axes((0.0, 0.0, 1.0, 1.0)))
    figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    source = base64.b64encode(file.getvalue()).decode("ascii")
    return (
        f'<img style="max-width: 100%" alt="{html.escape(table(rows))}" '
        f'src="data:image/svg+xml;base64,{source}">'
    )


class Picture:
    """A graph with sizes and places in points, y downwards.

    Parameters
    ----------
    rows : list of Row
    """

    def __init__(self, rows: list[Row]) -> None:
        parents = [row.parents for row in rows]
        has_grad = [row.grad is not None for row in rows]
        self.legend = LEGEND if any(has_grad) else LEGEND[:1]
        n_ports = ports_needed(parents)
        self.boxes = [box_of(row, n) for row, n in zip(rows, n_ports, strict=True)]
        layout = layout_of(parents, [box.height for box in self.boxes])
        self._set_x(layout.column)
        self._set_y(layout.y)
        self.edges = self._edges(layout.routes, has_grad)

    @property
    def inches(self) -> tuple[float, float]:
        """Size of a figure for the picture."""
        return self.width / 72, self.height / 72

    def _set_x(self, column: list[int]) -> None:
        """Set the left and right end of each cell, and the width of the picture."""
        widths = [0.0] * (1 + max(column))
        for place, box in zip(column, self.boxes, strict=False):
            widths[place] = max(widths[place], box.width)
        starts = [MARGIN]
        for width in widths:
            starts.append(starts[-1] + width + COLUMN_GAP)
        self.left = [starts[place] for place in column]
        self.right = [starts[place] + widths[place] for place in column]
        self.legend_x = [MARGIN]
        for text, _ in self.legend:
            self.legend_x.append(self.legend_x[-1] + text_width(text) + 3 * PADDING)
        self.width = max(*self.right, self.legend_x[-1]) + MARGIN

    def _set_y(self, y: list[float]) -> None:
        """Set the centre of each cell, and the height of the picture."""
        half = [box.height / 2 for box in self.boxes] + [PASSAGE_HEIGHT / 2] * len(y)
        top = min(centre - h for centre, h in zip(y, half, strict=False))
        self.y = [centre - top + MARGIN for centre in y]
        bottom = max(centre + h for centre, h in zip(self.y, half, strict=False))
        self.legend_y = bottom + LEGEND_GAP
        self.height = self.legend_y + LINE_HEIGHT / 2 + MARGIN

    def _edges(self, routes: Routes, has_grad: list[bool]) -> list[Edge]:
        leaving, arriving = defaultdict(set), defaultdict(set)
        for route in routes.values():
            leaving[route[0]].add(route[1])
            arriving[route[-1]].add(route[-2])
        start, end = self._ports(leaving), self._ports(arriving)
        edges = []
        for route in routes.values():
            first, last = route[0], route[-1]
            points = [(self.right[first], start[first, route[1]])]
            for cell in route[1:-1]:
                points += [(self.left[cell], self.y[cell]), (self.right[cell], self.y[cell])]
            points.append((self.left[last], end[last, route[-2]]))
            edges.append(Edge(points, has_grad[first] and has_grad[last]))
        return edges

    def _ports(self, joined: dict[int, set[int]]) -> dict[tuple[int, int], float]:
        """Return the heights at which edges meet each node, in the order of the cells joined."""
        return {
            (node, cell): self.y[node] + PORT_DISTANCE * (k - (len(cells) - 1) / 2)
            for node, cells in joined.items()
            for k, cell in enumerate(sorted(cells, key=self.y.__getitem__))
        }

    # -- with matplotlib ----------------------------------------------------------------

    def draw_on(self, ax: Any) -> None:
        """Draw on axes, in the scale that fits them."""
        extent = ax.get_window_extent()
        points = 72 / ax.figure.dpi
        scale = min(extent.width * points / self.width, extent.height * points / self.height)
        ax.set(xlim=(0, self.width), ylim=(self.height, 0), aspect="equal")
        ax.set_axis_off()
        for edge in self.edges:
            self._draw_edge(ax, edge, scale)
        for box, left, right, y in zip(self.boxes, self.left, self.right, self.y, strict=False):
            self._draw_box(ax, box, (left, right, y), scale)
        frame = {"boxstyle": "round,pad=0.3", "fc": "white", "ec": "none"}
        for (text, colour), x in zip(self.legend, self.legend_x, strict=False):
            ax.text(
                x + PADDING / 2, self.legend_y, text, color=colour, va="center", bbox=frame,
                **text_style(scale),
            )  # fmt: skip

    def _draw_box(self, ax: Any, box: Box, place: tuple[float, float, float], scale: float) -> None:
        from matplotlib.patches import FancyBboxPatch

        left, right, y = place
        top = y - box.height / 2
        ax.add_patch(
            FancyBboxPatch(
                (left, top), right - left, box.height, boxstyle="round,pad=0,rounding_size=5",
                fc="white", ec=FRAME_COLOUR, lw=scale, zorder=3,
            )
        )  # fmt: skip
        first = y - LINE_HEIGHT * (len(box.lines) - 1) / 2
        for k, (text, colour) in enumerate(box.lines):
            ax.text(
                (left + right) / 2, first + k * LINE_HEIGHT, text, color=colour, zorder=4,
                ha="center", va="center_baseline", **text_style(scale),
            )  # fmt: skip

    def _draw_edge(self, ax: Any, edge: Edge, scale: float) -> None:
        shift = ARROW_DISTANCE / 2 if edge.has_grad else 0.0
        self._draw_arrow(ax, [(x, y - shift) for x, y in edge.points], FORWARD, scale)
        if edge.has_grad:
            back = [(x, y + shift) for x, y in reversed(edge.points)]
            self._draw_arrow(ax, back, BACKWARD, scale)

    def _draw_arrow(
        self, ax: Any, points: list[tuple[float, float]], colour: str, scale: float
    ) -> None:
        """Draw an arrow along points, level in the columns and curved between them."""
        from matplotlib.patches import FancyArrowPatch
        from matplotlib.path import Path

        vertices, codes = [points[0]], [Path.MOVETO]
        for k, ((x, y), (x_next, y_next)) in enumerate(pairwise(points)):
            if k % 2 == 0:  # between two columns
                middle = (x + x_next) / 2
                vertices += [(middle, y), (middle, y_next)]
                codes += [Path.CURVE4, Path.CURVE4]
            vertices.append((x_next, y_next))
            codes.append(Path.CURVE4 if k % 2 == 0 else Path.LINETO)
        ax.add_patch(
            FancyArrowPatch(
                path=Path(vertices, codes), arrowstyle="-|>", mutation_scale=8 * scale,
                color=colour, lw=1.2 * scale, shrinkA=0, shrinkB=0, zorder=2,
            )
        )  # fmt: skip


def ports_needed(parents: list[tuple[int, ...]]) -> list[int]:
    """Return the number of edges at the fuller side of each node; long edges leave as one."""
    column = columns_of(parents)
    right: list[set[int]] = [set() for _ in parents]
    for child, above in enumerate(parents):
        for parent in above:
            right[parent].add(child if column[child] == column[parent] + 1 else -1)
    return [max(len(above), len(below)) for above, below in zip(parents, right, strict=True)]


def box_of(row: Row, n_ports: int) -> Box:
    """Return the box of a node with at most this number of edges on a side."""
    n_lines = math.ceil(len(row.title) / TITLE_CHARACTERS)
    width = min(TITLE_CHARACTERS, len(row.title) // n_lines + 6)  # so that no line is a lone word
    title = textwrap.wrap(row.title, width, break_on_hyphens=False)
    lines = [(line, TITLE_COLOUR) for line in title]
    lines.append((f"→ {number(row.value)}", FORWARD))
    if row.grad is not None:
        lines.append((f"← {grad_text(row)}", BACKWARD))
    height = max(len(lines) * LINE_HEIGHT, n_ports * PORT_DISTANCE) + PADDING
    return Box(lines, max(text_width(text) for text, _ in lines) + 2 * PADDING, height)


def text_width(text: str) -> float:
    """Return the width of a text in points."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font = FontProperties(family=font_family(), size=FONT_SIZE)
    width, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    return float(width)


def font_family() -> list[str]:
    """Return matplotlib's own font, which has the arrows, then the user's."""
    from matplotlib import rcParams

    return ["DejaVu Sans", *rcParams["font.family"]]


def text_style(scale: float) -> dict[str, Any]:
    """Return the font of all texts; a dollar is a dollar."""
    return {"family": font_family(), "size": FONT_SIZE * scale, "parse_math": False}
