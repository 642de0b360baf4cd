"""The gradient check sees a wrong gradient, and passes the right one at any point."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_gd_logreg import GDLogisticRegression, gradient_check
from sklearn_gd_logreg.data.base import Rows
from sklearn_gd_logreg.loss import SigmoidCrossEntropy, SoftmaxCrossEntropy
from sklearn_gd_logreg.objective import Objective
from sklearn_gd_logreg.penalty import ElasticNet

from .pairwise import pairwise
from .problems import load, noisy, sparse_rows, uneven_weights

FORMS = {
    "dense": np.asarray,
    "csr": sparse.csr_array,
    "float32": lambda X: X.astype(np.float32),
    "csr32": lambda X: sparse.csr_array(X.astype(np.float32)),
}


def fitted(X, y, sample_weight=None, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return GDLogisticRegression(**options).fit(X, y, sample_weight)


@pytest.mark.parametrize(
    ("form", "n_classes", "options"),
    pairwise(
        FORMS,
        [2, 4],
        [
            {},
            {"C": np.inf},
            {"C": 0.01, "l1_ratio": 0.5, "class_weight": "balanced"},
            {"l1_ratio": 1.0, "fit_intercept": False},
        ],
    ),
    ids=str,
)
def test_the_gradient_is_right(form, n_classes, options):
    X, y = noisy(60, 5, n_classes, seed=2, density=0.7)
    X, weights = FORMS[form](X * 10.0 ** np.arange(-2, 3)), uneven_weights(60)
    for steps in (0, 2, 200):  # the last is at the minimum, where the gradient is 0
        model = fitted(X, y, weights, max_iter=steps, tol=1e-10, **options)
        assert gradient_check(model, X, y, weights) < 1e-8


@pytest.mark.parametrize("name", ["breast_cancer", "iris", "digits"])
def test_of_raw_data_and_of_models_by_others(name):
    X, y = load(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = LogisticRegression(max_iter=20).fit(X, y)
    assert gradient_check(theirs, X, y) < 1e-8
    pipe = make_pipeline(StandardScaler(), GDLogisticRegression()).fit(X, y)
    assert gradient_check(pipe, X, y) < 1e-8


def without(method):
    """A gradient that lacks what this method adds."""
    return lambda self, w: np.zeros_like(method(self, w))


def of_the_intercept(factor):
    def backward(self, dz):
        dw = BACKWARD(self, dz)
        dw[-1] *= factor
        return dw

    return backward


def scaled(method, factor):
    def loss_and_dz(self, z, y, share):
        loss, dz = method(self, z, y, share)
        return loss, factor * dz

    return loss_and_dz


BACKWARD = Rows.backward
BUGS = {
    "sign of dz": (SigmoidCrossEntropy, "loss_and_dz", scaled(SigmoidCrossEntropy.loss_and_dz, -1)),
    "dz 1 % off": (
        SigmoidCrossEntropy,
        "loss_and_dz",
        scaled(SigmoidCrossEntropy.loss_and_dz, 1.01),
    ),
    "no penalty": (ElasticNet, "gradient", without(ElasticNet.gradient)),
    "no db": (Rows, "backward", of_the_intercept(0.0)),
}


@pytest.mark.parametrize(("bug", "steps", "max_directions"), pairwise(BUGS, [0, 100], [1000, 20]))
def test_a_bug_is_seen(monkeypatch, bug, steps, max_directions):
    X, y = load("breast_cancer")  # raw: its largest feature hides no other
    model = fitted(X, y, max_iter=steps, C=1e-2)
    monkeypatch.setattr(*BUGS[bug])
    assert gradient_check(model, X, y, max_directions=max_directions) > 1e-3


def test_a_bug_of_the_softmax_is_seen(monkeypatch):
    X, y = load("iris")
    model = fitted(X, y)
    wrong = scaled(SoftmaxCrossEntropy.loss_and_dz, 1.01)
    monkeypatch.setattr(SoftmaxCrossEntropy, "loss_and_dz", wrong)
    assert gradient_check(model, X, y) > 1e-3


def test_it_shares_no_code_with_the_gradient(monkeypatch):
    """A loss that is wrong together with its derivative is seen as well."""
    X, y = load("iris")
    model = fitted(X, y)
    right = SoftmaxCrossEntropy.loss_and_dz

    def twice(self, z, y, share):
        loss, dz = right(self, z, y, share)
        return 2 * loss, 2 * dz

    monkeypatch.setattr(SoftmaxCrossEntropy, "loss_and_dz", twice)
    assert gradient_check(model, X, y) == pytest.approx(1 / 3, abs=0.05)


def test_many_parameters_are_checked_along_random_directions(monkeypatch):
    X, y = sparse_rows(40, 5000, seed=0), np.arange(40) % 3
    model = fitted(X, y)
    passes = []
    right = Objective.loss_and_gradient

    def counted(self, w):
        passes.append(w)
        return right(self, w)

    monkeypatch.setattr(Objective, "loss_and_gradient", counted)
    assert gradient_check(model, X, y, max_directions=10) < 1e-7
    assert len(passes) == 2
    assert gradient_check(model, X, y, max_directions=10, seed=1) < 1e-7
    assert not np.array_equal(passes[1], passes[3])


def test_it_is_repeatable_and_changes_nothing():
    X, y = noisy(40, 3, 3, seed=0)
    model = fitted(X, y)
    before = model.coef_.copy()
    assert gradient_check(model, X, y) == gradient_check(model, X, y)
    assert np.array_equal(model.coef_, before)


def test_columns_of_zeros():
    X, y = noisy(40, 3, 2, seed=0)
    X[:, 1] = 0
    assert gradient_check(fitted(X, y), X, y) < 1e-8
    nothing = fitted(0 * X, y, fit_intercept=False)
    assert gradient_check(nothing, 0 * X, y) < 1e-8


@pytest.mark.parametrize(
    "bad", [{"epsilon": 0}, {"epsilon": 1.0}, {"max_directions": 0}, {"seed": -1}], ids=str
)
def test_arguments_out_of_range(bad):
    X, y = noisy(40, 3, 2, seed=0)
    with pytest.raises(ValueError, match=next(iter(bad))):
        gradient_check(fitted(X, y), X, y, **bad)
