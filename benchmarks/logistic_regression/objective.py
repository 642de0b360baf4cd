"""Penalised mean cross-entropy, the same for all solvers."""

import numpy as np
from benchmark_utils.cost import Problem, cost, is_sparse
from benchmark_utils.reference import optimum
from benchmark_utils.sampling import FewestIterations
from benchopt import BaseObjective


class Objective(BaseObjective):
    r"""J(w, b) = Σ s ℒ / Σs + ((1 − ρ)/2 ‖w‖₂² + ρ ‖w‖₁)/(CΣs); b is not penalised.

    ℒ is the cross-entropy of σ(wᵀx + b) for two classes, and of one symmetric softmax for
    more. ``suboptimality`` is (J − J\*)/J\*.
    """

    name = "penalised cross-entropy"
    min_benchopt_version = "1.10"
    requirements = ["scikit-learn"]
    sampling_strategy = "iteration"
    stopping_criterion = FewestIterations()
    test_dataset_name = "simulated"

    def set_data(self, X, y, sample_weight=None, C=1.0, l1_ratio=0.0, fit_intercept=True):
        codes = np.unique(y, return_inverse=True)[1]
        self.problem = Problem(X, codes, sample_weight, C, l1_ratio, fit_intercept)
        self.reference = optimum(self.problem, str(self._dataset))
        self.costs = {}  # of the results seen: most fits are repeated

    def get_objective(self):
        p = self.problem
        return {
            "X": p.X,
            "y": p.y,
            "sample_weight": p.sample_weight,
            "C": p.C,
            "l1_ratio": p.l1_ratio,
            "fit_intercept": p.fit_intercept,
            "n_classes": p.n_classes,
        }

    def evaluate_result(self, coef, intercept, passes=np.nan, peak=np.nan):
        """J, and how far above its minimum; what the solver says of its passes and memory."""
        w, b = np.asarray(coef, float), np.asarray(intercept, float)
        key = w.tobytes(), b.tobytes()
        if hash(key) not in self.costs:
            self.costs[hash(key)] = cost(self.problem, w, b)
        value, lowest = self.costs[hash(key)], self.reference["value"]
        return {
            "value": value,
            "suboptimality": (value - lowest) / lowest,
            "passes": passes,
            "peak": peak,
            "bytes": size(self.problem.X),
            "data": describe(self.problem.X, self.problem.n_classes),
        }

    def get_one_result(self):
        shape = self.problem.n_outputs, self.problem.X.shape[1]
        return {"coef": np.zeros(shape), "intercept": np.zeros(shape[0])}


def describe(X, n_classes):
    """Rows × features (× classes), and the share of the entries that a sparse X stores."""
    classes = f" × {n_classes}" if n_classes > 2 else ""
    stored = f", {100 * X.nnz / np.prod(X.shape):.2g} %" if is_sparse(X) else ""
    return f"{X.shape[0]} × {X.shape[1]}{classes}{stored}"


def size(X):
    """Bytes of X."""
    parts = (X.data, X.indices, X.indptr) if is_sparse(X) else (X,)
    return sum(part.nbytes for part in parts)
