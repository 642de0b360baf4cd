"""scikit-learn's saga."""

from benchmark_utils.estimators import ScikitLearn


class Solver(ScikitLearn):
    """Stochastic average gradient with proximal steps: L1 and elastic net too."""

    name = "saga"
    allows_l1 = True
