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
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from math import ceil, inf, isfinite
from time import process_time
from typing import Any
from unittest.mock import patch

import numpy as np
from problems import DOCS, OUTPUT, UNSEEN, loaded, short_problems
from report import geometric_mean, in_columns, in_markdown, significant
from threadpoolctl import threadpool_limits

from sklearn_gd_logreg import GDLogisticRegression, NaturalGradient
from sklearn_gd_logreg.data.presolve import choose
from sklearn_gd_logreg.rules.natural import (
    hessian_free,
    l1_quadratic,
    plan,
    prox_newton,
    rule,
    step_length,
    subsampling,
    tuning,
)
from sklearn_gd_logreg.rules.natural.curvature import CholeskyFisher
from sklearn_gd_logreg.rules.natural.hessian_free import HessianFree
from sklearn_gd_logreg.rules.natural.lbfgs import LBFGS, DiagonalBase
from sklearn_gd_logreg.rules.natural.memory import NaturalMemory
from sklearn_gd_logreg.rules.natural.plan import DIAGONAL, KRONECKER, NEWTON, SUBSAMPLED, Method
from sklearn_gd_logreg.rules.natural.prox_newton import ColumnFisher, ProximalFisher

AT_LEAST = 0.005  # seconds of a timing: shorter fits are made several times
LIMIT, LONGEST = 40, 2.0  # times the default fit, but no less than so many seconds; by the clock
EARNS_MEAN, EARNS_ONE = 1.05, 1.20  # what a strategy has to be worth: of the mean, or of a problem

Fit, Fits = dict[str, Any], dict[str, dict[str, Any]]


# -- the patches ---------------------------------------------------------------------------

Change = tuple[Any, str, Any]  # the attribute of a module or class, and its other value


def always(value: Any) -> Callable[..., Any]:
    return lambda *_, **__: value


def altered(owner: Any, name: str, change: Callable[..., Any]) -> Change:
    """A function that answers with what ``change`` makes of its answer and arguments."""
    before = getattr(owner, name)
    return owner, name, lambda *args: change(before(*args), *args)


def power_of_the_diagonal(which: int) -> list[Change]:
    of = altered(DiagonalBase, "from_objective", lambda base, *_: replace(base, chosen=which))
    return [of, (DiagonalBase, "fitted", lambda self, *_: self)]


def no_kronecker(method: Method, *_: Any) -> Method:
    """F if it can be factorised, or else the diagonal, comes first."""
    other = SUBSAMPLED if isfinite(method.hessian_cost) else DIAGONAL
    return replace(method, name=other) if method.name == KRONECKER else method


def no_newton(method: Method, *_: Any) -> Method:
    """F is kept and corrected however cheap it is."""
    dear = method.name == NEWTON and not method.exact
    return replace(method, name=SUBSAMPLED) if dear else method


def never_certified(self: NaturalGradient, memory: NaturalMemory) -> NaturalMemory:
    """An approximate curvature decides convergence."""
    ends = 2 * memory.remaining_decrease <= self.tol**2 and not self._on_subsample
    return memory if ends else checked(self, memory)


checked, updated, target = (
    NaturalGradient._refresh_if_needed,
    LBFGS.updated,
    HessianFree.newton_step,
)
at, defaults = CholeskyFisher.at, NaturalGradient.__init__.__defaults__

