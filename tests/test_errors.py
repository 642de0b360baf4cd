"""Bad input is refused before any work, by name, and leaves a fitted estimator as it was."""

import pickle
import sys
from contextlib import contextmanager, suppress
from functools import partial

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import DataConversionWarning, NotFittedError
from sklearn.model_selection import GridSearchCV

from sklearn_gd_logreg import (
    AdaGrad,
    Adam,
    Backtracking,
    Constant,
    CosineDecay,
    ExponentialDecay,
    GDLogisticRegression,
    GradientDescent,
    InverseSqrt,
    LearningRate,
    Momentum,
    NaturalGradient,
    Nesterov,
    RMSProp,
    StepDecay,
    TimeDecay,
    duality_gap,
    gradient_check,
)
from sklearn_gd_logreg.validation import InvalidParameterError

from .pairwise import pairwise
from .problems import SOLVERS

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
Y = np.array(["ham", "spam"])[(X[:, 0] + RNG.normal(size=60) > 0).astype(int)]
Y3 = np.array(["a", "b", "c"])[np.arange(60) % 3]


ALL_RULES = [GradientDescent, Momentum, Nesterov, AdaGrad, RMSProp, Adam, NaturalGradient]
ALL_RATES = [
    Constant,
    TimeDecay,
    ExponentialDecay,
    StepDecay,
    InverseSqrt,
    CosineDecay,
    Backtracking,
]


class Idle(GradientDescent):
    """A rule that fails as soon as it is asked to do anything."""

    def init(self, *_):
        raise AssertionError("the work has begun")

    auto_rate = prepare = norm = step = init


def test_the_idle_rule_notices_any_work():
    with pytest.raises(AssertionError, match="the work has begun"):
        GDLogisticRegression(solver=Idle()).fit(X, Y)


def fitted(**params):
    """An estimator that was fitted with good parameters and now has these."""
    return GDLogisticRegression().fit(X, Y).set_params(**params)


@contextmanager
def refused(clf, *parts, match=None, error=(ValueError, TypeError)):
    """The block must raise an error that holds these parts and change nothing about ``clf``."""
    before = pickle.dumps(vars(clf))
    with pytest.raises(error, match=match) as caught:
        yield
    assert [part for part in parts if part not in str(caught.value)] == []
    assert pickle.dumps(vars(clf)) == before


# -- parameters of the estimator ----------------------------------------------------------

POSITIVE_OR_INF = "a float in the range (0, inf]"
SHARE = "a float in the range [0, 1]"
TOLERANCE = "a float in the range [0, inf)"
COUNT = "an int in the range [0, inf)"
BATCH = "an int in the range [1, inf)"
BOOL = "a bool"
FRACTION = "a float in the range (0, 1)"
RATE = "a float in the range (0, inf), 'auto', 'backtracking'"
RULES = "'gd', 'momentum', 'nesterov', 'adagrad', 'rmsprop', 'adam', 'natural'"
SEED = "an int"
WEIGHTS = "a dict"

ALLOWED = {
    "C": (POSITIVE_OR_INF, [0, 0.0, -1, -np.inf, np.nan, "1", None, True, 1j, [1.0], np.ones(1)]),
    "l1_ratio": (SHARE, [-1e-9, 1.0001, 2, np.nan, "0.5", None, True]),
    "tol": (TOLERANCE, [-1e-9, np.inf, np.nan, "0", None, False]),
    "max_iter": (COUNT, [-1, 10.0, np.nan, np.inf, "10", None, True]),
    "verbose": (COUNT, [-1, 0.5, "1", None]),
    "batch_size": (BATCH, [0, -1, 32.0, 0.5, np.nan, np.inf, "32", True]),
    "fit_intercept": (BOOL, ["yes", None, 2, 1.0]),
    "warm_start": (BOOL, ["yes", None, 2, 1.0]),
    "early_stopping": (BOOL, ["auto", None, 2, 1.0]),
    "validation_fraction": (FRACTION, [0, 1, 1.0, -0.1, np.nan, "0.1", None, True]),
    "n_iter_no_change": (BATCH, [0, -1, 5.0, np.inf, "10", None, True]),
    "solver": (RULES, ["newton", "GD", "", None, 1, GradientDescent, Constant(0.1), ["gd"]]),
    "learning_rate": (
        RATE,
        [
            *(0, 0.0, -0.1, np.inf, np.nan, True, False, None, 1j),
            *("adaptive", "0.1", [0.1], np.array([0.1]), Constant, Momentum(0.5)),
        ],
    ),
    "class_weight": (WEIGHTS, ["imbalanced", 1, [1, 2], (1, 2), np.ones(2), pd.Series([1, 2])]),
    "random_state": (SEED, ["a", -1, 1.5, 2**32, np.random.default_rng(0), [1, "a"]]),
}


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name, (_, values) in ALLOWED.items() for value in values],
    ids=lambda value: type(value).__name__ if "0x" in repr(value) else repr(value),
)
def test_a_bad_parameter_is_refused_by_name_value_and_what_is_allowed(name, value):
    clf = fitted(**{"solver": Idle(), name: value})
    allowed, _ = ALLOWED[name]
    with refused(clf, f"{name!r} parameter of GDLogisticRegression must be", allowed, repr(value)):
        clf.fit(X, Y)


