"""With an L1 penalty, columns of sparse rows in place of F must not show in the result."""

from itertools import cycle, product

import numpy as np
import pytest
from scipy import sparse

from sklearn_gd_logreg import NaturalGradient
from sklearn_gd_logreg.data import as_dataset, csr
from sklearn_gd_logreg.fisher import FisherInformation
from sklearn_gd_logreg.loss import cross_entropy
from sklearn_gd_logreg.objective import Objective, Point
from sklearn_gd_logreg.penalty import ElasticNet
from sklearn_gd_logreg.rules.natural import coordinate_descent, prox_newton
from sklearn_gd_logreg.rules.natural.curvature import regularized_fisher
from sklearn_gd_logreg.rules.natural.l1_quadratic import minimise
from sklearn_gd_logreg.rules.natural.prox_newton import (
    ProximalFisher,
    column_model,
    with_intercept,
    working_set,
)

from .pairwise import pairwise
from .problems import Problem
from .test_natural_gradient import ASKED, ROUNDING, cost_of, model, text, weighted
from .test_resume import in_parts, same, stored

pytestmark = [pytest.mark.rounding, pytest.mark.usefixtures("as_in_fit")]


def by_columns(problem, **options):
    """The same with an L1 penalty or an elastic net, where columns are read in place of F."""
    return Problem(problem.X, problem.y, {**problem.options, "l1_ratio": 1.0, **options})


COLUMN_PROBLEMS = {
    "text": lambda: by_columns(text(3.0)),
    "no intercept": lambda: by_columns(text(3.0, fit_intercept=False)),
    "elastic net": lambda: by_columns(text(3.0), l1_ratio=0.6),
    "weak penalty": lambda: by_columns(text(30.0)),
    "odd units": lambda: by_columns(text(3.0, scales=2.0)),
    "no feature": lambda: by_columns(text(1e-3)),
    "float32": lambda: by_columns(text(3.0)).on(text(3.0).X.astype(np.float32)),
    "weights": lambda: weighted(
        by_columns(text(3.0)), np.random.RandomState(0).randint(0, 3, 6000).astype(float)
    ),
}


TOLS = [1e-2, 1e-4, 1e-5, 1e-7]


@pytest.fixture
def count_f(monkeypatch):
    """Columns are read however cheap F is; an entry for each F that was computed."""
    computed = []
    original = FisherInformation.__call__

    def fisher(self, w, *args):
        computed.append(None)
        return original(self, w, *args)

    monkeypatch.setattr(prox_newton, "matrix_cost", lambda *_: 1e9)
    monkeypatch.setattr(csr, "MAX_ENTRIES_PER_COLUMN_FOR_CSC", np.inf)
    monkeypatch.setattr(FisherInformation, "__call__", fisher)
    return computed


@pytest.mark.parametrize(
    ("name", "tol"),
    [
        *product(["text", "weak penalty"], TOLS),
        *zip(
            [name for name in COLUMN_PROBLEMS if name not in ("text", "weak penalty")], cycle(TOLS)
        ),
    ],
)
def test_columns_end_as_near_the_optimum_as_f_does(count_f, name, tol):
    problem = COLUMN_PROBLEMS[name]()
    clf = problem.fit(model(tol=tol))
    at_first = len(count_f)
    double = problem.on(problem.X.astype(np.float64))
    exact = double.fit(model(tol=1e-9, solver=NaturalGradient(exact=True)))
    assert clf.stop_reason_ == "tol"
    assert len(count_f) - at_first > at_first
    rounding = 1e-7 if problem.X.dtype == np.float32 else ROUNDING
    assert cost_of(double, clf) - cost_of(double, exact) <= tol**2 / 2 + rounding


@pytest.mark.parametrize("name", ["text", "no intercept", "elastic net"])
def test_easy_columns_need_no_f(count_f, name):
    clf = COLUMN_PROBLEMS[name]().fit(model())
    assert clf.stop_reason_ == "tol"
    assert not count_f


def test_hard_columns_end_at_the_minimum(count_f):
    rng = np.random.RandomState(0)
    shared = np.repeat(rng.standard_normal((500, 60)), 5, axis=1)
    X = sparse.csr_array(shared + 0.01 * rng.standard_normal((500, 300)))
    y = (X.sum(axis=1) + rng.standard_normal(500) > 0).astype(int)
    problem = Problem(X, y, {"C": 10.0, "l1_ratio": 1.0})
    clf = problem.fit(model())
    exact = problem.fit(model(tol=1e-9, solver=NaturalGradient(exact=True)))
    assert cost_of(problem, clf) - cost_of(problem, exact) <= ASKED


