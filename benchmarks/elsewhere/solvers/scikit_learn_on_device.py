"""scikit-learn's LogisticRegression on tensors."""

import numpy as np
from benchmark_utils.devices import DeviceSolver
from sklearn.linear_model import LogisticRegression


class Solver(DeviceSolver):
    """L-BFGS, the one solver that takes tensors, without a penalty."""

    name = "scikit-learn, array API"

    def fit(self, max_iter):
        return LogisticRegression(C=np.inf, max_iter=max_iter, tol=1e-12).fit(self.X, self.y)