@pytest.mark.parametrize("name", ALLOWED)
def test_a_bad_parameter_is_refused_before_the_data_are_looked_at(name):
    clf = GDLogisticRegression(**{"solver": Idle(), name: ALLOWED[name][1][0]})
    with refused(clf, f"'{name}'"):
        clf.fit(None, None)
    assert set(vars(clf)) == set(clf.get_params(deep=False))


@pytest.mark.parametrize("name", ALLOWED)
def test_what_else_is_allowed_is_told_and_numbers_of_numpy_are_shown_as_plain_ones(name):
    clf = fitted(solver=Idle())
    values = (np.float64(-1.5), np.float32(-0.5), np.int64(-3), [np.float64(2.0)], (np.int8(1), 2))
    for value in values:
        with pytest.raises(InvalidParameterError) as caught:
            clf.set_params(**{name: value}).fit(X, Y)
        assert "np." not in str(caught.value)
        assert str(value).replace("np.float64(2.0)", "2.0").replace("np.int8(1)", "1") in str(
            caught.value
        )
    more = {"batch_size": "or None", "verbose": "or a bool", "random_state": "or None"}
    assert more.get(name, "must be") in str(caught.value)


NAMES_OF_LOGISTIC_REGRESSION = ["lbfgs", "liblinear", "newton-cg", "newton-cholesky", "sag", "saga"]

HINTS = [
    *(("solver", kind, f"Give an instance: solver={kind.__name__}()") for kind in ALL_RULES),
    *(
        ("learning_rate", kind, f"Give an instance: learning_rate={kind.__name__}()")
        for kind in ALL_RATES
    ),
    *(
        ("solver", name, f"{name!r} is a solver of LogisticRegression: leave it out")
        for name in NAMES_OF_LOGISTIC_REGRESSION
    ),
    ("solver", "Adam", "Did you mean 'adam'?"),
    ("solver", "rms_prop", "Did you mean 'rmsprop'?"),
    ("solver", TimeDecay(), "TimeDecay is a learning rate: give it as learning_rate."),
    ("solver", TimeDecay, "TimeDecay is a learning rate: give it as learning_rate."),
    ("learning_rate", Momentum(), "Momentum is a rule: give it as solver."),
    ("learning_rate", Adam, "Adam is a rule: give it as solver."),
    ("learning_rate", "adaptive", "a learning_rate of SGDClassifier"),
    ("learning_rate", "constant", "a learning_rate of SGDClassifier"),
]


@pytest.mark.parametrize(("name", "value", "hint"), HINTS, ids=lambda part: str(part)[:40])
def test_what_one_may_have_meant_is_said(name, value, hint):
    clf = fitted(**{"solver": Idle(), name: value})
    with refused(clf, hint, error=InvalidParameterError):
        clf.fit(X, Y)


NESTED = [
    ({"solver": "momentum"}, {"solver__beta": 0.5}, "Give solver=Momentum()."),
    ({"solver": "adam"}, {"solver__beta1": 0.5}, "Give solver=Adam()."),
    ({}, {"solver__damping": 0.5}, "Give solver=NaturalGradient()."),
    ({}, {"solver__beta": 0.5}, "Give solver=Momentum()."),
    ({}, {"solver": "rmsprop", "solver__rho": 0.5}, "Give solver=RMSProp()."),
    ({"solver": Momentum}, {"solver__beta": 0.5}, "Give solver=Momentum()."),
    ({"learning_rate": 0.1}, {"learning_rate__alpha": 0.5}, "Give learning_rate=Constant(0.1)."),
    ({}, {"learning_rate__decay": 0.5}, "Give learning_rate=TimeDecay()."),
    ({"learning_rate": "backtracking"}, {"learning_rate__grow": 3.0}, "=Backtracking()."),
    ({}, {"C__alpha": 0.5}, "'C' parameter of GDLogisticRegression must be an object"),
]


@pytest.mark.parametrize(("parameters", "changes", "hint"), NESTED, ids=repr)
def test_parameters_of_a_name_or_a_number_cannot_be_set(parameters, changes, hint):
    clf = fitted(**parameters)
    with refused(clf, hint, error=InvalidParameterError):
        clf.set_params(C=3.0, **changes)
    grid = {name: [value] for name, value in changes.items()}
    with pytest.raises(InvalidParameterError, match=hint.replace("(", r"\(").replace(")", r"\)")):
        GridSearchCV(GDLogisticRegression(**parameters), grid).fit(X, Y)


