"""In pipelines, searches and ensembles the estimator replaces LogisticRegression."""

import pickle
from itertools import product

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.feature_selection import RFE, RFECV, SelectFromModel
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedKFold,
    cross_val_predict,
    cross_val_score,
)
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_gd_logreg import GDLogisticRegression, GradientDescent, Momentum

from .descents import brief
from .problems import L1_RATIO_DECIDES, SOLVERS, eighths

WRAPPERS = {
    "pipeline": lambda clf: make_pipeline(StandardScaler(), clf),
    "one against the rest": OneVsRestClassifier,
    "calibrated": lambda clf: CalibratedClassifierCV(clf, cv=3),
    "isotonic": lambda clf: CalibratedClassifierCV(clf, cv=3, method="isotonic"),
    "bagging": lambda clf: BaggingClassifier(clf, n_estimators=3, random_state=0),
    "voting": lambda clf: VotingClassifier([("a", clf), ("b", clf)], voting="soft"),
    "stacking": lambda clf: StackingClassifier([("a", clf)], final_estimator=clf, cv=3),
    "selection": lambda clf: make_pipeline(SelectFromModel(clf), clf),
    "grid": lambda clf: GridSearchCV(clf, {"C": [0.01, 1.0]}, cv=3, scoring="neg_log_loss"),
}


def ours_and_theirs():
    """The same model by two roads, both followed to the end."""
    ours = GDLogisticRegression(tol=1e-9)
    return ours, LogisticRegression(solver="newton-cholesky", tol=1e-9)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_in_any_wrapper_it_replaces_logistic_regression(wrapper, n_classes):
    X, y = eighths(n_classes=n_classes)
    ours, theirs = (WRAPPERS[wrapper](clf).fit(X, y) for clf in ours_and_theirs())
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-6)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize(
    ("parameters", "penalty"),
    [
        ({}, "l2"),
        ({"l1_ratio": 0.5}, "elasticnet"),
        ({"l1_ratio": 1 - 1e-3}, "elasticnet"),
        ({"l1_ratio": 1 - 1e-7}, "l1"),
        ({"l1_ratio": 1}, "l1"),
        ({"l1_ratio": np.float32(1), "C": 0.1}, "l1"),
        ({"C": np.inf}, None),
    ],
)
def test_the_features_that_are_selected_by_default_are_those_of_logistic_regression(
    parameters, penalty, n_classes
):
    X, y = eighths(n_classes=n_classes)
    X = np.hstack([X, np.random.default_rng(0).normal(size=(len(X), 20))])
    clf = GDLogisticRegression(tol=1e-6, **parameters)
    chosen = SelectFromModel(clf).fit(X, y)
    size = np.abs(chosen.estimator_.coef_).sum(axis=0)
    assert chosen.estimator_.penalty == clf.penalty == penalty
    assert chosen.threshold_ == (1e-5 if penalty == "l1" else size.mean())
    assert np.array_equal(chosen.get_support(), size >= chosen.threshold_)
    if L1_RATIO_DECIDES and penalty:  # without one, the classes are separable
        solver = "saga" if clf.l1_ratio else "lbfgs"
        theirs = LogisticRegression(
            C=clf.C, l1_ratio=clf.l1_ratio, solver=solver, tol=1e-8, max_iter=50_000
        )
        support = SelectFromModel(theirs).fit(X, y).get_support()
        assert np.array_equal(chosen.get_support(), support)


def test_the_penalty_is_an_attribute_and_no_parameter():
    clf = GDLogisticRegression(l1_ratio=1.0)
    assert "penalty" not in clf.get_params() | vars(clf)
    assert "penalty" not in repr(clf)
    assert clone(clf).penalty == pickle.loads(pickle.dumps(clf)).penalty == "l1"
    assert clf.set_params(C=np.inf).penalty is None
    for change in (lambda: setattr(clf, "penalty", "l2"), lambda: clf.set_params(penalty="l2")):
        with pytest.raises((AttributeError, ValueError), match="penalty"):
            change()
    with pytest.raises(TypeError, match="penalty"):
        GDLogisticRegression(penalty="l2")
    for C, l1_ratio in product((None, "1", np.ones(2), np.nan), (None, "1", np.ones(2), np.nan)):
        assert GDLogisticRegression(C=C, l1_ratio=l1_ratio).penalty == "elasticnet"


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("selector", [RFE, RFECV])
def test_features_are_eliminated_as_with_logistic_regression(selector, n_classes):
    X, y = eighths(n_classes=n_classes)
    ours, theirs = (selector(clf).fit(X, y) for clf in ours_and_theirs())
    np.testing.assert_array_equal(ours.ranking_, theirs.ranking_)


