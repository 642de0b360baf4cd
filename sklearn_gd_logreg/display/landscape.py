"""The cost J on a grid around a path."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .._typing import Array
from ..objective import Objective, Point
from .plane import CostOnPlane, Plane

MIN_ASPECT = 0.05
"""Least extent of a picture in one direction, as a part of that in the other."""


class Landscape(NamedTuple):
    """What CostSurfaceDisplay draws, in the order of its parameters."""

    x: Array
    y: Array
    cost: Array
    path: Array
    path_cost: Array
    minimum: tuple[float, float]
    labels: tuple[str, str]
    explained_variance_ratio: tuple[float, float] | None


def landscape(
    objective: Objective, plane: Plane, model: Array, points: Array, resolution: int, margin: float
) -> Landscape:
    """J on a grid that holds the path and the model, and J at the points of the path.

    Parameters
    ----------
    objective : Objective
    plane : Plane
    model : array of shape (n_parameters, n_outputs)
    points : array of shape (n_points, n_parameters, n_outputs)
    resolution : int
        Points of the grid in each direction.
    margin : float
        Room around path and model, as a part of their extent.
    """
    path = plane.coordinates(points)
    x, y = grid_around(np.vstack([path, plane.coordinates(model[np.newaxis])]), resolution, margin)
    surface = CostOnPlane(objective, plane)
    cost = surface.grid(x, y)
    dtype = objective.data.dtype
    path_cost = np.array([Point(objective, w.astype(dtype)).cost for w in points])
    minimum = surface.lowest(x, y, cost)
    return Landscape(x, y, cost, path, path_cost, minimum, plane.labels, plane.shares)


def grid_around(points: Array, resolution: int, margin: float) -> tuple[Array, Array]:
    """Ticks of a grid that holds all points, with a margin."""
    low, high = points.min(axis=0), points.max(axis=0)
    extent = high - low
    extent = np.maximum(extent, MIN_ASPECT * extent.max()) if extent.any() else np.ones(2)
    middle = (low + high) / 2
    half = (0.5 + margin) * extent
    x, y = (np.linspace(a - b, a + b, resolution) for a, b in zip(middle, half, strict=True))
    return x, y
