"""The tables and pictures of a results file: ``python report.py [RESULTS] [--docs]``.

Prints the tables and draws the curves beside the results file; with ``--docs`` writes them
to docs/_static/benchmarks, tables.md among them, which docs/benchmarks.md includes. ``--also``
names the results of another run, with more threads say, which gets a short table at the end.
"""

import argparse
import json
import math
from itertools import groupby
from pathlib import Path
from typing import Any

import figures
import numpy as np
from results import (
    ASKED,
    LEVELS,
    Ratio,
    arrival,
    default,
    default_ratio,
    fastest,
    mean,
    ours,
    passes,
    points,
    ratio,
    ratio_to_lbfgs,
    ratios,
    rival,
    shape,
    significant,
    time_to,
)

HERE = Path(__file__).parent
DOCS = HERE.parent / "docs" / "_static" / "benchmarks"
Table = list[list[str]]

SPEED = (
    "problem", "n × d (× K)", "ours 1e-3", "1e-6", "1e-9", "fastest of scikit-learn",
    "× 1e-3", "× 1e-6", "× 1e-9", "× lbfgs", "fastest of others", "×", "passes", "peak MB (of X)",
)  # fmt: skip
DEFAULT = (
    "problem", "ours, s", "above J*", "passes", "theirs, s", "above J*", "×",
    "peak MB: ours", "theirs",
)  # fmt: skip
CLOSE = 2.5  # times the time of ours: where lbfgs takes less, it is hard to beat
BRIEF = (
    "problem", "n × d (× K)", "ours 1e-6", "fastest of scikit-learn", "×", "× lbfgs", "× default",
)  # fmt: skip
HARD = "problem", "× lbfgs", "its iterations", "our passes", "passes in a tenth of its time"
APART = "problem", "solver", "its seconds", "ends above J* by", "ours to there, s"


def megabytes(p: dict[str, Any], solver: str, share: bool = False) -> str:
    peak = default(p, solver).get("peak", math.nan)
    if not np.isfinite(peak):
        return "–"
    text = significant(peak / 1e6)
    return f"{text} ({100 * peak / p['bytes']:.0f} %)" if share else text


def speed_row(p: dict[str, Any]) -> list[str]:
    theirs, others = (fastest(p, family, ASKED) for family in ("scikit-learn", "others"))
    own = ours(p, ASKED)
    return [
        p["title"],
        shape(p),
        *(str(ours(p, level)) for level in LEVELS),
        f"{theirs.solver} {theirs}" if theirs else "–",
        *(str(ratios(p, level)) for level in LEVELS),
        str(ratio_to_lbfgs(p)),
        f"{others.solver} {others}" if others else "–",
        str(ratio(others, own)),
        significant(passes(p)),
        megabytes(p, "ours", share=True),
    ]


def default_row(p: dict[str, Any]) -> list[str]:
    mine, theirs = default(p, "ours"), default(p, rival(p))
    row = [p["title"]]
    for fit in (mine, theirs):
        row.append(significant(float(np.median(fit["seconds"]))) if fit.get("seconds") else "–")
        row.append(scientific(fit.get("suboptimality", math.nan)))
        if fit is mine:
            row.append(significant(fit.get("passes", math.nan)))
    row[4] += f" ({rival(p)})" if rival(p) != "lbfgs" else ""
    return [*row, str(default_ratio(p)), megabytes(p, "ours"), megabytes(p, rival(p))]


def scientific(x: float) -> str:
    if not np.isfinite(x):
        return "–"
    return "< 1e-12" if x < 1e-12 else f"{x:.0e}"


def apart_rows(problems: list[dict[str, Any]]) -> Table:
    """Solvers that penalise the intercept, and what we take to where they end."""
    rows = []
    for p in problems:
        for curve in (c for c in p["curves"] if c["apart"] and c["points"]):
            found = points(p, curve)
            best = found[:, 1].min()
            level = max(1.01 * best, 1e-12)
            there = time_to(p, curve, level)
            rows.append(
                [p["title"], curve["solver"], str(there), scientific(best), str(ours(p, level))]
            )
    return rows


def summary(problems: list[dict[str, Any]]) -> list[str]:
    """Means and worst cases over the problems given."""
    lines = []
    for level in LEVELS:
        found = [(ratios(p, level), p["title"]) for p in problems]
        known = [(r, title) for r, title in found if np.isfinite(r.value)]
        if known:
            worst, where = min(known, key=lambda pair: pair[0].value)
            below = sum(r.value < 1 for r, _ in known)
            lines.append(
                f"To {level:.0e}, against the fastest solver of scikit-learn on each of "
                f"{len(known)} problems: geometric mean {mean([r for r, _ in known]):.2f} "
                f"({mean([r for r, _ in known if not r.sign]):.2f} without bounds), "
                f"worst {worst} ({where}), {below} below 1."
            )
    for text, found in (
        (f"To {ASKED:.0e}, against lbfgs", [ratio_to_lbfgs(p) for p in problems]),
        ("Whole fit with default settings", [default_ratio(p) for p in problems]),
    ):
        lines.append(f"{text}: geometric mean {Ratio(mean(found))}.")
    return lines


def losses(problems: list[dict[str, Any]]) -> Table:
    """Problems on which a solver of scikit-learn, or any other, is faster."""
    rows = []
    for p in problems:
        for family in ("scikit-learn", "others"):
            theirs = fastest(p, family, ASKED)
            found = ratio(theirs, ours(p, ASKED))
            if found.value < 1:
                rows.append(
                    [p["title"], theirs.solver, str(theirs), str(ours(p, ASKED)), str(found)]
                )
    return sorted(rows, key=lambda row: float(row[-1].strip("<>")))