@pytest.mark.parametrize("wrapper", [OneVsOneClassifier, OneVsRestClassifier])
def test_wrappers_of_scores_find_the_scores_of_logistic_regression(wrapper):
    X, y = eighths(n_classes=3)
    ours, theirs = (wrapper(clf).fit(X, y) for clf in ours_and_theirs())
    np.testing.assert_allclose(ours.decision_function(X), theirs.decision_function(X), atol=1e-6)


@pytest.mark.parametrize("method", ["predict_proba", "predict_log_proba", "decision_function"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_cross_validated_predictions_are_those_of_logistic_regression(n_classes, method):
    X, y = eighths(n_classes=n_classes)
    ours, theirs = (cross_val_predict(c, X, y, method=method, cv=4) for c in ours_and_theirs())
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_a_grid_reaches_the_hyper_parameters_of_the_rule():
    X, y = eighths()
    betas = [np.float64(0.0), np.float64(0.9)]
    grid = GridSearchCV(
        brief(solver=Momentum(0.5)), {"solver__beta": betas}, scoring="neg_log_loss"
    )
    grid.fit(X, y)
    scores = [
        cross_val_score(brief(solver=Momentum(b)), X, y, scoring="neg_log_loss").mean()
        for b in betas
    ]
    np.testing.assert_array_equal(grid.cv_results_["mean_test_score"], scores)
    assert scores[0] != scores[1]
    assert grid.best_estimator_.solver.beta == betas[np.argmax(scores)]


@pytest.mark.parametrize("solvers", [SOLVERS, [Momentum(0.3), GradientDescent()]])
def test_a_grid_over_solvers_takes_names_and_objects(solvers):
    X, y = eighths()
    grid = GridSearchCV(brief(), {"solver": solvers, "C": [0.1, 1.0]}, cv=2).fit(X, y)
    assert len(set(grid.cv_results_["mean_fit_time"])) > 1
    assert np.isfinite(grid.cv_results_["mean_test_score"]).all()


def test_the_weights_are_routed_through_a_grid_search():
    X, y = eighths()
    weights = np.arange(len(y)) % 4.0
    with config_context(enable_metadata_routing=True):
        clf = GDLogisticRegression().set_fit_request(sample_weight=True)
        clf = clf.set_score_request(sample_weight=True)
        grid = GridSearchCV(clf, {"C": [0.1]}, cv=StratifiedKFold(3)).fit(
            X, y, sample_weight=weights
        )
    alone = GDLogisticRegression(C=0.1).fit(X, y, weights)
    np.testing.assert_array_equal(grid.best_estimator_.coef_, alone.coef_)
    scores = []
    for train, test in StratifiedKFold(3).split(X, y):
        alone.fit(X[train], y[train], weights[train])
        scores.append(alone.score(X[test], y[test], weights[test]))
    assert grid.best_score_ == pytest.approx(np.mean(scores), abs=1e-15)


def test_weights_that_nobody_asked_for_are_not_routed():
    X, y = eighths()
    with config_context(enable_metadata_routing=True):
        grid = GridSearchCV(GDLogisticRegression(), {"C": [0.1]})
        with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
            grid.fit(X, y, sample_weight=np.ones(len(y)))


def test_the_start_is_routed_through_a_pipeline():
    X, y = eighths()
    start = np.full((1, X.shape[1]), 0.25)
    with config_context(enable_metadata_routing=True):
        clf = brief(solver="gd").set_fit_request(coef_init=True)
        routed = make_pipeline(clf).fit(X, y, coef_init=start)[-1]
    direct = brief(solver="gd").fit(X, y, coef_init=start)
    np.testing.assert_array_equal(routed.history_["cost"], direct.history_["cost"])


@pytest.mark.parametrize("through", [CalibratedClassifierCV, OneVsRestClassifier])
def test_wrappers_that_pass_weights_on_find_a_place_for_them(through):
    X, y = eighths(n_classes=3)
    weights = np.arange(len(y)) % 4.0
    probabilities = []
    with config_context(enable_metadata_routing=True):
        for clf in ours_and_theirs():
            clf.set_fit_request(sample_weight=True)
            model = through(clf).fit(X, y, sample_weight=weights)
            probabilities.append(model.predict_proba(X))
    np.testing.assert_allclose(*probabilities, atol=1e-6)