WITHOUT: dict[str, list[Change]] = {
    # which rows F is of
    "growing subsamples": [(tuning, "MIN_SUBSAMPLE_ROWS", inf)],
    "curvature from subsamples": [(subsampling, "_transferred", always(None))],
    "l2 for rare features": [(tuning, "SUBSAMPLE_RIDGE_ROWS", 0.0)],
    "subsampled Hessian": [(plan, "hessian_rows", lambda objective: objective.data.n_rows)],
    "rows by their part in F": [(tuning, "MAX_LOSS_FOR_TRACE_SAMPLING", 0.0)],
    "more rows after a refresh": [(plan, "more_hessian_rows", lambda _, n_rows: n_rows)],
    # how often it is worked out
    "Newton where F is cheap": [
        altered(rule, "choose_method", no_newton),
        (ProximalFisher, "refresh_every_step", False),
    ],
    "kept curvature": [  # other bases are still corrected
        (
            LBFGS,
            "updated",
            lambda self, *ends: None if self.has_fisher_base else updated(self, *ends),
        ),
        (ProximalFisher, "updated", always(None)),
    ],
    "L-BFGS pairs": [  # the curvature is kept, but not corrected
        altered(LBFGS, "updated", lambda after, *_: after and replace(after, pairs=())),
        altered(
            ProximalFisher,
            "updated",
            lambda after, self, *_: after and replace(after, fisher=self.fisher),
        ),
    ],
    "refresh after slow steps": [(tuning, "CONTRACTION", 1.0)],
    "F in the pass": [(tuning, "MAX_FUSED_WORK", 0.0)],
    # its form
    "Kronecker factors": [altered(rule, "choose_method", no_kronecker)],
    "float32 F": [(CholeskyFisher, "at", lambda point, damping, _=True: at(point, damping, False))],
    "choice of the diagonal's power: ½": power_of_the_diagonal(0),
    "choice of the diagonal's power: ¾": power_of_the_diagonal(1),
    "choice of the diagonal's power: 1": power_of_the_diagonal(2),
    # steps
    "length of the first step": [(step_length, "line_minimum", always(1.0))],
    "start from 0 if too far": [(tuning, "MAX_START_COST", inf)],
    "CG preconditioner": [
        (
            HessianFree,
            "newton_step",
            lambda self, *a: target(replace(self, preconditioner=None), *a),
        )
    ],
    "forcing term": [(tuning, "FORCING_TERM", 0.0)],
    "longer CG delays": [(hessian_free, "MAX_DELAY_FACTOR", 1)],
    # when the fit ends
    "certification": [(NaturalGradient, "_refresh_if_needed", never_certified)],
    "products for a dear F": [(tuning, "MIN_CG_COST", inf)],
    "series of decreases": [
        (NaturalMemory, "remaining_decrease", property(lambda self: self.step.decrease))
    ],
    # L1
    "working set": [(m, "MAX_PARAMETERS_WITHOUT_WORKING_SET", 2000) for m in (plan, prox_newton)],
    "columns for L1": [(ColumnFisher, "at", always(None))],
    "coordinate descent for L1": [(l1_quadratic, "MAX_ENTERING_WITHOUT_CD", inf)],
    # the data
    "equal rows": [(choose, "merging_rows_pays", always(False))],
    "single-row features": [(choose, "merge_single_row_features", always(None))],
    "centring": [(choose, "center_columns", always(None))],
    "row space": [
        altered(NaturalGradient, "plan", lambda found, *_: found._replace(row_space=False))
    ],
    # all strategies for F
    "everything (exact=True)": [(NaturalGradient.__init__, "__defaults__", (*defaults[:2], True))],
}
"""Strategy → what fits without it."""


@contextmanager
def without(strategy: str) -> Iterator[None]:
    """With the changes of a strategy; one of what is not there is an error."""
    with ExitStack() as stack:
        for owner, name, value in WITHOUT.get(strategy, ()):
            stack.enter_context(patch.object(owner, name, value))
        yield


# -- measuring -----------------------------------------------------------------------------


def stop(*_: Any) -> None:
    raise TimeoutError


def fit(data: list[Any], options: dict[str, Any], limit: float = 0.0) -> Fit:
    """A fit, broken off after so many seconds by the clock."""
    model, start = GDLogisticRegression(**options), process_time()
    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, limit)
    try:
        with warnings.catch_warnings(action="ignore"):
            model.fit(*data)
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
        ended, passes = one["end"] != "limit", one["passes"] / default["passes"]
        used = passes != 1 or not np.array_equal(one["w"], default["w"])
        found[name] = {
            "passes": passes if ended else None,
            "time": one["seconds"] / default["seconds"] if used else 1.0,
            "end": one["end"],
            "rise": (one["cost"] - default["cost"]) / abs(default["cost"]) if ended else 0.0,
            "used": used,
        }
    tasks = ["", *(name for name, one in found.items() if one["used"] and one["passes"])]
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


