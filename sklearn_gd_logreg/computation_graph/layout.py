"""Places of the nodes of a graph in columns from left to right, with few crossings.

The columns, the places that long edges pass through and the order by means of neighbours are those
of layered drawings [1]_.

References
----------
.. [1] Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical system
   structures", IEEE Transactions on Systems, Man, and Cybernetics 11 (1981).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from scipy.optimize import isotonic_regression

Routes: TypeAlias = dict[tuple[int, int], tuple[int, ...]]
Neighbours: TypeAlias = Mapping[int, list[int]]

N_SWEEPS = 12
"""Sweeps through the columns, by turns from the left and from the right."""

PASSAGE_HEIGHT = 8.0
"""Height of a place where an edge passes through a column."""

ROW_GAP = 16.0
"""Vertical distance of two places of a column."""


@dataclass(frozen=True)
class Layout:
    """Columns and heights of cells: first the nodes, then passages of long edges.

    Parameters
    ----------
    column : list of int
        Column of each cell. Variables are in column 0, a result one right of its last operand.
    y : list of float
        Centre of each cell; y grows downwards.
    routes : dict of (int, int) to tuple of int
        The cells on the way from a parent to a child, both included, one in each column.
    """

    column: list[int]
    y: list[float]
    routes: Routes


def layout_of(parents: Sequence[tuple[int, ...]], heights: Sequence[float]) -> Layout:
    """Place the nodes of a graph.

    Parameters
    ----------
    parents : sequence of tuple of int
        Parents of each node, whose numbers are below its own.
    heights : sequence of float
        Height of each node.

    Returns
    -------
    Layout
    """
    column = columns_of(parents)
    routes: Routes = {}
    heights = list(heights)
    passages: dict[tuple[int, int], int] = {}  # one for all edges that leave a node
    for child, above in enumerate(parents):
        for parent in above:
            route = [parent]
            for between in range(column[parent] + 1, column[child]):
                if (parent, between) not in passages:
                    passages[parent, between] = len(column)
                    column.append(between)
                    heights.append(PASSAGE_HEIGHT)
                route.append(passages[parent, between])
            routes[parent, child] = (*route, child)
    left, right = neighbours(routes)
    columns = ordered_columns(column, left, right)
    return Layout(column, centres(columns, heights, left, right), routes)


def columns_of(parents: Sequence[tuple[int, ...]]) -> list[int]:
    """Return the column of each node: the number of operations on the longest way to it."""
    column: list[int] = []
    for above in parents:
        column.append(1 + max((column[parent] for parent in above), default=-1))
    return column


def neighbours(routes: Routes) -> tuple[Neighbours, Neighbours]:
    """Return the cells joined to each cell on its left, and those on its right."""
    pairs = dict.fromkeys(pair for route in routes.values() for pair in pairwise(route))
    left: defaultdict[int, list[int]] = defaultdict(list)
    right: defaultdict[int, list[int]] = defaultdict(list)
    for a, b in pairs:
        left[b].append(a)
        right[a].append(b)
    return left, right


def ordered_columns(column: list[int], left: Neighbours, right: Neighbours) -> list[list[int]]:
    """Return the cells of each column from top to bottom, with the fewest crossings found."""
    columns: list[list[int]] = [[] for _ in range(max(column) + 1)]
    for cell, place in enumerate(column):
        columns[place].append(cell)
    best, fewest = columns, n_crossings(columns, right)
    for sweep in range(N_SWEEPS):
        columns = [list(cells) for cells in columns]
        side = left if sweep % 2 == 0 else right
        for place in range(len(columns))[:: -1 if side is right else 1]:
            rank = {cell: float(k) for cells in columns for k, cell in enumerate(cells)}
            wanted = {c: mean_of_neighbours(rank, side[c], rank[c]) for c in columns[place]}
            columns[place].sort(key=wanted.__getitem__)
        crossings = n_crossings(columns, right)
        if crossings < fewest:
            best, fewest = columns, crossings
    return best


def mean_of_neighbours(values: dict[int, float], cells: list[int], default: float) -> float:
    """Return the mean value of cells, or the default if there are none."""
    return float(np.mean([values[cell] for cell in cells])) if cells else default


def n_crossings(columns: list[list[int]], right: Neighbours) -> int:
    """Return the number of pairs of edges that cross."""
    total = 0
    for cells, following in pairwise(columns):
        rank = {cell: k for k, cell in enumerate(following)}
        ends = [rank[b] for a in cells for b in sorted(right[a], key=rank.__getitem__)]
        total += sum(later < end for k, end in enumerate(ends) for later in ends[k + 1 :])
    return total


def centres(
    columns: list[list[int]], heights: list[float], left: Neighbours, right: Neighbours
) -> list[float]:
    """Return the centre of each cell, close to those of its neighbours, without overlap."""
    y = dict.fromkeys(range(len(heights)), 0.0)
    for sweep in range(N_SWEEPS):
        side = left if sweep % 2 == 0 else right
        for cells in columns[:: 1 if side is left else -1]:
            size = np.array([heights[cell] for cell in cells])
            distance = np.append(0.0, np.cumsum((size[1:] + size[:-1]) / 2 + ROW_GAP))
            wanted = np.array([mean_of_neighbours(y, side[cell], y[cell]) for cell in cells])
            placed = isotonic_regression(wanted - distance).x + distance
            y |= dict(zip(cells, placed.tolist(), strict=True))
    return list(y.values())
