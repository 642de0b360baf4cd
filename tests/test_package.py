"""What is true of the package as a whole: imports, docstrings, typing, version."""

import ast
import inspect
import json
import re
import shutil
import subprocess
import sys
import tomllib
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from packaging.version import Version

import sklearn_gd_logreg
from sklearn_gd_logreg import callbacks, conversion, display, inspection, model_selection

ROOT = Path(__file__).parents[1]
PACKAGE = Path(sklearn_gd_logreg.__file__).parent
SOURCES = sorted(PACKAGE.rglob("*.py"))
MODULES = sklearn_gd_logreg, callbacks, conversion, display, inspection, model_selection
PUBLIC = {
    name: getattr(module, name)
    for module in MODULES
    for name in module.__all__
    if not isinstance(getattr(module, name), ModuleType)
}
BASES = {"LearningRate", "UpdateRule"}
CONCRETE = {name: kind for name, kind in PUBLIC.items() if name not in BASES}
OPTIONAL = ["matplotlib", "pandas", "polars", "statsmodels", "hypothesis"]
FIT = "sklearn_gd_logreg.GDLogisticRegression().fit([[0.], [1.], [2.]], [0, 1, 0])"


# -- imports ------------------------------------------------------------------------------


@cache
def modules_after(*statements):
    """Names of the modules that a new interpreter has loaded after these statements."""
    report = "import json, sys; print(json.dumps(sorted(sys.modules)))"
    code = "\n".join([*statements, report])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return frozenset(json.loads(done.stdout))


def test_importing_the_package_loads_little_more_than_scikit_learn():
    before = modules_after("import sklearn.linear_model")
    new = modules_after("import sklearn.linear_model", "import sklearn_gd_logreg") - before
    ours = {name for name in new if name.split(".")[0] == "sklearn_gd_logreg"}
    assert len(ours) <= len(SOURCES)
    assert len(new - ours) < 10, sorted(new - ours)


BLOCK = f"""
import sys
class Block:
    def find_spec(name, path=None, target=None):
        if name.split(".")[0] in {OPTIONAL}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Block)
"""


def test_neither_import_nor_fit_needs_an_optional_dependency():
    loaded = modules_after(BLOCK, "import sklearn_gd_logreg", FIT)
    assert not loaded & set(OPTIONAL)


def test_neither_import_nor_fit_loads_an_optional_dependency():
    before = modules_after("import sklearn.linear_model")
    new = modules_after("import sklearn.linear_model", "import sklearn_gd_logreg", FIT) - before
    assert "sklearn_gd_logreg" in new
    assert not new & set(OPTIONAL)


def test_the_computation_graph_is_imported_on_first_use():
    package = "sklearn_gd_logreg"
    assert f"{package}.computation_graph" not in modules_after(f"import {package}", FIT)
    code = f"import {package}; {package}.computation_graph.variable(1)"
    assert f"{package}.computation_graph.node" in modules_after(code)


def imported(path, walk=ast.walk):
    """Full name of everything that a source file imports, relative imports left out."""
    for node in walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_there_are_sources_to_look_at():
    assert len(SOURCES) > 10
    assert "sklearn.base.BaseEstimator" in imported(PACKAGE / "estimator.py")


def test_no_module_imports_what_is_private_in_another_package():
    for path in SOURCES:
        others = [name for name in imported(path) if name.split(".")[0] != "sklearn_gd_logreg"]
        private = [n for n in others if any(re.match(r"_(?!_)", part) for part in n.split("."))]
        assert private == [], path


def test_no_module_imports_more_than_the_declared_dependencies():
    core = {"numpy", "scipy", "sklearn", "threadpoolctl", "sklearn_gd_logreg"}
    allowed = core | set(sys.stdlib_module_names)
    for path in SOURCES:
        at_once = {name.split(".")[0] for name in imported(path, ast.iter_child_nodes)}
        assert at_once <= allowed, path
        anywhere = {name.split(".")[0] for name in imported(path)}
        assert anywhere <= allowed | {"array_api_compat", "dask", "matplotlib", "pandas"}, path


# -- names --------------------------------------------------------------------------------


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_all_names_are_there_sorted_and_once(module):
    names = module.__all__
    assert names == sorted(set(names))
    namespace = {}
    exec(f"from {module.__name__} import *", namespace)
    assert set(names) <= set(namespace)


def test_every_public_name_can_be_imported_from_the_top_too():
    assert all(getattr(sklearn_gd_logreg, name) is value for name, value in PUBLIC.items())


def test_every_class_that_the_package_exports_is_public():
    classes = {value for value in vars(sklearn_gd_logreg).values() if inspect.isclass(value)}
    assert classes == {value for value in PUBLIC.values() if inspect.isclass(value)}


