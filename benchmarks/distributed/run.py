"""Seconds to a suboptimality of 1e-6 on dask: ours, dask-ml and Spark. ``python run.py --help``."""

import argparse
from pathlib import Path

from benchopt import run_benchmark
from benchopt.results import read_results

FOLDER = Path(__file__).parent
LEVEL = 1e-6


def table(results):
    """The fewest seconds of each solver to `LEVEL`, and how many times those of ours."""
    there = results[results.objective_suboptimality <= LEVEL]
    by_iterations = there.groupby(["dataset_name", "solver_name", "stop_val"]).time.median()
    fewest = by_iterations.groupby(level=[0, 1]).min().rename("seconds").reset_index()
    ours = fewest[fewest.solver_name == "ours"].set_index("dataset_name").seconds
    fewest["times ours"] = fewest.seconds / fewest.dataset_name.map(ours)
    return fewest.sort_values(["dataset_name", "seconds"])


def main(args=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=5, help="of each fit (default: 5)")
    parser.add_argument("--rows", type=int, default=300_000, help="default: 300000")
    parser.add_argument("--workers", type=int, default=2, help="processes (default: 2)")
    options = parser.parse_args(args)
    data = {"n": [options.rows], "n_workers": [options.workers]}
    path = run_benchmark(
        FOLDER,
        dataset_names=[{"simulated": data}],
        max_runs=40,
        n_repetitions=options.repetitions,
        timeout=300,
        plot_result=False,
        no_cache=True,
    )
    print(table(read_results(path)).to_string(index=False, float_format="%.3g"))


if __name__ == "__main__":
    main()
