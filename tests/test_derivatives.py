"""The derivatives of J against central differences, and its curvature against both."""

from dataclasses import dataclass
from itertools import combinations, product
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import sparse

from sklearn_gd_logreg import fisher as fisher_module
from sklearn_gd_logreg.data import as_dataset, csr, dense
from sklearn_gd_logreg.fisher import assemble_fisher
from sklearn_gd_logreg.line_search import cubic_minimizer
from sklearn_gd_logreg.loss import cross_entropy
from sklearn_gd_logreg.objective import Objective, Point
from sklearn_gd_logreg.penalty import ElasticNet
from sklearn_gd_logreg.rules.natural import kronecker
from sklearn_gd_logreg.rules.natural.curvature import (
    CholeskyFisher,
    center_classes,
    regularized_fisher,
)
from sklearn_gd_logreg.rules.natural.hessian_free import conjugate_gradients
from sklearn_gd_logreg.rules.natural.kronecker import KroneckerFisher
from sklearn_gd_logreg.rules.natural.lbfgs import LBFGS, DiagonalBase, curvature_along

from .pairwise import pairwise
from .problems import mean_loss_and_gradient, noisy, sparse_rows, uneven_weights

pytestmark = [pytest.mark.rounding, pytest.mark.usefixtures("as_in_fit")]


@dataclass(frozen=True)
class Case:
    """One kind of cost: classes, storage, weights, penalty, intercept."""

    n_classes: int
    storage: str
    weighted: bool
    l2: float
    intercept: bool

    def __str__(self):
        words = ["binary" if self.n_classes == 2 else "softmax", self.storage]
        words += ["weighted"] * self.weighted + ["l2"] * bool(self.l2)
        return "-".join(words + ["intercept"] * self.intercept)

    def rows(self):
        X, y = noisy(40, 5, self.n_classes, seed=7, density=0.6)
        return sparse.csr_array(X) if self.storage == "sparse" else X, y

    def share(self):
        return uneven_weights(40) / uneven_weights(40).sum() if self.weighted else None

    def objective(self):
        X, y = self.rows()
        return objective_on(X, y, self.n_classes, self.share(), self.l2, self.intercept)

    def point(self):
        n_outputs = 1 if self.n_classes == 2 else self.n_classes
        shape = (5 + self.intercept, n_outputs)
        return np.random.RandomState(1).standard_normal(shape)


def objective_on(X, y, n_classes, share=None, l2=0.0, intercept=True):
    loss = cross_entropy(n_classes)
    column = None if share is None else share[:, np.newaxis]
    data = as_dataset(X, loss.targets(y), column, intercept)
    return Objective(data, loss, ElasticNet(l2, 0.0, X.shape[1]))


CASES = [
    Case(*kind, weighted, *penalty)
    for kind, weighted, penalty in pairwise(
        list(product((2, 4), ("dense", "sparse"))),
        [False, True],
        [(0.0, True), (0.3, True), (0.3, False)],
    )
]

each_case = pytest.mark.parametrize("case", CASES, ids=str)


def smooth_cost(objective, w):
    return objective.loss_and_gradient(w)[0] + objective.penalty.value(w)


def central_differences(function, w, h=1e-5):
    """Derivative of a function of w in every coordinate of w, one row each."""
    moves = h * np.eye(w.size).reshape(w.size, *w.shape)
    return np.array([(function(w + move) - function(w - move)) / (2 * h) for move in moves])


def fisher_by_differences(objective, w):
    return central_differences(lambda u: objective.loss_and_gradient(u)[1].ravel(), w)


@each_case
def test_the_gradient_is_that_of_the_cost(case):
    objective, w = case.objective(), case.point()
    slope = central_differences(lambda u: smooth_cost(objective, u), w)
    np.testing.assert_allclose(objective.loss_and_gradient(w)[1].ravel(), slope, atol=1e-9)


