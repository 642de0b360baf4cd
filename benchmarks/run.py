"""Time to the optimum, ours beside other solvers: ``make bench``, or ``python run.py --help``.

For every problem it samples suboptimality against time for every solver, and measures
the fits with default settings. It prints a table for each group of problems, draws the
curves, and writes all numbers to a JSON file from which report.py can do both again.
"""

import argparse
import gc
import json
import os
import platform
import re
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter, strftime
from typing import Any

from benchopt.benchmark import Benchmark
from joblib import cpu_count
from measure import Curve, default_fits, repeat_levels, sample_all
from problems import FOLDER, Named, all_problems, unseen_problems
from report import publish

BENCHMARK = Benchmark(FOLDER)
OUTPUT = Path(__file__).parent / "output"
FIRST = "ours", "newton-cholesky", "lbfgs", "newton-cg", "liblinear"  # to be sampled
PACKAGES = (
    "numpy scipy scikit-learn benchopt glum skglm statsmodels cyanure snapml "
    "scikit-learn-intelex sklearn-gd-logreg"
)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("--quick", action="store_true", help="few problems, few repetitions, short limits")
    add("--large", action="store_true", help="the largest problems too")
    add("--unseen", action="store_true", help="the problems that no constant was chosen on")
    add("--problems", default="", metavar="REGEX", help="only problems with such a title")
    add("--solvers", default="", metavar="REGEX", help="only solvers with such a name, and ours")
    add("--rules", default="natural", help="ours: rules, separated by commas, or 'all'")
    add("--limit", type=float, help="seconds that a fit may take (default: 10, quick: 3)")
    add("--merge", action="store_true", help="keep the other problems of the results file")
    add("--results", type=Path, default=OUTPUT / "results.json", help="the results file")
    add("--list", action="store_true", help="list problems and solvers, and stop")
    add("--optima", action="store_true", help="only work out the minima, and keep them")
    return parser.parse_args()


def chosen_problems(options: argparse.Namespace) -> list[Named]:
    problems = unseen_problems() if options.unseen else all_problems()
    found = [p for p in problems if re.search(options.problems, p.title)]
    if not (options.problems or options.unseen):
        found = [p for p in found if options.large or not p.large]
        found = [p for p in found if p.quick or not options.quick]
    return found


def chosen_solvers(options: argparse.Namespace) -> tuple[list[Any], dict[str, str]]:
    """Instances of the solvers that are installed, and why the others are not."""
    solvers, missing = [], {}
    for cls in BENCHMARK.get_solvers():
        if cls.name != "ours" and not re.search(options.solvers, cls.name):
            continue
        if not cls.is_installed(quiet=True):
            missing[cls.name] = "not installed"
        elif cls.name == "ours":
            known = cls.parameters["rule"]
            rules = known if options.rules == "all" else options.rules.split(",")
            solvers += [cls.get_instance(rule=rule) for rule in rules]
        else:
            solvers.append(cls.get_instance())
    order = {name: number for number, name in enumerate(FIRST)}
    solvers.sort(key=lambda solver: order.get(solver.name, len(FIRST)))
    return solvers, missing


def label(solver: Any) -> str:
    rule = getattr(solver, "rule", "natural")
    return solver.name if rule == "natural" else f"ours, {rule}"


def pose(problem: Named) -> Any:
    """The objective, with the data."""
    dataset = next(d for d in BENCHMARK.get_datasets() if d.name == problem.dataset)
    objective = BENCHMARK.get_benchmark_objective().get_instance()
    skip, reason = objective._set_dataset(dataset.get_instance(**problem.parameters))
    if skip:
        raise ValueError(reason)
    return objective


def describe(problem: Named, objective: Any) -> dict[str, Any]:
    p = objective.problem
    stored = p.X.nnz if hasattr(p.X, "nnz") else p.X.size
    parts = ("data", "indices", "indptr") if hasattr(p.X, "nnz") else ()
    return {
        "title": problem.title,
        "group": problem.group,
        "dataset": problem.dataset,
        "parameters": {key: repr(value) for key, value in problem.parameters.items()},
        "n": p.X.shape[0],
        "d": p.X.shape[1],
        "K": p.n_classes,
        "stored": int(stored),
        "dtype": str(p.X.dtype),
        "sparse": bool(parts),
        "bytes": sum(getattr(p.X, part).nbytes for part in parts) or p.X.nbytes,
        "fit_intercept": p.fit_intercept,
        "reference": objective.reference,
    }


