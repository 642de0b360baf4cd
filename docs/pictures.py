"""The pictures of the documentation, in docs/_static/pictures, each light and dark.

``make pictures`` draws them; ``make pictures ARGS=--check`` says which of them are not what the
code draws now. For that each file holds, as a text in its metadata, the numbers, words and colours
of its figure. They are compared with a tolerance: pixels depend on the versions of matplotlib and
FreeType, and the last digits of numbers on the processor.

Some are drawn here, the others are figures of the gallery, darkened as on its pages. The check
draws the light ones alone: a dark one must hold the same but for colours.
"""

import argparse
import contextlib
import io
import json
import os
import re
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib import pyplot
from matplotlib.category import StrCategoryLocator
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedLocator
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from sklearn.datasets import load_breast_cancer, load_digits, load_sample_image
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

sys.path.append(str(Path(__file__).parent / "_ext"))

from dark_figures import darken

from sklearn_gd_logreg import (
    BiasVarianceDisplay,
    CostCurveDisplay,
    CostSurfaceDisplay,
    GDLogisticRegression,
    LearningRateDisplay,
    Momentum,
    train_dev_test_split,
)

FOLDER = Path(__file__).parent / "_static" / "pictures"
EXAMPLES = Path(__file__).parents[1] / "examples"
KEY = "Drawing"  # of the text in the metadata
DPI = 200  # for screens of two pixels a point
TOLERANCE = 0.01  # of numbers, relative, or a tenth of it relative to the largest in an array
MAX_SAMPLES = 25  # numbers of an array in the metadata
COLOUR = re.compile("#[0-9a-f]{6}")
NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?")

DARK_BACKGROUND, DARK_LINE, DARK_TEXT = "#14181e", "#5a6068", "#dfe3e8"
DARK = {
    "figure.facecolor": DARK_BACKGROUND,
    "axes.facecolor": DARK_BACKGROUND,
    "axes.edgecolor": DARK_TEXT,
    "axes.labelcolor": DARK_TEXT,
    "grid.color": DARK_LINE,
    "legend.facecolor": DARK_BACKGROUND,
    "legend.edgecolor": DARK_LINE,
    "text.color": DARK_TEXT,
    "xtick.color": DARK_TEXT,
    "ytick.color": DARK_TEXT,
}
THEMES: dict[str, dict[str, Any]] = {"": {"grid.color": "#d0d0d0"}, "-dark": DARK}

STEPS = {"gd": 300, "momentum": 300, "natural": 15}
GALLERY = {
    "ad_clicks": ("plot_ad_clicks", 2),
    "cat_recogniser": ("plot_cat_recogniser", 1),
    "computation_graph": ("plot_derivatives", 2),
    "derivatives": ("plot_derivatives", 1),
    "gradient_descent": ("plot_gradient_descent", 2),
    "house_prices": ("plot_house_prices", 2),
    "loss": ("plot_loss", 1),
    "loss_paths": ("plot_loss", 4),
    "one_example": ("plot_derivatives", 3),
    "optimisers": ("plot_optimisers", 1),
    "optimisers_costs": ("plot_optimisers", 2),
    "scale": ("plot_scale", 1),
    "sigmoid": ("plot_sigmoid", 1),
    "sigmoid_or_line": ("plot_sigmoid", 2),
    "spam": ("plot_spam", 1),
    "vectorisation": ("plot_vectorisation", 1),
}
"""Pictures that are figures of the gallery: the script and the number of the figure."""

MEASURED = {"vectorisation"}
"""Pictures of measured times, which no two runs draw alike."""

SURFACE_FEATURES = ["mean radius", "mean texture"]
SURFACE_STEPS = 12
SURFACE_SOLVERS = {"momentum": Momentum(beta=0.6), "gd": "gd"}
RATES = [0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.3, 0.4, 0.46, 0.7]


# -- the pictures -------------------------------------------------------------------------


