"""How the cost grows with n, d, K, the stored entries and the condition number.

Prints the exponents measured, slopes in log-log of the four largest sizes, beside those of theory:
``make bench-scaling``, or ``python scaling.py [--quick]``.
"""

import argparse
import warnings
from time import perf_counter
from typing import Any

import numpy as np
from problems import OUTPUT, PAGES
from report import in_columns, in_markdown
from scipy import sparse

from sklearn_gd_logreg import GDLogisticRegression

ROUNDS = 5
HEAD = "size", "of what", "measured exponent", "theory"
PASS, FIT = "one pass", "whole fit"
THEORY = {
    "rows n": {PASS: "1", FIT: "1"},
    "features d": {PASS: "1", FIT: "1 to 2"},
    "classes K": {PASS: "1", FIT: "1 to 2"},
    "stored entries": {PASS: "1", FIT: "1"},
    "condition number κ": {"natural": "0", "nesterov": "0.5", "gd": "1"},
}
MOST = {"natural": 100, "nesterov": 20_000, "gd": 30_000}  # iterations
Sweeps = dict[str, dict[float, dict[str, float]]]  # what was measured, by size and its value

INTRODUCTION = """# How the cost grows

If a size doubles, the cost is multiplied by 2 to the power of its exponent. The cost is time; for
the condition number κ of the problem it is the number of passes to within 1e-6 of the minimum. See
[Benchmarks](../benchmarks.md).

`make bench-scaling ARGS=--docs` writes this page. It varies one size at a time; an exponent is the
slope over the four largest sizes in log-log.

"""


def rows(n: int, d: int, n_classes: int = 2) -> tuple[Any, np.ndarray]:
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


def fit(X: Any, y: np.ndarray, **parameters: Any) -> GDLogisticRegression:
    with warnings.catch_warnings(action="ignore"):
        return GDLogisticRegression(**parameters).fit(X, y)


def seconds(X: Any, y: np.ndarray) -> dict[str, float]:
    """Of an iteration of plain descent and of a default fit, the least over rounds."""
    found = []
    for _ in range(ROUNDS):
        history = fit(X, y, solver="gd", learning_rate=1e-3, tol=0, max_iter=8).history_
        start = perf_counter()
        fit(X, y)
        found.append((np.min(np.diff(history["time"])[1:]), perf_counter() - start))
    return dict(zip((PASS, FIT), np.min(found, axis=0), strict=True))


def passes(kappa: float) -> dict[str, float]:
    """To a suboptimality of 1e-6 on 2000 × 10, the squared scales of the features from 1 to κ."""
    X, y = rows(2000, 10)
    X *= np.geomspace(1 / np.sqrt(kappa), 1, 10)
    lowest, found = fit(X, y, C=1e4, tol=1e-11).history_["cost"].min(), {}
    for solver, most in MOST.items():
        history = fit(X, y, C=1e4, solver=solver, tol=0, max_iter=most).history_
        there = np.flatnonzero(history["cost"] <= (1 + 1e-6) * lowest)
        found[solver] = float(history["passes"][there[0]]) if there.size else np.nan
    return found


def sweeps(less: int) -> Sweeps:
    """Each size in turn, with so many doublings less."""
    return {
        "rows n": {n: seconds(*rows(n, 30)) for n in 2 ** np.arange(13, 20 - less)},
        "features d": {d: seconds(*rows(20_000, d)) for d in 2 ** np.arange(3, 10 - less)},
        "classes K": {K: seconds(*rows(10_000, 30, K)) for K in 3 * 2 ** np.arange(6 - less)},
        "stored entries": {
            m: seconds(*sparse_rows(20_000, 2000, m)) for m in 20_000 * 2 ** np.arange(2, 9 - less)
        },
        "condition number κ": {kappa: passes(kappa) for kappa in 10.0 ** np.arange(6 - less)},
    }


def exponents(found: Sweeps) -> list[list[str]]:
    """Slopes of log-log over the four largest sizes, where fixed costs are least."""
    lines = []
    for size, sweep in found.items():
        for line, theory in THEORY[size].items():
            points = [(x, at[line]) for x, at in sweep.items() if np.isfinite(at[line])][-4:]
            slope = np.polyfit(*np.log(points).T, 1)[0] if len(points) > 1 else np.nan
            lines.append([size, line, f"{slope:z.2f}", theory])
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="smaller sizes only")
    parser.add_argument("--docs", action="store_true", help="write into the documentation")
    options = parser.parse_args()
    found = sweeps(2 if options.quick else 0)
    for size, sweep in found.items():
        head, first = (size, *map("{:g}".format, sweep)), next(iter(sweep.values()))
        cells = [[line, *(f"{at[line]:.2g}" for at in sweep.values())] for line in first]
        print("\n" + in_columns(head, cells))
    lines = exponents(found)
    print("\n" + in_columns(HEAD, lines))
    folder = PAGES if options.docs else OUTPUT
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "scaling.md").write_text(f"{INTRODUCTION}{in_markdown(HEAD, lines)}\n", "utf-8")


if __name__ == "__main__":
    main()
