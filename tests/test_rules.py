"""All update rules × penalties × problems: where they end, how they step, what they keep."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sklearn_gd_logreg import (
    AdaGrad,
    Adam,
    Backtracking,
    CosineDecay,
    ExponentialDecay,
    GDLogisticRegression,
    GradientDescent,
    Momentum,
    NaturalGradient,
    Nesterov,
    RMSProp,
)

from .pairwise import pairwise
from .problems import (
    SOLVERS,
    Problem,
    cost,
    load,
    mean_loss_and_gradient,
    strict_complementarity,
    uneven_weights,
)

FALLING = CosineDecay(0.3, steps=2000, final=1e-4)

RATES = dict.fromkeys(SOLVERS, "auto") | {"rmsprop": FALLING, "adam": FALLING}
"""A suitable rate for each rule: at a constant one, RMSProp and Adam circle the optimum."""

PENALTIES = {
    "weak l2": {"C": 3.0},
    "l1": {"C": 0.3, "l1_ratio": 1.0},
    "elastic net": {"C": 1.0, "l1_ratio": 0.5},
}


def rows_of(name):
    if name == "softmax":
        return load("iris", True)
    X, y = load("breast_cancer", True, 150)
    return X[:, [1, 4, 7, 9, 11, 14, 18, 28]], y


@pytest.fixture(scope="module")
def optima():
    """Problems with their optima, by name of the problem and of the penalty."""
    problems = {
        (name, penalty): Problem(*rows_of(name), options)
        for name in ("binary", "softmax")
        for penalty, options in PENALTIES.items()
    }
    return {key: (problem, problem.optimum()) for key, problem in problems.items()}


each_rule = pytest.mark.parametrize("solver", SOLVERS)
each_penalty = pytest.mark.parametrize("penalty", PENALTIES)
each_problem = pytest.mark.parametrize("name", ["binary", "softmax"])


# -- where they end ---------------------------------------------------------------------------


def assert_at_optimum(problem, model, optimum):
    coef, intercept = problem.kkt_violation(model)
    assert max(coef.max(), intercept.max()) <= 2e-5
    difference = model.predict_proba(problem.X) - optimum.predict_proba(problem.X)
    assert np.abs(difference).max() <= 1e-3
    if problem.options.get("l1_ratio"):
        doubt = strict_complementarity(problem.X, problem.y, optimum, **problem.options)
        assert doubt > 1e-4, "a poor example: its zeros are not beyond doubt"
        assert (optimum.coef_ == 0).any()
        np.testing.assert_array_equal(model.coef_ == 0, optimum.coef_ == 0)


@each_problem
@each_penalty
@each_rule
def test_every_rule_ends_at_the_optimum(optima, solver, penalty, name):
    problem, optimum = optima[name, penalty]
    model = GDLogisticRegression(
        solver=solver, learning_rate=RATES[solver], max_iter=10_000, tol=1e-5
    )
    assert_at_optimum(problem, problem.fit(model), optimum)
    assert model.stop_reason_ == "tol"


@each_problem
@each_penalty
@each_rule
def test_every_rule_ends_at_the_optimum_by_backtracking(optima, solver, penalty, name):
    problem, optimum = optima[name, penalty]
    model = GDLogisticRegression(
        solver=solver, learning_rate="backtracking", max_iter=2000, tol=1e-5
    )
    assert_at_optimum(problem, problem.fit(model), optimum)
    assert model.stop_reason_ == "tol"


@each_problem
@each_penalty
@each_rule
def test_backtracking_never_raises_the_cost(optima, solver, penalty, name):
    problem, _ = optima[name, penalty]
    model = GDLogisticRegression(solver=solver, learning_rate="backtracking", max_iter=60, tol=0)
    costs = problem.fit(model).history_["cost"]
    assert (np.diff(costs) <= 1e-14).all()
    assert costs[-1] < 0.9 * costs[0]


@pytest.mark.parametrize("beta", [0.0, 0.5, 0.95])
@each_problem
def test_momentum_leaves_the_strength_of_an_l1_penalty_alone(optima, name, beta):
    problem, optimum = optima[name, "l1"]
    model = problem.fit(GDLogisticRegression(solver=Momentum(beta), max_iter=10_000, tol=1e-7))
    np.testing.assert_allclose(model.coef_, optimum.coef_, atol=1e-3)
    assert_at_optimum(problem, model, optimum)


@pytest.mark.parametrize("weighted", [False, True], ids=["unweighted", "weighted"])
@each_problem
@each_rule
def test_every_rule_comes_near_the_optimum_in_batches_of_sorted_rows(solver, name, weighted):
    X, y = rows_of(name)
    order = np.argsort(y, kind="stable")
    weight = uneven_weights(len(y)) if weighted else None
    problem = Problem(X[order], y[order], PENALTIES["l1"], weight)
    rate = "auto" if RATES[solver] == "auto" else CosineDecay(0.1, steps=500, final=0.01)
    model = GDLogisticRegression(
        solver=solver, learning_rate=rate, batch_size=16, max_iter=50, tol=0, random_state=0
    )
    rows = (problem.X, y[order])
    fitted, best = (
        cost(*rows, m, weight, **problem.options) for m in (problem.fit(model), problem.optimum())
    )
    start = model.history_["cost"][0]
    assert best <= fitted <= best + 0.02 * (start - best)


# -- Nesterov's restart -------------------------------------------------------------------------


def slow_valley():
    """Correlated features: without a restart, the momentum overshoots again and again."""
    X, y = load("breast_cancer", True, 150)
    return Problem(X[:, :8], y, {"C": 0.3, "l1_ratio": 1.0})


def test_nesterov_falls_again_at_once_after_every_rise():
    costs = fit_steps(slow_valley(), Nesterov(), "auto", 600).history_["cost"]
    rises = np.flatnonzero(np.diff(costs) > 1e-12)
    assert len(rises)
    for k in rises:
        assert costs[k + 1 : k + 10].min() < costs[k]


def test_nesterov_with_restart_goes_further_than_without():
    problem = slow_valley()
    best = cost(problem.X, problem.y, problem.optimum(), **problem.options)
    model = fit_steps(problem, Nesterov(), "auto", 600)
    alpha = model.history_["learning_rate"][-1]
    plain = without_restart(Textbook(problem), alpha, 600)
    mine, other = model.history_["cost"][-1] - best, Textbook(problem).cost(plain) - best
    assert mine < 1e-3 * other


def without_restart(book, alpha, steps):
    """FISTA as published; the last point ahead."""
    x_before, w, t = book.start, book.start, 1.0
    for _ in range(steps):
        x = book.prox(w - alpha * book.gradient(w), alpha)
        t_next = (1 + np.sqrt(1 + 4 * t**2)) / 2
        w = x + (t - 1) / t_next * (x - x_before)
        x_before, t = x, t_next
    return w


# -- the steps, by the formulas of the textbooks --------------------------------------------------


class Textbook:
    """Cost, gradient and prox of a problem for one matrix (n_outputs, n_features + 1)."""

    def __init__(self, problem):
        self.problem = problem
        options, n_rows = problem.options, len(problem.y)
        ratio = options.get("l1_ratio", 0.0)
        self.l1, self.l2 = (part / (options["C"] * n_rows) for part in (ratio, 1 - ratio))
        classes = len(np.unique(problem.y))
        shape = (1 if classes == 2 else classes, problem.X.shape[1] + 1)
        self.start = 0.3 * np.random.RandomState(0).standard_normal(shape)

    def _loss(self, w):
        return mean_loss_and_gradient(self.problem.X, self.problem.y, w[:, :-1], w[:, -1])

    def cost(self, w):
        coef = w[:, :-1]
        return self._loss(w)[0] + self.l2 / 2 * np.sum(coef**2) + self.l1 * np.abs(coef).sum()

    def gradient(self, w):
        _, dw, db = self._loss(w)
        return np.column_stack([dw + self.l2 * w[:, :-1], db])

    def prox(self, w, step):
        u = w.copy()
        u[:, :-1] = np.sign(w[:, :-1]) * np.maximum(np.abs(w[:, :-1]) - step * self.l1, 0)
        return u

    def fisher(self, w):
        """Row by row: Σ (diag(a) − aaᵀ) ⊗ xxᵀ / m + l2 I."""
        n_outputs, side = w.shape
        total = np.zeros((n_outputs * side, n_outputs * side))
        for x in np.column_stack([self.problem.X, np.ones(len(self.problem.y))]):
            z = w @ x
            a = 1 / (1 + np.exp(-z)) if n_outputs == 1 else np.exp(z) / np.exp(z).sum()
            bend = np.diag(a) - np.outer(a, a)
            total += np.kron(bend, np.outer(x, x)) / len(self.problem.y)
        ridge = np.full((n_outputs, side), self.l2)
        ridge[:, -1] = 0
        return total + np.diag(ridge.ravel())


def gradient_descent(book, alpha, steps):
    w = book.start
    for _ in range(steps):
        w = book.prox(w - alpha * book.gradient(w), alpha)
    return w


def momentum(book, alpha, steps, beta=0.8):
    w = before = book.start
    for _ in range(steps):
        ahead = w - alpha * book.gradient(w) + beta * (w - before)
        before, w = w, book.prox(ahead, alpha)
    return w


def nesterov(book, alpha, steps):
    w = x_before = book.start
    t = 1.0
    for _ in range(steps):
        x = book.prox(w - alpha * book.gradient(w), alpha)
        if np.sum((w - x) * (x - x_before)) > 0:
            t = 1.0
        t_next = (1 + np.sqrt(1 + 4 * t**2)) / 2
        w = x + (t - 1) / t_next * (x - x_before)
        x_before, t = x, t_next
    return w


def adagrad(book, alpha, steps, epsilon=1e-3):
    w, v = book.start, 0.0
    for _ in range(steps):
        dw = book.gradient(w)
        v = v + dw**2
        w = w - alpha * dw / (np.sqrt(v) + epsilon)
    return w


def rmsprop(book, alpha, steps, rho=0.7, epsilon=1e-3):
    w, v = book.start, 0.0
    for _ in range(steps):
        dw = book.gradient(w)
        v = rho * v + (1 - rho) * dw**2
        w = w - alpha * dw / (np.sqrt(v) + epsilon)
    return w


def adam(book, alpha, steps, beta1=0.6, beta2=0.9, epsilon=1e-3):
    w, m, v = book.start, 0.0, 0.0
    for k in range(1, steps + 1):
        dw = book.gradient(w)
        m = beta1 * m + (1 - beta1) * dw
        v = beta2 * v + (1 - beta2) * dw**2
        m_hat, v_hat = m / (1 - beta1**k), v / (1 - beta2**k)
        w = w - alpha * m_hat / (np.sqrt(v_hat) + epsilon)
    return w


def natural(book, alpha, steps, damping=0.1):
    w = book.start
    for _ in range(steps):
        fisher = book.fisher(w)
        fisher += damping * np.diag(np.diag(fisher))
        move = np.linalg.lstsq(fisher, book.gradient(w).ravel(), rcond=None)[0]
        w = w - alpha * move.reshape(w.shape)
    return w


SMOOTH = [
    (GradientDescent(), gradient_descent, 0.5),
    (Momentum(beta=0.8), momentum, 0.3),
    (Nesterov(), nesterov, 0.7),
    (AdaGrad(epsilon=1e-3), adagrad, 0.2),
    (RMSProp(rho=0.7, epsilon=1e-3), rmsprop, 0.05),
    (Adam(beta1=0.6, beta2=0.9, epsilon=1e-3), adam, 0.1),
    (NaturalGradient(damping=0.1), natural, 0.6),
]
"""Rule, its formula, and a rate."""


def fit_steps(problem, rule, rate, steps, start=None):
    """So many steps from a start, or from 0."""
    model = GDLogisticRegression(solver=rule, learning_rate=rate, max_iter=steps, tol=0)
    model.set_params(**problem.options)
    init = {} if start is None else {"coef_init": start[:, :-1], "intercept_init": start[:, -1]}
    return model.fit(problem.X, problem.y, **init)


def parameters(model):
    return np.column_stack([model.coef_, model.intercept_])


def centred(w):
    """A common shift of the intercepts of a softmax changes no probability."""
    return w - np.append(np.zeros(w.shape[1] - 1), w[:, -1].mean() * (len(w) > 1))


def ids(cases):
    return [type(rule).__name__ for rule, _, _ in cases]


@pytest.mark.parametrize("steps", [1, 3, 40])
@each_problem
@pytest.mark.parametrize(("rule", "formula", "alpha"), SMOOTH, ids=ids(SMOOTH))
def test_steps_follow_the_formula(rule, formula, alpha, name, steps):
    problem = Problem(*rows_of(name), {"C": 2.0})
    book = Textbook(problem)
    model = fit_steps(problem, rule, alpha, steps, book.start)
    w = formula(book, alpha, steps)
    np.testing.assert_allclose(centred(parameters(model)), centred(w), atol=1e-8)


ROUGH = [case for case in SMOOTH if case[1] in (gradient_descent, momentum, nesterov)]


@each_problem
@pytest.mark.parametrize(("rule", "formula", "alpha"), ROUGH, ids=ids(ROUGH))
def test_proximal_steps_follow_the_formula(rule, formula, alpha, name):
    problem = Problem(*rows_of(name), {"C": 0.3, "l1_ratio": 0.7})
    book = Textbook(problem)
    model = fit_steps(problem, rule, alpha, 60, book.start)
    np.testing.assert_allclose(parameters(model), formula(book, alpha, 60), atol=1e-10)


@each_problem
def test_the_proximal_steps_of_nesterov_are_tried_with_a_restart(name):
    book = Textbook(Problem(*rows_of(name), {"C": 0.3, "l1_ratio": 0.7}))
    plain, restarted = without_restart(book, 0.7, 60), nesterov(book, 0.7, 60)
    assert np.abs(plain - restarted).max() > 1e-3


# -- hyper-parameters -----------------------------------------------------------------------------

GRIDS = [
    (Momentum(), {"solver__beta": [0.3, 0.7]}),
    (AdaGrad(), {"solver__epsilon": [1e-2, 1.0]}),
    (RMSProp(), {"solver__rho": [0.3, 0.7]}),
    (RMSProp(), {"solver__epsilon": [1e-2, 1.0]}),
    (Adam(), {"solver__beta1": [0.3, 0.7]}),
    (Adam(), {"solver__beta2": [0.3, 0.7]}),
    (Adam(), {"solver__epsilon": [1e-2, 1.0]}),
    (NaturalGradient(), {"solver__damping": [0.1, 1.0]}),
    (NaturalGradient(), {"solver__direct_limit": [1, 500]}),
]


@pytest.mark.parametrize(
    ("rule", "grid"), GRIDS, ids=[f"{type(r).__name__}.{next(iter(g))[8:]}" for r, g in GRIDS]
)
def test_a_grid_search_reaches_the_hyper_parameters_of_a_rule(rule, grid):
    X, y = rows_of("binary")
    before = rule.get_params()
    model = GDLogisticRegression(solver=rule, max_iter=3, tol=0)
    search = GridSearchCV(model, grid, cv=2).fit(X, y)
    name, values = next(iter(grid.items()))
    assert search.best_estimator_.get_params()[name] == search.best_params_[name]
    one, other = (clone(model).set_params(**{name: value}).fit(X, y).coef_ for value in values)
    assert not np.array_equal(one, other)
    assert rule.get_params() == before


def test_a_grid_search_reaches_the_parameters_of_a_learning_rate():
    X, y = rows_of("binary")
    model = GDLogisticRegression(
        solver="gd", learning_rate=ExponentialDecay(1.0), max_iter=5, tol=0
    )
    grid = {"learning_rate__alpha": [1e-6, 1.0], "learning_rate__decay": [1e-6, 0.9]}
    search = GridSearchCV(model, grid, scoring="neg_log_loss", cv=2).fit(X, y)
    assert search.best_params_ == {"learning_rate__alpha": 1.0, "learning_rate__decay": 0.9}


@pytest.mark.parametrize(
    ("batch_size", "penalty", "rule"),
    pairwise([None, 16], ["weak l2", "l1"], [rule for rule, _, _ in SMOOTH]),
    ids=lambda value: type(value).__name__ if hasattr(value, "step") else str(value),
)
def test_a_fit_never_changes_a_rule_or_a_rate(rule, penalty, batch_size):
    rate = CosineDecay(0.1, steps=20)
    before = pickle.dumps((rule, rate))
    model = GDLogisticRegression(
        solver=rule, learning_rate=rate, batch_size=batch_size, max_iter=5, tol=0, random_state=0
    )
    model.set_params(**PENALTIES[penalty]).fit(*rows_of("softmax"))
    assert model.solver is rule
    assert model.learning_rate is rate
    assert pickle.dumps((rule, rate)) == before


@pytest.mark.parametrize("rate", ["backtracking", Backtracking()], ids=["name", "object"])
@each_rule
def test_backtracking_in_batches_is_an_error(solver, rate):
    model = GDLogisticRegression(solver=solver, learning_rate=rate, batch_size=16)
    with pytest.raises(ValueError, match="'learning_rate' parameter of GDLogisticRegression"):
        model.fit(*rows_of("binary"))
