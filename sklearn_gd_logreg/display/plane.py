"""A plane through the space of the parameters, and the cost on it."""

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
"""Rows that are worked on at a time: their scores stay in the cache for all points of a grid."""

RANK = 1e-10
"""A path that leaves a line by less than this part of its length is a line."""


@dataclass(frozen=True)
class Plane:
    """w = origin + s · first + t · second, the directions orthonormal.

    Attributes
    ----------
    origin, first, second : arrays of shape (n_parameters, n_outputs)
    labels : (str, str)
        What s and t are.
    shares : (float, float) or None
        Which part of the variance of a path the directions hold.
    """

    origin: Array
    first: Array
    second: Array
    labels: tuple[str, str]
    shares: tuple[float, float] | None = None

    def coordinates(self, points: Array) -> Array:
        """(s, t) of the foot of the perpendicular from each of n points; shape (n, 2)."""
        offset = (points - self.origin).reshape(len(points), -1)
        return offset @ np.column_stack([self.first.ravel(), self.second.ravel()])

    def at(self, s: float, t: float) -> Array:
        """The parameters w at (s, t)."""
        return self.origin + s * self.first + t * self.second


def axes_plane(w: Array, entries: list[tuple[int, int]], labels: tuple[str, str]) -> Plane:
    """The plane of two parameters of w, named by row and column; the others as they are."""
    origin, directions = w.copy(), np.zeros((2, *w.shape))
    for direction, entry in zip(directions, entries, strict=True):
        origin[entry], direction[entry] = 0, 1
    return Plane(origin, directions[0], directions[1], labels)


def principal_plane(w: Array, points: Array) -> Plane:
    """The plane through w along the two directions in which a path varies most.

    They are the first two principal components of its points. Should the path be a line,
    the second is the coordinate axis that is most nearly at right angles to it.

    Parameters
    ----------
    w : array of shape (n_parameters, n_outputs)
    points : array of shape (n_points, n_parameters, n_outputs)

    Raises
    ------
    ValueError
        If the path does not move, or there is but one parameter.

    References
    ----------
    Li, Xu, Taylor, Studer and Goldstein, "Visualizing the loss landscape of neural
    nets", NeurIPS 2018, section 7.
    """
    flat = points.reshape(len(points), -1)
    centred = flat - flat.mean(axis=0)
    _, lengths, directions = np.linalg.svd(centred, full_matrices=False)
    if not lengths[0] > 0:
        raise ValueError(
            f"A path of {len(points)} point(s) that does not move has no principal directions: "
            "choose two parameters, or fit with more iterations."
        )
    if flat.shape[1] < 2:
        raise ValueError("A surface needs two parameters, but the model has only one.")
    first = directions[0]
    if len(lengths) > 1 and lengths[1] > RANK * lengths[0]:
        second = directions[1]
    else:
        second = np.eye(flat.shape[1])[np.argmin(np.abs(first))]
        second -= (second @ first) * first
        second /= np.linalg.norm(second)
    shares = np.append(lengths**2, 0.0)[:2] / np.sum(lengths**2)
    one, two = (float(share) for share in shares)
    labels = direction_label(1, one), direction_label(2, two)
    first, second = (upright(v).reshape(w.shape) for v in (first, second))
    return Plane(w, first, second, labels, (one, two))


def direction_label(number: int, share: float) -> str:
    """What a principal direction is called on its axis."""
    share = round(share, 4)
    return f"direction {number} ({100 * share:.3g} % of the path's variance)"


def upright(v: Array) -> Array:
    """The direction or its opposite, whichever has its largest entry positive."""
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

        def forward(rows: Rows) -> tuple[float]:
            scores[rows.index] = rows.forward(w)
            return (0.0,)

        objective.data.sum(forward)
        self.scores = np.split(scores, 3, axis=1)

    def chunks(self) -> Iterator[slice]:
        """The rows, some at a time."""
        for start in range(0, self.objective.data.n_rows, ROWS_PER_CHUNK):
            yield slice(start, start + ROWS_PER_CHUNK)

    def __call__(self, s: float, t: float) -> float:
        """J at one point."""
        return float(self.grid(np.array([s]), np.array([t]))[0, 0])

    def grid(self, s: Array, t: Array) -> Array:
        """J at all points of a grid, shape (len(t), len(s))."""
        data, loss, penalty = self.objective.data, self.objective.loss, self.objective.penalty
        cost = np.array([[penalty.value(self.plane.at(a, b)) for a in s] for b in t])
        for rows in self.chunks():
            z, u, v = (part[rows] for part in self.scores)
            y, share = data.y[rows], data.share_of(rows)
            for row, b in enumerate(t):
                line = z + b * v
                cost[row] += [loss.loss_sum(line + a * u, y, share) for a in s]
        return cost

    def lowest(self, s: Array, t: Array, cost: Array) -> tuple[float, float]:
        """(s, t) of the lowest J within a grid, from the lowest point of the grid on.

        J is convex, so there is but one valley to go down.
        """
        row, column = np.unravel_index(np.argmin(cost), cost.shape)
        low, span = np.array([s[0], t[0]]), np.array([s[-1] - s[0], t[-1] - t[0]])

        def height(x: Array) -> float:
            at_s, at_t = low + span * x
            return self(at_s, at_t)

        precise: Any = {"xatol": 1e-5, "fatol": 1e-14, "maxiter": 400}
        found = minimize(
            height,
            (np.array([s[column], t[row]]) - low) / span,
            method="Nelder-Mead",
            bounds=Bounds([0, 0], [1, 1]),
            options=precise,
        )
        s_low, t_low = low + span * found.x
        return float(s_low), float(t_low)
