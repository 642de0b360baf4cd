"""Wide data in coordinates of their row space: the same descent as in those of the features."""

import tracemalloc
import warnings
from importlib import import_module
from itertools import islice

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from sklearn_gd_logreg import (
    AdaGrad,
    Adam,
    GDLogisticRegression,
    GradientDescent,
    Momentum,
    NaturalGradient,
    Nesterov,
    RMSProp,
    TimeDecay,
)
from sklearn_gd_logreg.data import as_dataset, factor, row_space, row_space_pays
from sklearn_gd_logreg.data.dense import DenseDataset
from sklearn_gd_logreg.data.presolve.base import Chain
from sklearn_gd_logreg.data.presolve.row_space import RowSpace
from sklearn_gd_logreg.descent import Iterate, with_max_norms
from sklearn_gd_logreg.loss import cross_entropy
from sklearn_gd_logreg.objective import Objective
from sklearn_gd_logreg.penalty import ElasticNet
from sklearn_gd_logreg.rules.base import Budget

from .pairwise import pairwise
from .problems import mean_loss_and_gradient, uneven_weights

N_ROWS, N_FEATURES = 14, 90
SAME = ("iteration", "cost", "loss", "gradient_norm", "learning_rate")
STORAGES = {
    "C": np.ascontiguousarray,
    "F": np.asfortranarray,
    "float32": lambda X: X.astype(np.float32),
    "CSR": sparse.csr_array,
    "CSR float32": lambda X: sparse.csr_array(X.astype(np.float32)),
}


def rates():
    return {
        "auto": "auto",
        "constant": 0.05,
        "backtracking": "backtracking",
        "schedule": TimeDecay(0.1),
        "function": [0.1 / (k + 1) for k in range(30)].__getitem__,
    }


def wide(n_classes=2, seed=0, n_rows=N_ROWS, n_features=N_FEATURES):
    rng = np.random.RandomState(seed)
    X = rng.standard_normal((n_rows, n_features)) * rng.uniform(0.1, 2, n_features)
    X[rng.uniform(size=X.shape) < 0.3] = 0
    return X, np.arange(n_rows) % n_classes


@pytest.mark.rounding
@pytest.mark.parametrize(
    ("C", "fit_intercept", "storage", "solver"),
    pairwise([1.0, np.inf], [True, False], STORAGES, ["natural", "gd", "momentum", "nesterov"]),
)
def test_wide_data_that_are_0_have_no_row_space_and_a_model_all_the_same(
    solver, storage, fit_intercept, C
):
    X, y = STORAGES[storage](np.zeros((20, 10000))), np.arange(20) % 2
    clf = GDLogisticRegression(solver=solver, fit_intercept=fit_intercept, C=C).fit(X, y)
    assert clf.stop_reason_ == "tol"
    assert not clf.coef_.any()
    assert clf.history_["cost"][-1] == pytest.approx(np.log(2), rel=1e-6)


def let_small_data_pay(patch):
    """Small data do not pay; from now on they do."""
    module = import_module("sklearn_gd_logreg.data.presolve.row_space")
    patch.setattr(module, "MIN_ENTRIES_FOR_ROW_SPACE", 0)


@pytest.fixture
def small_pays(monkeypatch):
    """Wide data of any size are taken to their row space."""
    let_small_data_pay(monkeypatch)


@pytest.fixture
def both(monkeypatch):
    """Fits with and without the row space."""

    def fit(X, y, *, start=None, weights=None, max_iter=30, tol=0.0, reference=None, **options):
        models = []
        for wanted, rows in ((True, X), (False, X if reference is None else reference)):
            with monkeypatch.context() as patch, warnings.catch_warnings():
                warnings.simplefilter("ignore")
                if wanted:
                    let_small_data_pay(patch)
                model = GDLogisticRegression(max_iter=max_iter, tol=tol, **options)
                models.append(model.fit(rows, y, weights, coef_init=start))
            assert ("row space" in model.solver_info_["reductions"]) == (wanted and bool(X.size))
        return models

    return fit


