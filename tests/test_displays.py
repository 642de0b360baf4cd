"""The pictures: their data against independent recomputation, their axes, their errors."""

import subprocess
import sys
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from numpy.testing import assert_allclose
from scipy import sparse
from sklearn.datasets import load_breast_cancer
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_gd_logreg import (
    BiasVarianceDisplay,
    CostCurveDisplay,
    CostSurfaceDisplay,
    GDLogisticRegression,
    LearningRateDisplay,
    bias_variance_report,
)
from sklearn_gd_logreg.computation_graph import variable
from sklearn_gd_logreg.model_selection.action import ACTIONS

from .problems import SOLVERS, load, noisy

X, Y = load("breast_cancer", scaled=True)
BINARY = noisy(120, 4, 2, seed=0)
THREE = noisy(150, 3, 3, seed=1)
WEIGHTS = np.random.RandomState(0).exponential(size=120) + 0.1


def gd(n=10, **options):
    return GDLogisticRegression(solver="gd", max_iter=n, tol=0, **options)


def drawn(display):
    """The picture is really drawn: labels that collide or overflow would warn."""
    display.figure_.canvas.draw()
    return display


def texts(display):
    legend = display.ax_.get_legend()
    return [text.get_text() for text in legend.get_texts()] if legend else []


def history(n=6, **columns):
    k = np.arange(n)
    plain = {"iteration": k, "passes": 2.0 + k, "time": 0.1 * k, "loss": 1 / (1.0 + k)}
    return plain | {"cost": plain["loss"] + 0.01} | columns


def report_of(rng=0):
    A, b = noisy(300, 5, 2, seed=rng)
    model = gd(50).fit(A[:200], b[:200])
    return bias_variance_report(model, A[:200], b[:200], A[200:250], b[200:250], A[250:], b[250:])


DRAW = {
    "curves": lambda ax=None: CostCurveDisplay.from_estimator(gd().fit(*BINARY), ax=ax),
    "contours": lambda ax=None: CostSurfaceDisplay.from_estimator(
        gd().fit(*BINARY), *BINARY, grid_resolution=5, ax=ax
    ),
    "paths": lambda ax=None: CostSurfaceDisplay.from_estimators(
        [gd().fit(*BINARY), gd(4).set_params(solver="momentum").fit(*BINARY)],
        *BINARY,
        grid_resolution=5,
        ax=ax,
    ),
    "rates": lambda ax=None: LearningRateDisplay.from_estimator(gd(), *BINARY, max_iter=3, ax=ax),
    "final": lambda ax=None: LearningRateDisplay.from_estimator(
        gd(), *BINARY, max_iter=3, kind="final", ax=ax
    ),
    "bias and variance": lambda ax=None: BiasVarianceDisplay.from_report(report_of(), ax=ax),
}


# -- the conventions ----------------------------------------------------------------------


@pytest.mark.parametrize("name", DRAW)
def test_a_picture_is_drawn_on_the_axes_given(name):
    _, (left, right) = plt.subplots(1, 2)
    display = drawn(DRAW[name](right))
    assert display.ax_ is right
    assert display.figure_ is right.figure
    assert not left.has_data()
    assert right.has_data()
    assert plt.get_fignums() == [1]


@pytest.mark.parametrize("name", DRAW)
def test_without_axes_a_figure_is_made_and_plot_returns_the_display(name):
    display = drawn(DRAW[name]())
    first = display.figure_
    assert display.ax_.get_xlabel()
    assert display.plot() is display
    assert display.figure_ is not first


@pytest.mark.parametrize("name", DRAW)
def test_a_display_made_of_its_own_attributes_is_the_same(name):
    display = DRAW[name]()
    given = {name: value for name, value in vars(display).items() if name[-1] != "_"}
    given = {name: value for name, value in given.items() if name[0] != "_"}
    again = type(display)(**given).plot()
    display.plot()
    for one, other in zip(display.ax_.get_lines(), again.ax_.get_lines(), strict=True):
        np.testing.assert_array_equal(one.get_xydata(), other.get_xydata())


def contrast(one, other):
    """The contrast of two colours, from 1 to 21, by the Web Content Accessibility Guidelines."""
    parts = np.array([to_rgb(one), to_rgb(other)])
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    dark, light = np.sort(linear @ [0.2126, 0.7152, 0.0722])
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("style", ["default", "dark_background"])
@pytest.mark.parametrize("name", DRAW)
def test_nothing_vanishes_in_the_background(name, style):
    with plt.style.context(style):
        display = drawn(DRAW[name]())
        ax, background = display.ax_, display.ax_.get_facecolor()
        legend = ax.get_legend()
        words = [*ax.texts, ax.title, ax.xaxis.label, *(legend.get_texts() if legend else [])]
        assert all(contrast(text.get_color(), background) > 7 for text in words)
        if name not in ("contours", "paths"):  # there lines lie on the surface
            shown = [line for line in ax.get_lines() if line.get_linestyle() != "None"]
            shown += [line for line in legend.get_lines() if line.get_linestyle() != "None"]
            assert all(contrast(line.get_color(), background) > 1.6 for line in shown)
            bars = [bar.get_facecolor() for bar in ax.patches]
            assert all(contrast(colour, background) > 2 for colour in bars)
            grid = ax.get_xgridlines()[0].get_color()
            assert 1.1 < contrast(grid, background) < 3


