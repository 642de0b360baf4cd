"""What a fitted model knows of its fit, as HTML for notebooks."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

import numpy as np

from .._notebook import html_table
from .sparkline import sparkline
from .summary import FitSummary, counted, distance

SOLVER_INFO_NAMES = {
    "hessian_rows": "rows of F",
    "hessians": "curvatures",
    "products": "Hessian-vector products",
    "proved": "Fenchel bound",
}
"""Names of entries of ``solver_info_``; the others keep theirs."""


def fit_html(fit: FitSummary) -> str:
    """Stop reason, work, costs and curve of a fit, and ``solver_info_``, folded."""
    table = html_table(list(fit_rows(fit)))
    solver = ""
    if fit.solver_info:
        title = f"<summary>Solver: {escape(str(fit.solver_info['method']))}</summary>"
        solver = f"<details>{title}{html_table(list(solver_rows(fit.solver_info)))}</details>"
    return f"<div>{cost_curve(fit)}{table}</div>{solver}"


def fit_rows(fit: FitSummary) -> Iterator[tuple[str, str]]:
    """The rows of the table of a fit."""
    history, entry = fit.history, fit.entry
    cost, norm = history["cost"], history["gradient_norm"]
    yield "stop", f"⚠ {fit.stop}" if fit.unfinished else fit.stop
    yield "work", f"{fit.work}, {history['time'][-1]:.2g} s"
    yield "cost J", f"{from_to(cost, entry)}, {distance(fit, float(cost[entry]))}"
    yield "gradient norm", from_to(norm, entry, digits=3)
    losses = history.get("val_loss", np.empty(0))
    if np.isfinite(losses).any():
        best = int(np.nanargmin(losses))
        of_model = f"{losses[entry]:.5g} of the model"
        lowest = f"the lowest, {losses[best]:.5g}, at iteration {history['iteration'][best]}"
        yield (
            "validation loss",
            f"{lowest}: the model" if best == entry else f"{of_model}; {lowest}",
        )


def from_to(values: Any, entry: int, digits: int = 5) -> str:
    """The first value and that of an entry."""
    return f"{values[0]:.{digits}g} → {values[entry]:.{digits}g}"


def solver_rows(info: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The rows of the table of ``solver_info_``, without what did not occur."""
    for name, value in info.items():
        if name == "reductions":
            yield from ((f"reduction: {k}", reason) for k, reason in value.items())
        elif name == "proved" and value:
            yield SOLVER_INFO_NAMES[name], "proves J − J* ≤ tol²/2"
        elif (name, value) == ("reason", "solver"):
            yield name, "the parameter solver"
        elif value:
            shown = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
            yield SOLVER_INFO_NAMES.get(name, name.replace("_", " ")), shown


def cost_curve(fit: FitSummary) -> str:
    """The curve of the cost; with validation data those of the mean losses, as in the displays."""
    history = fit.history
    validated = np.isfinite(history.get("val_loss", np.empty(0))).any()
    columns = {"cost J": history["cost"]}
    if validated:
        columns = {"training loss": history["loss"], "validation loss": history["val_loss"]}
    return sparkline(columns, curve_in_words(fit, columns))


def curve_in_words(fit: FitSummary, columns: dict[str, Any]) -> str:
    """The picture in words."""
    curves = " and ".join(f"{name} {from_to(values, -1)}" for name, values in columns.items())
    return f"{curves} over {counted(fit.n_iter, 'iteration')}, logarithmic scale"
