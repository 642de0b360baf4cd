"""Our logistic regression beside scikit-learn's, on two data sets, raw and scaled.

Prints a table for each, stops one fit early on a dev set, and saves pictures of the cost
curves and of the validation curve. Run it with
``make demo``, or with Python where the package and matplotlib are installed.
"""

import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.base import ClassifierMixin, clone
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_gd_logreg import CostCurveDisplay, GDLogisticRegression, train_dev_test_split

LBFGS = "sklearn, lbfgs"
PICTURE = Path(__file__).parent / "output" / "cost_curves.png"
VALIDATION_PICTURE = PICTURE.with_name("early_stopping.png")
DATA = {"breast cancer": load_breast_cancer, "digits": load_digits}
OURS, PLAIN = "ours, natural", "ours, gd"
CURVES: list[tuple[str, str, dict[str, Any]]] = [
    (OURS, "scaled", {"color": "#0072b2", "ls": "-", "marker": "o", "ms": 4}),
    (OURS, "raw", {"color": "#0072b2", "ls": "--", "marker": "o", "ms": 4, "mfc": "white"}),
    (LBFGS, "scaled", {"color": "#d55e00", "ls": "-", "marker": "s", "ms": 4}),
    (LBFGS, "raw", {"color": "#d55e00", "ls": "--", "marker": "s", "ms": 4, "mfc": "white"}),
    (PLAIN, "scaled", {"color": "#009e73", "ls": "-.", "lw": 2}),
]
LOWEST = 1e-12  # of J − J*: rounding hides smaller differences

INTRODUCTION = """\
ours: GDLogisticRegression; sklearn: LogisticRegression. Both minimise the same cost J.
All settings are the defaults but two: ours with gd has max_iter=5000, and
newton-cholesky has tol=1e-8, so that it stands for the exact optimum.
J is taken on the training rows, the rest on the test rows. max |Δp|: largest difference
from the probabilities of "ours, natural". converged: no ConvergenceWarning. seconds: one
run; a step of natural or newton-cholesky is dearer than one of gd or lbfgs.
"""


@dataclass
class Fit:
    """A fitted classifier, and how the fit went."""

    classifier: Any
    converged: bool
    seconds: float
    cost: float
    accuracy: float
    probabilities: np.ndarray
    passes: np.ndarray
    costs: np.ndarray


def classifiers(form: str) -> dict[str, ClassifierMixin]:
    found = {
        OURS: GDLogisticRegression(),
        "sklearn, newton-cholesky": LogisticRegression(solver="newton-cholesky", tol=1e-8),
        LBFGS: LogisticRegression(),
    }
    if form == "scaled":  # On raw features one rate for all scales would make it crawl.
        found[PLAIN] = GDLogisticRegression(solver="gd", max_iter=5000)
    return found


def fit(classifier: Any, form: str, split: list[np.ndarray]) -> Fit:
    X_train, X_test, y_train, y_test = split
    model = make_pipeline(StandardScaler(), classifier) if form == "scaled" else classifier
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        start = perf_counter()
        model.fit(X_train, y_train)
        seconds = perf_counter() - start
    rows = model[:-1].transform(X_train) if form == "scaled" else X_train
    passes, costs = curve(classifier, rows, y_train)
    others = [warning for warning in caught if warning.category is not ConvergenceWarning]
    for warning in others:
        warnings.warn(warning.message, stacklevel=2)
    return Fit(
        classifier,
        converged=len(others) == len(caught),  # the table says what a ConvergenceWarning would
        seconds=seconds,
        cost=cost(classifier, model.predict_proba(X_train), y_train),
        accuracy=model.score(X_test, y_test),
        probabilities=model.predict_proba(X_test),
        passes=passes,
        costs=costs,
    )


