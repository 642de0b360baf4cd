"""cyanure: incremental gradients with acceleration, in C++."""

import logging

import numpy as np
from benchmark_utils.estimators import THREADS, TINY, EstimatorSolver
from cyanure.estimators import LogisticRegression

logging.getLogger("Cyanure").setLevel(logging.WARNING)


class Solver(EstimatorSolver):
    """The solver that cyanure chooses by itself: Catalyst or QNing about MISO, SVRG or ISTA."""

    name = "cyanure"
    requirements = ["pip::cyanure"]

    def skip(self, sample_weight, **others):
        return (True, "no weights") if sample_weight is not None else (False, None)

    def estimator(self, max_iter):
        return LogisticRegression(
            fit_intercept=self.fit_intercept,
            max_iter=max_iter,
            tol=TINY,
            n_threads=THREADS,
            **self.lambdas(),
        )

    def lambdas(self):
        """Their penalty of the mean loss: λ‖w‖₁ or λ/2 ‖w‖₂², or λ₁‖w‖₁ + λ₂/2 ‖w‖₂²."""
        strength = 0.0 if np.isinf(self.C) else 1 / (self.C * len(self.y))
        if self.l1_ratio in (0, 1):
            return {"penalty": "l1" if self.l1_ratio else "l2", "lambda_1": strength}
        l1, l2 = strength * self.l1_ratio, strength * (1 - self.l1_ratio)
        return {"penalty": "elasticnet", "lambda_1": l1, "lambda_2": l2}

    def fit(self, model):
        model.fit(self.X, self.y)
        if not self.fit_intercept:
            model.intercept_ = 0.0  # it sets none
        model.coef_ = np.transpose(model.coef_)  # a column for each class
        return model