def test_parameters_of_objects_can_be_set():
    clf = GDLogisticRegression().set_params(solver=Momentum(), solver__beta=0.5)
    clf.set_params(learning_rate=TimeDecay(), learning_rate__decay=0.25, C=2.0)
    assert (clf.solver.beta, clf.learning_rate.decay, clf.C) == (0.5, 0.25, 2.0)
    for wrong in ({"solver__rho": 1}, {"solverr__beta": 1}, {"penalty": "l1"}):
        with pytest.raises(ValueError, match="Invalid parameter"):
            clf.set_params(**wrong)


GOOD = {
    "C": [1, np.inf, np.float32(0.5), np.int64(2)],
    "l1_ratio": [0, 1, np.float64(0.5)],
    "tol": [0, 1, np.float32(0.1)],
    "max_iter": [0, np.int32(3)],
    "batch_size": [1, np.int64(7), 10_000, None],
    "verbose": [np.int64(0), False],
    "fit_intercept": [np.False_],
    "warm_start": [np.True_],
    "early_stopping": [np.True_],
    "validation_fraction": [0.2, np.float32(0.25)],
    "n_iter_no_change": [1, np.int32(3)],
    "learning_rate": [1, np.float32(0.1), np.int64(1), lambda k: 0.1, TimeDecay().__call__],
    "class_weight": [{}, {"ham": 1, "spam": 2}, {"ham": 1, "spam": 1, "eggs": 3}],
    "random_state": [None, 0, np.int64(3), np.random.RandomState(0)],
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # two iterations
@pytest.mark.parametrize(("name", "value"), [(n, v) for n, values in GOOD.items() for v in values])
def test_the_ends_of_the_ranges_and_the_types_of_numpy_are_allowed(name, value):
    params = {"solver": "gd", "max_iter": 2, "tol": 0, name: value}
    with np.errstate(all="raise"):
        clf = GDLogisticRegression(**params)
        if name == "tol" and value:
            clf.set_params(max_iter=1000)
        assert np.isfinite(clf.fit(X, Y).coef_).all()


@pytest.mark.parametrize("rate", ["backtracking", Backtracking()])
def test_backtracking_is_refused_with_mini_batches(rate):
    clf = fitted(solver=Idle(), learning_rate=rate, batch_size=8)
    with refused(clf, "learning_rate", "batch_size", repr(rate)):
        clf.fit(X, Y)


@pytest.mark.parametrize(
    ("weights", "part"),
    [
        ({"ham": -1, "spam": 1}, "-1"),
        ({"ham": np.nan, "spam": 1}, "nan"),
        ({"ham": np.inf, "spam": 1}, "inf"),
        ({"ham": 0, "spam": 0}, "not all 0"),
        ({"ham": "heavy", "spam": 1}, "heavy"),
        ({"ham": None, "spam": 1}, "None"),
        ({"ham": [1, 2], "spam": 1}, "[1, 2]"),
        ({"ham": 1e308, "spam": 1e308}, "1e+308"),
        ({"ham": 1, "eggs": 1}, "spam"),
        ({"eggs": 1}, "spam"),
    ],
    ids=repr,
)
def test_bad_weights_of_classes_are_refused(weights, part):
    clf = fitted(solver=Idle(), class_weight=weights)
    with refused(clf, "class_weight", part):
        clf.fit(X, Y)


# -- parameters of rules and rates --------------------------------------------------------

DECAY = [-0.1, 1.1, np.nan, "0.5"]
OPEN_SHARE = [-0.1, 1, 1.5, np.nan, True]
POSITIVE = [0, -1, np.inf, np.nan, "1"]

BOUNDS = [
    (Momentum, "beta", "[0, 1)", OPEN_SHARE),
    (RMSProp, "rho", "[0, 1)", OPEN_SHARE),
    (RMSProp, "epsilon", "(0, inf)", POSITIVE),
    (AdaGrad, "epsilon", "(0, inf)", POSITIVE),
    (Adam, "beta1", "[0, 1)", OPEN_SHARE),
    (Adam, "beta2", "[0, 1)", OPEN_SHARE),
    (Adam, "epsilon", "(0, inf)", POSITIVE),
    (NaturalGradient, "damping", "[0, inf)", [-1e-9, np.inf, np.nan, None]),
    (NaturalGradient, "direct_limit", "[1, inf)", [0, -1, 100.0, np.inf]),
    (NaturalGradient, "exact", "a bool", [0, 1, None, "yes"]),
    (Constant, "alpha", "(0, inf)", POSITIVE),
    (TimeDecay, "alpha", "(0, inf)", POSITIVE),
    (TimeDecay, "decay", "[0, inf)", [-1, np.inf, np.nan]),
    (ExponentialDecay, "alpha", "(0, inf)", POSITIVE),
    (ExponentialDecay, "decay", "(0, 1]", [0, *DECAY]),
    (StepDecay, "alpha", "(0, inf)", POSITIVE),
    (StepDecay, "factor", "(0, 1]", [0, *DECAY]),
    (StepDecay, "every", "[1, inf)", [0, -1, 1.5, "1"]),
    (InverseSqrt, "alpha", "(0, inf)", POSITIVE),
    (InverseSqrt, "decay", "[0, inf)", [-1, np.inf, np.nan]),
    (CosineDecay, "alpha", "(0, inf)", POSITIVE),
    (CosineDecay, "steps", "[1, inf)", [0, -1, 1.5, np.inf]),
    (CosineDecay, "final", "(0, 1]", [0, *DECAY]),
    (Backtracking, "initial", "(0, inf)", POSITIVE),
    (Backtracking, "shrink", "(0, 1)", [0, 1, np.nan]),
    (Backtracking, "grow", "[1, inf)", [0.99, np.inf, np.nan]),
    (Backtracking, "sufficient", "(0, 1)", [0, 1, np.nan]),
    (Backtracking, "maximum", "(0, inf]", [0, -1, np.nan]),
    (Backtracking, "interpolate", "a bool", [1, "yes", None]),
]


@pytest.mark.parametrize(
    ("kind", "name", "allowed", "value"),
    [(*bound, value) for *bound, values in BOUNDS for value in values],
    ids=lambda part: getattr(part, "__name__", repr(part)),
)
def test_a_bad_hyper_parameter_is_refused_at_fit_with_the_name_of_its_owner(
    kind, name, allowed, value
):
    part = kind(**{name: value})
    role = "learning_rate" if isinstance(part, LearningRate) else "solver"
    clf = fitted(**{"solver": Idle(), role: part})
    with refused(clf, f"{name!r} parameter of {kind.__name__} must be", allowed, repr(value)):
        clf.fit(X, Y)


def test_every_hyper_parameter_has_bounds_in_this_table():
    tried = {(kind, name) for kind, name, *_ in BOUNDS}
    kinds = {kind for kind, *_ in BOUNDS}
    assert tried == {(kind, name) for kind in kinds for name in kind().get_params()}


class Falling(LearningRate):
    """A custom rate that is given as a table."""

    def __init__(self, rates):
        self.rates = rates

    def __call__(self, k):
        return self.rates[k]


BAD_RATES = [0, -1.0, np.nan, np.inf, "fast", None, [0.1, 0.1], 1j]


@pytest.mark.parametrize("batch_size", [None, 30])
@pytest.mark.parametrize("bad", BAD_RATES, ids=repr)
def test_a_function_that_returns_a_bad_rate_is_named_with_the_step(bad, batch_size):
    clf = fitted(solver="gd", batch_size=batch_size, tol=0)
    clf.set_params(learning_rate=Falling([0.1, 0.1, 0.1, bad]).__call__)
    with refused(clf, "learning_rate", "(0, inf)", repr(bad)[:4], "step 3"):
        clf.fit(X, Y)


@pytest.mark.parametrize("bad", BAD_RATES, ids=repr)
def test_a_custom_schedule_that_returns_a_bad_rate_is_named_with_the_step(bad):
    clf = fitted(solver="gd", learning_rate=Falling([0.1, bad]), tol=0)
    with refused(clf, "Falling", "(0, inf)", repr(bad)[:4], "step 1"):
        clf.fit(X, Y)


def a_rate_of_mine(k):
    return np.float64(-1.0)


@pytest.mark.parametrize(
    ("rate", "words"),
    [
        (a_rate_of_mine, "Got -1.0 from a_rate_of_mine instead"),
        (lambda k: np.float32(np.nan), "Got nan from <lambda> instead"),
        (partial(a_rate_of_mine), "Got -1.0 from functools.partial"),
        (Falling([np.int64(0)]).__call__, "Got 0 from Falling.__call__ instead"),
        (Falling([np.array(0.0)]), "Got 0.0 from Falling instead"),
    ],
    ids=["function", "lambda", "partial", "method", "object"],
)
def test_the_function_of_the_user_is_named_and_what_it_returned_is_plain(rate, words):
    clf = GDLogisticRegression(solver="gd", learning_rate=rate, tol=0)
    with pytest.raises(InvalidParameterError, match=words):
        clf.fit(X, Y)


def test_an_error_inside_the_function_of_the_rate_comes_out_as_it_is():
    clf = fitted(solver="gd", learning_rate=Falling([0.1]), tol=0)
    with refused(clf, "list index out of range", error=IndexError):
        clf.fit(X, Y)


# -- start --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n_classes", "name", "value", "part"),
    [
        (2, "coef_init", np.zeros((1, 3)), "(1, 4)"),
        (2, "coef_init", np.zeros((2, 4)), "(1, 4)"),
        (2, "coef_init", np.zeros((4, 1)), "(1, 4)"),
        (2, "coef_init", np.zeros(3), "(1, 4)"),
        (2, "coef_init", np.zeros((1, 1, 4)), "(1, 4)"),
        (2, "coef_init", 0.0, "(1, 4)"),
        (3, "coef_init", np.zeros((1, 4)), "(3, 4)"),
        (3, "coef_init", np.zeros(4), "(3, 4)"),
        (3, "coef_init", np.zeros((4, 3)), "(3, 4)"),
        (2, "intercept_init", np.zeros(2), "(1,)"),
        (2, "intercept_init", np.zeros((1, 1)), "(1,)"),
        (2, "intercept_init", [], "(1,)"),
        (3, "intercept_init", 0.0, "(3,)"),
        (3, "intercept_init", np.zeros(1), "(3,)"),
        (2, "coef_init", [[np.nan, 0, 0, 0]], "NaN"),
        (2, "coef_init", [[np.inf, 0, 0, 0]], "infinity"),
        (2, "intercept_init", [np.nan], "NaN"),
        (2, "coef_init", [["a", "b", "c", "d"]], "'a'"),
        (2, "coef_init", np.full((1, 4), 1j), "omplex"),
        (2, "coef_init", sparse.csr_array(np.eye(1, 4)), "parse"),
    ],
    ids=repr,
)
def test_a_bad_start_is_refused(n_classes, name, value, part):
    clf = fitted(solver=Idle())
    with refused(clf, name, part):
        clf.fit(X, {2: Y, 3: Y3}[n_classes], **{name: value})


