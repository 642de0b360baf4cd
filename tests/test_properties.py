"""What must hold for any data: properties, tried on random problems."""

import pickle
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from sklearn_gd_logreg import (
    AdaGrad,
    Adam,
    Backtracking,
    CosineDecay,
    GDLogisticRegression,
    Momentum,
    NaturalGradient,
    RMSProp,
)

from .problems import SOLVERS, noisy

pytestmark = pytest.mark.rounding

# -- what is drawn --------------------------------------------------------------------------

seeds = st.integers(0, 2**31 - 1)
classes = st.sampled_from([2, 3])
penalties = st.sampled_from([0.0, 0.5, 1.0])
strengths = st.sampled_from([0.1, 1.0, 10.0])


@st.composite
def problems(draw, n_rows=30, n_features=4):
    """Rows, not separable, with zeros in them; labels 0 … K−1."""
    return noisy(n_rows, n_features, draw(classes), draw(seeds), density=0.7)


@st.composite
def models(draw, **fixed):
    """Any rule, penalty and class weight, a fixed number of steps on the full batch."""
    options = {
        "solver": draw(st.sampled_from(SOLVERS)),
        "C": draw(strengths),
        "l1_ratio": draw(penalties),
        "fit_intercept": draw(st.booleans()),
        "class_weight": draw(st.sampled_from([None, "balanced", {0: 2.0}])),
        "max_iter": 12,
        "tol": 0,
    }
    return GDLogisticRegression(**(options | fixed))


@st.composite
def counts(draw, n_rows=30):
    """How often each row counts; 0 for some, but not for the first few."""
    drawn = draw(st.lists(st.integers(0, 3), min_size=n_rows, max_size=n_rows))
    return np.array([1, 1, 1, *drawn[3:]])


def as_stored(X, storage):
    return sparse.csr_array(X) if storage == "sparse" else X


def centred(intercept):
    """A common shift of the intercepts of a softmax changes no probability."""
    return intercept - (intercept.mean() if len(intercept) > 1 else 0)


def assert_same_fit(one, other, tol=1e-7):
    np.testing.assert_array_equal(one.classes_, other.classes_)
    np.testing.assert_allclose(one.coef_, other.coef_, atol=tol, rtol=tol)
    np.testing.assert_allclose(
        centred(one.intercept_), centred(other.intercept_), atol=tol, rtol=tol
    )
    np.testing.assert_allclose(one.history_["cost"], other.history_["cost"], rtol=tol)


def copy_of(model):
    return GDLogisticRegression(**model.get_params(deep=False))


def fit(model, X, y, weight=None, mirrored=False):
    """Fit a copy of the model from an uneven start.

    At 0 the derivative of the intercept vanishes for balanced classes, but for rounding; and
    rules that divide by its size make steps of it.
    """
    n_classes = len(np.unique(y))
    start = np.linspace(0.3, 0.9, 1 if n_classes == 2 else n_classes)
    if mirrored:
        start = -start if n_classes == 2 else start[::-1]
    init = {"intercept_init": start} if model.fit_intercept else {}
    return copy_of(model).fit(X, y, weight, **init)


# -- rows and weights -------------------------------------------------------------------------


@pytest.mark.parametrize("storage", ["dense", "sparse"])
@given(model=models(), problem=problems(), count=counts())
def test_a_weight_of_k_is_k_copies_of_the_row(storage, model, problem, count):
    X, y = problem
    weighted = fit(model, as_stored(X, storage), y, count)
    repeated = fit(model, as_stored(np.repeat(X, count, axis=0), storage), y.repeat(count))
    assert_same_fit(weighted, repeated)


@pytest.mark.parametrize("storage", ["dense", "sparse"])
@given(problem=problems(), count=counts(), l1_ratio=penalties)
def test_a_weight_of_k_is_k_copies_of_the_row_for_the_defaults(storage, problem, count, l1_ratio):
    X, y = problem
    model = GDLogisticRegression(l1_ratio=l1_ratio, class_weight="balanced")
    weighted = copy_of(model).fit(as_stored(X, storage), y, count)
    repeated = copy_of(model).fit(as_stored(np.repeat(X, count, axis=0), storage), y.repeat(count))
    assert weighted.n_iter_ == repeated.n_iter_
    assert_same_fit(weighted, repeated)


