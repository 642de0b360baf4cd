"""Dense rows from a normal distribution, labels from the model itself."""

import numpy as np
from benchopt import BaseDataset


class Dataset(BaseDataset):
    """Rows x = scale · N(0, AR(1)), labels drawn from softmax(signal · x/scale).

    Parameters
    ----------
    n_samples, n_features, n_classes : int
    correlation : float
        ρ of the AR(1) process that the features of a row are: their correlation is ρ^|i−j|.
    spread : float
        The features have scales 10^u, u uniform on [−spread, spread].
    signal : float
        Standard deviation of the difference of two scores. About 2 is a common problem,
        above 20 nearly separable.
    dtype : str
    weighted : bool
        Whether rows have weights, exponentially distributed.
    C, l1_ratio, fit_intercept
        The penalty, as everywhere.
    """

    name = "simulated"
    requirements = []
    parameters = {
        "n_samples": [10_000],
        "n_features": [20],
        "n_classes": [2],
        "correlation": [0.0],
        "spread": [0.0],
        "signal": [2.0],
        "dtype": ["float64"],
        "weighted": [False],
        "C": [1.0],
        "l1_ratio": [0.0],
        "fit_intercept": [True],
    }
    test_parameters = {"n_samples": [200], "n_features": [5]}

    def get_data(self):
        rng = np.random.default_rng(20)
        X = self.rows(rng)
        direction = rng.standard_normal((self.n_features, self.n_classes))
        z = X @ direction.astype(X.dtype)
        z *= self.signal / (z[:10_000].std() * np.sqrt(2))
        y = np.argmax(z + rng.gumbel(size=z.shape), axis=1)
        X *= (10 ** rng.uniform(-self.spread, self.spread, self.n_features)).astype(X.dtype)
        weights = rng.exponential(size=len(y)) + 0.1 if self.weighted else None
        penalty = {"C": self.C, "l1_ratio": self.l1_ratio, "fit_intercept": self.fit_intercept}
        return {"X": X, "y": y, "sample_weight": weights} | penalty

    def rows(self, rng):
        X = rng.standard_normal((self.n_samples, self.n_features), dtype=self.dtype)
        for j in range(1, self.n_features if self.correlation else 0):
            X[:, j] *= np.sqrt(1 - self.correlation**2)
            X[:, j] += self.correlation * X[:, j - 1]
        return X
