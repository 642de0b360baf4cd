"""What a notebook shows of a model: scikit-learn's diagram, the fit, its curve, the parameters."""

import inspect
import os
import re
import subprocess
import sys
from html import escape
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import sklearn
from sklearn.base import BaseEstimator
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sklearn_gd_logreg
from sklearn_gd_logreg import (
    Adam,
    GDLogisticRegression,
    LearningRate,
    NaturalGradient,
    TimeDecay,
    UpdateRule,
)
from sklearn_gd_logreg._notebook import PAGE_OF_CLASS, parameter_docs
from sklearn_gd_logreg.fitting.sparkline import HEIGHT, MAX_POINTS, WIDTH, sparkline

VOID = {"br", "hr", "img", "input", "link", "meta"}
VERSION = tuple(map(int, sklearn.__version__.split(".")[:2]))
HAS_TOOLTIPS = VERSION >= (1, 8)
NOT_BALANCED = {"pipeline", "grid"} if VERSION == (1, 8) else set()
"""Diagrams in which scikit-learn itself does not escape its descriptions of parameters."""

PUBLIC = [
    kind
    for name in sklearn_gd_logreg.__all__
    if inspect.isclass(kind := getattr(sklearn_gd_logreg, name)) and issubclass(kind, BaseEstimator)
]
CONCRETE = [kind for kind in PUBLIC if not inspect.isabstract(kind)]


class Page(HTMLParser):
    """Tags, ids, tables and texts of a page; a tag that is not closed in order is an error."""

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.ids, self.attributes = [], [], [], []
        self.texts, self.rows, self.heading = [], {}, None
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        assert len(dict(attrs)) == len(attrs), (tag, attrs)
        self.tags.append(tag)
        self.attributes.append((tag, dict(attrs)))
        self.ids += [value for name, value in attrs if name == "id"]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" in self.open or "script" in self.open:
            return
        self.texts.append(data)
        if self.open[-1:] == ["th"]:
            self.heading = data
        elif self.open[-1:] == ["td"]:
            self.rows[self.heading] = data

    @property
    def text(self):
        return "".join(self.texts)


def below(model):
    """What follows scikit-learn's diagram."""
    html = model._repr_html_()
    assert html.count("<div class='gdlr'>") == 1
    return "<div class='gdlr'>" + html.partition("<div class='gdlr'>")[2]


def rows_of(model):
    return Page(below(model)).rows


def curves_in(html):
    """Coordinates of every curve, of shape (n_points, 2)."""
    return [
        np.array([point.split(",") for point in points.split()], dtype=float)
        for points in re.findall("points='(.*?)'", html)
    ]


@pytest.fixture(scope="module")
def models():
    X, y = load_iris(return_X_y=True)
    binary, labels = load_breast_cancer(return_X_y=True)
    binary = StandardScaler().fit_transform(binary)
    stopping = {"early_stopping": True, "solver": "adam", "learning_rate": 0.1, "C": 1000}
    with pytest.warns(ConvergenceWarning):
        warned = GDLogisticRegression(solver="gd", max_iter=20).fit(X, y)
    growing = GDLogisticRegression(solver="gd", learning_rate=lambda k: 1e-3 * 1e3**k)
    with pytest.warns(ConvergenceWarning):
        diverged = growing.fit(X, y)
    return {
        "unfitted": GDLogisticRegression(),
        "objects": GDLogisticRegression(solver=Adam(), learning_rate=TimeDecay(0.5)),
        "softmax": GDLogisticRegression(C=0.5).fit(X, y),
        "binary": GDLogisticRegression(l1_ratio=0.5).fit(binary, labels),
        "early stopping": GDLogisticRegression(**stopping, random_state=0).fit(binary, labels),
        "validated": GDLogisticRegression().fit(binary, labels, X_val=binary, y_val=labels),
        "warned": warned,
        "diverged": diverged,
        "partial": GDLogisticRegression().partial_fit(X, y, classes=[0, 1, 2]),
        "pipeline": make_pipeline(StandardScaler(), GDLogisticRegression()).fit(X, y),
        "grid": GridSearchCV(GDLogisticRegression(), {"C": [0.1, 1.0]}).fit(X, y),
        "rule": NaturalGradient(),
    }


