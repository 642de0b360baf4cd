"""What each strategy of the natural gradient is worth: default fits with one of them switched off.

``python benchmarks/ablation.py [--only REGEX] [--problems REGEX] [--rounds N] [--docs]``

On every problem of the benchmark and every one that no constant was chosen on, each strategy is
switched off in turn by a patch. Passes are counted. Times are processor seconds with one thread, as
a ratio to the default fit of the same round; rounds run every other time in reverse. Where the fit
ends with the same bits after the same passes, the strategy was not used, and both ratios are 1.
``SKLEARN_GD_LOGREG_DATA`` names a folder of real data.
"""

from __future__ import annotations

import argparse
import gc
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from math import ceil, inf, isfinite
from pkgutil import resolve_name
from time import process_time
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
from passes import default_fit
from problems import OUTPUT, PAGES, UNSEEN, loaded, short_problems
from report import geometric_mean, in_columns, in_markdown, significant
from threadpoolctl import threadpool_limits

from sklearn_gd_logreg import NaturalGradient
from sklearn_gd_logreg.rules.natural.plan import DIAGONAL, KRONECKER, NEWTON, SUBSAMPLED, Method

AT_LEAST = 0.005  # seconds of a timing: shorter fits are made several times
LIMIT, LONGEST = 40, 2.0  # times the default fit, but no less than so many seconds; by the clock
EARNS_MEAN, EARNS_ONE = 1.05, 1.20  # what a strategy has to be worth: of the mean, or of a problem

Fit, Fits = dict[str, Any], dict[str, dict[str, Any]]


# -- the patches ---------------------------------------------------------------------------

NATURAL = "sklearn_gd_logreg.rules.natural"
PRESOLVE = "sklearn_gd_logreg.data.presolve.choose"
Changes = dict[str, Any]  # names of attributes, within `NATURAL` or full, and their other values

INTRODUCTION = """# What each strategy is worth

`python benchmarks/ablation.py --docs` makes this page.
[Benchmarks](../benchmarks.md#what-each-strategy-is-worth) says how to read it.

"""


def full(name: str) -> str:
    return name if name.startswith("sklearn_gd_logreg.") else f"{NATURAL}.{name}"


def original(name: str) -> Any:
    return resolve_name(full(name))


def always(value: Any) -> Callable[..., Any]:
    return lambda *_, **__: value


def altered(name: str, change: Callable[..., Any]) -> Changes:
    """A function that answers with what ``change`` makes of its answer and arguments."""
    before = original(name)
    return {name: lambda *args: change(before(*args), *args)}


def power_of_the_diagonal(which: int) -> Changes:
    base = "lbfgs.DiagonalBase"
    chosen = altered(f"{base}.from_objective", lambda found, *_: replace(found, chosen=which))
    return chosen | {f"{base}.fitted": lambda self, *_: self}


def no_kronecker(method: Method, *_: Any) -> Method:
    """F if it can be factorised, or else the diagonal, comes first."""
    other = SUBSAMPLED if isfinite(method.hessian_cost) else DIAGONAL
    return replace(method, name=other) if method.name == KRONECKER else method


def no_newton(method: Method, *_: Any) -> Method:
    """F is kept and corrected however cheap it is."""
    costly = method.name == NEWTON and not method.exact
    return replace(method, name=SUBSAMPLED) if costly else method


def never_certified(self: NaturalGradient, memory: Any) -> Any:
    """An approximate curvature decides convergence."""
    ends = 2 * memory.remaining_decrease <= self.tol**2 and not self._on_subsample
    return memory if ends else checked(self, memory)


def kept_without_fisher(self: Any, *ends: Any) -> Any:
    """Other bases than F are still corrected."""
    return None if self.has_fisher_base else updated(self, *ends)


def kept_without_pairs(after: Any, *_: Any) -> Any:
    """The curvature is kept, but not corrected; likewise with L1."""
    return after and replace(after, pairs=())


def kept_fisher(after: Any, before: Any, *_: Any) -> Any:
    return after and replace(after, fisher=before.fisher)


def unpreconditioned(self: Any, *args: Any) -> Any:
    return newton_step(replace(self, preconditioner=None), *args)


checked = original("rule.NaturalGradient._refresh_if_needed")
updated = original("lbfgs.LBFGS.updated")
newton_step = original("hessian_free.HessianFree.newton_step")
at = original("curvature.CholeskyFisher.at")
defaults = NaturalGradient.__init__.__defaults__

