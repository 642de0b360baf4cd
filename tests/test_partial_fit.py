"""partial_fit: rows that come in parts."""

import pickle
import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from sklearn_gd_logreg import Adam, GDLogisticRegression, NaturalGradient, TimeDecay

from .pairwise import pairwise
from .problems import FIRST_ORDER


def rows(n_rows=120, n_features=6, n_classes=2, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, n_features)) * np.logspace(-1, 1, n_features)
    scores = X @ (
        rng.normal(size=(n_features, n_classes)) / np.logspace(-1, 1, n_features)[:, None]
    )
    return X, (scores + 2 * rng.gumbel(size=scores.shape)).argmax(axis=1)


def cost(clf, X, y, C=1.0):
    loss = -np.log(clf.predict_proba(X)[np.arange(len(y)), y]).mean()
    return loss + np.square(clf.coef_).sum() / (2 * C * len(y))


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("rule", FIRST_ORDER)
def test_the_same_rows_again_and_again_are_full_batch_descent(rule, n_classes):
    X, y = rows(n_classes=n_classes)
    params = {"solver": rule, "C": np.inf, "learning_rate": TimeDecay(0.01), "tol": 0}
    whole = GDLogisticRegression(max_iter=9, **params).fit(X, y)
    part = GDLogisticRegression(**params)
    for k in range(9):
        part = pickle.loads(pickle.dumps(part.partial_fit(X, y, classes=range(n_classes))))
        assert part.n_iter_ == k + 1
    np.testing.assert_allclose(part.coef_, whole.coef_, rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(part.history_["cost"][1:], whole.history_["cost"][:-1])
    np.testing.assert_allclose(part.history_["learning_rate"], whole.history_["learning_rate"])
    assert part.stop_reason_ == "partial_fit"


def test_a_step_is_w_minus_alpha_times_the_gradient_on_the_rows_of_the_call():
    X, y = rows()
    clf, w, b, seen = GDLogisticRegression(solver="gd", learning_rate=0.01), np.zeros(6), 0.0, 0.0
    for start in range(0, 120, 30):
        x, t = X[start : start + 30], y[start : start + 30]
        s = 1.0 + np.arange(30) % 3
        seen += s.sum()
        dz = s / s.sum() * (1 / (1 + np.exp(-(x @ w + b))) - t)
        w, b = w - 0.01 * (x.T @ dz + w / seen), b - 0.01 * dz.sum()
        clf.partial_fit(x, t, [0, 1], s)
        np.testing.assert_allclose(clf.coef_[0], w, rtol=1e-12)
        np.testing.assert_allclose(clf.intercept_, [b], rtol=1e-12)


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("size", [50, 400])
def test_natural_reads_a_stream_once_and_is_near_the_optimum(size, n_classes, container):
    X, y = rows(8000, 6, n_classes)
    clf = GDLogisticRegression()
    for start in range(0, 8000, size):
        part = slice(start, start + size)
        clf.partial_fit(container(X[part]), y[part], classes=range(n_classes))
    best = GDLogisticRegression(tol=1e-8).fit(X, y)
    n_parameters = 7 * (n_classes if n_classes > 2 else 1)
    # p / (2 n) is by how much the estimate from so many rows is off.
    assert cost(clf, X, y) - cost(best, X, y) < 1.5 * n_parameters / (2 * 8000)


@pytest.mark.parametrize(
    "params",
    [
        {"l1_ratio": 1.0},
        {"solver": NaturalGradient(direct_limit=1)},
        {"batch_size": 25},
        {"l1_ratio": 0.5, "solver": NaturalGradient(direct_limit=1)},
        {"solver": "adam", "batch_size": 10, "random_state": 0, "learning_rate": 0.05},
        {"solver": "gd", "batch_size": 10},
        {"solver": "gd", "learning_rate": "backtracking"},
        {"fit_intercept": False},
        {"class_weight": {0: 2, 1: 1}},
    ],
)
def test_every_solver_and_penalty_learns_from_a_stream(params):
    X, y = rows(3000)
    clf = GDLogisticRegression(**params)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for start in range(0, 3000, 100):
            clf.partial_fit(X[start : start + 100], y[start : start + 100], [0, 1])
    assert cost(clf, X, y) < 0.97 * np.log(2)
    assert clf.n_iter_ == 30
    assert "trained by partial_fit" in str(clf)


def test_a_class_may_be_missing_in_a_call_and_the_first_may_be_of_one_class():
    X, y = rows(200)
    names = np.array(["no", "yes"])[y]
    clf = GDLogisticRegression()
    for label in ("no", "yes", "no", "yes"):
        clf.partial_fit(X[names == label], names[names == label], classes=["yes", "no"])
    assert clf.classes_.tolist() == ["no", "yes"]
    assert clf.score(X, names) > 0.6


def test_a_stream_continues_a_fit():
    X, y = rows(2000)
    clf = GDLogisticRegression().fit(X[:1000], y[:1000])
    before = cost(clf, X, y)
    clf.partial_fit(X[1000:], y[1000:])
    best = cost(GDLogisticRegression().fit(X, y), X, y)
    assert best <= cost(clf, X, y) < best + 0.5 * (before - best)
    assert clf.history_["iteration"].tolist() == [0, 1]


def test_a_fit_after_a_stream_is_a_fit():
    X, y = rows()
    clf = GDLogisticRegression().partial_fit(X, y, [0, 1]).fit(X, y)
    np.testing.assert_array_equal(clf.coef_, GDLogisticRegression().fit(X, y).coef_)
    assert clf.stop_reason_ == "tol"
    assert "_stream" not in vars(clf)


def test_no_data_are_kept():
    X, y = rows(5000)
    clf = GDLogisticRegression().partial_fit(X, y, [0, 1])
    assert len(pickle.dumps(clf)) < 10_000


def test_a_call_that_diverges_leaves_the_model_of_the_call_before():
    X, y = rows()
    clf = GDLogisticRegression(solver="gd", learning_rate=1.0).partial_fit(X, y, [0, 1])
    coef = clf.coef_.copy()
    with pytest.warns(ConvergenceWarning, match="diverged in call 2"):
        clf.set_params(learning_rate=1e300).partial_fit(1e200 * X, y)
    np.testing.assert_array_equal(clf.coef_, coef)
    assert clf.stop_reason_ == "diverged"


@pytest.mark.parametrize(
    "change",
    [{"solver": "momentum"}, {"solver__beta1": 0.5}, {"fit_intercept": False}, {"batch_size": 9}],
)
def test_another_rule_or_shape_begins_with_a_new_memory(change):
    X, y = rows()
    clf = GDLogisticRegression(solver=Adam(), random_state=0).partial_fit(X, y, [0, 1])
    coef, intercept = clf.coef_, clf.intercept_
    clf.set_params(**change).partial_fit(X, y)
    assert clf.n_iter_ == 1
    fresh = GDLogisticRegression(solver=Adam(), random_state=0).set_params(**change)
    fresh.coef_, fresh.intercept_, fresh.classes_ = coef, intercept, clf.classes_
    fresh.n_features_in_, fresh._weight_seen = 6, len(y)
    np.testing.assert_array_equal(clf.coef_, fresh.partial_fit(X, y).coef_)


EMPTY = {
    "sample weights": ({}, [0.0] * 30),
    "a class weight": ({"class_weight": {0: 0.0, 1: 1.0}}, None),
    "both": ({"class_weight": {0: 0.0, 1: 1.0}}, [0.0] * 30),
}


@pytest.mark.parametrize("solver", ["natural", "adam"])
@pytest.mark.parametrize("case", EMPTY)
def test_a_chunk_of_rows_of_weight_0_is_no_chunk(case, solver):
    """Before, between and after the others."""
    options, weight = EMPTY[case]
    X, y = rows(120)
    clf = GDLogisticRegression(solver=solver, batch_size=10, random_state=0, **options)
    other = GDLogisticRegression(solver=solver, batch_size=10, random_state=0, **options)
    empty = X[:30], 0 * y[:30], [0, 1], weight
    clf.partial_fit(*empty)
    for start in range(0, 120, 40):
        part = X[start : start + 40], y[start : start + 40], [0, 1]
        clf.partial_fit(*part)
        other.partial_fit(*part)
        before = pickle.dumps(vars(clf))
        clf.partial_fit(*empty)
        assert pickle.dumps(vars(clf)) == before
        assert clf.n_iter_ == other.n_iter_
        np.testing.assert_array_equal(clf.coef_, other.coef_)
        np.testing.assert_array_equal(clf.intercept_, other.intercept_)
        np.testing.assert_array_equal(clf.history_["cost"], other.history_["cost"])


@pytest.mark.parametrize("labels", [["no", "yes"], ["a", "b", "c"]])
def test_a_first_chunk_of_weight_0_leaves_a_model_at_the_start(labels):
    X, _ = rows(30)
    clf = GDLogisticRegression().partial_fit(X, ["no"] * 30 if "no" in labels else ["a"] * 30,
                                             labels, np.zeros(30))  # fmt: skip
    assert clf.classes_.tolist() == labels
    np.testing.assert_allclose(clf.predict_proba(X), 1 / len(labels))
    assert clf.n_iter_ == 0
    assert clf.history_["cost"] == pytest.approx([np.log(len(labels))], rel=1e-14)
    assert "partial_fit" in str(clf)


def test_a_chunk_of_weight_0_leaves_a_fit_as_it_is():
    X, y = rows()
    clf = GDLogisticRegression(warm_start=True, early_stopping=False).fit(X, y)
    before = pickle.dumps(vars(clf))
    assert pickle.dumps(vars(clf.partial_fit(X, y, sample_weight=np.zeros(len(y))))) == before


X_, Y_ = rows(30)
REFUSED = {
    "no classes": (lambda c: c.partial_fit(X_, Y_), "classes must be given in the first call"),
    "one class": (lambda c: c.partial_fit(X_, 0 * Y_, [0]), "classes must be at least 2"),
    "a label unseen": (lambda c: c.partial_fit(X_, Y_ + 1, [0, 1]), r"y must .* Got \[2\]"),
    "other classes": (
        lambda c: c.partial_fit(X_, Y_, [0, 1]).partial_fit(X_, Y_, [0, 2]),
        "classes must be those",
    ),
    "other columns": (
        lambda c: c.partial_fit(X_, Y_, [0, 1]).partial_fit(X_[:, 1:], Y_),
        "5 features",
    ),
    "balanced": (
        lambda c: c.set_params(class_weight="balanced").partial_fit(X_, Y_, [0, 1]),
        "class_weight",
    ),
    "early stopping": (
        lambda c: c.set_params(early_stopping=True).partial_fit(X_, Y_, [0, 1]),
        "early_stopping",
    ),
    "NaN": (lambda c: c.partial_fit(X_ * np.nan, Y_, [0, 1]), "contains NaN"),
    "a search": (
        lambda c: c.set_params(learning_rate="backtracking", batch_size=9).partial_fit(X_, Y_, [0]),
        "learning_rate",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_a_stream_cannot_do_is_refused(case):
    call, message = REFUSED[case]
    with pytest.raises(ValueError, match=message):
        call(GDLogisticRegression())


def fed(X, y, size, order, n_classes, **params):
    """The model of a stream, and the ConvergenceWarnings of its calls."""
    clf = GDLogisticRegression(random_state=0, **params)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for start in range(0, len(order), size):
            index = order[start : start + size]
            clf.partial_fit(X[index], y[index], classes=range(n_classes))
            clf = pickle.loads(pickle.dumps(clf))
    assert all(w.category is ConvergenceWarning and w.filename == __file__ for w in caught)
    return clf, [str(w.message) for w in caught]


FORMS = {
    "default": {},
    "weak penalty": {"C": np.inf},
    "strong penalty": {"C": 0.01},
    "L1": {"l1_ratio": 1.0},
    "by products": {"solver": NaturalGradient(direct_limit=1)},
    "batches": {"batch_size": 25},
    "adam": {"solver": "adam"},
}


@pytest.mark.parametrize(
    ("size", "n_classes", "form"), pairwise(["a quarter of a class", 37, 10], [2, 3, 4, 10], FORMS)
)
def test_rows_sorted_by_class_are_noticed_once_and_others_are_not(size, n_classes, form):
    X, y = rows(1200, 6, n_classes)
    ordered = np.argsort(y, kind="stable")
    size = 1200 // n_classes // 4 if size == "a quarter of a class" else size
    _, caught = fed(X, y, size, ordered, n_classes, **FORMS[form])
    assert len(caught) == 1
    assert "sorted by class" in caught[0]
    assert "Shuffle the rows" in caught[0]
    assert fed(X, y, size, np.arange(1200), n_classes, **FORMS[form])[1] == []


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("n_classes", [2, 3, 4, 10])
def test_no_model_of_sorted_rows_is_worse_than_none_in_silence(n_classes, form):
    X, y = rows(2000, 6, n_classes)
    X, ordered = X / np.logspace(-1, 1, 6), np.argsort(y, kind="stable")
    for calls in (1, 2, 5):  # for each class
        size = 2000 // n_classes // calls
        clf, caught = fed(X, y, size, ordered, n_classes, **FORMS[form])
        loss = -np.log(clf.predict_proba(X)[np.arange(2000), y]).mean()
        assert caught or loss < np.log(n_classes)
        if form == "default" and calls == 1 and 2 < n_classes < 10:
            assert loss < 0.9 * np.log(n_classes)
        assert loss < 4 * np.log(n_classes)


def test_rare_classes_and_calls_of_any_size_are_no_sorted_rows():
    for seed in range(60):
        rng = np.random.default_rng(seed)
        n_classes = rng.integers(2, 12)
        y = rng.choice(n_classes, 600, p=rng.dirichlet(np.full(n_classes, 0.3)))
        X = rng.normal(size=(600, 1))
        params = {"solver": "gd", "learning_rate": 0.01}
        assert fed(X, y, rng.integers(5, 60), np.arange(600), n_classes, **params)[1] == []


def test_a_class_that_is_new_and_rare_is_no_sorted_row():
    X, y = rows(3000, 6, 3)
    late = np.r_[np.flatnonzero(y[:1500] != 2), np.arange(1500, 3000)]
    late = late[(y[late] != 2) | (late % 5 == 0)]  # from the middle on, one row in 15
    assert fed(X, y, 100, late, 3)[1] == []


def test_a_given_rate_is_used_as_it_is_on_sorted_rows_too():
    X, y = rows(400, 6, 2)
    clf, _ = fed(X, y, 100, np.argsort(y, kind="stable"), 2, learning_rate=0.5)
    assert clf.history_["learning_rate"][1:].tolist() == [0.5] * 4
