"""A class whose rows all weigh 0: absent from the fit, and a class of the model all the same."""

import pickle
import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import make_classification
from sklearn.ensemble import AdaBoostClassifier, BaggingClassifier, VotingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss
from sklearn.model_selection import cross_val_predict
from sklearn.multiclass import OneVsRestClassifier, OutputCodeClassifier

from sklearn_gd_logreg import (
    CostSurfaceDisplay,
    GDLogisticRegression,
    NaturalGradient,
    bias_variance_report,
    duality_gap,
    gradient_check,
)

from .pairwise import pairwise
from .problems import SOLVERS

CASES = {
    "one of two": (2, [1]),
    "the other of two": (2, [0]),
    "two of three": (3, [0, 2]),
    "one of three": (3, [1]),
    "three of four": (4, [0, 1, 3]),
}


def rows(n_classes, present, n_rows=90, n_features=4, seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(n_rows) % n_classes
    X = rng.normal(size=(n_rows, n_features)) + 0.7 * y[:, np.newaxis] * rng.normal(size=n_features)
    return X, y, np.isin(y, present) * (1.0 + np.arange(n_rows) // 7 % 3)


def assert_whole(clf, X, labels, present):
    """All that a model says is finite, and the absent classes have the probability 0."""
    labels = np.asarray(labels)
    np.testing.assert_array_equal(clf.classes_, labels)
    n_scores = 1 if len(labels) == 2 else len(labels)
    assert clf.coef_.shape == (n_scores, X.shape[1])
    assert clf.intercept_.shape == (n_scores,)
    scores, proba = clf.decision_function(X), clf.predict_proba(X)
    assert scores.shape == (X.shape[0],) if n_scores == 1 else (X.shape[0], n_scores)
    for array in (clf.coef_, clf.intercept_, scores, proba, clf.predict_log_proba(X)):
        assert np.isfinite(array).all()
    absent = ~np.isin(labels, present)
    assert not proba[:, absent].any()
    assert proba.shape == (X.shape[0], len(labels))
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-6)
    assert np.isin(clf.predict(X), present).all()


FORMS = [
    {},
    {"C": np.inf},
    {"l1_ratio": 1.0},
    {"l1_ratio": 0.5, "fit_intercept": False},
    {"fit_intercept": False},
    {"learning_rate": "backtracking"},
    {"batch_size": 20, "random_state": 0},
    {"tol": 0, "max_iter": 4},
]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(("form", "solver", "case"), pairwise(FORMS, SOLVERS, CASES), ids=str)
def test_the_model_is_that_of_the_other_rows(case, solver, form):
    n_classes, present = CASES[case]
    X, y, weight = rows(n_classes, present)
    options = {"solver": solver, "max_iter": 40, **form}
    clf = GDLogisticRegression(**options).fit(X, y, weight)
    assert_whole(clf, X, np.arange(n_classes), present)
    if len(present) == 1:
        assert not clf.coef_.any()
        assert clf.history_["cost"][-1] == 0
        return
    counts = weight > 0
    other = GDLogisticRegression(**options).fit(X[counts], y[counts], weight[counts])
    proba = clf.predict_proba(X)[:, present]
    if form.get("C") == np.inf:  # J is nearly flat: rounding decides where within tol a fit ends
        np.testing.assert_allclose(proba, other.predict_proba(X), rtol=0, atol=clf.tol)
        cost, other_cost = clf.history_["cost"][-1], other.history_["cost"][-1]
        np.testing.assert_allclose(cost, other_cost, rtol=0, atol=clf.tol**2)
        return
    np.testing.assert_allclose(proba, other.predict_proba(X), rtol=0, atol=1e-9)
    np.testing.assert_allclose(clf.history_["cost"], other.history_["cost"], rtol=1e-9)


@pytest.mark.parametrize("solver", [NaturalGradient(exact=True), NaturalGradient(direct_limit=1)])
@pytest.mark.parametrize("case", CASES)
def test_every_method_of_the_natural_gradient_fits_with_an_absent_class(case, solver):
    n_classes, present = CASES[case]
    X, y, weight = rows(n_classes, present)
    clf = GDLogisticRegression(solver=solver).fit(X, y, weight)
    assert_whole(clf, X, np.arange(n_classes), present)


@pytest.mark.parametrize(
    ("fit_intercept", "container", "case"),
    pairwise([True, False], [np.float32, sparse.csr_array], CASES),
)
def test_every_storage_fits_with_an_absent_class(case, container, fit_intercept):
    n_classes, present = CASES[case]
    X, y, weight = rows(n_classes, present)
    held = X.astype(np.float32) if container is np.float32 else container(X)
    clf = GDLogisticRegression(fit_intercept=fit_intercept).fit(held, y, weight)
    assert clf.coef_.dtype == clf.intercept_.dtype == held.dtype
    assert_whole(clf, held, np.arange(n_classes), present)


@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_no_score_of_the_others_brings_an_absent_class_back(scale):
    X, y, weight = rows(4, [0, 1, 3])
    for options in ({"C": np.inf, "tol": 1e-8}, {"C": 1e4}):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            clf = GDLogisticRegression(**options).fit(X, y, weight)
        assert not clf.predict_proba(scale * X)[:, 2].any()
        assert (clf.predict(scale * X) != 2).all()


@pytest.mark.parametrize("case", CASES)
def test_class_weights_of_0_are_the_same_kind(case):
    n_classes, present = CASES[case]
    X, y, _ = rows(n_classes, present)
    by_class = {c: float(c in present) for c in range(n_classes)}
    clf = GDLogisticRegression(class_weight=by_class).fit(X, y)
    assert_whole(clf, X, np.arange(n_classes), present)
    by_row = GDLogisticRegression().fit(X, y, np.isin(y, present).astype(float))
    np.testing.assert_allclose(clf.predict_proba(X), by_row.predict_proba(X), rtol=1e-12)


def test_balanced_weights_count_the_classes_that_are_there():
    X, y, weight = rows(4, [0, 1, 3])
    weight *= np.where(y == 3, 5, 1)
    counts = weight > 0
    clf = GDLogisticRegression(class_weight="balanced").fit(X, y, weight)
    other = clone(clf).fit(X[counts], y[counts], weight[counts])
    np.testing.assert_allclose(clf.predict_proba(X)[:, [0, 1, 3]], other.predict_proba(X))


def test_one_label_in_all_of_y_is_no_model():
    X, y, weight = rows(2, [0])
    with pytest.raises(ValueError, match="2 classes"):
        GDLogisticRegression().fit(X, 0 * y, weight)
    with pytest.raises(ValueError, match="class_weight"):
        GDLogisticRegression(class_weight={0: 0, 1: 1}).fit(X, y, weight)


# -- from call to call ------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
def test_a_warm_start_resumes_with_absent_classes(case):
    n_classes, present = CASES[case]
    X, y, weight = rows(n_classes, present)
    options = {"solver": "nesterov", "tol": 0, "warm_start": True}
    once = GDLogisticRegression(max_iter=9, **options).fit(X, y, weight)
    clf = GDLogisticRegression(max_iter=4, **options).fit(X, y, weight)
    clf = pickle.loads(pickle.dumps(clf)).set_params(max_iter=5).fit(X, y, weight)
    assert clf.n_iter_ == 9
    np.testing.assert_array_equal(clf.coef_, once.coef_)
    np.testing.assert_array_equal(clf.intercept_, once.intercept_)


@pytest.mark.parametrize("start", ["warm_start", "coef_init"])
@pytest.mark.parametrize("case", CASES)
def test_a_class_may_come_and_go_from_one_warm_start_to_the_next(case, start):
    n_classes, present = CASES[case]
    X, y, weight = rows(n_classes, present)
    clf = GDLogisticRegression(tol=1e-10, warm_start=start == "warm_start")
    for weights in (None, weight, None, weight):
        cold = GDLogisticRegression(tol=1e-10).fit(X, y, weights)
        begin = {}
        if start == "coef_init" and "coef_" in vars(clf):
            begin = {"coef_init": clf.coef_, "intercept_init": clf.intercept_}
        clf.fit(X, y, weights, **begin)
        np.testing.assert_allclose(clf.predict_proba(X), cold.predict_proba(X), atol=1e-8)
        assert_whole(clf, X, np.arange(n_classes), present if weights is not None else clf.classes_)


@pytest.mark.parametrize("case", CASES)
def test_a_warm_start_from_the_optimum_is_at_the_optimum(case):
    n_classes, present = CASES[case]
    X, y, weight = rows(n_classes, present)
    clf = GDLogisticRegression(tol=1e-6).fit(X, y, weight)
    again = GDLogisticRegression(tol=1e-5).fit(
        X, y, weight, coef_init=clf.coef_, intercept_init=clf.intercept_
    )
    assert again.n_iter_ <= 1
    assert again.history_["cost"][0] == pytest.approx(clf.history_["cost"][-1], rel=1e-12)


@pytest.mark.parametrize(
    ("batch_size", "solver", "case"), pairwise([None, 10], ["natural", "adam"], CASES)
)
def test_a_class_that_fit_did_not_see_may_come_in_the_stream(case, solver, batch_size):
    n_classes, present = CASES[case]
    X, y, weight = rows(n_classes, present, n_rows=900)
    clf = GDLogisticRegression(solver=solver, batch_size=batch_size, random_state=0, max_iter=20)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        clf.fit(X[:300], y[:300], weight[:300])
    clf.partial_fit(X[300:400], y[300:400], sample_weight=weight[300:400])
    assert_whole(clf, X, np.arange(n_classes), present)
    for start in range(400, 900, 50):
        clf.partial_fit(X[start : start + 50], y[start : start + 50])
        assert np.isfinite(clf.coef_).all()
        assert clf.history_["cost"].max() < 20
    assert_whole(clf, X, np.arange(n_classes), np.arange(n_classes))
    assert clf.predict_proba(X).min(axis=1).max() > 1e-3


@pytest.mark.parametrize("case", CASES)
def test_a_class_weight_of_0_in_a_stream(case):
    n_classes, present = CASES[case]
    X, y, _ = rows(n_classes, present)
    by_class = {c: float(c in present) for c in range(n_classes)}
    clf, other = GDLogisticRegression(class_weight=by_class), GDLogisticRegression()
    for start in range(0, 90, 30):
        x, t = X[start : start + 30], y[start : start + 30]
        clf.partial_fit(x, t, classes=range(n_classes))
        assert_whole(clf, X, np.arange(n_classes), present)
        if len(present) > 1:
            counts = np.isin(t, present)
            other.partial_fit(x[counts], t[counts], classes=present)
    assert clf.n_iter_ == 3
    if len(present) > 1:
        np.testing.assert_allclose(clf.predict_proba(X)[:, present], other.predict_proba(X))


# -- rows held out ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fit_intercept", "n_features", "case"), pairwise([True, False], [4, 200], CASES)
)
def test_validation_rows_of_an_absent_class_are_judged_by_the_model(
    case, n_features, fit_intercept
):
    n_classes, present = CASES[case]
    X, y, weight = rows(n_classes, present, n_features=n_features)
    clf = GDLogisticRegression(tol=1e-8, fit_intercept=fit_intercept)
    clf.fit(X, y, weight, X_val=X, y_val=y)
    loss, accuracy = clf.history_["val_loss"][-1], clf.history_["val_accuracy"][-1]
    said = -clf.predict_log_proba(X)[np.arange(len(y)), y].mean()
    assert loss == pytest.approx(said, rel=1e-9)
    assert accuracy == pytest.approx(clf.score(X, y), rel=1e-12)
    if len(present) > 1:
        counts = weight > 0
        clf.fit(X, y, weight, X_val=X[counts], y_val=y[counts])
        there = log_loss(y[counts], clf.predict_proba(X[counts]), labels=range(n_classes))
        assert clf.history_["val_loss"][-1] == pytest.approx(there, rel=1e-9)