def curve(classifier: Any, X: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Passes over the data and J at every iteration, from w = 0.

    scikit-learn keeps no history, so it is fitted with max_iter = 1, 2, and so on. An iteration
    of its lbfgs evaluates J and the gradient once or more: a pass each is the least.
    """
    if isinstance(classifier, GDLogisticRegression):
        return classifier.history_["passes"], classifier.history_["cost"]
    n_steps = int(np.max(classifier.n_iter_)) if classifier.solver == "lbfgs" else 0
    costs = [np.log(len(classifier.classes_))]
    for max_iter in range(1, n_steps + 1):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            stopped = clone(classifier).set_params(max_iter=max_iter).fit(X, y)
        costs.append(cost(stopped, stopped.predict_proba(X), y))
    return np.arange(1, n_steps + 2), np.array(costs)


def cost(classifier: Any, probabilities: np.ndarray, y: np.ndarray) -> float:
    """J: the mean cross-entropy and the penalty, by the same formula for all."""
    penalty = np.sum(classifier.coef_**2) / (2 * classifier.C * len(y))
    return float(log_loss(y, probabilities) + penalty)


def print_table(title: str, fits: dict[str, Fit]) -> None:
    columns = "converged", "iterations", "seconds", "accuracy", "cost J", "max |Δp|"
    print(f"\n{title:<26}", *(f"{column:>10}" for column in columns))
    for name, one in fits.items():
        difference = np.abs(one.probabilities - fits[OURS].probabilities).max()
        print(
            f"  {name:<24}",
            f"{'yes' if one.converged else 'no':>10}",
            f"{np.max(one.classifier.n_iter_):>10}",
            f"{one.seconds:>10.3f}",
            f"{one.accuracy:>10.3f}",
            f"{one.cost:>10.6f}",
            f"{difference:>10.1e}",
        )


def draw(axes: Axes, forms: dict[str, dict[str, Fit]]) -> None:
    """Draw J − J* of every step, J* being the lowest cost that any fit has found."""
    for name, form, style in CURVES:
        lowest = min(one.cost for one in forms[form].values())
        one = forms[form][name]
        axes.plot(one.passes, one.costs - lowest, label=f"{name}, {form}", **style)
    axes.set_xlabel("passes over the data")
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)


def picture(fits: dict[str, dict[str, dict[str, Fit]]]) -> Figure:
    figure = Figure(figsize=(9, 4.6), layout="constrained")  # without pyplot: needs no display
    panels = figure.subplots(1, len(fits), sharex=True, sharey=True)
    for axes, (title, forms) in zip(panels, fits.items(), strict=True):
        draw(axes, forms)
        axes.set_title(title)
    panels[0].set_xscale("log")
    panels[0].xaxis.set_major_formatter("{x:g}")
    panels[0].set_yscale("log")
    panels[0].set_ylim(bottom=LOWEST)
    panels[0].set_ylabel("cost above its minimum, J − J*")
    handles, labels = panels[0].get_legend_handles_labels()
    title = "lbfgs: iterations + 1, the fewest passes possible"
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False, title=title)
    return figure


def stop_early() -> None:
    """Fit few rows without a penalty, and keep the point of the lowest validation loss."""
    X, y = load_digits(return_X_y=True)
    split = train_dev_test_split(X / 16, y, dev_size=0.4, test_size=0.4, stratify=y, random_state=0)
    X_train, X_dev, X_test, y_train, y_dev, y_test = split
    model = GDLogisticRegression(C=np.inf, solver="nesterov", early_stopping=True, max_iter=5000)
    model.set_params(n_iter_no_change=100)
    model.fit(X_train, y_train, X_val=X_dev, y_val=y_dev)
    print(f"\nEarly stopping: digits, {len(y_train)} training rows, no penalty\n{model}")
    last = GDLogisticRegression(C=np.inf, solver="nesterov", max_iter=5 * model.n_iter_, tol=0)
    last.fit(X_train, y_train)
    for name, one in (("the best point", model), ("five times the iterations", last)):
        loss = log_loss(y_test, one.predict_proba(X_test))
        print(f"{name}: test loss {loss:.4f}, accuracy {one.score(X_test, y_test):.3f}")
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    CostCurveDisplay.from_estimator(model).plot(ax=figure.subplots(), scale="log")
    figure.savefig(VALIDATION_PICTURE, dpi=150)
    print(f"Validation curve: {os.path.relpath(VALIDATION_PICTURE)}")


def main() -> None:
    print(INTRODUCTION, end="")
    fits: dict[str, dict[str, dict[str, Fit]]] = {}
    for title, load in DATA.items():
        X, y = load(return_X_y=True)
        split = train_test_split(X, y, stratify=y, random_state=0)
        fits[title] = {}
        for form in ("raw", "scaled"):
            group = {name: fit(clf, form, split) for name, clf in classifiers(form).items()}
            print_table(f"{title}, {form}", group)
            fits[title][form] = group
    PICTURE.parent.mkdir(exist_ok=True)
    picture(fits).savefig(PICTURE, dpi=150)
    print(f"\nCost curves: {os.path.relpath(PICTURE)}")
    stop_early()


if __name__ == "__main__":
    main()
