"""A report as text and as HTML: the same cells, twice."""

from __future__ import annotations

from html import escape
from textwrap import fill
from typing import TYPE_CHECKING

from .._text import printable

if TYPE_CHECKING:
    from .report import BiasVarianceReport

WIDTH = 88
"""Longest line of words."""

MOST_CLASSES = 10
"""Classes whose shares are shown; the others are in ``report.priors``."""

Table = list[list[str]]
"""Rows of cells; the first row and the first column are headings."""


def as_text(report: BiasVarianceReport) -> str:
    """Aligned tables, then the words."""
    parts = [aligned(sets(report), left=(0,)), aligned(gaps(report), left=(0, 3))]
    parts.append("\n".join(fill(line, WIDTH, subsequent_indent="  ") for line in words(report)))
    return printable("\n\n".join(parts))


def as_html(report: BiasVarianceReport) -> str:
    """Two tables and paragraphs; colours are those of the page around it."""
    tables = html_table(sets(report), left=(0,)) + html_table(gaps(report), left=(0, 3))
    paragraphs = "".join(map(html_words, words(report)))
    return f"<div class='bias-variance-report'>{tables}{paragraphs}</div>"


# -- the cells ---------------------------------------------------------------------------


def sets(report: BiasVarianceReport) -> Table:
    """A column for each set."""
    parts = list(report.errors)
    shown = list(report.priors["train"])[:MOST_CLASSES]
    hidden = len(report.priors["train"]) - len(shown)
    return [
        ["", *parts],
        ["rows", *(str(report.n_rows[part]) for part in parts)],
        ["error", *(f"{report.errors[part]:.4f}" for part in parts)],
        ["  95 % interval", *(between(report.intervals[part]) for part in parts)],
        [
            f"  of always {report.majority_class}",
            *(f"{report.majority_errors[part]:.4f}" for part in parts),
        ],
        ["log loss", *(f"{report.losses[part]:.4f}" for part in parts)],
        [
            "  of the training shares",
            *(f"{report.majority_losses[part]:.4f}" for part in parts),
        ],
        *(
            [f"share of {label}", *(f"{report.priors[part][label]:.4f}" for part in parts)]
            for label in shown
        ),
        *([[f"({hidden} more classes)", *("" for _ in parts)]] if hidden else []),
    ]


def gaps(report: BiasVarianceReport) -> Table:
    """A line for each gap."""
    rows = [
        ["gap", "value", "95 % interval", "what it is"],
        gap(report, "avoidable_bias", f"train error - baseline {report.baseline:g}"),
        gap(report, "variance", "dev error - train error"),
    ]
    if report.dev_to_test is not None:
        rows.append(gap(report, "dev_to_test", "test error - dev error"))
    if report.optimisation_error is None:
        rows.append(["optimisation error", "n/a", "", "not available"])
    else:
        meaning = (
            f"J - lower bound; may change {report.changeable} of {report.n_rows['train']} "
            "training predictions"
        )
        rows.append(["optimisation error", f"{report.optimisation_error:.1e}", "", meaning])
    return rows


def gap(report: BiasVarianceReport, name: str, meaning: str) -> list[str]:
    """The line of one gap."""
    title = {"dev_to_test": "dev-to-test gap"}.get(name, name.replace("_", " "))
    value = f"{getattr(report, name):.4f}"
    return [title, value, between(report.gap_intervals[name]), meaning]


def between(interval: tuple[float, float]) -> str:
    """An interval in one cell."""
    return f"{interval[0]:.4f} to {interval[1]:.4f}"


def words(report: BiasVarianceReport) -> list[str]:
    """The action, then the notes."""
    return [f"Next: {report.action}", *(f"Note: {note}" for note in report.notes)]


# -- the two forms -----------------------------------------------------------------------


def aligned(table: Table, left: tuple[int, ...]) -> str:
    """Columns of one width each; those of words to the left, those of numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = []
    for row in table:
        cells = enumerate(zip(row, widths, strict=True))
        justified = (c.ljust(w) if k in left else c.rjust(w) for k, (c, w) in cells)
        lines.append("  ".join(justified).rstrip())
    return "\n".join(lines)


def html_table(table: Table, left: tuple[int, ...]) -> str:
    """A table with headings above and to the left."""
    head, *body = table
    top = html_row("th scope='col'", head, left)
    rest = "".join(html_row("td", row, left) for row in body)
    style = "border-collapse: collapse; margin: 0.5em 0; color: inherit; font-size: inherit"
    return f"<table style='{style}'><thead>{top}</thead><tbody>{rest}</tbody></table>"


def html_row(tag: str, row: list[str], left: tuple[int, ...]) -> str:
    """One line of a table; the first cell is a heading, indented as its text is."""
    cells = []
    for k, text in enumerate(row):
        name = "th scope='row'" if k == 0 and tag == "td" else tag
        style = f"text-align: {'left' if k in left else 'right'}; padding: 0.2em 0.7em"
        if text.startswith("  "):
            style += "; padding-left: 2em; font-weight: normal"
        cells.append(f"<{name} style='{style}'>{escape(text.strip())}</{name.split()[0]}>")
    return f"<tr>{''.join(cells)}</tr>"


def html_words(line: str) -> str:
    """A paragraph whose first word stands out."""
    lead, _, rest = line.partition(" ")
    return f"<p style='max-width: 45em'><b>{escape(lead)}</b> {escape(rest)}</p>"
