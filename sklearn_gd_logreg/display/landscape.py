"""The cost landscape: J on a grid around paths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from .._typing import Array
from ..objective import Objective, Point
from .plane import CostOnPlane, Plane

MIN_ASPECT = 0.05
"""Smallest ratio of the extents of a grid in its two directions."""


class CostLandscape(NamedTuple):
    """The parameters of CostSurfaceDisplay, in their order."""

    x: Array
    y: Array
    cost: Array
    paths: dict[str, Array]
    path_costs: dict[str, Array]
    minimum: tuple[float, float]
    labels: tuple[str, str]
    explained_variance_ratio: tuple[float, float] | None


def cost_landscape(
    objective: Objective,
    plane: Plane,
    w: Array,
    points: Mapping[str, Array],
    resolution: int,
    margin: float,
) -> CostLandscape:
    """Compute J on a grid around paths and a model, and J at the points of the paths.

    Parameters
    ----------
    objective : Objective
    plane : Plane
    w : array of shape (n_parameters, n_outputs)
        Parameters of the model.
    points : dict of str to array of shape (n_points, n_parameters, n_outputs)
        The points of each path.
    resolution : int
        Points of the grid in each direction.
    margin : float
        Margin around paths and model, as a fraction of their extent.
    """
    paths = {name: plane.coordinates(path) for name, path in points.items()}
    around = np.vstack([*paths.values(), plane.coordinates(w[np.newaxis])])
    x, y = grid_around(around, resolution, margin)
    surface = CostOnPlane(objective, plane)
    cost = surface.grid(x, y)
    dtype = objective.data.dtype
    path_costs = {
        name: np.array([Point(objective, point.astype(dtype)).cost for point in path])
        for name, path in points.items()
    }
    minimum = surface.minimum(x, y, cost)
    axes = plane.labels, plane.explained_variance_ratio
    return CostLandscape(x, y, cost, paths, path_costs, minimum, *axes)


def grid_around(points: Array, resolution: int, margin: float) -> tuple[Array, Array]:
    """Return the x and y coordinates of a grid around the points, with a margin."""
    low, high = points.min(axis=0), points.max(axis=0)
    extent = high - low
    extent = np.maximum(extent, MIN_ASPECT * extent.max()) if extent.any() else np.ones(2)
    centre = (low + high) / 2
    radius = (0.5 + margin) * extent
    x, y = (np.linspace(c - r, c + r, resolution) for c, r in zip(centre, radius, strict=True))
    return x, y
