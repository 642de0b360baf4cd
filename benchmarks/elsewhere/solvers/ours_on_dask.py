"""GDLogisticRegression on dask arrays."""

import numpy as np
from benchmark_utils.workers import DaskSolver

from sklearn_gd_logreg import GDLogisticRegression


class Solver(DaskSolver):
    """The default solver, without a penalty."""

    name = "ours, dask"

    def fit(self, max_iter):
        model = GDLogisticRegression(C=np.inf, max_iter=max_iter, tol=1e-12)
        return model.fit(self.X, self.y)
