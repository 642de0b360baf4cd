"""The rate of each step is the formula of its schedule, asked once for each step."""

from math import cos, pi, sqrt

import numpy as np
import pytest

from sklearn_gd_logreg import (
    Constant,
    CosineDecay,
    ExponentialDecay,
    GDLogisticRegression,
    InverseSqrt,
    StepDecay,
    TimeDecay,
)

from .descents import exactly, rows
from .pairwise import pairwise
from .problems import load

pytestmark = pytest.mark.rounding

RATES = {
    "float": (0.3, lambda k: 0.3),
    "int": (1, lambda k: 1.0),
    "float32": (np.float32(0.3), lambda k: float(np.float32(0.3))),
    "constant": (Constant(0.3), lambda k: 0.3),
    "time decay": (TimeDecay(0.5, decay=0.2), lambda k: 0.5 / (1 + 0.2 * k)),
    "exponential": (ExponentialDecay(0.5, decay=0.9), lambda k: 0.5 * 0.9**k),
    "staircase": (StepDecay(0.5, factor=0.3, every=4), lambda k: 0.5 * 0.3 ** (k // 4)),
    "inverse root": (InverseSqrt(0.5, decay=2.0), lambda k: 0.5 / sqrt(1 + 2 * k)),
    "cosine": (
        CosineDecay(0.5, steps=7, final=0.01),
        lambda k: 0.5 * (0.01 + 0.99 * (1 + cos(pi * min(k, 7) / 7)) / 2),
    ),
    "function": (lambda k: 1 / (k + 2), lambda k: 1 / (k + 2)),
    "function of numpy": (lambda k: np.float32(0.5) / np.sqrt(k + 1), lambda k: 0.5 / sqrt(k + 1)),
}


@pytest.mark.parametrize("solver", ["gd", "adam", "natural"])
@pytest.mark.parametrize("name", RATES)
def test_the_rate_of_step_k_is_the_formula_at_k(name, solver):
    X, y, weights = rows()
    rate, formula = RATES[name]
    clf = exactly(12, solver=solver, learning_rate=rate).fit(X, y, weights)
    expected = [formula(k) for k in range(12)]
    np.testing.assert_allclose(clf.history_["learning_rate"][1:], expected, rtol=1e-7)
    if "float32" not in name and "numpy" not in name:
        np.testing.assert_allclose(clf.history_["learning_rate"][1:], expected, rtol=1e-15)


@pytest.mark.parametrize("solver", ["gd", "adam", "natural"])
@pytest.mark.parametrize("name", ["time decay", "staircase", "cosine", "function"])
def test_with_mini_batches_the_rate_is_that_of_the_last_batch_of_the_epoch(name, solver):
    X, y, weights = rows()
    rate, formula = RATES[name]
    clf = exactly(4, solver=solver, learning_rate=rate, batch_size=16).fit(X, y, weights)
    n_batches = -(-np.count_nonzero(weights) // 16)
    expected = [formula(epoch * n_batches - 1) for epoch in range(1, 5)]
    np.testing.assert_allclose(clf.history_["learning_rate"][1:], expected, rtol=1e-15)


@pytest.mark.parametrize(("batch_size", "n_calls"), [(None, 5), (16, 25), (70, 5), (1, 350)])
def test_a_function_is_called_once_for_every_step_made_with_their_number(batch_size, n_calls):
    X, y, _ = rows()
    asked = []
    clf = exactly(5, solver="gd", batch_size=batch_size)
    clf.set_params(learning_rate=lambda k: asked.append(k) or 0.01).fit(X, y)
    assert asked == list(range(n_calls))
    assert {type(k) for k in asked} == {int}


@pytest.mark.parametrize(
    ("n_classes", "fit_intercept", "solver"),
    pairwise([2, 3], [True, False], ["gd", "momentum", "nesterov"]),
)
def test_auto_is_one_over_the_largest_curvature(solver, fit_intercept, n_classes):
    X, y, weights = rows(n_classes)
    clf = exactly(3, solver=solver, C=0.2, fit_intercept=fit_intercept).fit(X, y, weights)
    Z = np.column_stack([X, np.ones(len(X))]) if fit_intercept else X
    bound = Z.T @ (Z * (weights / weights.sum())[:, np.newaxis]) / (4 if n_classes == 2 else 2)
    bound[range(5), range(5)] += 1 / (0.2 * weights.sum())
    L = np.linalg.eigvalsh(bound)[-1]
    np.testing.assert_allclose(clf.history_["learning_rate"][1:], 1 / L, rtol=1e-9)


def test_a_rate_may_be_an_array_without_dimensions():
    X, y = load("iris", True)
    rated = GDLogisticRegression(
        solver="gd", max_iter=3, tol=0, learning_rate=lambda k: np.array(0.5)
    )
    given = GDLogisticRegression(solver="gd", max_iter=3, tol=0, learning_rate=0.5)
    np.testing.assert_array_equal(rated.fit(X, y).coef_, given.fit(X, y).coef_)
