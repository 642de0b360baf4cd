"""Mean cross-entropy without a penalty, of rows in the memory of dask workers."""

import numpy as np
from benchopt import BaseObjective
from benchopt.stopping_criterion import SufficientProgressCriterion

from sklearn_gd_logreg import GDLogisticRegression


class Objective(BaseObjective):
    r"""J(w, b), the mean of ℒ. ``suboptimality`` is (J − J\*)/J\*."""

    name = "distributed cross-entropy"
    min_benchopt_version = "1.10"
    requirements = ["pip::dask[distributed]"]
    sampling_strategy = "iteration"
    stopping_criterion = SufficientProgressCriterion(
        eps=1e-12, patience=3, strategy="iteration", key_to_monitor="suboptimality"
    )
    test_dataset_name = "simulated"

    def set_data(self, X, y, n_workers):
        self.X, self.y, self.n_workers = X, y, n_workers
        best = GDLogisticRegression(C=np.inf, tol=1e-10).fit(X, y)
        self.lowest = self.cost(best.coef_.ravel(), best.intercept_)

    def get_objective(self):
        return {"X": self.X, "y": self.y, "n_workers": self.n_workers}

    def cost(self, coef, intercept):
        z = self.X @ coef + intercept
        return float(np.logaddexp(0, np.where(self.y, -z, z)).mean())

    def evaluate_result(self, coef, intercept):
        value = self.cost(coef, intercept)
        return {"value": value, "suboptimality": (value - self.lowest) / self.lowest}

    def get_one_result(self):
        return {"coef": np.zeros(self.X.shape[1]), "intercept": 0.0}
