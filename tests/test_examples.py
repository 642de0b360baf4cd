"""The gallery: each script runs without a warning, ends in a picture or a table, and is short."""

import io
import runpy
import tokenize
from pathlib import Path

import pytest
from matplotlib import pyplot

ROOT = Path(__file__).parents[1]
SCRIPTS = sorted(ROOT.glob("examples/plot_*.py"))
PICTURES = runpy.run_path(str(ROOT / "docs/pictures.py"))
ORDER = runpy.run_path(str(ROOT / "docs/_ext/gallery_order.py"))["ORDER"]
MAX_LINES = 60


def lines_of_code(path):
    """Number of lines that hold more than comments and docstrings."""
    nothing = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    nothing |= {tokenize.ENDMARKER, tokenize.ENCODING}
    lines, previous = set(), tokenize.NEWLINE
    for token in tokenize.tokenize(io.BytesIO(path.read_bytes()).readline):
        docstring = token.type == tokenize.STRING and previous in nothing
        if token.type not in nothing and not docstring:
            lines.update(range(token.start[0], token.end[0] + 1))
        previous = token.type
    return len(lines)


def test_the_gallery_has_an_order():
    assert sorted(ORDER) == [path.name for path in SCRIPTS]


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_an_example_is_short(path):
    assert lines_of_code(path) <= MAX_LINES


@pytest.mark.filterwarnings("ignore:FigureCanvasAgg is non-interactive")
@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_an_example_runs_and_draws_what_the_pages_show(path, capsys, monkeypatch):
    if path.stem == "plot_pruning":
        pytest.importorskip("sklearn.callback", reason="callbacks need scikit-learn 1.9")
    pyplot.switch_backend("Agg")
    monkeypatch.setattr("sys.argv", [str(path)])
    of_script = {
        name: n for name, (script, n) in PICTURES["GALLERY"].items() if script == path.stem
    }
    with pyplot.style.context(["default", PICTURES["THEMES"][""]]):
        runpy.run_path(str(path), run_name="__main__")
        assert pyplot.get_fignums() or capsys.readouterr().out
        drawings = {name: PICTURES["drawing"](pyplot.figure(n)) for name, n in of_script.items()}
    pyplot.close("all")
    assert PICTURES["stale"](drawings) == [], "`make pictures` draws them anew"
