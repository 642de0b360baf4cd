"""What ``verbose`` prints: a table of iterations, and a bar while a fit takes long."""

from __future__ import annotations

import sys
from time import perf_counter

from ..descent import Iterate
from .monitor import Monitor, Observer
from .validation_set import ValidationScore

LONG = 1.0
"""Seconds without a row after which a bar is drawn."""

REFRESH = 0.1
"""Seconds between two drawings of the bar."""

BAR_WIDTH = 24
"""Characters of the bar."""


COLUMNS = (
    ("iteration", 9),
    ("passes", 9),
    ("cost", 12),
    ("val_loss", 12),
    ("gradient_norm", 13),
    ("learning_rate", 13),
)


class Printer(Observer):
    """Prints a table with a row for iterations 0, 1, 2, 5, 10, 20, 50, … and the last, or for all.

    On a terminal a bar below the table shows the fraction of ``max_iter`` made and the time that
    the rest would take at most.

    Parameters
    ----------
    every : bool
        Whether every iteration has a row.
    """

    def __init__(self, every: bool) -> None:
        self._every = every
        self._printed: Iterate | None = None
        self._seen: Iterate | None = None
        self._first = -1
        self._drawn = False

    def observe(self, iterate: Iterate, monitor: Monitor) -> bool:
        """Print the row of an iterate, if it has one."""
        now = perf_counter()
        if self._first < 0:
            self._first, self._began, self._at = iterate.k, now, now
        self._seen, self._score = iterate, monitor.score
        if self._every or is_milestone(iterate.k):
            self._print(iterate, monitor.score)
            self._at = now
        elif now - self._at > (REFRESH if self._drawn else LONG) and sys.stdout.isatty():
            self._draw(iterate, monitor.last, now)
            self._at = now
        return False

    def end(self, reason: str) -> None:
        """Print the row of the last iterate."""
        if self._seen is not None and self._seen is not self._printed:
            self._print(self._seen, self._score)

    def _print(self, iterate: Iterate, score: ValidationScore | None) -> None:
        if self._drawn:
            print("\r\x1b[K", end="")
            self._drawn = False
        if self._printed is None:
            print(header(score is not None))
        print(line(iterate, score))
        self._printed = iterate

    def _draw(self, iterate: Iterate, last: int, now: float) -> None:
        made, asked = iterate.k - self._first, max(last - self._first, 1)
        rest = (now - self._began) * (asked - made) / max(made, 1)
        print("\r\x1b[K" + bar(made / asked, iterate, last, rest), end="", flush=True)
        self._drawn = True


def is_milestone(k: int) -> bool:
    """Whether k is 0, 1, 2, 5, 10, 20, 50, …"""
    digits = str(k)
    return digits[0] in "0125" and not digits[1:].strip("0")


def header(validated: bool) -> str:
    """The names of the columns, those of ``history_``."""
    return "  ".join(name.rjust(width) for name, width in columns(validated))


def line(it: Iterate, score: ValidationScore | None = None) -> str:
    """The row of an iterate."""
    cells = [str(it.k), f"{it.passes:.5g}", number(it.cost)]
    if score:
        cells.append(number(score.loss))
    cells += [f"{it.gradient_norm:.2e}", "-" if it.k == 0 else f"{it.learning_rate:.3g}"]
    widths = (width for _, width in columns(score is not None))
    return "  ".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True))


def columns(validated: bool) -> list[tuple[str, int]]:
    """Name and width of every column; a row has at most 80 characters."""
    return [(name, width) for name, width in COLUMNS if validated or name != "val_loss"]


def number(value: float) -> str:
    """A cost in the width of its column."""
    return f"{value:.8f}" if abs(value) < 100 else f"{value:.6g}"


def bar(part: float, it: Iterate, last: int, seconds: float) -> str:
    """The part of the iterations made, and the time for the rest, as a bar."""
    full = int(part * BAR_WIDTH)
    drawn = "#" * full + "." * (BAR_WIDTH - full)
    minutes, rest = divmod(round(seconds), 60)
    return f"[{drawn}] {it.k}/{last}   cost {it.cost:.8f}   at most {minutes}:{rest:02d} left"
