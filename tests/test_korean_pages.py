"""The Korean pages of the documentation follow the English ones."""

import re
from os.path import normpath
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
LINK = re.compile(r"\]\(([^)]+)\)")


def both(name):
    return [(folder / name).read_text(encoding="utf-8") for folder in (DOCS, DOCS / "ko")]


def code(page):
    """The code of a page without comments, which are in the language of the page."""
    blocks = re.findall(r"^```python\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    return [re.sub(r"  # .*", "", block) for block in blocks]


def prose(page):
    return re.sub(r"^```.*?^```$", "", page, flags=re.DOTALL | re.MULTILINE)


def headings(page):
    """Level and number of each heading; the words are in the language of the page."""
    return re.findall(r"^(#+) (\d+\.)?", prose(page), re.MULTILINE)


def formulas(page):
    return re.findall(r"^\$\$.*\$\$$", page, re.MULTILINE)


def tables(page):
    """The number of cells of each row of each table."""
    return [row.count("|") for row in prose(page).splitlines() if row.startswith("|")]


def links(page, folder):
    """The targets of links and pictures from the root, the same for a page and its translation."""
    targets = (normpath(f"{folder}/{link}") for link in LINK.findall(prose(page)) if link[0] != "#")
    return sorted(target.replace("docs/ko/", "docs/") for target in targets)


@pytest.fixture(params=["course_map.md", "getting_started.md"])
def pages(request):
    return both(request.param)


@pytest.mark.parametrize("part", [code, formulas, headings, tables])
def test_a_translation_has_each_part_of_the_page(pages, part):
    english, korean = map(part, pages)
    assert korean == english


def test_a_translation_has_the_links_and_pictures_of_the_page(pages):
    english, korean = pages
    assert links(korean, "docs/ko") == links(english, "docs")
