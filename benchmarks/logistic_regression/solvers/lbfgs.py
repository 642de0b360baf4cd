"""scikit-learn's lbfgs."""

from benchmark_utils.estimators import ScikitLearn
from sklearn.linear_model import LogisticRegression


class Solver(ScikitLearn):
    """Limited-memory BFGS, the default of scikit-learn."""

    name = "lbfgs"

    def default(self):
        return LogisticRegression(**self.penalty)
