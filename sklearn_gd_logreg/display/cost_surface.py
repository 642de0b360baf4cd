"""CostSurfaceDisplay: J on a plane through the parameters, and the way of the descent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from .._floating import ignoring
from .._text import shown
from .._typing import Array
from ..inspection.fitted import settle
from ..validation import Interval, InvalidParameterError
from .choices import parameter_plane, points_of
from .landscape import landscape
from .models import trace, unwrap
from .plane import principal_plane
from .style import STAR, axes_for, check, choose, require_pyplot, spaced, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAME = "CostSurfaceDisplay"
KINDS_OF_SURFACE = "contour", "surface"
N_LEVELS = 15
LABEL_WIDTH = 58
DEEP_LABEL_WIDTH = 36
MAX_PATH_MARKERS, NEAR_THE_MODEL = 101, 1e-3
PATH: dict[str, Any] = {
    "color": "#d55e00", "lw": 1.8, "marker": "o", "ms": 4, "mec": "white", "mew": 0.6
}  # fmt: skip
START: dict[str, Any] = {"ls": "none", "marker": "o", "ms": 9, "mfc": "white", "mec": "black"}
END = START | {"marker": "s", "mfc": "#d55e00"}
LOWEST = STAR | {"mfc": "#f0e442"}


class CostSurfaceDisplay:
    """The cost J over two parameters or two directions, and the path of the descent on it.

    The constructor takes the data; `from_estimator` works them out. The path is drawn at the
    feet of its perpendiculars on the plane, since the other parameters move too. So in three
    dimensions it has its true height, J, and lies above the surface wherever it is off the
    plane. With two parameters in all it lies on the surface.

    Parameters
    ----------
    x, y : ndarray of shape (n_x,) and (n_y,)
        The grid.
    cost : ndarray of shape (n_y, n_x)
        J on the grid.
    path : ndarray of shape (n_points, 2)
        The path of the descent, in the coordinates of the grid.
    path_cost : ndarray of shape (n_points,)
        J at the points of the path, which may be off the plane.
    minimum : (float, float)
        The point of the lowest J in the picture.
    labels : (str, str)
        Of the two axes.
    explained_variance_ratio : (float, float) or None, default=None
        Share of the variance of the path in each principal direction; None: the axes are
        parameters.

    Attributes
    ----------
    x, y, cost, path, path_cost, minimum, labels, explained_variance_ratio
        As given.
    ax_ : matplotlib Axes
        What was drawn on.
    figure_ : matplotlib Figure
        Its figure.
    surface_ : matplotlib ContourSet or Poly3DCollection
        The surface.
    line_ : matplotlib Line2D
        The path.
    colorbar_ : matplotlib Colorbar or None
        The scale of the colours.

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
    @ignoring()
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
        """Work out J around the path of a descent, and draw it.

        Parameters
        ----------
        estimator : estimator
            A fitted `GDLogisticRegression`, or a pipeline or search that ends in one. The
            plane goes through its parameters.
        X, y
            The rows that it was fitted on.
        sample_weight : array-like of shape (n_samples,), default=None
            Likewise.
        parameters : pair, default=None
            The two parameters to show, each the number or name of a feature or
            ``"intercept"``; for more than two classes each with the number of its class in
            ``classes_``: ``(("petal width", 2), ("intercept", 2))``. Classes without a row of
            non-zero weight are left out. The others keep their fitted values. None: the two
            principal directions of the path.
        path : array-like of shape (n_points, n_features + 1), default=None
            Where the descent has been, with the intercept last (left out with
            ``fit_intercept=False``); for K > 2 classes of shape (n_points, K,
            n_features + 1). None: a clone of the model is led along its way once more, from 0,
            and it is an error if that does not end at the model, as after early stopping by
            ``X_val``. The callback `Trajectory` keeps the path of any fit.
        max_steps : int, default=1000
            How many steps it is led at most; of a longer descent the rest is not shown.
        grid_resolution : int, default=50
            Points of the grid in each direction.
        margin : float, default=0.25
            Room around the path, as a part of its extent.
        kind, colorbar, ax
            As in `plot`.

        Returns
        -------
        CostSurfaceDisplay
        """
        require_pyplot(NAME)
        choose(NAME, "kind", kind, KINDS_OF_SURFACE)
        check(NAME, "max_steps", max_steps, Interval(1, np.inf, "[)", integral=True))
        check(NAME, "grid_resolution", grid_resolution, Interval(2, np.inf, "[)", integral=True))
        check(NAME, "margin", margin, Interval(0, np.inf, "[)"))
        given = unwrap(NAME, estimator, X, y, fitted=True)
        settled = settle(given.final, given.X, y, sample_weight)
        objective, w = settled.objective, settled.w
        plane, final, present = None, given.final, settled.present
        if parameters is not None:
            plane = parameter_plane(NAME, given, final.classes_[present], w, parameters)
        if path is None:
            points = trace(NAME, final, given.X, y, sample_weight, int(max_steps))
        else:
            points = points_of(NAME, path, final, present)
        plane = principal_plane(w, points) if plane is None else plane
        room = int(grid_resolution), float(margin)
        return cls(*landscape(objective, plane, w, points, *room)).plot(
            ax, kind=kind, colorbar=colorbar
        )

    @ignoring()
    def plot(
        self, ax: Axes | None = None, *, kind: str = "contour", colorbar: bool = True
    ) -> CostSurfaceDisplay:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            What to draw on, with ``projection="3d"`` for a surface; None: a new figure.
        kind : {"contour", "surface"}, default="contour"
            Contours, or the surface in three dimensions. The levels of the contours are
            at squares above the lowest, so that around the minimum of a parabola they would
            be evenly spaced.
        colorbar : bool, default=True
            Whether to say beside the contours which colour is which cost.

        Returns
        -------
        self : CostSurfaceDisplay
        """
        deep = choose(NAME, "kind", kind, KINDS_OF_SURFACE) == "surface"
        require_projection(ax, deep)
        self.ax_, self.figure_ = axes_for(NAME, ax, **{"projection": "3d"} if deep else {})
        self.colorbar_: Any = None
        if deep:
            self._draw_surface()
        else:
            self._draw_contours(colorbar)
        self._mark(deep)
        width = DEEP_LABEL_WIDTH if deep else LABEL_WIDTH
        labels = [wrapped(label, width) for label in self.labels]
        self.ax_.set(xlabel=labels[0], ylabel=labels[1])
        above: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0, 1), "ncols": 4}
        place = {"loc": "upper left"} if deep else above  # the corner of a cube is empty
        self.ax_.legend(
            frameon=False, handlelength=1.6, handletextpad=0.5, columnspacing=1, **place
        )
        return self

    def _draw_contours(self, colorbar: bool) -> None:
        ax, levels = self.ax_, levels_of(self.cost)
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

    def _mark(self, deep: bool) -> None:
        """The path, its ends, and the lowest point."""
        heights = [self.path_cost] if deep else []
        path = np.column_stack([self.path, *heights])
        lowest = [*self.minimum, self.cost.min()][: path.shape[1]]
        every = spaced(len(path)) if len(path) > MAX_PATH_MARKERS else None
        n_steps = len(path) - 1
        label = f"{n_steps} step{'s' if n_steps != 1 else ''}"
        (self.line_,) = self.ax_.plot(*path.T, **PATH, markevery=every, label=label, zorder=6)
        for point, look, name in (
            (lowest, LOWEST, "lowest shown" if self._at_edge() else "lowest"),
            (path[0], START, "start"),
            (path[-1], END, "end"),
        ):
            self.ax_.plot(*np.reshape(point, (-1, 1)), **look, label=name, zorder=7)

    def _at_edge(self) -> bool:
        """Whether J falls further beyond the picture."""
        ticks = zip(self.minimum, (self.x, self.y), strict=True)
        return any(min(at - t[0], t[-1] - at) < NEAR_THE_MODEL * (t[-1] - t[0]) for at, t in ticks)


def levels_of(cost: Array) -> Array:
    """Levels at squares above the lowest J: those of a parabola would be evenly spaced."""
    low, high = float(cost.min()), float(cost.max())
    if not high > low:
        high = low + max(abs(low), 1.0) * 1e-6
    return low + (high - low) * np.linspace(0, 1, N_LEVELS) ** 2


def require_projection(ax: Axes | None, deep: bool) -> None:
    """Raise if the axes given are flat and should not be, or the other way round."""
    if ax is not None and (ax.name == "3d") != deep:
        needed = "have projection='3d'" if deep else "be flat"
        raise InvalidParameterError(
            f"The 'ax' parameter of {NAME} must {needed} for this kind of picture. Got {shown(ax)}."
        )
