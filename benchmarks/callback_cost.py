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


def seconds(estimator: GDLogisticRegression, X: np.ndarray, y: np.ndarray) -> float:
    start = process_time()
    estimator.fit(X, y)
    return process_time() - start


def main() -> None:
    for name, load in {"iris": load_iris, "breast cancer": load_breast_cancer}.items():
        X, y = load(return_X_y=True)
        times: dict[str, list[float]] = {callbacks: [] for callbacks in CALLBACKS}
        for _ in range(ROUNDS):
            for callbacks, given in CALLBACKS.items():
                times[callbacks].append(seconds(GDLogisticRegression().set_callbacks(*given), X, y))
        none = np.median(times["none"])
        n_iter = GDLogisticRegression().fit(X, y).n_iter_
        print(f"{name}: {1e3 * none:.2f} ms, {n_iter} iterations, without callbacks")
        for callbacks, one in times.items():
            print(f"  {callbacks:<32} {np.median(one) / none:6.2f} times as long")


if __name__ == "__main__":
    main()
