"""Mini-batches: which rows an epoch shows, what its entry holds, when the descent stops."""

import numpy as np
import pytest
from scipy import sparse
from scipy.special import expit

from sklearn_gd_logreg import (
    GDLogisticRegression,
    GradientDescent,
    NaturalGradient,
)

from .descents import (
    DESCENTS,
    exactly,
    rows,
)
from .pairwise import pairwise
from .problems import SOLVERS

pytestmark = pytest.mark.rounding


def replayed_stop(costs, tol):
    """The first epoch after five in a row whose cost was not lower than all before by tol."""
    best, waited = np.inf, 0
    for epoch, cost in enumerate(costs[1:], start=1):
        waited = 0 if cost < best - tol else waited + 1
        best = min(best, cost)
        if waited == 5:
            return epoch
    return None


@pytest.mark.parametrize("tol", [1e-1, 1e-2, 1e-3, 1e-4])
@pytest.mark.parametrize("solver", SOLVERS)
def test_mini_batches_stop_after_five_epochs_without_improvement(solver, tol):
    X, y, weights = rows()
    clf = GDLogisticRegression(solver=solver, batch_size=16, tol=tol, random_state=0)
    clf.fit(X, y, weights)
    assert clf.stop_reason_ == "plateau"
    assert clf.n_iter_ == replayed_stop(clf.history_["cost"], tol)


class Spy(GradientDescent):
    """Plain descent that notes which rows it was shown, and where it stood."""

    def __init__(self, seen):
        self.seen = seen

    def step(self, point, alpha, memory):
        X = point.objective.data.X
        numbers = (X[:, [0]].toarray() if sparse.issparse(X) else X[:, [0]]).ravel()
        self.seen.append((np.rint(1e3 * numbers).astype(int), point.w.copy()))
        return super().step(point, alpha, memory)


def spied_epochs(container, weights, batch_size, n_epochs=3):
    """Numbers and parameters of every batch of every epoch, and the model."""
    X, y, _ = rows()
    X[:, 0] = np.arange(len(X)) / 1e3
    seen = []
    clf = exactly(n_epochs, solver=Spy(seen), learning_rate=0.3, random_state=0)
    clf.set_params(batch_size=batch_size).fit(container(X), y, weights)
    n_batches = len(seen) // n_epochs
    epochs = [seen[start : start + n_batches] for start in range(0, len(seen), n_batches)]
    return X, y, clf, epochs


@pytest.mark.parametrize(
    ("batch_size", "weighted", "container"),
    pairwise(
        [1, 16, 52, 53, 1000], [False, True], [np.asarray, np.asfortranarray, sparse.csr_array]
    ),
)
def test_an_epoch_shows_every_row_of_some_weight_once(container, weighted, batch_size):
    weights = rows()[2] if weighted else np.ones(70)
    *_, epochs = spied_epochs(container, weights if weighted else None, batch_size)
    expected = np.flatnonzero(weights)
    for epoch in epochs:
        sizes = [len(numbers) for numbers, _ in epoch]
        assert sizes[:-1] == [batch_size] * (len(sizes) - 1)
        assert 0 < sizes[-1] <= batch_size
        np.testing.assert_array_equal(np.sort(np.concatenate([n for n, _ in epoch])), expected)


def test_every_epoch_is_shuffled_anew():
    *_, epochs = spied_epochs(np.asarray, None, 16)
    orders = {tuple(np.concatenate([numbers for numbers, _ in epoch])) for epoch in epochs}
    assert len(orders | {tuple(range(70))}) == 4


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_the_entries_of_an_epoch_are_means_over_its_batches_as_they_were_met(container):
    weights = rows()[2]
    X, y, clf, epochs = spied_epochs(container, weights, 16)
    share, l2, n_rows = weights / weights.sum(), 1 / weights.sum(), np.count_nonzero(weights)
    for entry, epoch in enumerate(epochs, start=1):
        loss, penalty, dw = 0.0, 0.0, np.zeros(6)
        for rows_met, w in epoch:
            Z, w = np.column_stack([X[rows_met], np.ones(len(rows_met))]), w[:, 0]
            loss += share[rows_met] @ np.logaddexp(0, np.where(y[rows_met], -1, 1) * (Z @ w))
            part, weights_only = len(rows_met) / n_rows, w * (np.arange(6) < 5)
            penalty += part * l2 / 2 * np.square(weights_only).sum()
            dz = share[rows_met] * (expit(Z @ w) - y[rows_met])
            dw += Z.T @ dz + part * l2 * weights_only
        found = [clf.history_[name][entry] for name in ("loss", "cost", "gradient_norm")]
        np.testing.assert_allclose(found, [loss, loss + penalty, np.abs(dw).max()], rtol=1e-9)


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_same_seed_gives_the_same_bits_and_another_does_not(solver):
    X, y, weights = rows(3)
    seeds = [7, np.random.RandomState(7), 8]
    clf = exactly(3, solver=solver, batch_size=16)
    one, same, other = (clf.set_params(random_state=s).fit(X, y, weights).coef_ for s in seeds)
    np.testing.assert_array_equal(one, same)
    assert (one != other).all()


@pytest.mark.parametrize("descent", DESCENTS)
def test_the_full_batch_needs_no_seed(descent):
    X, y, weights = rows(3)
    clf = exactly(3, **DESCENTS[descent])
    one, other = (clf.set_params(random_state=seed).fit(X, y, weights).coef_ for seed in (None, 1))
    np.testing.assert_array_equal(one, other)


def test_fits_leave_the_global_random_state_alone():
    X, y, _ = rows()
    np.random.seed(0)  # noqa: NPY002
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(0)  # noqa: NPY002
    exactly(3).fit(X, y)
    exactly(3, solver="gd", batch_size=16, random_state=0).fit(X, y)
    exactly(3, solver=NaturalGradient(direct_limit=1)).fit(X, y)
    assert np.random.random() == expected  # noqa: NPY002
