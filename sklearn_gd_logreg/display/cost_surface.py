"""CostSurfaceDisplay: J on a plane in parameter space, and the path of the descent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from .._floating import ignore_floating_errors
from .._text import shown
from .._typing import Array
from ..inspection.fitted import objective_of
from ..validation import Interval, InvalidParameterError
from .landscape import cost_landscape
from .models import final_step, retrace_descent
from .plane import principal_plane
from .style import (
    BEST_MARKER,
    axes_for,
    check_choice,
    check_interval,
    marker_indices,
    require_pyplot,
    wrap_text,
)
from .surface_inputs import parameter_plane, path_points

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SURFACE_KINDS = "contour", "surface"
N_LEVELS = 15
LABEL_CHARACTERS, LABEL_CHARACTERS_3D = 58, 36
MAX_MARKED_POINTS = 101
EDGE_FRACTION = 1e-3
"""Fraction of the grid's extent within which a point counts as on its edge."""

PATH_STYLE: dict[str, Any] = {
    "color": "#d55e00", "lw": 1.8, "marker": "o", "ms": 4, "mec": "white", "mew": 0.6
}  # fmt: skip
START_MARKER: dict[str, Any] = {
    "ls": "none",
    "marker": "o",
    "ms": 9,
    "mfc": "white",
    "mec": "black",
}
END_MARKER = START_MARKER | {"marker": "s", "mfc": "#d55e00"}
LOWEST_MARKER = BEST_MARKER | {"mfc": "#f0e442"}


