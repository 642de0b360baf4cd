"""The problems of problems.toml: data sets of the benchmark, with their parameters.

Nothing here needs benchopt.
"""

import importlib.util
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

HERE = Path(__file__).parent
FOLDER, OUTPUT = HERE / "logistic_regression", HERE / "output"
DOCS = HERE.parent / "docs" / "_static" / "benchmarks"
PAGES = HERE.parent / "docs" / "benchmark_results"
sys.path.insert(0, str(FOLDER))

from benchmark_utils.files import data_sets  # noqa: E402  (which the data sets import too)

OPTIONS = {"dataset", "quick", "large", "limit"}  # of a line; the others are the data set's
REAL, UNSEEN, PUBLIC = "real data", "never tuned on", "benchmark_logreg_l2"


@dataclass(frozen=True)
class Named:
    """A problem: what the tables call it, and the data set that poses it."""

    title: str
    group: str
    dataset: str
    parameters: dict[str, Any]
    quick: bool = False
    large: bool = False
    limit: float = 0.0


def table() -> list[Named]:
    """All of problems.toml."""
    groups = tomllib.loads((HERE / "problems.toml").read_text("utf-8"))
    return [named(t, group, line) for group, lines in groups.items() for t, line in lines.items()]


def named(title: str, group: str, line: dict[str, Any]) -> Named:
    own = {option: line.pop(option) for option in OPTIONS & line.keys()}
    return Named(title, group, parameters=line, **own)


def all_problems() -> list[Named]:
    """Those on which constants were chosen, and all data in the folder of real data."""
    tuned = [p for p in table() if not p.group.startswith((REAL, UNSEEN, PUBLIC))]
    known, there = of_group(REAL), data_sets()
    others = there.keys() - {p.parameters["data"] for p in known}
    real = [p for p in known if p.parameters["data"] in there]
    return [*tuned, *real, *(Named(d, REAL, "folder", {"data": d}) for d in sorted(others))]


def of_group(name: str) -> list[Named]:
    """Those of a group, or of all that begin so."""
    return [p for p in table() if p.group.startswith(name)]


def short_problems(titles: str = "") -> list[Named]:
    """Those of the tables in the docs, without MNIST, and those never tuned on."""
    short = [p for p in all_problems() if not p.limit]
    return [p for p in (*short, *of_group(UNSEEN)) if re.search(titles, p.title)]


def loaded(problems: list[Named]) -> Iterator[tuple[Named, list[Any], dict[str, Any]]]:
    """Each problem with X, y, sample_weight and the penalty; without those that cannot be read."""
    for problem in problems:
        try:
            options = load(problem)
        except ImportError as error:  # of what reads the file
            print(f"{problem.title}: left out, {error}", file=sys.stderr)
            continue
        yield problem, [options.pop(name) for name in ("X", "y", "sample_weight")], options


def parameters(problem: Named) -> dict[str, Any]:
    """All parameters of its data set."""
    grid = _data_set(problem.dataset).parameters
    return {name: values[0] for name, values in grid.items()} | problem.parameters


def key(problem: Named) -> str:
    """What benchopt calls the data set with these parameters."""
    values = ",".join(f"{k}={v}" for k, v in sorted(parameters(problem).items()))
    return f"{problem.dataset}[{values}]"


def load(problem: Named) -> dict[str, Any]:
    """X, y, sample_weight, C, l1_ratio and fit_intercept, as the objective gets them."""
    dataset = _data_set(problem.dataset)()
    penalty = {"C": 1.0, "l1_ratio": 0.0, "fit_intercept": True, "sample_weight": None}
    vars(dataset).update(parameters(problem))
    return penalty | dataset.get_data()


@cache
def _data_set(name: str) -> Any:
    """The class of a data set; without benchopt, a plain class takes the place of its base."""
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
    return module.Dataset
