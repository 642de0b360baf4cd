"""A fixed dev set in a grid search."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.model_selection import PredefinedSplit

from ..data.joining import join_rows
from .checks import check_same_rows, count_rows


def join_dev_set(
    X_train: Any, y_train: Any, X_dev: Any, y_dev: Any
) -> tuple[Any, Any, PredefinedSplit]:
    """Join the train and the dev set, with the ``cv`` that takes them apart again.

    ``GridSearchCV(model, grid, cv=cv).fit(X, y)`` then fits every candidate on the train
    set and scores it on the dev set: one fit each, where ``cv=5`` makes five.

    Parameters
    ----------
    X_train : {array-like, sparse matrix, frame} of shape (n_train, n_features)
        Rows to fit on.
    y_train : array-like of shape (n_train,)
        Their labels.
    X_dev : {array-like, sparse matrix, frame} of shape (n_dev, n_features)
        Rows to score on, of the kind of ``X_train``.
    y_dev : array-like of shape (n_dev,)
        Their labels.

    Returns
    -------
    X : {array, sparse matrix, frame} of shape (n_train + n_dev, n_features)
        The rows of the train set, then those of the dev set, in a copy. Sparse
        matrices become CSR; frames keep their index.
    y : array or series of shape (n_train + n_dev,)
    cv : sklearn.model_selection.PredefinedSplit
        One split: train set, dev set.

    Raises
    ------
    ValueError
        If X and y of a set differ in their number of rows, a set is empty, or one
        is a frame and the other is not.

    See Also
    --------
    train_dev_test_split : Makes the sets.

    Notes
    -----
    With ``refit=True``, the default, a search fits ``best_estimator_`` on train *and* dev
    set when it is done. That is the model to put to work, and to score on the test set. It
    has seen the dev set, though, so a `bias_variance_report` of it shows too low an error
    there. For a model of the train set alone search with ``refit=False``, and fit
    ``clone(model).set_params(**search.best_params_)`` to ``X_train``, ``y_train``.

    The error of the best candidate on the dev set is too low as well, a little, since it
    was chosen by it; the test set tells by how much.

    References
    ----------
    Ng, "Machine Learning Yearning" (2018), chapters 5 to 7.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn_gd_logreg import GDLogisticRegression
    >>> from sklearn_gd_logreg import join_dev_set, train_dev_test_split
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> parts = train_dev_test_split(X, y, stratify=y, random_state=0)
    >>> X_train, X_dev, X_test, y_train, y_dev, y_test = parts
    >>> X_both, y_both, cv = join_dev_set(X_train, y_train, X_dev, y_dev)
    >>> model = GDLogisticRegression()
    >>> search = GridSearchCV(model, {"C": [0.01, 1]}, cv=cv).fit(X_both, y_both)
    >>> scores = search.cv_results_["mean_test_score"]
    >>> bool(scores[1] == model.fit(X_train, y_train).score(X_dev, y_dev))
    True
    """
    counts = {}
    for part, X, y in (("train", X_train, y_train), ("dev", X_dev, y_dev)):
        rows = {name: count_rows(name, a) for name, a in ((f"X_{part}", X), (f"y_{part}", y))}
        check_same_rows(rows)
        counts[part] = rows[f"X_{part}"]
        if not counts[part]:
            raise ValueError(f"X_{part} must have at least 1 row. Got none.")
    X = join_rows("X_train and X_dev", X_train, X_dev)
    y = join_rows("y_train and y_dev", y_train, y_dev)
    fold = np.repeat([-1, 0], [counts["train"], counts["dev"]])
    return X, y, PredefinedSplit(fold)
