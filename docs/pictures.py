"""The pictures of the documentation, in docs/_static/pictures, each on light and on dark paper.

``make pictures`` draws them; ``make pictures ARGS=--check`` says which of them are not what the
code draws now. For that each file holds, as a text in its metadata, the numbers, words and colours
of its figure. They are compared with a tolerance: pixels depend on the versions of matplotlib and
FreeType, and the last digits of numbers on the processor.
"""

import argparse
import io
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib import pyplot
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from sklearn.datasets import load_breast_cancer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_gd_logreg import (
    BiasVarianceDisplay,
    CostCurveDisplay,
    CostSurfaceDisplay,
    GDLogisticRegression,
    LearningRateDisplay,
    train_dev_test_split,
)

FOLDER = Path(__file__).parent / "_static" / "pictures"
KEY = "Drawing"  # of the text in the metadata
DPI = 200  # for screens of two pixels a point
TOLERANCE = 0.01  # of numbers, relative, or a tenth of it relative to the largest in an array
MAX_SAMPLES = 25  # numbers of an array in the metadata
NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?")

DARK_PAPER, DARK_LINE, DARK_INK = "#14181e", "#5a6068", "#dfe3e8"
DARK = {
    "figure.facecolor": DARK_PAPER,
    "axes.facecolor": DARK_PAPER,
    "axes.edgecolor": DARK_INK,
    "axes.labelcolor": DARK_INK,
    "grid.color": DARK_LINE,
    "legend.facecolor": DARK_PAPER,
    "legend.edgecolor": DARK_LINE,
    "text.color": DARK_INK,
    "xtick.color": DARK_INK,
    "ytick.color": DARK_INK,
}
THEMES: dict[str, dict[str, Any]] = {"": {"grid.color": "#d0d0d0"}, "-dark": DARK}

STEPS = {"gd": 300, "momentum": 300, "natural": 15}
SURFACE_FEATURES = ["mean radius", "mean texture"]
SURFACE_STEPS = {"momentum": 40, "gd": 5}
RATES = [0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.3, 0.4, 0.46, 0.7]


# -- the pictures -------------------------------------------------------------------------


def pictures() -> Iterator[tuple[str, Figure]]:
    """Draw each picture in matplotlib's current style."""
    data = load_breast_cancer(as_frame=True)
    parts = train_dev_test_split(data.data, data.target, stratify=data.target, random_state=0)
    X_train, X_dev, _, y_train, y_dev, _ = parts
    scaler = StandardScaler().set_output(transform="pandas").fit(X_train)
    Z_train, Z_dev = scaler.transform(X_train), scaler.transform(X_dev)
    yield "cost_curves", cost_curves(Z_train, y_train, Z_dev, y_dev)
    yield "cost_surface", cost_surface(Z_train[SURFACE_FEATURES], y_train)
    yield "learning_rates", learning_rates(Z_train, y_train)
    yield "bias_variance", bias_variance(data.data.filter(like="mean"), data.target)


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
        solver: GDLogisticRegression(
            solver=solver, C=0.05, fit_intercept=False, max_iter=n_steps, tol=0
        ).fit(X, y)
        for solver, n_steps in SURFACE_STEPS.items()
    }
    figure = pyplot.figure(figsize=(10, 4.6))
    left = figure.add_axes((0.09, 0.12, 0.42, 0.73))
    right = figure.add_axes((0.52, 0.02, 0.45, 0.98), projection="3d")
    display = CostSurfaceDisplay.from_estimators(
        fits, X, y, parameters=(0, 1), margin=0.45, colorbar=False, ax=left
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


# -- the check ----------------------------------------------------------------------------


def drawing(figure: Figure) -> list[Any]:
    """Return the size of a figure, and what is drawn on its axes."""
    return [sampled(figure.get_size_inches()), *map(axes_drawing, figure.axes)]


def axes_drawing(ax: Any) -> dict[str, Any]:
    is_3d = ax.name == "3d"
    legend = ax.get_legend()
    texts = [*ax.texts, *(legend.get_texts() if legend else [])]
    return {
        "limits": [sampled(ax.get_xlim()), sampled(ax.get_ylim())]
        + ([sampled(ax.get_zlim())] if is_3d else []),
        "labels": [ax.get_xlabel(), ax.get_ylabel(), ax.get_title(loc="left")],
        "texts": [text.get_text() for text in texts],
        "lines": [
            [line.get_linestyle(), str(line.get_marker()), to_hex(line.get_color())]
            + [sampled(part) for part in (line.get_data_3d() if is_3d else line.get_data())]
            for line in ax.lines
        ],
        "bars": [
            [to_hex(bar.get_facecolor()), sampled(bar.get_bbox().bounds)] for bar in ax.patches
        ],
        "surfaces": [
            sampled(surface.get_array())
            for surface in ax.collections
            if surface.get_array() is not None
        ],
    }


def sampled(array: Any) -> list[float]:
    """Return some numbers of an array, to four digits, and at the end their count."""
    flat = np.ravel(np.ma.filled(np.asarray(array, dtype=np.float64), np.nan))
    some = flat[np.linspace(0, flat.size - 1, min(flat.size, MAX_SAMPLES)).astype(int)]
    return [float(f"{number:.4g}") for number in [*some, flat.size]]


def agree(one: Any, other: Any) -> bool:
    """Whether two drawings agree: numbers, also those in texts, up to the tolerance."""
    if isinstance(one, str) and isinstance(other, str):
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


def stale(drawings: dict[str, Any], folder: Path = FOLDER) -> list[str]:
    """Return the names of the pictures whose files do not hold these drawings."""
    return [name for name, new in drawings.items() if not agree(new, drawing_in(folder / name))]


def drawing_in(path: Path) -> Any:
    """Return the drawing in the metadata of a file, None without it."""
    if not path.exists():
        return None
    with Image.open(path) as image:
        return json.loads(image.text.get(KEY, "null"))


# -- the command --------------------------------------------------------------------------


def drawn() -> Iterator[tuple[str, Figure]]:
    """Draw all pictures, by the names of their files, and close each afterwards."""
    for suffix, theme in THEMES.items():
        with pyplot.style.context(["default", theme]):
            for name, figure in pictures():
                yield f"{name}{suffix}.png", figure
                pyplot.close(figure)


def save() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, figure in drawn():
        pixels, info = io.BytesIO(), PngInfo()
        figure.savefig(pixels, dpi=DPI)
        info.add_text(KEY, json.dumps(drawing(figure)))
        small = Image.open(pixels).convert("RGB").quantize(256, kmeans=1, dither=Image.Dither.NONE)
        small.save(FOLDER / name, dpi=(DPI, DPI), pnginfo=info, optimize=True)
        print(os.path.relpath(FOLDER / name))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="draw nothing, say what is stale")
    options = parser.parse_args()
    matplotlib.use("Agg")  # needs no display
    if not options.check:
        save()
    elif names := stale({name: drawing(figure) for name, figure in drawn()}):
        sys.exit(f"Not what the code draws: {', '.join(names)}. `make pictures` draws them.")


if __name__ == "__main__":
    main()