def pictures() -> Iterator[tuple[str, Figure]]:
    """Draw each picture that is not of the gallery, in matplotlib's current style."""
    data = load_breast_cancer(as_frame=True)
    parts = train_dev_test_split(data.data, data.target, stratify=data.target, random_state=0)
    X_train, X_dev, _, y_train, y_dev, _ = parts
    scaler = StandardScaler().set_output(transform="pandas").fit(X_train)
    Z_train, Z_dev = scaler.transform(X_train), scaler.transform(X_dev)
    yield "cost_curves", cost_curves(Z_train, y_train, Z_dev, y_dev)
    yield "cost_surface", cost_surface(Z_train[SURFACE_FEATURES], y_train)
    yield "learning_rates", learning_rates(Z_train, y_train)
    yield "bias_variance", bias_variance(data.data.filter(like="mean"), data.target)
    yield "first_fit", first_fit(X_train, y_train, X_dev, y_dev)
    yield "early_stopping", early_stopping()
    yield "penalty_path", penalty_path(Z_train, y_train)
    yield "image_vector", image_vector()
    yield "notation", notation()


def of_gallery() -> Iterator[tuple[str, Figure]]:
    """Draw the pictures of the gallery, each script once."""
    for script in dict.fromkeys(script for script, _ in GALLERY.values()):
        pyplot.close("all")
        sys.argv = [script]
        with pyplot.rc_context(), contextlib.redirect_stdout(io.StringIO()):
            runpy.run_path(str(EXAMPLES / f"{script}.py"), run_name="__main__")
        for name, (of_script, number) in GALLERY.items():
            if of_script == script:
                yield name, pyplot.figure(number)


def cost_curves(X: Any, y: Any, X_dev: Any, y_dev: Any) -> Figure:
    fits = {
        solver: GDLogisticRegression(solver=solver, C=10, max_iter=n_steps, tol=0)
        for solver, n_steps in STEPS.items()
    }
    for clf in fits.values():
        clf.fit(X, y, X_val=X_dev, y_val=y_dev)
    figure, ax = pyplot.subplots(figsize=(7.4, 3.9), layout="constrained")
    CostCurveDisplay.from_estimators(fits, scale="log", x_scale="log", ax=ax)
    return figure


def cost_surface(X: Any, y: Any) -> Figure:
    """Two weights and no intercept: the paths lie on the surface."""
    fits = {
        name: GDLogisticRegression(
            solver=solver, C=0.05, fit_intercept=False, max_iter=SURFACE_STEPS, tol=0
        ).fit(X, y)
        for name, solver in SURFACE_SOLVERS.items()
    }
    figure = pyplot.figure(figsize=(8, 4))
    left = figure.add_axes((0.09, 0.13, 0.42, 0.7))
    right = figure.add_axes((0.52, 0.02, 0.45, 0.98), projection="3d")
    display = CostSurfaceDisplay.from_estimators(
        fits, X, y, parameters=(0, 1), margin=0.6, colorbar=False, ax=left
    )
    display.plot(right, kind="surface")
    right.view_init(elev=38, azim=-68)
    right.get_legend().remove()
    return figure


def learning_rates(X: Any, y: Any) -> Figure:
    """With a strong penalty J grows quadratically far away, so too large a rate diverges."""
    figure, axes = pyplot.subplots(1, 2, figsize=(10, 4.3), layout="constrained")
    clf = GDLogisticRegression(solver="gd", C=0.001)
    display = LearningRateDisplay.from_estimator(
        clf, X, y, learning_rates=RATES, max_iter=30, ax=axes[0]
    )
    display.plot(axes[1], kind="final")
    figure.get_layout_engine().set(wspace=0.06)
    return figure


