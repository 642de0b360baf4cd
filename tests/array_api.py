"""Rows in arrays of other libraries: run by `test_array_api.py`, with SCIPY_ARRAY_API=1.

SciPy reads that variable as it is imported, so these tests have a process of their own.
"""

import pickle
from importlib.util import find_spec

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from sklearn_gd_logreg import GDLogisticRegression, NaturalGradient
from sklearn_gd_logreg import _namespace as namespace_module
from sklearn_gd_logreg._namespace import is_other, to_numpy

from .problems import FIRST_ORDER, noisy, reference, uneven_weights
from .test_estimator_checks import each_check_of

pytest.importorskip("array_api_strict")


def libraries():
    """A function that makes arrays of each library and device at hand, by name."""
    import array_api_strict

    yield "strict", array_api_strict.asarray
    if find_spec("torch"):
        import torch

        yield "torch", torch.asarray
        if torch.cuda.is_available():
            yield "torch on cuda", lambda array: torch.asarray(array, device="cuda")
    if find_spec("cupy"):
        import cupy

        yield "cupy", cupy.asarray


LIBRARIES = dict(libraries())
every_library = pytest.mark.parametrize("library", LIBRARIES)
PENALTIES = {
    "L2": {},
    "none": {"C": np.inf},
    "L1": {"C": 0.05, "l1_ratio": 1.0},
    "elastic net": {"C": 0.1, "l1_ratio": 0.5},
}


@pytest.fixture(autouse=True)
def dispatch():
    with config_context(array_api_dispatch=True):
        yield


def like(array, other):
    """Whether an array has the library, device and dtype of another."""
    same = type(array) is type(other) and array.device == other.device
    return same and array.dtype == other.dtype


# -- scikit-learn's contract -------------------------------------------------------------------


@each_check_of([GDLogisticRegression()])
def test_the_checks_of_scikit_learn(estimator, check):
    name = getattr(check, "func", check).__name__
    if "array_api" not in name:
        pytest.skip("runs in test_estimator_checks.py")
    if "'cuda'" in str(check) and not any("cuda" in name for name in LIBRARIES):
        pytest.skip("no CUDA here; PyTorch may have been built for it")
    check(estimator)


# -- the same model ----------------------------------------------------------------------------


@every_library
@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_natural_gradient_finds_the_same_optimum(dtype, penalty, n_classes, library):
    make = LIBRARIES[library]
    X, y = noisy(500, 6, n_classes, seed=1)
    X = X.astype(dtype)
    weights, options = uneven_weights(500), PENALTIES[penalty]
    rows = make(X)
    tol = 1e-8 if dtype == "float64" else 1e-4
    model = GDLogisticRegression(tol=tol, **options).fit(rows, make(y), make(weights))
    with config_context(array_api_dispatch=False):
        best = reference(X.astype(float), y, weights, **options)
        expected = best.predict_proba(X)
    found = model.predict_proba(rows)
    assert like(found, rows)
    assert like(model.coef_, rows)
    assert like(model.intercept_, rows)
    np.testing.assert_allclose(to_numpy(found), expected, atol=1e-6 if dtype == "float64" else 3e-3)


@every_library
@pytest.mark.parametrize("rule", FIRST_ORDER)
@pytest.mark.parametrize("batch_size", [None, 64])
def test_every_other_rule_makes_the_same_steps(batch_size, rule, library):
    make = LIBRARIES[library]
    X, y = noisy(300, 5, 3, seed=2)
    options = {"solver": rule, "tol": 0, "max_iter": 12, "batch_size": batch_size}
    model = GDLogisticRegression(random_state=0, **options)
    expected = model.fit(X, y).history_["cost"]
    found = model.fit(make(X), make(y)).history_["cost"]
    np.testing.assert_allclose(found, expected, rtol=1e-9)


@every_library
@pytest.mark.parametrize(
    "options",
    [
        {"class_weight": "balanced"},
        {"class_weight": {0: 3.0}},
        {"fit_intercept": False},
        {"solver": NaturalGradient(exact=True)},
        {"solver": NaturalGradient(direct_limit=1)},
        {"solver": "gd", "learning_rate": "backtracking"},
    ],
    ids=str,
)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_every_option_gives_the_same_model(n_classes, options, library):
    make = LIBRARIES[library]
    X, y = noisy(300, 5, n_classes, seed=3)
    weights = uneven_weights(300) * (np.arange(300) % 7 > 0)
    model = GDLogisticRegression(tol=1e-6, max_iter=5000, **options)
    expected = model.fit(X, y, weights).predict_proba(X)
    found = model.fit(make(X), make(y), make(weights)).predict_proba(make(X))
    np.testing.assert_allclose(to_numpy(found), expected, atol=1e-6)