@pytest.mark.parametrize("solver", ["gd", "natural"])
def test_a_start_at_which_the_cost_is_not_finite_is_refused(solver):
    clf = fitted(solver=solver)
    with refused(clf, "coef_init"):
        clf.fit(X, Y, coef_init=np.full((1, 4), 1e308))


@pytest.mark.parametrize(("C", "weight"), [(1e-320, 1.0), (1.0, 5e-324), (1e-300, 1e-100)])
def test_a_penalty_too_strong_for_floating_point_is_refused_by_name(C, weight):
    clf = fitted(C=C)
    with refused(clf, match=r"\bC\b", error=ValueError):
        clf.fit(X, Y, np.full(60, weight))


def test_a_start_for_the_intercept_is_refused_where_there_is_none():
    clf = fitted(solver=Idle(), fit_intercept=False)
    with refused(clf, "intercept_init", "fit_intercept=False"):
        clf.fit(X, Y, intercept_init=[0.0])


# -- data ---------------------------------------------------------------------------------


def spoiled(value, container=np.asarray, dtype=float):
    """X with one bad entry."""
    bad = X.astype(dtype)
    bad[7, 2] = value
    return container(bad)


BAD_X = {
    "NaN": (spoiled(np.nan), "contains NaN"),
    "infinity": (spoiled(-np.inf), "contains infinity"),
    "NaN in float32": (spoiled(np.nan, dtype=np.float32), "contains NaN"),
    "too large for float32": (spoiled(np.inf, dtype=np.float32), "infinity"),
    "NaN in CSR": (spoiled(np.nan, sparse.csr_array), "contains NaN"),
    "infinity in CSC": (spoiled(np.inf, sparse.csc_matrix), "contains infinity"),
    "NaN in COO": (spoiled(np.nan, sparse.coo_array), "contains NaN"),
    "NaN in a frame": (pd.DataFrame(spoiled(np.nan)), "contains NaN"),
    "missing in a nullable frame": (pd.DataFrame(spoiled(np.nan)).convert_dtypes(), "contains NaN"),
    "complex": (X + 1j, "Complex data not supported"),
    "complex CSR": (sparse.csr_array(X + 1j), "omplex"),
    "text": (X.astype(str).astype(object) + "!", "could not convert string to float"),
    "text frame": (pd.DataFrame({"a": ["x"] * 60, "b": 1.0}), "could not convert string to float"),
    "1-D": (X[:, 0], "Expected 2D array, got 1D array"),
    "3-D": (X[:, :, np.newaxis], r"dim 3.*X.reshape\(len\(X\), -1\)"),
    "4-D": (X.reshape(60, 2, 2, 1), r"dim 4.*X.reshape\(len\(X\), -1\)"),
    "3-D in lists": (X.reshape(60, 2, 2).tolist(), r"dim 3.*X.reshape\(len\(X\), -1\)"),
    "a number": (3.0, "Expected 2D array, got scalar array"),
    "no rows": (X[:0], "0 sample"),
    "no features": (X[:, :0], "0 feature"),
    "no CSR rows": (sparse.csr_array((0, 4)), "0 sample"),
    "ragged": ([[1.0, 2.0]] * 59 + [[1.0]], "inhomogeneous|sequence"),
    "None": (None, "None|NoneType|scalar"),
    "np.matrix": (np.asmatrix(X), "np.matrix is not supported"),
    "one row less": (X[1:], "inconsistent numbers of samples"),
}