@pytest.mark.parametrize("text", ["black", "white"])
def test_behind_transparent_axes_is_the_opposite_of_the_text(text):
    clear = {"figure.facecolor": "none", "axes.facecolor": "none", "text.color": text}
    with plt.rc_context(clear):
        display = CostCurveDisplay({"a": history(val_loss=np.ones(6))}).plot()
    assert contrast(display.lines_[1].get_markerfacecolor(), text) == pytest.approx(21)


BLOCK = """
import sys
class Block:
    def find_spec(name, path=None, target=None):
        if name.split(".")[0] == "matplotlib":
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Block)
import sklearn_gd_logreg
for draw in (
    lambda: sklearn_gd_logreg.BiasVarianceDisplay({"train": 0.1, "dev": 0.2}).plot(),
    lambda: sklearn_gd_logreg.CostCurveDisplay.from_estimators([]),
    lambda: sklearn_gd_logreg.CostSurfaceDisplay.from_estimator(None, None, None),
    lambda: sklearn_gd_logreg.LearningRateDisplay.from_estimator(None, None, None),
):
    try:
        draw()
    except ImportError as error:
        print(error)
"""


def test_without_matplotlib_the_error_says_how_to_install_it():
    done = subprocess.run([sys.executable, "-c", BLOCK], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert len(lines) == 4
    assert all("needs matplotlib" in line and "pip install matplotlib" in line for line in lines)


# -- cost curves --------------------------------------------------------------------------


@pytest.mark.parametrize("x", ["iteration", "passes", "time"])
@pytest.mark.parametrize("quantity", ["loss", "cost"])
def test_a_curve_is_the_history(x, quantity):
    clf = gd(20).fit(X, Y)
    display = CostCurveDisplay.from_estimator(clf, x=x, quantity=quantity)
    (line,) = display.lines_
    np.testing.assert_array_equal(line.get_xdata(), clf.history_[x])
    np.testing.assert_array_equal(line.get_ydata(), clf.history_[quantity])
    assert ("loss" in display.ax_.get_ylabel()) == (quantity == "loss")


def test_with_validation_data_the_losses_are_drawn_and_the_best_iterate_is_marked():
    clf = gd(40, learning_rate=8.0).fit(X[:60], Y[:60], X_val=X[60:], y_val=Y[60:])
    display = drawn(CostCurveDisplay.from_estimator(clf))
    training, validation = display.lines_
    np.testing.assert_array_equal(training.get_ydata(), clf.history_["loss"])
    np.testing.assert_array_equal(validation.get_ydata(), clf.history_["val_loss"])
    best = int(np.argmin(clf.history_["val_loss"]))
    assert display.best_iters == {"GDLogisticRegression": best}
    assert display.best_[0].get_xydata().tolist() == [[best, clf.history_["val_loss"][best]]]
    assert texts(display)[:2] == ["training", "validation"]
    assert training.get_linestyle() != validation.get_linestyle()


def test_gaps_of_the_validation_loss_are_bridged():
    val = np.array([0.9, np.nan, np.nan, 0.3, np.nan, 0.4])
    display = CostCurveDisplay({"a": history(val_loss=val)}).plot()
    assert display.lines_[1].get_xdata().tolist() == [0, 3, 5]
    assert display.best_[0].get_xydata().tolist() == [[3, 0.3]]


def test_the_cost_has_no_validation_curve_beside_it():
    display = CostCurveDisplay({"a": history(val_loss=np.ones(6))}).plot(quantity="cost")
    assert len(display.lines_) == 1
    assert display.best_ == []


def test_without_validation_data_no_point_is_the_lowest():
    display = CostCurveDisplay.from_estimators({"a": gd().fit(*BINARY)})
    assert display.best_ == []
    assert texts(display) == ["a"]
    mixed = CostCurveDisplay({"a": history(), "b": history(val_loss=np.ones(6))}).plot()
    assert len(mixed.best_) == 1
    assert texts(mixed) == ["a", "b", "training", "validation", "lowest validation loss"]


@pytest.mark.parametrize("n", [4, 11, 300])
def test_on_a_logarithmic_axis_markers_are_evenly_spaced(n):
    display = CostCurveDisplay({"a": history(n)}).plot(x_scale="log")
    marked = np.array(display.lines_[0].get_markevery())
    assert marked[0] == 0
    assert len(marked) <= 10
    if n == 300:
        assert marked[-1] == 299
        assert np.diff(np.log1p(marked))[3:].std() < 0.1


def test_eight_models_differ_in_colour_and_marker():
    models = {f"model with the long name {rule} {n}": gd(3) for n, rule in enumerate(SOLVERS)}
    models["plain"] = gd(3)
    for name, model in models.items():
        model.set_params(solver=name.split()[-2] if " " in name else "gd").fit(*BINARY)
    display = drawn(CostCurveDisplay.from_estimators(models, scale="log", x_scale="log"))
    looks = {(line.get_color(), line.get_marker()) for line in display.lines_}
    assert len(looks) == len({colour for colour, _ in looks}) == 8
    assert len({marker for _, marker in looks}) == 8
    assert len(texts(display)) == 8


def test_models_of_a_list_are_numbered():
    display = CostCurveDisplay.from_estimators([gd().fit(*BINARY), gd(3).fit(*BINARY)])
    assert texts(display) == ["model 1", "model 2"]


def test_the_model_is_found_in_a_pipeline_and_a_search():
    pipeline = make_pipeline(StandardScaler(), gd())
    search = GridSearchCV(pipeline, {"gdlogisticregression__C": [0.1, 1]}, cv=2).fit(*BINARY)
    display = CostCurveDisplay.from_estimator(search)
    expected = search.best_estimator_[-1].history_["cost"]
    np.testing.assert_array_equal(display.lines_[0].get_ydata(), expected)


HARD = {
    "zeros": np.array([0.7, 0.1, 0.01, 0, 0, 0]),
    "diverged": np.array([0.7, np.inf, 1e300, 3, np.nan, np.nan]),
    "nothing but zeros": np.zeros(6),
}


@pytest.mark.parametrize("scale", ["linear", "log"])
@pytest.mark.parametrize("name", HARD)
def test_hard_curves_are_drawn(name, scale):
    curves = {name: history(cost=HARD[name]), "plain": history()}
    display = drawn(CostCurveDisplay(curves).plot(scale=scale))
    assert display.ax_.get_ylim()[1] < 3
    assert display.ax_.get_yscale() == scale


@pytest.mark.parametrize("x_scale", ["linear", "log"])
@pytest.mark.parametrize("x", ["iteration", "passes", "time"])
def test_a_history_of_the_start_alone_is_drawn(x, x_scale):
    drawn(CostCurveDisplay({"start": history(1)}).plot(x=x, x_scale=x_scale))


# -- the cost surface ---------------------------------------------------------------------


def J(w, X, y, model, sample_weight=None):
    """J at flat parameters, the intercept last, by scikit-learn."""
    other = LogisticRegression()
    other.classes_ = model.classes_
    w = np.reshape(w, (-1, X.shape[1] + 1))
    other.coef_, other.intercept_ = w[:, :-1], w[:, -1]
    total = len(y) if sample_weight is None else np.sum(sample_weight)
    loss = log_loss(y, other.predict_proba(X), sample_weight=sample_weight)
    ridge, lasso = np.sum(other.coef_**2) / 2, np.abs(other.coef_).sum()
    share = model.l1_ratio
    return loss + ((1 - share) * ridge + share * lasso) / (model.C * total)


def flat(model):
    return np.column_stack([model.coef_, model.intercept_])


SURFACES = {
    "two classes": (BINARY, {}, None, (1, "intercept"), [(0, 1), (0, 4)]),
    "weights and L1": (BINARY, {"C": 0.1, "l1_ratio": 0.7}, WEIGHTS, (0, 3), [(0, 0), (0, 3)]),
    "three classes": (THREE, {"C": 0.5}, None, ((2, 0), ("intercept", 2)), [(0, 2), (2, 3)]),
}


@pytest.mark.parametrize("name", SURFACES)
def test_the_surface_of_two_parameters_is_J(name):
    data, options, weights, parameters, entries = SURFACES[name]
    model = gd(15, **options).fit(*data, sample_weight=weights)
    display = CostSurfaceDisplay.from_estimator(
        model, *data, sample_weight=weights, parameters=parameters, grid_resolution=4
    )
    w = flat(model)
    expected = np.empty((4, 4))
    for row, t in enumerate(display.y):
        for column, s in enumerate(display.x):
            w[entries[0]], w[entries[1]] = s, t
            expected[row, column] = J(w, *data, model, weights)
    assert_allclose(display.cost, expected, rtol=1e-12)
    assert_allclose(
        display.paths["GDLogisticRegression"][-1],
        [flat(model)[entry] for entry in entries],
        rtol=1e-12,
    )
    assert_allclose(display.path_costs["GDLogisticRegression"], model.history_["cost"], rtol=1e-10)


@pytest.mark.parametrize("data", [BINARY, THREE], ids=["two classes", "three classes"])
def test_the_principal_directions_are_those_of_the_path(data):
    model = gd(30).fit(*data)
    path = np.stack([flat(gd(k).fit(*data)) for k in range(31)])
    display = CostSurfaceDisplay.from_estimator(model, *data, grid_resolution=4)
    pca = PCA(2).fit(path.reshape(31, -1))
    assert_allclose(display.explained_variance_ratio, pca.explained_variance_ratio_, rtol=1e-6)
    for label, share in zip(display.labels, pca.explained_variance_ratio_, strict=True):
        assert f"{100 * share:.3g} %" in label
    expected = pca.transform(path.reshape(31, -1))
    expected -= expected[-1]  # the plane goes through the model
    signs = np.sign(np.sum(display.paths["GDLogisticRegression"] * expected, axis=0))
    assert_allclose(display.paths["GDLogisticRegression"], expected * signs, atol=1e-9)
    s, t = display.x[1], display.y[2]
    w = flat(model).ravel() + s * signs[0] * pca.components_[0] + t * signs[1] * pca.components_[1]
    assert_allclose(display.cost[2, 1], J(w, *data, model), rtol=1e-9)


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_path_that_is_found_is_that_of_the_fit(solver):
    model = gd(12).set_params(solver=solver).fit(*BINARY)
    display = CostSurfaceDisplay.from_estimator(model, *BINARY, grid_resolution=2)
    assert_allclose(display.path_costs["GDLogisticRegression"], model.history_["cost"], rtol=1e-10)
    assert_allclose(display.paths["GDLogisticRegression"][-1], 0, atol=1e-12)


def test_a_path_of_ones_own_may_have_any_of_its_shapes_and_ends_before_infinity():
    model = gd(5).fit(*BINARY)
    path = np.linspace(0, 1, 5)[:, np.newaxis] * flat(model)
    draw = {"parameters": (0, 1), "grid_resolution": 3}
    one = CostSurfaceDisplay.from_estimator(model, *BINARY, path=path, **draw)
    other = CostSurfaceDisplay.from_estimator(model, *BINARY, path=path[:, np.newaxis], **draw)
    np.testing.assert_array_equal(one.paths["GDLogisticRegression"], path[:, :2])
    np.testing.assert_array_equal(
        other.paths["GDLogisticRegression"], one.paths["GDLogisticRegression"]
    )
    lost = np.vstack([path, np.full((2, 5), np.inf)])
    cut = CostSurfaceDisplay.from_estimator(model, *BINARY, path=lost, **draw)
    np.testing.assert_array_equal(
        cut.paths["GDLogisticRegression"], one.paths["GDLogisticRegression"]
    )


def test_the_lowest_point_is_the_minimum_of_J_in_the_plane():
    data = BINARY[0][:, :1], BINARY[1]
    model = gd(5).fit(*data)
    best = GDLogisticRegression(tol=1e-12).fit(*data)
    display = CostSurfaceDisplay.from_estimator(
        model, *data, parameters=(0, "intercept"), margin=5.0
    )
    assert_allclose(display.minimum, flat(best)[0], atol=1e-4)
    assert "lowest" in texts(display)


def test_where_J_falls_beyond_the_picture_its_lowest_point_is_called_otherwise():
    model = gd(3, learning_rate=0.01).fit(*BINARY)
    display = CostSurfaceDisplay.from_estimator(model, *BINARY, parameters=(0, 1))
    assert "lowest shown" in texts(display)


def test_the_surface_of_sparse_rows_of_a_frame_and_of_float32_is_the_same():
    model = gd(6).fit(*BINARY)
    frame = pd.DataFrame(BINARY[0], columns=["a", "b", "c", "d"])
    options = {"parameters": (0, 1), "grid_resolution": 3}
    dense = CostSurfaceDisplay.from_estimator(model, *BINARY, **options).cost
    rows = sparse.csr_array(BINARY[0])
    assert_allclose(
        CostSurfaceDisplay.from_estimator(model, rows, BINARY[1], **options).cost, dense
    )
    single = gd(6).fit(BINARY[0].astype(np.float32), BINARY[1])
    narrow = CostSurfaceDisplay.from_estimator(
        single, BINARY[0].astype(np.float32), BINARY[1], **options
    )
    assert_allclose(narrow.cost, dense, rtol=1e-5)
    named = gd(6).fit(frame, BINARY[1])
    options["parameters"] = ("a", "b")
    display = CostSurfaceDisplay.from_estimator(named, frame, BINARY[1], **options)
    assert_allclose(display.cost, dense)
    assert display.labels == ("weight of a", "weight of b")


def test_names_go_through_a_pipeline():
    frame = pd.DataFrame(BINARY[0], columns=["a", "b", "c", "d"])
    model = make_pipeline(StandardScaler(), gd(4)).fit(frame, BINARY[1])
    display = CostSurfaceDisplay.from_estimator(
        model, frame, BINARY[1], parameters=("c", "intercept"), grid_resolution=3
    )
    assert display.labels == ("weight of c", "intercept b")
    assert_allclose(
        display.paths["GDLogisticRegression"][-1], [model[-1].coef_[0, 2], model[-1].intercept_[0]]
    )


@pytest.mark.parametrize("kind", ["contour", "surface"])
@pytest.mark.parametrize("n", [1, 40])
def test_both_kinds_of_a_surface_are_drawn(kind, n):
    model = gd(n).fit(*THREE)
    display = CostSurfaceDisplay.from_estimator(model, *THREE, kind=kind, grid_resolution=8)
    drawn(display)
    assert (display.ax_.name == "3d") == (kind == "surface")
    assert f"{n} step" in texts(display)[0]


def test_a_model_of_scikit_learn_is_shown_on_a_path_of_ones_own():
    model = LogisticRegression().fit(*BINARY)
    path = np.vstack([np.zeros(5), flat(model)])
    display = CostSurfaceDisplay.from_estimator(model, *BINARY, path=path, grid_resolution=3)
    ours = GDLogisticRegression()
    ours.classes_ = model.classes_
    assert_allclose(
        display.path_costs["LogisticRegression"][-1], J(flat(model), *BINARY, ours), rtol=1e-12
    )
    with pytest.raises(ValueError, match="'path' of a LogisticRegression"):
        CostSurfaceDisplay.from_estimator(model, *BINARY)


def test_max_steps_ends_the_path():
    model = gd(9).fit(*BINARY)
    display = CostSurfaceDisplay.from_estimator(model, *BINARY, max_steps=4, grid_resolution=2)
    assert len(display.paths["GDLogisticRegression"]) == 5


def momentum(n=10, **options):
    return GDLogisticRegression(solver="momentum", max_iter=n, tol=0, **options)


@pytest.mark.parametrize("kind", ["contour", "surface"])
def test_several_paths_lie_on_one_surface(kind):
    models = {"straight": gd(12).fit(*BINARY), "rolling": momentum(9).fit(*BINARY)}
    draw = {"parameters": (0, "intercept"), "grid_resolution": 4, "kind": kind}
    display = drawn(CostSurfaceDisplay.from_estimators(models, *BINARY, **draw))
    for (name, model), line in zip(models.items(), display.lines_, strict=True):
        alone = CostSurfaceDisplay.from_estimator(model, *BINARY, name=name, **draw)
        assert_allclose(display.paths[name], alone.paths[name], rtol=1e-12)
        assert_allclose(display.path_costs[name], model.history_["cost"], rtol=1e-10)
        xy = line.get_data_3d()[:2] if kind == "surface" else line.get_data()
        assert_allclose(np.transpose(xy), display.paths[name])
    lowest = min(models.values(), key=lambda model: model.history_["cost"][-1])
    w = flat(lowest)
    w[0, 0], w[0, 4] = display.x[1], display.y[2]
    assert_allclose(display.cost[2, 1], J(w, *BINARY, lowest), rtol=1e-12)
    everything = np.vstack([*display.paths.values()])
    assert display.x[0] < everything[:, 0].min() < everything[:, 0].max() < display.x[-1]
    assert texts(display)[:4] == ["straight, 12 steps", "rolling, 9 steps", "start", "end"]
    assert len(texts(display)) == 5


def test_the_principal_directions_are_those_of_all_paths():
    models = {"straight": gd(12).fit(*BINARY), "rolling": momentum(9).fit(*BINARY)}
    given = {
        name: np.array([flat(model)[0] * t for t in (0, 0.4, 0.9, 1)])
        for name, model in models.items()
    }
    display = CostSurfaceDisplay.from_estimators(models, *BINARY, path=given, grid_resolution=2)
    pca = PCA(2).fit(np.vstack([*given.values()]))
    assert_allclose(display.explained_variance_ratio, pca.explained_variance_ratio_, rtol=1e-9)


def test_each_colour_of_a_path_is_outlined():
    display = DRAW["paths"]()
    width = {line.get_color(): line.get_linewidth() for line in display.ax_.get_lines()}
    assert all(width["white"] > line.get_linewidth() for line in display.lines_)
    looks = {(line.get_color(), line.get_marker()) for line in display.lines_}
    assert len(looks) == 2


# -- learning rates -----------------------------------------------------------------------


@pytest.mark.parametrize("data", [BINARY, THREE], ids=["two classes", "three classes"])
def test_two_over_L_is_from_the_largest_eigenvalue(data):
    rows, y = data
    C = 0.3
    display = LearningRateDisplay.from_estimator(gd(C=C), rows, y, max_iter=2)
    A = np.column_stack([rows, np.ones(len(y))])
    smoothness = 0.25 if len(np.unique(y)) == 2 else 0.5
    penalty = np.diag(np.append(np.full(rows.shape[1], 1 / (C * len(y))), 0))
    largest = np.linalg.eigvalsh(smoothness * A.T @ A / len(y) + penalty)[-1]
    assert_allclose(display.stable_rate, 2 / largest, rtol=1e-9)
    assert display.learning_rates[0] < display.stable_rate < display.learning_rates[-1]
    final = display.plot(kind="final")
    assert_allclose(final.stable_line_.get_xdata(), 2 / largest, rtol=1e-9)
    assert f"2/L = {2 / largest:.3g}" in texts(final)


def test_the_curves_are_those_of_fits_with_each_rate():
    rates = [1.0, 0.1]
    display = LearningRateDisplay.from_estimator(
        gd(), *BINARY, learning_rates=rates, max_iter=7, sample_weight=WEIGHTS
    )
    assert display.learning_rates.tolist() == [0.1, 1.0]
    for rate, costs, line in zip([0.1, 1.0], display.costs, display.lines_, strict=True):
        fit = gd(7, learning_rate=rate).fit(*BINARY, sample_weight=WEIGHTS)
        np.testing.assert_array_equal(costs, fit.history_["cost"])
        np.testing.assert_array_equal(line.get_ydata(), costs)


def test_the_estimator_is_left_as_it_was_and_its_stopping_is_not_obeyed():
    clf = gd(early_stopping=True, n_iter_no_change=1, warm_start=True, random_state=0)
    before = clf.get_params()
    display = LearningRateDisplay.from_estimator(clf, *BINARY, max_iter=9)
    assert clf.get_params() == before
    assert "coef_" not in vars(clf)
    assert np.isfinite(display.costs).all()


@pytest.mark.parametrize("kind", ["curves", "final"])
@pytest.mark.parametrize("scale", ["log", "linear"])
def test_diverged_descents_are_shown_by_a_cross(kind, scale):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        display = LearningRateDisplay.from_estimator(
            gd(C=1e-4), X, Y, learning_rates=[0.01, 0.05, 20, 30], max_iter=80
        )
    assert display.diverged.tolist() == [False, False, True, True]
    assert np.isnan(display.costs[2:, -1]).all()
    drawn(display.plot(kind=kind, scale=scale))
    crosses = [line for line in display.ax_.get_lines() if line.get_marker() == "X"]
    assert len(crosses) == 2
    assert "diverged or above the axis" in [text.replace("\n", " ") for text in texts(display)]
    assert display.ax_.get_ylim()[1] < 2


@pytest.mark.parametrize("kind", ["curves", "final"])
def test_the_legend_covers_nothing(kind):
    rates = [0.01, 0.1, 1.0, 20.0]
    display = LearningRateDisplay.from_estimator(
        gd(C=1e-3), X, Y, learning_rates=rates, max_iter=5, kind=kind
    )
    drawn(display)
    legend = display.ax_.get_legend().get_window_extent()
    assert legend.y0 >= display.ax_.get_window_extent().y1
    assert legend.y1 <= display.figure_.bbox.y1


def test_an_adaptive_rule_has_no_stable_rate_to_draw():
    display = LearningRateDisplay.from_estimator(
        GDLogisticRegression(solver="adam"), *BINARY, max_iter=3
    )
    assert display.stable_rate == np.inf
    assert display.stable_line_ is None
    assert not any("2/L" in text for text in texts(display))
    assert display.learning_rates[0] < 0.01 < display.learning_rates[-1]
    assert drawn(display.plot(kind="final")).stable_line_ is None


def test_one_rate_and_a_pipeline_will_do():
    model = make_pipeline(StandardScaler(), gd())
    display = drawn(
        LearningRateDisplay.from_estimator(model, *BINARY, learning_rates=[0.3], max_iter=1)
    )
    rows = StandardScaler().fit_transform(BINARY[0])
    fit = gd(1, learning_rate=0.3).fit(rows, BINARY[1])
    np.testing.assert_array_equal(display.costs[0], fit.history_["cost"])
    drawn(display.plot(kind="final"))


# -- bias and variance --------------------------------------------------------------------


def test_the_bars_lead_from_the_baseline_to_the_test_error():
    report = report_of()
    display = drawn(BiasVarianceDisplay.from_report(report))
    bars = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in display.bars_]
    train, dev, test = (100 * report.errors[part] for part in ("train", "dev", "test"))
    steps = [0, 0, train, train, dev, dev, test]
    expected = [(0, 0), (0, train), (0, train), (train, dev), (0, dev), (dev, test), (0, test)]
    assert len(bars) == len(steps)
    assert_allclose(bars, expected, atol=1e-12)
    gaps = report.avoidable_bias, report.variance, report.dev_to_test
    assert_allclose(list(display.gaps.values()), gaps, atol=1e-15)
    assert display.line_.get_xdata()[0] == 100 * report.majority_errors["dev"]


