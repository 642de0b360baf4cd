"""scikit-learn's checks of X and y are skipped only where they would change nothing."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.utils import check_X_y

from sklearn_gd_logreg.validation import DTYPES, needs_no_conversion

ROWS = np.random.default_rng(0).normal(size=(30, 4))
NUMBERS = np.arange(30) % 3


class Subclass(np.ndarray):
    """An array that is not quite one."""


PLAIN_X = {
    "float64": ROWS,
    "float32": ROWS.astype(np.float32),
    "F": np.asfortranarray(ROWS),
    "strided": ROWS[:, ::2],
}
OTHER_X = {
    "int": ROWS.astype(int),
    "big endian": ROWS.astype(">f8"),
    "long double": ROWS.astype(np.longdouble),
    "1-D": ROWS[:, 0],
    "no rows": ROWS[:0],
    "no features": ROWS[:, :0],
    "subclass": ROWS.view(Subclass),
    "masked": np.ma.masked_array(ROWS),
    "list": ROWS.tolist(),
    "frame": pd.DataFrame(ROWS),
    "CSR": sparse.csr_array(ROWS),
}
PLAIN_Y = {
    "int": NUMBERS,
    "bool": NUMBERS > 0,
    "uint8": NUMBERS.astype(np.uint8),
    "text": NUMBERS.astype(str),
    "float": NUMBERS.astype(float),
    "float32": NUMBERS.astype(np.float32),
}
OTHER_Y = {
    "NaN": np.where(NUMBERS == 2, np.nan, NUMBERS),
    "infinite": np.where(NUMBERS == 2, np.inf, NUMBERS),
    "object": NUMBERS.astype(str).astype(object),
    "complex": NUMBERS + 0j,
    "column": NUMBERS[:, np.newaxis],
    "short": NUMBERS[:-1],
    "list": NUMBERS.tolist(),
    "series": pd.Series(NUMBERS),
}


@pytest.mark.parametrize("labels", PLAIN_Y)
@pytest.mark.parametrize("form", PLAIN_X)
def test_skipped_checks_would_change_nothing(form, labels):
    X, y = PLAIN_X[form], PLAIN_Y[labels]
    assert needs_no_conversion(X)
    assert needs_no_conversion(X, y)
    checked = check_X_y(X, y, dtype=DTYPES, accept_sparse="csr", ensure_all_finite=False)
    assert checked[0] is X
    assert np.shares_memory(checked[1], y)
    assert checked[1].dtype == y.dtype


@pytest.mark.parametrize("form", OTHER_X)
def test_other_rows_are_checked(form):
    assert not needs_no_conversion(OTHER_X[form])
    assert not needs_no_conversion(OTHER_X[form], NUMBERS)


@pytest.mark.parametrize("labels", OTHER_Y)
def test_other_labels_are_checked(labels):
    assert not needs_no_conversion(ROWS, OTHER_Y[labels])
