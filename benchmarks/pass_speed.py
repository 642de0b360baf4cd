"""What a pass, loss and gradient over all rows, costs beside the memory it reads.

``python benchmarks/pass_speed.py --help``

A line is one number of threads on one problem; they take turns, and so do the columns, each of
which shows its best of ROUNDS times in milliseconds. A pass is one of `Objective`, with an
intercept, at a random point.

- `read` is the maximum of X, which reads X once and does next to nothing with it, on as many
  threads as a pass may use. For CSR it is SciPy's X @ w and X.T @ dz, which is as little as a
  gradient can be made of.
- `bare pass` is forward and backward on the blocks of a pass with no loss between them: what two
  BLAS products for each block can reach.
- `fit` has default settings.

`CPU` is the processor time of all threads together in the last column, pass or fit: what more
threads cost, also on a machine with fewer processors. The largest X takes 0.5 GB; SIZE is a factor
of the number of rows. The threads are limited as a user does it, by `threadpool_limits`.
"""

import argparse
import re
import warnings
from collections.abc import Callable
from time import perf_counter, process_time, sleep
from typing import Any

import numpy as np
from scaling import rows, sparse_rows
from threadpoolctl import threadpool_limits

from sklearn_gd_logreg import GDLogisticRegression
from sklearn_gd_logreg.data import as_dataset
from sklearn_gd_logreg.data.blas import reserve_threads
from sklearn_gd_logreg.data.threads import tree_sum
from sklearn_gd_logreg.loss import cross_entropy
from sklearn_gd_logreg.objective import Objective
from sklearn_gd_logreg.penalty import ElasticNet

PARTS = 64  # in which X is read
PAUSE = 0.15  # seconds before a measurement, until threads of BLAS that wait for work are asleep
SHORT = 0.005  # seconds: a shorter call is repeated so long
PROBLEMS = {  # rows, features, classes, dtype, order or entries a row
    "iris": (150, 4, 3, "float64", "C"),
    "breast cancer": (569, 30, 2, "float64", "C"),
    "digits": (1797, 64, 10, "float64", "C"),
    "tall": (1_000_000, 50, 2, "float64", "C"),
    "30 features": (1_000_000, 30, 2, "float64", "C"),
    "tall, float32": (1_000_000, 30, 2, "float32", "C"),
    "tall, F order": (1_000_000, 30, 2, "float64", "F"),
    "pixels": (60_000, 784, 2, "float64", "C"),
    "pixels, float32": (60_000, 784, 2, "float32", "C"),
    "pixels, ten classes": (60_000, 784, 10, "float64", "C"),
    "300 features": (200_000, 300, 2, "float64", "C"),
    "wide": (60_000, 1000, 2, "float64", "C"),
    "softmax": (500_000, 50, 10, "float64", "C"),
    "text": (20_000, 50_000, 2, "float64", 50),
    "one-hot": (32_561, 123, 2, "float64", 14),
    "sparse": (500_000, 1000, 2, "float64", 10),
}


def columns(n: int, d: int, n_classes: int, dtype: str, storage: Any, fit: bool) -> dict[str, Any]:
    """What takes turns on one problem."""
    is_sparse, loss = isinstance(storage, int), cross_entropy(n_classes)
    X, y = sparse_rows(n, d, n * storage) if is_sparse else rows(n, d, n_classes)
    X = X if is_sparse else np.asarray(X, dtype, order=storage)
    data = as_dataset(X, loss.targets(y), None, intercept=True)
    objective = Objective(data, loss, ElasticNet(1e-4, 0.0, d))
    w = np.random.default_rng(1).standard_normal((d + 1, loss.n_outputs)) / d**0.5
    w = w.astype(X.dtype)
    z, transposed = X @ w[:-1], X.T
    parts = () if is_sparse else np.array_split(transposed if storage == "F" else X, min(PARTS, d))

    def read() -> object:
        if is_sparse:
            return X @ w[:-1], transposed @ z
        with reserve_threads() as n_threads:
            runs = [range(k, k + 1) for k in range(len(parts))]
            return tree_sum(lambda run: ((parts[k].max(),) for k in run), runs, n_threads)

    def bare_pass() -> object:
        with reserve_threads():
            return data.sum(lambda rows: (rows.backward(rows.forward(w)),))

    def one_pass() -> object:
        with reserve_threads():
            return objective.loss_and_gradient(w)

    timed = {"read": read, "bare pass": bare_pass, "pass": one_pass}
    return timed | ({"fit": lambda: GDLogisticRegression().fit(X, y)} if fit else {})


def milliseconds(function: Callable[[], object], repeats: int) -> tuple[float, float]:
    """By the clock on the wall, and of all processors."""
    start = perf_counter(), process_time()
    for _ in range(repeats):
        function()
    return tuple(1e3 / repeats * np.subtract((perf_counter(), process_time()), start))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--threads", type=int, nargs="+", default=[1])
    parser.add_argument("--fit", action="store_true", help="a default fit too")
    parser.add_argument("--problems", default="", metavar="REGEX")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--size", type=float, default=1.0)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    names = ["read", "bare pass", "pass", *["fit"] * options.fit, "CPU"]
    head = [*names, "read/bare", "read/pass"]
    print(f"{'':<30}{'threads':>8}" + "".join(f"{name:>11}" for name in head))
    for title, (n, *shape) in PROBLEMS.items():
        if not re.search(options.problems, title):
            continue
        n = int(n * options.size)
        timed = columns(n, *shape, options.fit)
        best = {t: np.full((len(timed), 2), np.inf) for t in options.threads}
        repeats = {k: max(1, int(SHORT / (milliseconds(f, 1)[0] / 1e3))) for k, f in timed.items()}
        for t in options.threads * options.rounds:
            with threadpool_limits(t, "blas"):
                for one, (name, function) in zip(best[t], timed.items(), strict=True):
                    sleep(PAUSE * (t > 1))
                    np.minimum(one, milliseconds(function, repeats[name]), out=one)
        for t, (times, cpu) in ((t, one.T) for t, one in best.items()):
            cells = [*times, cpu[-1], times[0] / times[1], times[0] / times[2]]
            label, line = f"{title}, {n} × {shape[0]}", "".join(f"{cell:>11.3g}" for cell in cells)
            print(f"{label:<30}{t:>8}{line}", flush=True)


if __name__ == "__main__":
    main()