@pytest.mark.parametrize("name", BAD_X)
def test_bad_rows_are_refused_by_fit(name):
    bad, message = BAD_X[name]
    clf = fitted(solver=Idle())
    with refused(clf, match=message):
        clf.fit(bad, Y if name not in ("no rows", "no CSR rows") else Y[:0])


WIDE = np.hstack([X, RNG.normal(size=(60, 80))])
SHAPES = {"tall": X, "wide": WIDE}

FIRST_PASSES = {
    **{name: {"solver": name} for name in SOLVERS},
    "natural, products": {"solver": NaturalGradient(direct_limit=2)},
    "natural, lasso": {"l1_ratio": 1.0},
    "natural, lasso, working set": {"l1_ratio": 1.0, "solver": NaturalGradient(direct_limit=2)},
    "gd, backtracking": {"solver": "gd", "learning_rate": "backtracking"},
    "gd, a given rate": {"solver": "gd", "learning_rate": 0.1},
    "no iterations": {"max_iter": 0},
    "no iterations, no intercept": {"max_iter": 0, "fit_intercept": False},
    "batches": {"solver": "gd", "batch_size": 7},
    "natural, batches": {"batch_size": 7},
    "from the last fit": {"warm_start": True},
}


@pytest.mark.parametrize(
    ("weight", "value", "container", "shape", "name"),
    pairwise(
        [1.0, 0.0],
        [np.nan, np.inf, -np.inf],
        [np.asarray, np.asfortranarray, sparse.csr_array],
        SHAPES,
        FIRST_PASSES,
    ),
)
def test_one_bad_number_is_found_wherever_the_descent_begins(name, shape, container, value, weight):
    """No rule looks for it: the first pass over the rows does, a row of weight 0 included."""
    rows, options = SHAPES[shape], FIRST_PASSES[name]
    clf = GDLogisticRegression(solver="gd", tol=1e-2).fit(rows, Y).set_params(solver="natural")
    clf.set_params(**options)
    bad, weights = rows.copy(), np.ones(60)
    bad[37, 2], weights[37] = value, weight
    what = "NaN" if np.isnan(value) else "infinity"
    with refused(clf, f"Input X contains {what}", error=ValueError):
        clf.fit(container(bad), Y, weights)
    if np.isnan(value):
        with refused(clf, "GDLogisticRegression does not accept missing values"):
            clf.fit(container(bad), Y, weights)


