"""A fit that stops by `tol` is at its optimum, seen from a better point, or it warns."""

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from sklearn_gd_logreg import GDLogisticRegression, NaturalGradient
from sklearn_gd_logreg.data import Dataset, as_dataset
from sklearn_gd_logreg.fitting.fenchel_bound import bound_agrees, fenchel_gap
from sklearn_gd_logreg.loss import cross_entropy
from sklearn_gd_logreg.objective import Objective, Point
from sklearn_gd_logreg.penalty import ElasticNet

from .descents import converged_or_warned
from .pairwise import pairwise
from .problems import cost, kkt_violation, load, noisy, solve_lasso

pytestmark = pytest.mark.rounding


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


# -- outliers ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("l1_ratio", "size", "n_rows"), pairwise([0.0, 0.5], [1e4, 1e6, 1e9, 1e12, 1e15], [200, 3000])
)
def test_one_huge_value_does_not_end_a_fit_in_silence(n_rows, size, l1_ratio):
    n_converged = 0
    for seed in range(4):
        X, y, row, column = with_outlier(n_rows, size, seed)
        clf = GDLogisticRegression(l1_ratio=l1_ratio)
        if converged_or_warned(clf, X, y):
            n_converged += 1
            better = better_than(X, y, row, column, l1_ratio=l1_ratio)
            assert clf.history_["cost"][-1] <= better + 1e-6
    assert n_converged >= 3


@pytest.mark.parametrize("seed", range(6))
def test_one_value_of_999999999_is_fitted(seed):
    X, y, row, column = with_outlier(200, 999999999.0, seed)
    clf = GDLogisticRegression().fit(X, y)
    assert clf.stop_reason_ == "tol"
    assert clf.history_["cost"][-1] <= better_than(X, y, row, column) + 1e-6


@pytest.mark.parametrize("tol", [1e-2, 1e-3])
def test_one_huge_value_hides_nothing_from_a_coarse_tolerance(tol):
    n_converged = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        X, y, row, column = with_outlier(200, 10 ** rng.uniform(4, 15), seed)
        C = 10 ** rng.uniform(-2.5, -1)
        clf = GDLogisticRegression(C=C, tol=tol)
        if converged_or_warned(clf, X, y):
            n_converged += 1
            assert clf.history_["cost"][-1] <= better_than(X, y, row, column, C=C) + 10 * tol**2
    assert n_converged >= 35


@pytest.mark.parametrize("seed", [10, 22, 31, 46])
def test_a_row_on_its_way_to_saturation_costs_no_pass_that_is_not_counted(monkeypatch, seed):
    """Each of many small steps is a step of Newton's method: one pass for J, dw and F."""
    passes, original = [], Dataset.sum

    def counted(self, *args, **kwargs):
        passes.append(None)
        return original(self, *args, **kwargs)

    monkeypatch.setattr(Dataset, "sum", counted)
    X, y, _, _ = with_outlier(200, 1e9, seed)
    clf = GDLogisticRegression(C=0.01, tol=1e-2).fit(X, y)
    assert clf.n_iter_ > 15
    assert len(passes) <= clf.history_["passes"][-1] + 4


def test_without_a_penalty_one_huge_value_does_not_end_a_fit_either():
    n_converged = 0
    for seed in range(0, 100, 5):
        rng = np.random.default_rng(seed)
        X, y, _, _ = with_outlier(200, 10 ** rng.uniform(5, 11), seed)
        clf = GDLogisticRegression(C=np.inf)
        if converged_or_warned(clf, X, y):
            n_converged += 1
            nearly = GDLogisticRegression(C=1e12, tol=1e-6, max_iter=300).fit(X, y)
            assert clf.history_["cost"][-1] <= nearly.history_["cost"][-1] + 1e-6
    assert n_converged >= 17


def one_hot(seed, n_classes):
    rng = np.random.default_rng(seed)
    X = np.eye(10)[rng.integers(0, 10, 150)]
    y = (X @ rng.standard_normal((10, n_classes)) + rng.gumbel(size=(150, n_classes))).argmax(1)
    y[:n_classes] = np.arange(n_classes)
    return X, y, float(10 ** rng.uniform(-1, 2))


# -- the lasso of a step -----------------------------------------------------------------------


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


@pytest.mark.parametrize("solver", ["gd", "natural"])
def test_a_tol_below_the_rounding_of_the_norm_is_not_reached_even_by_a_norm_of_0(solver):
    """Each row has both labels, and 32 rows of integers have exact sums: the gradient at 0 is 0."""
    X = np.tile(np.random.default_rng(0).integers(-4, 5, (16, 3)), (2, 1))
    y = np.repeat([0, 1], 16)
    eps = np.finfo(float).eps
    above = GDLogisticRegression(solver=solver, tol=4 * eps).fit(X, y)
    below = GDLogisticRegression(solver=solver, tol=eps / 4)
    with pytest.warns(
        ConvergenceWarning, match=r"rounding of the norm, .* is above tol.*raise tol"
    ):
        below.fit(X, y)
    assert (above.stop_reason_, below.stop_reason_) == ("tol", "stalled")
    assert above.n_iter_ == below.n_iter_ == 0


# -- the bound ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("l1_ratio", "n_classes", "fit_intercept"),
    pairwise([0.0, 0.3, 0.99, 1.0], [2, 4], [False, True]),
)
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