def test_the_version_is_one():
    assert str(Version(sklearn_gd_logreg.__version__)) == sklearn_gd_logreg.__version__
    assert Version(version("sklearn-gd-logreg")) == Version(sklearn_gd_logreg.__version__)


def test_the_types_are_shipped():
    assert files("sklearn_gd_logreg").joinpath("py.typed").is_file()


# -- docstrings ---------------------------------------------------------------------------

RULED = re.compile(r"^(\S[^\n]*)\n-{3,}$", re.MULTILINE)
ENTRY = re.compile(r"^\*?(\w+(?:, \w+)*) : (.+)$", re.MULTILINE)


def sections(documented):
    """Text of every section of a numpydoc docstring, by its title."""
    _, *parts = RULED.split(inspect.getdoc(documented))
    return dict(zip(parts[::2], parts[1::2], strict=True))


def described(documented, section="Parameters"):
    """Type of every parameter that a docstring describes, by its name."""
    entries = ENTRY.findall(sections(documented).get(section, ""))
    return {name: kind for names, kind in entries for name in names.split(", ")}


def documented_default(kind):
    """The value that is said to be the default; `Parameter.empty` if none is."""
    if "default=" not in kind:
        return inspect.Parameter.empty
    text = re.search(r"default=(.+)$", kind).group(1)
    return np.inf if text in ("inf", "np.inf") else ast.literal_eval(text)


@pytest.mark.parametrize("name", CONCRETE)
def test_every_class_has_a_docstring_of_its_own_with_an_example(name):
    public = CONCRETE[name]
    assert public.__doc__ if inspect.isfunction(public) else vars(public)["__doc__"]
    assert ">>>" in sections(CONCRETE[name])["Examples"]


@pytest.mark.parametrize("name", sorted(BASES))
def test_a_base_class_cannot_be_instantiated(name):
    with pytest.raises(TypeError, match="abstract"):
        PUBLIC[name]()


@pytest.mark.parametrize("name", PUBLIC)
def test_every_class_says_in_one_sentence_what_it_is(name):
    summary = inspect.getdoc(PUBLIC[name]).split("\n\n")[0]
    assert summary.endswith(".")
    assert len(summary) <= 100


@pytest.mark.parametrize("name", CONCRETE)
def test_every_argument_is_described_in_order_with_its_default(name):
    kind = CONCRETE[name]
    arguments = inspect.signature(kind).parameters
    assert list(described(kind)) == list(arguments)
    defaults = {argument: documented_default(text) for argument, text in described(kind).items()}
    assert defaults == {argument: p.default for argument, p in arguments.items()}


METHODS = ["fit", "predict", "predict_proba", "predict_log_proba", "decision_function"]


@pytest.mark.parametrize("method", METHODS)
def test_every_argument_of_a_method_is_described(method):
    function = getattr(sklearn_gd_logreg.GDLogisticRegression, method)
    assert "Returns" in sections(function)
    arguments = list(inspect.signature(function).parameters)[1:]
    assert list(described(function)) == arguments


def test_the_attributes_of_a_fit_are_those_described():
    clf = sklearn_gd_logreg.GDLogisticRegression()
    described_names = set(described(clf, "Attributes"))
    X, y = [[0.0], [1.0], [2.0]], [0, 1, 0]
    clf.fit(X, y, X_val=X, y_val=y)
    fitted = {name for name in vars(clf) if name.endswith("_")}
    assert fitted == described_names - {"feature_names_in_"}


def test_the_columns_of_the_history_are_those_described():
    X, y = [[0.0], [1.0], [2.0]], [0, 1, 0]
    clf = sklearn_gd_logreg.GDLogisticRegression().fit(X, y, X_val=X, y_val=y)
    text = sections(sklearn_gd_logreg.GDLogisticRegression)["Attributes"]
    listed = re.findall(r"^\s+- (``.+?``(?:, ``.+?``)*):", text, re.MULTILINE)
    assert re.findall(r"``(\w+)``", " ".join(listed)) == list(clf.history_)


def test_the_rules_by_name_are_those_described():
    from sklearn_gd_logreg.rules import RULES

    text = sections(sklearn_gd_logreg.GDLogisticRegression)["Parameters"]
    pairs = dict(re.findall(r"``\"(\w+)\"`` \(`(\w+)`\)", text))
    assert pairs == {name: rule.__name__ for name, rule in RULES.items()}
    for rule in RULES.values():
        assert rule().get_params() == {
            name: parameter.default
            for name, parameter in inspect.signature(rule).parameters.items()
        }


# -- the targets of make ------------------------------------------------------------------

WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"
CODE = re.compile(r"^```.*?^```|^ {4}[^\n]*|`[^`]+`", re.DOTALL | re.MULTILINE)


def targets():
    """Those that `make help` lists."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z-]+):.*## ", text, re.MULTILINE))


def steps():
    """Those that the checks run, here or in the workflow."""
    run = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    workflow = WORKFLOW.read_text(encoding="utf-8")
    here = re.findall(r"^step [a-z-]+ ([a-z-]+)", run, re.MULTILINE)
    return {*here, *re.findall(r"run: make ([a-z-]+)", workflow)}


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs"])
def test_every_target_that_a_page_names_is_there_and_checked(page):
    path = ROOT / page
    pages = sorted(path.rglob("*.md")) if path.is_dir() else [path]
    code = [code for one in pages for code in CODE.findall(one.read_text(encoding="utf-8"))]
    named = {name for text in code for name in re.findall(r"\bmake +([a-z][a-z-]*)", text)}
    assert named
    assert named <= targets()
    assert named <= steps()


def test_every_target_is_checked_and_named_to_contributors():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^    make ([a-z-]+)", text, re.MULTILINE))
    assert named == targets() - {"help"}
    assert steps() == targets()


def test_the_examples_write_no_file_of_each_other(tmp_path):
    examples = shutil.copytree(ROOT / "examples", tmp_path / "examples")
    shutil.rmtree(examples / "output", ignore_errors=True)
    written = []
    for script in sorted(set(examples.glob("*.py")) - set(examples.glob("plot_*.py"))):
        before = {path: path.stat().st_mtime_ns for path in examples.rglob("*.png")}
        subprocess.run([sys.executable, script], check=True, capture_output=True, cwd=tmp_path)
        assert before == {path: path.stat().st_mtime_ns for path in before}
        written.append({*tmp_path.rglob("*.png")} - before.keys())
    assert all(written)
    assert all(path.parent == examples / "output" for paths in written for path in paths)


# -- what other files repeat --------------------------------------------------------------

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_pre_commit_has_the_versions_of_the_lint_extra():
    text = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    pins = dict(re.findall(r"([\w-]+)==([\w.]+)", text))
    lint = dict(pin.split("==") for pin in PROJECT["optional-dependencies"]["lint"])
    assert {tool: pins.get(tool) for tool in lint} == lint


def test_the_workflow_begins_with_the_oldest_supported_python():
    pythons = re.search(r"python: \[(.+)\]", WORKFLOW.read_text(encoding="utf-8")).group(1)
    oldest, *_ = json.loads(f"[{pythons}]")
    assert PROJECT["requires-python"] == f">={oldest}"


def test_the_citation_names_this_version_and_its_date():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    cited = dict(re.findall(r"^([a-z-]+): (.+)$", citation, re.MULTILINE))
    assert cited["version"] == sklearn_gd_logreg.__version__
    assert cited["license"] == PROJECT["license"]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    released = dict(re.findall(r"^## \[(.+)\] - (\S+)$", changelog, re.MULTILINE))
    assert cited.get("date-released") == released.get(sklearn_gd_logreg.__version__)


# -- the pages ----------------------------------------------------------------------------

FOLDERS = [ROOT / "docs", ROOT / "docs" / "user_guide", ROOT / "docs" / "ko"]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
PAGES += [page for folder in FOLDERS for page in sorted(folder.glob("*.md"))]
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def text_of(page):
    """A page without its blocks of code."""
    return re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.M)


@each_page
def test_files_and_tests_that_a_page_names_exist(page):
    folders = PACKAGE, *(ROOT / name for name in ("tests", "benchmarks", "examples", "docs"))
    files = [f"/{file.relative_to(top.parent)}" for top in folders for file in top.rglob("*.*")]
    code = " ".join(re.findall(r"`([^`]+)`", text_of(page)))
    named = set(re.findall(r"[\w/]+\.(?:py|json|toml)\b", re.sub(r"\S+/output/\S+", "", code)))
    named -= {"pyproject.toml"}
    assert [name for name in named if not any(file.endswith(f"/{name}") for file in files)] == []
    tests = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py"))
    assert [name for name in re.findall(r"\btest_\w+(?!\.py)\b", code) if name not in tests] == []


def test_the_design_page_has_a_place_for_every_module():
    table = text_of(ROOT / "docs" / "design.md").partition("## Where a thing belongs")[2]
    table = table.partition("## Contracts")[0]
    modules = [path.relative_to(PACKAGE) for path in SOURCES if not path.name.startswith("_")]
    named = {path for path in modules if path.name in table or f"`{path.parent}/`" in table}
    assert set(modules) - named == set()
