"""What a pass, loss and gradient over all rows, costs beside the memory it reads.

For every line of the table the columns take turns, and each shows its best of ROUNDS
times (of repeated calls where one is short). A pass is one of `Objective`, with an
intercept, at a random point.

- dense: `read` is the maximum of X, which reads X once and does next to nothing with
  it, on as many threads as a pass may use; `two products` is the plain NumPy gradient,
  X @ w, the loss by `scipy.special`, X.T @ dz, which reads X twice. `bare pass` is
  forward and backward on the blocks of a pass with no loss between them: what two BLAS
  products for each block can reach.
  `one sweep`, if Numba is installed, is compiled for this machine: both products for
  four rows at a time, with no loss between them either, on one thread.
- CSR: `read` is SciPy's X @ w and X.T @ dz, which is as little as a gradient can be
  made of; `two products` adds the same loss.

Run it with ``python benchmarks/pass_speed.py [ROUNDS]``; ``OMP_NUM_THREADS=1`` before
it shows what one thread does, for all columns. The largest X takes 0.5 GB.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter, sleep
from typing import Any

import numpy as np
from scipy import sparse
from scipy.special import expit, log_expit, log_softmax

from sklearn_gd_logreg.data import as_dataset
from sklearn_gd_logreg.data.threads import add_up, own_threads
from sklearn_gd_logreg.loss import cross_entropy
from sklearn_gd_logreg.objective import Objective
from sklearn_gd_logreg.penalty import ElasticNet

try:
    import numba
except ImportError:
    numba = None

PARTS = 64
"""In how many parts X is read."""

PAUSE = 0.15
"""Seconds before each measurement, until threads of BLAS that wait for work are asleep."""


@dataclass(frozen=True)
class Problem:
    """Random rows: their number, features, classes and storage."""

    n_rows: int
    n_features: int
    n_classes: int = 2
    dtype: str = "float64"
    order: str = "C"
    entries_a_row: int = 0
    weighted: bool = False

    def __str__(self) -> str:
        words = [f"{self.n_rows}x{self.n_features}"]
        words += [f"K={self.n_classes}"] * (self.n_classes > 2)
        words += [self.dtype, f"CSR {self.entries_a_row}" if self.entries_a_row else self.order]
        return " ".join(words + ["weighted"] * self.weighted)

    def rows(self) -> Any:
        random = np.random.default_rng(0)
        shape = self.n_rows, self.n_features
        if not self.entries_a_row:
            X = random.standard_normal(shape, dtype=self.dtype)
            return np.asarray(X, order=self.order)
        frequent_first = random.random((self.n_rows, self.entries_a_row)) ** 3
        columns = np.sort((self.n_features * frequent_first).astype(np.int32))
        values = random.standard_normal(columns.size, dtype=self.dtype)
        starts = np.arange(0, columns.size + 1, self.entries_a_row, dtype=np.int32)
        X = sparse.csr_array((values, columns.ravel(), starts), shape=shape)
        X.sum_duplicates()
        return X


PROBLEMS = [
    Problem(150, 4, 3),
    Problem(569, 30),
    Problem(1797, 64, 10),
    Problem(245057, 3),
    Problem(245057, 3, dtype="float32"),
    Problem(245057, 3, order="F"),
    Problem(1000000, 30),
    Problem(1000000, 30, weighted=True),
    Problem(1000000, 30, dtype="float32"),
    Problem(1000000, 30, order="F"),
    Problem(60000, 784),
    Problem(60000, 784, dtype="float32"),
    Problem(60000, 784, order="F"),
    Problem(200000, 300),
    Problem(200000, 300, dtype="float32"),
    Problem(200000, 300, order="F"),
    Problem(60000, 784, 10),
    Problem(60000, 784, 10, dtype="float32"),
    Problem(60000, 784, 10, order="F"),
    Problem(20000, 50000, entries_a_row=50),
    Problem(32561, 123, entries_a_row=14),
    Problem(500000, 1000, entries_a_row=10),
]


def two_products(X: Any, y: np.ndarray, w: np.ndarray, b: np.ndarray) -> tuple[float, Any]:
    """Mean loss and gradient as one writes them down."""
    z = X @ w + b
    if w.shape[1] == 1:
        right = y[:, np.newaxis]
        loss, dz = -log_expit(np.where(right, z, -z)), expit(z) - right
    else:
        log_a = log_softmax(z, axis=1)
        loss, dz = -log_a[np.arange(len(y)), y], np.exp(log_a)
        dz[np.arange(len(y)), y] -= 1
    dz = (dz / len(y)).astype(X.dtype, copy=False)
    return loss.mean(), (X.T @ dz, dz.sum(axis=0))


def sweep(X: np.ndarray, w: np.ndarray, dw: np.ndarray) -> None:
    """Add XᵀXw to dw, four rows at a time; for Numba."""
    n_rows, n_features = X.shape
    for i in range(0, n_rows - 3, 4):
        x0, x1, x2, x3 = X[i], X[i + 1], X[i + 2], X[i + 3]
        z0 = z1 = z2 = z3 = 0.0
        for j in range(n_features):
            z0 += x0[j] * w[j]
            z1 += x1[j] * w[j]
            z2 += x2[j] * w[j]
            z3 += x3[j] * w[j]
        for j in range(n_features):
            dw[j] += z0 * x0[j] + z1 * x1[j] + z2 * x2[j] + z3 * x3[j]


def columns(problem: Problem) -> dict[str, Callable[[], object]]:
    """What takes turns on one problem."""
    random = np.random.default_rng(1)
    X, y = problem.rows(), random.integers(problem.n_classes, size=problem.n_rows)
    loss, share = cross_entropy(problem.n_classes), None
    if problem.weighted:
        share = random.uniform(0.5, 1.5, (problem.n_rows, 1)) / problem.n_rows
    data = as_dataset(X, loss.targets(y), share, intercept=True)
    objective = Objective(data, loss, ElasticNet(1e-4, 0.0, problem.n_features))
    shape = problem.n_features + 1, loss.n_outputs
    w = (random.standard_normal(shape) / problem.n_features**0.5).astype(X.dtype)
    z, transposed = X @ w[:-1], X.T
    if sparse.issparse(X):
        read = lambda: (X @ w[:-1], transposed @ z)  # noqa: E731
    else:
        parts = np.array_split(X if X.flags.c_contiguous else transposed, min(PARTS, *X.shape))

        def read() -> object:
            with own_threads() as n_threads:
                runs = [range(k, k + 1) for k in range(len(parts))]
                return add_up(lambda run: ((parts[k].max(),) for k in run), runs, n_threads)

    timed = {
        "read": read,
        "two products": lambda: two_products(X, y, w[:-1], w[-1]),
        "bare pass": lambda: data.sum(lambda rows: (rows.backward(rows.forward(w)),)),
        "pass": lambda: objective.loss_and_gradient(w),
    }
    if numba and isinstance(X, np.ndarray) and X.flags.c_contiguous and w.shape[1] == 1:
        compiled, one_w, dw = (
            numba.njit(fastmath=True)(sweep),
            w[:-1, 0].copy(),
            np.zeros_like(X[0]),
        )
        compiled(X[:4], one_w, dw)
        timed["one sweep"] = lambda: compiled(X, one_w, dw)
    return timed


def seconds(function: Callable[[], object], repeats: int) -> float:
    start = perf_counter()
    for _ in range(repeats):
        function()
    return (perf_counter() - start) / repeats


def main(rounds: int = 15) -> None:
    with own_threads() as n_threads:
        print(f"best of {rounds}, milliseconds, {n_threads} threads")
    print(
        f"{'rows':<32}{'read':>9}{'2 products':>12}{'bare pass':>11}{'pass':>9}"
        f"{'read/bare':>11}{'read/pass':>11}{'2 pr./pass':>12}{'read/sweep':>12}"
    )
    for problem in PROBLEMS:
        timed = columns(problem)
        repeats = max(1, int(0.005 / seconds(timed["two products"], 1)))
        best = dict.fromkeys(timed, np.inf)
        for _ in range(rounds):
            for name, function in timed.items():
                sleep(PAUSE * (n_threads > 1))
                best[name] = min(best[name], 1e3 * seconds(function, repeats))
        read, plain, bare, ours, *sweeps = best.values()
        ratios = f"{read / bare:>11.2f}{read / ours:>11.2f}{plain / ours:>12.2f}"
        times = f"{read:>9.3f}{plain:>12.3f}{bare:>11.3f}{ours:>9.3f}"
        swept = f"{read / sweeps[0]:>12.2f}" if sweeps else f"{'-':>12}"
        print(f"{problem!s:<32}{times}{ratios}{swept}", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
