"""A benchopt solver made of an estimator with `fit`, `coef_` and `intercept_`.

A solver file has a subclass with a `name`, a `family` and a method `estimator`.
"""

import gc
import os
import warnings
from time import perf_counter
from typing import Any

import numpy as np
import sklearn
from benchopt import BaseSolver
from sklearn.linear_model import LogisticRegression

from sklearn_gd_logreg import GDLogisticRegression

TINY = 1e-14  # tolerance: the number of iterations alone ends a fit
THREADS = int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1))  # for those that must be told
BRIEF = 0.01  # seconds
LARGEST = 6000  # parameters: the Hessian has the square of it, 290 MB


class EstimatorSolver(BaseSolver):
    """A fit from scratch for every number of iterations."""

    sampling_strategy = "iteration"
    family = "others"  # in tables: "ours", "scikit-learn", "others" or "default"
    penalises_intercept = False

    def set_objective(self, X, y, sample_weight, C, l1_ratio, fit_intercept, n_classes):
        self.X, self.y, self.sample_weight = X, y, sample_weight
        self.C, self.l1_ratio, self.fit_intercept = C, l1_ratio, fit_intercept
        self.n_outputs = 1 if n_classes == 2 else n_classes
        self.model, self.seconds = None, {}  # of the last fit with so many iterations

    def estimator(self, max_iter: int) -> Any:
        """The unfitted estimator that stops after so many iterations."""
        raise NotImplementedError

    def warm_up(self):
        """Load or compile what the first fit needs."""
        self.run_once()
        gc.freeze()  # collections need not look at what was there before

    def pre_run_hook(self, n_iter):
        """Make a brief fit once without timing it: the evaluation of J has emptied the caches."""
        gc.collect()
        if self.seconds.get(n_iter, np.inf) < BRIEF:
            self.run(n_iter)

    def run(self, n_iter):
        start = perf_counter()
        self.model = self.fit(self.estimator(n_iter)) if n_iter else None
        self.seconds[n_iter] = perf_counter() - start

    def fit(self, model: Any) -> Any:
        with warnings.catch_warnings(action="ignore"):
            return model.fit(self.X, self.y, self.sample_weight)

    def get_result(self):
        shape = self.n_outputs, self.X.shape[1]
        if self.model is None:
            return {"coef": np.zeros(shape), "intercept": np.zeros(shape[0])}
        intercept = np.zeros(shape[0]) + np.ravel(self.model.intercept_)
        found = {"coef": np.reshape(self.model.coef_, shape), "intercept": intercept}
        if isinstance(self.model, GDLogisticRegression):
            found["passes"] = float(self.model.history_["passes"][-1])
        return found

    @property
    def penalty(self) -> dict[str, Any]:
        return {"C": self.C, "l1_ratio": self.l1_ratio, "fit_intercept": self.fit_intercept}


class ScikitLearn(EstimatorSolver):
    """`sklearn.linear_model.LogisticRegression` with one of its solvers."""

    family = "scikit-learn"
    requirements = ["scikit-learn"]
    allows_l1 = False

    def skip(self, X, l1_ratio, **others):
        if l1_ratio and not self.allows_l1:
            return True, "no L1 penalty"
        return False, None

    def estimator(self, max_iter):
        return LogisticRegression(
            solver=self.name, max_iter=max_iter, tol=TINY, random_state=0, **self.penalty
        )


class NewtonCD(ScikitLearn):
    """A solver that only coming releases of scikit-learn have."""

    allows_l1 = True

    def skip(self, n_classes, **others):
        labels = np.arange(n_classes)
        try:
            LogisticRegression(solver=self.name).fit(labels[:, np.newaxis], labels)
        except ValueError:
            return True, f"not in scikit-learn {sklearn.__version__} for {n_classes} classes"
        return super().skip(**others)


def hessian_too_large(X: Any, n_classes: int) -> str:
    """Why a solver that forms the Hessian is left out, or nothing."""
    size = (X.shape[1] + 1) * (1 if n_classes == 2 else n_classes)
    return f"a Hessian of {size} × {size}" if size > LARGEST else ""
