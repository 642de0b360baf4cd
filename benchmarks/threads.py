"""What more threads bring: a pass and a whole fit with 1, 2, 4, 8 and 16 of them.

Prints the table of docs/benchmarks.md: the best of ROUNDS times, in which the numbers of threads
take turns, on four kinds of data. `read` takes the maximum of X, which reads X once and does
little else. A pass is one of `Objective`, loss and gradient at a random point. A fit has default
settings. `CPU` is the processor time of all threads together: what more threads cost, also on a
machine with fewer processors than threads, or with other work.

Run it with ``python benchmarks/threads.py [ROUNDS [SIZE]]``. SIZE is a factor of the number of
rows: with 1 the largest X takes 0.8 GB. The threads are limited as a user does it, by
`threadpoolctl.threadpool_limits`.
"""

import os
import platform
import sys
import warnings
from collections.abc import Callable
from time import perf_counter, process_time
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from sklearn_gd_logreg import GDLogisticRegression
from sklearn_gd_logreg.data import as_dataset, own_threads
from sklearn_gd_logreg.data.threads import add_up
from sklearn_gd_logreg.loss import cross_entropy
from sklearn_gd_logreg.objective import Objective
from sklearn_gd_logreg.penalty import ElasticNet

THREADS = 1, 2, 4, 8, 16

N_PARTS = 256
"""Number of parts in which X is read."""


def tall(rng: np.random.Generator, size: float) -> Any:
    return rng.standard_normal((int(2_000_000 * size), 50))


def wide(rng: np.random.Generator, size: float) -> Any:
    return rng.standard_normal((int(60_000 * size), 1000))


def softmax(rng: np.random.Generator, size: float) -> Any:
    return rng.standard_normal((int(500_000 * size), 50))


def sparse_rows(rng: np.random.Generator, size: float) -> Any:
    n_rows, n_features, per_row = int(1_000_000 * size), 2000, 30
    columns = np.sort((n_features * rng.random((n_rows, per_row)) ** 3).astype(np.int32))
    starts = np.arange(0, columns.size + 1, per_row, dtype=np.int32)
    values = rng.standard_normal(columns.size)
    X = sparse.csr_array((values, columns.ravel(), starts), shape=(n_rows, n_features))
    X.sum_duplicates()
    return X


KINDS: dict[str, tuple[Callable[[np.random.Generator, float], Any], int]] = {
    "tall": (tall, 2),
    "wide": (wide, 2),
    "sparse": (sparse_rows, 2),
    "softmax": (softmax, 10),
}
"""What makes X, and the number of classes."""


def tasks(kind: str, size: float) -> tuple[str, dict[str, Callable[[], object]]]:
    """The name of a problem, and what is measured on it."""
    make, n_classes = KINDS[kind]
    rng = np.random.default_rng(0)
    X, loss = make(rng, size), cross_entropy(n_classes)
    scores = X @ rng.standard_normal((X.shape[1], n_classes)) / np.sqrt(X.shape[1])
    y = np.argmax(scores + rng.gumbel(size=scores.shape), axis=1)
    data = as_dataset(X, loss.targets(y), None, intercept=True)
    objective = Objective(data, loss, ElasticNet(1e-6, 0.0, X.shape[1]))
    w = rng.standard_normal((X.shape[1] + 1, loss.n_outputs)) / np.sqrt(X.shape[1])
    entries = X.data if sparse.issparse(X) else X
    parts = np.array_split(entries, N_PARTS)

    def read() -> object:
        with own_threads() as n_threads:
            runs = [range(k, k + 1) for k in range(N_PARTS)]
            return add_up(lambda run: ((parts[k].max(),) for k in run), runs, n_threads)

    def one_pass() -> object:
        with own_threads():
            return objective.loss_and_gradient(w)

    words = f", {n_classes} classes" if n_classes > 2 else ""
    words += f", {X.nnz // X.shape[0]} entries a row" if sparse.issparse(X) else ""
    return f"{kind}, {X.shape[0]} × {X.shape[1]}{words}", {
        "read": read,
        "pass": one_pass,
        "fit": lambda: GDLogisticRegression().fit(X, y),
    }


def seconds(function: Callable[[], object], n_threads: int) -> tuple[float, float]:
    """Of the clock on the wall, and of all processors."""
    with threadpool_limits(n_threads, "blas"):
        start = perf_counter(), process_time()
        function()
        return perf_counter() - start[0], process_time() - start[1]


def main(rounds: int = 7, size: float = 1.0) -> None:
    warnings.simplefilter("ignore", ConvergenceWarning)
    print(f"{os.cpu_count()} processors, {platform.platform()}; milliseconds, best of {rounds}\n")
    print("| data | | " + " | ".join(map(str, THREADS)) + " |")
    print("| :-- | :-- " + "| --: " * len(THREADS) + "|")
    for kind in KINDS:
        title, functions = tasks(kind, size)
        for name, function in functions.items():
            times: dict[int, list[tuple[float, float]]] = {number: [] for number in THREADS}
            for number in THREADS * rounds:
                times[number].append(seconds(function, number))
            best = 1e3 * np.array([np.min(one, axis=0) for one in times.values()])
            for clock, row in zip(("", ", CPU"), best.T, strict=True):
                cells = " | ".join(f"{one:.0f}" for one in row)
                print(f"| {title} | {name}{clock} | {cells} |", flush=True)
                title = ""


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 7, float(sys.argv[2]) if sys.argv[2:] else 1.0)
