"""Sparse rows like those of a corpus: words by Zipf's law, TF-IDF, rows of length 1."""

import numpy as np
from benchmark_utils.files import csr
from benchopt import BaseDataset
from scipy import sparse
from sklearn.feature_extraction.text import TfidfTransformer

ZIPF = 1.07  # word j has a frequency in proportion to (j + 2.7)^−1.07 (Mandelbrot)


class Dataset(BaseDataset):
    """Documents of about 65 words, of which about 50 differ: 0.1 % of 50000."""

    name = "text-like"
    requirements = ["scikit-learn"]
    parameters = {
        "n_samples": [20_000],
        "n_features": [50_000],
        "C": [1.0],
        "l1_ratio": [0.0],
        "fit_intercept": [True],
    }
    test_parameters = {"n_samples": [100], "n_features": [300]}

    def get_data(self):
        rng = np.random.default_rng(20)
        counts = self.counts(rng)
        X = TfidfTransformer(sublinear_tf=True).fit_transform(counts)
        z = X @ (rng.standard_normal(self.n_features) * (rng.uniform(size=self.n_features) < 0.2))
        z *= 3 / z.std()
        y = (rng.logistic(size=self.n_samples) < z - np.median(z)).astype(int)
        penalty = {"C": self.C, "l1_ratio": self.l1_ratio, "fit_intercept": self.fit_intercept}
        return {"X": csr(X), "y": y} | penalty

    def counts(self, rng):
        lengths = rng.poisson(65, self.n_samples)
        frequency = (np.arange(self.n_features) + 2.7) ** -ZIPF
        drawn = np.searchsorted(
            np.cumsum(frequency / frequency.sum()), rng.uniform(size=lengths.sum())
        ).clip(max=self.n_features - 1)
        words = rng.permutation(self.n_features)[drawn]
        rows = np.repeat(np.arange(self.n_samples), lengths)
        shape = self.n_samples, self.n_features
        return sparse.csr_array((np.ones(len(rows)), (rows, words)), shape=shape)
