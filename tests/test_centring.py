"""Columns far from 0: an offset changes no more than the intercept."""

import numpy as np
import pytest
from scipy import sparse, special
from sklearn.exceptions import ConvergenceWarning

from sklearn_gd_logreg import GDLogisticRegression

from .descents import converged_or_warned
from .pairwise import pairwise
from .problems import cost

pytestmark = pytest.mark.rounding


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


# -- columns far from 0 ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("storage", "ratio", "penalty"),
    pairwise(
        [np.array, np.asfortranarray, sparse.csr_array], [0.0, 1e2, 1e4, 1e6, 1e8, 1e10], PENALTIES
    ),
)
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


# -- outliers ----------------------------------------------------------------------------------


@pytest.mark.parametrize("storage", [np.array, sparse.csr_array])
@pytest.mark.parametrize("C", [1.0, np.inf])
def test_wide_rows_far_from_0_without_an_intercept_warn_where_history_is_not_the_model(C, storage):
    rng = np.random.default_rng(1)
    X, y = rng.standard_normal((50, 200)), rng.integers(0, 2, 50)
    near = GDLogisticRegression(C=C, fit_intercept=False)
    assert converged_or_warned(near, storage(X + 10.0), y)
    assert cost(X + 10.0, y, near, C=C) == pytest.approx(near.history_["cost"][-1], rel=1e-6)
    with pytest.warns(ConvergenceWarning, match="means or the scales of the features"):
        near.fit(storage(X + 1e6), y)
