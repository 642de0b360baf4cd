"""scikit-learn's newton-cd, in releases that have it."""

from benchmark_utils.estimators import NewtonCD


class Solver(NewtonCD):
    """Proximal Newton by coordinate descent on the columns of X."""

    name = "newton-cd"
