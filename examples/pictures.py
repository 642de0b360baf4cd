"""The four pictures of a descent, on the breast cancer data.

Saves them in ``examples/output/pictures``, or in a folder that is named:
``python examples/pictures.py docs/_static/pictures`` makes those of the user guide. Run it with
``make pictures``, or with Python where the package, matplotlib and pandas are installed.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import matplotlib
from matplotlib import pyplot
from matplotlib.figure import Figure
from sklearn.datasets import load_breast_cancer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_gd_logreg import (
    BiasVarianceDisplay,
    CostCurveDisplay,
    CostSurfaceDisplay,
    GDLogisticRegression,
    LearningRateDisplay,
    train_dev_test_split,
)

FOLDER = Path(__file__).parent / "output" / "pictures"
TWO_PANELS = (10, 4.2)  # inches
STEPS = {"gd": 300, "momentum": 300, "natural": 15}


def pictures() -> Iterator[tuple[str, Figure]]:
    data = load_breast_cancer(as_frame=True)
    parts = train_dev_test_split(data.data, data.target, stratify=data.target, random_state=0)
    X_train, X_dev, X_test, y_train, y_dev, y_test = parts
    scaler = StandardScaler().fit(X_train)
    Z_train, Z_dev = scaler.transform(X_train), scaler.transform(X_dev)

    fits = {
        solver: GDLogisticRegression(solver=solver, C=10, max_iter=n_steps, tol=0)
        for solver, n_steps in STEPS.items()
    }
    for clf in fits.values():
        clf.fit(Z_train, y_train, X_val=Z_dev, y_val=y_dev)
    yield (
        "cost_curves",
        CostCurveDisplay.from_estimators(fits, scale="log", x_scale="log").figure_,
    )

    descent = make_pipeline(
        StandardScaler(), GDLogisticRegression(solver="gd", max_iter=200, tol=0)
    )
    descent.fit(X_train, y_train)
    figure = pyplot.figure(figsize=TWO_PANELS)
    surface = CostSurfaceDisplay.from_estimator(
        descent, X_train, y_train, ax=figure.add_subplot(1, 2, 1)
    )
    surface.plot(figure.add_subplot(1, 2, 2, projection="3d"), kind="surface")
    figure.subplots_adjust(left=0.08, right=0.96, bottom=0.13, wspace=0.05)
    yield "cost_surface", figure

    figure, axes = pyplot.subplots(1, 2, figsize=TWO_PANELS, layout="constrained")
    rates = LearningRateDisplay.from_estimator(descent, X_train, y_train, ax=axes[0])
    rates.plot(axes[1], kind="final")
    yield "learning_rates", figure

    sets = X_train, y_train, X_dev, y_dev, X_test, y_test
    yield "bias_variance", BiasVarianceDisplay.from_estimator(descent, *sets, baseline=0.01).figure_


def main(folder: Path = FOLDER) -> None:
    matplotlib.use("Agg")  # needs no display
    folder.mkdir(parents=True, exist_ok=True)
    for name, figure in pictures():
        path = folder / f"{name}.png"
        figure.savefig(path, dpi=100)
        print(os.path.relpath(path))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
