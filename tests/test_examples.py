"""The gallery: each script runs without a warning, ends in a picture or a table, and is short."""

import runpy
from pathlib import Path

import pytest
from matplotlib import pyplot

from .structure import lines_of_code

ROOT = Path(__file__).parents[1]
SCRIPTS = sorted(ROOT.glob("examples/plot_*.py"))
PICTURES = runpy.run_path(str(ROOT / "docs/pictures.py"))
ORDER = runpy.run_path(str(ROOT / "docs/_ext/gallery_order.py"))["ORDER"]
MAX_LINES = 60


def test_the_gallery_has_an_order():
    assert sorted(ORDER) == [path.name for path in SCRIPTS]


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_an_example_is_short(path):
    assert len(lines_of_code(path.read_text(encoding="utf-8"))) <= MAX_LINES


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
