"""The problems that `make bench` solves: data sets of the benchmark, with their parameters."""

import sys
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any

from benchopt.benchmark import Benchmark

BENCHMARK = Benchmark(Path(__file__).parent / "logistic_regression")
SMALL, DENSE, SPARSE = "scikit-learn's data", "simulated, dense", "simulated, sparse"
ROUGH, REAL = "L1 and elastic net", "real data"


@dataclass(frozen=True)
class Named:
    """A problem: what the tables call it, and the data set that poses it.

    ``limit`` is the least time limit of a fit for problems that take all solvers long;
    ``quick`` says whether ``--quick`` has it, ``large`` whether only ``--large`` does.
    """

    title: str
    group: str
    dataset: str
    parameters: dict[str, Any] = field(default_factory=dict)
    quick: bool = False
    large: bool = False
    limit: float = 0.0


def size(n: int, d: int, n_classes: int = 2) -> dict[str, int]:
    return {"n_samples": n, "n_features": d, "n_classes": n_classes}


def all_problems() -> list[Named]:
    return [*bundled(), *dense(), *sparse(), *rough(), *real()]


def bundled() -> list[Named]:
    found = []
    for data in ("iris", "wine", "breast_cancer", "digits"):
        for scaled in (False, True):
            title = data.replace("_", " ") + (", standardised" if scaled else ", raw")
            parameters = {"data": data, "scaled": scaled}
            quick = (data, scaled) in {("iris", False), ("wine", True), ("breast_cancer", True)}
            found.append(Named(title, SMALL, "scikit-learn", parameters, quick))
    return found


def dense() -> list[Named]:
    def make(title: str, *shape: int, quick: bool = False, large: bool = False, **others: Any):
        return Named(title, DENSE, "simulated", size(*shape) | others, quick, large)

    return [
        make("tall, well scaled", 100_000, 50),
        make("tall, ill-scaled", 200_000, 50, spread=1.5),
        make("tall, float32", 200_000, 50, dtype="float32"),
        make("tall, a million rows", 1_000_000, 30, large=True),
        Named("pixels, raw", DENSE, "pixels"),
        make("wide", 200, 5000, quick=True),
        make("correlated, ρ = 0.95", 50_000, 100, correlation=0.95),
        make("nearly separable, C = 10⁴", 20_000, 50, quick=True, signal=40.0, C=1e4),
        make("no penalty", 50_000, 20, quick=True, C=inf),
        make("weighted, correlated", 50_000, 30, correlation=0.5, weighted=True),
        make("softmax, 10 classes", 20_000, 100, 10),
        make("softmax, 3 classes, ill-scaled", 20_000, 20, 3, quick=True, spread=1.0),
    ]


def sparse() -> list[Named]:
    return [
        Named("text-like, C = 1", SPARSE, "text-like", {"C": 1.0}, quick=True),
        Named("text-like, C = 100", SPARSE, "text-like", {"C": 100.0}),
        Named(
            "text-like, C = 100, no intercept",
            SPARSE,
            "text-like",
            {"C": 100.0, "fit_intercept": False},
        ),
        Named("one-hot", SPARSE, "one-hot", quick=True),
        Named("one-hot, C = 100", SPARSE, "one-hot", {"C": 100.0}),
    ]


def rough() -> list[Named]:
    cancer = {"data": "breast_cancer", "scaled": True}
    tall = size(20_000, 100) | {"correlation": 0.5}
    return [
        Named(
            "lasso, breast cancer", ROUGH, "scikit-learn", cancer | {"l1_ratio": 1.0}, quick=True
        ),
        Named("lasso, tall", ROUGH, "simulated", tall | {"C": 0.01, "l1_ratio": 1.0}),
        Named("elastic net, tall", ROUGH, "simulated", tall | {"C": 0.01, "l1_ratio": 0.5}),
        Named("lasso, one-hot", ROUGH, "one-hot", {"C": 0.1, "l1_ratio": 1.0}),
        Named("lasso, text-like", ROUGH, "text-like", {"C": 1.0, "l1_ratio": 1.0}),
        Named(
            "lasso, text-like, no intercept",
            ROUGH,
            "text-like",
            {"C": 1.0, "l1_ratio": 1.0, "fit_intercept": False},
        ),
    ]


KNOWN = {
    "adult": [("adult, sparse", {}, 0.0), ("adult, dense", {"form": "dense"}, 0.0)],
    "ijcnn1": [("ijcnn1", {"form": "dense"}, 0.0)],
    "mnist": [
        ("MNIST, odd or even", {"form": "odd"}, 60.0),
        ("MNIST, 10 classes", {}, 150.0),
    ],
    "train_catvnoncat": [("cats", {}, 0.0)],
    "SMSSpamCollection": [("SMS, C = 1", {}, 0.0), ("SMS, C = 100", {"C": 100.0}, 0.0)],
    "rt-polarity": [("reviews, C = 1", {}, 0.0), ("reviews, C = 100", {"C": 100.0}, 0.0)],
}


def real() -> list[Named]:
    """Problems of the data in the folder, where one is given; C = 1 for those not known."""
    from_folder = next(d for d in BENCHMARK.get_datasets() if d.name == "folder")
    found = []
    for data in from_folder.parameters["data"]:
        if data == "none":
            continue
        for title, others, limit in KNOWN.get(data, [(data, {}, 0.0)]):
            parameters = {"data": data} | others
            quick = title in {"adult, sparse", "ijcnn1", "SMS, C = 1"}
            found.append(Named(title, REAL, "folder", parameters, quick, limit=limit))
    return found


if __name__ == "__main__":
    for problem in all_problems():
        sys.stdout.write(f"{problem.group:<24}{problem.title}\n")
