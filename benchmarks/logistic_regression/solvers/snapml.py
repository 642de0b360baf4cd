"""snapml: stochastic coordinate descent, in C++."""

import numpy as np
from benchmark_utils.cost import is_sparse
from benchmark_utils.estimators import THREADS, TINY, EstimatorSolver
from scipy import sparse
from snapml import LogisticRegression


class Solver(EstimatorSolver):
    """Coordinate descent, dual or primal; on X in float32, and with a penalised intercept."""

    name = "snapml"
    requirements = ["pip::snapml"]
    penalises_intercept = True

    def skip(self, n_classes, sample_weight, C, l1_ratio, fit_intercept, **others):
        if n_classes > 2:
            return True, "two classes only"
        if sample_weight is not None:
            return True, "no weights"
        if np.isinf(C):
            return True, "always penalised"
        if l1_ratio and fit_intercept:
            return True, "its primal solver does not return the intercept"
        return (False, None) if l1_ratio in (0, 1) else (True, "no elastic net")

    def set_objective(self, X, y, **problem):
        X = sparse.csr_matrix(X) if is_sparse(X) else X  # it takes no csr_array
        super().set_objective(X=X, y=y.astype(float), **problem)

    def estimator(self, max_iter):
        is_tall = self.X.shape[0] >= self.X.shape[1]  # as its documentation advises
        return LogisticRegression(
            regularizer=1 / self.C,
            penalty="l1" if self.l1_ratio else "l2",
            dual=not self.l1_ratio and (is_tall or self.fit_intercept),
            fit_intercept=self.fit_intercept,
            max_iter=max_iter,
            tol=TINY,
            n_jobs=THREADS,
            random_state=0,
        )

    def fit(self, model):
        return model.fit(self.X, self.y)