@each_case
def test_the_loss_is_the_cross_entropy_by_its_definition(case):
    w, (X, y) = case.point(), case.rows()
    coef, intercept = (w[:-1].T, w[-1]) if case.intercept else (w.T, 0.0)
    expected = mean_loss_and_gradient(X, y, coef, intercept, case.share())[0]
    found = case.objective().loss_and_gradient(w)[0]
    assert found == pytest.approx(expected, rel=1e-13)


@each_case
def test_the_fisher_information_is_the_second_derivative(case):
    objective, w = case.objective(), case.point()
    fisher = objective.fisher(w)
    np.testing.assert_allclose(fisher, fisher_by_differences(objective, w), atol=1e-9)
    np.testing.assert_array_equal(fisher, fisher.T)


@each_case
def test_products_with_the_fisher_information_are_those_of_the_matrix(case):
    objective, w = case.objective(), case.point()
    v = np.random.RandomState(2).standard_normal(w.shape)
    expected = (objective.fisher(w) @ v.ravel()).reshape(w.shape)
    np.testing.assert_allclose(objective.fisher.product(w)(v), expected, atol=1e-13)


@each_case
def test_the_diagonal_kept_with_the_products_is_that_of_the_matrix_where_a_is_constant(case):
    objective, w = case.objective(), np.zeros_like(case.point())
    expected = np.diag(objective.fisher(w)).reshape(w.shape)
    np.testing.assert_allclose(
        objective.fisher.product(w).diagonal(objective.mean_squares), expected, atol=1e-14
    )


@each_case
def test_the_factors_of_the_fisher_information_make_it_up_where_a_is_constant(case):
    objective, w = case.objective(), np.zeros_like(case.point())
    gram, classes = objective.fisher.kronecker_factors(w)
    penalty = np.diag(objective.penalty.gradient(np.ones_like(w)).ravel())
    np.testing.assert_allclose(np.kron(gram, classes) + penalty, objective.fisher(w), atol=1e-14)


@each_case
@pytest.mark.parametrize("damping", [0.0, 0.3])
def test_the_product_form_is_solved_as_the_matrix_that_it_stands_for(case, damping, monkeypatch):
    monkeypatch.setattr(kronecker, "MIN_BLOCK_RIDGE", 1e-12)
    objective, w = case.objective(), case.point()
    gram, classes = objective.fisher.kronecker_factors(w)
    values, vectors = np.linalg.eigh(classes)
    classes = vectors @ np.diag(np.maximum(values, 1e-6 * values[-1])) @ vectors.T
    penalty = objective.penalty.gradient(np.ones((len(w), 1)))[:, 0]
    damped = gram + damping * np.diag(np.diag(gram))
    matrix = np.kron(damped, classes)
    matrix += (1 + damping) * np.kron(np.diag(penalty), np.eye(len(classes)))
    moves = np.random.RandomState(0).standard_normal(w.shape)
    slopes = (matrix @ moves.ravel()).reshape(w.shape)
    found = KroneckerFisher.at(Point(objective, w), damping).solve(slopes)
    again = (matrix @ found.ravel()).reshape(w.shape)
    np.testing.assert_allclose(again, slopes, atol=1e-9 * np.abs(slopes).max())
    if np.linalg.cond(matrix) < 1e6:
        np.testing.assert_allclose(found, moves, atol=1e-6)


def test_the_product_form_does_not_depend_on_the_units_of_the_features():
    rng = np.random.RandomState(0)
    X, y = rng.standard_normal((60, 6)), np.arange(60) % 3
    X[:, 2] = 0
    units = 10.0 ** np.array([-6, 6, 3, 0, 4, -3, 0])[:, np.newaxis]
    plain, other = objective_on(X, y, 3), objective_on(X * units[:6, 0], y, 3)
    w = rng.standard_normal((7, 3))
    step = KroneckerFisher.at(Point(plain, w), 0.0).solve(Point(plain, w).dw)
    there = Point(other, w / units)
    np.testing.assert_allclose(
        KroneckerFisher.at(there, 0.0).solve(there.dw), step / units, rtol=1e-6
    )


