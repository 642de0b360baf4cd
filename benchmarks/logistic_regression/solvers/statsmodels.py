"""statsmodels: maximum likelihood, no penalty."""

import warnings
from types import SimpleNamespace

import numpy as np
from benchmark_utils.cost import is_sparse
from benchmark_utils.estimators import TINY, EstimatorSolver
from statsmodels.discrete.discrete_model import Logit


class Solver(EstimatorSolver):
    """`Logit` by Newton's method."""

    name = "statsmodels"
    requirements = ["statsmodels"]

    def skip(self, X, n_classes, sample_weight, C, **others):
        if not np.isinf(C):
            return True, "no L2 penalty"
        if n_classes > 2 or is_sparse(X) or sample_weight is not None:
            return True, "two classes, dense and unweighted only"
        return False, None

    def estimator(self, max_iter):
        return max_iter  # a model of theirs holds the data

    def fit(self, max_iter):
        X = np.column_stack([self.X, np.ones(len(self.y))]) if self.fit_intercept else self.X
        with warnings.catch_warnings(action="ignore"):
            w = Logit(self.y, X).fit(maxiter=max_iter, tol=TINY, disp=0).params
        d = self.X.shape[1]
        return SimpleNamespace(coef_=w[:d], intercept_=w[d:] if self.fit_intercept else 0.0)
