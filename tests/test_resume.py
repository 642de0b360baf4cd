"""A fit in several calls has the same bits as a fit in one, for every rule."""

import pickle
import warnings
from importlib import import_module

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning

from sklearn_gd_logreg import (
    CosineDecay,
    GDLogisticRegression,
    NaturalGradient,
    UpdateRule,
)
from sklearn_gd_logreg.callbacks.checkpoint import content_of, estimator_of
from sklearn_gd_logreg.callbacks.checkpoint_file import packed, unpacked
from sklearn_gd_logreg.registry import CLASSES

from .pairwise import pairwise
from .problems import SOLVERS

pytestmark = pytest.mark.rounding

RATES = {
    "auto": {},
    "schedule": {"learning_rate": CosineDecay(0.05, steps=40)},
    "backtracking": {"learning_rate": "backtracking"},
}
FORMS = {
    "by products": {"solver": NaturalGradient(direct_limit=1)},
    "exact": {"solver": NaturalGradient(exact=True)},
    "L1": {"l1_ratio": 1.0, "C": 0.5},
    "L1, working set": {"l1_ratio": 1.0, "C": 0.5, "solver": NaturalGradient(direct_limit=3)},
    "elastic net, adam": {"l1_ratio": 0.5, "solver": "adam"},
    "no intercept": {"fit_intercept": False, "solver": "nesterov"},
    "balanced": {"class_weight": "balanced", "solver": "momentum"},
}


def rows(n_rows=90, n_features=5, n_classes=3, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, n_features)) * np.linspace(0.5, 2, n_features)
    scores = X @ rng.normal(size=(n_features, n_classes))
    return X, (scores + 2 * rng.gumbel(size=scores.shape)).argmax(axis=1)


def same(part, whole):
    """Two fits have the same bits, and so do their histories except the time."""
    np.testing.assert_array_equal(part.coef_, whole.coef_)
    np.testing.assert_array_equal(part.intercept_, whole.intercept_)
    assert (part.n_iter_, part.stop_reason_) == (whole.n_iter_, whole.stop_reason_)
    assert list(part.history_) == list(whole.history_)
    for name in set(whole.history_) - {"time"}:
        np.testing.assert_array_equal(part.history_[name], whole.history_[name], err_msg=name)
    assert (np.diff(part.history_["time"]) >= 0).all()


def in_parts(params, lengths, *data, between=lambda clf: clf, **more):
    """A fit in calls of so many iterations, and the same in one call."""
    params = {"tol": 0, "random_state": 0, "warm_start": True, **params}
    part = GDLogisticRegression(**params)
    for length in lengths:
        part = between(part.set_params(max_iter=length).fit(*data, **more))
    whole = GDLogisticRegression(**params).set_params(max_iter=sum(lengths)).fit(*data, **more)
    return part, whole


def alive(clf):
    return clf


def pickled(clf):
    return pickle.loads(pickle.dumps(clf))


def stored(clf):
    """What a pickle holds, by way of a checkpoint."""
    return estimator_of(unpacked(packed(content_of(pickled(clf))), CLASSES))


@pytest.mark.parametrize(
    ("between", "n_classes", "batch_size", "rate", "rule"),
    pairwise(
        [alive, stored],
        [2, 3],
        [None, 16],
        RATES,
        SOLVERS,
        allowed=lambda between, n_classes, batch_size, rate, rule: (
            rate != "backtracking" or batch_size is None
        ),
    ),
)
def test_a_fit_in_parts_resumes_exactly(rule, rate, batch_size, n_classes, between):
    params = {"solver": rule, "batch_size": batch_size, **RATES[rate]}
    same(*in_parts(params, [4, 0, 1, 7], *rows(n_classes=n_classes), between=between))


@pytest.mark.parametrize("batch_size", [None, 16])
@pytest.mark.parametrize("form", FORMS)
def test_every_cost_and_curvature_resumes_exactly(form, batch_size):
    params = {"batch_size": batch_size, **FORMS[form]}
    X, y = rows()
    weights = np.arange(len(y)) % 4.0
    for X_ in (X, sparse.csr_array(X), X.astype(np.float32)):
        same(*in_parts(params, [2, 3, 5], X_, y, weights, between=stored))


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("rule", ["gd", "nesterov", "natural"])
def test_a_fit_in_the_row_space_resumes_exactly(rule, n_classes, monkeypatch):
    module = import_module("sklearn_gd_logreg.data.presolve.row_space")
    monkeypatch.setattr(module, "MIN_ENTRIES_FOR_ROW_SPACE", 0)
    X, y = rows(20, 300, n_classes)
    part, whole = in_parts({"solver": rule}, [5, 90, 41], X, y, between=stored)
    same(part, whole)
    plain = clone(whole).set_params(solver=rule, max_iter=136)
    np.testing.assert_allclose(plain.fit(X, y).coef_, whole.coef_, rtol=1e-9, atol=1e-12)