def assert_same(inside, outside, rtol=1e-9, n_more_passes=1):
    assert inside.n_iter_ == outside.n_iter_
    assert inside.stop_reason_ == outside.stop_reason_
    for name in SAME:
        one, other = inside.history_[name], outside.history_[name]
        rounding = 1e-6 * rtol * np.nanmax(other)
        np.testing.assert_allclose(one, other, rtol=rtol, atol=rounding, err_msg=name)
    more = inside.history_["passes"] - outside.history_["passes"]
    np.testing.assert_array_equal(more, n_more_passes)
    largest = max(np.abs(part).max() for part in (outside.coef_, outside.intercept_))
    for name in ("coef_", "intercept_"):
        one, other = getattr(inside, name), getattr(outside, name)
        np.testing.assert_allclose(one, other, rtol=0, atol=rtol * largest)


# -- the same descent -----------------------------------------------------------------------


@pytest.mark.rounding
@pytest.mark.parametrize(
    ("storage", "rate", "solver"), pairwise(STORAGES, rates(), ["gd", "momentum", "nesterov"])
)
def test_every_rule_rate_and_storage_descends_alike(both, solver, rate, storage):
    X, y = wide()
    X = STORAGES[storage](X)
    # The reference of float32 rows is the same rows in float64.
    rate = 1e-2 if (rate, X.dtype) == ("auto", np.float32) else rates()[rate]
    inside, outside = both(
        X, y, solver=solver, learning_rate=rate, C=10, reference=X.astype(np.float64)
    )
    assert inside.coef_.dtype == X.dtype
    assert_same(inside, outside, 1e-9 if X.dtype == np.float64 else 1e-5)


@pytest.mark.rounding
@pytest.mark.parametrize(
    ("solver", "storage", "n_classes", "weighted", "fit_intercept", "started"),
    pairwise(["gd", "momentum", "nesterov"], ["C", "CSR"], [2, 3], *[[False, True]] * 3),
)
def test_classes_weights_intercepts_and_starts(
    both, storage, solver, n_classes, weighted, fit_intercept, started
):
    X, y = wide(n_classes)
    start = np.random.RandomState(1).standard_normal((1 if n_classes == 2 else 3, N_FEATURES)) / 9
    models = both(
        STORAGES[storage](X),
        y,
        start=start if started else None,
        weights=uneven_weights(N_ROWS) if weighted else None,
        solver=solver,
        fit_intercept=fit_intercept,
        learning_rate="backtracking",
    )
    assert_same(*models, n_more_passes=1 + started)


@pytest.mark.rounding
def test_a_plain_loop_takes_the_same_path(small_pays):
    X, y = wide()
    w, b, alpha, costs, norms = np.zeros((1, N_FEATURES)), np.zeros(1), 0.05, [], []
    for _ in range(101):
        loss, dw, db = mean_loss_and_gradient(X, y, w, b)
        dw += w / N_ROWS
        costs.append(loss + np.sum(w**2) / 2 / N_ROWS)
        norms.append(max(np.abs(dw).max(), np.abs(db).max()))
        last, w, b = (w, b), w - alpha * dw, b - alpha * db
    clf = GDLogisticRegression(solver="gd", learning_rate=alpha, max_iter=100, tol=0).fit(X, y)
    np.testing.assert_allclose(clf.history_["cost"], costs, rtol=1e-12)
    np.testing.assert_allclose(clf.history_["gradient_norm"], norms, rtol=1e-11)
    np.testing.assert_allclose(clf.coef_, last[0], rtol=0, atol=1e-13 * np.abs(w).max())
    np.testing.assert_allclose(clf.intercept_, last[1], rtol=1e-10)


@pytest.mark.rounding
@pytest.mark.parametrize("solver", ["gd", "momentum", "nesterov"])
def test_tol_stops_at_the_same_iterate_wherever_in_a_group_it_is(both, solver):
    X, y = wide()
    options = {"solver": solver, "C": 0.1}
    norms = both(X, y, max_iter=90, **options)[1].history_["gradient_norm"]
    lows = [k for k in range(1, 90) if norms[k] < 0.999 * norms[:k].min()][:20]
    assert len(lows) == 20
    for k in lows:
        inside, outside = both(X, y, max_iter=90, tol=1.0001 * norms[k], **options)
        assert (inside.n_iter_, inside.stop_reason_) == (k, "tol")
        assert_same(inside, outside)


