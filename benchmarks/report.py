"""Tables and figures of benchopt's results: ``python report.py [RESULTS ...] [--docs]``.

Prints the tables and draws the figures beside the results file; ``--docs`` draws them in
docs/_static/benchmarks and writes the page docs/benchmark_results/tables.md. Further
results, with more threads say, get their tables after the first ones.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
import pandas as pd
from figures import LEVELS, draw_all
from problems import DOCS, FOLDER, OUTPUT, PAGES, key, table

ASKED = 1e-6  # the level of ratios and means
SPEED = (
    "problem", "n × d (× K)", "ours 1e-3", "1e-6", "1e-9", "fastest of scikit-learn", "× 1e-3",
    "× 1e-6", "× 1e-9", "× lbfgs", "fastest of others", "×", "passes",
)  # fmt: skip
FIT = "s", "above J*", "passes", "peak MB", "of X, %"
DEFAULT = "problem", *(f"{who} {cell}" for who in ("ours:", "theirs:") for cell in FIT), "×"
SUMMARY = "against", "problems", "geometric mean", "without bounds", "least", "of", "below 1"
Rows = list[list[str]]

INTRODUCTION = """# Times to the optimum, problem by problem

`make bench-docs` makes this page. [Benchmarks](../benchmarks.md) says what is measured, and what
the columns mean.
"""
CURVES = """
## Curves

The lower left corner is best. A curve joins the fits that no quicker fit of the same solver beats,
and ends at the first below 1e-9. Grey lines are the three levels.
"""


def significant(x: float, digits: int = 2) -> str:
    """Digits that count, without an exponent."""
    if not np.isfinite(x) or x == 0:
        return "0" if x == 0 else "–"
    places = digits - 1 - int(np.floor(np.log10(abs(x))))
    return f"{round(x, places):.{max(places, 0)}f}"


def power(x: float) -> str:
    """One digit and an exponent: 1e-3."""
    return np.format_float_scientific(x, precision=0, trim="-", exp_digits=1)


def scientific(x: float) -> str:
    return "–" if np.isnan(x) else "< 1e-12" if x < 1e-12 else power(x)


@dataclass(frozen=True)
class Ratio:
    """How many times longer another takes; a bound where only one of both reached the level."""

    value: float = np.nan
    sign: str = ""

    def __str__(self) -> str:
        digits = 2 if self.value < 9.95 else 0
        return "–" if np.isnan(self.value) else f"{self.sign}{self.value:.{digits}f}"


@dataclass(frozen=True)
class Time:
    """Seconds to a level, or of the longest fit of a solver that did not reach it."""

    seconds: float = np.nan
    solver: str = ""
    reached: bool = False

    def __str__(self) -> str:
        return ("> " if self.solver and not self.reached else "") + significant(self.seconds)

    def __truediv__(self, ours: "Time") -> Ratio:
        if not (self.reached or ours.reached):
            return Ratio()
        sign = "" if self.reached and ours.reached else ">" if ours.reached else "<"
        return Ratio(self.seconds / ours.seconds, sign)


@dataclass
class Problem:
    """The fits of each solver on a problem, by iterations: seconds, excess over J*, passes, …"""

    title: str
    group: str
    data: str
    fits: dict[str, pd.DataFrame]
    family: dict[str, str]  # of each solver: ours, scikit-learn, others, apart or default

    def time(self, solver: str, level: float = ASKED) -> Time:
        if solver not in self.fits:
            return Time()
        fits = self.fits[solver]
        there = fits.seconds[fits.above <= level]
        return Time(there.iloc[0], solver, True) if len(there) else Time(fits.seconds.max(), solver)

    def fastest(self, family: str, level: float = ASKED) -> Time:
        times = [self.time(s, level) for s in self.fits if self.family[s] == family]
        there = [time for time in times if time.reached]
        least = min(there or times, key=lambda time: time.seconds, default=Time())
        return least if there or not times else Time(least.seconds, "none")

    def ratio(self, family: str = "scikit-learn", level: float = ASKED) -> Ratio:
        return self.fastest(family, level) / self.time("ours", level)

    def ratio_to_lbfgs(self) -> Ratio:
        return self.time("lbfgs") / self.time("ours")

    def passes(self) -> float:
        there = self.fits["ours"].passes[self.fits["ours"].above <= ASKED]
        return there.iloc[0] if len(there) else np.nan

    def defaults(self) -> list[pd.Series]:
        """Our fit with default settings and scikit-learn's."""
        names = "default[ours]", "default[scikit-learn]"
        return [self.fits[name].iloc[0] for name in names if name in self.fits]

    def default_ratio(self) -> Ratio:
        found = self.defaults()
        return Ratio(found[1].seconds / found[0].seconds) if len(found) == 2 else Ratio()