@pytest.mark.parametrize("l2", [0.0, 1e-6])
def test_the_product_form_is_finite_where_all_probabilities_are_0_or_1(l2):
    X = np.random.RandomState(0).standard_normal((60, 6))
    w = 1e5 * np.random.RandomState(1).standard_normal((7, 3))
    objective = objective_on(X, (X @ w[:6] + w[6]).argmax(axis=1), 3, l2=l2)
    gram, classes = objective.fisher.kronecker_factors(w)
    assert not gram.any()
    assert not classes.any()
    slopes = np.ones_like(w)
    moves = KroneckerFisher.at(Point(objective, w), 0.0).solve(slopes)
    assert np.isfinite(moves).all()
    if l2:
        np.testing.assert_allclose(moves[:6], slopes[:6] / l2, rtol=1e-5)


@pytest.mark.parametrize(("precision", "bound"), [(np.float64, 1e12), (np.float32, 1e6)])
def test_where_f_is_singular_no_more_is_blown_up_than_rounding_allows(precision, bound):
    """Two features are the same: the inverse there is the least trace, by the gradient's digits."""
    X = np.random.RandomState(0).standard_normal((50, 3)).astype(precision)
    X[:, 2] = X[:, 1]
    point = Point(objective_on(X, np.arange(50) % 2, 2), np.zeros((4, 1), dtype=precision))
    base, scale = CholeskyFisher.at(point, 0.0), np.sqrt(np.diag(point.fisher()))
    inverse = np.array([base.solve(e) for e in np.eye(4)]) * np.outer(scale, scale)
    assert 0.1 * bound < np.linalg.eigvalsh(inverse)[-1] < 2 * bound


@each_case
@pytest.mark.parametrize("base", ["factor", "product"])
def test_lbfgs_is_a_symmetric_metric_that_fits_the_last_step(case, base):
    objective, w = case.objective(), case.point()
    start = Point(objective, w)
    some = KroneckerFisher.at(start, 0.01) if base == "product" else factor(start)
    metric, point = LBFGS(some), start
    for seed in range(3):
        before, step = point, np.random.RandomState(seed).standard_normal(w.shape)
        point = Point(objective, before.w + 0.1 * step)
        metric = metric.updated(before, point)
    last = point.w - before.w
    np.testing.assert_allclose(metric.solve(point.dw - before.dw), last, atol=1e-9)
    inverse = np.array([metric.solve(e.reshape(w.shape)).ravel() for e in np.eye(w.size)])
    np.testing.assert_allclose(inverse, inverse.T, atol=1e-8 * np.abs(inverse).max())
    assert np.linalg.eigvalsh(inverse)[0] > 0


@each_case
@pytest.mark.parametrize("chosen", [0, 1, 2])
def test_the_power_of_the_diagonal_is_the_one_that_a_step_has_shown(case, chosen):
    metric = DiagonalBase.from_objective(case.objective())
    assume_distinct(metric.metrics)
    step = np.random.RandomState(0).standard_normal(metric.metrics.shape[1])
    change = 3 * metric.metrics[chosen] * step
    fitted = metric.fitted(step, change)
    assert fitted.chosen == chosen
    np.testing.assert_allclose(fitted.solve(change), 3 * step)


@pytest.mark.parametrize("span", [0, 3, 9, 20])
def test_a_long_diagonal_is_in_single_precision_unless_the_scales_need_double(span):
    """Either way the power is the one that a step has shown, for any scale of the features."""
    random = np.random.RandomState(0)
    scales = 10.0 ** np.linspace(-span, span, 2100)
    X = sparse.random(300, 2100, density=0.02, random_state=0).multiply(scales)
    metric = DiagonalBase.from_objective(objective_on(sparse.csr_array(X), np.arange(300) % 2, 2))
    single = metric.metrics.dtype == np.float32
    assert single == (span <= 3)
    assert DiagonalBase.from_objective(CASES[0].objective()).metrics.dtype == np.float64
    for chosen in range(3):
        step = random.standard_normal(2101) * np.sqrt(metric.inverses[chosen].astype(float))
        change = 3 * metric.metrics[chosen].astype(float) * step
        size = np.sqrt(np.linalg.norm(step) * np.linalg.norm(change))
        pair = (part.astype(metric.precision) / size for part in (step, change))
        assert metric.fitted(*pair).chosen == chosen