@given(model=models(), problem=problems(), batch_size=st.sampled_from([None, 7]))
def test_a_row_of_weight_0_is_not_seen(model, problem, batch_size):
    X, y = problem
    n_rows = len(y)
    model.set_params(batch_size=batch_size, random_state=0)
    added = np.vstack([X, 1e6 * np.ones((5, 4))])
    labels, weight = np.append(y, [y[0]] * 5), np.repeat([1.0, 0.0], [n_rows, 5])
    assert_same_fit(fit(model, added, labels, weight), fit(model, X, y))


@given(model=models(), problem=problems(), batch_size=st.sampled_from([None, 7]))
def test_a_class_of_rows_of_weight_0_is_not_seen(model, problem, batch_size):
    X, y = problem
    model.set_params(batch_size=batch_size, random_state=0)
    added = np.vstack([X, 1e6 * np.ones((5, 4))])
    labels, weight = np.append(y, [7] * 5), np.repeat([1.0, 0.0], [len(y), 5])
    one = copy_of(model).fit(added, labels, weight)
    other = copy_of(model).fit(X, y)
    np.testing.assert_allclose(one.history_["cost"], other.history_["cost"], rtol=1e-7)
    proba = one.predict_proba(X)
    np.testing.assert_allclose(proba[:, :-1], other.predict_proba(X), atol=1e-7)
    assert not proba[:, -1].any()


@given(model=models(), problem=problems(), factor=st.sampled_from([1e-3, 0.3, 50.0]))
def test_only_the_ratios_of_weights_to_one_over_c_matter(model, problem, factor):
    X, y = problem
    one = np.ones(len(y))
    rescaled = copy_of(model).set_params(C=model.C / factor)
    assert_same_fit(fit(rescaled, X, y, factor * one), fit(model, X, y, one))


@given(model=models(), problem=problems())
def test_sparse_rows_give_what_dense_rows_give(model, problem):
    X, y = problem
    assert_same_fit(fit(model, sparse.csr_array(X), y), fit(model, X, y))


@given(model=models(), problem=problems(), seed=seeds)
def test_the_order_of_the_rows_does_not_matter(model, problem, seed):
    X, y = problem
    order = np.random.RandomState(seed).permutation(len(y))
    assert_same_fit(fit(model, X[order], y[order]), fit(model, X, y))


@given(model=models(), problem=problems(), seed=seeds)
def test_the_order_of_the_features_does_not_matter(model, problem, seed):
    X, y = problem
    order = np.random.RandomState(seed).permutation(X.shape[1])
    shuffled, plain = fit(model, X[:, order], y), fit(model, X, y)
    plain.coef_ = plain.coef_[:, order]
    assert_same_fit(shuffled, plain)


# -- labels -------------------------------------------------------------------------------------


@given(
    model=models(class_weight=None),
    problem=problems(),
    names=st.sampled_from([[-5, 0, 3], [7, 8, 9], ["cat", "dog", "eel"], [1.0, 2.0, 4.0]]),
)
def test_the_names_of_the_labels_do_not_matter(model, problem, names):
    X, y = problem
    names = np.array(names)[: len(np.unique(y))]
    renamed, plain = fit(model, X, names[y]), fit(model, X, y)
    np.testing.assert_array_equal(renamed.classes_, names)
    np.testing.assert_array_equal(renamed.coef_, plain.coef_)
    np.testing.assert_array_equal(renamed.intercept_, plain.intercept_)
    np.testing.assert_array_equal(renamed.predict(X), names[plain.predict(X)])


@given(model=models(class_weight=None), problem=problems())
def test_the_order_of_the_labels_does_not_matter(model, problem):
    X, y = problem
    mirrored, plain = fit(model, X, -y, mirrored=True), fit(model, X, y)
    np.testing.assert_allclose(
        mirrored.predict_proba(X)[:, ::-1], plain.predict_proba(X), atol=1e-7
    )
    np.testing.assert_allclose(mirrored.history_["cost"], plain.history_["cost"], rtol=1e-7)


# -- fits ---------------------------------------------------------------------------------------