class CostSurfaceDisplay:
    """The cost J over two parameters or two directions, with the path of the descent.

    `from_estimator` computes the data from a fitted model; the constructor takes them directly.

    The other parameters change along the path too, so the picture shows its orthogonal
    projection onto the plane. In three dimensions its height is its true J, so it lies above
    the surface where it leaves the plane. A model of two parameters never leaves it.

    Parameters
    ----------
    x, y : ndarray of shape (n_x,) and (n_y,)
        Coordinates of the grid.
    cost : ndarray of shape (n_y, n_x)
        J on the grid.
    path : ndarray of shape (n_points, 2)
        The path of the descent, projected onto the plane.
    path_cost : ndarray of shape (n_points,)
        J at the points of the path before projection.
    minimum : (float, float)
        Point of the lowest J within the grid.
    labels : (str, str)
        Axis labels.
    explained_variance_ratio : (float, float) or None, default=None
        Fraction of the path's variance along each principal direction; None if the axes are
        parameters.

    Attributes
    ----------
    x, y, cost, path, path_cost, minimum, labels, explained_variance_ratio
        As given.
    ax_ : matplotlib Axes
        Axes of the plot.
    figure_ : matplotlib Figure
        Figure of the plot.
    surface_ : matplotlib ContourSet or Poly3DCollection
        Contours or surface.
    line_ : matplotlib Line2D
        The path.
    colorbar_ : matplotlib Colorbar or None
        Colour bar of the contours.

    References
    ----------
    Li, Xu, Taylor, Studer and Goldstein, "Visualizing the loss landscape of neural
    nets", NeurIPS 2018.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.preprocessing import scale
    >>> from sklearn_gd_logreg import CostSurfaceDisplay, GDLogisticRegression
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> clf = GDLogisticRegression(solver="gd", max_iter=20, tol=0).fit(scale(X), y)
    >>> display = CostSurfaceDisplay.from_estimator(clf, scale(X), y, grid_resolution=20)
    >>> print(display.cost.shape, len(display.path))
    (20, 20) 21
    """

    def __init__(
        self,
        x: Array,
        y: Array,
        cost: Array,
        path: Array,
        path_cost: Array,
        minimum: tuple[float, float],
        labels: tuple[str, str],
        explained_variance_ratio: tuple[float, float] | None = None,
    ) -> None:
        self.x = x
        self.y = y
        self.cost = cost
        self.path = path
        self.path_cost = path_cost
        self.minimum = minimum
        self.labels = labels
        self.explained_variance_ratio = explained_variance_ratio

    @classmethod
    @ignore_floating_errors()
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        sample_weight: ArrayLike | None = None,
        parameters: tuple[Any, Any] | None = None,
        path: ArrayLike | None = None,
        max_steps: int = 1000,
        grid_resolution: int = 50,
        margin: float = 0.25,
        kind: str = "contour",
        colorbar: bool = True,
        ax: Axes | None = None,
    ) -> CostSurfaceDisplay:
        """Compute J around the path of a descent, and draw it.

        Parameters
        ----------
        estimator : estimator
            A fitted `GDLogisticRegression`, or a pipeline or search that ends in one. The
            plane contains its parameters.
        X, y
            Training data of the model.
        sample_weight : array-like of shape (n_samples,), default=None
            Training weights of the model.
        parameters : pair, default=None
            The two parameters to show; the others keep their fitted values. Each is the index
            or name of a feature or ``"intercept"``. With more than two classes each is a pair
            with the index of its class in ``classes_``, not counting classes without a row of
            non-zero weight: ``(("petal width", 2), ("intercept", 2))``. None: the two
            principal directions of the path.
        path : array-like of shape (n_points, n_features + 1), default=None
            The iterates, with the intercept last (omitted with ``fit_intercept=False``); for
            K > 2 classes of shape (n_points, K, n_features + 1). The callback `Trajectory`
            keeps them in any fit. None: a clone of the model repeats the fit from w = 0. It is
            an error if it does not end at the model, as after early stopping with ``X_val``.
        max_steps : int, default=1000
            Largest number of steps that the clone repeats; later steps are not shown.
        grid_resolution : int, default=50
            Points of the grid in each direction.
        margin : float, default=0.25
            Margin around the path, as a fraction of its extent.
        kind, colorbar, ax
            As in `plot`.

        Returns
        -------
        CostSurfaceDisplay
        """
        name = cls.__name__
        require_pyplot(name)
        check_choice(name, "kind", kind, SURFACE_KINDS)
        check_interval(name, "max_steps", max_steps, Interval(1, np.inf, "[)", integral=True))
        resolutions = Interval(2, np.inf, "[)", integral=True)
        check_interval(name, "grid_resolution", grid_resolution, resolutions)
        check_interval(name, "margin", margin, Interval(0, np.inf, "[)"))
        step = final_step(name, estimator, X, y, fitted=True)
        model = step.estimator
        fitted = objective_of(model, step.X, y, sample_weight)
        plane, w, present = None, fitted.w, fitted.present
        if parameters is not None:
            plane = parameter_plane(name, step, model.classes_[present], w, parameters)
        if path is None:
            points = retrace_descent(name, model, step.X, y, sample_weight, int(max_steps))
        else:
            points = path_points(name, path, model, present)
        plane = principal_plane(w, points) if plane is None else plane
        grid = int(grid_resolution), float(margin)
        display = cls(*cost_landscape(fitted.objective, plane, w, points, *grid))
        return display.plot(ax, kind=kind, colorbar=colorbar)

    @ignore_floating_errors()
    def plot(
        self, ax: Axes | None = None, *, kind: str = "contour", colorbar: bool = True
    ) -> CostSurfaceDisplay:
        """Draw the surface and the path.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on, with ``projection="3d"`` for a surface. None: a new figure.
        kind : {"contour", "surface"}, default="contour"
            Contours, or a surface in three dimensions. The heights of the contours above the
            lowest J grow quadratically, so those of a parabola are evenly spaced.
        colorbar : bool, default=True
            Whether to draw a colour bar beside the contours.

        Returns
        -------
        self : CostSurfaceDisplay
        """
        in_3d = check_choice(type(self).__name__, "kind", kind, SURFACE_KINDS) == "surface"
        check_projection(type(self).__name__, ax, in_3d)
        self.ax_, self.figure_ = axes_for(
            type(self).__name__, ax, **{"projection": "3d"} if in_3d else {}
        )
        self.colorbar_: Any = None
        if in_3d:
            self._draw_surface()
        else:
            self._draw_contours(colorbar)
        self._draw_path(in_3d)
        width = LABEL_CHARACTERS_3D if in_3d else LABEL_CHARACTERS
        labels = [wrap_text(label, width) for label in self.labels]
        self.ax_.set(xlabel=labels[0], ylabel=labels[1])
        above: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0, 1), "ncols": 4}
        place = {"loc": "upper left"} if in_3d else above  # the corner of a cube is empty
        self.ax_.legend(
            frameon=False, handlelength=1.6, handletextpad=0.5, columnspacing=1, **place
        )
        return self

    def _draw_contours(self, colorbar: bool) -> None:
        ax, levels = self.ax_, contour_levels(self.cost)
        self.surface_ = ax.contourf(self.x, self.y, self.cost, levels, cmap="viridis")
        ax.contour(self.x, self.y, self.cost, levels, colors="white", linewidths=0.5, alpha=0.6)
        if colorbar:
            self.colorbar_ = self.figure_.colorbar(
                self.surface_, ax=ax, label="cost J", format="%.3g"
            )

    def _draw_surface(self) -> None:
        self.ax_.computed_zorder = False  # else the path would be hidden behind the surface
        grid = np.meshgrid(self.x, self.y)
        self.surface_ = self.ax_.plot_surface(*grid, self.cost, cmap="viridis", alpha=0.8)
        self.ax_.set_zlabel("cost J")
        self.ax_.set_box_aspect(None, zoom=0.88)  # room for the labels
        for axis in (self.ax_.xaxis, self.ax_.yaxis):
            axis.labelpad = 13

    def _draw_path(self, in_3d: bool) -> None:
        """Draw the path, its ends, and the lowest point."""
        heights = [self.path_cost] if in_3d else []
        path = np.column_stack([self.path, *heights])
        lowest = [*self.minimum, self.cost.min()][: path.shape[1]]
        marked = marker_indices(len(path)) if len(path) > MAX_MARKED_POINTS else None
        n_steps = len(path) - 1
        label = f"{n_steps} step{'s' if n_steps != 1 else ''}"
        (self.line_,) = self.ax_.plot(
            *path.T, **PATH_STYLE, markevery=marked, label=label, zorder=6
        )
        for point, marker, name in (
            (lowest, LOWEST_MARKER, "lowest shown" if self._minimum_is_at_edge() else "lowest"),
            (path[0], START_MARKER, "start"),
            (path[-1], END_MARKER, "end"),
        ):
            self.ax_.plot(*np.reshape(point, (-1, 1)), **marker, label=name, zorder=7)

    def _minimum_is_at_edge(self) -> bool:
        """Whether the lowest point is at the edge of the grid, so that J decreases beyond it."""
        axes = zip(self.minimum, (self.x, self.y), strict=True)
        return any(min(at - t[0], t[-1] - at) < EDGE_FRACTION * (t[-1] - t[0]) for at, t in axes)


def contour_levels(cost: Array) -> Array:
    """Return levels whose heights above the lowest J grow quadratically."""
    low, high = float(cost.min()), float(cost.max())
    if not high > low:
        high = low + max(abs(low), 1.0) * 1e-6
    return low + (high - low) * np.linspace(0, 1, N_LEVELS) ** 2


def check_projection(caller: str, ax: Axes | None, in_3d: bool) -> None:
    """Raise unless the given axes are three-dimensional for a surface, and flat otherwise."""
    if ax is not None and (ax.name == "3d") != in_3d:
        needed = "have projection='3d'" if in_3d else "be flat"
        raise InvalidParameterError(
            f"The 'ax' parameter of {caller} must {needed} for this kind. Got {shown(ax)} instead."
        )
