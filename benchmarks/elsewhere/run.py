"""Seconds to a suboptimality of 1e-6 where rows are on dask or on a device.

``python run.py dask`` sets ours beside dask-ml and Spark, and ``python run.py cuda`` (or ``cpu``)
ours beside scikit-learn on tensors of PyTorch.
"""

import argparse
import os
from pathlib import Path

os.environ["SCIPY_ARRAY_API"] = "1"  # SciPy reads it as it is imported

from benchmark_utils.sampling import CURVE  # in the folder of this script
from benchopt import run_benchmark
from benchopt.results import read_results

FOLDER = Path(__file__).parent
LEVEL = 1e-6
SIZES = {"dask": (300_000, 30), "cpu": (400_000, 100), "cuda": (10_000_000, 100)}


def table(results):
    """The fewest seconds of each solver to `LEVEL`, and how many times those of ours."""
    there = results[results.objective_suboptimality <= LEVEL]
    by_iterations = there.groupby(["dataset_name", "solver_name", "stop_val"]).time.median()
    fewest = by_iterations.groupby(level=[0, 1]).min().rename("seconds").reset_index()
    ours = fewest[fewest.solver_name.str.startswith("ours")].set_index("dataset_name").seconds
    fewest["times ours"] = fewest.seconds / fewest.dataset_name.map(ours)
    lowest = results.groupby(["dataset_name", "solver_name"]).objective_suboptimality.min()
    fewest = fewest.merge(lowest.rename("lowest").reset_index(), how="right")
    return fewest.sort_values(["dataset_name", "seconds"])


def main(args=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("place", choices=SIZES, help="where the rows are")
    parser.add_argument("--repetitions", type=int, default=5, help="of each fit (default: 5)")
    parser.add_argument("--rows", type=int, help="default: 300000, on a device 400000 or 10000000")
    parser.add_argument("--features", type=int, help="default: 30, on a device 100")
    parser.add_argument("--workers", type=int, default=2, help="processes of dask (default: 2)")
    parser.add_argument("--limit", type=float, default=10, help="seconds of a fit (default: 10)")
    parser.add_argument("--solvers", nargs="+", metavar="NAME", help="only these")
    options = parser.parse_args(args)
    n_rows, n_features = SIZES[options.place]
    data = {
        "n": [options.rows or n_rows],
        "p": [options.features or n_features],
        "place": [options.place],
        "n_workers": [options.workers],
    }
    path = run_benchmark(
        FOLDER,
        dataset_names=[{"simulated": data}],
        solver_names=options.solvers,
        max_runs=100,
        n_repetitions=options.repetitions,
        timeout=CURVE * options.limit,
        plot_result=False,
        no_cache=True,
    )
    print(table(read_results(path)).to_string(index=False, float_format="%.3g"))


if __name__ == "__main__":
    main()
