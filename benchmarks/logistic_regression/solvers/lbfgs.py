"""scikit-learn's lbfgs."""

from benchmark_utils.estimators import ScikitLearn


class Solver(ScikitLearn):
    """Limited-memory BFGS, the default of scikit-learn."""

    name = "lbfgs"
