"""The benchmark: its objective is J, solvers minimise it, benchopt runs it, the report is right."""

import importlib
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tests.problems import SOLVERS, cost, noisy, sparse_rows, uneven_weights

FOLDER = Path(__file__).parents[1] / "benchmarks"
pytest.importorskip("benchopt", reason="benchopt is not installed: make test-bench installs it")
pytest.importorskip("glum", reason="glum is not installed: make test-bench installs it")
pytestmark = pytest.mark.filterwarnings("ignore")  # of other packages


@pytest.fixture(scope="module")
def benchmark():
    from benchopt.benchmark import Benchmark

    return Benchmark(FOLDER / "logistic_regression")


@pytest.fixture
def module(monkeypatch):
    """Modules of the benchmark, by name."""
    monkeypatch.setattr(sys, "path", [str(FOLDER), *sys.path])
    return importlib.import_module


@pytest.fixture
def pose(benchmark, monkeypatch):
    """An objective with data, whose minimum is not asked for."""
    objective = benchmark.get_benchmark_objective().get_instance()
    set_data = type(objective).set_data
    monkeypatch.setitem(set_data.__globals__, "optimum", lambda *_: {"value": 0.5})

    def posed(**data):
        objective._dataset = None
        objective.set_data(**data)
        return objective

    return posed


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("l1_ratio", [0.0, 0.3, 1.0])
def test_objective_is_the_documented_cost(pose, n_classes, weighted, l1_ratio):
    X, y = noisy(9000, 5, n_classes, seed=0)  # more rows than a block has
    s = uneven_weights(len(y)) if weighted else None
    n_outputs = 1 if n_classes == 2 else n_classes
    rng = np.random.default_rng(1)
    objective = pose(X=X, y=y + 7, sample_weight=s, C=0.01, l1_ratio=l1_ratio)
    for _ in range(2):
        w, b = rng.standard_normal((n_outputs, 5)), rng.standard_normal(n_outputs)
        found = objective.evaluate_result(coef=w, intercept=b)
        expected = cost(X, y, SimpleNamespace(coef_=w, intercept_=b), s, C=0.01, l1_ratio=l1_ratio)
        assert found["value"] == pytest.approx(expected, rel=1e-13)
        assert found["suboptimality"] == pytest.approx((expected - 0.5) / 0.5, rel=1e-12)


def test_objective_takes_sparse_rows(pose):
    X, y = sparse_rows(300, 40, seed=2), np.arange(300) % 2
    w, b = np.linspace(-3, 3, 40)[np.newaxis], np.array([0.5])
    values = [pose(X=rows, y=y).evaluate_result(w, b)["value"] for rows in (X, X.toarray())]
    assert values[0] == pytest.approx(values[1], rel=1e-14)


def test_minimum_is_that_of_scikit_learn(benchmark):
    """And the bound of the excess holds at points above it."""
    from benchmark_utils.cost import Problem, excess_bound
    from benchmark_utils.cost import cost as j
    from benchmark_utils.reference import lowest
    from sklearn.linear_model import LogisticRegression

    X, y = noisy(500, 5, 2, seed=3)
    problem = Problem(X, y, C=0.1)
    found = lowest(problem)
    best = LogisticRegression(C=0.1, solver="newton-cholesky", tol=1e-12).fit(X, y)
    assert found["value"] == pytest.approx(j(problem, best.coef_, best.intercept_), rel=1e-12)
    assert found["bound"] < 1e-20
    for steps in (1, 3, 6):
        rough = LogisticRegression(C=0.1, max_iter=steps).fit(X, y)
        excess = j(problem, rough.coef_, rough.intercept_) - found["value"]
        assert 0 < excess <= excess_bound(problem, rough.coef_, rough.intercept_)


