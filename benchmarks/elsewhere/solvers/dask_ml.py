"""dask-ml's LogisticRegression, by solver."""

from benchmark_utils.workers import DaskSolver


class Solver(DaskSolver):
    """Its solvers for smooth costs; they normalise the features first."""

    name = "dask-ml"
    requirements = ["pip::dask[distributed]", "pip::dask-ml"]
    parameters = {"solver": ["newton", "lbfgs", "gradient_descent", "admm"]}

    def fit(self, max_iter):
        from dask_ml.linear_model import LogisticRegression

        unpenalised = {"penalty": "l2", "C": 1e12} if self.solver in ("lbfgs", "admm") else {}
        model = LogisticRegression(solver=self.solver, max_iter=max_iter, tol=1e-14, **unpenalised)
        return model.fit(self.X, self.y)
