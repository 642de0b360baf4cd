"""What `verbose` prints: the columns of the history, and a bar on a terminal."""

import io
import re
import sys

import numpy as np
import pytest

from sklearn_gd_logreg import (
    GDLogisticRegression,
)
from sklearn_gd_logreg.fitting import progress

from .descents import (
    exactly,
    rows,
)
from .problems import SOLVERS

pytestmark = pytest.mark.rounding


def printed(capsys, n_iterations, verbose, **params):
    """History, and the cells of each row of the table that a fit printed."""
    X, y, _ = rows()
    clf = exactly(n_iterations, verbose=verbose, random_state=0, **params).fit(X, y)
    out, err = capsys.readouterr()
    assert err == ""
    header, *rows_shown = out.splitlines()
    assert header.split() == ["iteration", "passes", "cost", "gradient_norm", "learning_rate"]
    cells = [row.split() for row in rows_shown if len(row) == len(header)]
    return clf.history_, [row for row in cells if row[0].isdigit()]


@pytest.mark.parametrize("cost", [0.0, 99.9999999999, 123.456789, 1.2345678e9, 1.2345678e301])
def test_a_cost_has_the_width_of_its_column(cost):
    assert len(progress.cost_text(cost)) <= dict(progress.COLUMNS)["cost"]


def test_by_default_nothing_is_printed(capsys):
    X, y, _ = rows()
    GDLogisticRegression().fit(X, y)
    exactly(3, solver="gd", batch_size=16).fit(X, y)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("verbose", "n_iterations", "expected"),
    [
        (1, 0, [0]),
        (1, 3, [0, 1, 2, 3]),
        (1, 234, [0, 1, 2, 5, 10, 20, 50, 100, 200, 234]),
        (1, 20, [0, 1, 2, 5, 10, 20]),
        (2, 12, range(13)),
        (5, 12, range(13)),
    ],
)
@pytest.mark.parametrize("batch_size", [None, 35])
def test_verbose_prints_milestones_or_every_iteration(
    capsys, batch_size, verbose, n_iterations, expected
):
    _, lines = printed(capsys, n_iterations, verbose, solver="gd", batch_size=batch_size)
    assert [int(number) for number, *_ in lines] == list(expected)


@pytest.mark.parametrize("batch_size", [None, 35])
@pytest.mark.parametrize("solver", SOLVERS)
def test_the_lines_say_what_the_history_says(capsys, solver, batch_size):
    history, lines = printed(capsys, 6, 2, solver=solver, batch_size=batch_size)
    _, passes, cost, norm, rate = (list(column) for column in zip(*lines, strict=True))
    np.testing.assert_allclose(np.array(passes, float), history["passes"], rtol=1e-4)
    np.testing.assert_allclose(np.array(cost, float), history["cost"], atol=5.1e-9)
    np.testing.assert_allclose(np.array(norm, float), history["gradient_norm"], rtol=6e-3)
    assert rate[0] == "-"
    np.testing.assert_allclose(np.array(rate[1:], float), history["learning_rate"][1:], rtol=6e-3)


RNG = np.random.default_rng(0)


X, Y = RNG.normal(size=(60, 3)), np.arange(60) % 2


class Terminal(io.StringIO):
    def isatty(self):
        return True


def shown(monkeypatch, stream, max_iter=200, **params):
    monkeypatch.setattr(progress, "SECONDS_BEFORE_BAR", 0.0)
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_BARS", 0.0)
    monkeypatch.setattr(sys, "stdout", stream)
    clf = GDLogisticRegression(solver="gd", tol=0, max_iter=max_iter, verbose=1, **params)
    clf.fit(X, Y)
    monkeypatch.undo()
    return clf, stream.getvalue()


def test_a_long_fit_draws_a_bar_on_a_terminal(monkeypatch):
    clf, text = shown(monkeypatch, Terminal())
    bars = re.findall(r"\[(#*)(\.*)\] (\d+)/200   cost (\S+)   at most \d+:\d\d left", text)
    assert len(bars) > 100
    for full, empty, k, cost in bars:
        assert len(full) + len(empty) == progress.BAR_WIDTH
        assert len(full) == int(progress.BAR_WIDTH * int(k) / 200)
        assert float(cost) == pytest.approx(clf.history_["cost"][int(k)], abs=1e-8)
    # What is left when each bar is wiped away are the lines.
    left = re.sub(r"\r\x1b\[K\[[#.]*\] .*? left", "", text).replace("\r\x1b[K", "")
    _, *lines = left.splitlines()
    assert [int(line.split()[0]) for line in lines] == [0, 1, 2, 5, 10, 20, 50, 100, 200]


def test_no_bar_where_there_is_no_terminal(monkeypatch):
    _, text = shown(monkeypatch, io.StringIO())
    assert "\r" not in text
    assert len(text.splitlines()) == 10


def test_a_bar_counts_from_where_a_warm_start_resumes(monkeypatch):
    clf = GDLogisticRegression(solver="gd", tol=0, max_iter=100, warm_start=True).fit(X, Y)
    stream = Terminal()
    monkeypatch.setattr(progress, "SECONDS_BEFORE_BAR", 0.0)
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_BARS", 0.0)
    monkeypatch.setattr(sys, "stdout", stream)
    clf.set_params(verbose=1).fit(X, Y)
    monkeypatch.undo()
    bars = re.findall(r"\[(#*)\.*\] (\d+)/200 ", stream.getvalue())
    assert all(len(full) == int(progress.BAR_WIDTH * (int(k) - 100) / 100) for full, k in bars)
    assert len(bars) > 50


@pytest.mark.parametrize("validated", [True, False])
def test_the_table_has_columns_of_the_history_in_80_characters(capsys, validated):
    X_val, y_val = (X, Y) if validated else (None, None)
    clf = GDLogisticRegression(verbose=2, tol=0, max_iter=12, solver="gd", learning_rate=0.01)
    clf.fit(1e4 * X, Y, X_val=X_val, y_val=y_val)
    header, *rows = capsys.readouterr().out.splitlines()
    names = header.split()
    assert ("val_loss" in names) == validated
    assert len(rows) == 13
    assert {len(row) for row in rows} == {len(header)}
    assert len(header) <= 80
    for k, row in enumerate(rows):
        for name, cell in zip(names, row.split(), strict=True):
            if cell != "-":
                assert float(cell) == pytest.approx(clf.history_[name][k], rel=6e-3, abs=1e-8)
