"""Labels drawn from a logistic model."""

import numpy as np
from benchopt import BaseDataset


class Dataset(BaseDataset):
    """Independent features of standard deviations 1 to 10^−decades."""

    name = "simulated"
    parameters = {"n": [300_000], "p": [30], "decades": [0, 3], "n_workers": [2]}
    test_parameters = {"n": [2_000], "p": [3]}

    def get_data(self):
        random = np.random.default_rng(0)
        X = random.standard_normal((self.n, self.p))
        w = random.standard_normal(self.p) / 3
        y = X @ w + random.logistic(size=self.n) > 0
        X *= np.logspace(0, -self.decades, self.p)
        return {"X": X, "y": y.astype(int), "n_workers": self.n_workers}
