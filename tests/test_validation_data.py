"""Validation data, early stopping, and the rows held out for it."""

import pickle
import re

import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_gd_logreg import GDLogisticRegression
from sklearn_gd_logreg.objective import Objective

from .pairwise import pairwise
from .problems import SOLVERS

STORAGES = {"dense": np.asarray, "CSR": sparse.csr_array, "Fortran": np.asfortranarray}


def rows(n_rows=120, n_features=6, n_classes=2, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, n_features))
    scores = X @ rng.normal(size=(n_features, n_classes))
    return X, (scores + 2 * rng.gumbel(size=scores.shape)).argmax(axis=1)


def split(X, y):
    return X[::2], y[::2], X[1::2], y[1::2]


@pytest.mark.parametrize(
    ("storage", "n_classes", "batch_size", "rule"), pairwise(STORAGES, [2, 3], [None, 16], SOLVERS)
)
def test_the_last_entries_are_the_log_loss_and_accuracy_of_the_model(
    rule, batch_size, n_classes, storage
):
    X, y, X_val, y_val = split(*rows(n_classes=n_classes))
    weights, val_weights = 1.0 + np.arange(len(y)) % 3, np.arange(len(y_val)) % 4.0
    clf = GDLogisticRegression(
        solver=rule, batch_size=batch_size, max_iter=7, tol=0, random_state=0
    )
    read = STORAGES[storage]
    clf.fit(read(X), y, weights, X_val=read(X_val), y_val=y_val, sample_weight_val=val_weights)
    history, p = clf.history_, clf.predict_proba(X_val)
    assert len(history["val_loss"]) == len(history["val_accuracy"]) == clf.n_iter_ + 1
    loss = log_loss(y_val, p, sample_weight=val_weights, labels=clf.classes_)
    assert history["val_loss"][-1] == pytest.approx(loss, abs=1e-10)
    right = clf.predict(X_val)
    accuracy = accuracy_score(y_val, right, sample_weight=val_weights)
    assert history["val_accuracy"][-1] == pytest.approx(accuracy, abs=1e-12)
    assert history["val_loss"][0] == pytest.approx(np.log(n_classes), abs=1e-12)
    if batch_size is None:
        loss = log_loss(y, clf.predict_proba(X), sample_weight=weights, labels=clf.classes_)
        assert history["loss"][-1] == pytest.approx(loss, abs=1e-10)


@pytest.mark.parametrize("rule", ["gd", "nesterov", "natural"])
@pytest.mark.parametrize("storage", STORAGES)
def test_validation_in_the_row_space_is_that_of_the_features(storage, rule):
    X, y = rows(60, 16_000)
    X[np.abs(X) < 1] = 0
    read, (X, y, X_val, y_val) = STORAGES[storage], split(X, y)
    clf = GDLogisticRegression(solver=rule, max_iter=60, tol=0, warm_start=True)
    start = np.random.default_rng(1).normal(size=(1, 16_000)) / 100
    clf.fit(read(X), y, X_val=read(X_val), y_val=y_val, coef_init=start)
    assert "row space" in clf.solver_info_["reductions"]
    loss = log_loss(y_val, clf.predict_proba(X_val))
    assert clf.history_["val_loss"][-1] == pytest.approx(loss, abs=1e-10)


@pytest.mark.parametrize("batch_size", [None, 16])
def test_validation_data_change_nothing_but_the_history(batch_size):
    X, y, X_val, y_val = split(*rows())
    clf = GDLogisticRegression(solver="adam", batch_size=batch_size, max_iter=9, random_state=0)
    clf.set_params(tol=0)
    plain, judged = clone(clf).fit(X, y), clone(clf).fit(X, y, X_val=X_val, y_val=y_val)
    np.testing.assert_array_equal(plain.coef_, judged.coef_)
    np.testing.assert_array_equal(plain.history_["passes"], judged.history_["passes"])
    assert set(judged.history_) - set(plain.history_) == {"val_loss", "val_accuracy"}
    assert judged.best_iter_ == np.argmin(judged.history_["val_loss"])
    assert not hasattr(plain, "best_iter_")
    assert not hasattr(judged.fit(X, y), "best_iter_")


def test_each_iterate_is_judged_in_one_pass_over_the_validation_data(monkeypatch):
    X, y, X_val, y_val = split(*rows())
    judged = []
    original = Objective.loss_and_accuracy
    monkeypatch.setattr(
        Objective, "loss_and_accuracy", lambda self, w: judged.append(1) or original(self, w)
    )
    clf = GDLogisticRegression(solver="gd", max_iter=11, tol=0)
    clf.fit(X, y)
    assert not judged
    clf.fit(X, y, X_val=X_val, y_val=y_val)
    assert len(judged) == 12