def bar_numbers(display):
    """The numbers at the bars, in hundredths of a per cent."""
    found = [text.get_text() for text in display.ax_.texts if text is not display.advice_]
    return [round(100 * float(text.rstrip(" %").replace("−", "-"))) for text in found]


def test_the_numbers_at_the_bars_add_up():
    rng = np.random.default_rng(0)
    for _ in range(12):
        baseline, train, dev, test = rng.uniform(0, 0.2, 4)
        errors = {"train": train, "dev": dev, "test": test}
        display = BiasVarianceDisplay(errors, baseline=baseline).plot()
        numbers = bar_numbers(display)
        assert numbers[2::2] == [round(1e4 * error) for error in (train, dev, test)]
        assert np.cumsum([numbers[0], *numbers[1::2]]).tolist() == numbers[0::2]
        plt.close(display.figure_)


@pytest.mark.parametrize("finding", [*ACTIONS, "another", ""])
def test_the_title_has_two_short_lines_at_most(finding):
    display = BiasVarianceDisplay(
        {"train": 0.1, "dev": 0.2}, finding=finding, optimisation_error=1e-3
    ).plot()
    lines = display.ax_.get_title(loc="left").split("\n")
    assert len(lines) == (2 if finding else 1)
    assert all(len(line) <= 60 for line in lines)
    assert lines[0] != finding or finding == "another"
    assert "0.001" in lines[-1]
    assert display.advice_ is None