@pytest.mark.parametrize("rows", [X, WIDE], ids=["tall", "wide"])
@pytest.mark.parametrize("name", FIRST_PASSES)
def test_a_bad_number_is_found_where_scikit_learn_is_told_that_there_is_none(name, rows):
    bad = rows.copy()
    bad[37, 2] = np.nan
    good = GDLogisticRegression(solver="gd", tol=1e-2).fit(rows, Y)
    clf = clone(good).fit(rows, Y).set_params(solver="natural").set_params(**FIRST_PASSES[name])
    with config_context(assume_finite=True):
        with refused(clf, "Input X contains NaN", error=ValueError):
            clf.fit(bad, Y)
        with refused(clf, "Input X contains NaN", error=ValueError):
            clf.partial_fit(bad, Y)
        with refused(clf, "Input X_val contains NaN", error=ValueError):
            clf.fit(rows, Y, X_val=bad, y_val=Y)
        for use in (good.predict, good.predict_proba, good.decision_function):
            with pytest.raises(ValueError, match="Input X contains NaN"):
                use(bad)
        for judge in (duality_gap, gradient_check):
            with pytest.raises(ValueError, match="Input X contains NaN"):
                judge(good, bad, Y)
        for weights in (np.where(np.arange(60) == 7, np.nan, 1), np.nan):
            with refused(clf, "sample_weight", "NaN"):
                clf.fit(rows, Y, weights)
        with refused(clf, "coef_init", "NaN"):
            clf.fit(rows, Y, coef_init=bad[37:38])


def searches(method, rows, *args):
    """Whether scikit-learn's `assert_all_finite`, or what it calls, gets the rows."""
    seen = []

    def profile(frame, event, _):
        if "assert_all_finite" in frame.f_code.co_name:
            seen.append(frame.f_locals.get("X") is rows)

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        with suppress(ValueError):
            method(rows, *args)
    finally:
        sys.setprofile(before)
    return any(seen)


def test_a_finite_x_is_not_read_in_search_of_bad_numbers():
    clf = GDLogisticRegression().fit(X, Y)
    assert not searches(clf.fit, X, Y)
    assert not searches(clf.predict, X)
    assert searches(clf.fit, spoiled(np.nan), Y)
    assert searches(clf.predict, spoiled(np.nan))


@pytest.mark.parametrize("form", [np.asarray, pd.DataFrame, sparse.csr_array])
def test_prediction_from_finite_rows_may_overflow(form):
    clf = fitted()
    far = 1.7e308 * np.sign(clf.coef_) * np.array([[1.0], [-1.0]])
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(clf.decision_function(form(far)), [np.inf, -np.inf])


METHODS = ["predict", "predict_proba", "predict_log_proba", "decision_function"]


@pytest.mark.parametrize("name", sorted(set(BAD_X) - {"one row less", "text frame"}))
def test_bad_rows_are_refused_by_every_method_that_predicts(name):
    bad, message = BAD_X[name]
    clf = fitted()
    for method in METHODS:
        with refused(clf, match=f"{message}|feature"):
            getattr(clf, method)(bad)