def test_the_html_is_balanced_and_no_id_occurs_twice_in_a_page(models):
    shown = [models[name] for name in models.keys() - NOT_BALANCED]
    pages = [Page(model._repr_html_()) for model in shown + shown]
    ids = [name for page in pages for name in page.ids]
    assert ids
    assert len(set(ids)) == len(ids)


def test_our_part_needs_no_script_id_or_address(models):
    for name in models.keys() - {"pipeline", "grid"}:
        page = Page(below(models[name]))
        assert not {"script", "a", "img", "link"} & set(page.tags)
        assert not page.ids


def test_mime_bundle_and_html_agree_and_text_stays_text(models):
    clf = models["softmax"]
    bundle = clf._repr_mimebundle_(include=None, exclude=None)
    assert bundle["text/plain"] == repr(clf)
    assert Page(bundle["text/html"]).texts == Page(clf._repr_html_()).texts
    with sklearn.config_context(display="text"):
        assert not hasattr(clf, "_repr_html_")
        assert clf._repr_mimebundle_() == {"text/plain": repr(clf)}


def test_the_fit_is_summed_up(models):
    clf = models["softmax"]
    history, rows = clf.history_, rows_of(clf)
    assert rows["stop"] == "converged (tol)"
    assert rows["work"].startswith(f"{clf.n_iter_} iterations and {history['passes'][-1]:g} passes")
    assert rows["work"].endswith(" s")
    cost = history["cost"]
    assert rows["cost J"].startswith(f"{cost[0]:.5g} → {cost[-1]:.5g}, at the minimum")
    assert rows["method"] == clf.solver_info_["method"]
    assert rows["reason"] == clf.solver_info_["reason"]
    assert rows["curvatures"] == str(clf.solver_info_["hessians"])
    assert "validation loss" not in rows


def test_words_are_those_of_print(models):
    for name in ("softmax", "binary", "warned", "diverged", "early stopping", "partial"):
        words, rows = str(models[name]), rows_of(models[name])
        assert rows["stop"].removeprefix("⚠ ") in words
        assert rows["cost J"].partition(", ")[2] in words


def test_only_an_unfinished_fit_has_a_warning_sign(models):
    signs = {name for name in models if "⚠" in models[name]._repr_html_()}
    assert signs == {"warned", "diverged"}
    X, y = load_iris(return_X_y=True)
    asked_for = GDLogisticRegression(solver="gd", max_iter=3, tol=0).fit(X, y)
    assert rows_of(asked_for)["stop"] == "stopped at max_iter (max_iter)"


def test_after_divergence_the_cost_is_that_of_the_model(models):
    clf = models["diverged"]
    lowest = clf.history_["cost"].min()
    assert lowest < clf.history_["cost"][-1]
    assert f" → {lowest:.5g}, " in rows_of(clf)["cost J"]
    assert f"cost {lowest:.8g}, " in str(clf)


def test_the_lowest_validation_loss_is_named(models):
    clf = models["early stopping"]
    losses = clf.history_["val_loss"]
    expected = f"the lowest, {losses.min():.5g}, at iteration {clf.best_iter_}: the model"
    assert rows_of(clf)["validation loss"] == expected
    assert rows_of(models["validated"])["validation loss"].endswith(": the model")
    X, y = load_breast_cancer(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    clf = GDLogisticRegression(C=np.inf, max_iter=9, tol=0).fit(
        X[::2], y[::2], X_val=X[1::2], y_val=y[1::2]
    )
    losses = clf.history_["val_loss"]
    best = int(losses.argmin())
    assert best < 9
    found = rows_of(clf)["validation loss"]
    lowest = f"the lowest, {losses[best]:.5g}, at iteration {best}"
    assert found == f"{losses[-1]:.5g} of the model; {lowest}"


def test_reductions_and_the_proof_are_named():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 200)), np.arange(20) % 2
    clf = GDLogisticRegression(C=0.01).fit(X, y)
    rows = rows_of(clf)
    assert clf.solver_info_["reductions"]
    for name, reason in clf.solver_info_["reductions"].items():
        assert rows[f"reduction: {name}"] == reason
    assert ("Fenchel bound" in rows) == clf.solver_info_["proved"]