WITHOUT: dict[str, Changes] = {
    # which rows F is of
    "growing subsamples": {"tuning.MIN_SUBSAMPLE_ROWS": inf},
    "curvature from subsamples": {"subsampling._transferred": always(None)},
    "l2 for rare features": {"tuning.SUBSAMPLE_RIDGE_ROWS": 0.0},
    "subsampled Hessian": {"plan.hessian_rows": lambda objective: objective.data.n_rows},
    "rows by their part in F": {"tuning.MAX_LOSS_FOR_TRACE_SAMPLING": 0.0},
    "more rows after a refresh": {"plan.more_hessian_rows": lambda _, n_rows: n_rows},
    # how often it is worked out
    "Newton where F is cheap": altered("rule.choose_method", no_newton)
    | {"prox_newton.ProximalFisher.refresh_every_step": False},
    "kept curvature": {
        "lbfgs.LBFGS.updated": kept_without_fisher,
        "prox_newton.ProximalFisher.updated": always(None),
    },
    "L-BFGS pairs": altered("lbfgs.LBFGS.updated", kept_without_pairs)
    | altered("prox_newton.ProximalFisher.updated", kept_fisher),
    "refresh after slow steps": {"tuning.CONTRACTION": 1.0},
    "F in the pass": {"tuning.MAX_FUSED_WORK": 0.0},
    # its form
    "Kronecker factors": altered("rule.choose_method", no_kronecker),
    "float32 F": {
        "curvature.CholeskyFisher.at": lambda point, damping, _=True: at(point, damping, False)
    },
    "choice of the diagonal's power: ½": power_of_the_diagonal(0),
    "choice of the diagonal's power: ¾": power_of_the_diagonal(1),
    "choice of the diagonal's power: 1": power_of_the_diagonal(2),
    # steps
    "length of the first step": {"step_length.line_minimum": always(1.0)},
    "start from 0 if too far": {"tuning.MAX_START_COST": inf},
    "CG preconditioner": {"hessian_free.HessianFree.newton_step": unpreconditioned},
    "forcing term": {"tuning.FORCING_TERM": 0.0},
    "longer CG delays": {"hessian_free.MAX_DELAY_FACTOR": 1},
    # when the fit ends
    "certification": {"rule.NaturalGradient._refresh_if_needed": never_certified},
    "products for a costly F": {"tuning.MIN_CG_COST": inf},
    "series of decreases": {
        "memory.NaturalMemory.remaining_decrease": property(lambda self: self.step.decrease)
    },
    # L1
    "working set": {
        "plan.MAX_PARAMETERS_WITHOUT_WORKING_SET": 2000,
        "prox_newton.MAX_PARAMETERS_WITHOUT_WORKING_SET": 2000,
    },
    "columns for L1": {"prox_newton.ColumnFisher.at": always(None)},
    "coordinate descent for L1": {"l1_quadratic.MAX_ENTERING_WITHOUT_CD": inf},
    # the data
    "equal rows": {f"{PRESOLVE}.merging_rows_pays": always(False)},
    "single-row features": {f"{PRESOLVE}.merge_single_row_features": always(None)},
    "centring": {f"{PRESOLVE}.center_columns": always(None)},
    "row space": altered(
        "rule.NaturalGradient.plan", lambda found, *_: found._replace(row_space=False)
    ),
    # all strategies for F
    "everything (exact=True)": {
        "rule.NaturalGradient.__init__.__defaults__": (*defaults[:2], True)
    },
}
"""Strategy → what fits without it."""


@contextmanager
def without(strategy: str) -> Iterator[None]:
    """With the changes of a strategy; one of what is not there is an error."""
    with ExitStack() as stack:
        for name, value in WITHOUT.get(strategy, {}).items():
            stack.enter_context(patch(full(name), value))
        yield


# -- measuring -----------------------------------------------------------------------------


def stop(*_: Any) -> None:
    raise TimeoutError


def fit(data: list[Any], options: dict[str, Any], limit: float = 0.0) -> Fit:
    """A fit, broken off after so many seconds by the clock."""
    start = process_time()
    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, limit)
    try:
        model = default_fit(data, options)
    except TimeoutError:
        return {"seconds": process_time() - start, "passes": np.nan, "cost": np.nan, "end": "limit"}
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    last = {key: float(model.history_[key][-1]) for key in ("passes", "cost")}
    w = np.append(model.coef_, model.intercept_)
    return last | {"seconds": process_time() - start, "end": model.stop_reason_, "w": w}