@given(model=models(), problem=problems(), batch_size=st.sampled_from([None, 7]))
def test_a_second_fit_gives_the_same_bits(model, problem, batch_size):
    model.set_params(batch_size=batch_size, random_state=0)
    first, second = copy_of(model).fit(*problem), copy_of(model).fit(*problem)
    again = first.coef_.copy(), first.fit(*problem).coef_
    np.testing.assert_array_equal(*again)
    np.testing.assert_array_equal(first.coef_, second.coef_)
    np.testing.assert_array_equal(first.intercept_, second.intercept_)
    for name in set(first.history_) - {"time"}:
        np.testing.assert_array_equal(first.history_[name], second.history_[name])


RULES = [Momentum(0.7), AdaGrad(1e-6), RMSProp(0.8), Adam(0.8, 0.9), NaturalGradient(0.1, 50)]


@given(
    rule=st.sampled_from(RULES),
    rate=st.sampled_from([CosineDecay(0.2), Backtracking(grow=1.5)]),
    problem=problems(),
    l1_ratio=penalties,
)
def test_a_fit_changes_no_parameter_and_no_data(rule, rate, problem, l1_ratio):
    X, y = problem
    weight = np.linspace(1, 2, len(y))
    given_data = pickle.dumps((X, y, weight))
    model = GDLogisticRegression(
        solver=rule, learning_rate=rate, l1_ratio=l1_ratio, class_weight={0: 2.0}, max_iter=5, tol=0
    )
    before, shallow = pickle.dumps(model.get_params()), model.get_params(deep=False)
    model.fit(X, y, weight)
    assert pickle.dumps(model.get_params()) == before
    assert all(value is shallow[name] for name, value in model.get_params(deep=False).items())
    assert pickle.dumps((X, y, weight)) == given_data


@given(problem=problems(), l1_ratio=penalties, solver=st.sampled_from(SOLVERS))
def test_a_warm_start_resumes_where_the_last_fit_ended(problem, l1_ratio, solver):
    model = GDLogisticRegression(
        solver=solver, l1_ratio=l1_ratio, warm_start=True, max_iter=5, tol=0
    )
    first = model.fit(*problem).history_["cost"]
    both = model.fit(*problem).history_["cost"]
    np.testing.assert_array_equal(both[: len(first)], first)
    loss = model.history_["loss"][-1]
    model.set_params(C=2 * model.C).fit(*problem)  # another cost: a new descent from there
    assert model.history_["loss"][0] == pytest.approx(loss, rel=1e-12)


@given(model=models(tol=1e-3, max_iter=200), problem=problems())
def test_a_fit_that_stops_by_tol_has_met_it_and_only_others_warn(model, problem):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(*problem)
    norms = model.history_["gradient_norm"]
    # The natural step is known where tol is met, and is still made.
    before = norms[:-2] if model.solver == "natural" else norms[:-1]
    assert (before > model.tol).all()
    assert (model.stop_reason_ == "tol") == (norms[-1] <= model.tol)
    expected = [] if model.stop_reason_ == "tol" else [ConvergenceWarning]
    assert [w.category for w in caught] == expected


# -- scales ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("learning_rate", ["auto", 0.5])
@given(
    problem=problems(n_rows=80),
    powers=st.lists(st.integers(-6, 6), min_size=4, max_size=4),
    intercept=st.booleans(),
)
def test_the_scales_of_the_features_do_not_change_the_natural_path(
    learning_rate, problem, powers, intercept
):
    X, y = problem
    scales = 10.0 ** np.array(powers)
    model = GDLogisticRegression(
        C=np.inf, learning_rate=learning_rate, fit_intercept=intercept, max_iter=6, tol=0
    )
    plain, scaled = copy_of(model).fit(X, y), copy_of(model).fit(X * scales, y)
    np.testing.assert_allclose(scaled.history_["cost"], plain.history_["cost"], rtol=1e-6)
    np.testing.assert_allclose(scaled.predict_proba(X * scales), plain.predict_proba(X), atol=1e-6)


@given(problem=problems(n_rows=80), seed=seeds)
def test_mixing_the_features_does_not_change_the_natural_path(problem, seed):
    X, y = problem
    mix = np.linalg.qr(np.random.RandomState(seed).standard_normal((4, 4)))[0]
    model = GDLogisticRegression(C=2.0, max_iter=6, tol=0)
    plain, mixed = copy_of(model).fit(X, y), copy_of(model).fit(X @ mix, y)
    np.testing.assert_allclose(mixed.history_["cost"], plain.history_["cost"], rtol=1e-9)
    np.testing.assert_allclose(mixed.predict_proba(X @ mix), plain.predict_proba(X), atol=1e-6)
