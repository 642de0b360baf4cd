"""The committed pictures of the documentation are what the code draws."""

import runpy
import shutil
from pathlib import Path

import numpy as np
import pytest
from matplotlib import pyplot
from PIL import Image

SCRIPT = Path(__file__).parents[1] / "docs" / "pictures.py"
PICTURES = runpy.run_path(str(SCRIPT))
FOLDER = PICTURES["FOLDER"]


@pytest.fixture(scope="module")
def drawings():
    """Those that are not of the gallery, whose figures `test_examples.py` compares."""
    with pyplot.style.context(["default", PICTURES["THEMES"][""]]):
        return {name: PICTURES["drawing"](figure) for name, figure in PICTURES["pictures"]()}


@pytest.mark.rounding
def test_the_pictures_are_what_the_code_draws(drawings):
    assert PICTURES["stale"](drawings) == [], "`make pictures` draws them anew"


@pytest.mark.parametrize("suffix", PICTURES["THEMES"])
def test_every_picture_is_there_on_light_and_on_dark_paper(drawings, suffix):
    for name in [*drawings, *PICTURES["GALLERY"]]:
        with Image.open(FOLDER / PICTURES["file_of"](name, suffix)) as image:
            corner = np.mean(image.convert("RGB").getpixel((0, 0)))
            assert (corner < 60) == (suffix == "-dark")
            assert image.width >= 1000  # pixels, two of a screen


@pytest.mark.parametrize("name", ["computation_graph", "one_example"])
def test_a_graph_on_dark_paper_has_dark_boxes(name):
    with Image.open(FOLDER / PICTURES["file_of"](name, "-dark")) as image:
        assert np.mean(np.asarray(image.convert("L")) > 200) < 0.05


def test_a_script_of_the_gallery_does_not_change_the_style_of_the_next(monkeypatch, tmp_path):
    names = PICTURES["of_gallery"].__globals__
    (tmp_path / "plot_grid.py").write_text(
        "from matplotlib import pyplot\npyplot.rc('axes', grid=True)\npyplot.figure()\n"
    )
    monkeypatch.setitem(names, "EXAMPLES", tmp_path)
    monkeypatch.setitem(names, "GALLERY", {"grid": ("plot_grid", 1)})
    monkeypatch.setattr("sys.argv", [])
    (drawn,) = PICTURES["of_gallery"]()
    pyplot.close("all")
    assert drawn[0] == "grid"
    assert not pyplot.rcParams["axes.grid"]


def test_every_picture_is_drawn(drawings):
    drawn = {*drawings, *PICTURES["GALLERY"]}
    files = {PICTURES["file_of"](name, suffix) for name in drawn for suffix in PICTURES["THEMES"]}
    assert files == {path.name for path in FOLDER.iterdir()}


def draw(change=lambda ax: None):
    figure, ax = pyplot.subplots()
    ax.plot([0, 1, 2], [3.0, 4.0, np.nan], label="cost 3.25")
    ax.bar([0, 1], [1.0, 2.0])
    ax.imshow(np.arange(4.0).reshape(2, 2), aspect="auto")
    ax.scatter([0, 1], [1, 2], c="red")
    ax.fill_between([0, 1], 1, 2)
    figure.suptitle("a descent")
    ax.set(xlabel="iteration", title="J", xlim=(0, 2), ylim=(0, 4))
    ax.set_yticks([0, 1], ["train", "dev"])
    change(ax)
    ax.legend()
    found = PICTURES["drawing"](figure)
    pyplot.close(figure)
    return found


CHANGES = {
    "a point": lambda ax: ax.lines[0].set_ydata([3.0, 4.1, np.nan]),
    "a missing point": lambda ax: ax.lines[0].set_ydata([3.0, np.nan, np.nan]),
    "fewer points": lambda ax: ax.lines[0].set_data([0, 1], [3.0, 4.0]),
    "a colour": lambda ax: ax.lines[0].set_color("red"),
    "a dash": lambda ax: ax.lines[0].set_linestyle("--"),
    "a marker": lambda ax: ax.lines[0].set_marker("o"),
    "a word": lambda ax: ax.set_xlabel("step"),
    "a number in a text": lambda ax: ax.lines[0].set_label("cost 3.35"),
    "a title": lambda ax: ax.set_title("loss"),
    "a label of a tick": lambda ax: ax.set_yticks([0, 1], ["train", "test"]),
    "an image": lambda ax: ax.images[0].set_array(np.arange(4.0, 0.0, -1.0).reshape(2, 2)),
    "a word with a number": lambda ax: ax.lines[0].set_label("loss 3.25"),
    "a text": lambda ax: ax.text(0, 0, "lowest"),
    "a bar": lambda ax: ax.patches[0].set_height(1.5),
    "a limit": lambda ax: ax.set_xlim(0, 3),
    "a line": lambda ax: ax.axhline(1),
    "a title of the figure": lambda ax: ax.figure.suptitle("an ascent"),
    "a scale": lambda ax: ax.set_yscale("symlog"),
    "the place of a point": lambda ax: ax.collections[0].set_offsets([[0, 1], [1, 3]]),
    "the colour of a point": lambda ax: ax.collections[0].set_facecolor("blue"),
    "an area": lambda ax: ax.collections[1].set_verts([[(0, 1), (1, 1), (1, 3)]]),
    "a size": lambda ax: ax.figure.set_size_inches(3, 3),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_seen(name):
    assert PICTURES["agree"](draw(), draw())
    assert not PICTURES["agree"](draw(), draw(CHANGES[name]))


ROUNDINGS = {
    "a point": lambda ax: ax.lines[0].set_ydata([3.0, 4.001, np.nan]),
    "a number in a text": lambda ax: ax.lines[0].set_label("cost 3.26"),
}


@pytest.mark.parametrize("name", ROUNDINGS)
def test_rounding_is_not_a_change(name):
    assert PICTURES["agree"](draw(), draw(ROUNDINGS[name]))


def test_a_missing_picture_and_one_of_another_program_are_stale(drawings, tmp_path):
    copied = shutil.copytree(FOLDER, tmp_path / "pictures")
    (copied / "bias_variance.png").unlink()
    Image.new("RGB", (2, 2)).save(copied / "cost_curves-dark.png")
    shutil.copy(copied / "learning_rates.png", copied / "penalty_path-dark.png")
    assert set(PICTURES["stale"](drawings, copied)) == {
        "bias_variance.png",
        "cost_curves-dark.png",
        "penalty_path-dark.png",
    }


def test_a_dark_picture_may_have_other_colours_and_nothing_else(drawings):
    dark = draw(lambda ax: ax.lines[0].set_color("white"))
    agree, without = PICTURES["agree"], PICTURES["without_colours"]
    assert agree(without(dark), without(draw()))
    assert not agree(without(draw(CHANGES["a point"])), without(draw()))
