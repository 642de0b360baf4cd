"""Rows in arrays of other libraries: run by `test_array_api.py`, with SCIPY_ARRAY_API=1.

SciPy reads that variable as it is imported, so these tests have a process of their own.
"""

import pickle
import sys
from functools import partial
from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from sklearn_gd_logreg import (
    Backtracking,
    Checkpoint,
    Chunks,
    GDLogisticRegression,
    NaturalGradient,
    Trajectory,
    ValidationMonitor,
    as_logistic_regression,
    bias_variance_report,
    duality_gap,
    gradient_check,
)
from sklearn_gd_logreg._namespace import is_other, to_numpy
from sklearn_gd_logreg.data import ArrayApiDataset, array_api
from sklearn_gd_logreg.loss import cross_entropy
from sklearn_gd_logreg.loss_array_api import array_api_cross_entropy

from .problems import FIRST_ORDER, noisy, reference, uneven_weights
from .test_estimator_checks import each_check_of

array_api_strict = pytest.importorskip("array_api_strict")
DEVICE = array_api_strict.Device("device1")  # as on a GPU, NumPy makes no array of its arrays


def libraries():
    """A function that makes arrays of each library and device at hand, by name."""
    yield "strict", array_api_strict.asarray
    yield "strict on a device", partial(array_api_strict.asarray, device=DEVICE)
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
        {"solver": "gd", "learning_rate": Backtracking(initial=1e3, interpolate=True)},
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
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_losses_of_any_scores_are_those_of_numpy(n_classes, dtype, library):
    """To a few units in the last place, without overflow or cancelled digits."""
    make, random = LIBRARIES[library], np.random.RandomState(22)
    n_rows, n_outputs = 400, 1 if n_classes == 2 else n_classes
    size = 10.0 ** random.uniform(-20, 4, size=(n_rows, 1))
    z = (size * random.choice([-1, 1], size=(n_rows, n_outputs))).astype(dtype)
    codes = random.randint(n_classes, size=n_rows)
    ours, theirs = cross_entropy(n_classes), array_api_cross_entropy(n_classes)
    y, y_there = ours.targets(codes), theirs.targets(make(codes))
    rtol = 20 * np.finfo(dtype).eps
    for row in range(n_rows):  # a sum would hide the small losses
        part = slice(row, row + 1)
        expected = ours.loss_and_dz(z[part], y[part], 1.0)
        there = make(z[part]), y_there[part, ...], 1.0
        for found, value in zip(theirs.loss_and_dz(*there), expected, strict=True):
            np.testing.assert_allclose(to_numpy(found), value, rtol=rtol, atol=1e-37)
        np.testing.assert_allclose(float(theirs.loss_sum(*there)), expected[0], rtol=rtol)


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


@pytest.fixture
def crossings(monkeypatch):
    """Bytes of each array that goes to the device, and of each that comes from it."""
    there, back = [], []
    Array, asarray = type(array_api_strict.asarray(0)), array_api_strict.asarray

    def recorded_asarray(obj, *args, **options):
        if isinstance(obj, np.ndarray):
            there.append(obj.nbytes)
        return asarray(obj, *args, **options)

    def recorded(method):
        def call(self, *args, **options):
            back.append(int(np.prod(self.shape)) * 8)
            return method(self, *args, **options)

        return call

    monkeypatch.setattr(array_api_strict, "asarray", recorded_asarray)
    for name in ("__dlpack__", "__float__", "__int__", "__bool__", "__index__"):
        monkeypatch.setattr(Array, name, recorded(getattr(Array, name)))
    return there, back


CROSSING = {
    "natural": {},
    "L1": {"C": 0.1, "l1_ratio": 1.0},
    "products with F": {"solver": NaturalGradient(direct_limit=1)},
    "line search": {"solver": "gd", "learning_rate": "backtracking", "max_iter": 20},
    "balanced": {"class_weight": "balanced"},
}


@pytest.mark.parametrize("options", CROSSING)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_what_crosses_does_not_grow_with_the_rows(options, crossings):
    n_features, n_classes = 5, 3
    make = LIBRARIES["strict on a device"]
    for n_rows in (1_000, 16_000):
        X, y = noisy(n_rows, n_features, n_classes, seed=8)
        rows = make(X), make(y), make(uneven_weights(n_rows))
        held_out = {"X_val": make(X[:500]), "y_val": make(y[:500])}
        for sizes in crossings:
            sizes.clear()
        GDLogisticRegression(tol=1e-6, **CROSSING[options]).fit(*rows, **held_out)
        largest = max(map(max, crossings))
        # the pairs of classes of F and the gradient, or the rows in which columns are looked at
        n_parameters = n_features + 1
        assert largest <= 8 * max(64 * n_features, 3 * n_parameters**2 + 3 * n_parameters + 1)


