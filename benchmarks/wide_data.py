"""What descent on wide data costs in coordinates of the row space, and what the way there.

Rows and features as many as in a course's images of cats. Each fit is made in both
coordinates, in turns; the table gives the least processor seconds of each. Run it with
``python benchmarks/wide_data.py [ROUNDS]``.
"""

import sys
from collections.abc import Callable
from time import process_time
from typing import Any

import numpy as np

from sklearn_gd_logreg import GDLogisticRegression, GradientDescent, Momentum, Nesterov, UpdateRule
from sklearn_gd_logreg.data import factor

N_ROWS, N_FEATURES, N_STEPS = 209, 12_288, 2000


def seconds(function: Callable[..., Any], *args: Any) -> float:
    start = process_time()
    function(*args)
    return process_time() - start


def fit(rule: UpdateRule, inside: int, X: np.ndarray, y: np.ndarray) -> None:
    rule.rotation_invariant = bool(inside)
    clf = GDLogisticRegression(solver=rule, learning_rate=0.005, max_iter=N_STEPS, tol=0)
    clf.fit(X, y)


def main(rounds: int = 3) -> None:
    rng = np.random.RandomState(0)
    X, y = rng.uniform(size=(N_ROWS, N_FEATURES)), np.arange(N_ROWS) % 2
    print(f"{N_ROWS} x {N_FEATURES}, {N_STEPS} steps: seconds in coordinates of")
    print(f"{'':<18}{'features':>10}{'row space':>11}{'ratio':>8}")
    for rule in (GradientDescent(), Momentum(), Nesterov()):
        times = [[seconds(fit, rule, inside, X, y) for inside in (0, 1)] for _ in range(rounds)]
        outside, inside = np.min(times, axis=0)
        print(f"{type(rule).__name__:<18}{outside:>10.3f}{inside:>11.3f}{outside / inside:>8.1f}")
    ways = {
        "Cholesky of X X'": lambda: factor._by_cholesky(factor._gram(X)),
        "QR, then SVD": lambda: factor._by_singular_values(X),
    }
    for name, way in ways.items():
        print(f"{name:<28}{min(seconds(way) for _ in range(rounds)):>11.3f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
