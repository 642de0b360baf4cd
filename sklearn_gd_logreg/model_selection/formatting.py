"""Tables and paragraphs as text and as HTML."""

from __future__ import annotations

from html import escape
from textwrap import fill
from typing import NamedTuple

from .._text import printable

LINE_WIDTH = 88
"""Characters in a line of a paragraph."""


class Table(NamedTuple):
    """Rows of cells, headings first; ``text_columns`` are aligned left, the others right."""

    cells: list[list[str]]
    text_columns: tuple[int, ...]


def format_text(tables: list[Table], paragraphs: list[str]) -> str:
    """Format tables and paragraphs as text."""
    blocks = [align_columns(*table) for table in tables]
    filled = (fill(text, LINE_WIDTH, subsequent_indent="  ") for text in paragraphs)
    return printable("\n\n".join([*blocks, "\n".join(filled)]))


def format_html(tables: list[Table], paragraphs: list[str]) -> str:
    """Format tables and paragraphs as HTML that inherits the colours of the page."""
    blocks = [*(html_table(*table) for table in tables), *map(html_paragraph, paragraphs)]
    return f"<div class='bias-variance-report'>{''.join(blocks)}</div>"


def align_columns(cells: list[list[str]], text_columns: tuple[int, ...]) -> str:
    """Align the columns of a table: text to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = []
    for row in cells:
        cells_and_widths = enumerate(zip(row, widths, strict=True))
        padded = (c.ljust(w) if k in text_columns else c.rjust(w) for k, (c, w) in cells_and_widths)
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)


def html_table(cells: list[list[str]], text_columns: tuple[int, ...]) -> str:
    """Return a table with headings in the first row and column."""
    head, *body = cells
    top = html_row("th scope='col'", head, text_columns)
    rest = "".join(html_row("td", row, text_columns) for row in body)
    style = "border-collapse: collapse; margin: 0.5em 0; color: inherit; font-size: inherit"
    return f"<table style='{style}'><thead>{top}</thead><tbody>{rest}</tbody></table>"


def html_row(tag: str, row: list[str], text_columns: tuple[int, ...]) -> str:
    """Return a row of a table; the first cell is a heading, indented like its text."""
    cells = []
    for k, text in enumerate(row):
        name = "th scope='row'" if k == 0 and tag == "td" else tag
        style = f"text-align: {'left' if k in text_columns else 'right'}; padding: 0.2em 0.7em"
        if text.startswith("  "):
            style += "; padding-left: 2em; font-weight: normal"
        cells.append(f"<{name} style='{style}'>{escape(text.strip())}</{name.split()[0]}>")
    return f"<tr>{''.join(cells)}</tr>"


def html_paragraph(line: str) -> str:
    """Return a paragraph with its first word in bold."""
    lead, _, rest = line.partition(" ")
    return f"<p style='max-width: 45em'><b>{escape(lead)}</b> {escape(rest)}</p>"
