"""Probabilities and their logarithms are exact for any score, and sum to 1."""

from decimal import Decimal, localcontext
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import sparse

from sklearn_gd_logreg import GDLogisticRegression

from .descents import brief

SCORES = [0, 2**-20, 0.5, 1, 17, 36, 37, 88, 89, 104, 300, 709, 745, 750, 5000, 1e4]

TRIPLES = [
    *product([-1e4, -1, 0, 1e4], repeat=3),
    (0, -36, -37),
    (0, -88, -104),
    (1e4, 1e4 - 0.5, -1e4),
    (-1e4, -1e4, -1e4 - 17),
    (5, 5 - 300, 5 - 750),
]


def exact(scores):
    """Softmax and its logarithm in 400 digits, rounded to float64 at the end."""
    with localcontext() as context:
        context.prec = 400
        z = [Decimal(float(score)) for score in scores]
        total = sum((score - max(z)).exp() for score in z)
        log_p = [score - max(z) - total.ln() for score in z]
        return [float(x.exp()) for x in log_p], [float(x) for x in log_p]


def reader(n_classes, dtype):
    """A model whose scores are the features themselves: z = x."""
    n_outputs = 1 if n_classes == 2 else n_classes
    X = np.zeros((n_classes, n_outputs), dtype=dtype)
    clf = brief(solver="gd").fit(X, np.arange(n_classes))
    clf.coef_ = np.eye(n_outputs, dtype=dtype)
    clf.intercept_ = np.zeros(n_outputs, dtype=dtype)
    return clf


def problem_of_scores(n_classes):
    """Features to be read as scores, and the scores of all classes."""
    if n_classes == 3:
        return np.array(TRIPLES), np.array(TRIPLES)
    z = np.array([sign * score for score in SCORES for sign in (1, -1)])[:, np.newaxis]
    return z, np.hstack([np.zeros_like(z), z])


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_probabilities_and_their_logarithms_are_exact_for_any_score(n_classes, dtype, container):
    X, scores = problem_of_scores(n_classes)
    oracle = np.array([exact(row) for row in scores.tolist()])
    clf, X = reader(n_classes, dtype), container(X.astype(dtype))
    precision = {"rtol": 8 * np.finfo(dtype).eps, "atol": np.finfo(dtype).tiny}
    np.testing.assert_allclose(clf.predict_proba(X), oracle[:, 0], **precision)
    np.testing.assert_allclose(clf.predict_log_proba(X), oracle[:, 1], **precision)


def scores_of(n_outputs):
    """Hypothesis: rows of float32 scores up to ±1e4."""
    return arrays(np.float32, (5, n_outputs), elements=st.floats(-1e4, 1e4, width=32))


@settings(max_examples=60, deadline=None)
@given(data=st.data(), n_classes=st.integers(2, 5), dtype=st.sampled_from(["f4", "f8"]))
def test_probabilities_are_a_distribution_and_predict_takes_the_largest(data, n_classes, dtype):
    X = data.draw(scores_of(1 if n_classes == 2 else n_classes)).astype(dtype)
    clf = reader(n_classes, dtype)
    p, log_p = clf.predict_proba(X), clf.predict_log_proba(X)
    assert (p >= 0).all()
    assert np.isfinite(log_p).all()
    assert (log_p <= 0).all()
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=4 * np.finfo(dtype).eps)
    chosen = p[np.arange(5), clf.predict(X)]
    np.testing.assert_array_equal(chosen, p.max(axis=1))


@settings(max_examples=60, deadline=None)
@given(z=scores_of(1))
def test_the_sign_of_the_score_only_swaps_two_classes(z):
    clf = reader(2, np.float32)
    np.testing.assert_array_equal(clf.predict_log_proba(-z), clf.predict_log_proba(z)[:, ::-1])
    np.testing.assert_array_equal(clf.predict(z) == 1, clf.decision_function(z) > 0)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_fit_that_separates_the_classes_far_apart_has_finite_probabilities(n_classes):
    X = 1e6 * np.eye(n_classes)[np.arange(30) % n_classes]
    clf = GDLogisticRegression(solver="gd", learning_rate=1.0, max_iter=5, tol=0, C=np.inf)
    clf.fit(X, np.arange(30) % n_classes)
    assert np.abs(clf.decision_function(X)).max() > 1e4
    assert np.isfinite(clf.predict_log_proba(X)).all()
    assert np.isfinite(clf.history_["cost"]).all()
