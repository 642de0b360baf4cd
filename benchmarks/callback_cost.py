"""What callbacks cost: fits without any beside fits with some, by turns in one process."""

from time import process_time

import numpy as np
from sklearn.callback import ScoringMonitor
from sklearn.datasets import load_breast_cancer, load_iris

from sklearn_gd_logreg import GDLogisticRegression, TimeLimit, Trajectory

ROUNDS = 200
CALLBACKS = {
    "none": [],
    "one that does next to nothing": [TimeLimit(1e6)],
    "Trajectory": [Trajectory()],
    "ScoringMonitor": [ScoringMonitor(scoring="neg_log_loss")],
}

if __name__ == "__main__":
    for name, load in {"iris": load_iris, "breast cancer": load_breast_cancer}.items():
        data, times = load(return_X_y=True), {callbacks: [] for callbacks in CALLBACKS}
        for callbacks, given in [*CALLBACKS.items()] * ROUNDS:
            start = process_time()
            GDLogisticRegression().set_callbacks(*given).fit(*data)
            times[callbacks].append(process_time() - start)
        none = np.median(times["none"])
        print(f"{name}: {1e3 * none:.2f} ms without callbacks")
        for callbacks, one in times.items():
            print(f"  {callbacks:<32} {np.median(one) / none:6.2f} times as long")
