"""Time to the optimum, ours beside other solvers: ``make bench``, or ``python run.py --help``.

benchopt runs every problem with all solvers, and writes its Parquet file; report.py makes tables
and figures of it.
"""

import argparse
import re
import tempfile
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import pandas as pd
from benchopt import run_benchmark
from benchopt.benchmark import Benchmark
from benchopt.results import read_results, save_results
from problems import FOLDER, OUTPUT, PUBLIC, UNSEEN, Named, all_problems, key, of_group, parameters
from report import report

FIRST = "newton-cholesky", "lbfgs", "newton-cg", "liblinear"  # of the others: they end the hopeless
PACKAGES = (
    "scikit-learn", "benchopt", "glum", "skglm", "statsmodels", "cyanure", "snapml",
    "scikit-learn-intelex", "sklearn-gd-logreg",
)  # fmt: skip


def arguments(args: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("--quick", action="store_true", help="few problems, short limits")
    add("--large", action="store_true", help="the largest problems too")
    add("--unseen", action="store_true", help="the problems that no constant was chosen on")
    add("--public", action="store_true", help="the simulated problems of benchmark_logreg_l2")
    add("--problems", default="", metavar="REGEX", help="only problems with such a title")
    add("--solvers", default="", metavar="REGEX", help="only solvers with such a name, and ours")
    add("--rules", default="natural", help="ours: rules, separated by commas")
    add("--limit", type=float, help="seconds that a fit may take (default: 10, quick: 3)")
    add("--merge", action="store_true", help="keep the other problems of the results file")
    add("--results", type=Path, default=OUTPUT / "results.parquet", help="the results file")
    return parser.parse_args(args)


def chosen_problems(options: argparse.Namespace) -> list[Named]:
    special = UNSEEN if options.unseen else PUBLIC if options.public else ""
    problems = of_group(special) if special else all_problems()
    found = [p for p in problems if re.search(options.problems, p.title)]
    if not (options.problems or special):
        found = [p for p in found if options.large or not p.large]
        found = [p for p in found if p.quick or not options.quick]
    return found


def chosen_solvers(options: argparse.Namespace) -> list[Any]:
    """What benchopt takes for solvers, in the order in which they run."""
    others = [n for n in Benchmark(FOLDER).get_solver_names() if n not in ("ours", "default")]
    names = [name for name in others if re.search(options.solvers, name)]
    names.sort(key=lambda name: FIRST.index(name) if name in FIRST else len(FIRST))
    return [{"ours": {"rule": options.rules.split(",")}}, *names, "default"]


def run(problem: Named, options: argparse.Namespace) -> pd.DataFrame:
    """The results of some rounds of all solvers, every other round in reverse."""
    from benchmark_utils.sampling import CURVE, ROUNDS  # on the path as problems.py is imported

    limit = options.limit or max(3.0 if options.quick else 10.0, problem.limit)
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(ROUNDS):
            path = run_benchmark(
                FOLDER,
                solver_names=chosen_solvers(options)[:: -1 if number % 2 else 1],
                dataset_names=[{problem.dataset: {k: [v] for k, v in parameters(problem).items()}}],
                max_runs=1000,
                timeout=CURVE * limit,
                plot_result=False,
                no_cache=True,  # or it would answer with the times of another revision
                output_file=f"{folder}/{number}.parquet",
            )
            found.append(read_results(path).assign(idx_rep=number))
    versions = {f"version-{d.name}": d.version for d in distributions() if d.name in PACKAGES}
    return pd.concat(found).assign(**versions)


def main(args: list[str] | None = None) -> None:
    options = arguments(args)
    problems = chosen_problems(options)
    path = options.results
    before = [read_results(path)] if options.merge and path.exists() else []
    path.parent.mkdir(parents=True, exist_ok=True)
    for problem in problems:
        before = [one[one.dataset_name != key(problem)] for one in before]
        before = [pd.concat([*before, run(problem, options)], ignore_index=True)]
        save_results(before[0], path, uniquify=False)
    report([path], path.parent, docs=False)


if __name__ == "__main__":
    main()