def test_subsampled_newton_with_lbfgs_resumes_exactly():
    X, y = rows(20_000, 8, 2)
    params = {"tol": 1e-9, "random_state": 0, "warm_start": True}
    whole = GDLogisticRegression(max_iter=50, **params).fit(X, y)
    assert whole.stop_reason_ == "tol"
    for k in range(whole.n_iter_):
        part = GDLogisticRegression(max_iter=k, **params)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            part = stored(part.fit(X, y))
        same(part.set_params(max_iter=50).fit(X, y), whole)


def every_split(data, max_iter, **params):
    """Fits of k and then so many more iterations are that of all, for every k and at its end."""
    params = {"random_state": 0, "warm_start": True} | params
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        whole = GDLogisticRegression(max_iter=max_iter, **params).fit(*data)
        assert whole.stop_reason_ != "diverged"
        for k in range(whole.n_iter_ + 1):
            part = stored(GDLogisticRegression(max_iter=k, **params).fit(*data))
            rest = max_iter - k
            for more in [1, rest - 1] if k % 3 == 1 and rest else [rest]:
                part = stored(part.set_params(max_iter=more).fit(*data))
            same(part, whole)


NATURAL = {
    "default": {},
    "exact": {"solver": NaturalGradient(exact=True)},
    "damped": {"solver": NaturalGradient(damping=0.1)},
    "limited": {"solver": NaturalGradient(direct_limit=30)},
}
LENGTHS = {"constant": {"learning_rate": 0.3}, **RATES}
SIZES = [(200, 60, 2), (60, 45, 3), (3000, 6, 2), (40, 300, 2), (300, 230, 2)]


@pytest.mark.parametrize(
    ("tol", "l1_ratio", "natural"), pairwise([1e-2, 1e-6, 0], [0, 0.5, 1], NATURAL)
)
def test_the_natural_gradient_resumes_exactly_at_every_split(natural, l1_ratio, tol):
    params = {"C": 6.0, "tol": tol, "l1_ratio": l1_ratio, **NATURAL[natural]}
    for number, size in enumerate(SIZES):
        X, y = rows(*size)
        if (number + (l1_ratio == 0.5)) % 2:
            X = sparse.csr_array(np.where(X > 1, X, 0))
        lengths = list(LENGTHS.values())[(number + int(l1_ratio)) % len(LENGTHS)]
        every_split((X, y), 7 if number < 2 else 4, **params, **lengths)


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"learning_rate": 0.1},
        {"learning_rate": 0.1, "tol": 1e-2},
        {"solver": NaturalGradient(exact=True), "learning_rate": CosineDecay(1.0, steps=40)},
        {"learning_rate": "backtracking"},
        {"l1_ratio": 1.0, "C": 1.0, "tol": 1e-8},
    ],
)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_l1_fits_of_many_parameters_resume_exactly(dtype, params):
    X, y = rows(200, 60, 2)
    every_split((X.astype(dtype), y), 12, **{"l1_ratio": 0.5, "C": 6.0} | params)


def test_another_tol_may_end_the_descent_elsewhere():
    X, y = rows(200, 60, 2)
    for exact in (False, True):
        for l1_ratio in (0, 0.5):
            params = {"l1_ratio": l1_ratio, "solver": NaturalGradient(exact=exact)}
            clf = GDLogisticRegression(warm_start=True, tol=1e-1, **params).fit(X, y)
            n_iter = clf.n_iter_
            clf.set_params(tol=1e-9).fit(X, y)
            best = GDLogisticRegression(tol=1e-9, **params).fit(X, y)
            assert clf.n_iter_ > n_iter
            np.testing.assert_allclose(clf.coef_, best.coef_, atol=1e-8)