def test_points_of_the_curve_are_the_history_on_a_logarithmic_axis(models):
    clf = models["softmax"]
    (curve,) = curves_in(below(clf))
    logs = np.log(clf.history_["cost"])
    assert len(curve) == clf.n_iter_ + 1
    for found, expected in ((curve[:, 0], np.arange(len(curve))), (-curve[:, 1], logs)):
        scaled = np.interp(expected, [expected.min(), expected.max()], [found.min(), found.max()])
        assert np.allclose(found, scaled, atol=0.11, rtol=0)


def test_validation_is_a_second_curve_on_the_same_axis(models):
    clf = models["early stopping"]
    html = below(clf)
    training, validation = curves_in(html)
    losses = clf.history_["loss"], clf.history_["val_loss"]
    heights = np.concatenate([training[:, 1], validation[:, 1]])
    logs = np.log(np.concatenate(losses))
    slope, start = np.polyfit(logs, heights, 1)
    assert slope < 0
    assert np.allclose(slope * logs + start, heights, atol=0.11, rtol=0)
    assert "training loss" in Page(html).text
    assert "stroke-dasharray" in html


def test_a_picture_has_words(models):
    (svg,) = (a for tag, a in Page(below(models["softmax"])).attributes if a.get("role") == "img")
    history = models["softmax"].history_["cost"]
    assert f"cost J {history[0]:.5g} → {history[-1]:.5g} over" in svg["aria-label"]


def test_a_long_history_is_thinned():
    n = 100_000
    X, y = load_iris(return_X_y=True)
    clf = GDLogisticRegression(solver="gd", max_iter=2, tol=0).fit(X, y)
    short = len(below(clf))
    clf.history_ = {name: np.linspace(1, 2, n + 1) for name in clf.history_}
    clf.history_["cost"] = np.geomspace(5, 0.1, n + 1)
    clf.n_iter_ = n
    (curve,) = curves_in(below(clf))
    assert len(curve) == MAX_POINTS
    assert curve[[0, -1], 0].tolist() == [4, WIDTH - 4]
    assert curve[[0, -1], 1].tolist() == [4, HEIGHT - 4]
    assert len(below(clf)) < short + 3000


@pytest.mark.parametrize(
    ("column", "n_points"),
    [
        ([1.0, 1.0, 1.0], 3),
        ([1.0, np.nan, np.inf, 0.5], 2),
        ([1.0, 0.0, 1e-300, 1e300], 3),
        ([1.0], 0),
        ([], 0),
        ([np.nan, 1.0], 0),
    ],
)
def test_only_what_a_logarithmic_axis_can_show_is_drawn(column, n_points):
    html = sparkline({"<cost>": column}, "words & 'more'")
    assert sum(map(len, curves_in(html))) == n_points
    if n_points:
        curve = curves_in(html)[0]
        assert (curve >= 0).all()
        assert (curve <= (WIDTH, HEIGHT)).all()
        assert escape("<cost>") in html
        assert "aria-label='words &amp; &#x27;more&#x27;'" in html
    else:
        assert html == ""


def test_every_parameter_has_a_tooltip_and_a_description(models):
    for name in ("unfitted", "softmax", "objects", "rule"):
        model = models[name]
        html = below(model)
        for parameter, value in model.get_params().items():
            owner, _, last = parameter.rpartition("__")
            doc = parameter_docs(type(model.get_params()[owner] if owner else model))[last]
            assert doc.text
            tooltip, head = re.search(
                rf"<summary title='([^']*)'><code>({parameter} = [^<]*)<", html
            ).groups()
            assert tooltip.startswith(escape(doc.type_name))
            assert head.startswith(f"{parameter} = {escape(repr(value))}"[:50])


@pytest.mark.parametrize("kind", CONCRETE, ids=lambda kind: kind.__name__)
def test_every_parameter_of_every_class_is_documented(kind):
    docs = parameter_docs(kind)
    assert docs.keys() == inspect.signature(kind).parameters.keys()
    assert all(doc.type_name and doc.text for doc in docs.values())
    texts = "".join(doc.text for doc in docs.values())
    assert "--" not in texts  # no other section of the docstring
    assert "<" not in texts  # which scikit-learn 1.8 would not escape


