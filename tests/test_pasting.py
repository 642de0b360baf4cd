"""The code of the pages can be pasted into an interactive interpreter, line after line."""

import codeop
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    *(page for page in (ROOT / "docs").glob("*.md")),
    *(page for folder in ("ko", "user_guide") for page in (ROOT / "docs" / folder).glob("*.md")),
]


def blocks(text: str) -> list[list[str]]:
    """The lines of each fenced block as the copy button gives them: prompts and output left out."""
    prompt = re.compile(r"^(?:>>> |\.\.\. |\.\.\.$)(.*)")
    return [
        [match[1] for line in block.splitlines() if (match := prompt.match(line))]
        for block in re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    ]


def paste(lines: list[str]) -> None:
    """Compile the lines as an interactive interpreter does: a blank line ends a loop."""
    typed: list[str] = []
    for line in [*lines, ""]:
        typed.append(line)
        if codeop.compile_command("\n".join(typed), symbol="single") is not None:
            typed = []
    assert not "".join(typed).strip(), f"unfinished: {typed}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_each_block_can_be_pasted(page):
    for lines in blocks(page.read_text(encoding="utf-8")):
        paste(lines)


def test_a_loop_that_no_blank_line_ends_cannot_be_pasted():
    with pytest.raises(SyntaxError):
        paste(["for i in range(3):", "    print(i)", "print(3)"])
