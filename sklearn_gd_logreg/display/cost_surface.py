"""CostSurfaceDisplay: J on a plane in parameter space, and the paths of descents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from .._floating import ignore_floating_errors
from .._typing import Array
from ..validation import Interval, check_choice, check_interval
from .landscape import cost_landscape
from .models import final_estimator, named
from .plane import principal_plane
from .style import (
    axes_for,
    check_axes,
    marker_indices,
    mixed,
    place_legend_above,
    require_pyplot,
    theme_of,
    wrap_text,
)
from .surface_inputs import (
    check_path_names,
    fits_of_one_cost,
    lowest_fit,
    parameter_plane,
    points_of_fit,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SURFACE_KINDS = "contour", "surface"
N_LEVELS = 15
LABEL_CHARACTERS, LABEL_CHARACTERS_3D = 58, 36
N_TICKS_3D = 4
"""Largest number of intervals between ticks in three dimensions, where labels have less room."""

MAX_MARKED_POINTS = 101
EDGE_FRACTION = 1e-3
"""Fraction of the grid's extent within which a point counts as on its edge."""

PATH_LOOKS = (
    ("#d55e00", "o"), ("#56b4e9", "^"), ("#cc79a7", "v"), ("#e69f00", "D"), ("#7f7f7f", "P"),
    ("#009e73", "X"),
)  # fmt: skip
"""Colour and marker of each path; those first that contrast most with the surface."""

PATH_STYLE: dict[str, Any] = {"lw": 1.8, "ms": 4, "mec": "white", "mew": 0.6, "zorder": 6}
OUTLINE_STYLE: dict[str, Any] = {"lw": 3.4, "color": "white", "zorder": 5}
"""Style of the line under a path, which sets it off from the surface."""

END_STYLE: dict[str, Any] = {"ls": "none", "mec": "black", "zorder": 7}
START_MARKER = END_STYLE | {"marker": "o", "ms": 9, "mfc": "white"}
END_MARKER = END_STYLE | {"marker": "s", "ms": 8}
LOWEST_MARKER = END_STYLE | {"marker": "*", "ms": 13, "mfc": "#f0e442", "zorder": 8}
PANE_MIX = 0.95
"""Fraction of the background in the colour of the walls behind a surface."""