def test_columns_are_copied_of_words_and_not_of_tall_or_large_rows(monkeypatch):
    X, y = text(3.0).X, text(3.0).y
    assert as_dataset(X, y, None, True).has_columns
    tall = sparse.csr_array(sparse.vstack([X] * 3))
    assert not as_dataset(tall, np.tile(y, 3), None, True).has_columns
    assert not as_dataset(X.toarray(), y, None, True).has_columns
    monkeypatch.setattr(csr, "COLUMNS_BYTES", X.data.nbytes)
    assert not as_dataset(X, y, None, True).has_columns


def test_a_hard_problem_is_not_taken_for_solved():
    """Conjugate gradients find nothing at first near the end, and J is 66 tol²/2 too high."""
    rng = np.random.RandomState(0)
    frequency = 1 / np.arange(1, 4001)
    words = rng.choice(4000, size=3000 * 20, p=frequency / frequency.sum())
    X = sparse.csr_array((np.ones(len(words)), (np.repeat(np.arange(3000), 20), words)))
    X.sum_duplicates()
    X.data = np.log1p(X.data)
    rng = np.random.RandomState(1)
    z = X @ np.where(np.arange(X.shape[1]) % 10, 0, 2 * rng.standard_normal(X.shape[1]))
    y = (z - np.median(z) + 0.5 * rng.logistic(size=3000) > 0).astype(int)
    problem = Problem(X, y, {"C": 10.0, "l1_ratio": 1.0})
    clf, exact = (problem.fit(model(tol=tol)) for tol in (1e-6, 1e-8))
    assert cost_of(problem, clf) - cost_of(problem, exact) <= 1e-6**2 / 2 + ROUNDING


@pytest.mark.parametrize("alpha", [0.5, 0.9])
def test_a_shorter_step_is_the_one_of_f(monkeypatch, count_f, alpha):
    problem = by_columns(text(1.0))
    options = {"learning_rate": alpha, "tol": 1e-2}
    clf = problem.fit(model(**options))
    assert count_f
    monkeypatch.setattr(type(as_dataset(problem.X, problem.y, None, True)), "has_columns", False)
    by_f = problem.fit(model(**options))
    assert clf.stop_reason_ == by_f.stop_reason_ == "tol"
    assert cost_of(problem, clf) == pytest.approx(cost_of(problem, by_f), abs=1e-4)