@pytest.mark.parametrize("span", [0, 6, 12])
def test_whether_a_change_is_rounding_does_not_depend_on_the_units(span):
    rng = np.random.RandomState(0)
    units = 10.0 ** rng.uniform(-span, span, 40)
    step, noise, dw = rng.standard_normal((3, 40))
    change = step + 0.1 * noise
    inner = curvature_along(step / units, change * units, dw * units)
    assert inner == pytest.approx(step @ change)
    assert curvature_along(step / units, 1e-18 * change * units, dw * units) == 0
    assert curvature_along(step / units, -change * units, dw * units) == 0


@pytest.mark.parametrize("scale", [1e-25, 1.0, 1e25])
def test_a_long_step_is_remembered_at_any_scale(scale):
    """It is scaled, and in the precision of the metric that it corrects."""
    X = sparse.random(300, 2100, density=0.02, random_state=0, format="csr") * scale
    objective = objective_on(sparse.csr_array(X), np.arange(300) % 2, 2, intercept=False)
    before = Point(objective, np.zeros((2100, 1)))
    point = before.move(-before.dw / scale**2)
    (pair,) = LBFGS(DiagonalBase.from_objective(objective)).updated(before, point).pairs
    assert pair.s.dtype == pair.y.dtype == (np.float32 if scale == 1 else np.float64)
    lengths = [np.linalg.norm(part.astype(float)) for part in (pair.s, pair.y)]
    assert np.prod(lengths) == pytest.approx(1, rel=1e-5)


def assume_distinct(metrics):
    ratios = metrics / metrics[:, :1]
    if np.ptp(ratios, axis=0).max() < 1e-9:
        pytest.skip("all powers of this diagonal are the same")


@pytest.mark.parametrize("accuracy", [0.5, 0.1, 1e-6])
def test_conjugate_gradients_end_as_near_as_asked(accuracy):
    rng = np.random.RandomState(0)
    root = rng.standard_normal((60, 60)) * 10 ** rng.uniform(-1, 1, 60)
    matrix, slope = root.T @ root + 0.1 * np.eye(60), rng.standard_normal(60)
    solution = np.linalg.solve(matrix, slope)
    count, squares = [], np.diag(matrix)

    def product(v):
        count.append(None)
        return matrix @ v

    found, gain, _ = conjugate_gradients(product, lambda v: v / squares, slope, accuracy, 0.0)
    error = found - solution
    size = slope @ solution
    assert error @ matrix @ error <= 2 * accuracy**2 * size
    assert found @ matrix @ found <= gain <= (1 + accuracy**2) * size
    assert len(count) < 200
    enough = np.sqrt(0.1 * size)
    near, *_ = conjugate_gradients(product, lambda v: v / squares, slope, 1e-9, enough)
    assert (near - solution) @ matrix @ (near - solution) <= 0.2 * size


@each_case
def test_what_all_scores_share_is_taken_to_where_the_penalty_is_least(case):
    objective, w = case.objective(), case.point()
    move = np.random.RandomState(3).standard_normal(w.shape)
    step = center_classes(move.copy(), Point(objective, w))
    z = np.random.RandomState(4).standard_normal((5, len(w)))
    difference = objective.loss.probabilities(z @ (w - step))
    np.testing.assert_allclose(difference, objective.loss.probabilities(z @ (w - move)), rtol=1e-9)
    if case.n_classes > 2:
        left = (w - step).mean(axis=1)
        kept = w.mean(axis=1)
        kept[: objective.penalty.n_features] *= not case.l2
        np.testing.assert_allclose(left, kept, atol=1e-14)