@pytest.mark.rounding
def test_a_descent_that_diverges_does_so_at_the_same_iterate(both):
    X, y = wide()
    inside, outside = both(X, y, learning_rate=1e153, solver="gd", max_iter=30)
    assert inside.stop_reason_ == outside.stop_reason_ == "diverged"
    assert inside.n_iter_ == outside.n_iter_


@pytest.mark.rounding
def test_a_warm_start_from_the_row_space_adds_no_direction(small_pays, monkeypatch):
    X, y = wide()
    seen, init = [], RowSpace.__init__
    monkeypatch.setattr(RowSpace, "__init__", lambda *args: seen.append(args) or init(*args))
    clf = GDLogisticRegression(solver="gd", max_iter=20, tol=0, warm_start=True)
    clf.fit(X, y).fit(X, y)
    once = GDLogisticRegression(solver="gd", max_iter=40, tol=0).fit(X, y)
    assert [args[1].n_features for args in seen] == [N_ROWS] * 3
    np.testing.assert_allclose(clf.coef_, once.coef_, rtol=1e-10, atol=1e-13)


# -- rows that are hard to factorise --------------------------------------------------------


def hard_rows():
    rng = np.random.RandomState(0)
    X, _ = wide()
    ones = np.ones((N_ROWS, 1))
    return {
        "well apart": X,
        "of lengths far apart": X * np.logspace(-6, 1, N_ROWS)[:, np.newaxis],
        "twice the same": np.vstack([X[:7], X[:7]]),
        "one of zeros": np.vstack([X[:-1], 0 * X[:1]]),
        "all zeros": 0 * X,
        "nearly the same": X[:1] + 1e-6 * ones * X,
        "smooth": np.exp(
            -((np.linspace(0, 1, N_FEATURES) - rng.uniform(size=(N_ROWS, 1))) ** 2) / 0.1
        ),
    }


@pytest.mark.rounding
@pytest.mark.parametrize("storage", ["C", "CSR"])
@pytest.mark.parametrize("rows", hard_rows())
def test_rows_that_depend_on_each_other_descend_alike(both, rows, storage):
    X = hard_rows()[rows]
    y = np.arange(N_ROWS) % 3 == 0
    solver, C = "nesterov", 100.0
    models = both(STORAGES[storage](X), y, solver=solver, learning_rate=0.02, C=C, max_iter=200)
    # X Xᵀ alone does not know singular values below about 1e-7 of the largest.
    lost = storage == "CSR" and rows in ("nearly the same", "smooth")
    n_more_passes = int(storage == "C" or X.any())
    assert_same(*models, rtol=1e-5 if lost else 1e-8, n_more_passes=n_more_passes)


@pytest.mark.rounding
@pytest.mark.parametrize(
    ("storage", "C", "rows"),
    pairwise(
        ["C", "CSR"],
        [100.0, np.inf],
        ["odd units", "nearly the same", "well apart", "twice the same"],
    ),
)
def test_the_model_costs_what_the_history_says(rows, C, storage):
    """A row space that has lost what features of odd units tell is left for the features."""
    rng = np.random.RandomState(0)
    X, y = rng.standard_normal((50, 80)), np.arange(50) % 2
    if rows == "odd units":
        X *= 10.0 ** rng.randint(-12, 13, 80)
    elif rows != "well apart":
        X = np.repeat(X[::2], 2, axis=0) + (rows == "nearly the same") * 1e-9 * X
    clf = GDLogisticRegression(C=C, tol=1e-4, max_iter=50)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        clf.fit(STORAGES[storage](X), y)
    loss = mean_loss_and_gradient(X, y, clf.coef_, clf.intercept_)[0]
    cost = loss + np.sum(clf.coef_**2) / (2 * C * 50)
    assert cost == pytest.approx(clf.history_["cost"][-1], rel=1e-3, abs=1e-9)
    data = as_dataset(STORAGES[storage](X), y, None, True)
    faithful = row_space(data, np.zeros((81, 1))).is_accurate(1 / (C * 50))
    assert faithful or rows in ("odd units", "nearly the same")
    assert not faithful or rows != "odd units" or storage == "CSR"


