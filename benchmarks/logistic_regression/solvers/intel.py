"""The Intel-optimised scikit-learn."""

from benchmark_utils.estimators import TINY, EstimatorSolver
from sklearnex.linear_model import LogisticRegression


class Solver(EstimatorSolver):
    """Limited-memory BFGS and truncated Newton of scikit-learn-intelex."""

    name = "intel"
    requirements = ["pip::scikit-learn-intelex"]
    parameters = {"solver": ["lbfgs", "newton-cg"]}
    parameter_template = "{solver}"

    def skip(self, l1_ratio, **others):
        return (True, "no L1 penalty") if l1_ratio else (False, None)

    def estimator(self, max_iter):
        return LogisticRegression(solver=self.solver, max_iter=max_iter, tol=TINY, **self.penalty)
