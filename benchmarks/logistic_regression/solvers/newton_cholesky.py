"""scikit-learn's newton-cholesky."""

from benchmark_utils.estimators import ScikitLearn

LARGEST = 6000  # parameters: the Hessian has the square of it, 290 MB


class Solver(ScikitLearn):
    """Newton's method with the whole Hessian, factored by Cholesky."""

    name = "newton-cholesky"

    def skip(self, X, n_classes, **others):
        size = (X.shape[1] + 1) * (1 if n_classes == 2 else n_classes)
        if size > LARGEST:
            return True, f"a Hessian of {size} × {size}"
        return super().skip(X=X, **others)
