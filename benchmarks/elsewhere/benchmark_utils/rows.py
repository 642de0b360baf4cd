"""Solvers of rows that are not in NumPy's arrays."""

import warnings

import numpy as np
from benchopt import BaseSolver


class MovedRowsSolver(BaseSolver):
    """A fit from scratch for every number of iterations, on rows that were moved before.

    Attributes
    ----------
    places : tuple of str
        Where the rows may be: ``"dask"``, or a device of PyTorch, ``"cpu"`` or ``"cuda"``.
    """

    sampling_strategy = "iteration"
    places = ("dask",)

    def skip(self, place, **others):
        return place not in self.places, f"it is not for rows on {place}"

    def set_objective(self, X, y, place, n_workers):
        self.place, self.n_workers = place, n_workers
        with warnings.catch_warnings(action="ignore"):
            self.X, self.y = self.moved(X, y)

    def moved(self, X, y):
        """X and y where the solver needs them."""
        raise NotImplementedError

    def fit(self, max_iter):
        """The fitted estimator after so many iterations."""
        raise NotImplementedError

    def warm_up(self):
        self.run(1)

    def run(self, n_iter):
        with warnings.catch_warnings(action="ignore"):
            self.model = self.fit(n_iter) if n_iter else None

    def get_result(self):
        if self.model is None:
            return {"coef": np.zeros(self.X.shape[1]), "intercept": 0.0}
        fitted = self.model.coef_, self.model.intercept_
        coef, intercept = (np.ravel(array.tolist()) for array in fitted)  # from any device
        return {"coef": coef, "intercept": float(intercept[0])}