# -- early stopping -------------------------------------------------------------------------


def overfitting(**params):
    return GDLogisticRegression(
        C=np.inf,
        solver="adam",
        learning_rate=0.1,
        tol=0,
        max_iter=500,
        random_state=1,
        early_stopping=True,
        **params,
    )


@pytest.mark.parametrize("batch_size", [None, 16])
@pytest.mark.parametrize("given", [True, False])
@pytest.mark.parametrize("patience", [1, 5])
def test_early_stopping_keeps_the_best_iterate(patience, given, batch_size):
    X, y, X_val, y_val = split(*rows(120, 40))
    clf = overfitting(n_iter_no_change=patience, batch_size=batch_size)
    more = {"X_val": X_val, "y_val": y_val} if given else {}
    clf.fit(X, y, **more)
    assert clf.stop_reason_ == "early_stopping"
    losses = clf.history_["val_loss"]
    assert clf.best_iter_ == np.argmin(losses) == clf.n_iter_ - patience
    lowest = np.minimum.accumulate(losses)
    new = np.r_[True, losses[1:] < lowest[:-1]]
    waited = np.arange(len(losses)) - np.maximum.accumulate(np.where(new, np.arange(len(new)), 0))
    assert (waited[:-1] < patience).all()
    if given:
        loss = log_loss(y_val, clf.predict_proba(X_val))
        assert losses[clf.best_iter_] == pytest.approx(loss, abs=1e-10)
    assert "lowest validation loss" in str(clf)