@every_library
def test_columns_far_from_zero_are_centred(library):
    make = LIBRARIES[library]
    X, y = noisy(400, 4, 2, seed=13)
    model = GDLogisticRegression(tol=1e-8, C=np.inf)
    model.fit(make(X + np.array([1e7, 0, -1e5, 0])), make(y), X_val=make(X), y_val=make(y))
    assert "columns far from 0" in model.solver_info_["reductions"]
    with config_context(array_api_dispatch=False):
        best = reference(X, y, C=np.inf)
    np.testing.assert_allclose(to_numpy(model.coef_), best.coef_, atol=1e-5)


@every_library
@pytest.mark.parametrize("n_classes", [2, 3])
def test_predictions_are_those_of_numpy(n_classes, library):
    make = LIBRARIES[library]
    X, y = noisy(200, 4, n_classes, seed=4)
    model = GDLogisticRegression()
    in_numpy = clone(model).fit(X, y)
    model.fit(make(X), make(y))
    for name in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        found, expected = getattr(model, name)(make(X)), getattr(in_numpy, name)(X)
        assert is_other(found)
        np.testing.assert_allclose(to_numpy(found), expected, atol=1e-6)
    assert float(model.score(make(X), make(y))) == pytest.approx(in_numpy.score(X, y))
    assert "converged" in str(model)


@every_library
def test_scores_of_any_size_do_not_overflow(library):
    make = LIBRARIES[library]
    X, y = np.array([[-1e4], [-1.0], [1.0], [1e4]]), np.array([0, 0, 1, 1])
    model = GDLogisticRegression(C=1e3).fit(make(X), make(y))
    found = to_numpy(model.predict_log_proba(make(X)))
    assert np.isfinite(found).all()
    np.testing.assert_allclose(np.exp(found).sum(axis=1), 1)


@every_library
def test_validation_data_and_early_stopping(library):
    make = LIBRARIES[library]
    X, y = noisy(400, 30, 2, seed=25)
    model = GDLogisticRegression(C=np.inf, solver="gd", early_stopping=True, n_iter_no_change=3)
    expected = model.fit(X[:60], y[:60], X_val=X[60:], y_val=y[60:]).history_["val_loss"]
    model.fit(make(X[:60]), make(y[:60]), X_val=make(X[60:]), y_val=make(y[60:]))
    assert model.stop_reason_ == "early_stopping"
    np.testing.assert_allclose(model.history_["val_loss"], expected, rtol=1e-9)


@every_library
def test_labels_of_text_stay_in_numpy(library):
    make = LIBRARIES[library]
    X, y = noisy(200, 4, 3, seed=6)
    labels = np.array(["a", "b", "ccc"])[y]
    model = GDLogisticRegression().fit(make(X), labels)
    expected = GDLogisticRegression().fit(X, labels).predict(X)
    np.testing.assert_array_equal(model.predict(make(X)), expected)


@every_library
def test_in_a_pipeline_cloned_pickled_and_warm(library):
    make = LIBRARIES[library]
    X, y = noisy(200, 4, 2, seed=7)
    pipe = make_pipeline("passthrough", GDLogisticRegression(warm_start=True))
    pipe.fit(make(X), make(y))
    again = pickle.loads(pickle.dumps(clone(pipe).fit(make(X), make(y))))
    np.testing.assert_allclose(to_numpy(again[-1].coef_), to_numpy(pipe[-1].coef_), atol=1e-12)
    assert pipe.fit(make(X), make(y))[-1].n_iter_ <= again[-1].n_iter_


# -- what crosses ------------------------------------------------------------------------------


