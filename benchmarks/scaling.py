"""How the cost grows with n, d, K, the stored entries and the condition number.

Prints the exponents measured, slopes in log-log of the four largest sizes, beside those
of theory, and draws them: ``make bench-scaling``, or ``python scaling.py [--quick]``.
"""

import argparse
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from figures import FAINT, INK, STYLES, clean
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from scipy import sparse

from sklearn_gd_logreg import GDLogisticRegression

OUTPUT = Path(__file__).parent / "output"
DOCS = Path(__file__).parents[1] / "docs" / "_static" / "benchmarks"
ROUNDS = 5
PASS, FIT = "one pass", "whole fit"
THEORY = {
    ("rows n", PASS): "1",
    ("rows n", FIT): "1",
    ("features d", PASS): "1",
    ("features d", FIT): "1 to 2",
    ("classes K", PASS): "1",
    ("classes K", FIT): "1 to 2",
    ("stored entries", PASS): "1",
    ("stored entries", FIT): "1",
    ("condition number κ", "natural"): "0",
    ("condition number κ", "nesterov"): "0.5",
    ("condition number κ", "gd"): "1",
}
LINES = {
    PASS: STYLES["newton-cholesky"],
    FIT: STYLES["ours"],
    "natural": STYLES["ours"],
    "nesterov": STYLES["newton-cg"],
    "gd": STYLES["lbfgs"],
}


@dataclass
class Sweep:
    """One size that varies: its values, and for each line what was measured there."""

    size: str
    unit: str
    values: list[float] = field(default_factory=list)
    lines: dict[str, list[float]] = field(default_factory=dict)

    def add(self, value: float, **measured: float) -> None:
        self.values.append(value)
        for name, one in measured.items():
            self.lines.setdefault(name.replace("_", " "), []).append(one)

    def exponent(self, line: str) -> float:
        """The slope of log-log over the four largest sizes, where fixed costs are least."""
        y = np.array(self.lines[line])
        known = np.flatnonzero(np.isfinite(y))[-4:]
        if len(known) < 2:
            return float("nan")
        slope = np.polyfit(np.log(np.array(self.values)[known]), np.log(y[known]), 1)[0]
        return abs(float(slope)) if abs(slope) < 0.005 else float(slope)  # no -0.00


# -- data ---------------------------------------------------------------------------------


def rows(n: int, d: int, n_classes: int = 2) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(20)
    X = rng.standard_normal((n, d))
    z = X @ rng.standard_normal((d, n_classes)) / np.sqrt(d)
    return X, np.argmax(z + rng.gumbel(size=z.shape), axis=1)


