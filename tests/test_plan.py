"""Which problem gets which method of the natural gradient, and what a fitted model says of it."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_iris

from sklearn_gd_logreg import GDLogisticRegression, NaturalGradient


def normal(n_rows, n_features, n_classes=2, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_rows, n_features))
    z = X @ rng.standard_normal((n_features, n_classes)) / np.sqrt(n_features)
    return X, (z + rng.gumbel(size=z.shape)).argmax(axis=1)


def words(n_rows, n_features, seed=0):
    """Rows of ten words, by Zipf's law."""
    rng = np.random.default_rng(seed)
    frequency = 1 / (np.arange(n_features) + 3)
    columns = rng.choice(n_features, size=10 * n_rows, p=frequency / frequency.sum())
    entries = np.ones(len(columns)), (np.repeat(np.arange(n_rows), 10), columns)
    X = sparse.csr_array(entries, shape=(n_rows, n_features))
    z = X @ rng.standard_normal(n_features)
    return X, (z + rng.logistic(size=n_rows) > 0).astype(int)


PLANS = {
    "few rows": (lambda: normal(500, 10), {}, "Newton"),
    "few rows of three classes": (lambda: load_iris(return_X_y=True), {}, "Newton"),
    "many rows": (lambda: normal(30_000, 20), {}, "subsampled Newton"),
    "many rows, exact": (lambda: normal(30_000, 20), {"exact": True}, "Newton"),
    "twelve classes": (lambda: normal(2000, 40, 12), {}, "L-BFGS about Kronecker factors"),
    "many parameters": (lambda: words(3000, 4000), {}, "L-BFGS about the diagonal"),
    "many parameters, exact": (lambda: words(3000, 4000), {"exact": True}, "Hessian-free Newton"),
    "few features and L1": (lambda: normal(500, 10), {"l1_ratio": 1.0}, "proximal Newton"),
    "many features and L1": (
        lambda: normal(300, 600),
        {"l1_ratio": 1.0},
        "proximal Newton on a working set",
    ),
    "many sparse features and L1": (
        lambda: words(20_000, 4000),
        {"l1_ratio": 1.0},
        "proximal Newton on columns of X",
    ),
}


@pytest.mark.parametrize("name", PLANS)
def test_which_problem_gets_which_plan(name):
    make, options, method = PLANS[name]
    options = dict(options)
    solver = NaturalGradient(exact=options.pop("exact", False))
    clf = GDLogisticRegression(solver=solver, max_iter=500, **options).fit(*make())
    assert clf.stop_reason_ == "tol"
    assert clf.solver_info_["method"] == method
    assert clf.solver_info_["reason"] in str(clf)
    assert method in str(clf)
    assert clf.solver_info_["hessians"] >= 1


def test_the_work_on_curvature_is_counted():
    X, y = normal(30_000, 20)
    info = GDLogisticRegression().fit(X, y).solver_info_
    assert 0 < info["hessian_rows"] < len(y) / 2
    assert info["subsamples"] == tuple(sorted(info["subsamples"])) != ()
    assert info["products"] == 0
    info = GDLogisticRegression(C=100.0).fit(*words(3000, 4000)).solver_info_
    assert info["products"] > 0
    assert info["subsamples"] == ()
    every = GDLogisticRegression(solver=NaturalGradient(exact=True)).fit(X[:500], y[:500])
    assert every.solver_info_["hessians"] == every.n_iter_ + 1


@pytest.mark.parametrize("C", [0.01, 1.0, np.inf])
def test_an_end_is_proved_by_the_bound_or_not(C):
    X, y = normal(400, 5)
    clf = GDLogisticRegression(C=C, tol=1e-3).fit(X, y)
    best = GDLogisticRegression(C=C, tol=1e-12).fit(X, y)
    assert clf.solver_info_["proved"] == np.isfinite(C)
    if clf.solver_info_["proved"]:
        assert clf.history_["cost"][-1] - best.history_["cost"][-1] <= 1e-3**2 / 2 + 1e-15
    far = GDLogisticRegression(C=C, solver="gd", learning_rate=1e-3, max_iter=1, tol=0)
    assert not far.fit(X, y).solver_info_["proved"]


def test_what_was_reduced_is_named():
    X, y = normal(60, 200)
    info = GDLogisticRegression().fit(X, y).solver_info_
    assert list(info["reductions"]) == ["row space"]


def test_another_rule_is_named_and_a_stream_has_no_path(capsys):
    X, y = normal(100, 5)
    clf = GDLogisticRegression(solver="gd", max_iter=3, tol=0).fit(X, y)
    assert clf.solver_info_["method"] == "GradientDescent"
    assert clf.solver_info_["hessians"] == 0
    GDLogisticRegression(verbose=2).fit(X, y)
    assert "Newton (F on 100 of 100 rows" in capsys.readouterr().out
    clf.partial_fit(X, y, classes=[0, 1])
    assert not hasattr(clf, "solver_info_")