def test_what_comes_back_does_not_grow_with_the_rows(monkeypatch):
    make, most = LIBRARIES["strict"], {}
    for n_rows in (1_000, 8_000):
        X, y = noisy(n_rows, 5, 3, seed=8)
        rows, labels, sizes = make(X), make(y), []

        def recorded(array, sizes=sizes, convert=to_numpy):
            if is_other(array):
                sizes.append(int(np.prod(array.shape)))
            return convert(array)

        with monkeypatch.context() as patched:
            for module in ("data.array_api", "fitting.on_device"):
                target = __import__(f"sklearn_gd_logreg.{module}", fromlist=["x"])
                patched.setattr(target, "to_numpy", recorded)
            patched.setattr(namespace_module, "to_numpy", recorded)
            GDLogisticRegression(tol=1e-6).fit(rows, labels)
        most[n_rows] = max(sizes)
    assert most[8_000] <= max(most[1_000], 64 * 5) < 1_000


# -- bad input ---------------------------------------------------------------------------------

BAD = {
    "X with NaN": lambda X, y, w: (np.where(X[100, 1] == X, np.nan, X), y, w),
    "X with inf": lambda X, y, w: (np.where(X[100, 1] == X, np.inf, X), y, w),
    "one class": lambda X, y, w: (X, np.zeros_like(y), w),
    "continuous labels": lambda X, y, w: (X, y + 0.25, w),
    "negative weights": lambda X, y, w: (X, y, -w),
    "weights with NaN": lambda X, y, w: (X, y, np.where(w > 0.3, np.nan, w)),
    "weights of 0": lambda X, y, w: (X, y, 0 * w),
    "labels of another length": lambda X, y, w: (X, y[:-1], w),
    "weights of another length": lambda X, y, w: (X, y, w[:-1]),
    "1-D X": lambda X, y, w: (X[:, 0], y, w),
}


@every_library
@pytest.mark.parametrize("bad", BAD)
def test_bad_values_give_the_errors_of_numpy(bad, library):
    X, y = noisy(150, 3, 2, seed=9)
    rows = BAD[bad](X, y.astype(float), uneven_weights(150))
    model = GDLogisticRegression()
    with pytest.raises(ValueError) as expected:  # noqa: PT011  # its words are compared
        model.fit(*rows)
    with pytest.raises(ValueError) as found:  # noqa: PT011
        model.fit(*map(LIBRARIES[library], rows))
    assert str(expected.value)[:25] in str(found.value)
    assert not hasattr(model, "coef_")


@every_library
def test_predictions_need_the_library_of_the_fit(library):
    X, y = noisy(100, 3, 2, seed=10)
    model = GDLogisticRegression().fit(LIBRARIES[library](X), LIBRARIES[library](y))
    with pytest.raises(ValueError, match=r"predict\(\) must use the same namespace"):
        model.predict(X)
    with pytest.raises(ValueError, match="X_val must use the same namespace"):
        model.fit(LIBRARIES[library](X), y, X_val=X, y_val=y)
    with pytest.raises(ValueError, match="'early_stopping' parameter"):
        GDLogisticRegression(early_stopping=True).fit(LIBRARIES[library](X), y)


@pytest.mark.skipif("torch" not in LIBRARIES, reason="PyTorch is not installed")
def test_without_dispatch_a_tensor_is_an_array():
    X, y = noisy(100, 3, 2, seed=11)
    make = LIBRARIES["torch"]
    with config_context(array_api_dispatch=False):
        model = GDLogisticRegression().fit(make(X), make(y))
        assert isinstance(model.coef_, np.ndarray)
        assert isinstance(model.predict(make(X)), np.ndarray)


@pytest.mark.skipif("torch" not in LIBRARIES, reason="PyTorch is not installed")
def test_beside_scikit_learn_on_the_same_tensors():
    """Its lbfgs by the array API stops at the same optimum."""
    make = LIBRARIES["torch"]
    X, y = noisy(2_000, 8, 2, seed=12)
    ours = GDLogisticRegression(tol=1e-8).fit(make(X), make(y))
    theirs = LogisticRegression(tol=1e-10, max_iter=1000).fit(make(X), make(y))
    np.testing.assert_allclose(to_numpy(ours.coef_), to_numpy(theirs.coef_), atol=1e-4)


def test_which_libraries_were_tried():
    """Says so where there is no GPU."""
    if not any("cuda" in name or name == "cupy" for name in LIBRARIES):
        pytest.skip(f"no GPU here: {', '.join(LIBRARIES)} on the CPU")