BAD_Y = {
    "None": (None, "requires y"),
    "one row less": (Y[1:], "inconsistent numbers of samples"),
    "regression": (X[:, 0], "Unknown label type: continuous"),
    "regression in a list": (list(X[:, 0]), "Unknown label type: continuous"),
    "NaN": (np.where(Y == "ham", 0, np.nan), "contains NaN"),
    "infinity": (np.where(Y == "ham", 0, np.inf), "contains infinity"),
    "missing": (pd.Series(np.where(Y == "ham", 0, None), dtype="Int64"), "NaN|missing|NA"),
    "missing text": (pd.Series(np.where(Y == "ham", "ham", None), dtype="string"), "NaN|NA"),
    "None and text": (np.where(Y == "ham", "ham", None), "not supported|NaN|None|Unknown label"),
    "text and numbers": (np.array(["ham", 1] * 30, dtype=object), "not supported|Unknown label"),
    "2-D": (np.column_stack([Y, Y]), "1d array"),
    "indicators": (np.eye(2)[(Y == "ham").astype(int)], "1d array"),
    "a number": (1, "1d array|array-like"),
    "complex": ((Y == "ham") + 1j, "omplex"),
    "one class": (np.zeros(60), "one class: 0.0"),
    "one word": (["ham"] * 60, "one class: 'ham'"),
}


@pytest.mark.parametrize("name", BAD_Y)
def test_bad_labels_are_refused(name):
    bad, message = BAD_Y[name]
    clf = fitted(solver=Idle())
    with refused(clf, match=message):
        clf.fit(X, bad)


def test_labels_in_a_column_are_taken_with_a_warning_as_scikit_learn_does():
    clf = GDLogisticRegression()
    with pytest.warns(DataConversionWarning, match="column-vector"):
        clf.fit(X, Y[:, np.newaxis])
    np.testing.assert_array_equal(clf.coef_, GDLogisticRegression().fit(X, Y).coef_)


ONES = np.ones(60)

BAD_WEIGHTS = {
    "negative": (np.where(np.arange(60) == 7, -0.5, 1), "must be >= 0 everywhere.*-0.5"),
    "a negative number": (-2.0, "must be >= 0 everywhere.*-2"),
    "all zero": (0 * ONES, "only zeros"),
    "zero": (0, "only zeros"),
    "NaN": (np.where(np.arange(60) == 7, np.nan, 1), "contains NaN"),
    "infinity": (np.where(np.arange(60) == 7, np.inf, 1), "contains infinity"),
    "a NaN": (np.nan, "contains NaN"),
    "a column": (ONES[:, np.newaxis], r"\(60, 1\), expected \(60,\)"),
    "2-D": (np.ones((60, 2)), r"\(60, 2\), expected \(60,\)"),
    "too short": (ONES[1:], r"\(59,\), expected \(60,\)"),
    "too long": (np.ones(61), r"\(61,\), expected \(60,\)"),
    "text": (["much"] * 60, "much"),
    "complex": (ONES * 1j, "omplex"),
    "empty": ([], "expected|minimum"),
    "sum too large": (np.full(60, 1e307), "sum|large|finite"),
}


@pytest.mark.parametrize("name", BAD_WEIGHTS)
def test_bad_weights_are_refused_by_name(name):
    bad, message = BAD_WEIGHTS[name]
    clf = fitted(solver=Idle())
    with refused(clf, "sample_weight", match=message):
        clf.fit(X, Y, bad)


def test_a_single_label_is_refused():
    clf = fitted(solver=Idle())
    with refused(clf, "one class", "'ham'", error=ValueError):
        clf.fit(X, np.full(len(X), "ham"))


@pytest.mark.parametrize("weight", [None, (Y3 == "a").astype(float)])
def test_class_weights_that_leave_no_row_are_refused(weight):
    clf = fitted(
        solver=Idle(), class_weight={c: float(c == "b" and weight is not None) for c in "abc"}
    )
    with refused(clf, "class_weight", "not", "0"):
        clf.fit(X, Y3, weight)


@pytest.mark.parametrize("solver", ["natural", "adam"])
def test_a_class_of_weight_0_is_not_held_out_to_judge_the_others(solver):
    rows = Y3 != "b"
    options = {"early_stopping": True, "solver": solver, "random_state": 0}
    alone = GDLogisticRegression(**options).fit(X[rows], Y3[rows])
    clf = GDLogisticRegression(class_weight={"a": 1, "b": 0, "c": 1.0}, **options).fit(X, Y3)
    np.testing.assert_allclose(clf.history_["val_loss"], alone.history_["val_loss"], rtol=1e-7)
    assert clf.best_iter_ == alone.best_iter_
    np.testing.assert_allclose(clf.predict_proba(X)[:, -1], alone.predict_proba(X)[:, -1])


