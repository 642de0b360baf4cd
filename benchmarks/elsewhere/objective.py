"""Mean cross-entropy without a penalty, of rows on the workers of dask or on a device."""

import numpy as np
from benchmark_utils.sampling import FewestIterations
from benchopt import BaseObjective

from sklearn_gd_logreg import GDLogisticRegression

ROWS_PER_BLOCK = 1 << 16


class Objective(BaseObjective):
    r"""J(w, b), the mean of ℒ, in float64. ``suboptimality`` is (J − J\*)/J\*."""

    name = "cross-entropy elsewhere"
    min_benchopt_version = "1.10"
    sampling_strategy = "iteration"
    stopping_criterion = FewestIterations()
    test_dataset_name = "simulated"

    def set_data(self, X, y, place, n_workers):
        self.X, self.y, self.where = X, y, {"place": place, "n_workers": n_workers}
        best = GDLogisticRegression(C=np.inf, tol=1e-10).fit(X.astype(np.float64), y)
        self.lowest = self.cost(best.coef_.ravel(), best.intercept_)

    def get_objective(self):
        return {"X": self.X, "y": self.y, **self.where}

    def cost(self, coef, intercept):
        total = 0.0
        for start in range(0, len(self.X), ROWS_PER_BLOCK):
            block = slice(start, start + ROWS_PER_BLOCK)
            z = self.X[block] @ coef + intercept
            total += np.logaddexp(0, np.where(self.y[block], -z, z)).sum()
        return total / len(self.X)

    def evaluate_result(self, coef, intercept):
        value = self.cost(coef, intercept)
        return {"value": value, "suboptimality": (value - self.lowest) / self.lowest}

    def get_one_result(self):
        return {"coef": np.zeros(self.X.shape[1]), "intercept": 0.0}
