"""A plane in parameter space, and J on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import Bounds, minimize

from .._typing import Array
from ..data import Rows
from ..objective import Objective

ROWS_PER_CHUNK = 1 << 13
"""Rows in a chunk. Its scores stay in the cache while J is evaluated at all points of a grid."""

MIN_SINGULAR_RATIO = 1e-10
"""Ratio of the second singular value to the first below which a path is a straight line."""


@dataclass(frozen=True)
class Plane:
    """The plane w = origin + s · first + t · second, with orthonormal directions.

    Attributes
    ----------
    origin, first, second : arrays of shape (n_parameters, n_outputs)
    labels : (str, str)
        Axis labels of s and t.
    explained_variance_ratio : (float, float) or None
        Fraction of the variance of the paths along each direction.
    """

    origin: Array
    first: Array
    second: Array
    labels: tuple[str, str]
    explained_variance_ratio: tuple[float, float] | None = None

    def coordinates(self, points: Array) -> Array:
        """Project n points onto the plane; return (s, t) of each, shape (n, 2)."""
        offset = (points - self.origin).reshape(len(points), -1)
        return offset @ np.column_stack([self.first.ravel(), self.second.ravel()])

    def at(self, s: float, t: float) -> Array:
        """Return the parameters w at (s, t)."""
        return self.origin + s * self.first + t * self.second


def coordinate_plane(w: Array, entries: list[tuple[int, int]], labels: tuple[str, str]) -> Plane:
    """Return the plane of two entries of w, given as (row, column); the others are fixed."""
    origin, directions = w.copy(), np.zeros((2, *w.shape))
    for direction, entry in zip(directions, entries, strict=True):
        origin[entry], direction[entry] = 0, 1
    return Plane(origin, directions[0], directions[1], labels)


def principal_plane(w: Array, points: Array) -> Plane:
    """Return the plane through w along the first two principal components of paths.

    If all points are on a straight line, the second direction is the coordinate axis closest to
    perpendicular to it, made orthogonal.

    Parameters
    ----------
    w : array of shape (n_parameters, n_outputs)
    points : array of shape (n_points, n_parameters, n_outputs)

    Raises
    ------
    ValueError
        If all points are equal, or there is only one parameter.

    References
    ----------
    Li, Xu, Taylor, Studer and Goldstein, "Visualizing the loss landscape of neural
    nets", NeurIPS 2018, section 7.
    """
    flat = points.reshape(len(points), -1)
    centred = flat - flat.mean(axis=0)
    _, singular, directions = np.linalg.svd(centred, full_matrices=False)
    if not singular[0] > 0:
        raise ValueError(
            f"A path of {len(points)} point(s) without any step has no principal directions: "
            "choose two parameters, or fit with more iterations."
        )
    if flat.shape[1] < 2:
        raise ValueError("A surface needs two parameters, but the model has only one.")
    first = directions[0]
    if len(singular) > 1 and singular[1] > MIN_SINGULAR_RATIO * singular[0]:
        second = directions[1]
    else:
        second = np.eye(flat.shape[1])[np.argmin(np.abs(first))]
        second -= (second @ first) * first
        second /= np.linalg.norm(second)
    ratios = np.append(singular**2, 0.0)[:2] / np.sum(singular**2)
    ratio_1, ratio_2 = (float(ratio) for ratio in ratios)
    labels = direction_label(1, ratio_1), direction_label(2, ratio_2)
    first, second = (with_fixed_sign(v).reshape(w.shape) for v in (first, second))
    return Plane(w, first, second, labels, (ratio_1, ratio_2))


def direction_label(number: int, ratio: float) -> str:
    """Return the axis label of a principal direction."""
    ratio = round(ratio, 4)
    return f"direction {number} ({100 * ratio:.3g} % of the variance)"


def with_fixed_sign(v: Array) -> Array:
    """Return v or −v, so that the entry largest in magnitude is positive."""
    return v * np.sign(v[np.argmax(np.abs(v))])


class CostOnPlane:
    """J on a plane: z = Xw is linear in (s, t), so three products with X serve all points.

    Parameters
    ----------
    objective : Objective
    plane : Plane
    """

    def __init__(self, objective: Objective, plane: Plane) -> None:
        self.objective, self.plane = objective, plane
        w = np.hstack([plane.origin, plane.first, plane.second]).astype(objective.data.dtype)
        scores = np.empty((objective.data.n_rows, w.shape[1]))

        def store_scores(rows: Rows) -> tuple[float]:
            scores[rows.index] = rows.forward(w)
            return (0.0,)  # `Dataset.sum` needs a term

        objective.data.sum(store_scores)
        self.scores = np.split(scores, 3, axis=1)

    def row_chunks(self) -> Iterator[slice]:
        """Yield slices of ``ROWS_PER_CHUNK`` rows."""
        for start in range(0, self.objective.data.n_rows, ROWS_PER_CHUNK):
            yield slice(start, start + ROWS_PER_CHUNK)

    def __call__(self, s: float, t: float) -> float:
        """Evaluate J at one point."""
        return float(self.grid(np.array([s]), np.array([t]))[0, 0])

    def grid(self, s: Array, t: Array) -> Array:
        """Evaluate J at all points of a grid; return shape (len(t), len(s))."""
        data, loss, penalty = self.objective.data, self.objective.loss, self.objective.penalty
        cost = np.array([[penalty.value(self.plane.at(s_j, t_i)) for s_j in s] for t_i in t])
        for rows in self.row_chunks():
            z, z_first, z_second = (part[rows] for part in self.scores)
            y, share = data.y[rows], data.share_of(rows)
            for i, t_i in enumerate(t):
                z_i = z + t_i * z_second
                cost[i] += [loss.loss_sum(z_i + s_j * z_first, y, share) for s_j in s]
        return cost

    def minimum(self, s: Array, t: Array, cost: Array) -> tuple[float, float]:
        """Minimise J within the bounds of a grid, from its lowest point; return (s, t).

        J is convex, so a local search finds the global minimum.
        """
        row, column = np.unravel_index(np.argmin(cost), cost.shape)
        low, span = np.array([s[0], t[0]]), np.array([s[-1] - s[0], t[-1] - t[0]])

        def cost_at(unit: Array) -> float:
            point_s, point_t = low + span * unit
            return self(point_s, point_t)

        options: Any = {"xatol": 1e-5, "fatol": 1e-14, "maxiter": 400}
        result = minimize(
            cost_at,
            (np.array([s[column], t[row]]) - low) / span,
            method="Nelder-Mead",
            bounds=Bounds([0, 0], [1, 1]),
            options=options,
        )
        s_min, t_min = low + span * result.x
        return float(s_min), float(t_min)
