"""Labels and weights as the objective gets them, held against NumPy and scikit-learn."""

import warnings
from datetime import date, datetime
from itertools import product

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets

from sklearn_gd_logreg import GDLogisticRegression, NaturalGradient, duality_gap, targets
from sklearn_gd_logreg.targets import (
    MAX_LABELS_TO_COMPARE,
    ROWS_PER_BLOCK,
    ROWS_TO_FIND_LABELS,
    encode,
    encode_labels,
)

from .pairwise import pairwise

WORDS = np.array([f"{'ham' * (k % 3)}{k}" for k in range(1000)])

FORMS = {
    "int": lambda k: k - 3,
    "large int": lambda k: k.astype(np.int64) * 10**15,
    "uint8": lambda k: (k % 256).astype(np.uint8),
    "bool": lambda k: k % 2 == 1,
    "float": lambda k: k * 2.0 - 10,
    "float32": lambda k: k.astype(np.float32),
    "text": lambda k: WORDS[k],
    "objects": lambda k: WORDS.astype(object)[k],
    "dates": lambda k: np.datetime64("2001-01-01") + k,
}


def drawn(n_rows, n_labels, seed=0):
    return np.random.default_rng(seed).integers(0, n_labels, n_rows)


@pytest.mark.parametrize(
    ("n_labels", "n_rows", "form"),
    pairwise(
        [2, 3, MAX_LABELS_TO_COMPARE, MAX_LABELS_TO_COMPARE + 1, 300],
        [1, 2, 700, ROWS_PER_BLOCK, 2 * ROWS_PER_BLOCK + 1],
        FORMS,
    ),
)
def test_encoding_is_what_numpy_unique_returns(form, n_rows, n_labels):
    y = FORMS[form](drawn(n_rows, n_labels))
    classes, codes = numpy_unique(y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # more labels than half of the rows
        found, places = encode(y)
    np.testing.assert_array_equal(found, classes)
    assert found.dtype == classes.dtype
    np.testing.assert_array_equal(places, codes)


def numpy_unique(y):
    return np.unique(y, return_inverse=True)


@pytest.mark.parametrize("n_labels", [2, MAX_LABELS_TO_COMPARE + 1])
@pytest.mark.parametrize("form", ["int", "float", "text", "objects"])
def test_a_label_that_only_the_last_row_has_is_found(form, n_labels):
    n_rows = 3 * max(ROWS_PER_BLOCK, ROWS_TO_FIND_LABELS) + 2
    y = np.sort(drawn(n_rows, n_labels - 1))
    y[-1] = n_labels - 1
    y = FORMS[form](y)
    assert y[-1] not in y[:: n_rows // ROWS_TO_FIND_LABELS]
    for found, expected in zip(encode(y), numpy_unique(y), strict=True):
        np.testing.assert_array_equal(found, expected)


@given(
    arrays.arrays(
        st.sampled_from([np.int8, np.uint16, np.int64, np.bool_, "U2"]),
        st.integers(1, 60),
        fill=st.nothing(),
    ),
    st.integers(1, 20),
    st.integers(1, 70),
)
def test_encoding_does_not_depend_on_blocks_and_samples(y, block, sample):
    before = targets.ROWS_PER_BLOCK, targets.ROWS_TO_FIND_LABELS
    targets.ROWS_PER_BLOCK, targets.ROWS_TO_FIND_LABELS = block, sample
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            classes, codes = encode(y)
    finally:
        targets.ROWS_PER_BLOCK, targets.ROWS_TO_FIND_LABELS = before
    np.testing.assert_array_equal(classes[codes], y)
    np.testing.assert_array_equal(classes, np.unique(y))


@pytest.mark.parametrize(("n_labels", "size"), [(2, 1), (128, 1), (129, 2), (1000, 2)])
def test_a_class_number_takes_as_few_bytes_as_it_can(n_labels, size):
    codes = encode(np.arange(10 * n_labels) % n_labels)[1]
    assert codes.dtype.kind == "i"
    assert codes.itemsize == size


def verdict(check, y):
    """The error and the warnings of a check of labels."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            check(y)
        except (TypeError, ValueError) as error:
            return type(error), str(error)
    return [str(warning.message) for warning in caught]


LABELS = {
    "whole floats": np.arange(60) % 3 * 1.0,
    "one fraction": np.where(np.arange(60) == 50, 0.5, np.arange(60) % 2),
    "fractions": np.linspace(0, 1, 60),
    "two fractions": np.arange(60) % 2 + 0.5,
    "fractions and many whole numbers": np.r_[np.arange(59.0), 0.5],
    "huge floats": np.arange(60) % 2 * 1e300,
    "float16": (np.arange(60) % 2).astype(np.float16),
    "bytes": np.array([b"ham", b"spam"] * 30),
    "bytes in objects": np.array([b"ham", b"spam"] * 30, dtype=object),
    "integers in objects": np.array([0, 1] * 30, dtype=object),
    "text in objects": np.array(["ham", "spam"] * 30, dtype=object),
    "many integers": np.arange(60) // 1.5,
    "half as many labels as rows": np.arange(60) // 2,
    "one label more than half": np.r_[np.arange(31), np.zeros(29, int)],
    "as many words as rows": WORDS[:60],
    "20 rows of 20 labels": np.arange(20),
    "21 rows of 21 labels": np.arange(21),
    "21 words": WORDS.astype(object)[:21],
    "one class": np.zeros(60),
    "dates": FORMS["dates"](np.arange(60) % 2),
}


@pytest.mark.parametrize("name", LABELS)
def test_the_labels_that_scikit_learn_objects_to_are_objected_to_in_its_words(name):
    y = LABELS[name]
    with np.errstate(invalid="ignore"):  # as in fit: a huge float is no integer
        assert verdict(encode, y) == verdict(check_classification_targets, y)


# -- weights ------------------------------------------------------------------------------


@pytest.mark.parametrize("weight", [1, 0.25, np.float32(3), np.full(200, 0.1), [2] * 200])
@pytest.mark.parametrize("class_weight", [None, {0: 2.0, 1: 2.0}])
def test_equal_weights_are_no_weights(weight, class_weight):
    labels = encode_labels(None, np.arange(200) % 2, weight, class_weight)
    assert labels.share is None
    factor = 1 if class_weight is None else 2
    assert labels.total == pytest.approx(200 * np.mean(weight) * factor, rel=1e-14)


def test_balanced_classes_need_no_weights_to_be_balanced():
    assert encode_labels(None, np.arange(200) % 2, None, "balanced").share is None
    assert encode_labels(None, np.arange(201) % 2, None, "balanced").share is not None


@pytest.mark.parametrize(
    ("dtype", "class_weight", "n_rows"),
    pairwise(
        [np.float64, np.float32],
        [None, "balanced", {0: 0.5, 1: 3.0, 2: 0.0}],
        [100, 2 * ROWS_PER_BLOCK + 5],
    ),
)
def test_shares_are_sample_weight_times_class_weight_over_their_sum(n_rows, class_weight, dtype):
    y = drawn(n_rows, 3)
    weight = np.random.default_rng(1).integers(0, 4, n_rows)
    labels = encode_labels(None, y, weight, class_weight, dtype)
    repeated = compute_sample_weight(class_weight, np.repeat(y, weight))
    by_row = np.zeros(n_rows)
    np.add.at(by_row, np.repeat(np.arange(n_rows), weight), repeated)
    assert labels.share.dtype == dtype
    np.testing.assert_allclose(labels.share[:, 0], by_row / by_row.sum(), rtol=1e-6)
    assert labels.total == pytest.approx(by_row.sum(), rel=1e-12)
    present = by_row > 0
    np.testing.assert_array_equal(labels.classes, np.unique(y[present]))
    np.testing.assert_array_equal(labels.classes[labels.codes[present]], y[present])


# -- class weights by label ---------------------------------------------------------------------


def fit(clf, X, y):
    return clf.fit(X, y)


def stream(clf, X, y):
    return clf.set_params(random_state=0).partial_fit(X, y, classes=np.unique(y))


DAY = np.datetime64("2001-01-01")
NAMED = {  # the labels, sorted, and keys that equal them
    "text that int() parses": (["1", "2"], ["1", "2"]),
    "text that int() takes for one number": (["01", "1"], ["01", "1"]),
    "text with spaces": ([" 1", "1 "], [" 1", "1 "]),
    "text with underscores": (["10", "1_0"], ["10", "1_0"]),
    "text and numpy keys": (["no", "yes"], list(np.array(["no", "yes"]))),
    "objects": (np.array(["1", "2"], dtype=object), ["1", "2"]),
    "int": ([3, 7], [3, 7]),
    "int by float": ([3, 7], [3.0, 7.0]),
    "float by int": ([3.0, 7.0], [3, 7]),
    "int by numpy": ([3, 7], [np.int8(3), np.float32(7)]),
    "bool": ([False, True], [False, True]),
    "bool by int": ([False, True], [0, 1]),
    "bool by numpy": ([False, True], [np.False_, np.True_]),
    "int by bool": ([0, 1], [False, True]),
    "days": (DAY + np.arange(2), [DAY, DAY + 1]),
    "days by datetime.date": (DAY + np.arange(2), [date(2001, 1, 1), date(2001, 1, 2)]),
    "nanoseconds by days": ((DAY + np.arange(2)).astype("M8[ns]"), [DAY, DAY + 1]),
    "nanoseconds by datetime": (
        (DAY + np.arange(2)).astype("M8[ns]"),
        [datetime(2001, 1, 1), date(2001, 1, 2)],
    ),
    "spans": (np.array([1, 2], "m8[D]"), [np.timedelta64(1, "D"), np.timedelta64(48, "h")]),
    "huge int": ([2**62, 2**62 + 1], [2**62, 2**62 + 1]),
}


@pytest.mark.parametrize("train", [fit, stream])
@pytest.mark.parametrize("name", NAMED)
def test_class_weights_are_those_of_the_labels_that_equal_the_keys(name, train):
    labels, keys = NAMED[name]
    codes = drawn(60, 2)
    X = np.random.default_rng(1).normal(size=(60, 3)) + codes[:, np.newaxis]
    y = np.asarray(labels)[codes]
    by_code = train(GDLogisticRegression(class_weight={0: 1.0, 1: 5.0}), X, codes)
    by_label = train(
        GDLogisticRegression(class_weight=dict(zip(keys, [1.0, 5.0], strict=True))), X, y
    )
    np.testing.assert_array_equal(by_label.coef_, by_code.coef_)
    only_one = train(GDLogisticRegression(class_weight={keys[1]: 5.0}), X, y)
    np.testing.assert_array_equal(only_one.coef_, by_code.coef_)


@pytest.mark.parametrize("train", [fit, stream])
@pytest.mark.parametrize("container", ["category", "string", "object", "polars", "datetime"])
def test_class_weights_of_labels_in_a_series(container, train):
    codes = drawn(60, 2)
    X = np.random.default_rng(1).normal(size=(60, 3)) + codes[:, np.newaxis]
    text = np.array(["1", "2"])[codes]
    if container == "polars":
        y, keys = pl.Series(text), ["1", "2"]
    else:
        days = pd.Series(np.array([DAY, DAY + 1])[codes])
        y = days if container == "datetime" else pd.Series(text, dtype=container)
        keys = list(days.sort_values().unique()) if container == "datetime" else ["1", "2"]
    by_code = train(GDLogisticRegression(class_weight={0: 1.0, 1: 5.0}), X, codes)
    by_label = train(
        GDLogisticRegression(class_weight=dict(zip(keys, [1.0, 5.0], strict=True))), X, y
    )
    np.testing.assert_array_equal(by_label.coef_, by_code.coef_)


FOREIGN = {
    "a number for text": (["01", "1"], {1: 50.0}),
    "numbers for text": (["1", "2"], {1: 1.0, 2: 5.0}),
    "text for a number": ([1, 2], {"1": 1.0, "2": 5.0}),
    "one unknown": ([0, 1], {0: 2.0, 7: 3.0}),
    "a tuple": ([0, 1], {(1,): 3.0}),
    "None": ([0, 1], {None: 3.0}),
    "NaN": ([0, 1], {float("nan"): 3.0}),
    "a fraction": ([0, 1], {0.5: 3.0}),
    "another day": (DAY + np.arange(2), {DAY + 2: 3.0}),
    "a number for a day": (DAY + np.arange(2), {int(DAY.astype(int)): 3.0}),
    "a weight that is no number": ([0, 1], {1: "much"}),
    "no weight": ([0, 1], {1: None}),
    "negative": ([0, 1], {1: -1.0}),
    "infinite": ([0, 1], {1: np.inf}),
    "all 0": ([0, 1], {0: 0.0, 1: 0.0}),
}


@pytest.mark.parametrize("train", [fit, stream])
@pytest.mark.parametrize("name", FOREIGN)
def test_class_weights_of_no_label_are_refused(name, train):
    labels, class_weight = FOREIGN[name]
    codes = drawn(60, 2)
    with pytest.raises(ValueError, match="class_weight"):
        train(
            GDLogisticRegression(class_weight=class_weight), np.eye(60), np.asarray(labels)[codes]
        )


@pytest.mark.parametrize("keys", [[0], [0, 1], [1, 2], [0, 1, 2], [0, 1, 2, 3], [0, 3], [3], []])
def test_keys_that_are_missing_or_too_many_are_what_scikit_learn_says(keys):
    y, class_weight = np.arange(60) % 3, {key: key + 2.0 for key in keys}
    try:
        factors = compute_class_weight(class_weight, classes=np.arange(3), y=y)
    except ValueError:
        with pytest.raises(ValueError, match="class_weight"):
            encode_labels(None, y, None, class_weight)
        return
    labels = encode_labels(None, y, None, class_weight)
    np.testing.assert_allclose(labels.total, factors[y].sum())


# -- labels that are none -----------------------------------------------------------------------

NAT = np.datetime64("NaT")
NO_LABELS = {
    "NaN": [0.0, 1.0, np.nan],
    "infinity": [0.0, 1.0, np.inf],
    "fractions": [0.5, 1.25, 2.0],
    "None": [None, 0, 1],
    "None last": ["a", "b", None],
    "text and numbers": np.array(["a", 1, 2], dtype=object),
    "numbers and text": np.array([1, 2, "a"], dtype=object),
    "objects": np.array([0, 1, 2], dtype=object),
    "bytes": np.array([b"a", b"b", b"c"]),
    "tuples": np.array([(0, 1), (1, 0), (1, 1)]),
    "NaT": np.array([DAY, DAY + 1, NAT]),
    "NaT in nanoseconds": np.array([DAY, DAY + 1, NAT], "M8[ns]"),
    "no span": np.array([1, 2, "NaT"], "m8[D]"),
    "complex": np.array([0, 1, 1j]),
}


@pytest.mark.parametrize("name", NO_LABELS)
def test_partial_fit_refuses_the_labels_that_fit_refuses(name):
    labels = NO_LABELS[name]
    y = [labels[k] for k in range(3)] * 20 if isinstance(labels, list) else np.concatenate(
        [labels] * 20
    )  # fmt: skip
    X, refused = np.arange(60.0)[:, np.newaxis], (ValueError, TypeError)
    with pytest.raises(refused):
        GDLogisticRegression().fit(X, y)
    with pytest.raises(refused):
        GDLogisticRegression().partial_fit(X, np.arange(60) % 2, classes=labels)
    with pytest.raises(refused):
        GDLogisticRegression().partial_fit(X, y, classes=labels)
    for known in ([0, 1], ["a", "b"], DAY + np.arange(2), range(20)):
        clf = GDLogisticRegression().partial_fit(
            X, np.asarray(known)[np.arange(60) % 2], classes=known
        )
        with pytest.raises(refused):
            clf.partial_fit(X, y)


@pytest.mark.parametrize("form", FORMS)
def test_partial_fit_takes_the_labels_that_fit_takes(form):
    y = FORMS[form](drawn(60, 2))
    X = np.random.default_rng(0).normal(size=(60, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clf = GDLogisticRegression().partial_fit(X, y, classes=np.unique(y))
        other = GDLogisticRegression().fit(X, y)
    np.testing.assert_array_equal(clf.classes_, other.classes_)
    assert clf.classes_.dtype == other.classes_.dtype
    many = FORMS["text"](np.arange(300))
    assert len(GDLogisticRegression().partial_fit(X, many[:60], classes=many).classes_) == 300


@pytest.mark.parametrize("unit", ["D", "ns"])
def test_errors_show_dates_as_dates(unit):
    days = (DAY + np.arange(3)).astype(f"M8[{unit}]")
    y, X = days[np.arange(60) % 3], np.arange(60.0)[:, np.newaxis]
    with pytest.raises(ValueError, match="2001-01-03"):
        GDLogisticRegression().partial_fit(X, y, classes=days[:2])
    with pytest.raises(ValueError, match="contains NaT"):
        GDLogisticRegression().fit(X, np.where(np.arange(60) == 7, NAT, y))


# -- dates as features --------------------------------------------------------------------------

UNITS = ["M8[D]", "M8[s]", "M8[ns]", "m8[D]", "m8[ns]"]
HOLDERS = {
    "array": lambda a: a[:, np.newaxis],
    "list": lambda a: [[value] for value in a],
    "objects": lambda a: np.array([[v, 1.0] for v in [*a, None]], dtype=object)[:-1],
    "frame": lambda a: pd.DataFrame({"when": a}),
    "polars": lambda a: pl.DataFrame({"when": a}),
}


HAS_NO_POLARS_TYPE = {"M8[s]", "m8[D]"}


@pytest.mark.parametrize(
    ("unit", "holder"),
    [
        (unit, holder)
        for unit, holder in product(UNITS, HOLDERS)
        if holder != "polars" or unit not in HAS_NO_POLARS_TYPE
    ],
)
def test_a_missing_date_in_X_is_refused_wherever_X_is_given(unit, holder):
    whole = np.random.default_rng(0).permutation(60).astype(unit)
    y, missing = np.arange(60) % 2, whole.copy()
    missing[17] = "NaT"
    X, bad = HOLDERS[holder](whole), HOLDERS[holder](missing)
    clf = GDLogisticRegression(solver=NaturalGradient()).fit(X, y)
    assert clf.n_features_in_ == np.shape(X)[1]
    for call in (
        lambda: GDLogisticRegression().fit(bad, y),
        lambda: GDLogisticRegression().partial_fit(bad, y, classes=[0, 1]),
        lambda: GDLogisticRegression().fit(X, y, X_val=bad, y_val=y),
        lambda: clf.predict(bad),
        lambda: clf.predict_proba(bad),
        lambda: duality_gap(clf, bad, y),
    ):
        with pytest.raises(ValueError, match="contains Na"):
            call()


def test_the_lowest_integer_is_a_number():
    lowest = np.iinfo(np.int64).min
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for X in (np.array([[lowest], [1]] * 5), [[float(lowest)], [1.0]] * 5):
            assert GDLogisticRegression(max_iter=1).fit(X, np.arange(10) % 2).n_iter_ == 1