def sparse_rows(n: int, d: int, entries: int) -> tuple[Any, np.ndarray]:
    rng = np.random.default_rng(20)
    columns = (d * rng.uniform(size=(n, entries // n)) ** 3).astype(np.int32)  # some frequent
    places = np.repeat(np.arange(n, dtype=np.int32), entries // n), columns.ravel()
    X = sparse.csr_array((rng.standard_normal(places[0].size), places), shape=(n, d))
    z = X @ rng.standard_normal(d) / np.sqrt(entries / n)
    return X, (rng.logistic(size=n) < 2 * z).astype(int)


def conditioned(kappa: float) -> tuple[np.ndarray, np.ndarray]:
    """2000 × 10, the squared scales of the features from 1 to κ."""
    X, y = rows(2000, 10)
    return X * np.geomspace(1 / np.sqrt(kappa), 1, 10), y


# -- measuring ----------------------------------------------------------------------------


def fit(X: Any, y: np.ndarray, **parameters: Any) -> GDLogisticRegression:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return GDLogisticRegression(**parameters).fit(X, y)


def seconds_of_pass(X: Any, y: np.ndarray) -> float:
    """Seconds from one iteration of plain descent to the next, the least over rounds."""
    found = []
    for _ in range(ROUNDS):
        history = fit(X, y, solver="gd", learning_rate=1e-3, tol=0, max_iter=8).history_
        found.append(np.min(np.diff(history["time"])[1:]))
    return float(np.min(found))


def measure(X: Any, y: np.ndarray) -> dict[str, float]:
    """A pass; the fit with default settings, its least over rounds; and its passes."""
    found = []
    for _ in range(ROUNDS):
        start = perf_counter()
        model = fit(X, y)
        found.append(perf_counter() - start)
    return {
        "one_pass": seconds_of_pass(X, y),
        "whole_fit": min(found),
        "passes": float(model.history_["passes"][-1]),
    }


def passes_to(level: float, X: np.ndarray, y: np.ndarray, solver: str, most: int) -> float:
    """Passes until (J − J*)/J* is at most a level; nan if they are too many."""
    lowest = fit(X, y, C=1e4, tol=1e-11).history_["cost"].min()
    history = fit(X, y, C=1e4, solver=solver, tol=0, max_iter=most).history_
    there = np.flatnonzero(history["cost"] <= (1 + level) * lowest)
    return float(history["passes"][there[0]]) if there.size else float("nan")


def sweeps(quick: bool) -> Iterator[Sweep]:
    less = 2 if quick else 0  # doublings that --quick leaves out
    sweep = Sweep("rows n", "seconds")
    for n in 2 ** np.arange(13, 20 - less):
        sweep.add(n, **measure(*rows(n, 30)))
    yield sweep
    sweep = Sweep("features d", "seconds")
    for d in 2 ** np.arange(3, 10 - less):
        sweep.add(d, **measure(*rows(20_000, d)))
    yield sweep
    sweep = Sweep("classes K", "seconds")
    for n_classes in 3 * 2 ** np.arange(6 - less):
        sweep.add(n_classes, **measure(*rows(10_000, 30, n_classes)))
    yield sweep
    sweep = Sweep("stored entries", "seconds")
    for entries in 20_000 * 2 ** np.arange(2, 9 - less):
        sweep.add(entries, **measure(*sparse_rows(20_000, 2000, entries)))
    yield sweep
    sweep = Sweep("condition number κ", "passes to 1e-6")
    for kappa in 10.0 ** np.arange(6 - less):
        data, most = conditioned(kappa), {"natural": 100, "nesterov": 20_000, "gd": 30_000}
        sweep.add(kappa, **{name: passes_to(1e-6, *data, name, top) for name, top in most.items()})
    yield sweep


# -- showing ------------------------------------------------------------------------------


def table(found: list[Sweep]) -> list[list[str]]:
    return [
        [sweep.size, line, f"{sweep.exponent(line):.2f}", THEORY[sweep.size, line]]
        for sweep in found
        for line in sweep.lines
        if line in LINES
    ]


def markdown(found: list[Sweep]) -> str:
    head = [["size", "of what", "measured exponent", "theory"], [":--", ":--", "--:", "--:"]]
    return "\n".join("| " + " | ".join(row) + " |" for row in head + table(found)) + "\n"


def draw(found: list[Sweep]) -> Figure:
    figure = Figure(figsize=(10.8, 6.4), layout="constrained")
    panels = figure.subplots(2, 3).ravel()
    for axes, sweep in zip(panels, found, strict=False):
        panel(axes, sweep)
    looks = ("-", "o"), ("--", "s"), (":", "D"), ("-.", "^")
    for sweep, (ls, marker) in zip(found[:4], looks, strict=True):
        times = np.array(sweep.values) / sweep.values[0]
        look = {"color": INK, "ls": ls, "marker": marker, "mfc": "white", "label": sweep.size}
        panels[-1].loglog(times, sweep.lines["passes"], **look)
    finish(panels[-1], "times the smallest size", "passes of the whole fit")
    panels[-1].set_ylim(1, 1000)
    return figure


def panel(axes: Axes, sweep: Sweep) -> None:
    for line, values in sweep.lines.items():
        if line in LINES:
            label = f"{line}: {sweep.exponent(line):.2f} (theory {THEORY[sweep.size, line]})"
            axes.plot(
                sweep.values, values, label=label, **LINES[line] | {"lw": 1.8, "mfc": "white"}
            )
    if max(sweep.values) / min(sweep.values) < 1000:
        shown = sweep.values[:: 2 if len(sweep.values) > 4 else 1]
        axes.set_xticks(shown, labels=[plain(value) for value in shown])
    finish(axes, sweep.size, sweep.unit)


def plain(value: float) -> str:
    """Such as 24, 131 k and 1.3 M."""
    for factor, letter in ((1e6, " M"), (1e3, " k")):
        if value >= factor:
            return f"{value / factor:.3g}{letter}"
    return f"{value:g}"


def finish(axes: Axes, x: str, y: str) -> None:
    axes.set_yscale("log")
    axes.set_xlabel(x, fontsize=9.5)
    axes.set_ylabel(y, fontsize=9.5)
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.minorticks_off()
    axes.grid(color=FAINT, lw=0.6)
    axes.legend(fontsize=8, frameon=False, loc="upper left")
    bottom, top = axes.get_ylim()
    axes.set_ylim(bottom, top * (top / bottom) ** 0.3)  # room for the legend
    clean(axes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="smaller sizes only")
    parser.add_argument("--docs", action="store_true", help="write into the documentation")
    options = parser.parse_args()
    found = []
    for sweep in sweeps(options.quick):
        found.append(sweep)
        print(f"\n{sweep.size}: {', '.join(f'{value:g}' for value in sweep.values)}")
        for line, values in sweep.lines.items():
            print(f"  {line:<10}", *(f"{value:9.2g}" for value in values))
    print(f"\n{'size':<20}{'of what':<12}{'exponent':>9}  theory")
    for size, line, exponent, theory in table(found):
        print(f"{size:<20}{line:<12}{exponent:>9}  {theory}")
    folder = DOCS if options.docs else OUTPUT
    folder.mkdir(parents=True, exist_ok=True)
    draw(found).savefig(folder / "scaling.png", dpi=110)
    (folder / "scaling.md").write_text(markdown(found))
    print(f"\n{folder / 'scaling.png'}")


if __name__ == "__main__":
    main()
