"""The problems that `make bench` solves: data sets of the benchmark, with their parameters.

``python benchmarks/problems.py`` lists them. Nothing here needs benchopt.
"""

import importlib.util
import sys
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from types import ModuleType
from typing import Any

FOLDER = Path(__file__).parent / "logistic_regression"
sys.path.insert(0, str(FOLDER))

from benchmark_utils.files import data_sets  # noqa: E402  (which the data sets import too)

SMALL, DENSE, SPARSE = "scikit-learn's data", "simulated, dense", "simulated, sparse"
ROUGH, REAL = "L1 and elastic net", "real data"
UNSEEN, UNSEEN_L1 = "never tuned on", "never tuned on, L1"


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


def unseen_problems() -> list[Named]:
    """Problems on which no constant of the solver was chosen; none may ever be.

    The separable ones have labels without noise and no intercept, with λ = 1/C = 1 and 0.01,
    as the simulated data of benchopt's benchmark_logreg_l2 have.
    """

    def make(title: str, data: str = "", group: str = UNSEEN, **penalty: Any) -> Named:
        return Named(title, group, "unseen", {"data": data or title} | penalty)

    def lasso(title: str, data: str, C: float, l1_ratio: float = 1.0, **others: Any) -> Named:
        return make(title, data, UNSEEN_L1, C=C, l1_ratio=l1_ratio, **others)

    free = {"fit_intercept": False}
    return [
        make("bigrams"),
        make("bigrams, C = 100", "bigrams", C=100.0),
        make("hashed text"),
        make("hashed text, C = 30", "hashed text", C=30.0),
        make("topics"),
        make("repeated rows"),
        make("discretised", C=10.0),
        make("raw counts"),
        make("offsets"),
        make("interactions"),
        make("cubic terms", C=0.1),
        make("heavy tails"),
        make("rare class"),
        make("forty classes"),
        make("letters"),
        make("random features"),
        make("separable, wide, λ = 1", "separable and wide", **free),
        make("separable, wide, λ = 0.01", "separable and wide", C=100.0, **free),
        make("separable, small, λ = 1", "separable and small", **free),
        make("separable, small, λ = 0.01", "separable and small", C=100.0, **free),
        make("separable, tall, λ = 0.01", "separable and tall", C=100.0, **free),
        make("highly correlated", C=10.0),
        make("correlated and wide"),
        make("genes"),
        lasso("lasso, bigrams", "bigrams", 3.0),
        lasso("elastic net, hashed text", "hashed text", 1.0, 0.5),
        lasso("lasso, raw counts", "raw counts", 0.01),
        lasso("lasso, repeated rows", "repeated rows", 0.1),
        lasso("lasso, highly correlated", "highly correlated", 0.1),
        lasso("lasso, correlated and wide", "correlated and wide", 0.3),
        lasso("lasso, interactions", "interactions", 0.3),
        lasso("lasso, separable and wide", "separable and wide", 1.0, **free),
        lasso("elastic net, letters", "letters", 0.1, 0.5),
    ]


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
    found = []
    for data in sorted(data_sets()):
        for title, others, limit in KNOWN.get(data, [(data, {}, 0.0)]):
            parameters = {"data": data} | others
            quick = title in {"adult, sparse", "ijcnn1", "SMS, C = 1"}
            found.append(Named(title, REAL, "folder", parameters, quick, limit=limit))
    return found


def load(problem: Named) -> dict[str, Any]:
    """X, y, sample_weight, C, l1_ratio and fit_intercept, as the objective gets them."""
    dataset = _data_set(problem.dataset).Dataset()
    defaults = {"C": 1.0, "l1_ratio": 0.0, "fit_intercept": True}
    for names, values in type(dataset).parameters.items():
        several = "," in names
        defaults |= zip(names.split(", "), values[0] if several else values[:1], strict=True)
    vars(dataset).update(defaults | problem.parameters)
    penalty = {"C": 1.0, "l1_ratio": 0.0, "fit_intercept": True, "sample_weight": None}
    return penalty | dataset.get_data()


def _data_set(name: str) -> ModuleType:
    """The file of a data set; without benchopt, a plain class takes the place of its base."""
    spec = importlib.util.spec_from_file_location(
        f"data_set_{name}", FOLDER / "datasets" / f"{name.replace('-', '_')}.py"
    )
    module = importlib.util.module_from_spec(spec)
    absent = importlib.util.find_spec("benchopt") is None
    if absent:
        sys.modules["benchopt"] = ModuleType("benchopt")
        sys.modules["benchopt"].BaseDataset = object
    try:
        spec.loader.exec_module(module)
    finally:
        if absent:
            del sys.modules["benchopt"]
    return module


if __name__ == "__main__":
    for problem in (*all_problems(), *unseen_problems()):
        sys.stdout.write(f"{problem.group:<24}{problem.title}\n")
