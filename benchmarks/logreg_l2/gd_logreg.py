"""GDLogisticRegression for benchopt's benchmark_logreg_l2: copy this file into its `solvers`."""

import warnings

import numpy as np
from benchopt import BaseSolver
from sklearn.exceptions import ConvergenceWarning

from sklearn_gd_logreg import GDLogisticRegression


class Solver(BaseSolver):
    """Its cost is Σ ℒ + λ/2 ‖w‖₂², without an intercept, so C = 1/λ."""

    name = "gd-logreg"
    requirements = ["pip::sklearn-gd-logreg"]
    sampling_strategy = "iteration"

    def set_objective(self, X, y, lmbd):
        self.X, self.y, self.lmbd = X, y, lmbd

    def run(self, n_iter):
        self.beta = np.zeros(self.X.shape[1])
        if n_iter:
            model = GDLogisticRegression(
                C=1 / self.lmbd, fit_intercept=False, max_iter=n_iter, tol=1e-12
            )
            with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):
                self.beta = model.fit(self.X, self.y).coef_.ravel()

    def get_result(self):
        return {"beta": self.beta}
