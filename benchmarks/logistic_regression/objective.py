"""Penalised mean cross-entropy, the same for all solvers."""

import numpy as np
from benchmark_utils.cost import Problem, cost
from benchmark_utils.reference import optimum
from benchopt import BaseObjective
from benchopt.stopping_criterion import SufficientProgressCriterion


class AtOptimum(SufficientProgressCriterion):
    """Stop at a relative suboptimality of 1e-10, or without progress."""

    def check_convergence(self, objective_list):
        if objective_list[-1]["objective_suboptimality"] <= 1e-10:
            return True, 1
        return super().check_convergence(objective_list)


class Objective(BaseObjective):
    r"""J(w, b) = Σ s ℒ / Σs + ((1 − ρ)/2 ‖w‖₂² + ρ ‖w‖₁)/(CΣs); b is not penalised.

    ℒ is the cross-entropy of σ(wᵀx + b) for two classes, and of one symmetric softmax for
    more. ``suboptimality`` is (J − J\*)/J\*.
    """

    name = "penalised cross-entropy"
    min_benchopt_version = "1.9"
    requirements = ["scikit-learn"]
    sampling_strategy = "iteration"
    stopping_criterion = AtOptimum()
    test_dataset_name = "simulated"

    def set_data(self, X, y, sample_weight=None, C=1.0, l1_ratio=0.0, fit_intercept=True):
        codes = np.unique(y, return_inverse=True)[1]
        self.problem = Problem(X, codes, sample_weight, C, l1_ratio, fit_intercept)
        self.reference = optimum(self.problem, str(self._dataset))

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

    def evaluate_result(self, coef, intercept, passes=np.nan):
        value = cost(self.problem, np.asarray(coef, float), np.asarray(intercept, float))
        lowest = self.reference["value"]
        return {"value": value, "suboptimality": (value - lowest) / lowest, "passes": passes}

    def get_one_result(self):
        shape = self.problem.n_outputs, self.problem.X.shape[1]
        return {"coef": np.zeros(shape), "intercept": np.zeros(shape[0])}