def test_the_reference_is_not_that_of_a_solver_that_failed(benchmark):
    from benchmark_utils.cost import Problem, cost
    from benchmark_utils.reference import lowest
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    X = rng.standard_normal((2000, 3))
    y = (X.sum(axis=1) + rng.logistic(size=2000) > 0).astype(int)
    X = X * [1, 1e5, 1e5] + [0, 1e9, 1e9]
    problem = Problem(X, y, None, 1.0, 0.0, True)
    theirs = LogisticRegression(solver="newton-cholesky", tol=1e-14, max_iter=200).fit(X, y)
    found = lowest(problem)
    assert found["by"] == "ours"
    assert found["value"] < 0.99 * cost(problem, theirs.coef_, theirs.intercept_)


def test_every_file_loads(benchmark):
    """All but those of packages that are not installed."""
    solvers = {solver.name: solver for solver in benchmark.get_solvers()}
    assert {"ours", "default", "lbfgs", "newton-cholesky", "liblinear", "sag", "saga"} <= {
        name for name, solver in solvers.items() if solver.is_installed(quiet=True)
    }
    assert sorted(solvers["ours"].parameters["rule"]) == sorted(SOLVERS)
    assert all(dataset.is_installed(quiet=True) for dataset in benchmark.get_datasets())


def least_costs(benchmark, objective):
    """J after many iterations, of each installed solver that minimises J; why others do not."""
    found, skipped = {}, {}
    for solver in benchmark.get_solvers():
        if solver.is_installed(quiet=True) and solver.name != "default":
            one = solver.get_instance()
            skip, reason = one._set_objective(objective)
            if skip or (one.penalises_intercept and objective.problem.fit_intercept):
                skipped[one.name] = reason
                continue
            one._warm_up()
            one.run(2000)
            found[one.name] = objective(one.get_result())[0]["objective_value"]
    return found, skipped


@pytest.mark.parametrize("stored", ["dense", "sparse"])
@pytest.mark.parametrize(("n_classes", "fit_intercept"), [(2, False), (2, True), (3, True)])
@pytest.mark.parametrize("l1_ratio", [0.0, 0.4, 1.0])
def test_solvers_minimise_the_objective(
    benchmark, pose, stored, n_classes, fit_intercept, l1_ratio
):
    from benchmark_utils.files import csr

    X, y = noisy(200, 4, n_classes, seed=4)
    X = csr(np.where(np.abs(X) < 0.3, 0, X)) if stored == "sparse" else X
    objective = pose(X=X, y=y, C=0.2, l1_ratio=l1_ratio, fit_intercept=fit_intercept)
    found, _ = least_costs(benchmark, objective)
    assert {"ours", "saga"} <= set(found)
    best = min(found.values())
    assert {name: value for name, value in found.items() if value > (1 + 1e-9) * best} == {}


def test_weights_are_minimised_or_skipped(benchmark, pose):
    X, y = noisy(200, 4, 2, seed=5)
    s = uneven_weights(len(y))
    found, skipped = least_costs(benchmark, pose(X=X, y=y, sample_weight=s, C=0.1))
    assert max(found.values()) < (1 + 1e-9) * min(found.values())
    assert {"cyanure", "snapml", "skglm"}.isdisjoint(found)
    assert all(skipped[name] for name in {"cyanure", "snapml"} & set(skipped))


@pytest.mark.parametrize("name", ["newton-cd", "newton-cd-gram"])
def test_solvers_of_coming_releases_are_skipped_with_a_word(benchmark, pose, name):
    from sklearn.linear_model import LogisticRegression

    X, y = noisy(50, 3, 2, seed=6)
    solver = next(one for one in benchmark.get_solvers() if one.name == name).get_instance()
    skip, reason = solver._set_objective(pose(X=X, y=y, l1_ratio=1.0))
    try:
        LogisticRegression(solver=name).fit(X, y)
    except ValueError:
        assert skip
        assert "not in scikit-learn" in reason
    else:
        assert not skip


