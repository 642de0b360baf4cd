"""Split data into train, dev and test set."""

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
from .checks import as_labels, check_same_rows, count_rows, invalid_argument

FRACTION = Interval(0, 1, "()")
N_ROWS = Interval(1, float("inf"), "[)", integral=True)


def train_dev_test_split(
    *arrays: Any,
    dev_size: float | int = 0.2,
    test_size: float | int = 0.2,
    stratify: Any = None,
    shuffle: bool = True,
    random_state: int | np.random.RandomState | None = None,
) -> list[Any]:
    """Split arrays into a train, a dev and a test set.

    It calls `sklearn.model_selection.train_test_split` twice: first for the test set, which
    is the one of that function for the same ``random_state``, then for the dev set.

    Parameters
    ----------
    *arrays : array-likes of shape (n_samples, ...)
        Arrays, lists, sparse matrices, pandas or polars frames and series with the same
        number of rows. The parts have the type of the array.
    dev_size : float or int, default=0.2
        Size of the dev set. A float in (0, 1) is a fraction of *all* rows, rounded up as
        scikit-learn rounds ``test_size``; an int is a number of rows.
    test_size : float or int, default=0.2
        Size of the test set, in the same form. The train set is the rest and must not be
        empty.
    stratify : array-like of shape (n_samples,), default=None
        Labels whose proportions are preserved in each part, usually y. Each label needs 3
        rows or more.
    shuffle : bool, default=True
        Whether to shuffle the rows first. If False, the first rows are the train set and the
        last rows the test set, as for time series.
    random_state : int, RandomState or None, default=None
        Randomness of the shuffles; an int makes the split reproducible.

    Returns
    -------
    list, of length 3 * len(arrays)
        ``X_train, X_dev, X_test, y_train, y_dev, y_test, …``: train, dev and test part
        of each array. The parts are disjoint and contain all rows.

    Raises
    ------
    ValueError
        If no array is given, the arrays differ in their number of rows, a size is out of
        range, the train set is empty, or a label has too few rows to stratify by it.

    See Also
    --------
    join_dev_set : Use the dev set as ``cv`` of a grid search.
    bias_variance_report : Diagnose bias and variance from the errors on the three sets.

    References
    ----------
    Ng, "Machine Learning Yearning" (2018), chapters 5 to 7.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_gd_logreg import train_dev_test_split
    >>> X, y = np.arange(20).reshape(10, 2), np.arange(10)
    >>> sizes = {"dev_size": 0.3, "test_size": 1}
    >>> parts = train_dev_test_split(X, y, **sizes, random_state=0)
    >>> X_train, X_dev, X_test, y_train, y_dev, y_test = parts
    >>> len(X_train), len(X_dev), len(X_test)
    (6, 3, 1)
    >>> train_dev_test_split(y, shuffle=False)
    [array([0, 1, 2, 3, 4, 5]), array([6, 7]), array([8, 9])]
    """
    n_rows = check_arrays(arrays, stratify)
    n_dev, n_test = check_sizes(n_rows, dev_size, test_size)
    check_shuffle(shuffle, stratify)
    rng = check_rng(random_state)
    n_train = n_rows - n_dev - n_test
    labels = [] if stratify is None else [as_labels("stratify", stratify)]
    check_strata(labels, n_train, n_dev, n_test)
    rest, test = split_off([*arrays, *labels], labels, n_test, shuffle, rng)
    remaining = rest[len(arrays) :]
    check_strata_left(labels, remaining)
    train, dev = split_off(rest, remaining, n_dev, shuffle, rng)
    parts = zip(train, dev, test, strict=True)
    return list(chain.from_iterable(parts))[: 3 * len(arrays)]