@pytest.mark.parametrize("params", [{}, {"solver": "adam", "batch_size": 10, "tol": 1e-3}])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_stopping_rules_resume_exactly(params):
    X, y = load_iris(return_X_y=True)
    params = {"random_state": 0, "warm_start": True, **params}
    whole = GDLogisticRegression(max_iter=300, **params).fit(X, y)
    assert whole.stop_reason_ == ("plateau" if "batch_size" in params else "tol")
    part = GDLogisticRegression(max_iter=5, **params).fit(X, y)
    while part.stop_reason_ == "max_iter":
        part = stored(part.fit(X, y))
    same(part, whole)
    again = stored(part).fit(X, y)  # there is nothing left to do
    same(again, whole)


@pytest.mark.parametrize("solver", ["adam", "gd"])
@pytest.mark.parametrize("batch_size", [None, 16])
def test_early_stopping_resumes_exactly(solver, batch_size):
    X, y = rows(60, 30, 2)
    params = {"early_stopping": True, "n_iter_no_change": 15, "solver": solver}
    params |= {"batch_size": batch_size, "tol": 0, "learning_rate": 0.2, "C": np.inf}
    whole = GDLogisticRegression(max_iter=400, random_state=3, **params).fit(X, y)
    assert whole.stop_reason_ == "early_stopping"
    part = GDLogisticRegression(max_iter=4, random_state=3, warm_start=True, **params).fit(X, y)
    while part.stop_reason_ == "max_iter":
        part = stored(part.fit(X, y))
    same(part, whole)
    assert part.best_iter_ == whole.best_iter_
    # More patience: the descent resumes from its last iterate, not from the model.
    more = GDLogisticRegression(max_iter=400, random_state=3, **params)
    more.set_params(n_iter_no_change=25, max_iter=whole.n_iter_ + 10).fit(X, y)
    part.set_params(n_iter_no_change=25, max_iter=10).fit(X, y)
    same(part, more)


def test_the_global_random_state_resumes_exactly():
    X, y = rows()
    params = {"solver": "gd", "batch_size": 7, "tol": 0, "warm_start": True}
    np.random.seed(5)  # noqa: NPY002
    whole = GDLogisticRegression(max_iter=9, **params).fit(X, y)
    np.random.seed(5)  # noqa: NPY002
    part = GDLogisticRegression(max_iter=4, **params).fit(X, y)
    np.random.uniform(size=3)  # noqa: NPY002
    same(part.set_params(max_iter=5).fit(X, y), whole)


CHANGES = {
    "C": lambda clf, X, y: clf.set_params(C=2.0).fit(X, y),
    "penalty": lambda clf, X, y: clf.set_params(l1_ratio=0.5).fit(X, y),
    "solver": lambda clf, X, y: clf.set_params(solver="nesterov").fit(X, y),
    "parameter of the solver": lambda clf, X, y: clf.set_params(solver__beta=0.5).fit(X, y),
    "batch size": lambda clf, X, y: clf.set_params(batch_size=30).fit(X, y),
    "class weight": lambda clf, X, y: clf.set_params(class_weight="balanced").fit(X, y),
    "weights": lambda clf, X, y: clf.fit(X, y, np.arange(len(y)) % 3),
    "a row": lambda clf, X, y: clf.fit(np.vstack([X[:-1], X[-1:] + 0.1]), y),
    "a label": lambda clf, X, y: clf.fit(X, np.where(np.arange(len(y)) == 7, 2 - y, y)),
    "precision": lambda clf, X, y: clf.fit(X.astype(np.float32), y),
    "the model by hand": lambda clf, X, y: by_hand(clf).fit(X, y),
    "a given start": lambda clf, X, y: clf.fit(X, y, coef_init=clf.coef_),
}


def by_hand(clf):
    clf.coef_[0, 0] += 0.1
    return clf


@pytest.mark.parametrize("change", CHANGES)
def test_another_cost_or_rule_is_a_new_descent_from_the_coefficients(change):
    from sklearn_gd_logreg import Momentum

    X, y = rows()
    params = {"solver": Momentum(), "tol": 0, "random_state": 0, "warm_start": True}
    clf = GDLogisticRegression(max_iter=6, **params).fit(X, y)
    before = clf.predict_proba(X)
    CHANGES[change](clf.set_params(max_iter=3), X, y)
    assert clf.n_iter_ == 3
    assert clf.history_["iteration"].tolist() == [0, 1, 2, 3]
    assert np.isnan(clf.history_["learning_rate"][0])
    if change not in ("weights", "class weight", "a row", "a label", "the model by hand"):
        loss = -np.log(before[np.arange(len(y)), y]).mean()
        assert clf.history_["loss"][0] == pytest.approx(loss, rel=1e-5)


