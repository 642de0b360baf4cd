"""Labels drawn from a logistic model."""

import numpy as np
from benchopt import BaseDataset


class Dataset(BaseDataset):
    """Independent features of standard deviations 1 to 10^−decades; float32 on a device."""

    name = "simulated"
    parameters = {
        "n": [300_000],
        "p": [30],
        "decades": [0, 3],
        "place": ["dask"],
        "n_workers": [2],
    }
    test_parameters = {"n": [2_000], "p": [3]}

    def get_data(self):
        random, dtype = np.random.default_rng(0), "f8" if self.place == "dask" else "f4"
        X = random.standard_normal((self.n, self.p), dtype)
        w = random.standard_normal(self.p) / 3
        y = X @ w + random.logistic(size=self.n) > 0
        X *= np.logspace(0, -self.decades, self.p).astype(dtype)
        return {"X": X, "y": y.astype(int), "place": self.place, "n_workers": self.n_workers}