@pytest.mark.parametrize("vain", [0, 1, 2, 5])
def test_conjugate_gradients_do_not_end_where_what_preconditions_is_rounding(vain):
    """Of the first solutions, or of the third, nothing is left but a direction uphill."""
    rng = np.random.RandomState(0)
    root, slope = rng.standard_normal((40, 40)), rng.standard_normal(40)
    matrix, calls = root.T @ root + np.eye(40), []

    def solve(v):
        calls.append(None)
        return -v if len(calls) <= vain or len(calls) == 8 else v / np.diag(matrix)

    found, gain, _ = conjugate_gradients(lambda v: matrix @ v, solve, slope, 1e-6, 0.0)
    np.testing.assert_allclose(found, np.linalg.solve(matrix, slope), rtol=1e-3, atol=1e-5)
    assert gain == pytest.approx(slope @ np.linalg.solve(matrix, slope))


@pytest.mark.parametrize("at", [0.2, 0.35, 0.6])
def test_interpolation_finds_the_minimum_of_a_cubic(at):
    def cost(t):
        return (t - at) ** 2 * (1 + 0.5 * (t - at))

    def slope(t):
        return 2 * (t - at) + 1.5 * (t - at) ** 2

    here = SimpleNamespace(w=np.zeros((1, 1)), cost=cost(0))
    there = SimpleNamespace(w=np.ones((1, 1)), cost=cost(1), dw=np.array([[slope(1)]]))
    assert cubic_minimizer(here, there, -slope(0)) == pytest.approx(at)


def factor(point):
    return CholeskyFisher.factorise(regularized_fisher(point, 0.01))


@each_case
def test_the_costs_between_two_points_are_those_of_the_points_between(case):
    objective, w = case.objective(), case.point()
    here, there = Point(objective, w), Point(objective, -2 * w + 0.3)
    lengths = np.array([0.0, 0.25, 0.5, 1.0])
    costs = [Point(objective, w + t * (there.w - w)).cost for t in lengths]
    np.testing.assert_allclose(here.costs_between(there, lengths), costs, rtol=1e-13)


