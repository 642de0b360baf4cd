"""A computation graph as text: a table, and a flowchart for Mermaid."""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """What texts and drawings show of a node.

    Parameters
    ----------
    title : str
        Name, expression, or both.
    value : float
    grad : float or None
        None before the backward pass.
    parents : tuple of int
        Numbers of the rows that the node is computed from. All are above it.
    """

    title: str
    value: float
    grad: float | None
    parents: tuple[int, ...]


def number(value: float) -> str:
    """Return six significant digits of a number, and no negative zero."""
    return f"{value + 0.0:.6g}"


def grad_text(row: Row) -> str:
    """Return the derivative, blank if there is none."""
    return "" if row.grad is None else number(row.grad)


def table(rows: list[Row]) -> str:
    """Return a table with a line for each node."""
    cells = [("node", "value", "derivative")]
    cells += [(" ".join(row.title.split()), number(row.value), grad_text(row)) for row in rows]
    left, middle, right = (max(map(len, column)) for column in zip(*cells, strict=True))
    return "\n".join(
        f"{title:{left}}  {value:>{middle}}  {grad:>{right}}".rstrip()
        for title, value, grad in cells
    )


def mermaid(rows: list[Row]) -> str:
    """Return a flowchart in the syntax of Mermaid.

    References
    ----------
    Mermaid, "Flowcharts: entity codes to escape characters".
    """
    lines = ["flowchart LR"]
    for index, row in enumerate(rows):
        label = [escaped(row.title), f"value {number(row.value)}"]
        label += [f"derivative {grad_text(row)}"] if row.grad is not None else []
        lines.append(f'    n{index}["{"<br/>".join(label)}"]')
    lines += [
        f"    n{parent} --> n{index}" for index, row in enumerate(rows) for parent in row.parents
    ]
    return "\n".join(lines)


def escaped(title: str) -> str:
    """Return a label that Mermaid shows as it is.

    What is neither letter, digit nor harmless becomes an entity code, and so does a first
    character other than a letter, which could begin a list of Markdown.
    """
    return "".join(
        char if char.isalpha() or (place and (char.isalnum() or char in " ()+-/=.,"))
        else f"#{ord(char)};"
        for place, char in enumerate(" ".join(title.split()))
    )  # fmt: skip
