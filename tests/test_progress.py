"""What verbose shows on a terminal while a fit takes long."""

import io
import re
import sys

import numpy as np
import pytest

from sklearn_gd_logreg import GDLogisticRegression
from sklearn_gd_logreg.fitting import progress

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(60, 3)), np.arange(60) % 2


class Terminal(io.StringIO):
    def isatty(self):
        return True


def shown(monkeypatch, stream, max_iter=200, **params):
    monkeypatch.setattr(progress, "LONG", 0.0)
    monkeypatch.setattr(progress, "REFRESH", 0.0)
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


def test_a_bar_counts_from_where_a_warm_start_goes_on(monkeypatch):
    clf = GDLogisticRegression(solver="gd", tol=0, max_iter=100, warm_start=True).fit(X, Y)
    stream = Terminal()
    monkeypatch.setattr(progress, "LONG", 0.0)
    monkeypatch.setattr(progress, "REFRESH", 0.0)
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