def solve(problem: Named, options: argparse.Namespace) -> dict[str, Any]:
    """All that is measured on one problem."""
    objective = pose(problem)
    result = describe(problem, objective)
    limit = options.limit or max(3.0 if options.quick else 10.0, problem.limit)
    solvers, skipped = chosen_solvers(options)
    entered = []
    for solver in solvers:
        skip, reason = solver._set_objective(objective)
        if skip:
            skipped[label(solver)] = reason
        else:
            entered.append(solver)
    curves = sample_all(entered, objective, limit)
    repeat_levels(curves, options.quick)
    result |= {"limit": limit, "skipped": skipped, "curves": [record(curve) for curve in curves]}
    named = {solver.name: solver for solver in entered}
    theirs = named.get("lbfgs") or named.get("saga")
    if theirs:
        fits = default_fits(named["ours"], theirs, objective, 2 * limit, options.quick)
        result["default"] = {
            one.solver.name: {
                "seconds": one.seconds,
                "suboptimality": one.suboptimality,
                "passes": one.passes,
                "peak": one.peak,
            }
            for one in fits
        }
    return result


def record(curve: Curve) -> dict[str, Any]:
    solver, objective = curve.solver, curve.objective
    return {
        "solver": label(solver),
        "family": solver.family,
        "apart": solver.penalises_intercept and objective.problem.fit_intercept,
        "limit": curve.limit,
        "end": curve.end,
        "points": [
            {
                "iterations": point.iterations,
                "cost": point.cost,
                "suboptimality": point.suboptimality,
                "passes": point.passes,
                "seconds": point.seconds,
            }
            for _, point in sorted(curve.points.items())
        ],
    }


def machine() -> dict[str, Any]:
    versions = {}
    for package in PACKAGES.split():
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    cpu = Path("/proc/cpuinfo")
    names = re.findall(r"model name\s*:\s*(.*)", cpu.read_text()) if cpu.exists() else []
    return {
        "processor": names[0] if names else platform.processor(),
        "cores": cpu_count(),
        "threads": os.environ.get("OMP_NUM_THREADS", "as the libraries choose"),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": versions,
        "date": strftime("%Y-%m-%d"),
    }


def save(results: dict[str, Any], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=1) + "\n")


def start_results(options: argparse.Namespace) -> dict[str, Any]:
    results = {"machine": machine(), "quick": options.quick, "problems": []}
    if options.merge and options.results.exists():
        results["problems"] = json.loads(options.results.read_text())["problems"]
    return results


def run_all(problems: list[Named], options: argparse.Namespace) -> dict[str, Any]:
    results, start = start_results(options), perf_counter()
    for number, problem in enumerate(problems, 1):
        begun = perf_counter()
        print(f"[{number}/{len(problems)}] {problem.title} …", end="", flush=True)
        try:
            one = solve(problem, options)
        except (MemoryError, ImportError, OSError) as error:
            print(f" left out: {error}")
            continue
        gc.collect()
        others = [p for p in results["problems"] if p["title"] != problem.title]
        results["problems"] = [*others, one]
        results["minutes"] = (perf_counter() - start) / 60
        save(results, options.results)
        print(f" {perf_counter() - begun:.0f} s", flush=True)
    known = (*all_problems(), *unseen_problems())
    order = {problem.title: number for number, problem in enumerate(known)}
    results["problems"].sort(key=lambda p: order.get(p["title"], len(order)))
    save(results, options.results)
    return results


def keep_optima(problems: list[Named]) -> None:
    reference = sys.modules["benchmark_utils.reference"]
    reference.CACHED = reference.KEPT
    for problem in problems:
        print(problem.title, pose(problem).reference, flush=True)


def main() -> None:
    options = arguments()
    problems = chosen_problems(options)
    if options.list:
        solvers, missing = chosen_solvers(options)
        print("\n".join(f"{p.group:<22} {p.title}" for p in problems))
        print(
            "solvers:",
            *(label(s) for s in solvers),
            *(f"({name}: {missing[name]})" for name in missing),
        )
    elif options.optima:
        keep_optima(problems)
    else:
        results = run_all(problems, options)
        publish(results, options.results.parent)


if __name__ == "__main__":
    main()
