"""Underflow and overflow in a fit are no errors, whatever NumPy is told to do about them."""

import warnings
from threading import Thread

import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from sklearn_gd_logreg import (
    BiasVarianceDisplay,
    CostCurveDisplay,
    CostSurfaceDisplay,
    GDLogisticRegression,
    LearningRateDisplay,
    NaturalGradient,
    Trajectory,
    bias_variance_report,
    duality_gap,
    gradient_check,
)
from sklearn_gd_logreg.data import base, csr, dense

from .pairwise import pairwise
from .problems import SOLVERS, load, needs_callbacks, noisy


@pytest.fixture(autouse=True)
def errors():
    """NumPy raises; after the test it still does."""
    before = np.seterr(all="raise")
    during = np.geterr()
    yield
    after = np.geterr()
    np.seterr(**before)
    assert after == during


def separable(n_classes):
    """Classes far from each other: probabilities and their products underflow."""
    y = np.arange(60) % n_classes
    return 800.0 * y[:, np.newaxis] + np.random.RandomState(0).standard_normal((60, 3)), y


DATA = {
    "two classes": noisy(80, 4, 2, seed=0),
    "four classes": noisy(80, 4, 4, seed=0),
    "raw": load("breast_cancer"),
    "separable": separable(2),
    "three separable": separable(3),
    "tiny": (1e-200 * noisy(80, 4, 2, seed=0)[0], noisy(80, 4, 2, seed=0)[1]),
    "huge": (1e150 * noisy(80, 4, 2, seed=0)[0], noisy(80, 4, 2, seed=0)[1]),
    "wide": (np.random.RandomState(0).standard_normal((20, 300)), np.arange(20) % 3),
}

FITS = {
    **{solver: {"solver": solver, "max_iter": 30} for solver in SOLVERS},
    **{f"{s} batches": {"solver": s, "max_iter": 5, "batch_size": 16} for s in SOLVERS},
    "lasso": {"l1_ratio": 1.0},
    "elastic net": {"l1_ratio": 0.5, "C": 1e6},
    "no penalty": {"C": np.inf},
    "products": {"solver": NaturalGradient(direct_limit=2)},
    "early stopping": {"early_stopping": True, "solver": "adam", "random_state": 0},
    "much too fast": {"solver": "gd", "learning_rate": 1e300, "max_iter": 30},
}


def use(clf, X, y):
    """All that one asks of a model."""
    for method in (clf.predict, clf.predict_proba, clf.predict_log_proba, clf.decision_function):
        method(X)
    clf.score(X, y)
    str(clf)


@pytest.mark.parametrize("state", ["warn", "print", "call"])
def test_nothing_is_reported_either(state, capsys):
    X, y = DATA["separable"]
    with np.errstate(all=state, call=lambda kind, flag: pytest.fail(kind)):
        clf = GDLogisticRegression().fit(X, y)
        use(clf, X, y)
        duality_gap(clf, X, y)
        gradient_check(clf, X, y)
        bias_variance_report(clf, X, y, X, y)
        clf.partial_fit(X, y)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array, np.float32])
@pytest.mark.parametrize("name", DATA)
def test_models_are_fitted_and_used(name, form):
    X, y = DATA[name]
    if form is np.float32 and name in ("tiny", "huge"):
        pytest.skip("beyond float32")
    X = form(X)
    for options in FITS.values():
        clf = GDLogisticRegression(**options)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            clf.fit(X, y)
        with np.errstate(over="ignore"):
            use(clf, X, y)


@pytest.mark.parametrize("name", DATA)
def test_a_stream_is_learnt(name):
    X, y = DATA[name]
    for solver in SOLVERS:
        clf = GDLogisticRegression(solver=solver)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            for part in (slice(0, None, 2), slice(1, None, 2)):
                clf.partial_fit(X[part], y[part], classes=np.unique(y))
        with np.errstate(over="ignore"):
            use(clf, X, y)


@pytest.mark.parametrize(
    ("name", "l1_ratio", "C", "max_iter"),
    pairwise(sorted(set(DATA) - {"huge"}), [0.0, 0.5, 1.0], [1.0, 1e8], [3, 300]),
)
def test_models_are_inspected(name, l1_ratio, C, max_iter):
    X, y = DATA[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        clf = GDLogisticRegression(C=C, l1_ratio=l1_ratio, max_iter=max_iter).fit(X, y)
    assert duality_gap(clf, X, y) >= 0
    assert gradient_check(clf, X, y) < 1e-3
    bias_variance_report(clf, X, y, X[::2], y[::2], X[1::2], y[1::2])


def test_errors_leave_it_as_it_is():
    X, y = DATA["two classes"]
    for call in (
        lambda: GDLogisticRegression(C=-1).fit(X, y),
        lambda: GDLogisticRegression().fit(X, y * 0),
        lambda: GDLogisticRegression().partial_fit(X, y),
        lambda: GDLogisticRegression(learning_rate=lambda k: 1 / (2 - k), solver="gd").fit(X, y),
        lambda: GDLogisticRegression().fit(X, y).predict(X[:, :2]),
        lambda: duality_gap(GDLogisticRegression(C=np.inf).fit(X, y), X, y),
    ):
        with pytest.raises((ValueError, ZeroDivisionError)):
            call()


def test_pictures_are_drawn():
    X, y = DATA["separable"]
    clf = GDLogisticRegression(solver="gd", max_iter=20, tol=0).fit(X, y)
    report = bias_variance_report(clf, X, y, X, y)
    with np.errstate(all="ignore"):
        figures = [plt.subplots()[1] for _ in range(4)]
    BiasVarianceDisplay.from_report(report, ax=figures[0])
    CostCurveDisplay.from_estimator(clf, ax=figures[1])
    CostSurfaceDisplay.from_estimator(clf, X, y, ax=figures[2])
    LearningRateDisplay.from_estimator(clf, X, y, ax=figures[3])


@needs_callbacks
def test_callbacks_are_called():
    X, y = DATA["separable"]
    GDLogisticRegression().set_callbacks(Trajectory()).fit(X, y)


def test_threads_have_the_settings_of_their_fit(monkeypatch):
    monkeypatch.setattr(dense, "BLOCK_BYTES", 2_000)
    monkeypatch.setattr(csr, "MIN_ENTRIES_PER_BLOCK", 500)
    monkeypatch.setattr(base, "WORK_BYTES_PER_THREAD", 1)
    X, y = separable(2)
    X, y, states, failures = np.tile(X, (40, 1)), np.tile(y, 40), [], []

    def fit():
        np.seterr(all="raise")
        try:
            clf = GDLogisticRegression(C=1e3).fit(X, y)
            use(clf, X, y)
            duality_gap(clf, X, y)
        except BaseException as failure:
            failures.append(failure)
        states.append(np.geterr())

    with threadpool_limits(3, "blas"):
        users = [Thread(target=fit) for _ in range(4)]
        for user in users:
            user.start()
        for user in users:
            user.join()
    assert failures == []
    assert states == [dict.fromkeys(("divide", "over", "under", "invalid"), "raise")] * 4