def families() -> tuple[dict[str, str], set[str]]:
    """The family of each solver, and those that penalise the intercept, by their files."""
    from benchopt.benchmark import Benchmark

    solvers = Benchmark(FOLDER).get_solvers()
    return (
        {solver.name: getattr(solver, "family", "others") for solver in solvers},
        {solver.name for solver in solvers if getattr(solver, "penalises_intercept", False)},
    )


def read(results: pd.DataFrame, family: dict[str, str], penalise_b: set[str]) -> list[Problem]:
    """The problems of a results file, in the order of problems.toml."""
    known = {key(problem): problem for problem in table()}
    names = {"ours[natural]": "ours"}
    results = results[results.stop_val > 0].assign(solver=results.solver_name.replace(names))
    kept = {"seconds": ("time", "median"), "above": ("above", "max")}
    kept |= {name: (f"objective_{name}", "max") for name in ("passes", "peak", "bytes")}
    found = []
    for name, rows in results.groupby("dataset_name", sort=False):
        p = known.get(name)
        reference = (rows.objective_value / (1 + rows.objective_suboptimality)).iloc[0]
        lowest = min(reference, rows.objective_value.min())  # a solver may be below the reference
        above = rows.assign(above=rows.objective_value / lowest - 1).groupby("solver", sort=False)
        fits = {solver: one.groupby("stop_val").agg(**kept) for solver, one in above}
        of = {solver: family.get(solver.split("[")[0], "others") for solver in fits}
        if "fit_intercept=False" not in name:
            of |= dict.fromkeys(penalise_b & fits.keys(), "apart")
        title, group = (p.title, p.group) if p else (name, "others")
        found.append(Problem(title, group, rows.objective_data.iloc[0], fits, of))
    order = {p.title: place for place, p in enumerate(known.values())}
    return sorted(found, key=lambda problem: order.get(problem.title, len(order)))


# -- tables ----------------------------------------------------------------------------------


def speed_row(p: Problem) -> list[str]:
    times, ratios = zip(*((p.time("ours", at), p.ratio(level=at)) for at in LEVELS), strict=True)
    theirs, others = (p.fastest(family) for family in ("scikit-learn", "others"))
    names = (f"{time.solver} {time}" if time.solver else "–" for time in (theirs, others))
    cells = p.title, p.data, *times, next(names), *ratios, p.ratio_to_lbfgs(), next(names)
    return [*map(str, cells), str(p.ratio("others")), significant(p.passes())]


def default_row(p: Problem) -> list[str]:
    cells = [p.title]
    for fit in p.defaults():
        cells += [significant(fit.seconds), scientific(fit.above), significant(fit.passes)]
        cells += [significant(fit.peak / 1e6), significant(100 * fit.peak / fit.bytes)]
    return [*cells, str(p.default_ratio())]


def geometric_mean(values: Sequence[float]) -> float:
    return float(np.exp(np.mean(np.log(values)))) if len(values) else np.nan


def mean(ratios: list[Ratio]) -> float:
    """Of those that are known, bounds taken for values."""
    return geometric_mean([ratio.value for ratio in ratios if np.isfinite(ratio.value)])


def summary(problems: list[Problem]) -> Rows:
    """Means, bounds taken for values, and the least."""
    against = {
        f"the fastest of scikit-learn, to {power(level)}": [p.ratio(level=level) for p in problems]
        for level in LEVELS
    }
    against[f"lbfgs, to {power(ASKED)}"] = [p.ratio_to_lbfgs() for p in problems]
    against["default settings"] = [p.default_ratio() for p in problems]
    rows = []
    for what, ratios in against.items():
        pairs = zip(ratios, problems, strict=True)
        known = [(r.value, p.title, r) for r, p in pairs if np.isfinite(r.value)]
        if known:
            _, title, least = min(known)
            means = mean(ratios), mean([ratio for ratio in ratios if not ratio.sign])
            below = sum(value < 1 for value, *_ in known)
            means_shown = (f"{m:.2f}" for m in means)
            rows.append([what, str(len(known)), *means_shown, str(least), title, str(below)])
    return rows


