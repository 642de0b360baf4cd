"""scikit-learn's newton-cg."""

from benchmark_utils.estimators import ScikitLearn


class Solver(ScikitLearn):
    """Newton's method, its systems solved by truncated conjugate gradient."""

    name = "newton-cg"