class CostSurfaceDisplay:
    """The cost J over two parameters or two directions, with the paths of descents.

    `from_estimator` and `from_estimators` compute the data from fitted models; the constructor
    takes them directly.

    The other parameters change along a path too, so the picture shows its orthogonal
    projection onto the plane. In three dimensions its height is its true J, so it lies above
    the surface where it leaves the plane. A model of two parameters never leaves it.

    Parameters
    ----------
    x, y : ndarray of shape (n_x,) and (n_y,)
        Coordinates of the grid.
    cost : ndarray of shape (n_y, n_x)
        J on the grid.
    paths : dict of str to ndarray of shape (n_points, 2)
        The path of each descent, projected onto the plane.
    path_costs : dict of str to ndarray of shape (n_points,)
        J at the points of each path before projection.
    minimum : (float, float)
        Point of the lowest J within the grid.
    labels : (str, str)
        Axis labels.
    explained_variance_ratio : (float, float) or None, default=None
        Fraction of the paths' variance along each principal direction; None if the axes are
        parameters.

    Attributes
    ----------
    x, y, cost, paths, path_costs, minimum, labels, explained_variance_ratio
        As given.
    ax_ : matplotlib Axes
        Axes of the plot.
    figure_ : matplotlib Figure
        Figure of the plot.
    surface_ : matplotlib ContourSet or Poly3DCollection
        Contours or surface.
    lines_ : list of matplotlib Line2D
        The paths.
    colorbar_ : matplotlib Colorbar or None
        Colour bar of the contours.

    See Also
    --------
    CostCurveDisplay : The cost at every iteration.

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
    >>> X = scale(X)
    >>> clf = GDLogisticRegression(solver="gd", max_iter=20, tol=0).fit(X, y)
    >>> display = CostSurfaceDisplay.from_estimator(
    ...     clf, X, y, grid_resolution=20
    ... )
    >>> print(display.cost.shape, len(display.lines_[0].get_xdata()))
    (20, 20) 21
    """

    def __init__(
        self,
        x: Array,
        y: Array,
        cost: Array,
        paths: Mapping[str, Array],
        path_costs: Mapping[str, Array],
        minimum: tuple[float, float],
        labels: tuple[str, str],
        explained_variance_ratio: tuple[float, float] | None = None,
    ) -> None:
        self.x = x
        self.y = y
        self.cost = cost
        self.paths = paths
        self.path_costs = path_costs
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
        name: str | None = None,
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
        name : str, default=None
            Name of the path in ``paths``; None: the name of the model's class.
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
        require_pyplot(cls.__name__)
        label = type(final_estimator(cls.__name__, estimator)).__name__ if name is None else name
        return cls.from_estimators(
            {label: estimator},
            X,
            y,
            sample_weight=sample_weight,
            parameters=parameters,
            path=None if path is None else {label: path},
            max_steps=max_steps,
            grid_resolution=grid_resolution,
            margin=margin,
            kind=kind,
            colorbar=colorbar,
            ax=ax,
        )

    @classmethod
    @ignore_floating_errors()
    def from_estimators(
        cls,
        estimators: Mapping[str, Any] | Sequence[Any],
        X: Any,
        y: Any,
        *,
        sample_weight: ArrayLike | None = None,
        parameters: tuple[Any, Any] | None = None,
        path: Mapping[str, ArrayLike] | None = None,
        max_steps: int = 1000,
        grid_resolution: int = 50,
        margin: float = 0.25,
        kind: str = "contour",
        colorbar: bool = True,
        ax: Axes | None = None,
    ) -> CostSurfaceDisplay:
        """Compute J around the paths of several descents on one cost, and draw them.

        Parameters
        ----------
        estimators : dict of str to estimator, or list of estimators
            Fitted models, by their names in the legend. Models of a list are numbered. They
            minimise the same J: the same data, penalty and class weights. The plane contains the
            parameters of the model with the lowest J.
        X, y, sample_weight, parameters
            As in `from_estimator`. The principal directions are those of all paths together.
        path : dict of str to array-like, default=None
            The iterates of the models named in it, in a shape of `from_estimator`.
        max_steps, grid_resolution, margin, kind, colorbar, ax
            As in `from_estimator`.

        Returns
        -------
        CostSurfaceDisplay
        """
        caller = cls.__name__
        in_3d = check_choice(caller, "kind", kind, SURFACE_KINDS) == "surface"
        check_axes(caller, ax, in_3d)
        check_interval(caller, "max_steps", max_steps, Interval(1, np.inf, "[)", integral=True))
        resolutions = Interval(2, np.inf, "[)", integral=True)
        check_interval(caller, "grid_resolution", grid_resolution, resolutions)
        check_interval(caller, "margin", margin, Interval(0, np.inf, "[)"))
        models = named(caller, estimators)
        path = check_path_names(caller, {} if path is None else path, models)
        fits = fits_of_one_cost(caller, models, X, y, sample_weight)
        best = lowest_fit(fits)
        plane = None if parameters is None else parameter_plane(caller, best, parameters)
        points = {
            label: points_of_fit(caller, fit, y, sample_weight, path.get(label), int(max_steps))
            for label, fit in fits.items()
        }
        w = best.fitted.w
        plane = principal_plane(w, np.concatenate([*points.values()])) if plane is None else plane
        grid = int(grid_resolution), float(margin)
        display = cls(*cost_landscape(best.fitted.objective, plane, w, points, *grid))
        return display.plot(ax, kind=kind, colorbar=colorbar)

    @ignore_floating_errors()
    def plot(
        self, ax: Axes | None = None, *, kind: str = "contour", colorbar: bool = True
    ) -> CostSurfaceDisplay:
        """Draw the surface and the paths.

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
        self.ax_, self.figure_ = axes_for(type(self).__name__, ax, in_3d)
        self.colorbar_: Any = None
        if in_3d:
            self._draw_surface()
        else:
            self._draw_contours(colorbar)
        self._draw_paths(in_3d)
        width = LABEL_CHARACTERS_3D if in_3d else LABEL_CHARACTERS
        labels = [wrap_text(label, width) for label in self.labels]
        self.ax_.set(xlabel=labels[0], ylabel=labels[1])
        handles = self.ax_.get_legend_handles_labels()[0]
        if in_3d:  # the corner of a cube is empty
            self.ax_.legend(handles=handles, loc="upper left", frameon=False, fontsize=9)
        else:
            place_legend_above(self.ax_, handles, n_columns=4 if len(self.paths) == 1 else 3)
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
        ax, theme = self.ax_, theme_of(self.ax_)
        ax.computed_zorder = False  # else the paths would be hidden behind the surface
        grid = np.meshgrid(self.x, self.y)
        self.surface_ = ax.plot_surface(*grid, self.cost, cmap="viridis", alpha=0.8)
        ax.set_zlabel("cost J")
        ax.set_box_aspect(None, zoom=0.88)  # room for the labels
        for axis in (ax.xaxis, ax.yaxis, ax.zaxis):
            axis.set_pane_color(mixed(theme.text, theme.background, PANE_MIX))
            axis.get_major_locator().set_params(nbins=N_TICKS_3D)
            axis.labelpad = 9

    def _draw_paths(self, in_3d: bool) -> None:
        """Draw the paths, their ends, and the lowest point."""
        ends: list[tuple[Any, dict[str, Any], str]] = []
        self.lines_: list[Any] = []
        for (colour, marker), (name, projected) in zip(cycle(PATH_LOOKS), self.paths.items()):
            heights = [self.path_costs[name]] if in_3d else []
            path = np.column_stack([projected, *heights])
            style = PATH_STYLE | {"color": colour, "marker": marker}
            if len(path) > MAX_MARKED_POINTS:
                style["markevery"] = marker_indices(len(path))
            label = step_text(len(path) - 1)
            label = label if len(self.paths) == 1 else f"{name}, {label}"
            self.ax_.plot(*path.T, **OUTLINE_STYLE)
            self.lines_ += self.ax_.plot(*path.T, **style, label=label)
            ends.append((path[0], START_MARKER, "start"))
            ends.append((path[-1], END_MARKER | {"mfc": colour}, "end"))
        lowest = [*self.minimum, self.cost.min()][: 3 if in_3d else 2]
        text = "lowest shown" if self._minimum_is_at_edge() else "lowest"
        for number, (point, style, label) in enumerate([*ends, (lowest, LOWEST_MARKER, text)]):
            label = label if number < 2 or label == text else f"_{label}"
            self.ax_.plot(*np.reshape(point, (-1, 1)), **style, label=label)

    def _minimum_is_at_edge(self) -> bool:
        """Whether the lowest point is at the edge of the grid, so that J decreases beyond it."""
        axes = zip(self.minimum, (self.x, self.y), strict=True)
        return any(min(at - t[0], t[-1] - at) < EDGE_FRACTION * (t[-1] - t[0]) for at, t in axes)


def step_text(n_steps: int) -> str:
    """Return the number of steps in words."""
    return f"{n_steps} step{'s' if n_steps != 1 else ''}"


def contour_levels(cost: Array) -> Array:
    """Return levels whose heights above the lowest J grow quadratically."""
    low, high = float(cost.min()), float(cost.max())
    if not high > low:
        high = low + max(abs(low), 1.0) * 1e-6
    return low + (high - low) * np.linspace(0, 1, N_LEVELS) ** 2
