"""The figures that a well-known course publishes for plain gradient descent."""

import os
import re
import runpy
from math import exp
from pathlib import Path

import numpy as np
import pytest
from matplotlib import pyplot

from sklearn_gd_logreg import GDLogisticRegression

X = np.array([[1, 3], [-2, 0.5], [-1, -3.2]])
Y = np.array([1, 1, 0])
W, B = (1.0, 2.0), 1.5
ALPHA, STEPS = 0.009, 100


def fit_three_rows(**options):
    model = GDLogisticRegression(
        C=np.inf, solver="gd", learning_rate=ALPHA, max_iter=STEPS, tol=0, **options
    )
    return model.fit(X, Y, coef_init=W, intercept_init=B)


def by_a_loop_over_the_examples():
    """The course's loop: forward, cost and backward one example at a time, then the step."""
    (w1, w2), b, m = W, B, len(X)
    for _ in range(STEPS):
        dw1 = dw2 = db = 0.0
        for (x1, x2), y in zip(X.tolist(), Y.tolist(), strict=True):
            a = 1 / (1 + exp(-(w1 * x1 + w2 * x2 + b)))
            dz = a - y
            dw1 += x1 * dz
            dw2 += x2 * dz
            db += dz
        w1, w2, b = w1 - ALPHA * dw1 / m, w2 - ALPHA * dw2 / m, b - ALPHA * db / m
    return w1, w2, b


def test_three_rows_give_the_published_parameters():
    model = fit_three_rows()
    assert model.coef_[0].round(8).tolist() == [0.80956046, 2.05082020]
    assert model.intercept_.round(8).tolist() == [1.59487132]
    assert model.n_iter_ == STEPS
    assert model.stop_reason_ == "max_iter"


def test_three_rows_give_what_a_loop_over_the_examples_gives():
    model = fit_three_rows()
    mine = [*model.coef_[0], *model.intercept_]
    np.testing.assert_allclose(mine, by_a_loop_over_the_examples(), rtol=1e-13)


def test_a_constant_rate_is_used_exactly_as_given():
    assert set(fit_three_rows().history_["learning_rate"][1:]) == {ALPHA}


# -- cats -----------------------------------------------------------------------------------

EXAMPLE = Path(__file__).parents[1] / "examples" / "plot_cat_recogniser.py"

CAT_COSTS = [
    0.693147, 0.584508, 0.466949, 0.376007, 0.331463, 0.303273, 0.279880, 0.260042, 0.242941,
    0.228004, 0.214820, 0.203078, 0.192544, 0.183033, 0.174399, 0.166521, 0.159305, 0.152667,
    0.146542, 0.140872,
]  # fmt: skip
"""Cost before step 0, 100, …, 1900."""


@pytest.fixture(scope="module")
def folder():
    pytest.importorskip("h5py", reason="h5py reads the images")
    folder = Path(os.environ.get("SKLEARN_GD_LOGREG_DATA", "")) / "cats"
    if not (folder / "train_catvnoncat.h5").is_file():
        pytest.skip("SKLEARN_GD_LOGREG_DATA names no folder with cats/train_catvnoncat.h5")
    return folder


@pytest.fixture(scope="module")
def cats(folder):
    """Pixels between 0 and 1, one image a row, and labels, for training and for test."""
    return [rows for part in ("train", "test") for rows in read_part(folder, part)]


def read_part(folder, part):
    import h5py

    with h5py.File(folder / f"{part}_catvnoncat.h5") as file:
        images, labels = file[f"{part}_set_x"][:], file[f"{part}_set_y"][:]
    return images.reshape(len(images), -1) / 255, labels


@pytest.fixture(scope="module")
def cat_model(cats):
    model = GDLogisticRegression(C=np.inf, solver="gd", learning_rate=0.005, max_iter=2000, tol=0)
    return model.fit(*cats[:2])


def test_cats_cost_what_the_course_prints(cat_model):
    assert cat_model.history_["cost"][:2000:100].round(6).tolist() == CAT_COSTS


def test_cats_are_told_from_other_images_as_often_as_in_the_course(cats, cat_model):
    X_train, y_train, X_test, y_test = cats
    assert round(100 * cat_model.score(X_train, y_train), 2) == 99.04
    assert round(100 * cat_model.score(X_test, y_test), 2) == 70.0


def test_the_example_prints_what_the_course_prints(folder, capsys, monkeypatch):
    pyplot.switch_backend("Agg")
    monkeypatch.setattr("sys.argv", [str(EXAMPLE), "--data", str(folder)])
    runpy.run_path(str(EXAMPLE), run_name="__main__")
    printed = capsys.readouterr().out
    costs = re.findall(r"cost before step +(\d+): (\S+)", printed)
    assert [(int(step), float(cost)) for step, cost in costs] == [
        (100 * k, cost) for k, cost in enumerate(CAT_COSTS)
    ]
    assert "99.04% in training, 70.00% in test" in printed