def machine(results: pd.DataFrame) -> str:
    one = results.iloc[-1].dropna()
    names = [c for c in one.index if c.startswith("version-") and c != "version-numpy-libs"]
    versions = ", ".join(f"{name.removeprefix('version-')} {one[name]}" for name in names)
    return (
        f"{one['system-processor']}, cores: {one['system-cpus']}, OMP_NUM_THREADS: "
        f"{one.get('env-OMP_NUM_THREADS', '–')}; {versions}; {one['run_date'][:10]}."
    )


def in_columns(head: tuple[str, ...], rows: Rows) -> str:
    """A table for the terminal."""
    widths = [max(map(len, cells)) for cells in zip(head, *rows, strict=True)]
    lines = [
        "  ".join(f"{c:{'<>'[j > 1]}{w}}" for j, (c, w) in enumerate(zip(row, widths, strict=True)))
        for row in (head, *rows)
    ]
    return "\n".join([lines[0], "─" * len(lines[0]), *lines[1:]])


def in_markdown(head: tuple[str, ...], rows: Rows) -> str:
    rules = [":--", *["--:"] * (len(head) - 1)]
    lines = [[cell.replace("J*", r"J\*") for cell in row] for row in (head, rules, *rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def filled(head: tuple[str, ...], rows: Rows) -> tuple[tuple[str, ...], Rows]:
    """Without the columns that have no value."""
    kept = [j for j in range(len(head)) if any(row[j] != "–" for row in rows)]
    return tuple(head[j] for j in kept), [[row[j] for j in kept] for row in rows]


def sections(problems: list[Problem], table: Callable[..., str]) -> dict[str, str]:
    """Headings and texts."""
    found = {
        f"Time to a suboptimality: {group}": table(*filled(SPEED, [speed_row(p) for p in ps]))
        for group, ps in groupby(problems, lambda p: p.group)
    }
    kinds = {p.group.split(",")[0] for p in problems}
    of = f": {kinds.pop()}" if len(kinds) == 1 else ""
    found["Over all problems" + of] = table(SUMMARY, summary(problems))
    if rows := [default_row(p) for p in problems if len(p.defaults()) == 2]:
        found["Default settings" + of] = table(*filled(DEFAULT, rows))
    return found


def pictures(folder: Path) -> str:
    """The curves, as images of a page."""
    names = sorted(path.name for path in folder.glob("curves-*.png"))
    images = {name: name[7:-4].replace("-", " ") for name in names}
    return "".join(
        f"\n![Suboptimality against time: {group}](../_static/benchmarks/{name})\n"
        for name, group in images.items()
    )


def report(paths: list[Path], folder: Path, docs: bool) -> None:
    """Print the tables, and draw the figures of the first results; write them for the docs."""
    from benchopt.results import read_results

    runs = [read_results(path) for path in paths]
    found = [read(run, *families()) for run in runs]
    draw_all(found[0], folder)
    for make in (in_columns, in_markdown) if docs else (in_columns,):
        text = ""
        for run, problems in zip(runs, found, strict=True):
            text += f"\n{machine(run)}\n"
            for title, part in sections(problems, make).items():
                text += f"\n## {title}\n\n{part}\n"
        if make is in_columns:
            print(text)
    if docs:
        PAGES.mkdir(exist_ok=True)
        (PAGES / "tables.md").write_text(INTRODUCTION + text + CURVES + pictures(folder), "utf-8")
        for path in paths:
            (folder / path.name).write_bytes(path.read_bytes())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("results", nargs="*", type=Path, default=[OUTPUT / "results.parquet"])
    parser.add_argument("--docs", action="store_true", help="write into docs")
    options = parser.parse_args()
    report(options.results, DOCS if options.docs else options.results[0].parent, options.docs)


if __name__ == "__main__":
    main()
