"""A benchopt solver on a local cluster of dask, the rows in the memory of its workers."""

import warnings
from functools import cache

import dask.array as da
import numpy as np
from benchopt import BaseSolver
from distributed import Client, LocalCluster, wait

PARTITIONS_PER_WORKER = 2


@cache
def client(n_workers):
    """A client of so many worker processes of one thread, the same for all solvers."""
    cluster = LocalCluster(n_workers=n_workers, threads_per_worker=1, dashboard_address=None)
    return Client(cluster)


class DaskSolver(BaseSolver):
    """A fit from scratch for every number of iterations, on persisted rows.

    The workers copy what they receive: they hold it as if they had read it themselves. As received,
    half of the arrays are not aligned to their entries, which makes every product slow.
    """

    sampling_strategy = "iteration"
    requirements = ["pip::dask[distributed]"]

    def set_objective(self, X, y, n_workers):
        rows = -(-len(X) // (PARTITIONS_PER_WORKER * n_workers))
        with client(n_workers).as_current(), warnings.catch_warnings(action="ignore"):
            received = da.from_array(X, chunks=(rows, -1)), da.from_array(y, chunks=rows)
            self.X, self.y = (array.map_blocks(np.array).persist() for array in received)
            wait([self.X, self.y])
        self.client = client(n_workers)

    def fit(self, max_iter):
        """The fitted estimator after so many iterations."""
        raise NotImplementedError

    def warm_up(self):
        self.run(1)

    def run(self, n_iter):
        self.model = None
        if n_iter:
            with self.client.as_current(), warnings.catch_warnings(action="ignore"):
                self.model = self.fit(n_iter)

    def get_result(self):
        if self.model is None:
            return {"coef": np.zeros(self.X.shape[1]), "intercept": 0.0}
        intercept = float(np.ravel(self.model.intercept_)[0])
        return {"coef": np.ravel(self.model.coef_), "intercept": intercept}
