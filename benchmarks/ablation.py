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
import json
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import replace
from math import ceil, inf, isfinite
from pathlib import Path
from time import process_time
from typing import Any
from unittest.mock import patch

import numpy as np
from measure import at_most
from problems import UNSEEN, Named, load, unseen_problems
from problems import all_problems as tuned_problems
from report import in_columns, in_markdown
from results import significant
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
from sklearn_gd_logreg.rules.natural.curvature import CholeskyFisher, Curvature
from sklearn_gd_logreg.rules.natural.hessian_free import HessianFree
from sklearn_gd_logreg.rules.natural.lbfgs import LBFGS, DiagonalBase
from sklearn_gd_logreg.rules.natural.plan import DIAGONAL, KRONECKER, NEWTON, SUBSAMPLED, Method
from sklearn_gd_logreg.rules.natural.prox_newton import ColumnFisher, ProximalFisher
from sklearn_gd_logreg.rules.natural.rule import NaturalMemory

HERE = Path(__file__).parent
OUTPUT, DOCS = HERE / "output", HERE.parent / "docs" / "_static" / "benchmarks"
AT_LEAST = 0.005  # seconds of a timing: shorter fits are made several times
LIMIT, LONGEST = 40, 2.0  # times the default fit, but no less than so many seconds; by the clock
EARNS_MEAN, EARNS_ONE = 1.05, 1.20  # what a strategy has to be worth: of the mean, or of a problem

Fit = dict[str, Any]


# -- the patches ---------------------------------------------------------------------------


@contextmanager
def patched(*changes: tuple[Any, str, Any]) -> Iterator[None]:
    """Attributes of modules and classes with other values; one that is not there is an error."""
    with ExitStack() as stack:
        for owner, name, value in changes:
            stack.enter_context(patch.object(owner, name, value))
        yield


def always(value: Any) -> Callable[..., Any]:
    return lambda *_, **__: value


@contextmanager
def together(names: list[str]) -> Iterator[None]:
    """Without several strategies."""
    with ExitStack() as stack:
        for name in names:
            stack.enter_context(WITHOUT[name]())
        yield


def number(name: str, value: float) -> Callable[[], AbstractContextManager[None]]:
    """With another number in tuning.py."""
    return lambda: patched((tuning, name, value))


def all_rows(objective: Any) -> int:
    return objective.data.n_rows


def no_kept_curvature() -> AbstractContextManager[None]:
    """F is worked out at every point; other bases are still corrected."""
    updated = LBFGS.updated
    return patched(
        (LBFGS, "updated", lambda self, *ends: None if self.is_fisher else updated(self, *ends)),
        (ProximalFisher, "updated", always(None)),
    )


def no_pairs() -> AbstractContextManager[None]:
    """The curvature is kept, but not corrected."""
    updated, proximal = LBFGS.updated, ProximalFisher.updated

    def kept(self: LBFGS, *ends: Any) -> Curvature | None:
        after = updated(self, *ends)
        return after and replace(after, pairs=())

    def kept_proximal(self: ProximalFisher, *ends: Any) -> Curvature | None:
        after = proximal(self, *ends)
        return after and replace(after, fisher=self.fisher)

    return patched((LBFGS, "updated", kept), (ProximalFisher, "updated", kept_proximal))


def planned(name: str, other: Callable[[Method], str]) -> tuple[Any, str, Any]:
    """Another method where the plan is this one."""

    def choose_method(*arguments: Any) -> Method:
        found = plan.choose_method(*arguments)
        return replace(found, name=other(found)) if found.name == name else found

    return rule, "choose_method", choose_method


def no_kronecker_factors() -> AbstractContextManager[None]:
    """F if it can be factorised, or else the diagonal, comes first."""
    return patched(
        planned(KRONECKER, lambda found: SUBSAMPLED if isfinite(found.hessian_cost) else DIAGONAL)
    )


def no_newton() -> AbstractContextManager[None]:
    """F is kept and corrected however cheap it is."""
    return patched(
        planned(NEWTON, lambda found: NEWTON if found.exact else SUBSAMPLED),
        (ProximalFisher, "every_step", False),
    )