@pytest.fixture
def sample(benchmark, monkeypatch):
    """The runs that a stopping criterion asks for, of a solver with given costs and seconds."""
    from benchmark_utils import sampling

    monkeypatch.setattr(sampling, "fastest", {})
    monkeypatch.setattr(sampling, "known", {})

    def runs(above, seconds, criterion="FewestIterations", name="ours", family="ours", timeout=100):
        solver = SimpleNamespace(name=name, family=family, sampling_strategy="iteration")
        one = getattr(sampling, criterion)().get_runner_instance(1000, timeout, solver=solver)
        stop, n, rows = False, one.init_stop_val(), []
        while not stop:
            suboptimality = above(n) if n else 1.0
            found = {"stop_val": n, "time": seconds(n), "objective_suboptimality": suboptimality}
            rows.append(found | {"dataset_name": "data"})
            stop, status, n = one.should_stop(n, rows)
        assert status == "done"
        return [row["stop_val"] for row in rows[1:]]

    return runs


def test_sampling_finds_the_fewest_iterations_and_repeats_them(sample):
    runs = sample(lambda n: 0.25**n, lambda n: 0.02)
    assert {n: runs.count(n) for n in runs if runs.count(n) > 1} == {5: 3, 10: 3, 15: 3}
    again = sample(lambda n: 0.25**n, lambda n: 0.02)  # the next round
    assert sorted(again) == [5] * 3 + [10] * 3 + [15] * 3
    runs = sample(lambda n: 0.99**n, lambda n: 3.0, name="slow")  # large numbers to a tenth
    for level in (1e-3, 1e-6, 1e-9):
        fewest = int(np.ceil(np.log(level) / np.log(0.99)))
        assert max(n for n in runs if n < fewest) * 1.1 >= fewest - 1


@pytest.mark.parametrize(
    ("name", "family", "most"),
    [("ours", "ours", 8), ("lbfgs", "scikit-learn", 8), ("saga", "scikit-learn", 1)],
)
def test_a_hopeless_solver_is_left_early(sample, name, family, most):
    """A fit may take 10 s, or 1 s where the fastest of scikit-learn takes 0.01 s."""
    sample(lambda n: 1e-7 if n > 1 else 1, lambda n: 0.01, name="sag", family="scikit-learn")
    assert max(sample(lambda n: 0.9**n, lambda n: n, name=name, family=family)) == most


def test_a_solver_that_stops_by_itself_is_left(sample):
    assert max(sample(lambda n: max(0.5**n, 1e-4), lambda n: 0.01)) == 64


def test_default_fits_are_repeated(sample):
    assert sample(lambda n: 0.1, lambda n: 0.2, "Repeated") == [1] * 2


def test_benchopt_runs_the_benchmark_and_the_report_reads_it(module, tmp_path, capsys):
    path = tmp_path / "results.parquet"
    chosen = "--problems", "^1000 × 10, λ = 1$", "--solvers", "^lbfgs$", "--limit", "0.3"
    module("run").main(["--public", *chosen, "--results", str(path)])
    assert "1000 × 10, λ = 1" in capsys.readouterr().out
    assert (tmp_path / "ratios.png").exists()
    report = module("report")
    (problem,) = report.read(module("benchopt.results").read_results(path), *report.families())
    assert set(problem.fits) == {"ours", "lbfgs", "default[ours]", "default[scikit-learn]"}
    assert all(problem.time(solver).reached for solver in ("ours", "lbfgs"))
    assert problem.fits["ours"].above.min() < 1e-9
    assert all(peak > 0 for peak in (one.peak for one in problem.defaults()))


def results(*rows):
    import pandas as pd

    names = ["dataset_name", "solver_name", "stop_val", "time", "objective_value"]
    table = pd.DataFrame([row[:5] for row in rows], columns=names)
    table["objective_suboptimality"] = table.objective_value - 1  # the reference is 1
    missing = dict.fromkeys(["objective_passes", "objective_peak", "objective_bytes"], np.nan)
    return table.assign(objective_data="9 × 2", **missing)


