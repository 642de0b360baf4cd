"""The pictures: suboptimality against time, a panel a problem, and all ratios at a glance.

Colours are those of Okabe and Ito, which the colour-blind tell apart; a marker and a line
style of its own tell each solver apart in grey.
"""

import re
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter
from results import LEVELS, points, ratio_to_lbfgs, ratios, shape

FLOOR, TOP = 1e-10, 3.0  # of the axis of suboptimality
INK, FAINT = "#222222", "#d9d9d9"
STYLES: dict[str, dict[str, Any]] = {
    "ours": {"color": "#d55e00", "ls": "-", "marker": "o", "lw": 2.6, "ms": 5.5, "zorder": 9},
    "newton-cholesky": {"color": "#0072b2", "ls": "-", "marker": "s", "ms": 4.5},
    "lbfgs": {"color": "#000000", "ls": "--", "marker": "^", "ms": 4.5},
    "newton-cg": {"color": "#009e73", "ls": "-.", "marker": "D", "ms": 4},
    "liblinear": {"color": "#cc79a7", "ls": (0, (4, 1.5)), "marker": "v", "ms": 4.5},
    "sag": {"color": "#7f7f7f", "ls": ":", "marker": "P", "ms": 4.5},
    "saga": {"color": "#7f7f7f", "ls": (0, (5, 1, 1, 1)), "marker": "X", "ms": 4.5},
    "glum": {"color": "#56b4e9", "ls": "-", "marker": "<", "ms": 4.5},
    "skglm": {"color": "#e69f00", "ls": "--", "marker": ">", "ms": 4.5},
    "statsmodels": {"color": "#8c6d31", "ls": "-.", "marker": "*", "ms": 6},
}
SPARE = {"color": "#5e3c99", "ls": ":", "marker": "h", "ms": 4.5}
THINNER = {"lw": 1.3, "mfc": "white", "mew": 1.2}


def style(solver: str) -> dict[str, Any]:
    if solver == "ours":
        return STYLES["ours"]
    return THINNER | STYLES.get(solver, SPARE)


def draw_all(results: dict[str, Any], folder: Path) -> list[Path]:
    """All pictures as files in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for group, problems in groupby(results["problems"], lambda p: p["group"]):
        paths.append(folder / f"curves-{slug(group)}.png")
        curves(list(problems)).savefig(paths[-1], dpi=110)
    paths.append(folder / "ratios.png")
    at_a_glance(results["problems"]).savefig(paths[-1], dpi=110)
    return paths


def slug(group: str) -> str:
    """A group as part of the name of a file."""
    return re.sub(r"[^a-z0-9]+", "-", group.lower().replace("'s", ""))


def clean(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("#888888")
    axes.tick_params(colors=INK, labelsize=8, color="#888888")
    axes.set_axisbelow(True)


# -- curves -------------------------------------------------------------------------------


def curves(problems: list[dict[str, Any]]) -> Figure:
    columns = 3
    rows = -(-len(problems) // columns)
    figure = Figure(figsize=(3.5 * columns + 0.3, 2.75 * rows + 0.8), layout="constrained")
    grid = np.atleast_1d(figure.subplots(rows, columns, squeeze=False)).ravel()
    for axes, problem in zip(grid, problems, strict=False):
        panel(axes, problem)
    for axes in grid[len(problems) :]:
        axes.set_visible(False)
    for number, axes in enumerate(grid[: len(problems)]):
        if number % columns == 0:
            axes.set_ylabel("(J − J*) / J*", fontsize=9)
        if number + columns >= len(problems):
            axes.set_xlabel("seconds of a fit", fontsize=9)
    legend(figure, problems)
    return figure


def panel(axes: Axes, problem: dict[str, Any]) -> None:
    for level in LEVELS:
        axes.axhline(level, color=FAINT, lw=1)
    right = 0.0
    for curve in problem["curves"]:
        found = points(problem, curve)
        if not len(found):
            continue
        seconds, above = steps_down(found)
        axes.plot(seconds, np.clip(above, FLOOR, None), **style(curve["solver"]))
        right = max(right, seconds[-1])
    axes.set(xscale="log", yscale="log", ylim=(FLOOR / 2, TOP))
    axes.set_yticks([1, *LEVELS], labels=["1", "$10^{-3}$", "$10^{-6}$", "$10^{-9}$"])
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.minorticks_off()
    axes.xaxis.set_major_locator(LogLocator(numticks=6))
    axes.set_title(problem["title"], fontsize=9.5, loc="left", color=INK)
    axes.text(0.02, 0.02, shape(problem), transform=axes.transAxes, fontsize=7.5, color="#777777")
    clean(axes)


def steps_down(found: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The points that no quicker fit is better than; the curve ends below the lowest level."""
    found = found[np.argsort(found[:, 0], kind="stable")]
    above = np.nan_to_num(found[:, 1], nan=np.inf)
    best = np.minimum.accumulate(above)
    better = np.append(True, above[1:] < best[:-1])
    seconds, above = found[better, 0], above[better]
    done = np.flatnonzero(above <= min(LEVELS))
    end = done[0] + 1 if done.size else len(above)
    return seconds[:end], above[:end]


