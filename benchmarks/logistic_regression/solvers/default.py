"""Fits with default settings, as users make them; they end by their own tolerance."""

import tracemalloc

import numpy as np
from benchmark_utils.estimators import EstimatorSolver
from benchmark_utils.sampling import Repeated
from sklearn.linear_model import LogisticRegression

from sklearn_gd_logreg import GDLogisticRegression


class Solver(EstimatorSolver):
    """Only the penalty and the intercept are set.

    For L1 penalties, which scikit-learn's default does not have, its solver is saga.
    """

    name = "default"
    family = "default"
    parameters = {"package": ["ours", "scikit-learn"]}
    parameter_template = "{package}"
    stopping_criterion = Repeated()

    def set_objective(self, **problem):
        super().set_objective(**problem)
        self.peak = None

    def estimator(self, max_iter):
        if self.package == "ours":
            return GDLogisticRegression(**self.penalty)
        return LogisticRegression(solver="saga" if self.l1_ratio else "lbfgs", **self.penalty)

    def get_result(self):
        """And the peak of what one more fit allocates, which is not timed."""
        found = super().get_result()
        if self.model is not None and self.peak is None:
            tracemalloc.start()
            self.fit(self.estimator(1))
            self.peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        return found | {"peak": np.nan if self.peak is None else float(self.peak)}