def row(name: str, results: dict[str, Any]) -> list[str]:
    """A line of the table: geometric means over tuned and unseen problems, and the extremes."""
    problems = {t: p for t, p in results["problems"].items() if name in p["without"]}
    both = {title: problem["without"][name] for title, problem in problems.items()}
    used, cells = [], []
    for unseen in (False, True):
        group = [both[title] for title, problem in problems.items() if problem["unseen"] == unseen]
        used.append(str(sum(one["used"] for one in group)))
        cells.append(f"{geometric_mean([one['passes'] for one in group if one['passes']]):.3f}")
        cells.append(f"{geometric_mean([one['time'] for one in group]):.3f}")
    times = {title: one["time"] for title, one in both.items() if one["used"]}
    ends = [f"{times[t]:.2f} {t}" for t in (f(times, key=times.get) for f in (max, min) if times)]
    lost = sum(one["end"] != "tol" for one in both.values())
    matters = [t for t in times if times[t] >= EARNS_ONE and not t.startswith("iris")]
    earns = f"{len(matters)} problems" if matters else "–"
    if geometric_mean([one["time"] for one in both.values()]) >= EARNS_MEAN:
        earns = "mean"
    return [name, " + ".join(used), *cells, *(ends or ["–", "–"]), str(lost or "–"), earns]


def where_it_matters(name: str, results: dict[str, Any]) -> str:
    """The problems on which it is worth, or costs, a fifth: time, and passes in brackets."""
    parts = []
    for title, problem in results["problems"].items():
        one = problem["without"].get(name)
        if one and one["used"] and not 1 / EARNS_ONE < one["time"] < EARNS_ONE:
            passes = f" ({one['passes']:.2f})" if one["passes"] else ""
            end = f", {one['end']}" if one["end"] != "tol" else ""
            rise = f", J {one['rise']:+.0e}" if abs(one["rise"]) > 1e-3 else ""
            words = f"{title} {significant(one['time'], 3)}{passes}{end}{rise}"
            parts.append((-one["time"], words))
    return "; ".join(words for _, words in sorted(parts))


def text(results: dict[str, Any], table: Callable) -> str:
    names = list(dict.fromkeys(n for p in results["problems"].values() for n in p["without"]))
    unseen = sum(p["unseen"] for p in results["problems"].values())
    places = {name: where_it_matters(name, results) for name in names}
    lines = [
        f"{len(results['problems']) - unseen} tuned + {unseen} unseen problems, "
        f"{results['rounds']} rounds, one thread; multiples of the default fit.",
        table(HEAD, [row(name, results) for name in names]),
        "A fifth or more on one problem, time and passes without it:",
        "\n".join(f"- **{name}**: {where}" for name, where in places.items() if where),
    ]
    return "\n\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", default="", metavar="REGEX", help="only such strategies")
    parser.add_argument("--problems", default="", metavar="REGEX", help="only such titles")
    parser.add_argument("--rounds", type=int, default=3, help="timings of each fit; 0: the first")
    parser.add_argument("--docs", action="store_true", help="write docs/_static/benchmarks")
    options = parser.parse_args()
    names = [name for name in WITHOUT if re.search(options.only, name)]
    results: dict[str, Any] = {"rounds": options.rounds, "problems": {}}
    folder = DOCS if options.docs else OUTPUT
    folder.mkdir(parents=True, exist_ok=True)
    for problem, data, penalty in loaded(short_problems(options.problems)):
        with threadpool_limits(1):
            found = measure(data, penalty, names, options.rounds)
        unseen = problem.group.startswith(UNSEEN)
        results["problems"][problem.title] = {"unseen": unseen, "without": found}
        print(problem.title, flush=True)
        (folder / "ablation.md").write_text(text(results, in_markdown), encoding="utf-8")
    print("\n" + text(results, in_columns))


if __name__ == "__main__":
    main()
