"""What a fit of small data costs beside scikit-learn's newton-cholesky.

Both have default settings, on the raw features of four small data sets; they take
turns, and the table gives the median seconds of each and the median of the ratios.
Run it with ``python benchmarks/small_data.py [ROUNDS]``.
"""

import sys
from time import perf_counter
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.linear_model import LogisticRegression

from sklearn_gd_logreg import GDLogisticRegression

DATA = {
    "iris": load_iris,
    "wine": load_wine,
    "breast cancer": load_breast_cancer,
    "digits": load_digits,
}


def seconds(classifier: Any, X: np.ndarray, y: np.ndarray) -> float:
    start = perf_counter()
    classifier.fit(X, y)
    return perf_counter() - start


def main(rounds: int = 30) -> None:
    print(f"{'raw data':<16}{'ours':>10}{'sklearn':>10}{'ratio':>8}   (seconds, {rounds} rounds)")
    for name, load in DATA.items():
        X, y = load(return_X_y=True)
        ours, theirs = GDLogisticRegression(), LogisticRegression(solver="newton-cholesky")
        seconds(ours, X, y), seconds(theirs, X, y)  # warm up
        times = np.array([(seconds(ours, X, y), seconds(theirs, X, y)) for _ in range(rounds)])
        medians, ratio = np.median(times, axis=0), np.median(times[:, 0] / times[:, 1])
        print(f"{name:<16}{medians[0]:>10.4f}{medians[1]:>10.4f}{ratio:>8.2f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
