"""GDLogisticRegression on tensors."""

import numpy as np
from benchmark_utils.devices import DeviceSolver

from sklearn_gd_logreg import GDLogisticRegression


class Solver(DeviceSolver):
    """The default solver, without a penalty."""

    name = "ours, array API"

    def fit(self, max_iter):
        model = GDLogisticRegression(C=np.inf, max_iter=max_iter, tol=1e-12)
        return model.fit(self.X, self.y)