def no_float32() -> AbstractContextManager[None]:
    at = CholeskyFisher.at
    return patched((CholeskyFisher, "at", lambda point, damping, _=True: at(point, damping, False)))


def power_of_the_diagonal(which: int) -> AbstractContextManager[None]:
    of = DiagonalBase.of
    return patched(
        (DiagonalBase, "of", lambda objective: replace(of(objective), chosen=which)),
        (DiagonalBase, "fitted", lambda self, *_: self),
    )


def no_preconditioner() -> AbstractContextManager[None]:
    target = HessianFree.target

    def plain(self: HessianFree, *arguments: Any) -> Any:
        return target(replace(self, preconditioner=None), *arguments)

    return patched((HessianFree, "target", plain))


def no_certification() -> AbstractContextManager[None]:
    """An approximate curvature decides convergence."""
    decided = NaturalGradient._checked

    def at_once(self: NaturalGradient, memory: NaturalMemory) -> NaturalMemory:
        ends = 2 * memory.decrease_to_come <= self.tol**2 and not self._on_subsample
        return memory if ends else decided(self, memory)

    return patched((NaturalGradient, "_checked", at_once))


def no_series() -> AbstractContextManager[None]:
    decrease = property(lambda self: self.step.decrease)
    return patched((NaturalMemory, "decrease_to_come", decrease))


def no_working_set(limit: int) -> AbstractContextManager[None]:
    """No working set up to so many parameters."""
    return patched(
        *((module, "MAX_PARAMETERS_WITHOUT_WORKING_SET", limit) for module in (plan, prox_newton))
    )


def exact() -> AbstractContextManager[None]:
    damping, direct_limit, _ = NaturalGradient.__init__.__defaults__
    return patched((NaturalGradient.__init__, "__defaults__", (damping, direct_limit, True)))


def no_row_space() -> AbstractContextManager[None]:
    planned_before = NaturalGradient.plan
    return patched(
        (
            NaturalGradient,
            "plan",
            lambda self, *task: planned_before(self, *task)._replace(row_space=False),
        )
    )


WITHOUT: dict[str, Callable[[], AbstractContextManager[None]]] = {
    # which rows F is of
    "growing subsamples": number("MIN_SUBSAMPLE_ROWS", inf),
    "curvature from subsamples": lambda: patched((subsampling, "_transferred", always(None))),
    "l2 for rare features": number("SUBSAMPLE_RIDGE_ROWS", 0.0),
    "subsampled Hessian": lambda: patched((plan, "hessian_rows", all_rows)),
    "rows by their part in F": number("CERTAIN", 0.0),
    "more rows after a refresh": lambda: patched((plan, "more_rows", lambda _, n_rows: n_rows)),
    # how often it is worked out
    "Newton where F is cheap": no_newton,
    "kept curvature": no_kept_curvature,
    "L-BFGS pairs": no_pairs,
    "refresh after slow steps": number("CONTRACTION", 1.0),
    "F in the pass": number("MAX_FUSED_WORK", 0.0),
    # its form
    "Kronecker factors": no_kronecker_factors,
    "float32 F": no_float32,
    "choice of the diagonal's power: ½": lambda: power_of_the_diagonal(0),
    "choice of the diagonal's power: ¾": lambda: power_of_the_diagonal(1),
    "choice of the diagonal's power: 1": lambda: power_of_the_diagonal(2),
    # steps
    "length of the first step": lambda: patched((step_length, "best_length", always(1.0))),
    "start from 0 if too far": number("MAX_START_COST", inf),
    "CG preconditioner": no_preconditioner,
    "forcing term": number("FORCING_TERM", 0.0),
    "longer CG delays": lambda: patched((hessian_free, "MAX_DELAYS", 1)),
    # when the fit ends
    "certification": no_certification,
    "products for a dear F": number("MIN_CG_COST", inf),
    "series of decreases": no_series,
    # L1
    "working set": lambda: no_working_set(2000),
    "columns for L1": lambda: patched((ColumnFisher, "at", always(None))),
    "coordinate descent for L1": lambda: patched((l1_quadratic, "FEW_ENTERING", inf)),
    # the data
    "equal rows": lambda: patched((choose, "repeats_rows", always(False))),
    "single-row features": lambda: patched((choose, "merge_single_row_features", always(None))),
    "centring": lambda: patched((choose, "centre_if_far", always(None))),
    "row space": no_row_space,
    # all strategies for F
    "everything (exact=True)": exact,
}
"""Strategy → what fits without it."""