A, B = "mine[C=1.0]", "pixels[n_samples=245057]"
TABLE = [
    *[(A, "ours[natural]", 0, 0.0, 2.0), (A, "ours[natural]", 1, 9.0, 1.1)],
    *[(A, "ours[natural]", 3, seconds, 1 + 1e-7) for seconds in (4.0, 1.0, 2.0)],
    *[(A, "lbfgs", 0, 0.0, 2.0), (A, "lbfgs", 4, 6.0, 1 + 1e-7), (A, "lbfgs", 8, 7.0, 1.0)],
    *[(A, "sag", 0, 0.0, 2.0), (A, "sag", 9, 5.0, 1.5)],
    *[(A, "liblinear", 1, 0.1, 1.0), (A, "other", 1, 1.0, 1.0)],
    *[(A, "default[ours]", 1, 2.0, 1.0), (A, "default[scikit-learn]", 1, 8.0, 1.0)],
    *[(B, "ours[natural]", 1, 2.0, 1 + 1e-4), (B, "lbfgs", 1, 1.0, 1.0), (B, "lbfgs", 2, 3.0, 0.9)],
]
FAMILY = {"ours": "ours", "default": "default"} | dict.fromkeys(
    ["lbfgs", "sag", "liblinear"], "scikit-learn"
)


def test_report_takes_medians_at_the_fewest_iterations(module):
    report = module("report")
    b, a = report.read(results(*TABLE), FAMILY, {"liblinear"})
    assert (a.title, a.data, b.title) == (A, "9 × 2", "pixels, raw")
    assert (str(a.time("ours")), str(a.time("ours", 1e-9)), str(a.time("sag"))) == (
        "2.0",
        "> 9.0",
        "> 5.0",
    )
    assert (a.fastest("scikit-learn").solver, str(a.ratio())) == ("lbfgs", "3.00")
    assert str(a.ratio(level=1e-9)) == "<0.78"  # 7 s beside more than 9 s
    assert (a.fastest("others").solver, str(a.ratio("others"))) == ("other", "0.50")
    assert str(a.default_ratio()) == "4.00"
    # lbfgs finds a lower cost than the reference on b, and nobody else gets there
    assert b.fits["ours"].above.iloc[0] == pytest.approx((1 + 1e-4) / 0.9 - 1)
    assert str(b.ratio()) == "<1.50"
    assert report.mean([a.ratio(), b.ratio(), report.Ratio()]) == pytest.approx(4.5**0.5)


def test_report_shows_the_columns_that_have_values(module):
    report = module("report")
    b, a = report.read(results(*TABLE), FAMILY, {"liblinear"})
    tables = report.sections([a], lambda head, rows: (head, rows))
    assert list(tables) == [
        "Time to a suboptimality: others",
        "Over all problems: others",
        "Default settings: others",
    ]
    head, rows = tables["Default settings: others"]
    assert head == ("problem", "ours: s", "ours: above J*", "theirs: s", "theirs: above J*", "×")
    assert rows == [[A, "2.0", "< 1e-12", "8.0", "< 1e-12", "4.00"]]
    against = [row[0] for row in tables["Over all problems: others"][1]]
    assert "the fastest of scikit-learn, to 1e-3" in against
    assert "Over all problems" in report.sections([b, a], report.in_columns)  # of two groups


@pytest.mark.parametrize("lmbd", [1.0, 0.01])
def test_solver_for_the_public_benchmark_minimises_its_cost(module, monkeypatch, lmbd):
    monkeypatch.setattr(sys, "path", [str(FOLDER / "logreg_l2"), *sys.path])
    solver = module("gd_logreg").Solver()
    X, _ = noisy(60, 8, 2, seed=7)
    y = np.sign(X @ np.linspace(-1, 1, 8))
    solver.set_objective(X, y, lmbd)
    solver.run(0)
    assert not solver.get_result()["beta"].any()
    solver.run(50)
    w = solver.get_result()["beta"]
    gradient = lmbd * w - X.T @ (y / (1 + np.exp(y * (X @ w))))
    assert np.abs(gradient).max() < 1e-6
