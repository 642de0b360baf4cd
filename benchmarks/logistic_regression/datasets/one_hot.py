"""Sparse rows of ones like a9a: fourteen categories, each coded by one of its columns."""

import numpy as np
from benchmark_utils.files import csr
from benchopt import BaseDataset
from scipy import sparse

LEVELS = 5, 8, 5, 16, 5, 7, 14, 6, 5, 2, 2, 2, 5, 41  # of each category: 123 columns


class Dataset(BaseDataset):
    """Fourteen categories with levels from common to rare, 123 columns; simulated."""

    name = "one-hot"
    requirements = []
    parameters = {"n_samples": [32_561], "C": [1.0], "l1_ratio": [0.0]}
    test_parameters = {"n_samples": [200]}

    def get_data(self):
        rng = np.random.default_rng(20)
        starts = np.cumsum((0, *LEVELS[:-1]))
        drawn = [
            start + rng.choice(levels, self.n_samples, p=rng.dirichlet(np.full(levels, 0.5)))
            for start, levels in zip(starts, LEVELS, strict=True)
        ]
        columns = np.sort(np.column_stack(drawn)).ravel()
        rows = np.repeat(np.arange(self.n_samples), len(LEVELS))
        shape = self.n_samples, sum(LEVELS)
        X = sparse.csr_array((np.ones(len(rows)), (rows, columns)), shape=shape)
        z = X @ rng.standard_normal(shape[1])
        y = (rng.logistic(size=self.n_samples) < 1.5 * (z - np.quantile(z, 0.8))).astype(int)
        return {"X": csr(X), "y": y, "C": self.C, "l1_ratio": self.l1_ratio}
