"""scikit-learn's newton-cd-gram, in releases that have it."""

from benchmark_utils.estimators import NewtonCD, hessian_too_large


class Solver(NewtonCD):
    """Proximal Newton by coordinate descent on the whole Hessian."""

    name = "newton-cd-gram"

    def skip(self, X, n_classes, **others):
        reason = hessian_too_large(X, n_classes)
        return (True, reason) if reason else super().skip(X=X, n_classes=n_classes, **others)