def bias_variance(X: Any, y: Any) -> Figure:
    parts = train_dev_test_split(X, y, stratify=y, random_state=12)
    X_train, X_dev, X_test, y_train, y_dev, y_test = parts
    clf = make_pipeline(
        StandardScaler(), GDLogisticRegression(solver="nesterov", max_iter=100, tol=0)
    )
    clf.fit(X_train, y_train)
    sets = X_train, y_train, X_dev, y_dev, X_test, y_test
    return BiasVarianceDisplay.from_estimator(clf, *sets, baseline=0.01).figure_


def first_fit(X: Any, y: Any, X_dev: Any, y_dev: Any) -> Figure:
    clf = GDLogisticRegression().fit(X, y, X_val=X_dev, y_val=y_dev)
    figure, ax = pyplot.subplots(figsize=(7, 3.4), layout="constrained")
    CostCurveDisplay.from_estimator(clf, ax=ax)
    return figure


def early_stopping() -> Figure:
    """Few rows and no penalty: the validation loss turns before the training loss does."""
    X, y = load_digits(return_X_y=True)
    X_train, X_dev, _, y_train, y_dev, _ = train_dev_test_split(
        X / 16, y, dev_size=0.4, test_size=0.4, stratify=y, random_state=0
    )
    clf = GDLogisticRegression(C=np.inf, solver="nesterov", max_iter=1000, tol=0)
    clf.fit(X_train, y_train, X_val=X_dev, y_val=y_dev)
    figure, ax = pyplot.subplots(figsize=(7, 3.6), layout="constrained")
    CostCurveDisplay.from_estimator(clf, ax=ax, scale="log", x_scale="log")
    return figure


def penalty_path(X: Any, y: Any) -> Figure:
    """The weights of all features against C, with an L2 and with an L1 penalty."""
    strengths = np.logspace(-4, 2, 25)
    figure, axes = pyplot.subplots(1, 2, figsize=(8, 3.8), layout="constrained", sharey=True)
    titles = {0: "L2 (l1_ratio=0): small, none is 0", 1: "L1 (l1_ratio=1): many are exactly 0"}
    for ax, (l1_ratio, title) in zip(axes, titles.items(), strict=True):
        clf = GDLogisticRegression(l1_ratio=l1_ratio, warm_start=True)
        weights = [clf.set_params(C=C).fit(X, y).coef_[0].copy() for C in strengths]
        ax.plot(strengths, weights, lw=1.2)
        ax.set(xscale="log", xlabel="C = 1/λ", title=title, ylim=(-4, 4))
        ax.grid(visible=True)
    axes[0].set_ylabel("weight of a standardised feature")
    return figure


def image_vector() -> Figure:
    """A picture of 64 x 64 points, its three channels, and the first of its 12288 numbers."""
    picture = load_sample_image("flower.jpg")[40:424:6, 150:534:6]
    figure = pyplot.figure(figsize=(8, 2.56))
    shown = {"64 × 64 points": picture}
    for channel, name in enumerate(("red", "green", "blue")):
        shown[name] = np.where(np.arange(3) == channel, picture, 0)
    for place, (title, pixels) in enumerate(shown.items()):
        ax = figure.add_axes((0.01 + 0.16 * place + 0.02 * (place > 0), 0.2, 0.15, 0.6))
        ax.imshow(pixels)
        ax.set_title(title, fontsize=11)
        ax.axis("off")
    ax = figure.add_axes((0.66, 0, 0.34, 1))
    ax.axis("off")
    numbers = [*picture.reshape(-1)[:4], "⋮", picture.reshape(-1)[-1]]
    for row, number in enumerate(numbers):
        ax.text(0.28, 0.8 - 0.12 * row, str(number), ha="center", va="center", fontsize=13)
    ax.plot([0.14, 0.1, 0.1, 0.14], [0.88, 0.88, 0.12, 0.12], color=ax.xaxis.label.get_color())
    ax.plot([0.42, 0.46, 0.46, 0.42], [0.88, 0.88, 0.12, 0.12], color=ax.xaxis.label.get_color())
    ax.text(0.53, 0.5, "x, a vector of\n64 · 64 · 3\n= 12288 numbers", va="center")
    ax.set(xlim=(0, 1), ylim=(0, 1))
    return figure