def hard_to_beat(problems: list[dict[str, Any]]) -> Table:
    """Where lbfgs is nearly as fast, and how few of our passes ten times its speed would be.

    Those are passes with their share of all else that a fit of ours does.
    """
    rows = []
    for p in problems:
        found = ratio_to_lbfgs(p)
        if found.value < CLOSE and not found.sign:
            tenth = significant(found.value / 10 * passes(p))
            its = str(arrival(p, "lbfgs")["iterations"])
            rows.append([p["title"], str(found), its, significant(passes(p)), tenth])
    return sorted(rows, key=lambda row: float(row[1]))


def machine(results: dict[str, Any]) -> str:
    m = results["machine"]
    versions = ", ".join(f"{k} {v}" for k, v in m["versions"].items() if v != "not installed")
    return (
        f"{m['processor']}, {m['cores']} core{'s' * (m['cores'] != 1)}, "
        f"OMP_NUM_THREADS {m['threads']}; {m['system']}, "
        f"Python {m['python']}; {versions}; {m['date']}, {results.get('minutes', 0):.0f} minutes."
    )


def by_group(results: dict[str, Any]) -> list[tuple[str, list[dict[str, Any]]]]:
    return [(name, list(ps)) for name, ps in groupby(results["problems"], lambda p: p["group"])]


def in_columns(head: tuple[str, ...], rows: Table) -> str:
    """A table for the terminal."""
    widths = [max(len(row[j]) for row in (head, *rows)) for j in range(len(head))]
    lines = []
    for row in (head, *rows):
        cells = [
            f"{c:<{w}}" if j < 2 else f"{c:>{w}}"
            for j, (c, w) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join([lines[0], "─" * len(lines[0]), *lines[1:]])


def in_markdown(head: tuple[str, ...], rows: Table) -> str:
    rules = [":--" if j == 0 else "--:" for j in range(len(head))]
    lines = [[cell.replace("J*", r"J\*") for cell in row] for row in (head, rules, *rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def sections(results: dict[str, Any], table: Any) -> list[tuple[str, str]]:
    """Headings and texts, the tables made by one of the two above."""
    problems = results["problems"]
    found = [
        (f"Time to a suboptimality: {name}", table(SPEED, [speed_row(p) for p in ps]))
        for name, ps in by_group(results)
    ]
    found.append(("Over all problems", "\n".join(f"- {line}" for line in summary(problems))))
    head = "problem", "faster", "its seconds", "ours", "ratio"
    rows = losses(problems)
    found.append(("Who is faster than ours", table(head, rows) if rows else "Nobody."))
    if rows := hard_to_beat(problems):
        found.append(("Where lbfgs is hard to beat", table(HARD, rows)))
    found.append(
        ("Default settings", table(DEFAULT, [default_row(p) for p in problems if p.get("default")]))
    )
    if rows := apart_rows(problems):
        found.append(("Apart: these penalise the intercept too", table(APART, rows)))
    return found


def brief_row(p: dict[str, Any]) -> list[str]:
    theirs = fastest(p, "scikit-learn", ASKED)
    named = f"{theirs.solver} {theirs}" if theirs else "–"
    ratios_ = [str(ratios(p, ASKED)), str(ratio_to_lbfgs(p)), str(default_ratio(p))]
    return [p["title"], shape(p), str(ours(p, ASKED)), named, *ratios_]


def brief(results: dict[str, Any], table: Any) -> list[tuple[str, str]]:
    """The same as `sections`, of a further run."""
    problems = results["problems"]
    title = f"The same, threads: {results['machine']['threads']}"
    lines = "\n".join(f"- {line}" for line in summary(problems))
    rows = table(BRIEF, [brief_row(p) for p in problems])
    return [(title, f"{machine(results)}\n\n{rows}\n\n{lines}")]


def publish(results: dict[str, Any], folder: Path) -> None:
    """Print the tables and draw the pictures."""
    print("\n" + machine(results))
    for title, text in sections(results, in_columns):
        print(f"\n{title}\n\n{text}")
    for path in figures.draw_all(results, folder):
        print("\n" + str(path), end="")
    print()


def write_docs(results: dict[str, Any], also: dict[str, Any] | None = None) -> None:
    """tables.md and the pictures, where docs/benchmarks.md looks for them."""
    DOCS.mkdir(parents=True, exist_ok=True)
    parts = [f"{machine(results)}\n"]
    further = brief(also, in_markdown) if also else []
    for title, text in sections(results, in_markdown) + further:
        parts.append(f"### {title}\n\n{text}\n")
    (DOCS / "tables.md").write_text("\n".join(parts))
    (DOCS / "results.json").write_text(json.dumps(results) + "\n")
    if also:
        (DOCS / "also.json").write_text(json.dumps(also) + "\n")
    paths = figures.draw_all(results, DOCS)
    images = (
        f"```{{image}} _static/benchmarks/{path.name}\n:alt: Suboptimality against time\n```\n"
        for path in paths
        if path.name.startswith("curves")
    )
    (DOCS / "curves.md").write_text("\n".join(images))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("results", nargs="?", type=Path, default=HERE / "output" / "results.json")
    parser.add_argument("--docs", action="store_true", help="write docs/_static/benchmarks")
    parser.add_argument("--also", type=Path, help="results of a further run")
    options = parser.parse_args()
    results = json.loads(options.results.read_text())
    also = json.loads(options.also.read_text()) if options.also else None
    publish(results, options.results.parent)
    for title, text in brief(also, in_columns) if also else []:
        print(f"\n{title}\n\n{text}")
    if options.docs:
        write_docs(results, also)


if __name__ == "__main__":
    main()
