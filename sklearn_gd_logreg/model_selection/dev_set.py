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
    """Join the train and the dev set, and return a ``cv`` that separates them.

    ``GridSearchCV(model, grid, cv=cv).fit(X, y)`` then fits every candidate on the train
    set and scores it on the dev set: one fit for each candidate, where ``cv=5`` makes five.

    Parameters
    ----------
    X_train : {array-like, sparse matrix, frame} of shape (n_train, n_features)
        Training data.
    y_train : array-like of shape (n_train,)
        Training labels.
    X_dev : {array-like, sparse matrix, frame} of shape (n_dev, n_features)
        Data to score on, of the same type as ``X_train``.
    y_dev : array-like of shape (n_dev,)
        Labels to score on.

    Returns
    -------
    X : {array, sparse matrix, frame} of shape (n_train + n_dev, n_features)
        A copy of the rows of the train set, then of the dev set. Sparse matrices become
        CSR; frames keep their index.
    y : array or series of shape (n_train + n_dev,)
        Labels of these rows.
    cv : sklearn.model_selection.PredefinedSplit
        One split into train and dev set.

    Raises
    ------
    ValueError
        If X and y of a set differ in their number of rows, a set is empty, or only one of
        the sets is a frame.

    See Also
    --------
    train_dev_test_split : Makes the sets.

    Notes
    -----
    With ``refit=True``, the default, a search finally fits ``best_estimator_`` on train *and*
    dev set. Deploy this model and score it on the test set. Its error on the dev set is too
    low, since it was fitted on it; so it is not a model for `bias_variance_report`.
    For a model fitted on the train set alone, search with ``refit=False``, and fit
    ``clone(model).set_params(**search.best_params_)`` on ``X_train``, ``y_train``.

    The dev error of the best candidate is slightly too low too, since the search minimised
    it. The test set shows by how much.

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
    >>> search = GridSearchCV(model, {"C": [0.01, 1]}, cv=cv)
    >>> search = search.fit(X_both, y_both)
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