def notation() -> Figure:
    """X of the notes, examples as columns, and X of scikit-learn, examples as rows."""
    figure, axes = pyplot.subplots(1, 2, figsize=(8, 3), width_ratios=(3, 2))
    figure.subplots_adjust(left=0.02, right=0.98, top=0.83, bottom=0.05, wspace=0.12)
    n_x, m, fill = 3, 6, ["#0072b2", "#56b4e9"]
    for ax, (rows, columns), title in (
        (axes[0], (n_x, m), "the notes: X of shape ($n_x$, m),\na column for each example"),
        (axes[1], (m, n_x), "here: X of shape (m, $n_x$),\na row for each example"),
    ):
        for i in range(rows):
            for j in range(columns):
                example, feature = (j, i) if rows == n_x else (i, j)
                cell = Rectangle((j, -i), 0.94, 0.9, color=fill[example % 2], alpha=0.35)
                ax.add_patch(cell)
                text = f"$x^{{({example + 1})}}_{{{feature + 1}}}$"
                ax.text(j + 0.47, 0.45 - i, text, ha="center", va="center", fontsize=13)
        ax.set(xlim=(-0.1, columns), ylim=(-rows + 0.9, 1))
        ax.set_title(title, fontsize=11)
        ax.axis("off")
    return figure


# -- the check ----------------------------------------------------------------------------


def drawing(figure: Figure) -> list[Any]:
    """Return the size and the texts of a figure, and what is drawn on its axes."""
    texts = [text.get_text() for text in figure.texts]  # its title is one of them
    return [sampled(figure.get_size_inches()), texts, *map(axes_drawing, figure.axes)]


def axes_drawing(ax: Any) -> dict[str, Any]:
    is_3d = ax.name == "3d"
    legend = ax.get_legend()
    texts = [*ax.texts, *(legend.get_texts() if legend else []), *given_tick_labels(ax)]
    return {
        "limits": [sampled(ax.get_xlim()), sampled(ax.get_ylim())]
        + ([sampled(ax.get_zlim())] if is_3d else []),
        "scales": [ax.get_xscale(), ax.get_yscale()],
        "labels": [ax.get_xlabel(), ax.get_ylabel()]
        + [ax.get_title(loc=place) for place in ("left", "center", "right")],
        "texts": [text.get_text() for text in texts],
        "lines": [
            [line.get_linestyle(), str(line.get_marker()), to_hex(line.get_color())]
            + [sampled(part) for part in (line.get_data_3d() if is_3d else line.get_data())]
            for line in ax.lines
        ],
        "patches": [
            [type(patch).__name__, to_hex(patch.get_facecolor()), to_hex(patch.get_edgecolor())]
            + ([sampled(patch.get_bbox().bounds)] if isinstance(patch, Rectangle) else [])
            for patch in ax.patches
        ],
        "surfaces": [
            sampled(surface.get_array())
            for surface in [*ax.collections, *ax.images]
            if surface.get_array() is not None
        ],
        "points": [
            [to_hex(one) for one in points.get_facecolor()[:1] if points.get_array() is None]
            + [sampled(points.get_offsets())]
            for points in ax.collections
            if isinstance(points, PathCollection)
        ],
        "areas": [
            sampled(area.get_paths()[0].vertices)
            for area in ax.collections
            if isinstance(area, PolyCollection) and not is_3d
        ],
    }


def given_tick_labels(ax: Any) -> Iterator[Any]:
    """Yield the labels of ticks that the code set; matplotlib chooses the others."""
    for axis in (ax.xaxis, ax.yaxis):
        if isinstance(axis.get_major_locator(), FixedLocator | StrCategoryLocator):
            yield from axis.get_ticklabels()


