"""An end that a fit calls converged is one: seen from a better point, and on rows never seen."""

import warnings

import numpy as np
import pytest
from scipy import sparse, special
from sklearn.datasets import make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from sklearn_gd_logreg import GDLogisticRegression, NaturalGradient
from sklearn_gd_logreg.data import as_dataset
from sklearn_gd_logreg.fitting.fenchel_bound import bound_agrees, fenchel_gap
from sklearn_gd_logreg.loss import cross_entropy
from sklearn_gd_logreg.objective import Objective, Point
from sklearn_gd_logreg.penalty import ElasticNet
from sklearn_gd_logreg.rules.natural.hessian_free import conjugate_gradients

from .problems import cost, kkt_violation, load, noisy, solve_lasso

pytestmark = pytest.mark.rounding


def converged_or_warned(clf, X, y, sample_weight=None):
    """The fitted model, and whether it claims to have converged."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        clf.fit(X, y, sample_weight)
    warned = [w for w in caught if issubclass(w.category, ConvergenceWarning)]
    assert bool(warned) == (clf.stop_reason_ not in ("tol",))
    return not warned


# -- flat directions: more features than rows, no penalty ------------------------------------


def wide(n_rows, n_features, seed, n_classes=2):
    rng = np.random.RandomState(seed)
    X, direction = rng.randn(n_rows, n_features), rng.randn(n_features, n_classes)
    new = rng.randn(1000, n_features)
    return X, np.argmax(X @ direction, axis=1), new, np.argmax(new @ direction, axis=1)


def least_norm(X, scores):
    """The smallest weights with these scores, up to a constant that b takes."""
    centred = scores - scores.mean(axis=0)
    return np.linalg.lstsq(X - X.mean(axis=0), centred, rcond=1e-10)[0]


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("dtype", ["f8", "f4"])
@pytest.mark.parametrize(("n_rows", "n_features"), [(210, 315), (300, 400), (100, 700)])
def test_weights_without_a_penalty_are_no_larger_than_their_scores_need(
    n_rows, n_features, dtype, n_classes
):
    X, y, new, truth = wide(n_rows, n_features, 0, n_classes)
    clf = GDLogisticRegression(C=np.inf).fit(X.astype(dtype), y)
    w = clf.coef_.T.astype(float)
    assert np.linalg.norm(w) <= 1.05 * np.linalg.norm(least_norm(X, X @ w))
    scores = X @ w + clf.intercept_
    least = least_norm(X, X @ w)
    z = new @ least + (scores - X @ least).mean(axis=0)
    right = (z.argmax(axis=1) if n_classes > 2 else z[:, 0] > 0) == truth
    assert abs(clf.score(new, truth) - right.mean()) < 0.03


def test_a_bootstrap_with_fewer_distinct_rows_than_features_is_wide_data_too():
    X, y, _, _ = wide(500, 400, 0)
    drawn = np.random.RandomState(0).randint(0, 500, 500)
    clf = GDLogisticRegression(C=np.inf).fit(X[drawn], y[drawn])
    w = clf.coef_.T
    assert np.linalg.norm(w) <= 1.05 * np.linalg.norm(least_norm(X[drawn], X[drawn] @ w))


@pytest.mark.parametrize("precision", [np.float64, np.float32])
def test_conjugate_gradients_leave_a_flat_direction_alone(precision):
    rng = np.random.RandomState(0)
    basis = np.linalg.qr(rng.randn(40, 40))[0]
    curvatures = np.r_[np.zeros(10), np.geomspace(0.1, 1, 30)]
    matrix = ((basis * curvatures) @ basis.T).astype(precision)
    seen = basis[:, 10:] @ rng.randn(30)
    rounding = np.finfo(precision).eps * basis[:, :10] @ rng.randn(10)
    solution, *_ = conjugate_gradients(
        lambda v: (matrix @ v.astype(precision)).astype(float),
        np.copy,
        seen + rounding,
        0.0,
        0.0,
        max_products=200,
        precision=precision,
    )
    exact = basis[:, 10:] @ ((basis[:, 10:].T @ seen) / curvatures[10:])
    assert np.linalg.norm(solution - exact) <= 1e-2 * np.linalg.norm(exact)


# -- rows of weight 0 -------------------------------------------------------------------------


@pytest.mark.parametrize("storage", [np.array, sparse.csr_array])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("C", [np.inf, 1e6, 1.0])
@pytest.mark.parametrize("shape", [(60, 200), (110, 100)])
def test_rows_of_weight_0_are_absent_where_the_others_are_fewer_than_features(
    shape, C, n_classes, storage
):
    rng = np.random.RandomState(0)
    X, y = rng.randn(*shape), rng.randint(0, n_classes, shape[0])
    weights = rng.randint(0, 3, shape[0]).astype(float)
    there = weights > 0
    assert there.sum() < shape[1]
    clf = GDLogisticRegression(C=C, tol=1e-6)
    with_them = clf.fit(storage(X), y, weights).predict_proba(X)
    without = clf.fit(storage(X[there]), y[there], weights[there]).predict_proba(X)
    np.testing.assert_allclose(with_them, without, atol=1e-6)


def test_early_stopping_on_wide_data_learns_from_the_rows_that_stay():
    X, y = make_classification(60, 200, n_informative=10, random_state=0)
    clf = GDLogisticRegression(early_stopping=True, random_state=0).fit(X, y)
    assert clf.best_iter_ > 0
    assert clf.history_["val_loss"].max() < 1
    assert clf.score(X, y) > 0.9


# -- columns far from 0 -----------------------------------------------------------------------


def unix_times(n_rows=2000, seed=0):
    rng = np.random.default_rng(seed)
    u, v = rng.random(n_rows), rng.normal(size=n_rows)
    y = (rng.random(n_rows) < special.expit(6 * (u - 0.5) + v)).astype(int)
    return u, v, y


PENALTIES = {
    "L2": {},
    "lasso": {"C": 1e3, "l1_ratio": 1.0},
    "elastic net": {"C": 10.0, "l1_ratio": 0.5},
}


@pytest.mark.parametrize("storage", [np.array, np.asfortranarray, sparse.csr_array])
@pytest.mark.parametrize("ratio", [0.0, 1e2, 1e4, 1e6, 1e8, 1e10])
@pytest.mark.parametrize("penalty", PENALTIES)
def test_an_offset_changes_no_more_than_the_intercept(penalty, ratio, storage):
    u, v, y = unix_times()
    X, far = np.c_[u, v], np.c_[u + ratio, v]
    near = far - [ratio, 0.0]  # the digits of u that are left, exactly
    clf = GDLogisticRegression(tol=1e-5, **PENALTIES[penalty])
    expected = clf.fit(near, y).history_["cost"][-1]
    coef = clf.coef_.copy()
    clf.fit(storage(far), y)
    assert clf.stop_reason_ == "tol"
    assert clf.history_["cost"][-1] == pytest.approx(expected, rel=1e-9)
    np.testing.assert_allclose(clf.coef_, coef, rtol=1e-3)
    assert X.shape == far.shape
    assert cost(far, y, clf, **PENALTIES[penalty]) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_offset_columns_of_large_data_are_centred_without_a_copy(n_classes):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40_000, 8))
    y = np.argmax(X @ rng.normal(size=(8, n_classes)) + rng.gumbel(size=(40_000, n_classes)), 1)
    far = X.copy()
    far[:, :3] += 2.0**20
    near = far.copy()
    near[:, :3] -= 2.0**20
    ours = GDLogisticRegression(tol=1e-7).fit(far, y)
    expected = GDLogisticRegression(tol=1e-7).fit(near, y)
    np.testing.assert_allclose(ours.coef_, expected.coef_, rtol=1e-5, atol=1e-8)
    assert ours.history_["cost"][-1] == pytest.approx(expected.history_["cost"][-1], rel=1e-10)


@pytest.mark.parametrize("weighted", [False, True])
def test_wide_data_far_from_0_and_validation_data_beside_it(weighted):
    rng = np.random.default_rng(0)
    near = np.round(rng.normal(size=(80, 150)), 3)
    y = (near[:, :4].sum(axis=1) > 0).astype(int)
    far = near + 2.0**22
    near = far - 2.0**22
    weights = rng.integers(0, 3, 80).astype(float) if weighted else None
    options = {"tol": 1e-7, "C": 0.1}
    ours = GDLogisticRegression(**options).fit(far, y, weights, X_val=far, y_val=y)
    expected = GDLogisticRegression(**options).fit(near, y, weights, X_val=near, y_val=y)
    np.testing.assert_allclose(ours.coef_, expected.coef_, rtol=1e-3, atol=1e-7)
    np.testing.assert_allclose(
        ours.history_["val_loss"][-1], expected.history_["val_loss"][-1], rtol=1e-5
    )


@pytest.mark.parametrize("offset", [0.0, 2.0**20])
def test_a_sample_of_few_long_weighted_rows_tells_whether_columns_are_far(offset):
    rng = np.random.default_rng(0)
    X = np.round(rng.normal(size=(12, 60_000)), 3)
    X[:, 0] += offset
    y, weights = np.arange(12) % 2, rng.integers(1, 4, 12).astype(float)
    clf = GDLogisticRegression(C=1e-3).fit(X, y, weights)
    assert clf.stop_reason_ == "tol"
    near = GDLogisticRegression(C=1e-3).fit(X - offset * (np.arange(60_000) == 0), y, weights)
    np.testing.assert_allclose(
        clf.predict_proba(X), near.predict_proba(X - offset * (np.arange(60_000) == 0)), atol=1e-4
    )


def test_a_start_and_a_warm_start_go_through_the_centring():
    u, v, y = unix_times()
    far = np.c_[1.7e9 + 3600 * u, v]
    clf = GDLogisticRegression(warm_start=True).fit(far, y)
    assert clf.set_params(C=1.0 + 1e-14).fit(far, y).n_iter_ == 0
    again = GDLogisticRegression().fit(far, y, coef_init=clf.coef_, intercept_init=clf.intercept_)
    assert again.history_["cost"][0] == pytest.approx(clf.history_["cost"][-1], rel=1e-6)


def test_what_a_model_of_columns_too_far_from_0_cannot_hold_is_said():
    u, v, y = unix_times()
    clf = GDLogisticRegression(C=1e3)
    with pytest.warns(ConvergenceWarning, match="far from 0"):
        clf.fit(np.c_[2.0**50 + 16 * np.round(u * 64), v], y)


# -- outliers ---------------------------------------------------------------------------------


def with_outlier(n_rows, size, seed):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_rows, 3))
    y = (X @ [1, -1, 0.5] + rng.logistic(size=n_rows) > 0).astype(int)
    row, column = rng.integers(n_rows), rng.integers(3)
    X[row, column] = size
    return X, y, row, column


def better_than(X, y, row, column, **options):
    """J of a point that uses the column of the outlier, and of one that does not."""
    others = np.delete(np.arange(len(y)), row)
    found = []
    for column_scale in (1.0, 0.0):
        weights = np.ones(len(others))
        seen = X[others].copy()
        seen[:, column] *= column_scale
        model = LogisticRegression(C=options.get("C", 1.0), max_iter=5000, tol=1e-10)
        model.fit(seen, y[others], weights)
        model.coef_[:, column] *= column_scale
        found.append(cost(X, y, model, **options))
    return min(found)


@pytest.mark.parametrize("l1_ratio", [0.0, 0.5])
@pytest.mark.parametrize("size", [1e4, 1e6, 1e9, 1e12, 1e15])
@pytest.mark.parametrize("n_rows", [200, 3000])
def test_one_huge_value_does_not_end_a_fit_in_silence(n_rows, size, l1_ratio):
    for seed in range(4):
        X, y, row, column = with_outlier(n_rows, size, seed)
        clf = GDLogisticRegression(l1_ratio=l1_ratio)
        if converged_or_warned(clf, X, y):
            better = better_than(X, y, row, column, l1_ratio=l1_ratio)
            assert clf.history_["cost"][-1] <= better + 1e-6


@pytest.mark.parametrize("seed", range(6))
def test_one_value_of_999999999_is_fitted(seed):
    X, y, row, column = with_outlier(200, 999999999.0, seed)
    clf = GDLogisticRegression().fit(X, y)
    assert clf.stop_reason_ == "tol"
    assert clf.history_["cost"][-1] <= better_than(X, y, row, column) + 1e-6


@pytest.mark.parametrize("tol", [1e-2, 1e-3])
def test_one_huge_value_hides_nothing_from_a_coarse_tolerance(tol):
    for seed in range(40):
        rng = np.random.default_rng(seed)
        X, y, row, column = with_outlier(200, 10 ** rng.uniform(4, 15), seed)
        C = 10 ** rng.uniform(-2.5, -1)
        clf = GDLogisticRegression(C=C, tol=tol)
        if converged_or_warned(clf, X, y):
            assert clf.history_["cost"][-1] <= better_than(X, y, row, column, C=C) + 10 * tol**2


@pytest.mark.parametrize("seed", range(0, 100, 5))
def test_without_a_penalty_one_huge_value_does_not_end_a_fit_either(seed):
    rng = np.random.default_rng(seed)
    X, y, _, _ = with_outlier(200, 10 ** rng.uniform(5, 11), seed)
    clf = GDLogisticRegression(C=np.inf)
    if converged_or_warned(clf, X, y):
        nearly = GDLogisticRegression(C=1e12, tol=1e-6, max_iter=300).fit(X, y)
        assert clf.history_["cost"][-1] <= nearly.history_["cost"][-1] + 1e-6


@pytest.mark.parametrize("storage", [np.array, sparse.csr_array])
@pytest.mark.parametrize("C", [1.0, np.inf])
def test_wide_rows_far_from_0_without_an_intercept_warn_where_history_is_not_the_model(C, storage):
    rng = np.random.default_rng(1)
    X, y = rng.standard_normal((50, 200)), rng.integers(0, 2, 50)
    near = GDLogisticRegression(C=C, fit_intercept=False)
    assert converged_or_warned(near, storage(X + 10.0), y)
    assert cost(X + 10.0, y, near, C=C) == pytest.approx(near.history_["cost"][-1], rel=1e-6)
    with pytest.warns(ConvergenceWarning, match="far from 0"):
        near.fit(storage(X + 1e6), y)


# -- the lasso of a step ----------------------------------------------------------------------


def one_hot(seed, n_classes):
    rng = np.random.default_rng(seed)
    X = np.eye(10)[rng.integers(0, 10, 150)]
    y = (X @ rng.standard_normal((10, n_classes)) + rng.gumbel(size=(150, n_classes))).argmax(1)
    y[:n_classes] = np.arange(n_classes)
    return X, y, float(10 ** rng.uniform(-1, 2))


@pytest.mark.parametrize("n_classes", [2, 3, 5])
@pytest.mark.parametrize("seed", [0, 1, 2, 55, 7])
def test_with_all_levels_of_a_category_the_subgradient_is_0_at_the_end(seed, n_classes):
    X, y, C = one_hot(seed, n_classes)
    clf = GDLogisticRegression(C=C, l1_ratio=1.0, tol=1e-6).fit(X, y)
    model = GDLogisticRegression(C=C, l1_ratio=1.0, tol=1e-6, solver=NaturalGradient(exact=True))
    for fitted in (clf, model.fit(X, y)):
        assert fitted.stop_reason_ == "tol"
        coef, intercept = kkt(X, y, fitted, C)
        assert max(coef, intercept) < 1e-6


def kkt(X, y, model, C):
    coef, intercept = kkt_violation(X, y, model, C=C, l1_ratio=1.0)
    return coef.max(), intercept.max()


@pytest.mark.parametrize("seed", range(20))
def test_the_lasso_on_a_singular_matrix_ends_at_its_minimum(seed):
    rng = np.random.default_rng(seed)
    factor = rng.integers(0, 2, (6, 12)).astype(float)
    fisher = factor.T @ factor / 6
    c = fisher @ rng.standard_normal(12)
    thresholds = np.full(12, 0.05)
    thresholds[-1] = 0.0
    u = solve_lasso(fisher, c, thresholds, np.zeros(12))
    slope = fisher @ u - c
    at_zero = np.maximum(np.abs(slope) - thresholds, 0)
    subgradient = np.where(u == 0, at_zero, np.abs(slope + thresholds * np.sign(u)))
    assert subgradient.max() < 1e-6


@pytest.mark.parametrize("l1_ratio", [0.5, 1.0])
@pytest.mark.parametrize("tol", [1e-8, 1e-9])
def test_a_norm_of_exactly_0_does_not_come_from_rounding(tol, l1_ratio):
    X, y = load("breast_cancer", scaled=True)
    clf = GDLogisticRegression(l1_ratio=l1_ratio, tol=tol).fit(X, y)
    assert clf.stop_reason_ == "tol"
    assert 0 < clf.history_["gradient_norm"][-1] <= tol


@pytest.mark.parametrize("l1_ratio", [0.5, 1.0])
def test_a_norm_below_what_the_numbers_tell_is_not_called_converged(l1_ratio):
    X, y = load("breast_cancer", scaled=True)
    clf = GDLogisticRegression(l1_ratio=l1_ratio, tol=1e-18)
    with pytest.warns(ConvergenceWarning, match="representable"):
        clf.fit(X, y)
    assert clf.stop_reason_ == "stalled"


# -- the bound --------------------------------------------------------------------------------


@pytest.mark.parametrize("l1_ratio", [0.0, 0.3, 0.99, 1.0])
@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("fit_intercept", [False, True])
def test_the_gap_bounds_what_is_left_to_gain(fit_intercept, n_classes, l1_ratio):
    X, y = noisy(150, 6, n_classes, 0)
    best = GDLogisticRegression(
        l1_ratio=l1_ratio, tol=1e-10, fit_intercept=fit_intercept, C=0.5
    ).fit(X, y)
    loss, strength = cross_entropy(n_classes), 1 / (0.5 * len(y))
    penalty = ElasticNet((1 - l1_ratio) * strength, l1_ratio * strength, 6)
    objective = Objective(as_dataset(X, loss.targets(y), None, fit_intercept), loss, penalty)
    at_best = np.vstack([best.coef_.T, best.intercept_[np.newaxis]])
    at_best = at_best if fit_intercept else at_best[:-1]
    lowest = Point(objective, at_best).cost
    rng = np.random.RandomState(0)
    for size in (0.0, 1e-6, 1e-3, 0.1, 1.0):
        if fit_intercept and size:
            continue  # there the bound is for the best b
        point = Point(objective, at_best + size * rng.standard_normal(at_best.shape))
        assert fenchel_gap(point) >= point.cost - lowest - 1e-12
    assert fenchel_gap(Point(objective, at_best)) < 1e-7
    assert bound_agrees(Point(objective, at_best), 1e-6)
    assert not bound_agrees(Point(objective, at_best + 1.0), 1e-6)
