"""The recipes of docs/leaving.md run, where the tools that they need are installed."""

import ast
import doctest
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_gd_logreg import GDLogisticRegression
from sklearn_gd_logreg.conversion import as_logistic_regression

# The tools may warn in their modules. A warning about our code or a line of a recipe is an error.
pytestmark = pytest.mark.filterwarnings(
    "ignore", "error:::(sklearn_gd_logreg|recipe|tests)", "error::RuntimeWarning"
)

PAGE = Path(__file__).parents[1] / "docs" / "leaving.md"
CORE = {"numpy", "scipy", "sklearn", "joblib", "sklearn_gd_logreg"} | set(sys.stdlib_module_names)
BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


def blocks():
    return BLOCK.findall(PAGE.read_text(encoding="utf-8"))


def recipes():
    """The blocks without prompts: those that need more than the package."""
    return [block for block in blocks() if ">>>" not in block]


def tools_of(recipe):
    """Modules that a recipe imports, beyond those of the package."""
    for node in ast.walk(ast.parse(recipe)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module]
        else:
            continue
        yield from (name for name in names if name.partition(".")[0] not in CORE)


def shared_lines():
    """The lines that all recipes share, the first block of the page."""
    examples = doctest.DocTestParser().get_examples(blocks()[0])
    return "".join(example.source for example in examples)


def test_the_page_has_a_recipe_for_every_tool():
    tools = {tool.partition(".")[0] for recipe in recipes() for tool in tools_of(recipe)}
    assert tools == {"mlflow", "onnxruntime", "shap", "skl2onnx", "skops"}


@pytest.mark.parametrize("recipe", recipes(), ids=lambda recipe: recipe.split()[1])
def test_a_recipe_of_the_page_runs(recipe, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")  # nothing leaves the machine
    for tool in tools_of(recipe):
        pytest.importorskip(tool)
    monkeypatch.chdir(tmp_path)
    exec(shared_lines() + recipe, {"__name__": "recipe"})


# -- what the page says of all models -----------------------------------------------------

MODELS = ["two classes", "two strings", "three classes", "three strings", "an absent class"]


def model_on(name):
    """A fitted pipeline and its rows."""
    X, y = load_breast_cancer(return_X_y=True) if "two" in name else load_iris(return_X_y=True)
    weight = (y != 1).astype(float) if "absent" in name else None
    if "strings" in name:
        y = np.array(["benign", "malignant", "unknown"])[y]
    pipe = make_pipeline(StandardScaler(), GDLogisticRegression())
    return pipe.fit(X, y, gdlogisticregression__sample_weight=weight), X


@pytest.mark.parametrize(("dtype", "atol"), [(np.float32, 1e-6), (np.float64, 1e-14)])
@pytest.mark.parametrize("name", MODELS)
def test_onnx_gives_the_same_probabilities(name, dtype, atol):
    skl2onnx = pytest.importorskip("skl2onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    pipe, X = model_on(name)
    X = X.astype(dtype)
    model = skl2onnx.to_onnx(as_logistic_regression(pipe), X[:1], options={"zipmap": False})
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    labels, probabilities = session.run(None, {"X": X})
    assert probabilities.dtype == dtype
    np.testing.assert_array_equal(labels, pipe.predict(X))
    np.testing.assert_allclose(probabilities, pipe.predict_proba(X), rtol=0, atol=atol)


@pytest.mark.parametrize("name", MODELS)
def test_shap_explains_the_score_of_every_class(name):
    shap = pytest.importorskip("shap")
    pipe, X = model_on(name)
    Z = pipe[:-1].transform(X)
    for model in (pipe[-1], as_logistic_regression(pipe[-1])):
        explanation = shap.LinearExplainer(model, Z)(Z)
        z = explanation.base_values + explanation.values.sum(axis=1)
        np.testing.assert_allclose(z, pipe.decision_function(X), atol=1e-8)


@pytest.mark.parametrize("name", MODELS)
def test_skops_trusts_the_converted_model(name):
    io = pytest.importorskip("skops.io")
    pipe, X = model_on(name)
    data = io.dumps(as_logistic_regression(pipe))
    assert io.get_untrusted_types(data=data) == []
    loaded = io.loads(data)
    np.testing.assert_array_equal(loaded.classes_, pipe.classes_)
    np.testing.assert_allclose(loaded.predict_proba(X), pipe.predict_proba(X), rtol=0, atol=1e-15)


def test_skops_loads_a_model_that_resumes():
    io = pytest.importorskip("skops.io")
    X, y = load_iris(return_X_y=True)
    clf = GDLogisticRegression(solver="adam", warm_start=True, max_iter=5, tol=0).fit(X, y)
    data = io.dumps(clf)
    types = io.get_untrusted_types(data=data)
    assert all(name.startswith("sklearn_gd_logreg.") for name in types)
    loaded = io.loads(data, trusted=types).fit(X, y)
    np.testing.assert_array_equal(loaded.coef_, clf.fit(X, y).coef_)
    assert loaded.n_iter_ == clf.n_iter_ == 10
