"""The report's numbers are those of scikit-learn, and its action follows from them."""

import pickle
import sys
import warnings
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from scipy import sparse, special
from scipy.optimize import minimize
from scipy.special import rel_entr
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, log_loss
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from sklearn_gd_logreg import (
    GDLogisticRegression,
    bias_variance_report,
    duality_gap,
    train_dev_test_split,
)
from sklearn_gd_logreg.model_selection.action import (
    ACTIONS,
    ErrorDifference,
    Findings,
    OptimisationBound,
    diagnose,
    next_action,
)
from sklearn_gd_logreg.model_selection.changed_predictions import max_changed_predictions
from sklearn_gd_logreg.model_selection.proportions import (
    newcombe_interval,
    priors_differ,
    wilson_interval,
)

from .problems import load, noisy

SETS = ("train", "dev", "test")


def split(X, y, **options):
    """The arguments of a report on three sets of these rows."""
    parts = train_dev_test_split(X, y, random_state=0, **options)
    return [parts[k] for k in (0, 3, 1, 4, 2, 5)]


def quick(model, arguments, **options):
    """The report on a model that is fitted to the first set."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some are meant not to converge
        model.fit(*arguments[:2])
    return bias_variance_report(model, *arguments, **options)


# -- the numbers --------------------------------------------------------------------------

THREE = load("iris")[0], np.array(["one", "three", "two"])[load("iris")[1]]
SINGLE = load("breast_cancer", scaled=True)[0].astype(np.float32)
MODELS = {
    "ours": (GDLogisticRegression(), load("breast_cancer")),
    "ours, 3 classes": (GDLogisticRegression(C=0.1), THREE),
    "float32": (GDLogisticRegression(), (SINGLE, load("breast_cancer")[1])),
    "theirs": (LogisticRegression(max_iter=1000), load("breast_cancer", True)),
    "liblinear": (LogisticRegression(solver="liblinear"), load("breast_cancer", True)),
    "pipeline": (make_pipeline(StandardScaler(), GDLogisticRegression()), THREE),
    "nested": (make_pipeline(make_pipeline(StandardScaler(), LogisticRegression())), THREE),
    "class_weight": (GDLogisticRegression(class_weight="balanced"), noisy(200, 3, 3, seed=1)),
    "naive Bayes": (GaussianNB(), THREE),
    "no penalty": (GDLogisticRegression(C=np.inf), noisy(200, 3, 2, seed=1)),
    "calibrated": (CalibratedClassifierCV(GDLogisticRegression(), cv=3), THREE),
}
NO_CERTIFICATE = {"naive Bayes", "no penalty", "calibrated"}


@pytest.mark.parametrize("case", MODELS)
def test_errors_and_losses_are_those_of_scikit_learn(case):
    model, (X, y) = MODELS[case]
    arguments = split(X, y)
    report = quick(model, arguments, baseline=0.01)
    often = DummyClassifier(strategy="most_frequent").fit(*arguments[:2])
    prior = DummyClassifier(strategy="prior").fit(*arguments[:2])
    assert list(report.errors) == list(SETS)
    for part, X_part, y_part in zip(SETS, arguments[::2], arguments[1::2], strict=True):
        proba = model.predict_proba(X_part)
        expected = {
            "n_rows": len(y_part),
            "errors": 1 - accuracy_score(y_part, model.predict(X_part)),
            "losses": log_loss(y_part, proba, labels=model.classes_),
            "majority_errors": 1 - often.score(X_part, y_part),
            "majority_losses": log_loss(y_part, prior.predict_proba(X_part), labels=prior.classes_),
        }
        found = {name: getattr(report, name)[part] for name in expected}
        assert found == pytest.approx(expected, rel=1e-12, abs=1e-15)
        shares = pd.Series(y_part).value_counts(normalize=True)
        assert report.priors[part] == pytest.approx(shares.to_dict())
    errors = report.errors
    assert report.avoidable_bias == errors["train"] - 0.01
    assert report.variance == errors["dev"] - errors["train"]
    assert report.dev_to_test == errors["test"] - errors["dev"]


@pytest.mark.parametrize("case", MODELS)
def test_the_optimisation_error_is_the_duality_gap(case):
    model, (X, y) = MODELS[case]
    arguments = split(X, y)
    report = quick(model, arguments)
    if case in NO_CERTIFICATE:
        assert report.optimisation_error is report.changeable is None
        assert any("not available" in note for note in report.notes)
        assert "not available" in str(report)
    else:
        assert report.optimisation_error == duality_gap(model, *arguments[:2])
        assert 0 <= report.changeable <= report.n_rows["train"]


def test_without_a_test_set_there_is_no_gap_to_it():
    model, (X, y) = MODELS["ours"]
    report = quick(model, split(X, y)[:4])
    assert report.dev_to_test is None
    assert list(report.errors) == ["train", "dev"]
    assert "test" not in str(report).split("Next:")[0]
    assert list(report.to_frame().index) == ["train", "dev"]


def test_neither_model_nor_data_are_changed():
    frame = pd.DataFrame(load("iris")[0], columns=list("abcd"))
    arguments = split(frame, pd.Series(THREE[1]))
    model = make_pipeline(StandardScaler(), GDLogisticRegression()).fit(*arguments[:2])
    before = pickle.dumps((model, arguments))
    bias_variance_report(model, *arguments)  # warnings are errors: names are respected
    assert pickle.dumps((model, arguments)) == before


def test_storage_and_type_of_labels_change_nothing():
    X, y = noisy(150, 4, 2, seed=3, density=0.4)
    plain = quick(GDLogisticRegression(), split(X, y))
    for kind in (sparse.csr_array, sparse.csc_array, pd.DataFrame):
        arguments = split(kind(X), y.tolist())
        if kind is pd.DataFrame:
            arguments[0], arguments[2], arguments[4] = (
                part.set_axis(list("abcd"), axis=1) for part in arguments[::2]
            )
        other = quick(GDLogisticRegression(), arguments)
        assert other.errors == plain.errors
        assert other.losses == pytest.approx(plain.losses)


# -- what chance explains -----------------------------------------------------------------

COUNTS = [(0, 7), (1, 40), (20, 40), (39, 40), (40, 40), (3, 100_000)]


@pytest.mark.parametrize(("errors", "n"), COUNTS)
def test_intervals_of_errors_are_wilsons(errors, n):
    expected = proportion_confint(errors, n, method="wilson")
    assert wilson_interval(errors, n) == pytest.approx(expected, abs=1e-14)


@pytest.mark.parametrize(("errors", "n"), COUNTS)
@pytest.mark.parametrize(("others", "m"), COUNTS)
def test_intervals_of_differences_are_newcombes(errors, n, others, m):
    expected = confint_proportions_2indep(errors, n, others, m, method="newcomb")
    found = newcombe_interval(
        errors / n, wilson_interval(errors, n), others / m, wilson_interval(others, m)
    )
    assert found == pytest.approx(expected, abs=1e-12)


PRIORS = [
    ([50, 50], [50, 50], False),
    ([5, 5], [7, 3], False),
    ([500, 500], [700, 300], True),
    ([50_000, 50_000], [51_500, 48_500], False),  # significant, and slight
    ([99_000, 1_000], [97_000, 3_000], True),  # rare, and three times as many
    ([99, 1], [97, 3], False),
    ([100, 0], [0, 100], True),
    ([100, 0], [100, 0], False),
    ([40, 40, 40], [40, 40, 0], True),
]


@pytest.mark.parametrize(("first", "second", "differ"), PRIORS)
def test_class_shares_differ_if_much_and_more_than_by_chance(first, second, differ):
    assert priors_differ(first, second) is differ
    assert priors_differ(second, first) is differ


# -- what the optimisation error means ----------------------------------------------------

DESCENTS = [
    (options | {"max_iter": steps, "tol": 0}, (name, classes))
    for steps in (0, 1, 5, 30)
    for options in ({}, {"class_weight": "balanced", "C": 0.1}, {"l1_ratio": 0.5, "C": 0.1})
    for name, classes in (("noisy", 2), ("noisy", 4), ("scaled", 2))
]


@pytest.mark.parametrize(("options", "problem"), DESCENTS)
def test_no_more_predictions_change_than_the_report_allows(options, problem):
    name, classes = problem
    X, y = noisy(150, 3, classes, seed=classes) if name == "noisy" else load("breast_cancer", True)
    halted = GDLogisticRegression(solver="gd", **options)
    report = quick(halted, [X, y, X, y])
    there = GDLogisticRegression(**(options | {"tol": 1e-10, "max_iter": 1000})).fit(X, y)
    changed = np.count_nonzero(there.predict(X) != halted.predict(X))
    assert changed <= report.changeable
    weights = {"balanced": len(y) / (classes * np.bincount(y))[y]}.get(
        options.get("class_weight"), np.ones(len(y))
    )
    divergence = rel_entr(there.predict_proba(X), halted.predict_proba(X)).sum(axis=1)
    assert np.average(divergence, weights=weights) <= report.optimisation_error + 1e-12


def nearest_tie(a):
    """KL from the nearest distribution in which the two likeliest classes are as likely."""
    second, first = np.argsort(a)[-2:]

    def divergence(free):
        q = special.softmax(np.append(free, 0))
        return rel_entr(q, a).sum()

    def difference(free):
        q = special.softmax(np.append(free, 0))
        return q[first] - q[second]

    tied = {"type": "eq", "fun": difference}
    start = np.log(a[:-1] / a[-1])
    return minimize(divergence, start, constraints=tied, method="SLSQP", tol=1e-14).fun


@pytest.mark.parametrize("a", [(0.7, 0.3), (0.96, 0.04), (0.5, 0.3, 0.2), (0.1, 0.6, 0.1, 0.2)])
def test_a_prediction_changes_at_the_cost_of_the_nearest_tie(a):
    kl = nearest_tie(np.array(a))
    allowed = [
        max_changed_predictions(np.array([a]), np.zeros(1), None, s * kl) for s in (0.999, 1.001)
    ]
    assert allowed == [0, 1]


def test_a_row_of_little_weight_changes_at_a_lower_cost():
    proba, y = np.array([[0.7, 0.3], [0.3, 0.7]]), np.array([0, 1])
    kl = nearest_tie(proba[0])
    gaps = 0.1 * kl * np.array([0.999, 1.001, 9.999, 10.001])
    bounds = [max_changed_predictions(proba, y, {0: 9.0, 1: 1.0}, gap) for gap in gaps]
    assert bounds == [0, 1, 1, 2]


def test_at_the_minimum_hardly_any_prediction_can_change():
    X, y = load("breast_cancer", scaled=True)
    report = quick(GDLogisticRegression(tol=1e-8), [X, y, X, y])
    assert report.changeable <= 1
    assert report.optimisation_error < 1e-12


# -- the decision -------------------------------------------------------------------------

NONE, SMALL = ErrorDifference(0.01, -0.02, 0.04), ErrorDifference(0.05, 0.03, 0.07)
LARGE, BEATEN = ErrorDifference(0.2, 0.1, 0.3), ErrorDifference(-0.05, -0.07, -0.03)
STOPPED = OptimisationBound(error=0.1, changeable=50, n_rows=100, loss=0.5, half_width=0.05)
DECISIONS = {
    "nothing": (Findings(NONE, NONE), "done"),
    "baseline beaten": (Findings(BEATEN, NONE, NONE), "done"),
    "bias": (Findings(SMALL, NONE), "bias"),
    "variance": (Findings(NONE, SMALL), "variance"),
    "bias is larger": (Findings(LARGE, SMALL), "bias"),
    "variance is larger": (Findings(SMALL, LARGE), "variance"),
    "both alike": (Findings(SMALL, SMALL), "bias"),
    "noise is larger than the bias": (Findings(SMALL, ErrorDifference(0.2, -0.1, 0.5)), "bias"),
    "noise is larger than the variance": (
        Findings(ErrorDifference(0.2, -0.1, 0.5), SMALL),
        "variance",
    ),
    "baseline beaten, variance": (Findings(BEATEN, SMALL), "variance"),
    "dev to test": (Findings(NONE, NONE, SMALL), "dev set"),
    "dev to test after variance": (Findings(NONE, SMALL, LARGE), "variance"),
    "noise to test": (Findings(NONE, NONE, NONE), "done"),
    "test is easier": (Findings(NONE, NONE, BEATEN), "done"),
    "unfinished": (Findings(LARGE, LARGE, LARGE, STOPPED, True, True), "optimisation"),
    "unfinished, nothing else": (Findings(NONE, NONE, None, STOPPED), "optimisation"),
    "nothing for the loss": (
        Findings(LARGE, NONE, None, replace(STOPPED, error=0.004)),
        "bias",
    ),
    "nothing for the error": (
        Findings(LARGE, NONE, None, replace(STOPPED, changeable=4)),
        "bias",
    ),
    "test differs": (Findings(LARGE, LARGE, LARGE, None, False, True), "test mismatch"),
    "dev differs": (Findings(NONE, NONE, None, None, True), "dev mismatch"),
    "dev differs, bias": (Findings(SMALL, NONE, None, None, True), "bias"),
    "dev differs, variance": (Findings(NONE, SMALL, None, None, True), "dev mismatch"),
}


@pytest.mark.parametrize("case", DECISIONS)
def test_the_finding_follows_from_the_measurements(case):
    found, finding = DECISIONS[case]
    assert diagnose(found) == finding
    assert next_action(found)[0] == finding
    assert "{" not in next_action(found)[1]


def test_every_action_is_decided_on_somewhere():
    assert {finding for _, finding in DECISIONS.values()} == set(ACTIONS)


def test_bias_of_a_model_without_a_certificate_is_called_so_with_care():
    known = Findings(LARGE, NONE, None, replace(STOPPED, error=0.0))
    assert "converged" in next_action(Findings(LARGE, NONE))[1]
    assert "converged" not in next_action(known)[1]


# -- scenarios, from data to action -------------------------------------------------------


def linear(n, flipped, seed, shift=0.0, margin=0.0):
    """Rows of two classes that a line separates, but for a share of flipped labels."""
    rng = np.random.RandomState(seed)
    X = rng.normal(size=(n, 5)) + shift
    X[:, 0] += margin * np.sign(X[:, 0])
    return X, (X[:, 0] > 0) ^ (rng.uniform(size=n) < flipped)


def parity(n, seed):
    """Two classes that no line tells apart."""
    X = np.random.RandomState(seed).normal(size=(n, 2))
    return X, X[:, 0] * X[:, 1] > 0


def wide(n, seed):
    """One column of two hundred says a little about the class."""
    rng = np.random.RandomState(seed)
    X = rng.normal(size=(n, 200))
    return X, X[:, 0] + rng.normal(size=n) > 0


def of(make, *arguments):
    """Train, dev and test set by one recipe, with its own arguments for each."""
    return [part for given in arguments for part in make(*given)]


PLAIN, STILL = (
    GDLogisticRegression,
    {"solver": "gd", "max_iter": 1, "learning_rate": 1e-3, "tol": 0},
)
SCENARIOS = {
    "underfit": (PLAIN(), of(parity, (600, 0), (300, 1), (300, 2)), 0.05, "bias"),
    "unfinished": (PLAIN(**STILL), split(*load("breast_cancer", True)), 0.0, "optimisation"),
    "unfinished, theirs": (
        LogisticRegression(max_iter=1),
        split(*load("breast_cancer")),
        0.0,
        "optimisation",
    ),
    "overfit": (PLAIN(C=1e3), of(wide, (60, 0), (300, 1), (300, 2)), 0.0, "variance"),
    "other test classes": (
        PLAIN(),
        of(linear, (400, 0.1, 0), (200, 0.1, 1), (200, 0.1, 2, 1.0)),
        0.0,
        "test mismatch",
    ),
    "other dev classes": (
        PLAIN(),
        of(linear, (400, 0.1, 0), (200, 0.1, 1, 1.0), (200, 0.1, 2, 1.0)),
        0.1,
        "dev mismatch",
    ),
    "overfitted dev set": (
        PLAIN(),
        of(linear, (400, 0.1, 0), (200, 0.1, 1), (200, 0.3, 2)),
        0.1,
        "dev set",
    ),
    "done": (PLAIN(), of(linear, (400, 0.1, 0), (200, 0.1, 1), (200, 0.1, 2)), 0.1, "done"),
    "clearly separated": (
        PLAIN(),
        of(linear, *((n, 0.0, seed, 0.0, 2.0) for seed, n in enumerate((400, 200, 200)))),
        0.0,
        "done",
    ),
}
KEYWORDS = {
    "bias": ["bias", "features", "raise C"],
    "optimisation": ["Finish the optimisation", "max_iter", "natural"],
    "variance": ["variance", "more data", "lower C"],
    "test mismatch": ["one distribution", "stratify"],
    "dev mismatch": ["one distribution", "train"],
    "dev set": ["larger dev set"],
    "done": ["Done", "baseline"],
}


@pytest.mark.parametrize("case", SCENARIOS)
def test_the_next_action_follows_from_the_data(case):
    model, arguments, baseline, finding = SCENARIOS[case]
    report = quick(model, arguments, baseline=baseline)
    assert report.finding == finding, str(report)
    assert [word for word in KEYWORDS[finding] if word not in report.action] == []


def test_training_on_takes_the_unfinished_descent_to_the_next_question():
    arguments = split(*load("breast_cancer", True))
    assert quick(GDLogisticRegression(**STILL), arguments).finding == "optimisation"
    assert quick(GDLogisticRegression(), arguments).finding != "optimisation"


@pytest.mark.parametrize("solver", ["natural", "gd", "nesterov"])
def test_default_tolerance_is_finished(solver):
    X, y = load("breast_cancer", scaled=True)
    report = quick(GDLogisticRegression(solver=solver, max_iter=100_000), split(X, y))
    assert report.finding != "optimisation"


NOTED = {
    "beaten": (GDLogisticRegression(), split(*linear(300, 0.1, 0)), 0.3, "baseline is beaten"),
    "majority": (DummyClassifier(), split(*linear(300, 0.4, 0)), 0.0, "no better than always"),
    "mismatch": (*SCENARIOS["other dev classes"][:3], "train and dev set differ"),
    "mismatch of test": (*SCENARIOS["other test classes"][:3], "dev and test set differ"),
    "easier": (
        GDLogisticRegression(),
        of(linear, (400, 0.3, 0), (400, 0.0, 1)),
        0.0,
        "lower on the dev set",
    ),
}


@pytest.mark.parametrize("case", NOTED)
def test_notes_say_what_else_to_know(case):
    model, arguments, baseline, text = NOTED[case]
    report = quick(model, arguments, baseline=baseline)
    assert any(text in note for note in report.notes), report.notes
    assert text in " ".join(str(report).split())


# -- how it is shown ----------------------------------------------------------------------


def one_report(labels=("no", "yes"), **options):
    """A report on labels of these names."""
    X, y = noisy(300, 3, len(labels), seed=0)
    return quick(GDLogisticRegression(), split(X, np.array(labels)[y]), **options)


def test_the_text_is_aligned_and_holds_the_numbers():
    report = one_report()
    tables = str(report).split("\n\n")[:2]
    lines = tables[0].splitlines()
    assert len({len(line) for line in lines}) == 1
    for part in SETS:
        column = lines[0].index(part) + len(part)
        assert lines[2][:column].endswith(f"{report.errors[part]:.4f}")
    assert f"{report.variance:.4f}" in tables[1]
    assert report.action in " ".join(str(report).split())
    assert max(map(len, str(report).splitlines())) <= 88


def test_the_frame_has_a_row_for_each_set():
    report = one_report(baseline=0.05)
    frame = report.to_frame()
    assert list(frame.index) == list(SETS)
    assert frame["error"].to_dict() == report.errors
    assert frame["rows"].to_dict() == report.n_rows
    assert frame["rows"].dtype.kind == "i"
    gaps = [report.avoidable_bias, report.variance, report.dev_to_test]
    assert frame["gap"].tolist() == gaps
    assert frame["share of no"].tolist() == [report.priors[part]["no"] for part in SETS]
    steps = frame["error"].diff().fillna(frame["error"] - report.baseline)
    assert np.allclose(steps, frame["gap"])


def test_without_pandas_the_frame_says_how_to_install_it(monkeypatch):
    report = one_report()
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="pip install pandas"):
        report.to_frame()


def test_the_html_is_well_formed_and_escaped():
    report = one_report(labels=["<script>alert(1)</script>", "a & b"])
    html = report._repr_html_()
    tree = ElementTree.fromstring(html)
    texts = [cell.text for cell in tree.iter() if cell.tag in ("td", "th")]
    assert "share of a & b" in texts
    assert "share of <script>alert(1)</script>" in texts
    assert not {"script", "img", "link", "a"} & {cell.tag for cell in tree.iter()}
    assert f"{report.errors['dev']:.4f}" in texts
    assert report.action in "".join(tree.itertext())
    widths = [{len(row) for row in table.iter("tr")} for table in tree.iter("table")]
    assert widths == [{4}, {4}]


def test_many_classes_are_cut_short_in_print_alone():
    X, y = noisy(400, 3, 14, seed=0)
    report = quick(GDLogisticRegression(), [X, y, X, y])
    assert str(report).count("share of") == 10
    assert "(4 more classes)" in str(report)
    assert len(report.priors["dev"]) == 14


def test_the_short_form_is_one_line():
    assert repr(one_report()).startswith("<BiasVarianceReport, errors train: 0.")
    assert "\n" not in repr(one_report())


# -- what is refused ----------------------------------------------------------------------

X, Y = load_breast_cancer(return_X_y=True)
FITTED = GDLogisticRegression().fit(X, Y)
REFUSED = {
    "unfitted": (GDLogisticRegression(), (X, Y, X, Y), {}, NotFittedError, ["not fitted"]),
    "unfitted pipeline": (
        make_pipeline(StandardScaler(), GDLogisticRegression()),
        (X, Y, X, Y),
        {},
        NotFittedError,
        ["not fitted"],
    ),
    "regressor": (Ridge().fit(X, Y), (X, Y, X, Y), {}, TypeError, ["predict_proba", "Ridge"]),
    "no probabilities": (SVC().fit(X, Y), (X, Y, X, Y), {}, ValueError, ["predict_proba", "SVC"]),
    "no model": (3, (X, Y, X, Y), {}, ValueError, ["model", "int"]),
    "unseen": (FITTED, (X, Y, X, Y + 1), {}, ValueError, ["y_dev", "[0, 1]", "[2]"]),
    "text": (FITTED, (X, Y.astype(str), X, Y), {}, ValueError, ["y_train", "['0', '1']"]),
    "nan": (FITTED, (X, np.where(Y, Y, np.nan), X, Y), {}, ValueError, ["y_train", "nan"]),
    "no y_test": (FITTED, (X, Y, X, Y, X), {}, ValueError, ["y_test must be given with X_test"]),
    "no X_test": (
        FITTED,
        (X, Y, X, Y, None, Y),
        {},
        ValueError,
        ["X_test must be given with y_test"],
    ),
    "rows": (FITTED, (X, Y, X, Y[:9]), {}, ValueError, ["X_dev: 569", "y_dev: 9"]),
    "empty": (FITTED, (X, Y, X[:0], Y[:0]), {}, ValueError, ["X_dev", "at least 1 row"]),
    "empty test": (
        FITTED,
        (X, Y, X, Y, X[:0], Y[:0]),
        {},
        ValueError,
        ["X_test", "at least 1 row"],
    ),
    "2-D labels": (FITTED, (X, np.c_[Y, Y], X, Y), {}, ValueError, ["y_train", "(569, 2)"]),
    "other columns": (FITTED, (X, Y, X[:, :3], Y), {}, ValueError, ["3 features"]),
    **{
        f"baseline {value}": (
            FITTED,
            (X, Y, X, Y),
            {"baseline": value},
            ValueError,
            ["baseline", repr(value), "[0, 1)"],
        )
        for value in (-0.1, 1, 1.0, np.nan, "0.1", None, True)
    },
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_arguments_are_refused_by_name(case):
    model, arguments, options, kind, parts = REFUSED[case]
    with pytest.raises(kind) as caught:
        bias_variance_report(model, *arguments, **options)
    assert [part for part in parts if part not in str(caught.value)] == []
