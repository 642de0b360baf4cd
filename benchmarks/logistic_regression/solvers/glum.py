"""glum: generalised linear models by iteratively reweighted least squares."""

import numpy as np
from benchmark_utils.estimators import TINY, EstimatorSolver
from glum import GeneralizedLinearRegressor

LARGEST = 6000  # features: the Hessian has the square of it


class Solver(EstimatorSolver):
    """IRLS with a direct solver, or with coordinate descent for L1."""

    name = "glum"
    requirements = ["glum"]

    def skip(self, X, n_classes, **others):
        if n_classes > 2:
            return True, "two classes only"
        if X.shape[1] > LARGEST:
            return True, f"a Hessian of {X.shape[1]} × {X.shape[1]}"
        return False, None

    def set_objective(self, y, **others):
        super().set_objective(y=y.astype(float), **others)

    def estimator(self, max_iter):
        s = len(self.y) if self.sample_weight is None else self.sample_weight.sum()
        return GeneralizedLinearRegressor(
            family="binomial",
            alpha=0.0 if np.isinf(self.C) else 1 / (self.C * s),
            l1_ratio=self.l1_ratio,
            fit_intercept=self.fit_intercept,
            max_iter=max_iter,
            gradient_tol=TINY,
        )
