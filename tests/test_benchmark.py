"""The benchmark: its objective is J, its files load, its sampling finds what it should."""

import importlib.util
import sys
import time
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
    w, b = rng.standard_normal((n_outputs, 5)), rng.standard_normal(n_outputs)
    objective = pose(X=X, y=y + 7, sample_weight=s, C=0.01, l1_ratio=l1_ratio)
    found = objective.evaluate_result(coef=w, intercept=b)
    model = SimpleNamespace(coef_=w, intercept_=b)
    expected = cost(X, y, model, s, C=0.01, l1_ratio=l1_ratio)
    assert found["value"] == pytest.approx(expected, rel=1e-13)
    assert found["suboptimality"] == pytest.approx((expected - 0.5) / 0.5, rel=1e-12)


def test_objective_takes_sparse_rows(pose):
    X = sparse_rows(300, 40, seed=2)
    y = np.arange(300) % 2
    w, b = np.linspace(-3, 3, 40)[np.newaxis], np.array([0.5])
    values = [pose(X=rows, y=y).evaluate_result(w, b)["value"] for rows in (X, X.toarray())]
    assert values[0] == pytest.approx(values[1], rel=1e-14)


def test_bound_of_the_excess_holds(benchmark):
    from benchmark_utils.cost import Problem, excess_bound
    from benchmark_utils.cost import cost as j
    from sklearn.linear_model import LogisticRegression

    X, y = noisy(500, 5, 2, seed=3)
    problem = Problem(X, y, C=0.1)
    best = LogisticRegression(C=0.1, solver="newton-cholesky", tol=1e-12).fit(X, y)
    lowest = j(problem, best.coef_, best.intercept_)
    assert excess_bound(problem, best.coef_, best.intercept_) < 1e-20
    for steps in (1, 3, 6):
        rough = LogisticRegression(C=0.1, max_iter=steps).fit(X, y)
        excess = j(problem, rough.coef_, rough.intercept_) - lowest
        bound = excess_bound(problem, rough.coef_, rough.intercept_)
        assert 0 < excess <= bound


def test_every_file_loads(benchmark):
    """All but those of packages that are not installed."""
    solvers = {solver.name: solver for solver in benchmark.get_solvers()}
    assert {"ours", "lbfgs", "newton-cholesky", "newton-cg", "liblinear", "sag", "saga"} <= {
        name for name, solver in solvers.items() if solver.is_installed(quiet=True)
    }
    assert sorted(solvers["ours"].parameters["rule"]) == sorted(SOLVERS)
    assert len(benchmark.get_datasets()) >= 6
    assert all(dataset.is_installed(quiet=True) for dataset in benchmark.get_datasets())


def least_costs(benchmark, objective):
    """J after many iterations, of each installed solver that minimises J; why others do not."""
    found, skipped = {}, {}
    for solver in benchmark.get_solvers():
        if solver.is_installed(quiet=True):
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
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("fit_intercept", [False, True])
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


def test_sampling_finds_the_fewest_iterations(monkeypatch):
    measure = load_measure()
    solver = SimpleNamespace(pre_run_hook=lambda k: None, iterations=0)
    solver.run = lambda k: setattr(solver, "iterations", k)
    solver.get_result = lambda: solver.iterations

    def objective(k):
        names = ("objective_value", "objective_suboptimality", "objective_passes")
        return [dict(zip(names, (1 + 0.25**k, 0.25**k, k), strict=True))]

    curve = measure.Curve(solver, objective, limit=1.0)
    curve.sample()
    assert curve.end == "reached"
    assert [curve.reaching(level).iterations for level in (1e-3, 1e-6, 1e-9)] == [5, 10, 15]


@pytest.mark.parametrize(
    ("name", "family", "limit", "best", "allowed"),
    [
        ("ours", "ours", 10.0, 0.01, 10.0),
        ("lbfgs", "scikit-learn", 2.0, 0.01, 20.0),
        ("lbfgs", "scikit-learn", 10.0, 0.01, 60.0),
        ("lbfgs", "scikit-learn", 150.0, 0.01, 150.0),
        ("saga", "scikit-learn", 10.0, 0.01, 1.0),
        ("saga", "scikit-learn", 10.0, 0.2, 4.0),
        ("saga", "scikit-learn", 10.0, np.inf, 10.0),
    ],
)
def test_the_default_may_take_longest(name, family, limit, best, allowed):
    solver = SimpleNamespace(name=name, family=family)
    assert load_measure().allowance(solver, limit, best) == pytest.approx(allowed)


def test_short_fits_are_timed_when_the_caches_are_warm():
    measure, runs = load_measure(), []
    solver = SimpleNamespace(pre_run_hook=lambda k: None, run=runs.append, get_result=lambda: 0)
    names = ("objective_value", "objective_suboptimality", "objective_passes")
    curve = measure.Curve(solver, lambda found: [dict.fromkeys(names, 0.0)], limit=1.0)
    curve.fit(3)
    assert runs == [3]
    curve.fit(3)
    assert runs == [3, 3, 3]
    assert len(curve.points[3].seconds) == 2
    curve.points[3].seconds[:] = [measure.BRIEF] * 2
    curve.fit(3)
    assert runs == [3] * 4


@pytest.mark.parametrize("made", [None, SystemError("returned a result with an exception set")])
def test_a_fit_that_takes_too_long_is_one_whatever_compiled_code_makes_of_it(made):
    def compiled():
        try:
            time.sleep(10)
        except TimeoutError as error:
            raise made or error from None

    measure = load_measure()
    with pytest.raises(TimeoutError), measure.at_most(0.01):
        compiled()
    with pytest.raises(ZeroDivisionError), measure.at_most(10):
        1 / 0  # noqa: B018


@pytest.mark.parametrize("lmbd", [1.0, 0.01])
def test_solver_for_the_public_benchmark_minimises_its_cost(monkeypatch, lmbd):
    monkeypatch.syspath_prepend(FOLDER)
    solver = load("gd_logreg", FOLDER / "logreg_l2" / "gd_logreg.py").Solver()
    problem = load("simulated_l2", FOLDER / "simulated_l2.py").Problem(60, 8, lmbd)
    solver.set_objective(problem.X, problem.y, lmbd)
    solver.run(0)
    zero = solver.get_result()["beta"]
    assert problem.cost(zero) == pytest.approx(60 * np.log(2))
    solver.run(50)
    w = solver.get_result()["beta"]
    assert problem.cost(w) == pytest.approx(problem.lowest, rel=1e-9)
    gradient = lmbd * w - problem.X.T @ (problem.y / (1 + np.exp(problem.y * (problem.X @ w))))
    assert np.abs(gradient).max() < 1e-6


def test_repetitions_take_turns_in_both_orders():
    measure, order = load_measure(), []
    tasks = [(n, lambda name=name: order.append(name)) for n, name in ((2, "a"), (3, "b"))]
    measure.repeat(tasks)
    assert order == ["b", "a", "a", "b", "b"]


def load_measure():
    return load("measure", FOLDER / "measure.py")


def load(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