def measure(data: list[Any], options: dict[str, Any], names: list[str], rounds: int) -> Fits:
    """For each strategy passes and time as multiples of the default's, and how the fit ends."""
    fit(data, options)  # what the first fit loads
    default, found = fit(data, options), {}
    limit = max(LIMIT * default["seconds"], LONGEST)
    for name in names:
        with without(name):
            one = fit(data, options, limit)
        passes = one["passes"] / default["passes"]
        used = passes != 1 or not np.array_equal(one["w"], default["w"])
        found[name] = {
            "passes": passes,
            "time": one["seconds"] / default["seconds"] if used else 1.0,
            "end": one["end"],
            "rise": (one["cost"] - default["cost"]) / abs(default["cost"]),
            "used": used,
        }
    tasks = ["", *(name for name, one in found.items() if one["used"] and one["end"] != "limit")]
    times: dict[str, list[float]] = {name: [] for name in tasks}
    for number in range(rounds if len(tasks) > 1 else 0):
        for name in reversed(tasks) if number % 2 else tasks:
            gc.collect()
            with without(name):
                fits = [fit(data, options) for _ in range(ceil(AT_LEAST / default["seconds"]))]
            times[name].append(sum(one["seconds"] for one in fits))
    for name in tasks[1:] if rounds else ():
        found[name]["time"] = float(np.median(np.divide(times[name], times[""])))
    return found


# -- tables --------------------------------------------------------------------------------

HEAD = (
    "without", "changes", "passes, tuned", "time, tuned", "passes, unseen", "time, unseen",
    "slowest without it", "fastest without it", "no end by tol", "earns",
)  # fmt: skip


def number_of(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def row(name: str, fits: pd.DataFrame) -> list[str]:
    """A line of the table: geometric means over tuned and unseen problems, and the extremes."""
    groups = [fits[fits.unseen == unseen] for unseen in (False, True)]
    changes = " + ".join(str(group.used.sum()) for group in groups)
    means = [geometric_mean(x) for g in groups for x in (g.passes.dropna(), g.time)]
    times = fits[fits.used].set_index("problem").time
    ends = ["–", "–"]
    if len(times):
        ends = [f"{times[title]:.2f} {title}" for title in (times.idxmax(), times.idxmin())]
    lost = (fits.end != "tol").sum()
    matters = [t for t in times.index[times >= EARNS_ONE] if not t.startswith("iris")]
    earns = number_of(len(matters), "problem") if matters else "–"
    if geometric_mean(fits.time) >= EARNS_MEAN:
        earns = "mean"
    return [name, changes, *(f"{x:.3f}" for x in means), *ends, str(lost or "–"), earns]


def where_it_matters(fits: pd.DataFrame) -> str:
    """The problems on which it is worth, or costs, a fifth: time, and passes in brackets."""
    parts = []
    matters = fits.used & ~fits.time.between(1 / EARNS_ONE, EARNS_ONE, inclusive="neither")
    for one in fits[matters].sort_values("time", ascending=False).itertuples():
        passes = f" ({one.passes:.2f})" if isfinite(one.passes) else ""
        end = f", {one.end}" if one.end != "tol" else ""
        rise = f", J {one.rise:+.0e}" if abs(one.rise) > 1e-3 else ""
        parts.append(f"{one.problem}: {significant(one.time, 3)}{passes}{end}{rise}")
    return "; ".join(parts)


def text(results: pd.DataFrame, rounds: int, table: Callable[..., str]) -> str:
    strategies = list(results.groupby("without", sort=False))
    unseen = results[results.unseen].problem.nunique()
    places = {name: where_it_matters(fits) for name, fits in strategies}
    lines = [
        f"{results.problem.nunique() - unseen} tuned + {unseen} unseen problems, "
        f"{number_of(rounds, 'round')}, one thread; multiples of the default fit.",
        table(HEAD, [row(name, fits) for name, fits in strategies]),
        "The problems on which the time without a strategy changes by a fifth or more. After each: "
        "time (passes), as multiples of the default fit.",
        "\n".join(f"- **{name}**: {where}" for name, where in places.items() if where),
    ]
    return "\n\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", default="", metavar="REGEX", help="only such strategies")
    parser.add_argument("--problems", default="", metavar="REGEX", help="only such titles")
    parser.add_argument("--rounds", type=int, default=3, help="timings of each fit; 0: the first")
    parser.add_argument("--docs", action="store_true", help="write into docs")
    options = parser.parse_args()
    names = [name for name in WITHOUT if re.search(options.only, name)]
    problems, found = short_problems(options.problems), []
    if not (names and problems):
        parser.error("no strategy or no problem has such a name")
    folder = PAGES if options.docs else OUTPUT
    folder.mkdir(parents=True, exist_ok=True)
    for problem, data, penalty in loaded(problems):
        with threadpool_limits(1):
            fits = measure(data, penalty, names, options.rounds)
        of = {"problem": problem.title, "unseen": problem.group.startswith(UNSEEN)}
        found += [of | {"without": name} | one for name, one in fits.items()]
        print(problem.title, flush=True)
        results = pd.DataFrame(found)
        (folder / "ablation.md").write_text(
            INTRODUCTION + text(results, options.rounds, in_markdown), "utf-8"
        )
    print("\n" + text(results, options.rounds, in_columns))


if __name__ == "__main__":
    main()
