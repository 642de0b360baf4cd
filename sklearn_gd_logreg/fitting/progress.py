"""The output of ``verbose``: a table of iterations, and a progress bar while no row is due."""

from __future__ import annotations

import sys
from time import perf_counter

from ..descent import Iterate
from .monitor import Monitor, Observer
from .validation_set import ValidationScore

SECONDS_BEFORE_BAR = 1.0
"""Seconds without a new row of the table after which the bar appears."""

SECONDS_BETWEEN_BARS = 0.1
"""Least number of seconds between two drawings of the bar."""

BAR_WIDTH = 24
"""Characters between the brackets of the bar."""

CLEAR_LINE = "\r\x1b[K"
"""Control characters of a terminal: go to the beginning of the line and erase the line."""

COLUMNS = (
    ("iteration", 9),
    ("passes", 9),
    ("cost", 12),
    ("val_loss", 12),
    ("gradient_norm", 13),
    ("learning_rate", 13),
)
"""Name and width, in characters, of each column of the table."""


class Printer(Observer):
    """Prints a table with a row for iterations 0, 1, 2, 5, 10, 20, 50, … and the last, or for all.

    On a terminal a bar below the table shows which fraction of the iterations up to ``max_iter`` is
    done, and how long the others take at the pace so far.

    Parameters
    ----------
    every : bool
        Whether all iterations have a row.
    """

    def __init__(self, every: bool) -> None:
        self._every = every
        self._printed: Iterate | None = None
        self._latest: Iterate | None = None
        self._first_k: int | None = None  # not 0 if the descent is resumed
        self._shows_bar = False

    def observe(self, iterate: Iterate, monitor: Monitor) -> bool:
        """Print the row of an iterate, if it has one; otherwise draw the bar, if it is time."""
        now = perf_counter()
        if self._first_k is None:
            self._first_k, self._started, self._last_output = iterate.k, now, now
        self._latest, self._score = iterate, monitor.score
        wait = SECONDS_BETWEEN_BARS if self._shows_bar else SECONDS_BEFORE_BAR
        if self._every or is_milestone(iterate.k):
            self._print_row(iterate, monitor.score)
            self._last_output = now
        elif now - self._last_output > wait and sys.stdout.isatty():
            self._draw_bar(iterate, iterate.k - self._first_k, monitor.last, now - self._started)
            self._last_output = now
        return False

    def end(self, reason: str) -> None:
        """Print the row of the last iterate, unless it has been printed."""
        if self._latest is not None and self._latest is not self._printed:
            self._print_row(self._latest, self._score)

    def _print_row(self, iterate: Iterate, score: ValidationScore | None) -> None:
        if self._shows_bar:
            print(CLEAR_LINE, end="")
            self._shows_bar = False
        if self._printed is None:
            print(header(validated=score is not None))
        print(row_of(iterate, score))
        self._printed = iterate

    def _draw_bar(self, iterate: Iterate, n_done: int, last: int, seconds: float) -> None:
        n_left = last - iterate.k
        seconds_left = seconds * n_left / max(n_done, 1)
        fraction = n_done / max(n_done + n_left, 1)
        print(CLEAR_LINE + bar(fraction, iterate, last, seconds_left), end="", flush=True)
        self._shows_bar = True


def is_milestone(k: int) -> bool:
    """Whether k is 0, 1, 2, 5, 10, 20, 50, …"""
    digits = str(k)
    return digits[0] in "0125" and not digits[1:].strip("0")


def header(validated: bool) -> str:
    """The names of the columns, as in ``history_``."""
    return "  ".join(name.rjust(width) for name, width in columns(validated))


def row_of(iterate: Iterate, score: ValidationScore | None = None) -> str:
    """The row of an iterate in the table."""
    cells = [str(iterate.k), f"{iterate.passes:.5g}", cost_text(iterate.cost)]
    if score:
        cells.append(cost_text(score.loss))
    rate = "-" if iterate.k == 0 else f"{iterate.learning_rate:.3g}"
    cells += [f"{iterate.gradient_norm:.2e}", rate]
    widths = (width for _, width in columns(score is not None))
    return "  ".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True))


def columns(validated: bool) -> list[tuple[str, int]]:
    """The `COLUMNS` of a fit with or without validation data; a row has at most 80 characters."""
    return [(name, width) for name, width in COLUMNS if validated or name != "val_loss"]


def cost_text(cost: float) -> str:
    """A cost or loss, no wider than its column."""
    return f"{cost:.8f}" if abs(cost) < 100 else f"{cost:.6g}"


def bar(fraction: float, iterate: Iterate, last: int, seconds_left: float) -> str:
    """A progress bar: the fraction done, the iteration, its cost, and the time to ``last``."""
    n_full = int(fraction * BAR_WIDTH)
    drawn = "#" * n_full + "." * (BAR_WIDTH - n_full)
    minutes, seconds = divmod(round(seconds_left), 60)
    left = f"at most {minutes}:{seconds:02d} left"
    return f"[{drawn}] {iterate.k}/{last}   cost {iterate.cost:.8f}   {left}"