@pytest.mark.rounding
@pytest.mark.parametrize("precision", [np.float64, np.float32])
def test_a_penalty_keeps_to_what_the_row_space_knows(precision):
    """Spectra: smooth, so that most coordinates are short, and of no use to the model."""
    rng = np.random.RandomState(0)
    grid, centres = np.linspace(0, 1, 700), rng.uniform(size=30)
    lines = np.exp(-(((grid - centres[:, np.newaxis]) / 0.08) ** 2) / 2)
    X = (rng.uniform(size=(60, 30)) @ lines).astype(precision)
    space = row_space(as_dataset(X, np.zeros((60, 1)), None, True), np.zeros((701, 1)))
    assert not space.is_accurate(0.0)
    assert space.is_accurate(1 / (1e4 * 60))


@pytest.mark.rounding
@pytest.mark.parametrize(
    ("scale", "storage", "rows"),
    pairwise([1e-170, 1e-150, 1.0, 1e150, 1e170], ["C", "F", "CSR"], hard_rows()),
)
def test_the_factors_are_those_of_x(rows, storage, scale):
    X = hard_rows()[rows] * scale
    with np.errstate(over="ignore", invalid="ignore"):
        T, M = factor.factorise(STORAGES[storage](X))
    Q = X.T @ M
    lost = 1e-6 if storage == "CSR" else 1e-14
    np.testing.assert_allclose(T @ Q.T, X, rtol=0, atol=lost * np.abs(X).max())
    # Directions in which the rows hardly differ are known less well.
    blurred = {"nearly the same": 0.1 if storage == "CSR" else 1e-8, "smooth": 0.1}
    blurred["of lengths far apart"] = 1e-8
    np.testing.assert_allclose(Q.T @ Q, np.eye(T.shape[1]), atol=blurred.get(rows, 1e-11))


