"""The fuzzer's judge: its J is J, it finds the better points, and calls ends what they are."""

import warnings
from decimal import Decimal, localcontext
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import optimize, sparse
from sklearn.exceptions import ConvergenceWarning

from sklearn_gd_logreg import GDLogisticRegression
from tests.fuzz.__main__ import report, run
from tests.fuzz.exact import IS_EXTENDED, ExactCost
from tests.fuzz.judge import Verdict, judge
from tests.fuzz.oracle import better_points
from tests.fuzz.problems import CLASSES, Problem, draw, problem
from tests.problems import class_factors, cost, noisy, reference, uneven_weights

extended = pytest.mark.skipif(not IS_EXTENDED, reason="longdouble is float64 here")


def decimal_cost(X, y, model, sample_weight=None, *, C=1.0, l1_ratio=0.0, class_weight=None):
    """J by its definition, in 60 decimal digits."""
    s = [Decimal(float(x)) for x in class_factors(y, sample_weight, class_weight)]
    with localcontext() as context:
        context.prec = 60
        rows = [[Decimal(float(x)) for x in row] for row in X]
        W = [[Decimal(float(x)) for x in w] for w in model.coef_]
        b = [Decimal(float(x)) for x in model.intercept_]
        loss = Decimal(0)
        for x, c, weight in zip(rows, y, s, strict=True):
            z = [sum(map(Decimal.__mul__, x, w), v) for w, v in zip(W, b, strict=True)]
            z = [Decimal(0), *z] if len(z) == 1 else z
            loss += weight * (sum(u.exp() for u in z).ln() - z[c])
        ridge = sum(w * w for row in W for w in row) / 2
        lasso = sum(abs(w) for row in W for w in row)
        rho = Decimal(l1_ratio)
        return (loss + ((1 - rho) * ridge + rho * lasso) / Decimal(C)) / sum(s)


@extended
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("options", [{}, {"l1_ratio": 0.3, "C": 0.1, "class_weight": "balanced"}])
@pytest.mark.parametrize("far", [0.0, 1.7e9])
def test_cost_has_the_digits_of_60_decimals(n_classes, options, far):
    X, y = noisy(30, 4, n_classes, seed=0)
    X[:, 0] += far
    X[3, 1] = 1e12
    rng = np.random.default_rng(0)
    W = rng.standard_normal((1 if n_classes == 2 else n_classes, 4)) * [1, 1e-11, 30, 1]
    model = SimpleNamespace(coef_=W, intercept_=-far * W[:, 0] + 0.1)
    weights = uneven_weights(30)
    weights[5:9] = 0
    for X_ in (X, sparse.csr_array(X)):
        J = ExactCost(X_, y, weights, **options)(model.coef_, model.intercept_)
        expected = decimal_cost(X, y, model, weights, **options)
        got = Decimal(float(J)) + Decimal(float(J - float(J)))
        assert abs(got / expected - 1) < 1e-16


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("C", [0.1, 1e4])
def test_search_finds_the_minimum_that_scipy_finds(n_classes, C):
    X, y = noisy(60, 5, n_classes, seed=1)
    exact = ExactCost(X, y, C=C)
    shape = exact.n_outputs, 6

    def J(w):
        w = w.reshape(shape)
        return cost(X, y, SimpleNamespace(coef_=w[:, :5], intercept_=w[:, 5]), C=C)

    best = optimize.minimize(J, np.zeros(np.prod(shape)), method="BFGS", options={"gtol": 1e-7}).fun
    found = min(
        exact(*oracle.exposed(V, float))
        for oracle, V in better_points(exact, np.zeros((shape[0], 5)), np.zeros(shape[0]))
    )
    assert found == pytest.approx(best, rel=1e-9)
    assert found < best + 1e-15


@pytest.mark.parametrize(("n", "d", "C"), [(150, 10, 3.0), (20, 60, 3.0), (12, 750, 0.4)])
@pytest.mark.parametrize("l1_ratio", [0.4, 1.0])
def test_search_finds_the_minimum_that_saga_finds(n, d, C, l1_ratio):
    X, y = noisy(n, d, 2, seed=2)
    model = reference(X, y, l1_ratio=l1_ratio, C=C)
    assert np.any(model.coef_)
    exact = ExactCost(X, y, l1_ratio=l1_ratio, C=C)
    J = exact(model.coef_, model.intercept_)
    zero = np.zeros_like(model.coef_), np.zeros(1)
    found = min(exact(*oracle.exposed(V, float)) for oracle, V in better_points(exact, *zero))
    assert found == pytest.approx(J, rel=1e-6)  # saga's own end
    assert found < J + 1e-15


def verdict_on(X, y, model, **params):
    verdict = Verdict("a class", 0, params, warned=model.stop_reason_ != "tol")
    judge(verdict, model, Problem(X, y, None, params, None))
    return verdict