def test_the_best_iterate_is_kept_whatever_ends_the_descent():
    X, y, X_val, y_val = split(*rows(120, 40))
    clf = overfitting(n_iter_no_change=10_000).fit(X, y, X_val=X_val, y_val=y_val)
    assert clf.stop_reason_ == "max_iter"
    loss = log_loss(y_val, clf.predict_proba(X_val))
    assert clf.history_["val_loss"].min() == pytest.approx(loss, abs=1e-10)


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("weighted", [False, True])
def test_the_rows_held_out_are_a_stratified_share_that_is_not_learnt_from(weighted, storage):
    X, y = rows(200, 5, 3)
    weights = np.random.default_rng(0).integers(0, 3, 200).astype(float) if weighted else None
    clf = GDLogisticRegression(
        early_stopping=True, validation_fraction=0.25, n_iter_no_change=100, random_state=7
    )
    clf.fit(STORAGES[storage](X), y, weights)
    seed = int(np.random.RandomState(7).randint(1, np.iinfo(np.int32).max))
    there = np.arange(200) if weights is None else np.flatnonzero(weights)
    kept, held = train_test_split(there, test_size=0.25, stratify=y[there], random_state=seed)
    w = np.ones(200) if weights is None else weights
    again = GDLogisticRegression(early_stopping=True, n_iter_no_change=100)
    again.fit(X[kept], y[kept], w[kept], X_val=X[held], y_val=y[held], sample_weight_val=w[held])
    np.testing.assert_allclose(clf.coef_, again.coef_, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(clf.history_["val_loss"], again.history_["val_loss"], rtol=1e-8)
    shares = np.bincount(y[held]) / len(held) - np.bincount(y[there]) / len(there)
    assert np.abs(shares).max() < 0.03


def test_holding_out_copies_no_more_than_the_rows_held_out():
    import tracemalloc

    X, y = rows(60_000, 40)
    clf = GDLogisticRegression(early_stopping=True, random_state=0, max_iter=5, tol=0)
    clf.fit(X[:1000], y[:1000])
    tracemalloc.start()
    clf.fit(X, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.35 * X.nbytes + 4e6


# -- early stopping at the start ------------------------------------------------------------

WINE = load_wine(return_X_y=True)
SCALED_WINE = StandardScaler().fit_transform(WINE[0]), WINE[1]


def early(**params):
    return GDLogisticRegression(early_stopping=True, random_state=0, **params)


def warning_of(clf, *data, **more):
    """The one warning of a fit whose model is the start."""
    with pytest.warns(ConvergenceWarning) as caught:
        clf.fit(*data, **more)
    assert len(caught) == 1
    return str(caught[0].message)


def remedies(message):
    return re.split(r"\(\d+\) ", message)[1:]


@pytest.mark.parametrize(
    ("tol", "batch_size", "solver"), pairwise([0, 1e-4], [None, 16], ["adam", "rmsprop", "adagrad"])
)
def test_an_untrained_model_is_not_returned_in_silence(solver, batch_size, tol):
    clf = early(solver=solver, batch_size=batch_size, tol=tol, learning_rate=0.5)
    message = warning_of(clf, *WINE)
    assert clf.best_iter_ == 0
    assert not clf.coef_.any()
    assert "best_iter_=0" in message
    assert f"the validation loss is {np.log(3):.4g} there" in message
    assert f"{clf.history_['val_loss'][1]:.4g} after one iteration" in message
    assert "StandardScaler" in remedies(message)[0]
    assert "lower learning_rate, which was 0.5" in remedies(message)[1]
    # The remedy helps.
    assert early(solver=solver, tol=0).fit(*SCALED_WINE).score(*SCALED_WINE) > 0.9


@pytest.mark.parametrize(
    ("solver", "swap"), [*((rule, False) for rule in SOLVERS), ("adam", True), ("natural", True)]
)
def test_validation_data_that_were_not_transformed_are_named(solver, swap):
    X, other = (SCALED_WINE[0], WINE[0])[:: -1 if swap else 1]
    y = WINE[1]
    y_val = (y[1::2] + 1) % 3 if swap else y[1::2]  # else small features do no harm
    clf = early(solver=solver)
    message = warning_of(clf, X[::2], y[::2], X_val=other[1::2], y_val=y_val)
    size = np.sqrt(np.square(other[1::2]).sum() / np.square(X[::2]).sum())
    assert f"The features in X_val are {size:.3g} times as large" in message
    assert "transform X_val" in remedies(message)[0]
    assert not clf.coef_.any()


def test_validation_labels_that_do_not_fit_are_looked_for():
    X, y = SCALED_WINE
    message = warning_of(early(), X[::2], y[::2], X_val=X[1::2], y_val=(y[1::2] + 1) % 3)
    assert "The training cost fell" in message
    assert "y_val fits it" in remedies(message)[0]
    assert "There are only 89 validation rows" in message
    assert "lower C" in message


@pytest.mark.parametrize(
    ("ending", "params"),
    [
        ("max_iter", {"max_iter": 4, "solver": "adam"}),
        ("tol", {}),
        ("early_stopping", {"solver": "adam", "n_iter_no_change": 1}),
        ("plateau", {"solver": "gd", "batch_size": 16, "n_iter_no_change": 1000, "tol": 0.5}),
    ],
)
def test_the_start_is_named_whatever_ended_the_descent(ending, params):
    X, y = SCALED_WINE
    clf = early(**params)
    message = warning_of(clf, X[::2], y[::2], X_val=WINE[0][1::2], y_val=y[1::2])
    assert (clf.stop_reason_, clf.best_iter_) == (ending, 0)
    assert "returned the start" in message


def test_a_divergence_is_told_once_with_the_model_that_is_kept():
    clf = early(solver="gd", learning_rate=1e300, C=1e-3)
    message = warning_of(clf, *WINE)
    assert message.startswith("The descent diverged")
    assert "The model is the iterate of lowest validation loss" in message
    assert not clf.coef_.any()


def test_a_start_that_was_fitted_before_may_be_the_best_there_is():
    X, y, X_val, y_val = split(*rows(400, 5))
    clf = early(warm_start=True).fit(X, y, X_val=X_val, y_val=y_val)
    assert clf.best_iter_ > 0
    before = clf.coef_.copy()
    clf.set_params(C=1e6, learning_rate=1.0).fit(X, y, X_val=X_val, y_val=y_val)
    assert clf.best_iter_ == 0  # no warning
    np.testing.assert_array_equal(clf.coef_, before)
    # One that knows nothing of these rows is not.
    message = warning_of(clf.set_params(C=2e6), X, y, X_val=100 * X_val, y_val=1 - y_val)
    assert "returned the start" in message


def test_a_warm_start_from_an_untrained_model_warns_again():
    clf = early(solver="adam", warm_start=True)
    for _ in range(3):
        warning_of(clf, *WINE)
    assert not clf.coef_.any()


def test_an_intercept_alone_has_learnt_nothing():
    X, y = WINE[0], (WINE[1] == 0).astype(int)
    prior = [np.log(y.mean() / (1 - y.mean()))]
    clf = early(solver="adam", learning_rate=0.5)
    with pytest.warns(ConvergenceWarning, match="returned the start"):
        clf.fit(X, y, intercept_init=prior)
    assert clf.intercept_ == prior


def test_a_validation_loss_that_is_never_finite_is_no_judge():
    X, y = SCALED_WINE
    clf = early(solver="gd", n_iter_no_change=3)
    start = np.ones((3, 13))
    message = warning_of(clf, X, y, X_val=1e308 * np.sign(X), y_val=y, coef_init=start)
    assert "not finite in any" in message
    assert not hasattr(clf, "best_iter_")
    assert clf.n_iter_ == 3


def test_a_start_that_is_the_optimum_is_not_called_untrained():
    X, y = SCALED_WINE
    best = GDLogisticRegression(tol=1e-8).fit(X, y)
    clf = GDLogisticRegression(early_stopping=True, tol=1e-2)
    clf.fit(X, y, X_val=X, y_val=y, coef_init=best.coef_, intercept_init=best.intercept_)
    assert (clf.n_iter_, clf.best_iter_, clf.stop_reason_) == (0, 0, "tol")


# -- pipelines ------------------------------------------------------------------------------


def test_a_pipeline_transforms_the_validation_data():
    X, y = load_breast_cancer(return_X_y=True)
    X, y, X_val, y_val = split(X, y)
    with sklearn.config_context(enable_metadata_routing=True):
        clf = GDLogisticRegression().set_fit_request(X_val=True, y_val=True)
        pipe = Pipeline([("scale", StandardScaler()), ("clf", clf)], transform_input=["X_val"])
        pipe.fit(X, y, X_val=X_val, y_val=y_val)
    loss = log_loss(y_val, pipe.predict_proba(X_val))
    assert pipe[-1].history_["val_loss"][-1] == pytest.approx(loss, abs=1e-10)


def test_the_names_of_the_columns_must_be_those_of_x():
    X, y = rows()
    frame = pd.DataFrame(X, columns=list("abcdef"))
    clf = GDLogisticRegression().fit(frame, y, X_val=frame[:50], y_val=y[:50])
    assert clf.history_["val_loss"].shape == (clf.n_iter_ + 1,)
    with pytest.raises(ValueError, match="X_val does not fit X: The feature names"):
        clf.fit(frame, y, X_val=frame[list("fedcba")], y_val=y)


# -- what is refused ------------------------------------------------------------------------

X, Y = rows(60)
BAD = np.where(np.arange(360).reshape(60, 6) == 77, np.nan, X)
REFUSED = {
    "no labels": ({"X_val": X}, "X_val needs y_val"),
    "no rows": ({"y_val": Y}, "y_val needs X_val"),
    "weights alone": ({"sample_weight_val": np.ones(60)}, "sample_weight_val needs X_val"),
    "a label unseen": ({"X_val": X, "y_val": Y + 1}, r"y_val .*\[0, 1\].* Got \[2\]"),
    "names for numbers": ({"X_val": X, "y_val": Y.astype(str)}, "y_val must contain only labels"),
    "a column less": ({"X_val": X[:, 1:], "y_val": Y}, "X_val .*5 features.*6 features"),
    "NaN": ({"X_val": BAD, "y_val": Y}, "Input X_val contains NaN"),
    "lengths": ({"X_val": X, "y_val": Y[1:]}, r"inconsistent numbers of samples: \[60, 59\]"),
    "weights too few": (
        {"X_val": X, "y_val": Y, "sample_weight_val": np.ones(59)},
        "sample_weight_val.shape",
    ),
    "weight below 0": (
        {"X_val": X, "y_val": Y, "sample_weight_val": -np.ones(60)},
        "sample_weight_val must be",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_validation_data_are_refused_and_change_nothing(case):
    data, message = REFUSED[case]
    clf = GDLogisticRegression().fit(X[:, :4], Y)
    before = pickle.dumps(vars(clf))
    with pytest.raises(ValueError, match=message):
        clf.fit(X, Y, **data)
    assert pickle.dumps(vars(clf)) == before


def test_few_rows_hold_out_as_many_as_there_are_classes():
    few = rows(12, 3, 3)[0]
    labels = np.arange(12) % 3
    few = few + 5 * np.eye(3)[labels]
    clf = GDLogisticRegression(early_stopping=True, max_iter=3, tol=0).fit(few, labels)
    assert clf.history_["val_accuracy"].max() <= 1
    steps = 3 * clf.history_["val_accuracy"]
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-12)  # 3 rows were held out


def test_targets_of_a_regression_are_told_before_rows_are_held_out():
    with pytest.raises(ValueError, match="Unknown label type"):
        GDLogisticRegression(early_stopping=True).fit(X, X[:, 0])


def test_rows_too_few_to_hold_out_a_share_are_refused():
    clf = GDLogisticRegression(early_stopping=True)
    with pytest.raises(ValueError, match=r"validation_fraction=0\.1 of every class"):
        clf.fit(X[:20], np.arange(20) == 3)