# -- measuring -----------------------------------------------------------------------------


class Case:
    """A problem with its data, and its default fit."""

    def __init__(self, problem: Named) -> None:
        self.options = load(problem)
        self.data = [self.options.pop(name) for name in ("X", "y", "sample_weight")]
        self.limit = inf
        self.fit()  # what the first fit loads
        self.default, self.model = self.fit()
        self.limit = max(LIMIT * self.default["seconds"], LONGEST)

    def fit(self) -> tuple[Fit, Any]:
        model = GDLogisticRegression(**self.options)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            start = process_time()
            with at_most(self.limit) if isfinite(self.limit) else nullcontext():
                model.fit(*self.data)
            seconds = process_time() - start
        found = {
            "passes": float(model.history_["passes"][-1]),
            "cost": float(model.history_["cost"][-1]),
            "end": model.stop_reason_,
            "seconds": seconds,
        }
        return found, model

    def seconds(self, repetitions: int) -> float:
        gc.collect()
        return sum(self.fit()[0]["seconds"] for _ in range(repetitions)) / repetitions

    def same(self, found: Fit, model: Any) -> bool:
        return (
            found["passes"] == self.default["passes"]
            and np.array_equal(model.coef_, self.model.coef_)
            and np.array_equal(model.intercept_, self.model.intercept_)
        )


def measure(problem: Named, without: list[str], rounds: int) -> dict[str, Fit]:
    """For each strategy passes and time as multiples of the default's, and how the fit ends."""
    case = Case(problem)
    found, used = {}, []
    for name in without:
        start = process_time()
        try:
            with WITHOUT[name]():
                one, model = case.fit()
        except TimeoutError:
            ratio = (process_time() - start) / case.default["seconds"]
            found[name] = {"passes": None, "time": ratio, "end": "limit", "rise": 0.0, "used": True}
            continue
        found[name] = {
            "passes": one["passes"] / case.default["passes"],
            "time": one["seconds"] / case.default["seconds"],
            "end": one["end"],
            "rise": (one["cost"] - case.default["cost"]) / abs(case.default["cost"]),
            "used": not case.same(one, model),
        }
        if found[name]["used"]:
            used.append(name)
        else:
            found[name]["time"] = 1.0
    case.limit = inf
    tasks: list[tuple[str, Callable]] = [("", nullcontext), *((n, WITHOUT[n]) for n in used)]
    repetitions = ceil(AT_LEAST / case.default["seconds"])
    times: dict[str, list[float]] = {name: [] for name, _ in tasks}
    for number in range(rounds if used else 0):
        for name, context in reversed(tasks) if number % 2 else tasks:
            with context():
                times[name].append(case.seconds(repetitions))
    for name in used if rounds else []:
        found[name]["time"] = float(np.median(np.divide(times[name], times[""])))
    return found


# -- tables --------------------------------------------------------------------------------

HEAD = (
    "without", "changes", "passes, tuned", "time, tuned", "passes, unseen", "time, unseen",
    "slowest without it", "fastest without it", "no end by tol", "earns",
)  # fmt: skip


def mean(ratios: list[float]) -> float:
    return float(np.exp(np.mean(np.log(ratios)))) if ratios else np.nan