def by_class(change):
    """Data in which the rows of each class are changed apart from the others."""

    def changed(X, y):
        X = X.copy()
        for label in (0, 1):
            X[y == label] = change(X[y == label], np.random.default_rng(label))
        return X

    return changed


def centred_noise(x, rng):
    noise = rng.normal(size=x.shape)
    return x + noise - noise.mean(axis=0)


def two_entries_swapped(X, y):
    X = X.copy()
    X[[0, 4], 0] = X[[4, 0], 0]
    return X


SAME_GRADIENT_AT_0 = {
    "class means": by_class(lambda x, rng: 0 * x + x.mean(axis=0)),
    "columns permuted": by_class(lambda x, rng: rng.permuted(x, axis=0)),
    "a column permuted": by_class(lambda x, rng: np.c_[rng.permutation(x[:, 0]), x[:, 1]]),
    "centred noise": by_class(centred_noise),
    "spread out": by_class(lambda x, rng: 2 * x - x.mean(axis=0)),
    "a column without its class means": by_class(
        lambda x, rng: np.c_[x[:, 0] - x[:, 1] + x[:, 1].mean(), x[:, 1]]
    ),
    "two entries swapped": two_entries_swapped,
}


@pytest.mark.parametrize(
    ("container", "scale", "change"),
    pairwise([np.asarray, np.float32, sparse.csr_array], [1.0, 1e-9], SAME_GRADIENT_AT_0),
)
def test_other_data_of_the_same_gradient_at_the_start_are_other_data(change, scale, container):
    y = np.arange(200) % 2
    X = np.random.default_rng(0).normal(size=(200, 2)) + y[:, np.newaxis]
    other = SAME_GRADIENT_AT_0[change](X, y)
    np.testing.assert_allclose((y - 0.5) @ other, (y - 0.5) @ X, rtol=1e-10)
    ones = np.full((200, 1), 1e6)  # beside which a column of a small scale must not vanish
    X, other = (container(np.c_[ones, scale * data]) for data in (X, other))
    params = {"C": np.inf, "fit_intercept": False}
    clf = GDLogisticRegression(warm_start=True, **params).fit(X, y)
    coef = clf.coef_
    clf.fit(other, y)
    assert not np.array_equal(coef, clf.coef_)
    assert len(clf.history_["cost"]) == clf.n_iter_ + 1
    cold = GDLogisticRegression(**params).fit(other, y)
    assert clf.history_["cost"][-1] == pytest.approx(cold.history_["cost"][-1], abs=1e-6)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_wide_data_turned_in_their_space_are_other_data(n_classes):
    X, y = rows(20, 300, n_classes)
    turned = X @ np.linalg.qr(np.random.default_rng(1).normal(size=(300, 300)))[0]  # the same XX'
    clf = GDLogisticRegression(warm_start=True).fit(X, y).fit(turned, y)
    cold = GDLogisticRegression(tol=1e-8).fit(turned, y)
    np.testing.assert_allclose(clf.predict_proba(turned), cold.predict_proba(turned), atol=1e-4)


def other_layouts(X):
    spaced = np.zeros((2 * len(X), X.shape[1]), X.dtype)
    spaced[::2] = X
    unsorted = sparse.csr_array(X[:, ::-1])
    unsorted.indices = (X.shape[1] - 1 - unsorted.indices).astype(unsorted.indices.dtype)
    return {
        "copy": X.copy(),
        "Fortran": np.asfortranarray(X),
        "every second row": spaced[::2],
        "list": X.tolist() if X.dtype == np.float64 else X.copy(),
        "CSR": sparse.csr_array(X),
        "CSR matrix": sparse.csr_matrix(X),
        "CSR unsorted": sparse.csr_array((unsorted.data, unsorted.indices, unsorted.indptr)),
    }


