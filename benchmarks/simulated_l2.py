"""Ours beside scikit-learn's solvers on the simulated problems of benchopt's benchmark_logreg_l2.

Labels are the signs of Xw without noise, so the classes are separable; the cost is
Σ ℒ + λ/2 ‖w‖₂² without an intercept. As in ``make bench``, each solver is fitted with more and
more iterations; the fewest that reach a relative suboptimality of 1e-6 count, and the fits that
do are repeated in turn. Run it with ``OMP_NUM_THREADS=1 python benchmarks/simulated_l2.py``; a
regular expression after that chooses problems, such as ``'^200 × 500'``.
"""

import re
import sys
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from measure import Curve, repeat_levels, sample_all
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from sklearn_gd_logreg import GDLogisticRegression

SIZES = (200, 500), (1000, 10), (100_000, 400)
LAMBDAS = 1.0, 0.01
THEIRS = "lbfgs", "newton-cg", "newton-cholesky", "liblinear", "sag"
LEVEL, LIMIT = 1e-6, 10.0  # relative suboptimality, seconds a fit
TINY = 1e-14  # tolerance: the number of iterations alone ends a fit


@dataclass
class Problem:
    """X, signs y and λ; the cost, and its minimum by Newton's method."""

    n: int
    d: int
    lmbd: float

    def __post_init__(self) -> None:
        rng = np.random.RandomState(42)
        w = rng.randn(self.d)
        self.X = rng.randn(self.n, self.d)
        self.y = np.sign(self.X @ w)
        self.lowest = self.cost(self.minimiser())

    def cost(self, w: np.ndarray) -> float:
        m = self.y * (self.X @ w)
        loss = np.maximum(-m, 0) + np.log1p(np.exp(-np.abs(m)))
        return float(loss.sum() + self.lmbd / 2 * (w @ w))

    def minimiser(self) -> np.ndarray:
        w = np.zeros(self.d)
        for _ in range(100):
            a = expit(-self.y * (self.X @ w))
            dw = self.lmbd * w - self.X.T @ (a * self.y)
            F = self.X.T @ ((a * (1 - a))[:, np.newaxis] * self.X)
            step = np.linalg.solve(F + self.lmbd * np.eye(self.d), dw)
            while self.cost(w - step) > self.cost(w) and np.abs(step).max() > 1e-9:
                step /= 2
            w = w - step
        return w

    def __call__(self, result: tuple[np.ndarray, float]) -> list[dict[str, float]]:
        w, passes = result
        cost = self.cost(w)
        keys = "objective_value", "objective_suboptimality", "objective_passes"
        return [dict(zip(keys, (cost, cost / self.lowest - 1, passes), strict=True))]


class Fits:
    """A solver on a problem, as measure.py asks for it."""

    def __init__(self, name: str, problem: Problem) -> None:
        self.name, self.problem = name, problem
        self.family = "ours" if name == "ours" else "scikit-learn"

    def run(self, iterations: int) -> None:
        shared = {"C": 1 / self.problem.lmbd, "fit_intercept": False, "max_iter": iterations}
        self.model: Any
        if self.name == "ours":
            self.model = GDLogisticRegression(**shared, tol=1e-12)
        else:
            self.model = LogisticRegression(**shared, solver=self.name, tol=TINY, random_state=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.model.fit(self.problem.X, self.problem.y)

    def get_result(self) -> tuple[np.ndarray, float]:
        passes = self.model.history_["passes"][-1] if self.name == "ours" else np.nan
        return self.model.coef_.ravel(), float(passes)

    def pre_run_hook(self, iterations: int) -> None: ...

    def _warm_up(self) -> None: ...


def times(curves: list[Curve]) -> dict[str, tuple[float, int, float]]:
    """Seconds, iterations and passes of each solver that reaches the level."""
    reached = {curve.solver.name: curve.reaching(LEVEL) for curve in curves}
    return {
        name: (point.median, point.iterations, point.passes)
        for name, point in reached.items()
        if point
    }


def main(pattern: str = "") -> None:
    ratios = []
    titles = "problem", "ours, ms", "steps", "passes", "ratio"
    print("{:<24}{:>10}{:>7}{:>8}{:>7}   scikit-learn's, ms".format(*titles))
    for n, d in SIZES:
        for lmbd in LAMBDAS:
            if not re.search(pattern, title := f"{n} × {d}, λ = {lmbd:g}"):
                continue
            problem = Problem(n, d, lmbd)
            curves = sample_all([Fits(name, problem) for name in ("ours", *THEIRS)], problem, LIMIT)
            repeat_levels(curves, quick=False)
            found = times(curves)
            seconds, steps, passes = found.pop("ours")
            ranked = sorted((theirs[0], name) for name, theirs in found.items())
            ratios.append(ranked[0][0] / seconds)
            row = title, 1e3 * seconds, steps, passes, ratios[-1]
            others = ", ".join(f"{name} {1e3 * theirs:.2f}" for theirs, name in ranked)
            print("{:<24}{:>10.2f}{:>7}{:>8.1f}{:>7.2f}   ".format(*row) + others, flush=True)
    print(f"geometric mean {np.exp(np.mean(np.log(ratios))):.2f}, least {min(ratios):.2f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