def row(name: str, results: dict[str, Any]) -> list[str]:
    """A line of the table: geometric means over tuned and unseen problems, and the extremes."""
    groups = {False: [], True: []}
    for title, problem in results["problems"].items():
        if name in problem["without"]:
            groups[problem["unseen"]].append((title, problem["without"][name]))
    both = groups[False] + groups[True]
    used = [sum(one["used"] for _, one in group) for group in groups.values()]
    times = {title: one["time"] for title, one in both if one["used"]}
    worst, best = (choose(times, key=times.get, default=None) for choose in (max, min))
    cells = [name, f"{used[0]} + {used[1]}"]
    for group in groups.values():
        counted = [one["passes"] for _, one in group if one["passes"]]
        cells += [f"{mean(counted):.3f}", f"{mean([one['time'] for _, one in group]):.3f}"]
    lost = [title for title, one in both if one["end"] != "tol"]
    whole = mean([one["time"] for _, one in both])
    matters = [t for t in times if times[t] >= EARNS_ONE and not t.startswith("iris")]
    earns = "mean" if whole >= EARNS_MEAN else f"{len(matters)} problems" if matters else "–"
    return [
        *cells,
        f"{times[worst]:.2f} {worst}" if times else "–",
        f"{times[best]:.2f} {best}" if times else "–",
        str(len(lost)) if lost else "–",
        earns,
    ]


def where_it_matters(name: str, results: dict[str, Any]) -> str:
    """The problems on which it is worth, or costs, a fifth: time, and passes in brackets."""
    parts = []
    for title, problem in results["problems"].items():
        one = problem["without"].get(name)
        if one and one["used"] and not 1 / EARNS_ONE < one["time"] < EARNS_ONE:
            passes = f" ({one['passes']:.2f})" if one["passes"] else ""
            end = f", {one['end']}" if one["end"] != "tol" else ""
            rise = f", J {one['rise']:+.0e}" if abs(one["rise"]) > 1e-3 else ""
            parts.append(
                (-one["time"], f"{title} {significant(one['time'], 3)}{passes}{end}{rise}")
            )
    return "; ".join(text for _, text in sorted(parts))


def text(results: dict[str, Any], table: Callable) -> str:
    names = list(dict.fromkeys(n for p in results["problems"].values() for n in p["without"]))
    unseen = sum(p["unseen"] for p in results["problems"].values())
    lines = [
        f"{len(results['problems']) - unseen} tuned + {unseen} unseen problems, "
        f"{results['rounds']} rounds, one thread; multiples of the default fit.",
        table(HEAD, [row(name, results) for name in names]),
        "A fifth or more on one problem, time and passes without it:",
        "\n".join(
            f"- **{name}**: {found}" for name in names if (found := where_it_matters(name, results))
        ),
    ]
    return "\n\n".join(lines) + "\n"


def write(results: dict[str, Any], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if folder != DOCS:
        (folder / "ablation.json").write_text(json.dumps(results, ensure_ascii=False) + "\n")
    (folder / "ablation.md").write_text(text(results, in_markdown), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", default="", metavar="REGEX", help="only such strategies")
    parser.add_argument("--problems", default="", metavar="REGEX", help="only such titles")
    parser.add_argument(
        "--rounds", type=int, default=3, metavar="N", help="timings of each fit; 0: the first"
    )
    parser.add_argument(
        "--together", default="", metavar="REGEX", help="as the last line: without all of these"
    )
    parser.add_argument("--docs", action="store_true", help="write docs/_static/benchmarks too")
    options = parser.parse_args()
    without = [name for name in WITHOUT if re.search(options.only, name)]
    if options.together:
        names = [name for name in WITHOUT if re.search(options.together, name)]
        WITHOUT["all of: " + ", ".join(names)] = lambda: together(names)
        without = list(dict.fromkeys([*without, *list(WITHOUT)[-1:]]))
    tuned = [p for p in tuned_problems() if not p.limit]
    results: dict[str, Any] = {"rounds": options.rounds, "problems": {}}
    for problem in (*tuned, *unseen_problems()):
        if not re.search(options.problems, problem.title):
            continue
        start = process_time()
        try:
            with threadpool_limits(1):
                found = measure(problem, without, options.rounds)
        except ImportError as error:
            print(f"{problem.title}: left out: {error}", flush=True)
            continue
        unseen = problem.group.startswith(UNSEEN)
        results["problems"][problem.title] = {"unseen": unseen, "without": found}
        print(f"{problem.title}: {process_time() - start:.0f} s", flush=True)
        write(results, OUTPUT)
    print("\n" + text(results, in_columns))
    if options.docs:
        write(results, DOCS)


if __name__ == "__main__":
    main()
