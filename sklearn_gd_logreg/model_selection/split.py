"""Three sets from one: train, dev and test."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from math import ceil
from typing import Any

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state

from .._text import shown
from ..validation import Interval
from .checks import as_labels, check_same_rows, count_rows, refused

NAME = "train_dev_test_split"
SHARE = Interval(0, 1, "()")
COUNT = Interval(1, float("inf"), "[)", integral=True)


def train_dev_test_split(
    *arrays: Any,
    dev_size: float | int = 0.2,
    test_size: float | int = 0.2,
    stratify: Any = None,
    shuffle: bool = True,
    random_state: int | np.random.RandomState | None = None,
) -> list[Any]:
    """Split arrays into rows to train on, rows to choose by, and rows to report on.

    It is `sklearn.model_selection.train_test_split` twice: once for the test set,
    which is the one that function returns for the same ``random_state``, and once for
    the dev set out of the rest.

    Parameters
    ----------
    *arrays : array-likes of shape (n_samples, ...)
        Arrays, lists, sparse matrices, pandas or polars frames and series, all of the
        same number of rows. Each part is of the kind of the whole.
    dev_size : float or int, default=0.2
        Size of the dev set. A float in (0, 1) is a share of *all* rows, rounded up to
        whole rows, as scikit-learn rounds ``test_size``; an int is a number of rows.
    test_size : float or int, default=0.2
        Size of the test set, likewise. The train set is what is left; it must not be
        empty.
    stratify : array-like of shape (n_samples,), default=None
        Labels whose shares are to be the same in every part, up to whole rows;
        usually y. Each label needs 3 rows or more.
    shuffle : bool, default=True
        Whether to shuffle the rows first. If not, the first rows are the train set and
        the last ones the test set, as time series want it.
    random_state : int, RandomState or None, default=None
        Source of the shuffles; an int makes the same parts every time.

    Returns
    -------
    list, of length 3 * len(arrays)
        ``X_train, X_dev, X_test, y_train, y_dev, y_test, …``: train, dev and test part
        of each array in turn. The parts are disjoint, and together they are all rows.

    Raises
    ------
    ValueError
        If there is no array, the arrays differ in their number of rows, a size is out
        of range, nothing is left to train on, or there are too few rows of a label to
        stratify by it.

    See Also
    --------
    join_dev_set : The dev set as ``cv`` of a grid search.
    bias_variance_report : What the errors on the three sets say.

    References
    ----------
    Ng, "Machine Learning Yearning" (2018), chapters 5 to 7.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_gd_logreg import train_dev_test_split
    >>> X, y = np.arange(20).reshape(10, 2), np.arange(10)
    >>> parts = train_dev_test_split(X, y, dev_size=0.3, test_size=1, random_state=0)
    >>> X_train, X_dev, X_test, y_train, y_dev, y_test = parts
    >>> len(X_train), len(X_dev), len(X_test)
    (6, 3, 1)
    >>> train_dev_test_split(y, shuffle=False)
    [array([0, 1, 2, 3, 4, 5]), array([6, 7]), array([8, 9])]
    """
    n_rows = check_arrays(arrays, stratify)
    n_dev, n_test = check_sizes(n_rows, dev_size, test_size)
    check_order(shuffle, stratify)
    source = random_source(random_state)
    n_train = n_rows - n_dev - n_test
    labels = [] if stratify is None else [as_labels("stratify", stratify)]
    check_strata(labels, n_train, n_dev, n_test)
    rest, test = halve([*arrays, *labels], labels, n_test, shuffle, source)
    remaining = rest[len(arrays) :]
    check_strata_left(labels, remaining)
    train, dev = halve(rest, remaining, n_dev, shuffle, source)
    each = zip(train, dev, test, strict=True)
    return list(chain.from_iterable(each))[: 3 * len(arrays)]


def halve(
    arrays: Sequence[Any],
    labels: Sequence[Any],
    size: int,
    shuffle: bool,
    source: np.random.RandomState,
) -> tuple[list[Any], list[Any]]:
    """All arrays without the rows that are drawn, and these rows."""
    stratify = labels[0] if labels else None
    parts = train_test_split(
        *arrays,
        test_size=size,
        stratify=stratify,
        shuffle=shuffle,
        random_state=source if shuffle else None,
    )
    return parts[::2], parts[1::2]


# -- checks ------------------------------------------------------------------------------


def check_arrays(arrays: Sequence[Any], stratify: Any) -> int:
    """The number of rows that all arrays have."""
    if not arrays:
        raise ValueError(f"{NAME} needs at least 1 array. Got none.")
    counts = {f"array {k}": count_rows(f"array {k}", a) for k, a in enumerate(arrays, 1)}
    if stratify is not None:
        counts["stratify"] = count_rows("stratify", stratify)
    check_same_rows(counts)
    return counts["array 1"]


def check_sizes(n_rows: int, dev_size: float, test_size: float) -> tuple[int, int]:
    """Rows of the dev and of the test set."""
    sizes = {"dev_size": dev_size, "test_size": test_size}
    for name, size in sizes.items():
        if not (size in COUNT or (size in SHARE)):
            raise refused(NAME, name, size, f"{SHARE}, or {COUNT}")
    n_dev, n_test = (int(size) if size in COUNT else ceil(size * n_rows) for size in sizes.values())
    if n_dev + n_test >= n_rows:
        raise ValueError(
            "dev_size and test_size must leave rows to train on. "
            f"Got dev_size={shown(dev_size)} and test_size={shown(test_size)}, "
            f"which are {n_dev} and {n_test} of {n_rows} rows."
        )
    return n_dev, n_test


def check_order(shuffle: bool, stratify: Any) -> None:
    """Rows that keep their order cannot be stratified."""
    if not isinstance(shuffle, bool | np.bool_):
        raise refused(NAME, "shuffle", shuffle, "a bool")
    if stratify is not None and not shuffle:
        raise ValueError(
            "stratify must be None with shuffle=False, which keeps the rows in their order."
        )


def random_source(random_state: Any) -> np.random.RandomState:
    """The source of both shuffles."""
    try:
        return check_random_state(random_state)
    except (TypeError, ValueError) as error:
        allowed = "an int in the range [0, 2**32 - 1], a RandomState or None"
        raise refused(NAME, "random_state", random_state, allowed) from error


def check_strata(labels: Sequence[Any], n_train: int, n_dev: int, n_test: int) -> None:
    """Every label needs a row for each part, and every part a row for each label."""
    for values in labels:
        names, counts = np.unique(values, return_counts=True)
        few = {name: int(n) for name, n in zip(names.tolist(), counts, strict=True) if n < 3}
        if few:
            raise ValueError(
                "stratify needs at least 3 rows of every label, one for each part. "
                f"Got fewer of these (label: rows): {few}."
            )
        parts = {"train": n_train, "dev": n_dev, "test": n_test}
        for part, size in parts.items():
            if size < len(names):
                raise ValueError(
                    f"With stratify every part needs a row for each label. Got {size} rows for "
                    f"the {part} set and {len(names)} labels."
                )


def check_strata_left(labels: Sequence[Any], remaining: Sequence[Any]) -> None:
    """A rare label may have gone into the test set but for one row."""
    for before, after in zip(labels, remaining, strict=True):
        names, counts = np.unique(after, return_counts=True)
        left = dict(zip(names.tolist(), counts.tolist(), strict=True))
        few = [name for name in np.unique(before).tolist() if left.get(name, 0) < 2]
        if few:
            raise ValueError(
                f"stratify has too few rows of the labels {few}: with these sizes the test set "
                "takes all but one of them, and the train and dev sets need one each."
            )
