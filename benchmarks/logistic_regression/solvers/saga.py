"""scikit-learn's saga."""

from benchmark_utils.estimators import ScikitLearn
from sklearn.linear_model import LogisticRegression


class Solver(ScikitLearn):
    """Stochastic average gradient with proximal steps: L1 and elastic net too."""

    name = "saga"
    allows_l1 = True

    def default(self):  # stands for lbfgs, the default, where that has no such penalty
        return LogisticRegression(solver="saga", **self.penalty)
