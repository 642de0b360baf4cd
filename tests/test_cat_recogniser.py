"""The example of the cat recogniser prints what the course publishes, where its images are."""

import os
import re
import runpy
from pathlib import Path

import matplotlib
import pytest

SCRIPT = Path(__file__).parents[1] / "examples/plot_cat_recogniser.py"

PUBLISHED_COSTS = [
    0.693147, 0.584508, 0.466949, 0.376007, 0.331463,
    0.303273, 0.279880, 0.260042, 0.242941, 0.228004,
    0.214820, 0.203078, 0.192544, 0.183033, 0.174399,
    0.166521, 0.159305, 0.152667, 0.146542, 0.140872,
]  # fmt: skip
"""Cost before step 0, 100, …, 1900."""


@pytest.fixture(scope="module")
def folder():
    pytest.importorskip("h5py", reason="h5py reads the images")
    folder = Path(os.environ.get("SKLEARN_GD_LOGREG_DATA", "")) / "cats"
    if not (folder / "train_catvnoncat.h5").is_file():
        pytest.skip("SKLEARN_GD_LOGREG_DATA names no folder with cats/train_catvnoncat.h5")
    return folder


def test_the_cat_recogniser_prints_the_published_figures(folder, capsys, monkeypatch):
    matplotlib.use("Agg")
    from matplotlib import pyplot

    monkeypatch.setattr("sys.argv", [str(SCRIPT), "--data", str(folder)])
    try:
        runpy.run_path(str(SCRIPT), run_name="__main__")
    finally:
        pyplot.close("all")
    printed = capsys.readouterr().out
    costs = re.findall(r"cost before step +(\d+): (\S+)", printed)
    assert [(int(step), float(cost)) for step, cost in costs] == [
        (100 * k, cost) for k, cost in enumerate(PUBLISHED_COSTS)
    ]
    assert "99.04% in training, 70.00% in test" in printed
