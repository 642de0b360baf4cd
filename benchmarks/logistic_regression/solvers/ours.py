"""GDLogisticRegression, by update rule."""

from benchmark_utils.estimators import EstimatorSolver

from sklearn_gd_logreg import GDLogisticRegression


class Solver(EstimatorSolver):
    """Gradient descent with full batches, by rule."""

    name = "ours"
    family = "ours"
    requirements = ["pip::sklearn-gd-logreg"]
    parameters = {
        "rule": ["natural", "gd", "momentum", "nesterov", "adagrad", "rmsprop", "adam"],
    }
    parameter_template = "{rule}"

    def estimator(self, max_iter):
        return GDLogisticRegression(
            solver=self.rule, max_iter=max_iter, tol=1e-12, random_state=0, **self.penalty
        )
