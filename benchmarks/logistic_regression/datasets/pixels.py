"""Rows like those of the skin segmentation data: three colours, raw, two classes."""

import numpy as np
from benchopt import BaseDataset


class Dataset(BaseDataset):
    """Blue, green and red, 0 … 255, of skin (a fifth) and of everything else; simulated."""

    name = "pixels"
    requirements = []
    parameters = {"n_samples": [245_057]}
    test_parameters = {"n_samples": [500]}

    def get_data(self):
        rng = np.random.default_rng(20)
        y = (rng.uniform(size=self.n_samples) < 0.21).astype(int)
        skin = np.array([115, 147, 205]) + common(rng, self.n_samples, [35, 30, 25], 0.8)
        other = np.array([135, 132, 110]) + common(rng, self.n_samples, [60, 60, 65], 0.85)
        X = np.where(y[:, np.newaxis] == 1, skin, other)
        return {"X": np.clip(np.round(X), 0, 255), "y": y}


def common(rng, n_samples, scale, share):
    """Normal deviations of three colours, with a share of their variance in common."""
    own = rng.standard_normal((n_samples, 3)) * np.sqrt(1 - share)
    return np.asarray(scale) * (own + np.sqrt(share) * rng.standard_normal((n_samples, 1)))
