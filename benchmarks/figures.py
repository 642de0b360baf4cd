"""Suboptimality against time, a panel a problem, and all ratios at a glance.

Colours are those of Okabe and Ito, which the colour-blind tell apart; markers and line styles tell
the solvers apart in grey.
"""

import re
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator

LEVELS = 1e-3, 1e-6, 1e-9
FLOOR, TOP = 1e-10, 3.0  # of the axis of suboptimality
INK, FAINT = "#222222", "#d9d9d9"
THINNER = {"lw": 1.3, "mfc": "white", "mew": 1.2, "ms": 4.5}
STYLES: dict[str, dict[str, Any]] = {
    "ours": {"color": "#d55e00", "ls": "-", "marker": "o", "lw": 2.6, "ms": 5.5, "zorder": 9},
    "newton-cholesky": THINNER | {"color": "#0072b2", "ls": "-", "marker": "s"},
    "lbfgs": THINNER | {"color": "#000000", "ls": "--", "marker": "^"},
    "newton-cg": THINNER | {"color": "#009e73", "ls": "-.", "marker": "D"},
    "liblinear": THINNER | {"color": "#cc79a7", "ls": (0, (4, 1.5)), "marker": "v"},
    "sag": THINNER | {"color": "#7f7f7f", "ls": ":", "marker": "P"},
    "saga": THINNER | {"color": "#7f7f7f", "ls": (0, (5, 1, 1, 1)), "marker": "X"},
    "glum": THINNER | {"color": "#56b4e9", "ls": "-", "marker": "<"},
    "skglm": THINNER | {"color": "#e69f00", "ls": "--", "marker": ">"},
    "statsmodels": THINNER | {"color": "#8c6d31", "ls": "-.", "marker": "*"},
}
SPARE = THINNER | {"color": "#5e3c99", "ls": ":", "marker": "h"}


def draw_all(problems: list[Any], folder: Path) -> None:
    """The figures as files in a folder: the ratios, and the curves of each group."""
    at_a_glance(problems).savefig(folder / "ratios.png", dpi=110)
    for group, some in groupby(problems, lambda p: p.group):
        slug = re.sub(r"[^a-z0-9]+", "-", group.lower().replace("'s", ""))
        curves(list(some)).savefig(folder / f"curves-{slug}.png", dpi=110)


def clean(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("#888888")
    axes.tick_params(labelsize=8, color="#888888")
    axes.set_axisbelow(True)


def curves(problems: list[Any]) -> Figure:
    rows = -(-len(problems) // 3)
    figure = Figure(figsize=(10.8, 2.75 * rows + 0.8), layout="constrained")
    grid = figure.subplots(rows, 3, squeeze=False).ravel()
    for axes, problem in zip(grid, problems, strict=False):
        panel(axes, problem)
    for axes in grid[len(problems) :]:
        axes.set_visible(False)
    figure.supylabel("(J − J*) / J*", fontsize=9)
    figure.supxlabel("seconds of a fit", fontsize=9)
    family = {s: f for p in problems for s, f in p.family.items() if f != "default"}
    names = sorted(family, key=lambda s: [*STYLES, *sorted(family)].index(s))
    labels = [f"{s} (penalises b)" if family[s] == "apart" else s for s in names]
    handles = [Line2D([], [], **STYLES.get(s, SPARE)) for s in names]
    look = {"ncols": 5, "frameon": False, "fontsize": 9, "handlelength": 3.2}
    figure.legend(handles, labels, loc="outside upper left", **look)
    return figure


def panel(axes: Axes, problem: Any) -> None:
    for level in LEVELS:
        axes.axhline(level, color=FAINT, lw=1)
    for solver, fits in problem.fits.items():
        if problem.family[solver] != "default":
            seconds, above = steps_down(fits.seconds.to_numpy(), fits.above.to_numpy())
            axes.plot(seconds, np.clip(above, FLOOR, 10 * TOP), **STYLES.get(solver, SPARE))
    axes.set(xscale="log", yscale="log", ylim=(FLOOR / 2, TOP))
    axes.set_yticks([1, *LEVELS], labels=["1", "$10^{-3}$", "$10^{-6}$", "$10^{-9}$"])
    axes.xaxis.set_major_locator(LogLocator(numticks=6))
    axes.minorticks_off()
    axes.set_title(problem.title, fontsize=9.5, loc="left", color=INK, pad=15)
    above = {"xy": (0, 1), "xycoords": "axes fraction", "textcoords": "offset points"}
    axes.annotate(problem.data, xytext=(0, 5), fontsize=8, color="#666666", **above)
    clean(axes)


def steps_down(seconds: np.ndarray, above: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The fits that no quicker fit is better than; the curve ends below the lowest level."""
    order = np.argsort(seconds, kind="stable")
    seconds, above = seconds[order], np.nan_to_num(above[order], nan=np.inf)
    before = np.minimum.accumulate(np.append(np.inf, above[:-1]))
    better = (above < before) & (before > min(LEVELS))
    return seconds[better], above[better]


def at_a_glance(problems: list[Any]) -> Figure:
    """A row a problem: how many times longer scikit-learn takes to 1e-6; arrows are bounds."""
    figure = Figure(figsize=(6.2, 0.27 * len(problems) + 1.5), layout="constrained")
    axes, places = figure.subplots(), np.arange(len(problems))[::-1]
    lines = {
        "scikit-learn's default, lbfgs": [p.ratio_to_lbfgs() for p in problems],
        "scikit-learn's fastest solver there": [p.ratio() for p in problems],
    }
    looks = STYLES["lbfgs"] | {"ms": 10, "mfc": "none"}, STYLES["ours"] | {"ms": 7}
    for (label, ratios), style in zip(lines.items(), looks, strict=True):
        values, bound = np.transpose([(r.value, r.sign == ">") for r in ratios]).reshape(2, -1)
        look = style | {"ls": "none"}
        axes.plot(values[bound == 0], places[bound == 0], label=label, **look)
        axes.plot(values[bound == 1], places[bound == 1], **look | {"marker": "$→$", "ms": 11})
    axes.axvline(1, color=INK, lw=1)
    axes.set(xscale="log", ylim=(-0.7, len(problems) - 0.3))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_yticks(places, labels=[p.title for p in problems], fontsize=8)
    axes.grid(axis="y", color="#eeeeee", lw=0.8)
    bounds = any(r.sign == ">" and np.isfinite(r.value) for some in lines.values() for r in some)
    arrows = " (an arrow: at least)" if bounds else ""
    axes.set_xlabel(f"times our time to a suboptimality of 1e-6{arrows}", fontsize=9)
    clean(axes)
    figure.legend(loc="outside upper left", ncols=2, frameon=False, fontsize=9)
    return figure
