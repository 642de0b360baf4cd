"""Labels and weights as the objective gets them, held against NumPy and scikit-learn."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets

from sklearn_gd_logreg import targets
from sklearn_gd_logreg.targets import BLOCK, FEW, SAMPLE, encode, label_rows

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


@pytest.mark.parametrize("n_labels", [2, 3, FEW, FEW + 1, 300])
@pytest.mark.parametrize("n_rows", [1, 2, 700, BLOCK, 2 * BLOCK + 1])
@pytest.mark.parametrize("form", FORMS)
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


@pytest.mark.parametrize("n_labels", [2, FEW + 1])
@pytest.mark.parametrize("form", ["int", "float", "text", "objects"])
def test_a_label_that_only_the_last_row_has_is_found(form, n_labels):
    n_rows = 3 * max(BLOCK, SAMPLE) + 2
    y = np.sort(drawn(n_rows, n_labels - 1))
    y[-1] = n_labels - 1
    y = FORMS[form](y)
    assert y[-1] not in y[:: n_rows // SAMPLE]
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
    before = targets.BLOCK, targets.SAMPLE
    targets.BLOCK, targets.SAMPLE = block, sample
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            classes, codes = encode(y)
    finally:
        targets.BLOCK, targets.SAMPLE = before
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
    labels = label_rows(None, np.arange(200) % 2, weight, class_weight)
    assert labels.share is None
    factor = 1 if class_weight is None else 2
    assert labels.total == pytest.approx(200 * np.mean(weight) * factor, rel=1e-14)


def test_balanced_classes_need_no_weights_to_be_balanced():
    assert label_rows(None, np.arange(200) % 2, None, "balanced").share is None
    assert label_rows(None, np.arange(201) % 2, None, "balanced").share is not None


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("class_weight", [None, "balanced", {0: 0.5, 1: 3.0, 2: 0.0}])
@pytest.mark.parametrize("n_rows", [100, 2 * BLOCK + 5])
def test_shares_are_sample_weight_times_class_weight_over_their_sum(n_rows, class_weight, dtype):
    y = drawn(n_rows, 3)
    weight = np.random.default_rng(1).integers(0, 4, n_rows)
    labels = label_rows(None, y, weight, class_weight, dtype)
    repeated = compute_sample_weight(class_weight, np.repeat(y, weight))
    by_row = np.zeros(n_rows)
    np.add.at(by_row, np.repeat(np.arange(n_rows), weight), repeated)
    assert labels.share.dtype == dtype
    np.testing.assert_allclose(labels.share[:, 0], by_row / by_row.sum(), rtol=1e-6)
    assert labels.total == pytest.approx(by_row.sum(), rel=1e-12)
    present = by_row > 0
    np.testing.assert_array_equal(labels.classes, np.unique(y[present]))
    np.testing.assert_array_equal(labels.classes[labels.codes[present]], y[present])