@pytest.mark.parametrize(
    ("layout", "dtype", "shape"),
    pairwise(other_layouts(np.eye(2)), [np.float64, np.float32], [(90, 5), (5000, 40), (20, 300)]),
)
def test_the_same_numbers_in_another_layout_are_the_same_data(shape, dtype, layout):
    X, y = rows(*shape)
    X = X.astype(dtype) * np.logspace(-6, 6, shape[1], dtype=dtype)
    X[3, 1] = 1e9
    X[np.arange(len(X)) % 3 == 0, 2] = 0
    weights = np.arange(len(y)) % 3 + 0.1
    part, whole = (GDLogisticRegression(tol=0, warm_start=True, max_iter=k) for k in (3, 6))
    part.fit(X, y, weights).fit(other_layouts(X)[layout], y, weights)
    whole.fit(X, y, weights)
    assert part.n_iter_ == 6
    if layout == "copy":
        same(part, whole)
    # Rows of weight 0 are absent, and a weight is a weight whatever their unit.
    more = np.vstack([X, X[:3]]), np.r_[y, y[:3]], np.r_[weights, 0, 0, 0]
    assert part.fit(*more).n_iter_ == 9


def test_recognising_the_data_takes_no_pass():
    X, y = rows(3000, 10)
    for params in ({}, {"solver": "gd", "learning_rate": 0.1}, {"solver": "adam"}):
        first = GDLogisticRegression(tol=0, max_iter=4, warm_start=True, **params).fit(X, y)
        plain = GDLogisticRegression(tol=0, max_iter=4, **params).fit(X, y)
        np.testing.assert_array_equal(first.history_["passes"], plain.history_["passes"])
        np.testing.assert_array_equal(first.coef_, plain.coef_)


@pytest.mark.parametrize("wrong", ["all labels", "some rows", "the weights"])
def test_new_validation_data_judge_from_where_the_descent_resumes(wrong):
    X, y = rows(260, 30, 2)
    params = {"solver": "adam", "learning_rate": 0.02, "tol": 0, "early_stopping": True}
    clf = GDLogisticRegression(warm_start=True, n_iter_no_change=3, max_iter=3, **params)
    T, t, weights = X[60:], y[60:].copy(), np.ones(200)
    wrong_labels = np.where(y[60:] == y[60], 1 - t, t) if wrong == "the weights" else 1 - t
    if wrong == "the weights":
        weights = (y[60:] == y[60]) + 1e-9
    with pytest.warns(ConvergenceWarning, match="best_iter_=0"):
        clf.fit(X[:60], y[:60], X_val=T, y_val=wrong_labels, sample_weight_val=weights)
    assert (clf.best_iter_, clf.n_iter_, clf.stop_reason_) == (0, 3, "early_stopping")
    if wrong == "some rows":  # at w = 0, where the best iterate is, all rows have the same loss
        T, t = T[:100], t[:100]
    clf.fit(X[:60], y[:60], X_val=T, y_val=t)
    assert (clf.best_iter_, clf.n_iter_, clf.stop_reason_) == (6, 6, "max_iter")


def test_a_fit_without_warm_start_leaves_no_resume_state_and_no_data():
    X, y = rows(400)
    for params in ({}, {"solver": "adam", "batch_size": 10}):
        clf = GDLogisticRegression(max_iter=3, tol=0, **params).fit(X, y)
        assert len(pickle.dumps(clf)) < 5000
        clf.set_params(warm_start=True).fit(X, y)
        assert len(pickle.dumps(clf)) < 30_000  # X and y take 19 000, and the shuffles 2500
        assert X.tobytes()[:400] not in pickle.dumps(clf)
        assert not {"_resume_state"} & set(vars(clf.set_params(warm_start=False).fit(X, y)))


def test_a_model_that_diverged_starts_anew():
    X, y = rows()
    clf = GDLogisticRegression(solver="gd", learning_rate=1e200, warm_start=True, max_iter=9)
    with pytest.warns(ConvergenceWarning, match="diverged"):
        clf.fit(X, y)
    assert clf.stop_reason_ == "diverged"
    clf.set_params(learning_rate="auto", tol=0).fit(X, y)
    assert clf.n_iter_ == 9


class Closure(UpdateRule):
    """A rule whose memory is a function."""

    def init(self, w):
        return lambda: w

    def step(self, point, alpha, memory):
        return point.w - alpha * point.dw, memory


def test_a_memory_that_cannot_be_kept_costs_the_resume_and_not_the_fit():
    X, y = rows()
    clf = GDLogisticRegression(solver=Closure(), warm_start=True, max_iter=4, tol=0)
    with pytest.warns(UserWarning, match="memory of Closure cannot be stored .*function"):
        clf.fit(X, y)
    once = clf.coef_
    with pytest.warns(UserWarning, match="memory of Closure cannot be stored .*function"):
        clf.fit(X, y)
    assert clf.n_iter_ == 4
    assert not np.array_equal(once, clf.coef_)
