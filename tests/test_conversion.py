"""A model converted to scikit-learn's class predicts the same, and a refit has the same minimum."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_gd_logreg import GDLogisticRegression, duality_gap
from sklearn_gd_logreg.conversion import as_logistic_regression

from .pairwise import pairwise
from .problems import load, noisy, uneven_weights

pytestmark = pytest.mark.rounding  # equal scores

LABELS = {
    "bool": [False, True],
    "float": [-3.0, 1.0, 2.0],
    "int": [7, -3, 12, 5],
    "str": ["ham", "spam", "what"],
    "object": np.array(["a", "bb", "ccc"], dtype=object),
    "datetime64": np.array(["2030-01-01", "2031-01-01"], dtype="datetime64[D]"),
}

PENALTIES = {
    "L2": {"C": 0.5},
    "none": {"C": np.inf},
    "none of L1": {"C": np.inf, "l1_ratio": 0.5},
    "L1": {"C": 0.3, "l1_ratio": 1.0},
    "elastic net": {"C": 0.3, "l1_ratio": 0.4},
}


def assert_same_predictions(converted, model, X):
    """The same scores and labels, and the same probabilities to rounding."""
    scores = model.decision_function(X)
    np.testing.assert_array_equal(converted.decision_function(X), scores)
    np.testing.assert_array_equal(converted.predict(X), model.predict(X))
    proba = model.predict_proba(X)
    atol = 4 * np.finfo(proba.dtype).eps
    np.testing.assert_allclose(converted.predict_proba(X), proba, rtol=0, atol=atol)


@pytest.mark.parametrize(
    ("labels", "dtype", "storage", "fit_intercept"),
    pairwise(LABELS, [np.float64, np.float32], [np.array, sparse.csr_array], [True, False]),
)
def test_predictions_are_the_same(labels, dtype, storage, fit_intercept):
    classes = np.array(LABELS[labels])
    X, y = noisy(90, 4, len(classes), seed=0)
    X, y = storage(X.astype(dtype)), classes[y]
    clf = GDLogisticRegression(fit_intercept=fit_intercept).fit(X, y)
    converted = as_logistic_regression(clf)
    assert type(converted) is LogisticRegression
    assert_same_predictions(converted, clf, X)
    assert converted.coef_.shape == (1 if len(classes) == 2 else len(classes), 4)
    assert converted.coef_.dtype == converted.intercept_.dtype == dtype
    assert converted.classes_.dtype == clf.classes_.dtype
    assert_same_predictions(pickle.loads(pickle.dumps(converted)), clf, X)


@pytest.mark.parametrize("present", [[0, 1], [0, 2], [1], [0, 1, 2]])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_absent_classes_stay_absent(n_classes, present, fit_intercept):
    X, y = noisy(90, 4, n_classes, seed=0)
    weight = np.isin(y, present).astype(float)
    clf = GDLogisticRegression(fit_intercept=fit_intercept).fit(X, y, weight)
    converted = as_logistic_regression(clf)
    assert_same_predictions(converted, clf, X)
    absent = [label for label in range(n_classes) if label not in present]
    assert not converted.predict_proba(X)[:, absent].any()


def test_scores_far_from_0_are_the_same():
    X, y = noisy(90, 4, 3, seed=0)
    clf = GDLogisticRegression().fit(X, y)
    assert_same_predictions(as_logistic_regression(clf), clf, 1e4 * X)


# scikit-learn 1.8.0 warns of each C=inf, which it recommends; earlier and later ones do not.
@pytest.mark.filterwarnings("ignore:Setting penalty=None will ignore the C:UserWarning")
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_a_refit_has_the_same_minimum(n_classes, penalty, fit_intercept):
    X, y = noisy(120, 5, n_classes, seed=1)
    weight = uneven_weights(len(y))
    options = {"tol": 1e-9, "max_iter": 100_000, "random_state": 0, **PENALTIES[penalty]}
    clf = GDLogisticRegression(fit_intercept=fit_intercept, **options).fit(X, y, weight)
    refit = clone(as_logistic_regression(clf)).fit(X, y, weight)
    np.testing.assert_allclose(refit.predict_proba(X), clf.predict_proba(X), rtol=0, atol=1e-6)
    if penalty in ("L1", "elastic net"):
        np.testing.assert_array_equal(refit.coef_ == 0, clf.coef_ == 0)


@pytest.mark.parametrize("class_weight", [{0: 3.0}, {"0": 1.0, 0: 2.0, 1: 0.5}, "balanced"])
def test_a_refit_has_the_same_class_weights(class_weight):
    X, y = load("breast_cancer", scaled=True)
    clf = GDLogisticRegression(class_weight=class_weight, tol=1e-9).fit(X, y)
    refit = clone(as_logistic_regression(clf)).fit(X, y)
    np.testing.assert_allclose(refit.predict_proba(X), clf.predict_proba(X), rtol=0, atol=1e-6)


@pytest.mark.parametrize("penalty", ["L2", "L1", "elastic net"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_cost_is_the_same(n_classes, penalty):
    """The duality gap reads the cost from the parameters, and the point from the coefficients."""
    X, y = noisy(120, 5, n_classes, seed=1)
    clf = GDLogisticRegression(**PENALTIES[penalty], class_weight="balanced").fit(X, y)
    assert duality_gap(as_logistic_regression(clf), X, y) == duality_gap(clf, X, y)


def test_parameters_are_those_of_the_model():
    X, y = load("iris")
    rng = np.random.RandomState(0)
    shared = {
        "C": 0.7,
        "fit_intercept": False,
        "class_weight": {0: 2.0, 1: 1.0, 2: 1.0},
        "tol": 1e-3,
        "max_iter": 345,
        "random_state": rng,
        "warm_start": True,
        "verbose": 0,
    }
    converted = as_logistic_regression(GDLogisticRegression(**shared).fit(X, y))
    params = converted.get_params()
    assert params["random_state"] is not rng
    assert params["class_weight"] is not shared["class_weight"]
    np.testing.assert_equal(params.pop("random_state").get_state(), rng.get_state())
    del shared["random_state"]
    assert shared.items() <= params.items()
    defaults = LogisticRegression().get_params()
    assert all(params[name] == defaults[name] for name in params.keys() - shared.keys())


def test_parameters_without_counterpart_do_not_matter():
    X, y = load("breast_cancer", scaled=True)
    clf = GDLogisticRegression(
        solver="momentum",
        learning_rate=0.1,
        batch_size=50,
        early_stopping=True,
        max_iter=20,
        random_state=0,
    ).fit(X, y)
    converted = as_logistic_regression(clf)
    assert_same_predictions(converted, clf, X)
    np.testing.assert_array_equal(converted.n_iter_, [clf.n_iter_])


def test_a_warm_start_begins_at_the_model():
    X, y = load("breast_cancer", scaled=True)
    clf = GDLogisticRegression(tol=1e-9, warm_start=True).fit(X, y)
    converted = as_logistic_regression(clf).set_params(tol=1e-4).fit(X, y)
    assert converted.n_iter_ <= 1


def test_fitted_attributes_are_those_of_scikit_learn():
    X, y = load("iris")
    frame = pd.DataFrame(X, columns=["a", "b", "c", "d"])
    clf = GDLogisticRegression().fit(frame, y)
    converted, refit = as_logistic_regression(clf), LogisticRegression(max_iter=1000).fit(frame, y)
    assert vars(converted).keys() == vars(refit).keys()
    np.testing.assert_array_equal(converted.feature_names_in_, clf.feature_names_in_)
    assert converted.n_features_in_ == 4
    assert converted.n_iter_.dtype == refit.n_iter_.dtype
    assert converted.n_iter_.shape == refit.n_iter_.shape
    assert_same_predictions(converted, clf, frame)
    assert not hasattr(as_logistic_regression(clf.fit(X, y)), "feature_names_in_")


def test_nothing_is_shared_with_the_model():
    X, y = load("iris")
    pipe = make_pipeline(StandardScaler(), GDLogisticRegression()).fit(X, y)
    before, proba = pickle.dumps(pipe), pipe.predict_proba(X)
    converted = as_logistic_regression(pipe)
    for name in ("coef_", "intercept_", "classes_"):
        getattr(converted[-1], name)[:] = 0
    converted.fit(100 + X[::2], y[::2])
    np.testing.assert_array_equal(pipe.predict_proba(X), proba)
    assert pickle.dumps(pipe) == before


def test_a_model_of_partial_fit_is_converted():
    X, y = load("iris")
    clf = GDLogisticRegression()
    for start in range(3):
        clf.partial_fit(X[start::3], y[start::3], classes=[0, 1, 2])
    assert_same_predictions(as_logistic_regression(clf), clf, X)


# -- pipelines ----------------------------------------------------------------------------


def test_the_last_step_of_a_pipeline_is_converted():
    X, y = load("iris")
    inner = Pipeline([("scale", StandardScaler()), ("clf", GDLogisticRegression())])
    for pipe in (inner, Pipeline([("first", StandardScaler()), ("inner", inner)], verbose=False)):
        converted = as_logistic_regression(pipe.fit(X, y))
        assert type(converted) is Pipeline
        assert list(converted.named_steps) == list(pipe.named_steps)
        assert converted[0] is not pipe[0]
        assert_same_predictions(converted, pipe, X)


def test_a_subclass_of_pipeline_stays_one():
    class Named(Pipeline):
        def __init__(self, steps, *, name=None, transform_input=None, memory=None, verbose=False):
            super().__init__(steps, transform_input=transform_input, memory=memory, verbose=verbose)
            self.name = name

    X, y = load("iris")
    pipe = Named([("clf", GDLogisticRegression())], name="here").fit(X, y)
    converted = as_logistic_regression(pipe)
    assert type(converted) is Named
    assert converted.name == "here"


def test_a_pipeline_of_text_is_converted():
    text = ["win money now", "meeting at noon", "free money", "lunch at noon"]
    pipe = make_pipeline(TfidfVectorizer(), GDLogisticRegression()).fit(text, [1, 0, 1, 0])
    assert_same_predictions(as_logistic_regression(pipe), pipe, text)


# -- errors -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "model", [GDLogisticRegression(), make_pipeline(StandardScaler(), GDLogisticRegression())]
)
def test_a_model_that_is_not_fitted_is_an_error(model):
    with pytest.raises(NotFittedError, match="GDLogisticRegression"):
        as_logistic_regression(model)


@pytest.mark.parametrize(
    ("model", "named"),
    [
        (LogisticRegression(), "LogisticRegression instead"),
        (make_pipeline(StandardScaler()), "StandardScaler instead"),
        (Pipeline([("nothing", "passthrough")]), "str instead"),
        (Pipeline([]), "Pipeline instead"),
        (GridSearchCV(GDLogisticRegression(), {"C": [1]}), "GridSearchCV instead.$"),
        (GDLogisticRegression, "the class GDLogisticRegression instead"),
        (None, "NoneType instead"),
    ],
    ids=str,
)
def test_another_type_is_an_error_that_names_it(model, named):
    with pytest.raises(TypeError, match=f"model must be a GDLogisticRegression or .*{named}"):
        as_logistic_regression(model)


@pytest.mark.parametrize(
    ("meta", "attribute"),
    [
        (GridSearchCV(GDLogisticRegression(), {"C": [0.1, 1]}), "best_estimator_"),
        (FixedThresholdClassifier(GDLogisticRegression(), threshold=0.3), "estimator_"),
    ],
    ids=["search", "threshold"],
)
def test_the_error_for_a_meta_estimator_names_its_model(meta, attribute):
    X, y = load("breast_cancer", scaled=True)
    meta.fit(X, y)
    with pytest.raises(TypeError, match=rf"{type(meta).__name__} instead\. Pass its {attribute}\."):
        as_logistic_regression(meta)
    best = getattr(meta, attribute)
    assert_same_predictions(as_logistic_regression(best), best, X)


def test_several_models_are_an_error():
    X, y = load("breast_cancer", scaled=True)
    meta = CalibratedClassifierCV(GDLogisticRegression()).fit(X, y)
    with pytest.raises(TypeError, match=r"CalibratedClassifierCV instead\.$"):
        as_logistic_regression(meta)