@pytest.mark.parametrize("n_panels", [1, 2])
def test_the_advice_stands_below_the_axes_within_the_figure(n_panels):
    report = report_of()
    figure, axes = plt.subplots(1, n_panels, figsize=(7 * n_panels, 6), layout="constrained")
    display = drawn(BiasVarianceDisplay.from_report(report, ax=np.ravel(axes)[-1]))
    advice = display.advice_.get_window_extent()
    assert display.advice_.get_text().replace("\n", " ") == report.action
    assert advice.y1 <= display.ax_.xaxis.label.get_window_extent().y0
    assert advice.y0 >= 0
    assert advice.x1 <= figure.bbox.x1
    assert report.action not in display.ax_.get_title(loc="left")


def test_an_estimator_is_measured_as_by_the_report():
    A, b = BINARY
    model = gd(20).fit(A[:80], b[:80])
    sets = A[:80], b[:80], A[80:], b[80:]
    display = BiasVarianceDisplay.from_estimator(model, *sets, baseline=0.1)
    expected = bias_variance_report(model, *sets, baseline=0.1)
    assert display.errors == expected.errors
    assert display.baseline == 0.1
    assert_allclose(display.errors["train"], 1 - model.score(A[:80], b[:80]))
    assert len(display.bars_) == 5


