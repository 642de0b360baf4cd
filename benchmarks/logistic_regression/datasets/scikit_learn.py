"""The small data sets that come with scikit-learn."""

from benchopt import BaseDataset
from sklearn import datasets
from sklearn.preprocessing import StandardScaler


class Dataset(BaseDataset):
    """Iris 150 × 4 × 3, wine 178 × 13 × 3, breast cancer 569 × 30, digits 1797 × 64 × 10."""

    name = "scikit-learn"
    requirements = ["scikit-learn"]
    parameters = {
        "data": ["iris", "wine", "breast_cancer", "digits"],
        "scaled": [False, True],
        "C": [1.0],
        "l1_ratio": [0.0],
    }
    test_parameters = {"data": ["iris"]}

    def get_data(self):
        X, y = getattr(datasets, f"load_{self.data}")(return_X_y=True)
        if self.scaled:
            X = StandardScaler().fit_transform(X)
        return {"X": X, "y": y, "C": self.C, "l1_ratio": self.l1_ratio}
