"""The simulated data of benchopt's benchmark_logreg_l2: labels without noise, the signs of Xw."""

import numpy as np
from benchopt import BaseDataset


class Dataset(BaseDataset):
    """Its cost Σ ℒ + λ/2 ‖w‖₂² is n J with λ = 1/C, without an intercept."""

    name = "logreg_l2"
    requirements = []
    parameters = {"n_samples": [200], "n_features": [500], "C": [1.0]}
    test_parameters = {"n_samples": [50], "n_features": [5]}

    def get_data(self):
        rng = np.random.RandomState(42)
        w = rng.randn(self.n_features)
        X = rng.randn(self.n_samples, self.n_features)
        return {"X": X, "y": np.sign(X @ w), "C": self.C, "fit_intercept": False}
