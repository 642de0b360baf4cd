"""A convex quadratic plus an L1 norm is minimised, whatever F is known by and however singular.

The oracles are the KKT conditions, in extended precision, and scikit-learn's coordinate descent.
"""

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import Lasso

from sklearn_gd_logreg.data import as_dataset
from sklearn_gd_logreg.rules.natural.l1_quadratic import (
    ColumnModel,
    GramModel,
    minimise,
)

from .pairwise import pairwise
from .problems import solve_lasso

pytestmark = pytest.mark.usefixtures("as_in_fit")


def regular(rng, p):
    return rng.standard_normal((3 * p, p)) @ (np.eye(p) + 0.3)


def correlated(rng, p):
    return np.repeat(rng.standard_normal((2 * p, p // 5)), 5, axis=1) + 0.01 * rng.standard_normal(
        (2 * p, p)
    )


def wide(rng, p):
    return rng.standard_normal((p // 3, p))


def all_levels(rng, p):
    return np.concatenate([np.eye(p // 5)[rng.integers(0, p // 5, 2 * p)] for _ in range(5)], 1)


def twins(rng, p):
    return np.repeat(regular(rng, (p + 1) // 2), 2, axis=1)[:, :p]


def constants(rng, p):
    return np.where(np.arange(p) % 3, regular(rng, p), 1.0)


SHAPES = [regular, correlated, wide, all_levels, twins, constants]


def quadratic(make, p, n_free, seed, spread=0.0):
    """F, c and λ of a regression; the last ``n_free`` columns, of groups, have no penalty."""
    rng = np.random.default_rng(seed)
    X = make(rng, p)
    groups = np.arange(len(X)) % max(n_free, 1)
    X[:, p - n_free :] = groups[:, np.newaxis] == np.arange(n_free)
    y = X[:, :5].sum(axis=1) / 5 + rng.standard_normal(len(X)) + 1.0
    scale = 10 ** rng.uniform(-spread, spread, p)
    scale[p - n_free :] = 1.0
    X = X * scale
    n = len(X)
    thresholds = np.full(p, 0.1 * np.abs(X[:, : p - n_free].T @ y / n / scale[: p - n_free]).max())
    thresholds[p - n_free :] = 0.0
    return X, y, X.T @ X / n, X.T @ y / n, thresholds


def kkt(fisher, c, thresholds, u):
    """The smallest subgradient in units in which F has a unit diagonal, in extended precision."""
    fisher, c, u = (np.asarray(part, np.longdouble) for part in (fisher, c, u))
    slope = fisher @ u - c
    at_zero = np.maximum(np.abs(slope) - thresholds, 0)
    subgradient = np.where(u == 0, at_zero, np.abs(slope + thresholds * np.sign(u)))
    diagonal = np.diag(fisher)
    unit = np.sqrt(np.where(diagonal > 0, diagonal, 1))
    size = np.abs(c) / unit
    return float((subgradient / unit).max() / max(size.max(), 1e-300))


@pytest.mark.parametrize(
    ("warm", "n_free", "p", "make"), pairwise([False, True], [0, 1, 3], [15, 60, 200], SHAPES)
)
def test_the_subgradient_is_0_at_the_minimum(make, p, n_free, warm):
    for seed in range(3):
        _, _, fisher, c, thresholds = quadratic(make, p, n_free, seed)
        start = np.zeros(p)
        if warm:
            start = np.random.default_rng(seed).standard_normal(p)
        u = solve_lasso(fisher, c, thresholds, start)
        assert kkt(fisher, c, thresholds, u) < 1e-9
        if not warm:
            assert (u == 0).any()


@pytest.mark.parametrize("spread", [3, 6, 12])
@pytest.mark.parametrize("make", [regular, correlated, wide])
def test_the_units_of_the_coordinates_may_differ_wildly(make, spread):
    for seed in range(3):
        _, _, fisher, c, thresholds = quadratic(make, 60, 1, seed, spread)
        u = solve_lasso(fisher, c, thresholds, np.zeros(60))
        assert kkt(fisher, c, thresholds, u) < 1e-9


@pytest.mark.parametrize("make", SHAPES)
def test_the_value_is_that_of_another_solver(make):
    X, y, fisher, c, thresholds = quadratic(make, 60, 1, 0)
    u = solve_lasso(fisher, c, thresholds, np.zeros(60))
    other = Lasso(thresholds[0], tol=1e-12, max_iter=1_000_000).fit(X[:, :-1], y)
    v = np.append(other.coef_, other.intercept_)

    def value(u):
        return u @ (0.5 * (fisher @ u) - c) + thresholds @ np.abs(u)

    assert value(u) <= value(v) + 1e-11 * abs(value(v))
    if make is regular:
        np.testing.assert_allclose(u, v, atol=1e-6)
        np.testing.assert_array_equal(u == 0, v == 0)


def column_model(X, y, thresholds, l2=0.0, start=None):
    """½ ‖Xu − y‖² + l2/2 ‖u‖² and the L1 norm, by columns of single precision."""
    data = as_dataset(sparse.csr_array(X), np.zeros(len(X)), None, False)
    columns = data.columns(np.arange(X.shape[1]), np.ones(len(X)), 1.0)
    W = columns.matrix.toarray().astype(np.float64)
    w = np.zeros(X.shape[1]) if start is None else start
    penalty = np.where(thresholds > 0, l2, 0.0)
    dw = W.T @ (W @ w - y) + penalty * w
    misfit = float(np.sum((W @ w - y) ** 2))
    targets = y.astype(np.float32)
    squares = columns.squares() + penalty
    return ColumnModel(w, dw, thresholds, squares, columns, targets, misfit, penalty, 1e-4, 500), W


@pytest.mark.parametrize(("warm", "l2", "make"), pairwise([False, True], [0.0, 0.1], SHAPES))
def test_columns_and_a_matrix_have_the_same_minimum(make, l2, warm):
    X, y, _, _, thresholds = quadratic(make, 60, 0, 0)
    start = np.random.default_rng(1).standard_normal(60) if warm else None
    thresholds = thresholds * len(X)
    model, W = column_model(X, y, thresholds, l2 * len(X), start)
    by_columns, settled = minimise(model, 0.1)
    fisher = W.T @ W + np.diag(model.l2)
    diagonal = np.diag(fisher).copy()
    gram = GramModel(model.w, model.dw, thresholds, diagonal, fisher)
    exact, _ = minimise(gram, 0.1)
    assert settled
    assert by_columns.decrease == pytest.approx(exact.decrease, rel=1e-5)
    assert kkt(fisher, fisher @ model.w - model.dw, thresholds, by_columns.u) < 1e-4


@pytest.mark.parametrize("make", SHAPES)
def test_a_step_far_from_the_end_gains_most_of_what_there_is(make):
    _, _, fisher, c, thresholds = quadratic(make, 60, 1, 0)
    start = np.random.default_rng(2).standard_normal(60)
    diagonal = np.diag(fisher).copy()
    model = GramModel(start, fisher @ start - c, thresholds, diagonal, fisher)
    exact, _ = minimise(model, 0.1)
    rough, _ = minimise(model, 0.1, exact_below=0.0)
    assert 0.8 * exact.decrease <= rough.decrease <= exact.decrease * (1 + 1e-9)


@pytest.mark.parametrize("make", SHAPES)
def test_what_is_gained_is_the_fall_of_the_value(make):
    _, _, fisher, c, thresholds = quadratic(make, 60, 1, 0)
    start = np.random.default_rng(3).standard_normal(60)
    model = GramModel(start, fisher @ start - c, thresholds, np.diag(fisher).copy(), fisher)
    state, settled = minimise(model, 0.1)
    values = [u @ (0.5 * (fisher @ u) - c) + thresholds @ np.abs(u) for u in (start, state.u)]
    assert settled
    assert state.decrease == pytest.approx(values[0] - values[1], rel=1e-9)


@pytest.mark.parametrize("make", SHAPES)
def test_at_the_minimum_nothing_moves(make):
    _, _, fisher, c, thresholds = quadratic(make, 60, 1, 0)
    u = solve_lasso(fisher, c, thresholds, np.zeros(60))
    again = solve_lasso(fisher, c, thresholds, u)
    np.testing.assert_allclose(fisher @ again, fisher @ u, atol=1e-9 * np.abs(c).max())


@pytest.mark.parametrize("n_free", [0, 3])
def test_without_a_penalty_it_is_a_linear_system(n_free):
    _, _, fisher, c, _ = quadratic(regular, 20, n_free, 0)
    u = solve_lasso(fisher, c, np.zeros(20), np.zeros(20))
    np.testing.assert_allclose(u, np.linalg.solve(fisher, c), atol=1e-8)


def test_no_coordinate_at_all():
    assert len(solve_lasso(np.zeros((0, 0)), np.zeros(0), np.zeros(0), np.zeros(0))) == 0
