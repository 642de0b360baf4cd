"""Tables and words as text and as HTML."""

from __future__ import annotations

from html import escape
from textwrap import fill
from typing import NamedTuple

from .._text import printable

LINE_WIDTH = 88
"""Longest line of words."""


class Table(NamedTuple):
    """Rows of cells, headings first; ``left`` are the columns of words."""

    cells: list[list[str]]
    left: tuple[int, ...]


def as_text(tables: list[Table], words: list[str]) -> str:
    """Aligned tables, then the words."""
    parts = [aligned(*table) for table in tables]
    parts.append("\n".join(fill(line, LINE_WIDTH, subsequent_indent="  ") for line in words))
    return printable("\n\n".join(parts))


def as_html(tables: list[Table], words: list[str]) -> str:
    """Tables and paragraphs; colours are those of the page around it."""
    shown = "".join(html_table(*table) for table in tables)
    paragraphs = "".join(map(html_words, words))
    return f"<div class='bias-variance-report'>{shown}{paragraphs}</div>"


def aligned(cells: list[list[str]], left: tuple[int, ...]) -> str:
    """Columns of one width each; those of words to the left, those of numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = []
    for row in cells:
        wide = enumerate(zip(row, widths, strict=True))
        justified = (c.ljust(w) if k in left else c.rjust(w) for k, (c, w) in wide)
        lines.append("  ".join(justified).rstrip())
    return "\n".join(lines)


def html_table(cells: list[list[str]], left: tuple[int, ...]) -> str:
    """A table with headings above and to the left."""
    head, *body = cells
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
