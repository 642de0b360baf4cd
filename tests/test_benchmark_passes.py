"""The table of passes: what counts as a loss, and problems that are the same whenever they load."""

import importlib
import importlib.util
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sklearn_gd_logreg import GDLogisticRegression

FOLDER = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def benchmarks(monkeypatch):
    """Modules of the benchmark, by name."""
    monkeypatch.setattr(sys, "path", [str(FOLDER), *sys.path])
    return importlib.import_module


def fit(passes, end="tol", cost=0.5, iterations=4):
    return {"iterations": iterations, "passes": passes, "cost": cost, "end": end}


BEFORE = {"a": fit(10.0), "b": fit(30.0), "c": fit(60.0, "max_iter"), "d": None}


@pytest.mark.parametrize(
    ("now", "allowed"),
    [
        ({}, True),
        ({"b": fit(39.0)}, True),
        ({"b": fit(41.0)}, False),
        ({"b": fit(41.0), "c": fit(50.0, "max_iter")}, True),
        ({"a": fit(10.0, "plateau")}, False),
        ({"c": fit(60.0, "plateau")}, True),
        ({"c": None, "d": fit(1000.0)}, True),
        ({"e": fit(1000.0)}, True),
        ({"c": None, "b": fit(35.0)}, False),
    ],
)
def test_a_tenth_more_passes_or_another_end_is_a_loss(benchmarks, now, allowed):
    lines, found = benchmarks("passes").compare(BEFORE, BEFORE | now)
    assert found is allowed
    assert lines


def test_the_comparison_says_what_changed(benchmarks):
    now = BEFORE | {"a": fit(20.0, "plateau", cost=0.75), "c": None}
    text = "\n".join(benchmarks("passes").compare(BEFORE, now)[0])
    assert "10.00 →    20.00  × 2" in text
    assert "cost +5e-01  tol → plateau" in text
    assert "2 problems, 40.0 → 50.0 passes, × 1.250; geometric mean × 1.414" in text
    assert "worst × 2 (a), best × 1 (b)" in text
    assert "no longer ended by tol: a" in text
    assert "left out: c, d" in text


def test_nothing_in_common_is_not_taken_for_equal(benchmarks):
    assert not benchmarks("passes").compare({"a": fit(1.0)}, {"b": fit(1.0)})[1]


def test_every_problem_has_a_title_of_its_own(benchmarks):
    problems = benchmarks("problems")
    unseen = problems.of_group(problems.UNSEEN)
    titles = [p.title for p in (*problems.all_problems(), *unseen)]
    assert len(set(titles)) == len(titles)
    assert len(unseen) >= 14


@pytest.mark.parametrize("title", ["genes", "separable, wide, λ = 0.01", "lasso, interactions"])
def test_data_are_the_same_whenever_they_load(benchmarks, title):
    problems = benchmarks("problems")
    problem = next(p for p in problems.table() if p.title == title)
    first, second = problems.load(problem), problems.load(problem)
    np.testing.assert_array_equal(first["X"], second["X"])
    np.testing.assert_array_equal(first["y"], second["y"])
    penalty = {name: first[name] for name in problem.parameters if name != "data"}
    assert problem.parameters.items() >= penalty.items()
    assert ("benchopt" in sys.modules) <= (importlib.util.find_spec("benchopt") is not None)


def test_a_strategy_that_is_switched_off_is_on_again_afterwards(benchmarks):
    """And all that a patch replaces is there: one that is out of date fails here."""
    ablation = benchmarks("ablation")
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((60, 3)), rng.integers(3, size=60)

    def coef():
        return GDLogisticRegression().fit(X, y).coef_

    expected = coef()
    for strategy in ablation.WITHOUT:
        with ablation.without(strategy):
            np.testing.assert_allclose(coef(), expected, rtol=0.05, atol=0.01)
        np.testing.assert_array_equal(coef(), expected)


def test_the_table_says_what_a_strategy_is_worth(benchmarks):
    ablation = benchmarks("ablation")
    unused = {"passes": 1.0, "time": 1.0, "end": "tol", "rise": 0.0, "used": False}
    used = unused | {"passes": 4.0, "time": 2.25, "used": True}
    problems = {
        "a": {"x": unused, "y": unused, "z": unused},
        "b": {"x": used, "y": unused, "z": unused},
        "c": {"x": unused, "y": unused, "z": used | {"time": 0.9}},
    }
    results = pd.DataFrame(
        {"problem": title, "unseen": title == "c", "without": name} | one
        for title, fits in problems.items()
        for name, one in fits.items()
    )
    rows = {name: ablation.row(name, fits) for name, fits in results.groupby("without")}
    assert "|".join(rows["x"]) == "x|1 + 0|2.000|1.500|1.000|1.000|2.25 b|2.25 b|–|mean"
    assert "|".join(rows["y"]) == "y|0 + 0|1.000|1.000|1.000|1.000|–|–|–|–"
    assert "|".join(rows["z"]) == "z|0 + 1|1.000|1.000|4.000|0.900|0.90 c|0.90 c|–|–"
    assert "- **x**: b: 2.25 (4.00)" in ablation.text(results, 1, ablation.in_markdown)
