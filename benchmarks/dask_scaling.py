"""Seconds a pass on dask by the number of workers, beside a model: ``python dask_scaling.py``.

The model is latency + bytes of a worker / bandwidth. Both numbers are measured: the bandwidth by a
pass of one process over rows in memory, the latency by a pass over hardly any rows.
"""

import argparse
import warnings
from time import perf_counter

import dask.array as da
import numpy as np
from distributed import Client, LocalCluster, wait

from sklearn_gd_logreg import GDLogisticRegression

N_FEATURES = 100


def rows(n_rows, n_parts):
    """Rows and labels in so many chunks, made by the workers."""
    chunk = -(-n_rows // n_parts)
    X = da.random.default_rng(0).standard_normal((n_rows, N_FEATURES), chunks=(chunk, -1))
    return X, (X[:, 0] > 0).astype(np.int8)


def seconds_a_pass(X, y, n_passes=20, n_repetitions=3):
    """Median of the time of ``n_passes`` steps of gradient descent, by step."""

    def fit(max_iter):
        start = perf_counter()
        GDLogisticRegression(solver="gd", learning_rate=0.1, tol=0, max_iter=max_iter).fit(X, y)
        return perf_counter() - start

    fit(1)
    return np.median([(fit(n_passes + 1) - fit(1)) / n_passes for _ in range(n_repetitions)])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=500_000, help="of a worker, or of all")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    X, y = np.random.default_rng(0).standard_normal((options.rows, N_FEATURES)), None
    y = (X[:, 0] > 0).astype(np.int8)
    bandwidth = X.nbytes / seconds_a_pass(X, y)
    del X
    print(f"one process, rows in memory: {bandwidth / 1e9:.3g} GB/s of X in a pass")
    print("scaling  workers  rows      ms a pass  model  latency")
    for n_workers in (1, 2, 4):
        cluster = LocalCluster(n_workers=n_workers, threads_per_worker=1, dashboard_address=None)
        with cluster, Client(cluster):
            tiny = [part.persist() for part in rows(100 * n_workers, 2 * n_workers)]
            wait(tiny)
            latency = seconds_a_pass(*tiny)
            for name, n_rows in (("weak", options.rows * n_workers), ("strong", options.rows)):
                given = [part.persist() for part in rows(n_rows, 2 * n_workers)]
                wait(given)
                model = latency + 8 * N_FEATURES * n_rows / n_workers / bandwidth
                numbers = 1e3 * seconds_a_pass(*given), 1e3 * model, 1e3 * latency
                print(
                    f"{name:8} {n_workers:<8} {n_rows:<9}",
                    "{:<10.0f} {:<6.0f} {:.0f}".format(*numbers),
                )
                del given


if __name__ == "__main__":
    main()
