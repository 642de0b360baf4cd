"""skglm: sparse generalised linear models by proximal Newton on working sets."""

import warnings

from benchmark_utils.estimators import TINY, EstimatorSolver
from skglm import SparseLogisticRegression


class Solver(EstimatorSolver):
    """Proximal Newton with working sets; compiled before it is timed."""

    name = "skglm"
    requirements = ["pip::skglm"]

    def skip(self, n_classes, sample_weight, l1_ratio, **others):
        if n_classes > 2:
            return True, "two classes only"
        if sample_weight is not None:
            return True, "no weights"
        return (False, None) if l1_ratio else (True, "made for L1 penalties")

    def estimator(self, max_iter):
        return SparseLogisticRegression(
            alpha=1 / (self.C * len(self.y)),
            l1_ratio=self.l1_ratio,
            fit_intercept=self.fit_intercept,
            max_iter=max_iter,
            tol=TINY,
        )

    def fit(self, model):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return model.fit(self.X, self.y)