def test_columns_are_those_of_x():
    """What columns answer is true of them: products, squares, and the edge of the intercept."""
    X = text(1.0).X[:300, :50]
    share = np.full((300, 1), 1 / 300)
    data = as_dataset(X, np.ones((300, 1), np.int8), share, True)
    root = np.random.RandomState(0).uniform(size=300)
    chosen = np.array([0, 3, 7, 49])
    some = data.columns(chosen, root, 100.0)
    dense = np.column_stack([X.toarray()[:, chosen] * root[:, np.newaxis], 100 * root])
    v, r = np.arange(5.0), np.linspace(-1, 1, 300)
    before = data.passes.count
    np.testing.assert_allclose(some.times(v), dense @ v, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(some.transposed_times(r), dense.T @ r, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(some.squares(), (dense**2).sum(axis=0), rtol=1e-6)
    assert data.passes.count - before == pytest.approx(X[:, chosen].nnz / X.nnz)


@pytest.mark.parametrize("size", [1e-20, 1e20, 1e40])
def test_the_unit_of_the_entries_does_not_matter(count_f, size):
    problem = by_columns(text(3.0))
    in_units = Problem(problem.X * size, problem.y, {**problem.options, "C": 3.0 / size})
    clf, large = problem.fit(model()), in_units.fit(model())
    np.testing.assert_allclose(large.coef_ * size, clf.coef_, rtol=1e-3, atol=1e-3)


def test_columns_and_a_matrix_lead_to_the_same_step(count_f):
    problem = by_columns(text(3.0))
    n_rows, n_features = problem.X.shape
    loss = cross_entropy(2)
    data = as_dataset(problem.X, loss.targets(problem.y), None, True)
    it = Objective(data, loss, ElasticNet(0.0, 1 / (3 * n_rows), n_features))
    point = Point(it, np.zeros((data.n_parameters, 1)))
    features = working_set(point)
    rows = with_intercept(features, point)
    state, settled = minimise(column_model(point, 1e-4, rows, 500), 0.01)
    assert settled
    matrix = ProximalFisher(regularized_fisher(point, 0.0, features), rows)
    target = matrix.newton_step(point, 1.0)
    assert state.decrease == pytest.approx(target.decrease, rel=1e-5)
    np.testing.assert_allclose(state.u[:-1], target.w[features, 0], atol=1e-3)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("lengths", [[1, 2, 3], [3, 1, 2]])
def test_a_descent_on_columns_goes_on_from_a_checkpoint(lengths):
    problem = by_columns(text(3.0))
    options = {**problem.options, "warm_start": True}
    same(*in_parts(options, lengths, problem.X, problem.y, between=stored))


def test_columns_are_not_kept_where_the_decreases_shrink_slowly():
    """The probabilities of some rows may change much in a step that is short for F."""
    random = np.random.RandomState(0)
    places = random.randint(2000, size=(1000, 20))
    entries = random.standard_cauchy(places.size), (np.repeat(np.arange(1000), 20), places.ravel())
    X = sparse.csr_array(entries, shape=(1000, 2000))
    problem = Problem(X, (random.rand(1000) < 0.5).astype(int), {"C": 1.0, "l1_ratio": 1.0})
    assert problem.fit(model(tol=1e-6)).n_iter_ < 40


# -- coordinate descent -----------------------------------------------------------------------


def rounds_by_hand(fisher, c, thresholds, u, n_rounds):
    """The least value along one coordinate after the other."""
    u = u.copy()
    for j in [*range(len(u))] * n_rounds:
        rest = c[j] - fisher[j] @ u + fisher[j, j] * u[j]
        u[j] = np.sign(rest) * max(abs(rest) - thresholds[j], 0) / fisher[j, j]
    return u


def unlike_scales(random, n_rows, size):
    """Rows of correlated features in units of their own."""
    X = random.standard_normal((n_rows, 30)) @ (np.eye(30) + 0.3)
    return X * size * 10 ** random.uniform(-2, 2, size=30)


@pytest.mark.parametrize(
    ("start", "strength", "size"), pairwise([0.0, 1.0], [1e-6, 0.1, 10.0], [1e-30, 1.0, 1e30])
)
def test_rounds_are_those_of_coordinate_descent(size, strength, start):
    random = np.random.RandomState(0)
    X = unlike_scales(random, 50, size)
    fisher, c = X.T @ X, X.T @ random.standard_normal(50)
    u = start * random.standard_normal(30) / np.sqrt(np.diag(fisher))
    thresholds = np.full(30, strength * np.abs(c).max())
    found = coordinate_descent.GramCoordinateDescent(fisher, c, thresholds)(u, 4)
    expected = rounds_by_hand(fisher, c, thresholds, u, 4)
    np.testing.assert_allclose(found * X.std(axis=0), expected * X.std(axis=0), atol=1e-9)


@pytest.mark.parametrize(
    ("intercept", "l2", "strength", "size"),
    pairwise([True, False], [0.0, 1.0], [1e-4, 0.1, 10.0], [1e-12, 1.0, 1e6]),
)
def test_rounds_over_columns_are_those_of_coordinate_descent(size, strength, l2, intercept):
    random = np.random.RandomState(0)
    dense = unlike_scales(random, 50, size) * (random.rand(50, 30) < 0.2)
    data = as_dataset(sparse.csr_array(dense), np.zeros(50), None, intercept)
    some = data.columns(np.arange(30), random.rand(50), size)
    matrix = some.matrix.toarray().astype(np.float64)
    targets = random.standard_normal(50)
    fisher, c = matrix.T @ matrix, matrix.T @ targets
    l2, l1 = l2 * fisher.max(), strength * np.abs(c).max()
    fisher += l2 * np.eye(len(c))
    u = random.standard_normal(len(c)) / np.sqrt(np.diag(fisher))
    value = 0.5 * np.sum((matrix @ u - targets) ** 2) + 0.5 * l2 * u @ u + l1 * np.abs(u).sum()
    found = coordinate_descent.column_coordinate_descent(
        some, targets.astype(np.float32), u, (l2, l1), 4, value, np.diag(fisher)
    )
    scale = np.sqrt(np.diag(fisher))
    expected = rounds_by_hand(fisher, c, np.full(len(c), l1), u, 4)
    np.testing.assert_allclose(found * scale, expected * scale, atol=1e-4)