def legend(figure: Figure, problems: list[dict[str, Any]]) -> None:
    present = {c["solver"]: c["apart"] for p in problems for c in p["curves"] if c["points"]}
    order = [*STYLES, *sorted(set(present) - set(STYLES))]
    names = [name for name in order if name in present]
    apart = {c["solver"] for p in problems for c in p["curves"] if c["apart"]}
    labels = [f"{name} (penalises b)" if name in apart else name for name in names]
    handles = [Line2D([], [], **style(name)) for name in names]
    figure.legend(
        handles, labels, loc="outside upper left", ncols=5, frameon=False, fontsize=9,
        handlelength=3.2,
    )  # fmt: skip


# -- ratios -------------------------------------------------------------------------------


def at_a_glance(problems: list[dict[str, Any]]) -> Figure:
    """A row a problem: how many times longer scikit-learn takes to 1e-6."""
    figure = Figure(figsize=(7.6, 0.27 * len(problems) + 1.5), layout="constrained")
    axes = figure.subplots()
    places = np.arange(len(problems))[::-1]
    dots(
        axes,
        places,
        [ratio_to_lbfgs(p, 1e-6) for p in problems],
        "scikit-learn's default, lbfgs",
        "lbfgs",
    )
    dots(
        axes,
        places,
        [ratios(p, 1e-6) for p in problems],
        "scikit-learn's fastest solver there",
        "ours",
    )
    axes.axvline(1, color=INK, lw=1)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_yticks(places, labels=[p["title"] for p in problems], fontsize=8)
    axes.set_ylim(-0.7, len(problems) - 0.3)
    axes.grid(axis="y", color="#eeeeee", lw=0.8)
    axes.set_xlabel("times our time to a suboptimality of 1e-6 (an arrow: at least)", fontsize=9)
    clean(axes)
    axes.tick_params(axis="y", length=0)
    figure.legend(loc="outside upper left", ncols=2, frameon=False, fontsize=9)
    return figure


def dots(axes: Axes, places: np.ndarray, found: list[Any], text: str, like: str) -> None:
    values = np.array([r.value for r in found])
    bound = np.array([r.sign == ">" for r in found])
    look = {"color": STYLES[like]["color"], "ls": "none", "zorder": 3}
    filled = {"mfc": STYLES[like]["color"] if like == "ours" else "none"}
    filled["ms"] = 7 if like == "ours" else 10
    marker = STYLES[like]["marker"]
    axes.plot(values[~bound], places[~bound], marker=marker, label=text, **look, **filled)
    axes.plot(values[bound], places[bound], marker="$→$", ms=11, **look)
