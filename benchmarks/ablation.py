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

from sklearn_gd_logreg import GDLogisticRegression, NaturalGradient, estimator
from sklearn_gd_logreg.rules.natural import (
    columns,
    curvature,
    forms,
    hessian_free,
    lasso,
    lbfgs,
    prox_newton,
    rule,
)
from sklearn_gd_logreg.rules.natural.columns import ColumnFisher
from sklearn_gd_logreg.rules.natural.curvature import Curvature, DiagonalFisher
from sklearn_gd_logreg.rules.natural.lbfgs import SecantFisher
from sklearn_gd_logreg.rules.natural.prox_newton import ProximalFisher
from sklearn_gd_logreg.rules.natural.subsampling import Known

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


def no_kept_curvature() -> AbstractContextManager[None]:
    """F is worked out at every point; a guess is still corrected."""
    learn = SecantFisher.learn
    return patched(
        (SecantFisher, "learn", lambda self, *step: None if self.trusted else learn(self, *step)),
        (ProximalFisher, "learn", always(None)),
        (ColumnFisher, "learn", always(None)),
    )


def no_pairs() -> AbstractContextManager[None]:
    """F is kept, but not corrected."""
    with_pair, learn = SecantFisher.with_pair, ProximalFisher.learn

    def kept(self: ProximalFisher, *step: Any) -> Curvature | None:
        learned = learn(self, *step)
        return learned and replace(learned, fisher=self.fisher)

    return patched(
        (SecantFisher, "with_pair", lambda self, *ends: replace(with_pair(self, *ends), pairs=())),
        (ProximalFisher, "learn", kept),
    )


def no_float32() -> AbstractContextManager[None]:
    quick = curvature.quick_fisher
    return patched(
        (forms, "quick_fisher", lambda point, damping, _=None: quick(point, damping, False))
    )


def power_of_the_diagonal(which: int) -> AbstractContextManager[None]:
    of = DiagonalFisher.of
    return patched(
        (DiagonalFisher, "of", lambda objective: replace(of(objective), chosen=which)),
        (DiagonalFisher, "agreeing", lambda self, *_: self),
    )


def no_preconditioner() -> AbstractContextManager[None]:
    products = forms.products
    return patched((forms, "products", lambda *arguments: products(*arguments[:-1], None)))


def no_smoothing() -> AbstractContextManager[None]:
    def follow(self: rule.NaturalMemory, before: float, ratio: float) -> None:
        self.ratio = max(self.full_step().decrease / (before or 1.0), 0.0)

    return patched((rule.NaturalMemory, "follow", follow))


def no_last_steps() -> AbstractContextManager[None]:
    learn = SecantFisher.learn
    return patched(
        (SecantFisher, "learn", lambda self, *step: None if self._is_newton else learn(self, *step))
    )


def exact() -> AbstractContextManager[None]:
    damping, direct_limit, _ = NaturalGradient.__init__.__defaults__
    return patched((NaturalGradient.__init__, "__defaults__", (damping, direct_limit, True)))


def no_working_set(limit: int) -> AbstractContextManager[None]:
    """No working set up to so many parameters."""
    return patched((forms, "SMALL", limit), (rule, "SMALL", limit))


def negligible(part: float) -> AbstractContextManager[None]:
    return patched((lbfgs, "NEGLIGIBLE", part), (prox_newton, "NEGLIGIBLE", part))


def all_rows(objective: Any) -> int:
    return objective.data.n_rows


WITHOUT: dict[str, Callable[[], AbstractContextManager[None]]] = {
    # which rows F is of, and how often it is worked out
    "growing samples": lambda: patched((NaturalGradient, "_sample_sizes", always([]))),
    "subsampled Hessian": lambda: patched(
        (forms, "fisher_rows", all_rows), (rule, "fisher_rows", all_rows)
    ),
    "more rows after a refresh": lambda: patched((forms, "more_rows", always(0))),
    "kept curvature": no_kept_curvature,
    "L-BFGS pairs": no_pairs,
    "curvature from samples": lambda: patched((Known, "handed_over", always(None))),
    "l2 for rare features": lambda: patched((rule, "restraint_on_samples", always(0.0))),
    # its form
    "Kronecker factors": lambda: patched(
        (forms, "product_form", always(None)), (forms, "DEAR", inf)
    ),
    "shared eigenvectors": lambda: patched((curvature, "SHARED", -1)),
    "float32 F": no_float32,
    "F in the pass": lambda: patched((NaturalGradient, "wants_fisher", always(False))),
    "choice of the diagonal's power: ½": lambda: power_of_the_diagonal(0),
    "choice of the diagonal's power: ¾": lambda: power_of_the_diagonal(1),
    "choice of the diagonal's power: 1": lambda: power_of_the_diagonal(2),
    "row space": lambda: patched((NaturalGradient, "wants_row_space", always(False))),
    "centring": lambda: patched((estimator, "centre_if_far", always(None))),
    # steps
    "longer steps": lambda: patched((NaturalGradient, "_may_go_further", always(False))),
    "start from 0 if too far": lambda: patched((rule, "FAR", inf)),
    "CG product budget": lambda: patched((forms, "FEWEST_PRODUCTS", inf)),
    "CG preconditioner": no_preconditioner,
    "forcing terms": lambda: patched((hessian_free, "LOOSE", hessian_free.TIGHT)),
    "longer CG delays": lambda: patched((hessian_free, "MOST_DELAYS", 1)),
    # when F is refreshed, and when the fit ends
    "proof of a guess": lambda: patched((SecantFisher, "asks_for_proof", always(False))),
    "last Newton steps with F kept": no_last_steps,
    "OLD": lambda: patched((lbfgs, "OLD", inf)),
    "OLD = 1 in place of 8": lambda: patched((lbfgs, "OLD", 1)),
    "PATIENCE": lambda: patched((lbfgs, "PATIENCE", 0)),
    "WINDOW": lambda: patched((lbfgs, "WINDOW", 10**6)),
    "NEGLIGIBLE": lambda: negligible(0.0),
    "series of decreases": lambda: patched(
        (Curvature, "to_come", lambda self, decrease, ratio: decrease),
        (SecantFisher, "to_come", lambda self, decrease, ratio: decrease),
    ),
    "smoothed ratio": no_smoothing,
    # L1
    "working set": lambda: no_working_set(2000),
    "columns for L1": lambda: patched((forms, "column_form", always(None))),
    "Care": lambda: patched((columns, "CAREFUL", columns.LOOSE)),
    "coordinate descent for L1": lambda: patched((lasso, "MANY", 10**9)),
    # all of them
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