def test_a_rule_without_documentation_is_shown_too():
    class Plain(UpdateRule):
        def __init__(self, low=1, high=2, secret=3):
            self.low, self.high, self.secret = low, high, secret

        def step(self, point, alpha, memory):
            return point.w, memory

    Plain.__doc__ = """<b>A rule</b> & more.

    Parameters
    ----------
    low, high : <script>alert(1)</script>
        Of ``<i>`` both.
    """
    html = below(GDLogisticRegression(solver=Plain(low="<script>'\"")))
    page = Page(html)
    assert not {"script", "b", "i"} & set(page.tags)
    assert html.count("Of &lt;i&gt; both.") == 2  # two tooltips
    assert "solver__secret = 3" in page.texts
    Plain.__doc__ = None
    assert "solver__low = 1" in Page(below(GDLogisticRegression(solver=Plain()))).texts


def test_all_that_comes_from_outside_is_escaped():
    X, y = load_iris(return_X_y=True)
    clf = GDLogisticRegression().fit(X, y)
    evil = "<script>alert('x')</script> & \""
    clf.set_params(class_weight={evil: 1.0})
    clf.solver_info_ |= {"method": evil, "reductions": {evil: evil}, evil: evil}
    page = Page(below(clf))
    assert "script" not in page.tags
    assert page.rows["method"] == evil
    assert page.rows[f"reduction: {evil}"] == evil
    assert page.rows[evil] == evil


def test_a_long_value_is_cut():
    clf = GDLogisticRegression(class_weight={str(k): 1.0 for k in range(10_000)})
    assert len(below(clf)) < len(below(GDLogisticRegression())) + 300


def test_in_a_pipeline_or_search_scikit_learn_shows_the_step(models):
    for name in ("pipeline", "grid"):
        html = models[name]._repr_html_()
        assert "GDLogisticRegression</div>" in html
        assert "gdlr" not in html


def test_without_a_hosted_documentation_there_is_no_link_to_it(models):
    for model in (models["softmax"], models["rule"]):
        links = [a["href"] for tag, a in Page(model._repr_html_()).attributes if "href" in a]
        assert links == []


def test_the_environment_says_where_the_documentation_is_hosted():
    code = "from sklearn_gd_logreg import Momentum; print(Momentum()._repr_html_())"
    environment = os.environ | {"SKLEARN_GD_LOGREG_DOCS": "https://docs.example/"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert "https://docs.example/api/generated/sklearn_gd_logreg.Momentum.html" in done.stdout


@pytest.mark.parametrize("kind", CONCRETE, ids=lambda kind: kind.__name__)
def test_with_a_hosted_documentation_classes_and_parameters_are_linked(kind, monkeypatch):
    address = "https://docs.example"
    monkeypatch.setattr(kind, "_doc_link_template", address + PAGE_OF_CLASS, raising=False)
    page = Page(kind()._repr_html_())
    links = [a["href"] for _, a in page.attributes if "href" in a]
    path = f"{address}/api/generated/sklearn_gd_logreg.{kind.__name__}.html"
    assert links[0] == path
    if HAS_TOOLTIPS:
        parameters = kind().get_params()
        assert len(links) == 1 + len(parameters)
        assert all(link.startswith(f"{path}#") for link in links[1:])
        tooltips = [a for _, a in page.attributes if a.get("class") == "param-doc-description"]
        assert len(tooltips) == len(parameters)


def test_the_documentation_has_a_page_for_every_class():
    listed = (Path(__file__).parents[1] / "docs" / "api.rst").read_text(encoding="utf-8")
    assert ":toctree: api/generated" in listed
    for kind in PUBLIC:
        assert re.search(rf"^   {kind.__name__}$", listed, re.MULTILINE), kind


def test_a_rule_from_elsewhere_has_no_link():
    class Own(LearningRate):
        _doc_link_template = "https://docs.example/{estimator_name}"

        def __call__(self, k):
            return 1.0

    assert "docs.example" not in Own()._repr_html_()