@pytest.mark.rounding
@pytest.mark.parametrize("storage", STORAGES)
def test_products_piece_by_piece_are_products(storage, monkeypatch):
    monkeypatch.setattr(factor, "CHUNK_ENTRIES", 100)
    X, _ = wide()
    rows, c = STORAGES[storage](X), np.random.RandomState(0).standard_normal((N_ROWS, 5))
    X = X.astype(rows.dtype).astype(np.float64)
    together = np.full((N_FEATURES, 5), np.nan)
    for features, columns, piece in factor.transposed_product(rows, c):
        together[features, columns] = piece
    np.testing.assert_allclose(together, X.T @ c, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(factor.product(rows, X.T @ c), X @ X.T @ c, rtol=1e-12, atol=1e-11)
    T, M = factor.factorise(rows)
    np.testing.assert_allclose(T @ (X.T @ M).T, X, atol=1e-12)


@pytest.mark.rounding
@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_max_norms_are_those_of_the_expanded_columns(storage, n_classes):
    X, y = wide()
    data = as_dataset(STORAGES[storage](X), y, None, True)
    w = np.random.RandomState(0).standard_normal((N_FEATURES + 1, n_classes)).astype(data.dtype)
    space = row_space(data, w)
    np.testing.assert_allclose(space.expand(space.start), w, rtol=0, atol=1e-6)
    v = np.random.RandomState(1).standard_normal((len(space.start), 7))
    expected = np.abs(space.expand(v)).max(axis=0)
    np.testing.assert_allclose(space.max_norms(v), expected, rtol=2e-6)
    v[-1] = 100
    np.testing.assert_array_equal(space.max_norms(v), 100)


def test_the_norm_is_that_of_the_features_where_rows_of_weight_0_are_left_out_too(small_pays):
    X, y = wide()
    weights = np.where(np.arange(N_ROWS) < 6, 1.0, 0.0)
    with pytest.warns(ConvergenceWarning):
        clf = GDLogisticRegression(solver="gd", max_iter=20, tol=1e-12).fit(X, y, weights)
    assert list(clf.solver_info_["reductions"]) == ["rows of weight 0", "row space"]
    _, dw, db = mean_loss_and_gradient(X, y, clf.coef_, clf.intercept_, weights)
    gradient = np.append(dw + clf.coef_ / 6, db)
    assert clf.history_["gradient_norm"][-1] == pytest.approx(np.abs(gradient).max())


def test_a_chain_of_reductions_has_the_norms_of_the_features():
    X, y = wide()
    first = row_space(as_dataset(X, y, None, True), np.zeros((N_FEATURES + 1, 1)))
    chain = Chain(first, row_space(first.data, first.start))
    v = np.random.RandomState(0).standard_normal((len(chain.start), 7))
    np.testing.assert_allclose(chain.data.X @ v[:-1], X @ chain.expand(v)[:-1], atol=1e-12)
    np.testing.assert_allclose(chain.max_norms(v), np.abs(chain.expand(v)).max(axis=0))


# -- when it is done ------------------------------------------------------------------------


@pytest.mark.parametrize("rule", [GradientDescent(), Momentum(), Nesterov()])
def test_wide_data_of_some_size_and_a_few_hundred_steps_pay(rule):
    assert wanted(rule)
    assert not wanted(rule, n_rows=1000), "rows are not fewer than features"
    assert not wanted(rule, n_features=300), "the data are small"
    assert not wanted(rule, max_iter=50), "too few steps"
    assert not wanted(rule, batch_size=10), "mini-batches"
    assert not wanted(rule, l1_ratio=0.5), "the L1 norm changes with the coordinates"


@pytest.mark.parametrize("rule", [AdaGrad(), RMSProp(), Adam()])
def test_rules_that_scale_coordinates_keep_them(rule):
    assert not wanted(rule)


def test_a_sparse_x_counts_by_its_entries():
    y = np.arange(200) % 2
    for density, expected in ((0.001, False), (0.05, True)):
        X = sparse.random(200, 20_000, density, format="csr", random_state=0)
        assert row_space_pays(as_dataset(X, y, None, True), 1000) == expected


def wanted(rule, n_rows=100, n_features=5000, max_iter=1000, batch_size=None, l1_ratio=0.0):
    X, y = np.ones((n_rows, n_features)), np.arange(n_rows) % 2
    loss, penalty = cross_entropy(2), ElasticNet(1 - l1_ratio, l1_ratio, n_features)
    objective = Objective(as_dataset(X, loss.targets(y), None, True), loss, penalty)
    return rule.plan(objective, Budget(batch_size=batch_size, max_iter=max_iter)).row_space


# -- what it costs --------------------------------------------------------------------------


def test_x_is_read_once_and_then_once_for_many_steps(small_pays, monkeypatch):
    X, y = wide()
    shapes, sizes = [], []
    sum_, norms = DenseDataset.sum, RowSpace.max_norms
    monkeypatch.setattr(
        DenseDataset,
        "sum",
        lambda self, *a, **k: shapes.append(self.X.shape) or sum_(self, *a, **k),
    )
    monkeypatch.setattr(
        RowSpace, "max_norms", lambda self, v: sizes.append(v.shape[1]) or norms(self, v)
    )
    clf = GDLogisticRegression(solver="gd", learning_rate=0.01, max_iter=200, tol=0).fit(X, y)
    assert set(shapes) == {(N_ROWS, N_ROWS)}
    assert len(shapes) == 201
    assert sizes == [1, 2, 4, 8, 16, 32, 64, 64, 64]
    np.testing.assert_array_equal(clf.history_["passes"], 2 + np.arange(201))


def test_no_more_than_a_group_is_ahead_of_the_stop(small_pays, monkeypatch):
    X, y = wide()
    steps = []
    step = GradientDescent.step
    monkeypatch.setattr(
        GradientDescent, "step", lambda self, *args: steps.append(0) or step(self, *args)
    )
    clf = GDLogisticRegression(solver="gd", C=0.1, max_iter=1000, tol=1e-4).fit(X, y)
    assert clf.stop_reason_ == "tol"
    assert clf.n_iter_ <= len(steps) <= 2 * clf.n_iter_ + 1


def test_a_rule_with_a_custom_norm_does_not_run_ahead(small_pays, monkeypatch):
    class Halved(GradientDescent):
        def norm(self, point, memory):
            return 0.5 * np.linalg.norm(point.dw)

    monkeypatch.setattr(RowSpace, "max_norms", None)
    X, y = wide()
    for rule in (Halved(), NaturalGradient()):
        clf = GDLogisticRegression(solver=rule, tol=1e-3).fit(X, y)
        assert clf.stop_reason_ == "tol"


@pytest.mark.parametrize("started", [False, True])
@pytest.mark.parametrize("storage", STORAGES)
def test_a_tenth_of_the_memory_of_x_is_enough(storage, started):
    n_rows, n_features = 120, 40_000
    rng = np.random.RandomState(0)
    entries = rng.standard_normal((n_rows, n_features // 2))
    if "CSR" in storage:  # half as many entries, of 20 times as many features
        columns = np.sort(rng.randint(20 * n_features, size=entries.shape), axis=1).ravel()
        starts = entries.shape[1] * np.arange(n_rows + 1)
        X = sparse.csr_array((entries.ravel(), columns, starts), (n_rows, 20 * n_features))
        X.sum_duplicates()
    else:
        X = np.hstack([entries, entries[::-1]])
    X = STORAGES[storage](X)
    y = np.arange(n_rows) % 2
    w = rng.standard_normal((X.shape[1], 1)).astype(X.dtype) * started
    of_x = X.nbytes if isinstance(X, np.ndarray) else X.data.nbytes + X.indices.nbytes
    data = as_dataset(X, y, None, False)
    tracemalloc.start()
    space = row_space(data, w)
    space.max_norms(rng.standard_normal((len(space.start), 64)))
    space.expand(space.start)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    of_w = 8 * X.shape[1]
    assert peak < of_x / 10 + 5e6 + 6 * of_w


# -- running ahead --------------------------------------------------------------------------


def iterates(n, fails_at=None, costs=None):
    for k in range(n):
        if k == fails_at:
            raise ZeroDivisionError
        cost = 1.0 if costs is None else costs[k]
        known = (k, np.zeros((1, 2)), cost, 1.0, -1.0, 0.1, k, np.full((1, 2), float(k)))
        yield Iterate(*known, None, None, k)


def largest(v):
    return np.array([v[0, 0::2], 2 * v[0, 1::2]]).T.ravel()


@pytest.mark.rounding
def test_each_iterate_has_the_norm_of_its_own_gradient():
    found = list(with_max_norms(iterates(300), largest, 0, 150, 64))
    assert [it.k for it in found] == list(range(151))
    assert [it.gradient_norm for it in found] == [2.0 * k for k in range(151)]


def test_an_error_ahead_comes_after_the_iterates_before_it():
    ahead = with_max_norms(iterates(300, fails_at=40), largest, 0, 150, 64)
    assert [it.k for it in islice(ahead, 40)] == list(range(40))
    with pytest.raises(ZeroDivisionError):
        next(ahead)


def test_a_last_iterate_without_finite_cost_is_handed_out():
    found = list(with_max_norms(iterates(3, costs=[1.0, 1.0, np.nan]), largest, 0, 150, 64))
    assert [it.gradient_norm for it in found] == [0.0, 2.0, -1.0]


def test_a_rate_is_not_asked_beyond_the_last_iteration(small_pays):
    X, y = wide()
    asked = []
    rate = lambda k: asked.append(k) or 0.01  # noqa: E731
    GDLogisticRegression(solver="gd", learning_rate=rate, max_iter=20, tol=0).fit(X, y)
    assert asked == list(range(20))


def test_a_warning_about_rounding_names_the_scales_of_centred_features():
    random = np.random.RandomState(0)
    X = random.standard_normal((20, 25))
    X[:, 0] *= 1e6
    X -= X.mean(axis=0)
    with pytest.warns(ConvergenceWarning, match="^The means or the scales of the features"):
        GDLogisticRegression(C=100, tol=1e-8).fit(X, random.randint(3, size=20))
