"""scikit-learn's liblinear."""

import numpy as np
from benchmark_utils.estimators import ScikitLearn


class Solver(ScikitLearn):
    """Trust-region Newton, or coordinate descent for L1; it penalises the intercept."""

    name = "liblinear"
    allows_l1 = True
    penalises_intercept = True

    def skip(self, X, n_classes, l1_ratio, C, **others):
        if n_classes > 2:
            return True, "two classes only"
        if l1_ratio not in (0, 1):
            return True, "no elastic net"
        if np.isinf(C):
            return True, "always penalised"
        return False, None