@pytest.mark.parametrize("options", [*CROSSING, "a working set"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_pass_sends_the_parameters_and_gets_its_sums_once(options, crossings, monkeypatch):
    """The parameters are w, and a direction or the numbers of features in use if there are any."""
    monkeypatch.setattr(array_api, "BLOCK_BYTES", 4_000)  # many blocks
    passes, (there, back) = [], crossings
    of_blocks = ArrayApiDataset._sum_over_blocks

    def counted(self, *args):
        before = len(there), len(back)
        sums = of_blocks(self, *args)
        passes.append((len(there) - before[0], len(back) - before[1]))
        return sums

    monkeypatch.setattr(ArrayApiDataset, "_sum_over_blocks", counted)
    make = LIBRARIES["strict on a device"]
    X, y = noisy(1_000, 120 if options == "a working set" else 5, 3, seed=8)
    params = CROSSING.get(options, {"C": 0.02, "l1_ratio": 1.0})
    model = GDLogisticRegression(tol=1e-6, **params).fit(make(X), make(y))
    assert model.history_["passes"][-1] > 2
    assert 1 <= max(sent for sent, _ in passes) <= 2
    assert max(received for _, received in passes) == 1


@pytest.mark.parametrize("options", [{}, {"class_weight": "balanced"}], ids=str)
def test_mini_batches_bring_back_sums_alone(options, crossings):
    """The numbers of the rows go to the device, in the order in which NumPy shuffles them."""
    make = LIBRARIES["strict on a device"]
    X, y = noisy(4_000, 5, 2, seed=8)
    rows, (there, back) = (make(X), make(y)), crossings
    for sizes in crossings:
        sizes.clear()
    model = GDLogisticRegression(solver="gd", batch_size=50, max_iter=2, tol=0, **options)
    model.fit(*rows)
    assert max(there) == 8 * 50
    assert max(back) <= 8 * 64 * 5


def test_the_rows_of_a_weight_come_back_once(crossings):
    make, n_rows = LIBRARIES["strict on a device"], 4_000
    X, y = noisy(n_rows, 5, 2, seed=8)
    rows, (_, back) = (make(X), make(y), make(np.arange(n_rows) % 2 + 0.0)), crossings
    back.clear()
    GDLogisticRegression(solver="gd", batch_size=50, max_iter=4, tol=0).fit(*rows)
    assert sorted(back)[-2] < sorted(back)[-1] == 8 * n_rows // 2


@every_library
def test_sums_have_the_dtype_of_the_device(library):
    make = LIBRARIES[library]
    X = noisy(20, 3, 2, seed=8)[0].astype(np.float32)
    data = ArrayApiDataset(make(X), make(np.ones((20, 1), np.float32)), None, intercept=False)
    ones, half = np.ones((3, 1)), make(np.full(20, 0.5))
    column, gram, counts, number = data.sum(
        lambda rows: (
            rows.backward(rows.forward(ones)),
            rows.gram(half, slice(None)),
            rows.counts_and_squares()[0],
            2.0,
        )
    )
    assert (column.dtype, gram.dtype, counts.dtype) == (np.float32, np.float64, np.int64)
    np.testing.assert_allclose(column, X.T @ X @ ones, rtol=1e-5)
    np.testing.assert_allclose(gram, X.T @ X / 4, rtol=1e-5)
    np.testing.assert_array_equal(counts, np.count_nonzero(X, axis=0))
    assert number == 2.0


# -- bad input ---------------------------------------------------------------------------------

BAD = {
    "X with NaN": lambda X, y, w: (np.where(X[100, 1] == X, np.nan, X), y, w),
    "X with inf": lambda X, y, w: (np.where(X[100, 1] == X, np.inf, X), y, w),
    "one class": lambda X, y, w: (X, np.zeros_like(y), w),
    "continuous labels": lambda X, y, w: (X, y + 0.25, w),
    "negative weights": lambda X, y, w: (X, y, -w),
    "weights with NaN": lambda X, y, w: (X, y, np.where(w > 0.3, np.nan, w)),
    "weights of 0": lambda X, y, w: (X, y, 0 * w),
    "weights of an infinite sum": lambda X, y, w: (X, y, w + 1e308),
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


@every_library
def test_what_else_reads_rows_refuses_other_libraries(library):
    make = LIBRARIES[library]
    X, y = noisy(100, 3, 2, seed=14)
    rows = make(X), make(y)
    model = GDLogisticRegression(tol=1e-8).fit(*rows)
    for name, call in (
        ("X", lambda: duality_gap(model, *rows)),
        ("y", lambda: duality_gap(model, X, rows[1])),
        ("X", lambda: gradient_check(model, *rows)),
        ("X_train", lambda: bias_variance_report(model, *rows, *rows)),
        ("X", lambda: model.partial_fit(*rows)),
        ("sample_weight", lambda: model.partial_fit(X, y, sample_weight=rows[0][:, 0])),
    ):
        with pytest.raises(ValueError, match=f"^{name} must be an array of NumPy here"):
            call()
    assert duality_gap(model, X, y) < 1e-8
    assert gradient_check(model, X, y) < 1e-6
    assert isinstance(clone(model).fit(*rows).partial_fit(X, y).coef_, np.ndarray)


@every_library
def test_without_dispatch_numpy_or_the_way_to_dispatch(library):
    make = LIBRARIES[library]
    X, y = noisy(100, 3, 2, seed=11)
    on_device = GDLogisticRegression().fit(make(X), make(y))
    with config_context(array_api_dispatch=False):
        if library in ("strict", "torch"):
            model = GDLogisticRegression().fit(make(X), make(y))
            assert isinstance(model.coef_, np.ndarray)
            assert isinstance(model.predict(make(X)), np.ndarray)
            return
        model = GDLogisticRegression().fit(X, y)
        for call in (
            lambda: GDLogisticRegression().fit(make(X), y),
            lambda: GDLogisticRegression().fit(X, make(y)),
            lambda: GDLogisticRegression().fit(X, y, make(X[:, 0] ** 2)),
            lambda: GDLogisticRegression().fit(X, y, X_val=make(X), y_val=y),
            lambda: GDLogisticRegression().partial_fit(make(X), y, classes=[0, 1]),
            lambda: model.predict(make(X)),
        ):
            with pytest.raises(TypeError, match=r"set_config\(array_api_dispatch=True\)"):
                call()
        with pytest.raises(ValueError, match=r"predict\(\) must use the same namespace"):
            on_device.predict(X)


@every_library
@pytest.mark.parametrize(("fitted", "given"), [("float64", "float32"), ("float32", "float64")])
def test_predictions_in_another_precision_than_the_fit(fitted, given, library):
    make = LIBRARIES[library]
    X, y = noisy(100, 3, 2, seed=23)
    model = GDLogisticRegression(tol=1e-5).fit(make(X.astype(fitted)), make(y))
    expected = GDLogisticRegression(tol=1e-5).fit(X.astype(fitted), y)
    for name in ("decision_function", "predict_proba", "predict"):
        found = to_numpy(getattr(model, name)(make(X.astype(given))))
        np.testing.assert_allclose(found, getattr(expected, name)(X.astype(given)), atol=1e-4)


@every_library
def test_rows_of_two_libraries_are_refused_by_name(library):
    make = LIBRARIES[library]
    X, y = noisy(100, 3, 2, seed=24)
    model, held_out = GDLogisticRegression(), {"X_val": make(X), "y_val": make(y)}
    for call in (
        lambda: model.fit(X, y, **held_out),
        lambda: model.fit(Chunks([(X, y)]), **held_out),
    ):
        with pytest.raises(ValueError, match=r"^X_val must be an array of NumPy here"):
            call()
    for chunk in ((make(X), y), (X, make(y))):
        with pytest.raises(ValueError, match=r"^Chunk 0 must be an array of NumPy here"):
            model.fit(Chunks([chunk]))


def test_a_column_named_device_makes_no_device():
    X, y = noisy(100, 3, 2, seed=27)
    frame = pd.DataFrame(X, columns=["shape", "dtype", "device"])
    model = GDLogisticRegression().fit(frame, y)
    assert isinstance(model.predict(frame), np.ndarray)
    expected = GDLogisticRegression(tol=1e-8).fit(X, y).predict_proba(X)
    found = GDLogisticRegression(tol=1e-8).fit(Chunks([(frame, y)])).predict_proba(frame)
    np.testing.assert_allclose(found, expected, atol=1e-7)


@every_library
def test_complex_rows_are_refused(library):
    make = LIBRARIES[library]
    X, y = noisy(100, 3, 2, seed=25)
    with pytest.raises(ValueError, match="Complex data not supported"):
        GDLogisticRegression().fit(make(X + 0j), make(y))


@pytest.mark.skipif("torch" not in LIBRARIES, reason="PyTorch is not installed")
def test_rows_that_require_a_gradient_are_refused():
    X, y = noisy(100, 3, 2, seed=26)
    make = LIBRARIES["torch"]
    given = {"X": make(X), "y": make(y), "sample_weight": make(uneven_weights(100))}
    for name in ("X", "sample_weight"):
        with_gradient = given | {name: given[name].requires_grad_(True)}
        with pytest.raises(ValueError, match=f"^{name} must not require a gradient"):
            GDLogisticRegression().fit(**with_gradient)
        given[name].requires_grad_(False)


@every_library
def test_without_array_api_compat_the_error_names_the_extra(library, monkeypatch):
    make = LIBRARIES[library]
    X, y = noisy(100, 3, 2, seed=15)
    monkeypatch.setitem(sys.modules, "array_api_compat", None)
    for rows in ((make(X), make(y)), (X, make(y))):
        with pytest.raises(ImportError, match=r"sklearn-gd-logreg\[array-api\]"):
            GDLogisticRegression().fit(*rows)
    GDLogisticRegression().fit(X, y)


def test_a_device_without_float64_is_refused_by_name():
    try:
        device = array_api_strict.Device("no_float64")
    except ValueError:
        pytest.skip("array-api-strict before 2.5 has no such device")
    X, y = noisy(100, 3, 2, seed=16)
    rows = array_api_strict.asarray(X.astype(np.float32), device=device)
    with pytest.raises(ValueError, match="X must be on a device with float64"):
        GDLogisticRegression().fit(rows, y, uneven_weights(100))


# -- labels, starts and callbacks --------------------------------------------------------------


@every_library
def test_boolean_labels(library):
    make = LIBRARIES[library]
    X, y = noisy(100, 3, 2, seed=17)
    rows, labels = make(X), make(y > 0)
    model = GDLogisticRegression().fit(rows, labels)
    found = model.predict(rows)
    assert like(found, labels)
    np.testing.assert_array_equal(to_numpy(found), GDLogisticRegression().fit(X, y > 0).predict(X))
    assert float(model.score(rows, labels)) > 0.5


@every_library
@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_class_of_weight_0(n_classes, library):
    make = LIBRARIES[library]
    X, y = noisy(200, 3, n_classes, seed=18)
    model = GDLogisticRegression(class_weight={0: 0.0}, tol=1e-8)
    expected = model.fit(X, y).predict_proba(X)
    found = model.fit(make(X), make(y)).predict_proba(make(X))
    np.testing.assert_allclose(to_numpy(found), expected, atol=1e-6)


@every_library
def test_a_start_on_the_device(library):
    make = LIBRARIES[library]
    X, y = noisy(200, 3, 2, seed=19)
    model = GDLogisticRegression(tol=1e-8).fit(make(X), make(y))
    start = {"coef_init": model.coef_, "intercept_init": model.intercept_}
    assert clone(model).fit(make(X), make(y), **start).n_iter_ < model.n_iter_


@every_library
def test_a_model_on_a_device_is_copied_to_scikit_learn(library):
    make = LIBRARIES[library]
    X, y = noisy(200, 3, 2, seed=20)
    model = GDLogisticRegression().fit(make(X), make(y))
    converted = as_logistic_regression(model)
    assert like(converted.coef_, model.coef_)
    converted.coef_ += 1
    assert float((converted.coef_ - model.coef_)[0, 0]) == pytest.approx(1)


@every_library
@pytest.mark.skipif(not hasattr(GDLogisticRegression, "set_callbacks"), reason="no callbacks")
def test_callbacks_see_the_model_on_the_device(library, tmp_path):
    make = LIBRARIES[library]
    X, y = noisy(200, 3, 2, seed=21)
    rows = make(X), make(y)
    scores, path = ValidationMonitor(*rows, scoring="accuracy"), Trajectory()
    checkpoint = Checkpoint(tmp_path / "fit.checkpoint")
    model = GDLogisticRegression(solver="gd", tol=0, max_iter=5)
    model.set_callbacks(scores, path, checkpoint).fit(*rows)
    assert scores.logs_[0]["score"][-1] == pytest.approx(float(model.score(*rows)))
    expected = GDLogisticRegression(solver="gd", tol=0, max_iter=5).fit(X, y)
    loaded = Checkpoint.load(tmp_path / "fit.checkpoint")
    np.testing.assert_allclose(loaded.coef_, expected.coef_, rtol=1e-9)
    assert like(loaded.fit(*rows).coef_, rows[0])


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