def sampled(array: Any) -> list[float]:
    """Return some numbers of an array, to four digits, and at the end their count."""
    flat = np.ravel(np.ma.filled(np.asarray(array, dtype=np.float64), np.nan))
    some = flat[np.linspace(0, flat.size - 1, min(flat.size, MAX_SAMPLES)).astype(int)]
    return [float(f"{number:.4g}") for number in [*some, flat.size]]


def agree(one: Any, other: Any) -> bool:
    """Whether two drawings agree: numbers, also those in texts, up to the tolerance."""
    if isinstance(one, str) and isinstance(other, str):
        if COLOUR.fullmatch(one):
            return one == other
        numbers = ([float(text) for text in NUMBER.findall(words)] for words in (one, other))
        same_words = NUMBER.sub("", one) == NUMBER.sub("", other)
        return one == other or (same_words and agree(*numbers))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(agree(one[key], other[key]) for key in one)
    if not (isinstance(one, list) and isinstance(other, list) and len(one) == len(other)):
        return False
    if all(isinstance(number, int | float) for number in [*one, *other]):
        size = np.nanmax(np.abs([*one, *other]), initial=0)
        largest = size if np.isfinite(size) else 0.0
        return np.allclose(one, other, TOLERANCE, TOLERANCE / 10 * largest, equal_nan=True)
    return all(map(agree, one, other))


def without_colours(drawn: Any) -> Any:
    """Return a drawing without its colours."""
    if isinstance(drawn, dict):
        return {key: without_colours(value) for key, value in drawn.items()}
    if isinstance(drawn, list):
        return [without_colours(part) for part in drawn]
    return "" if isinstance(drawn, str) and COLOUR.fullmatch(drawn) else drawn


def stale(drawings: dict[str, Any], folder: Path = FOLDER) -> list[str]:
    """Return the files of these pictures, drawn light, that do not hold the same."""
    found = []
    for name, new in drawings.items():
        light, dark = (drawing_in(folder / file_of(name, suffix)) for suffix in THEMES)
        if name in MEASURED:
            light, dark = (None if old is None else new for old in (light, dark))
        if not agree(new, light):
            found.append(file_of(name))
        if not agree(without_colours(new), without_colours(dark)):
            found.append(file_of(name, "-dark"))
    return found


def file_of(name: str, suffix: str = "") -> str:
    return f"{name}{suffix}.png"


def drawing_in(path: Path) -> Any:
    """Return the drawing in the metadata of a file, None without it."""
    if not path.exists():
        return None
    with Image.open(path) as image:
        return json.loads(image.text.get(KEY, "null"))


# -- the command --------------------------------------------------------------------------


def in_theme(suffix: str = "") -> Iterator[tuple[str, Figure]]:
    """Draw all pictures, light or dark, and close each afterwards."""
    with pyplot.style.context(["default", THEMES[suffix]]):
        for name, figure in pictures():
            yield name, figure
            pyplot.close(figure)
    with pyplot.style.context(["default", THEMES[""]]):
        for name, figure in of_gallery():
            if suffix:
                darken(figure)
            yield name, figure
            pyplot.close(figure)


def save() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for suffix in THEMES:
        for name, figure in in_theme(suffix):
            pixels, info = io.BytesIO(), PngInfo()
            figure.savefig(pixels, dpi=DPI)
            info.add_text(KEY, json.dumps(drawing(figure)))
            small = Image.open(pixels).convert("RGB")
            small = small.quantize(256, kmeans=1, dither=Image.Dither.NONE)
            path = FOLDER / file_of(name, suffix)
            small.save(path, dpi=(DPI, DPI), pnginfo=info, optimize=True)
            print(os.path.relpath(path))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="draw nothing, say what is stale")
    options = parser.parse_args()
    matplotlib.use("Agg")  # needs no display
    if not options.check:
        save()
    elif names := stale({name: drawing(figure) for name, figure in in_theme()}):
        sys.exit(f"Not what the code draws: {', '.join(names)}. `make pictures` draws them.")


if __name__ == "__main__":
    main()
