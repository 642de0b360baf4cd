"""scikit-learn's sag."""

from benchmark_utils.estimators import ScikitLearn


class Solver(ScikitLearn):
    """Stochastic average gradient."""

    name = "sag"