@pytest.mark.parametrize("l1_ratio", [0.0, 1.0])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_ends_are_called_what_they_are(n_classes, l1_ratio):
    X, y = noisy(80, 4, n_classes, seed=3)
    params = {"C": 2.0, "l1_ratio": l1_ratio, "tol": 1e-5}
    model = GDLogisticRegression(**params).fit(X, y)
    verdict = verdict_on(X, y, model, **params)
    assert not verdict.findings
    assert verdict.gap <= verdict.allowed < 1e-9

    model.coef_ = model.coef_ * 1.01
    found = verdict_on(X, y, model, **params).findings
    assert {"false end", "history"} <= found.keys()

    model.stop_reason_ = "max_iter"  # it has said so, and is right
    assert verdict_on(X, y, model, **params).findings.keys() == {"history"}


def test_unfinished_fit_is_no_false_alarm_and_a_finished_one_is():
    X, y = noisy(80, 4, 2, seed=3)
    with pytest.warns(ConvergenceWarning):
        model = GDLogisticRegression(max_iter=1).fit(X, y)
    verdict = verdict_on(X, y, model, tol=1e-4)
    assert verdict.gap > verdict.allowed
    assert not verdict.findings
    model = GDLogisticRegression().fit(X, y)
    model.stop_reason_ = "stalled"
    assert verdict_on(X, y, model, tol=1e-4).findings.keys() == {"false alarm"}


def test_rounding_of_narrow_parameters_is_no_false_end():
    X, y = noisy(80, 4, 2, seed=3)
    X = X.astype(np.float32)
    model = GDLogisticRegression(tol=1e-4).fit(X, y)
    assert not verdict_on(X, y, model, tol=1e-12).findings


@pytest.mark.parametrize("l1_ratio", [0.0, 0.7])
def test_other_solvers_are_judged_by_the_gradient(l1_ratio):
    X, y = noisy(80, 4, 3, seed=3)
    X[:, 0] += 1.0
    params = {"solver": "gd", "learning_rate": "backtracking", "tol": 1e-3, "l1_ratio": l1_ratio}
    model = GDLogisticRegression(**params).fit(X, y)
    assert not verdict_on(X, y, model, **params).findings
    params["tol"] = 0.9 * float(model.history_["gradient_norm"][-1])
    found = verdict_on(X, y, model, **params)
    assert found.findings.keys() == {"false end"}


@pytest.mark.parametrize("l1_ratio", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_bound_proves_the_minimum_and_is_below_every_point(n_classes, l1_ratio):
    X, y = noisy(60, 5, n_classes, seed=4)
    exact = ExactCost(X, y, C=5.0, l1_ratio=l1_ratio)
    zero = np.zeros((exact.n_outputs, 5)), np.zeros(exact.n_outputs)
    oracle, V = next(better_points(exact, *zero))
    value = oracle.value(V)
    assert value - 1e-14 < oracle.bound(V) <= value + 1e-17
    assert oracle.bound_at(0.5 * V) < value


def test_not_finite_attributes_are_found():
    X, y = noisy(80, 4, 2, seed=3)
    model = GDLogisticRegression().fit(X, y)
    model.coef_[0, 0] = np.nan
    assert verdict_on(X, y, model).findings.keys() == {"not finite"}


@pytest.mark.parametrize("name", CLASSES)
def test_problems_are_the_same_for_the_same_seed(name):
    first, second = problem(name, 5), draw(name, 5)[:4]
    for a, b in zip(first[:3], second[:3], strict=True):
        if sparse.issparse(a):
            a, b = a.toarray(), b.toarray()
        np.testing.assert_array_equal(a, b)
    assert repr(first[3]) == repr(second[3])
    assert len(np.unique(first[1])) >= 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        GDLogisticRegression(**first[3] | {"max_iter": 1}).fit(*first[:3])


def test_run_prints_its_seed_and_a_table(capsys):
    arguments = SimpleNamespace(
        names=["ordinary-l2"], seconds=0, minutes=0, fits=3, jobs=1, all=False
    )
    assert run(7, arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("--seed 7")
    assert any(line.split()[:2] == ["ordinary-l2", "3"] for line in lines)


def test_false_end_fails_a_run_and_its_line_reproduces_it(capsys):
    verdict = Verdict("tiny", 3, {}, findings={"false end": ""})
    assert "--reproduce tiny 3 " in str(verdict)
    assert report([verdict], ["tiny"], {}) == 1
    assert report([verdict], ["tiny"], {("tiny", "false end"): "for now"}) == 0
    assert "for now" in capsys.readouterr().out
    assert report([Verdict("tiny", 3, {}, findings={"false alarm": ""})], ["tiny"], {}) == 0