@pytest.mark.parametrize("case", CASES)
def test_early_stopping_with_class_weights_of_0_is_that_of_the_other_rows(case):
    n_classes, present = CASES[case]
    X, y, weight = rows(n_classes, present)
    by_class = {c: float(c in present) for c in range(n_classes)}
    clf = GDLogisticRegression(
        class_weight=by_class, early_stopping=True, random_state=0, solver="gd"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        clf.fit(X, y)
        by_row = clone(clf).set_params(class_weight=None).fit(X, y, weight > 0)
    assert_whole(clf, X, np.arange(n_classes), present)
    np.testing.assert_allclose(clf.history_["val_loss"], by_row.history_["val_loss"], rtol=1e-12)
    assert clf.history_["val_loss"].max() < 5


@pytest.mark.parametrize("fraction", [0.5, 0.8, 0.95])
def test_no_class_is_held_out_whole(fraction):
    rng = np.random.default_rng(0)
    y = np.r_[np.zeros(100, int), np.full(90, 1), [2, 2]]
    X = rng.normal(size=(len(y), 3)) + y[:, np.newaxis]
    for seed in range(10):
        clf = GDLogisticRegression(
            early_stopping=True, validation_fraction=fraction, random_state=seed
        ).fit(X, y)
        assert clf.predict_proba(X)[:, 2].max() > 0


# -- in ensembles -----------------------------------------------------------------------------


def rare(n_classes):
    if n_classes == 2:
        return make_classification(100, 5, weights=[0.97], flip_y=0, random_state=0)
    return make_classification(
        100, 5, n_informative=4, n_redundant=0, n_classes=3, weights=[0.6, 0.37], flip_y=0,
        random_state=0,
    )  # fmt: skip


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("seed", range(3))
def test_bags_without_a_rare_class(seed, n_classes):
    n_estimators = 30
    X, y = rare(n_classes)
    bag = BaggingClassifier(GDLogisticRegression(), n_estimators=n_estimators, random_state=seed)
    bag.fit(X, y)
    for array in (bag.predict_proba(X), bag.predict_log_proba(X), bag.decision_function(X)):
        assert np.isfinite(array).all()
    assert bag.decision_function(X).shape == ((100,) if n_classes == 2 else (100, 3))
    assert bag.score(X, y) > 0.8
    assert min(len(set(y[rows_of_bag])) for rows_of_bag in bag.estimators_samples_) < n_classes
    by_hand = np.zeros((100, n_classes))
    for rows_of_bag in bag.estimators_samples_:
        if len(set(y[rows_of_bag])) == 1:
            by_hand[:, y[rows_of_bag[0]]] += 1
            continue
        one = GDLogisticRegression(tol=1e-8).fit(X[rows_of_bag], y[rows_of_bag])
        by_hand[:, one.classes_] += one.predict_proba(X)
    np.testing.assert_allclose(bag.predict_proba(X), by_hand / n_estimators, atol=1e-4)


ENSEMBLES = {
    "voting": VotingClassifier([("a", GDLogisticRegression())], voting="soft"),
    "one against the rest": OneVsRestClassifier(GDLogisticRegression()),
    "output codes": OutputCodeClassifier(GDLogisticRegression(), random_state=0),
    "sigmoid": CalibratedClassifierCV(GDLogisticRegression(), cv=3),
    "isotonic": CalibratedClassifierCV(GDLogisticRegression(), method="isotonic", cv=3),
    "calibrated together": CalibratedClassifierCV(GDLogisticRegression(), cv=3, ensemble=False),
    "boosting": AdaBoostClassifier(GDLogisticRegression(), n_estimators=5, random_state=0),
}


@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")  # AdaBoost's log of a weight 0
@pytest.mark.parametrize("name", ENSEMBLES)
def test_meta_estimators_with_weights_of_0(name):
    X, y, weight = rows(3, [0, 2])
    model = clone(ENSEMBLES[name])
    fitted = model.fit(X, y) if name == "output codes" else fit_weighted(model, X, y, weight)
    assert fitted.classes_.tolist() == [0, 1, 2]
    assert fitted.predict(X).shape == y.shape
    if hasattr(fitted, "predict_proba"):
        assert np.isfinite(fitted.predict_proba(X)).all()


def fit_weighted(model, X, y, weight):
    if isinstance(model, OneVsRestClassifier):  # takes weights only by routing
        model.estimator = GDLogisticRegression(class_weight={0: 1.0, 1: 0.0})
        return model.fit(X, y)
    return model.fit(X, y, sample_weight=weight)


@pytest.mark.parametrize("method", ["predict_proba", "decision_function", "predict_log_proba"])
def test_predictions_across_folds_have_all_classes(method):
    X, y, _ = rows(3, [0, 2])
    clf = GDLogisticRegression(class_weight={0: 1.0, 1: 0.0, 2: 1.0})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        predicted = cross_val_predict(clf, X, y, method=method)
    assert predicted.shape == (90, 3)
    assert np.isfinite(predicted).all()


# -- what looks at a model --------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"l1_ratio": 0.5}, {"fit_intercept": False}], ids=str)
@pytest.mark.parametrize("case", CASES)
def test_the_certificate_is_that_of_the_other_rows(case, options):
    n_classes, present = CASES[case]
    X, y, weight = rows(n_classes, present)
    clf = GDLogisticRegression(tol=1e-8, **options).fit(X, y, weight)
    found = duality_gap(clf, X, y, weight)
    assert found.cost == pytest.approx(clf.history_["cost"][-1], rel=1e-9, abs=1e-15)
    assert 0 <= found.gap < 1e-8
    if not options.get("l1_ratio"):
        assert gradient_check(clf, X, y, weight) < 1e-7
    assert "cost" in str(clf)
    if len(present) > 1:
        counts = weight > 0
        other = GDLogisticRegression(tol=1e-8, **options).fit(X[counts], y[counts], weight[counts])
        rest = duality_gap(other, X[counts], y[counts], weight[counts])
        np.testing.assert_allclose(found, rest, rtol=1e-9, atol=1e-12)
        with pytest.raises(ValueError, match="classes of the model"):
            duality_gap(clf, X, y)


@pytest.mark.parametrize("case", ["two of three", "three of four"])
def test_a_report_with_an_absent_class(case):
    n_classes, present = CASES[case]
    X, y, weight = rows(n_classes, present)
    clf = GDLogisticRegression().fit(X, y, weight)
    counts = weight > 0
    report = bias_variance_report(clf, X[counts], y[counts], X[counts][::2], y[counts][::2])
    assert str(report)


@pytest.mark.parametrize("case", ["one of two", "two of three", "three of four"])
def test_a_picture_of_the_cost_with_an_absent_class(case):
    n_classes, present = CASES[case]
    X, y, weight = rows(n_classes, present)
    clf = GDLogisticRegression(solver="gd", max_iter=5, tol=0).fit(X, y, weight)
    pair = ((0, 0), (1, 2)) if len(present) > 2 else (0, 1)
    drawn = CostSurfaceDisplay.from_estimator(
        clf, X, y, sample_weight=weight, parameters=pair, grid_resolution=5
    )
    assert drawn.path_costs["GDLogisticRegression"][-1] == pytest.approx(
        clf.history_["cost"][-1], rel=1e-12
    )
    follower = GDLogisticRegression(solver="gd", max_iter=1, tol=0, warm_start=True)
    path = [np.zeros((clf.coef_.shape[0], 5))]
    for _ in range(5):
        follower.fit(X, y, weight)
        path.append(np.column_stack([follower.coef_, follower.intercept_]))
    given = CostSurfaceDisplay.from_estimator(
        clf, X, y, sample_weight=weight, parameters=pair, path=path, grid_resolution=5
    )
    np.testing.assert_allclose(
        given.path_costs["GDLogisticRegression"], drawn.path_costs["GDLogisticRegression"]
    )
