"""Real data from the folder that SKLEARN_GD_LOGREG_DATA names."""

import numpy as np
from benchmark_utils.files import data_sets, load
from benchopt import BaseDataset


class Dataset(BaseDataset):
    """One data set of the folder.

    Parameters
    ----------
    data : str
        Its name, which is that of the file up to the first full stop.
    form : {"as stored", "dense", "odd"}
        "dense" makes a dense array of sparse rows; "odd" asks for the odd numbers among
        labels that are numbers.
    C, l1_ratio
        The penalty, as everywhere.
    """

    name = "folder"
    requirements = ["scikit-learn", "h5py"]
    parameters = {
        "data": sorted(data_sets()) or ["none"],
        "form": ["as stored"],
        "C": [1.0],
        "l1_ratio": [0.0],
    }

    def get_data(self):
        X, y = load(data_sets()[self.data])
        if self.form == "dense":
            X = X.toarray()
        if self.form == "odd":
            y = np.asarray(y, int) % 2
        return {"X": X, "y": y, "C": self.C, "l1_ratio": self.l1_ratio}