# -- predict ------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_an_estimator_that_is_not_fitted_says_so(method):
    with pytest.raises(NotFittedError, match="GDLogisticRegression instance is not fitted yet"):
        getattr(GDLogisticRegression(), method)(X)


@pytest.mark.parametrize(
    ("method", "container", "n_features"),
    pairwise(METHODS, [np.asarray, sparse.csr_array, pd.DataFrame], [1, 3, 5]),
)
def test_another_number_of_features_is_refused_at_predict(n_features, container, method):
    clf = fitted()
    wrong = container(np.ones((3, n_features)))
    message = f"X has {n_features} features, but GDLogisticRegression is expecting 4 features"
    with refused(clf, message, error=ValueError):
        getattr(clf, method)(wrong)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("names", ["abdc", "abcx"])
def test_other_names_of_features_are_refused_at_predict(names, method):
    clf = GDLogisticRegression().fit(pd.DataFrame(X, columns=list("abcd")), Y)
    with refused(clf, "feature names should match", error=ValueError):
        getattr(clf, method)(pd.DataFrame(X, columns=list(names)))


def test_score_needs_labels_of_the_same_length():
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        fitted().score(X, Y[1:])


# -- a failure leaves no trace ------------------------------------------------------------


class Late(GradientDescent):
    """A rule that fails in the middle of the descent."""

    def __init__(self, error=ValueError):
        self.error = error

    def step(self, point, alpha, memory):
        if point.w.any():
            raise self.error("in the middle")
        return super().step(point, alpha, memory)


@pytest.mark.parametrize("error", [ValueError, RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize("warm_start", [False, True])
def test_a_failure_in_the_middle_leaves_the_previous_fit_whole(warm_start, error):
    frame = pd.DataFrame(X, columns=list("abcd"))
    clf = GDLogisticRegression(max_iter=0, tol=0, warm_start=warm_start).fit(frame, Y)
    clf.set_params(solver=Late(error), max_iter=9)
    other = frame if warm_start else frame[["a", "b"]]
    with refused(clf, "in the middle", error=error):
        clf.fit(other, Y)
    assert clf.feature_names_in_.tolist() == list("abcd")
    assert clf.predict(frame).shape == (60,)


def test_a_failure_of_a_first_fit_leaves_an_unfitted_estimator():
    clf = GDLogisticRegression(solver=Late())
    with refused(clf, "in the middle"):
        clf.fit(pd.DataFrame(X, columns=list("abcd")), Y)
    assert set(vars(clf)) == set(clf.get_params(deep=False))
    with pytest.raises(NotFittedError):
        clf.predict(X)


@pytest.mark.parametrize(
    "fit",
    [lambda c: c.fit(X[:, :2], Y[1:]), lambda c: c.fit(X[:, :2], np.zeros(60))],
    ids=["lengths", "one class"],
)
def test_after_a_refusal_the_old_features_still_count(fit):
    clf = fitted()
    before = clf.predict_proba(X)
    with pytest.raises(ValueError, match=r"class|inconsistent"):
        fit(clf)
    assert clf.n_features_in_ == 4
    np.testing.assert_array_equal(clf.predict_proba(X), before)


# -- warm start ---------------------------------------------------------------------------

FRAME = pd.DataFrame(X, columns=list("abcd"))

RESTARTS = {
    "another class": (FRAME, np.where(Y == "ham", "ham", "eggs"), "classes", "'ham', 'spam'"),
    "one class more": (FRAME, np.where(X[:, 1] > 1, "eggs", Y), "classes", "'ham', 'spam'"),
    "numbers for names": (FRAME, (Y == "ham").astype(int), "classes", "'ham', 'spam'"),
    "a feature less": (FRAME[["a", "b", "c"]], Y, "feature", "d"),
    "a feature more": (FRAME.assign(e=1.0), Y, "feature", "e"),
    "another order": (FRAME[["b", "a", "c", "d"]], Y, "feature names", "order"),
    "other names": (FRAME.rename(columns={"d": "z"}), Y, "feature names", "z"),
    "an array of other width": (X[:, :3], Y, "X has 3 features", "4 features"),
}


@pytest.mark.filterwarnings("ignore:X does not have valid feature names:UserWarning")
@pytest.mark.parametrize("restart", RESTARTS)
def test_a_warm_start_on_something_else_is_refused(restart):
    other, y, *parts = RESTARTS[restart]
    clf = GDLogisticRegression(warm_start=True).fit(FRAME, Y).set_params(solver=Idle())
    with refused(clf, *parts, error=ValueError):
        clf.fit(other, y)


def test_a_warm_start_without_a_previous_fit_is_a_fit():
    clf = GDLogisticRegression(warm_start=True).fit(X, Y)
    np.testing.assert_array_equal(clf.coef_, GDLogisticRegression().fit(X, Y).coef_)


def test_without_warm_start_other_classes_and_features_are_no_error():
    clf = fitted().fit(X[:, :2], Y3)
    assert (clf.coef_.shape, clf.n_features_in_) == ((3, 2), 2)
