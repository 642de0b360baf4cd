"""newton-cg of the Intel-optimised scikit-learn."""

from benchmark_utils.estimators import TINY, EstimatorSolver
from sklearnex.linear_model import LogisticRegression


class Solver(EstimatorSolver):
    """Truncated Newton of scikit-learn-intelex."""

    name = "intel-newton-cg"
    requirements = ["pip::scikit-learn-intelex"]

    def skip(self, l1_ratio, **others):
        return (True, "no L1 penalty") if l1_ratio else (False, None)

    def estimator(self, max_iter):
        return LogisticRegression(solver="newton-cg", max_iter=max_iter, tol=TINY, **self.penalty)