def test_a_majority_error_far_beyond_the_bars_does_not_squeeze_them():
    display = drawn(BiasVarianceDisplay({"train": 0.01, "dev": 0.02}, majority_error=0.9).plot())
    assert display.line_ is None
    assert display.ax_.get_xlim()[1] < 4
    assert any(text.endswith("beyond the axis") for text in texts(display))


def test_errors_of_nothing_are_drawn():
    drawn(BiasVarianceDisplay({"train": 0.0, "dev": 0.0, "test": 0.0}).plot())


# -- errors -------------------------------------------------------------------------------

FITTED = gd(3).fit(*BINARY)
FITTED_THREE = gd(3).fit(*THREE)


def surface(**options):
    return lambda: CostSurfaceDisplay.from_estimator(FITTED, *BINARY, **options)


def surface_of_three(**options):
    return lambda: CostSurfaceDisplay.from_estimator(FITTED_THREE, *THREE, **options)


def rates(estimator=None, **options):
    return lambda: LearningRateDisplay.from_estimator(estimator or gd(), *BINARY, **options)


def curve(**options):
    return lambda: CostCurveDisplay.from_estimator(FITTED, **options)


REFUSED = {
    "curve x": (curve(x="epoch"), "'x' parameter.*'iteration', 'passes' or 'time'.*'epoch'"),
    "curve scale": (curve(scale="symlog"), "'scale' parameter.*'linear' or 'log'"),
    "curve x_scale": (curve(x_scale=2), "'x_scale' parameter.*Got 2"),
    "curve quantity": (curve(quantity="error"), "'quantity' parameter.*'auto', 'loss' or 'cost'"),
    "no curve": (lambda: CostCurveDisplay({}).plot(), "at least one history"),
    "no history": (
        lambda: CostCurveDisplay.from_estimator(LogisticRegression().fit(*BINARY)),
        "LogisticRegression has none",
    ),
    "no model": (lambda: CostCurveDisplay.from_estimator("gd"), "str has none"),
    "surface kind": (surface(kind="heat"), "'kind' parameter.*'contour' or 'surface'"),
    "resolution": (surface(grid_resolution=1), "'grid_resolution' parameter.*Got 1"),
    "margin": (surface(margin=-1.0), "'margin' parameter.*Got -1"),
    "paths of nobody": (
        lambda: CostSurfaceDisplay.from_estimators(
            {"a": FITTED}, *BINARY, path={"b": np.zeros((3, 5))}
        ),
        "'path' parameter.*names of estimators, 'a', or None",
    ),
    "a path of several": (
        lambda: CostSurfaceDisplay.from_estimators([FITTED], *BINARY, path=np.zeros((3, 5))),
        "'path' parameter.*must be a dict with names of estimators, 'model 1'",
    ),
    "no model at all": (lambda: CostSurfaceDisplay.from_estimators({}, *BINARY), "Got none"),
    "another cost": (
        lambda: CostSurfaceDisplay.from_estimators(
            {"a": FITTED, "b": gd(3, C=0.1).fit(*BINARY)}, *BINARY
        ),
        "'estimators' parameter.*one cost J.*'[ab]' and '[ab]' differ",
    ),
    "other parameters": (
        lambda: CostSurfaceDisplay.from_estimators(
            [FITTED, gd(3, fit_intercept=False).fit(*BINARY)], *BINARY
        ),
        "one cost J.*fit_intercept",
    ),
    "steps": (surface(max_steps=0), "'max_steps' parameter.*Got 0"),
    "one parameter": (surface(parameters=1), "'parameters' parameter.*a pair"),
    "the same twice": (surface(parameters=(1, 1)), "two different"),
    "feature too far": (surface(parameters=(0, 4)), "from 0 to 3 or 'intercept'. Got 4"),
    "feature unknown": (surface(parameters=("a", 1)), "Got 'a'"),
    "no class": (surface_of_three(parameters=(0, 1)), "class from 0 to 2. Got 0"),
    "class too far": (surface_of_three(parameters=((0, 3), (1, 1))), r"Got \(0, 3\)"),
    "path shape": (surface(path=np.zeros((3, 4))), r"\(n_points, 5\).*Got \(3, 4\)"),
    "path of classes": (surface_of_three(path=np.zeros((3, 4))), r"\(n_points, 3, 4\)"),
    "path not finite": (surface(path=np.full((3, 5), np.nan)), "path must be finite"),
    "path that stays": (surface(path=np.zeros((3, 5))), "no principal directions"),
    "rates": (rates(learning_rates=[0.1, -1]), "'learning_rates' parameter.*positive"),
    "no rates": (rates(learning_rates=[]), "'learning_rates' parameter.*positive"),
    "max_iter": (rates(max_iter=0), "'max_iter' parameter.*Got 0"),
    "rates kind": (rates(kind="all"), "'kind' parameter.*'curves' or 'final'"),
    "rates of others": (rates(LogisticRegression()), "GDLogisticRegression.*Got Logistic"),
    "bad parameter": (rates(gd(C=-1)), "'C' parameter"),
    "errors": (lambda: BiasVarianceDisplay({"train": 0.1}).plot(), "'errors' parameter.*'dev'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_allowed_is_refused_in_words(name):
    draw, words = REFUSED[name]
    with pytest.raises(ValueError, match=words):
        draw()


def test_refusals_come_before_a_figure_is_made():
    for draw, _ in REFUSED.values():
        with pytest.raises(ValueError, match=r".+"):
            draw()
    assert plt.get_fignums() == []


UNFITTED = {
    "curve": lambda model: CostCurveDisplay.from_estimator(model),
    "surface": lambda model: CostSurfaceDisplay.from_estimator(model, *BINARY),
    "sets": lambda model: BiasVarianceDisplay.from_estimator(model, *BINARY, *BINARY),
}


@pytest.mark.parametrize("name", UNFITTED)
@pytest.mark.parametrize(
    "model",
    [gd(), make_pipeline(StandardScaler(), gd()), GridSearchCV(gd(), {"C": [1]})],
    ids=["alone", "pipeline", "search"],
)
def test_an_unfitted_model_is_refused(name, model):
    with pytest.raises(NotFittedError):
        UNFITTED[name](model)


def test_rows_with_other_classes_are_refused():
    with pytest.raises(ValueError, match="classes of the model"):
        CostSurfaceDisplay.from_estimator(FITTED, BINARY[0], BINARY[1] + 1)


def test_axes_of_the_wrong_kind_are_refused():
    display = CostSurfaceDisplay.from_estimator(FITTED, *BINARY, grid_resolution=2)
    with pytest.raises(ValueError, match="projection='3d'"):
        display.plot(display.ax_, kind="surface")
    deep = display.plot(kind="surface").ax_
    with pytest.raises(ValueError, match="without projection"):
        display.plot(deep)


DRAWINGS = {
    "CostSurfaceDisplay": lambda ax: CostSurfaceDisplay.from_estimator(FITTED, *BINARY, ax=ax),
    "CostCurveDisplay": lambda ax: CostCurveDisplay.from_estimator(FITTED, ax=ax),
    "LearningRateDisplay": lambda ax: LearningRateDisplay.from_estimator(
        GDLogisticRegression(solver="gd"), *BINARY, ax=ax
    ),
    "BiasVarianceDisplay": lambda ax: BiasVarianceDisplay({"train": 0.1, "dev": 0.2}).plot(ax),
    "Node.plot": variable(1).plot,
}


@pytest.mark.parametrize("ax", [3, "left", [None], "3d"])
@pytest.mark.parametrize("drawing", DRAWINGS)
def test_what_is_no_axes_is_refused(drawing, ax):
    ax = plt.figure().add_subplot(projection="3d") if ax == "3d" else ax
    with pytest.raises(ValueError, match=f"'ax' parameter of {drawing} must be matplotlib Axes"):
        DRAWINGS[drawing](ax)


@pytest.mark.parametrize("estimators", [FITTED, make_pipeline(FITTED), None, 3, "model"])
def test_several_models_are_a_dict_or_a_list(estimators):
    with pytest.raises(ValueError, match="'estimators' parameter of CostCurveDisplay"):
        CostCurveDisplay.from_estimators(estimators)
    with pytest.raises(ValueError, match="'estimators' parameter of CostSurfaceDisplay"):
        CostSurfaceDisplay.from_estimators(estimators, *BINARY)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("errors", None),
        ("errors", {"train": 0.1}),
        ("errors", {"train": 0.1, "dev": 0.2, 3: 0.3}),
        (r"errors\['dev'\]", {"train": 0.1, "dev": 12}),
        (r"errors\['train'\]", {"train": np.nan, "dev": 0.1}),
        (r"errors\['dev'\]", {"train": 0.1, "dev": "0.1"}),
        ("baseline", -0.1),
        ("baseline", None),
        ("intervals", {"train": (0, 1)}),
        ("n_rows", 10),
    ],
)
def test_what_is_no_error_rate_is_refused(name, value):
    parameter = name.partition("\\")[0]
    given = {"errors": {"train": 0.1, "dev": 0.2}} | {parameter: value}
    with pytest.raises(ValueError, match=f"The [\"']{name}[\"'] parameter of BiasVarianceDisplay"):
        BiasVarianceDisplay(**given).plot()


def test_a_path_that_does_not_lead_to_the_model_is_refused():
    X, y = load_breast_cancer(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    clf = GDLogisticRegression(solver="adam", C=np.inf, learning_rate=0.1, early_stopping=True)
    clf.set_params(n_iter_no_change=3, max_iter=60, tol=0)
    clf.fit(X[::2], y[::2], X_val=X[1::2], y_val=y[1::2])
    with pytest.raises(ValueError, match=r"come to other parameters.*Trajectory"):
        CostSurfaceDisplay.from_estimator(clf, X[::2], y[::2])
    plain = clf.set_params(early_stopping=False).fit(X[::2], y[::2])
    with pytest.raises(ValueError, match="come to other parameters"):
        CostSurfaceDisplay.from_estimator(plain, X[1::2], y[1::2])
    CostSurfaceDisplay.from_estimator(plain, X[::2], y[::2])