def split_off(
    arrays: Sequence[Any],
    labels: Sequence[Any],
    size: int,
    shuffle: bool,
    rng: np.random.RandomState,
) -> tuple[list[Any], list[Any]]:
    """Draw ``size`` rows; return all arrays without them, and all arrays of them."""
    stratify = labels[0] if labels else None
    parts = train_test_split(
        *arrays,
        test_size=size,
        stratify=stratify,
        shuffle=shuffle,
        random_state=rng if shuffle else None,
    )
    return parts[::2], parts[1::2]


# -- checks ------------------------------------------------------------------------------


def check_arrays(arrays: Sequence[Any], stratify: Any) -> int:
    """Return the number of rows of the arrays; raise if they differ."""
    if not arrays:
        raise ValueError("train_dev_test_split needs at least 1 array. Got none.")
    counts = {f"array {k}": count_rows(f"array {k}", a) for k, a in enumerate(arrays, 1)}
    if stratify is not None:
        counts["stratify"] = count_rows("stratify", stratify)
    check_same_rows(counts)
    return counts["array 1"]


def check_sizes(n_rows: int, dev_size: float, test_size: float) -> tuple[int, int]:
    """Return the number of rows of the dev and of the test set."""
    sizes = {"dev_size": dev_size, "test_size": test_size}
    for name, size in sizes.items():
        if not (size in N_ROWS or (size in FRACTION)):
            raise invalid_argument("train_dev_test_split", name, size, f"{FRACTION}, or {N_ROWS}")
    n_dev, n_test = (int(s) if s in N_ROWS else ceil(s * n_rows) for s in sizes.values())
    if n_dev + n_test >= n_rows:
        raise ValueError(
            "dev_size and test_size must leave rows to train on. "
            f"Got dev_size={shown(dev_size)} and test_size={shown(test_size)}, "
            f"which are {n_dev} and {n_test} of {n_rows} rows."
        )
    return n_dev, n_test


def check_shuffle(shuffle: bool, stratify: Any) -> None:
    """Raise unless ``shuffle`` is a bool, or with ``stratify`` and no shuffling."""
    if not isinstance(shuffle, bool | np.bool_):
        raise invalid_argument("train_dev_test_split", "shuffle", shuffle, "a bool")
    if stratify is not None and not shuffle:
        raise ValueError(
            "stratify must be None with shuffle=False, which keeps the rows in their order."
        )


def check_rng(random_state: Any) -> np.random.RandomState:
    """Return the random number generator of both shuffles."""
    try:
        return check_random_state(random_state)
    except (TypeError, ValueError) as error:
        allowed = "an int in the range [0, 2**32 - 1], a RandomState or None"
        raise invalid_argument(
            "train_dev_test_split", "random_state", random_state, allowed
        ) from error


def check_strata(labels: Sequence[Any], n_train: int, n_dev: int, n_test: int) -> None:
    """Raise if a label has fewer rows than parts, or a part fewer rows than labels."""
    for values in labels:
        names, counts = np.unique(values, return_counts=True)
        too_few = {name: int(n) for name, n in zip(names.tolist(), counts, strict=True) if n < 3}
        if too_few:
            raise ValueError(
                "stratify needs at least 3 rows of every label, one for each part. "
                f"Got fewer of these (label: rows): {too_few}."
            )
        parts = {"train": n_train, "dev": n_dev, "test": n_test}
        for part, size in parts.items():
            if size < len(names):
                raise ValueError(
                    f"With stratify every part needs a row for each label. Got {size} rows for "
                    f"the {part} set and {len(names)} labels."
                )


def check_strata_left(labels: Sequence[Any], remaining: Sequence[Any]) -> None:
    """Raise if the test set leaves only one row of a label for train and dev set."""
    for before, after in zip(labels, remaining, strict=True):
        names, counts = np.unique(after, return_counts=True)
        counts_left = dict(zip(names.tolist(), counts.tolist(), strict=True))
        too_few = [name for name in np.unique(before).tolist() if counts_left.get(name, 0) < 2]
        if too_few:
            raise ValueError(
                f"stratify has too few rows of the labels {too_few}: with these sizes the test set "
                "leaves only one of them, and the train and dev sets need one each."
            )
