"""Solvers on a local cluster of dask, the rows in the memory of its workers."""

from functools import cache

import dask.array as da
import numpy as np
from distributed import Client, LocalCluster, wait

from benchmark_utils.rows import MovedRowsSolver

PARTITIONS_PER_WORKER = 2


@cache
def client(n_workers):
    """A client of so many worker processes of one thread, the same for all solvers."""
    cluster = LocalCluster(n_workers=n_workers, threads_per_worker=1, dashboard_address=None)
    return Client(cluster)


class DaskSolver(MovedRowsSolver):
    """A solver on persisted rows.

    The workers copy what they receive: they hold it as if they had read it themselves. As received,
    half of the arrays are not aligned to their entries, which makes every product slow.
    """

    requirements = ["pip::dask[distributed]"]

    def moved(self, X, y):
        rows = -(-len(X) // (PARTITIONS_PER_WORKER * self.n_workers))
        with client(self.n_workers).as_current():
            received = da.from_array(X, chunks=(rows, -1)), da.from_array(y, chunks=rows)
            X, y = (array.map_blocks(np.array).persist() for array in received)
            wait([X, y])
        return X, y

    def run(self, n_iter):
        with client(self.n_workers).as_current():
            super().run(n_iter)