@pytest.mark.parametrize("blocks", ["one block", "many blocks"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@each_case
def test_one_pass_gives_what_two_give(case, dtype, blocks, monkeypatch):
    if blocks == "many blocks":
        monkeypatch.setattr(dense, "MAX_BYTES_WITH_INTERCEPT_COLUMN", 0)
        monkeypatch.setattr(dense, "BLOCK_BYTES", 500)
        monkeypatch.setattr(csr, "MIN_ENTRIES_PER_BLOCK", 1)
        monkeypatch.setattr(csr, "MIN_ENTRIES_PER_FEATURE", 5)
    X, y = case.rows()
    share = None if case.share() is None else case.share().astype(dtype)
    objective = objective_on(X.astype(dtype), y, case.n_classes, share, case.l2, case.intercept)
    assert (len(list(objective.data.blocks())) > 1) == (blocks == "many blocks")
    w = case.point().astype(dtype)
    loss, dw = objective.loss_and_gradient(w)
    before = objective.data.passes.count
    fused = objective.loss_gradient_and_fisher(w)
    assert objective.data.passes.count == before + 1
    tol = 1e-14 if dtype == "float64" else 2e-7
    assert fused[0] == pytest.approx(loss, rel=tol)
    assert fused[1].dtype == dtype
    np.testing.assert_allclose(fused[1], dw, atol=tol)
    assert fused[2].dtype == np.float64
    np.testing.assert_allclose(fused[2], objective.fisher(w), atol=tol)
    np.testing.assert_array_equal(fused[2], fused[2].T)


@each_case
def test_a_curved_point_hands_out_its_fisher_information_again_and_again(case):
    objective, w = case.objective(), case.point()
    point = Point(objective, np.zeros_like(w), fused=True).move(w)
    damped = regularized_fisher(point, 0.5)
    assert objective.data.passes.count == 1
    np.testing.assert_allclose(np.diag(damped), 1.5 * np.diag(point.fisher()), rtol=1e-5)
    np.testing.assert_allclose(point.fisher(), Point(objective, w).fisher(), atol=1e-14)
    some = np.array([1, 3])
    np.testing.assert_allclose(point.fisher(some), objective.fisher(w, some), atol=1e-14)


@each_case
def test_the_fisher_information_keeps_its_digits_far_from_the_data(case):
    """Where all rows are fitted well F is tiny, but F / its scale is what it was."""
    objective, w = case.objective(), 8 * case.point()
    data, l2 = objective.data, objective.penalty.l2
    X = np.hstack([case.rows()[0] @ np.eye(5), np.ones((40, 1))])[:, : data.n_parameters]
    z = (X @ w).astype(np.longdouble)
    z = np.hstack([np.zeros_like(z), z]) if case.n_classes == 2 else z
    a = np.exp(z - z.max(axis=1, keepdims=True))
    a /= a.sum(axis=1, keepdims=True)
    share = np.broadcast_to(np.ravel(data.share), 40)
    expected = {}
    for c in range(a.shape[1]):
        for d in range(c):
            expected[c, d] = ((share * a[:, c] * a[:, d])[:, np.newaxis] * X).T @ X
    fisher = objective.fisher(w)
    penalty = l2 * np.diag(np.arange(w.size) < 5 * w.shape[1])
    if case.n_classes == 2:
        np.testing.assert_allclose(
            fisher - penalty, expected[1, 0].astype(float), rtol=1e-9, atol=1e-16
        )
        return
    by_class = fisher.reshape(len(w), w.shape[1], len(w), w.shape[1])
    for (c, d), block in expected.items():
        scale = np.abs(block).max()
        np.testing.assert_allclose(by_class[:, c, :, d], -block.astype(float), atol=1e-12 * scale)
    for c in range(w.shape[1]):
        block = sum(gram for pair, gram in expected.items() if c in pair).astype(float)
        own = by_class[:, c, :, c] - l2 * np.diag(np.arange(len(w)) < 5)
        np.testing.assert_allclose(own, block, atol=1e-12 * np.abs(block).max() + 1e-16)


@pytest.mark.parametrize("n_classes", [3, 4, 7])
@pytest.mark.parametrize("few", [True, False])
def test_the_fisher_information_is_put_together_from_pairs_of_classes(few, n_classes, monkeypatch):
    """Block by block as it is defined, in one product or piece by piece."""
    monkeypatch.setattr(fisher_module, "MAX_WORK_IN_ONE_PRODUCT", 10**9 * few)
    grams = np.random.RandomState(0).standard_normal((n_classes * (n_classes - 1) // 2, 3, 3))
    grams = grams + grams.swapaxes(1, 2)
    by_class = assemble_fisher(grams, n_classes).reshape(3, n_classes, 3, n_classes)
    rows = np.zeros((n_classes, n_classes, 3, 3))
    for gram, (c, d) in zip(grams, combinations(range(n_classes), 2), strict=True):
        rows[c, d] = rows[d, c] = -gram
    for c in range(n_classes):
        rows[c, c] = -rows[c].sum(axis=0)
    np.testing.assert_allclose(by_class, rows.transpose(2, 0, 3, 1), atol=1e-14)


@pytest.mark.parametrize("l2", [0.0, 0.3])
@pytest.mark.parametrize("intercept", [True, False])
def test_f_has_a_curvature_where_all_scores_of_a_softmax_rise_alike(intercept, l2):
    """Only in parameters without a penalty, and such that the others are left alone."""
    case = Case(4, "dense", False, l2, intercept)
    point = Point(case.objective(), case.point())
    added = regularized_fisher(point, 0.0) - point.fisher()
    side = len(point.w)
    free = np.arange(side) >= (5 if l2 else 0)
    rise = np.kron(np.eye(side), np.full((4, 1), 0.5))
    in_it = rise.T @ added @ rise
    np.testing.assert_allclose(added, rise @ in_it @ rise.T, atol=1e-14)
    np.testing.assert_array_equal(in_it[~free], 0)
    mean = np.einsum("icjc->ij", point.fisher().reshape(side, 4, side, 4)) / 4
    np.testing.assert_allclose(in_it[free][:, free], 1e-6 * mean[free][:, free], atol=1e-14)


@each_case
def test_the_fisher_information_of_some_features_is_a_part_of_the_matrix(case):
    objective, w = case.objective(), case.point()
    features = np.array([0, 2, 4])
    rows = np.append(features, 5) if case.intercept else features
    places = np.arange(w.size).reshape(w.shape)[rows].ravel()
    part = objective.fisher(w)[np.ix_(places, places)]
    np.testing.assert_allclose(objective.fisher(w, features), part, atol=1e-14)


@pytest.mark.parametrize(
    ("dtype", "intercept", "n_classes", "n_features"),
    pairwise(["float64", "float32"], [True, False], [2, 3], [100, 180, 250, 300, 500, 700]),
)
def test_a_part_of_the_fisher_information_has_its_size_whatever_that_of_x(
    n_features, n_classes, intercept, dtype
):
    """X is copied beside the 1 of the intercept if small, and its products made at once."""
    X, y = noisy(100, n_features, n_classes, seed=7)
    objective = objective_on(X.astype(dtype), y, n_classes, None, 0.3, intercept)
    n_outputs = 1 if n_classes == 2 else n_classes
    w = 0.1 * np.random.RandomState(0).standard_normal((n_features + intercept, n_outputs))
    features = np.array([0, 5, n_features - 1])
    rows = np.append(features, n_features) if intercept else features
    chosen = (rows[:, np.newaxis] * n_outputs + np.arange(n_outputs)).ravel()
    whole = objective.fisher(w.astype(dtype))
    part = objective.fisher(w.astype(dtype), features)
    np.testing.assert_allclose(part, whole[np.ix_(chosen, chosen)], rtol=1e-5, atol=1e-12)


@each_case
def test_the_derivatives_in_single_precision_are_near(case):
    X, y = case.rows()
    share = None if case.share() is None else case.share().astype(np.float32)
    single = objective_on(
        X.astype(np.float32), y, case.n_classes, share, case.l2, case.intercept
    ).loss_and_gradient(case.point().astype(np.float32))[1]
    assert single.dtype == np.float32
    double = case.objective().loss_and_gradient(case.point())[1]
    np.testing.assert_allclose(single, double, atol=1e-5)


# -- the bound on the curvature ---------------------------------------------------------------


@pytest.mark.parametrize("case", [c for c in CASES if c.n_classes == 2], ids=str)
def test_lipschitz_is_the_largest_curvature_of_two_classes(case):
    objective = case.objective()
    largest = largest_curvature(objective, 0 * case.point())
    assert largest * (1 - 1e-12) <= objective.lipschitz <= 1.02 * largest


@each_case
@pytest.mark.parametrize("length", [0.0, 1.0, 10.0])
def test_lipschitz_is_never_below_the_curvature(case, length):
    objective = case.objective()
    largest = largest_curvature(objective, length * case.point())
    assert largest <= objective.lipschitz * (1 + 1e-12)


def test_lipschitz_of_the_softmax_is_reached():
    # One row, at whose best split of the probability between two classes (a = ½, ½, 0).
    objective = objective_on(np.array([[2.0]]), np.array([0]), 3, intercept=False)
    w = np.array([[20.0, 20.0, -20.0]])
    assert largest_curvature(objective, w) == pytest.approx(objective.lipschitz, rel=1e-9)


def many_features(kind):
    """700 features, of which one, many or none stand out."""
    if kind == "sparse":
        return sparse_rows(900, 700, seed=4, density=0.05)
    X = np.random.RandomState(5).standard_normal((300, 700))
    if kind == "decay":
        X *= 0.99 ** np.arange(700)
    if kind == "spike":
        X[:, 600] *= 20
    return X + (3 if kind == "mean" else 0)


@pytest.mark.parametrize(
    ("intercept", "weighted", "kind"),
    pairwise([True, False], [False, True], ["noise", "mean", "decay", "spike", "sparse"]),
)
def test_lipschitz_of_many_features_is_the_largest_curvature(kind, weighted, intercept):
    X = many_features(kind)
    n_rows = X.shape[0]
    share = uneven_weights(n_rows) if weighted else np.ones(n_rows)
    share /= share.sum()
    y = np.arange(n_rows) % 2
    objective = objective_on(X, y, 2, share if weighted else None, 1e-3, intercept)
    dense = X.toarray() if sparse.issparse(X) else X
    root = np.sqrt(share)[:, np.newaxis]
    full = np.column_stack([dense, np.ones(n_rows)]) if intercept else dense
    largest = np.linalg.norm(root * full, 2) ** 2 / 4 + 1e-3
    assert largest <= objective.lipschitz <= 1.021 * largest


def largest_curvature(objective, w):
    return np.linalg.eigvalsh(objective.fisher(w))[-1]


# -- the diagonal of F ---------------------------------------------------------------------


@each_case
def test_the_diagonal_of_the_fisher_information_takes_a_pass_and_no_matrix(case):
    objective, w = case.objective(), case.point()
    before = objective.data.passes.count
    found = objective.fisher.diagonal(w)
    assert objective.data.passes.count == before + 1
    np.testing.assert_allclose(found.ravel(), np.diag(objective.fisher(w)), atol=1e-14)


# -- F from products in single precision ---------------------------------------------------


def unit(fisher, like):
    """A Fisher information in the units in which another has a unit diagonal."""
    scale = np.sqrt(np.diag(like))
    return fisher / scale / scale[:, np.newaxis]


@each_case
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("blocks", ["one block", "many blocks"])
def test_products_in_single_precision_have_seven_digits(case, dtype, blocks, monkeypatch):
    monkeypatch.setattr(dense, "MAX_BYTES_WITH_INTERCEPT_COLUMN", 0)
    monkeypatch.setattr(dense, "MAX_ENTRIES_FOR_BATCHED_GRAMS", 0)
    monkeypatch.setattr(csr, "CSR_PAIR_WORK", 1e9)
    if blocks == "many blocks":
        monkeypatch.setattr(dense, "BLOCK_BYTES", 500)
        monkeypatch.setattr(csr, "ENTRIES_PER_DENSE_CHUNK", 50)
    X, y = case.rows()
    objective = objective_on(
        X.astype(dtype), y, case.n_classes, case.share(), case.l2, case.intercept
    )
    w = case.point().astype(dtype)
    exact, single = objective.fisher(w), objective.fisher(w, precision=np.float32)
    assert single.dtype == np.float64
    assert np.abs(exact - single).max() > 0
    np.testing.assert_allclose(unit(single, exact), unit(exact, exact), atol=1e-6)


def quickly(X, l2=1e-3, n_classes=2):
    """F in double precision, what is factorised, and the passes of the latter."""
    y = np.arange(len(X)) % n_classes
    objective = objective_on(X, y, n_classes, l2=l2)
    point = Point(objective, np.zeros((X.shape[1] + 1, 1 if n_classes == 2 else n_classes)))
    exact = regularized_fisher(point, 0.0)
    before = objective.data.passes.count
    found = CholeskyFisher.at(point, 0.0)
    passes = objective.data.passes.count - before
    np.testing.assert_array_equal(found.factor, CholeskyFisher.factorise(found.fisher).factor)
    double = CholeskyFisher.at(point, 0.0, float32=False)
    np.testing.assert_array_equal(double.fisher, exact)
    return exact, found.fisher, passes


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("l2", [0.0, 1e-3])
def test_a_regular_fisher_information_needs_but_single_precision(l2, n_classes):
    X = 10.0 ** np.arange(-2, 3) * noisy(8000, 5, 2, seed=3)[0]
    exact, fisher, passes = quickly(X, l2, n_classes)
    assert passes == 1
    assert 0 < np.abs(unit(fisher - exact, exact)).max() < 1e-6


def nearly_twice(X):
    return np.hstack([X, X[:, :1] + 1e-4 * X[:, 1:2]])


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize(
    "spoilt",
    [nearly_twice, lambda X: 1e25 * X, lambda X: 3e-20 * X, lambda X: 1e-25 * X],
    ids=["twice", "large", "small", "tiny"],
)
def test_what_single_precision_cannot_tell_is_made_in_double(spoilt, n_classes):
    X = spoilt(noisy(8000, 5, 2, seed=3)[0])
    exact, fisher, passes = quickly(X, 0.0, n_classes)
    assert passes == 2
    np.testing.assert_array_equal(fisher, exact)
