"""scikit-learn's newton-cholesky."""

from benchmark_utils.estimators import ScikitLearn, hessian_too_large


class Solver(ScikitLearn):
    """Newton's method with the whole Hessian, factored by Cholesky."""

    name = "newton-cholesky"

    def skip(self, X, n_classes, **others):
        reason = hessian_too_large(X, n_classes)
        return (True, reason) if reason else super().skip(X=X, **others)
