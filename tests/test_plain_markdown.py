"""The README, and every page that its links lead to, read well where plain Markdown is rendered."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CODE = re.compile(r"^(`{3,})[^\n]*\n.*?^\1$|`[^`\n]+`", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
IMAGE = re.compile(r"!\[[^\]]*\]\(([^)\s]+)\)")


def links_of(page):
    """The local targets of a page's links and images, code aside."""
    text = CODE.sub("", page.read_text(encoding="utf-8"))
    links = [link for link in LINK.findall(text) if not re.match(r"\w+:", link)]
    return [(page.parent / link.partition("#")[0]).resolve() for link in links if link[0] != "#"]


def anchors_of(page):
    """The anchors of a page's headings, as code hosts make them and number equal ones."""
    text = re.sub(r"^(`{3,}).*?^\1$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.M)
    titles = re.findall(r"^#+ (.+)$", re.sub(r"\]\([^)]*\)", "]", text), re.MULTILINE)
    slugs = [re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles]
    before = [slugs[:number].count(slug) for number, slug in enumerate(slugs)]
    return {f"{slug}-{n}" if n else slug for slug, n in zip(slugs, before, strict=True)}


def reachable():
    """The Markdown pages that one reaches from the README, by any number of links."""
    found, open_pages = set(), [ROOT / "README.md"]
    while open_pages:
        page = open_pages.pop()
        if page not in found:
            found.add(page)
            open_pages += [link for link in links_of(page) if link.suffix == ".md"]
    return sorted(found)


PAGES = reachable()


def test_the_guide_and_the_course_map_are_reached():
    names = {page.relative_to(ROOT).as_posix() for page in PAGES}
    assert {"docs/course_map.md", "docs/ko/course_map.md", "docs/benchmarks.md"} <= names
    assert len([name for name in names if name.startswith("docs/user_guide/")]) == 10


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_page_needs_no_sphinx(page):
    text = page.read_text(encoding="utf-8")
    assert re.findall(r"^ *[`:]{3,}\{.*", text, re.MULTILINE) == []  # directives
    prose = CODE.sub("", text)
    assert re.findall(r"\{[\w:-]+\}`", text) == []  # roles
    assert re.findall(r"^ *</?[a-zA-Z][^>]*>", prose, re.MULTILINE) == []  # raw HTML
    formulas = re.findall(r"\$\$.*?\$\$|\$[^$\n]+\$", prose, re.DOTALL)
    # a line may begin a list, and Markdown takes the backslash from punctuation
    assert [formula for formula in formulas if re.search(r"\n|\\[^\w\s]", formula)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_what_a_page_links_to_exists(page):
    missing = [link for link in links_of(page) if not link.exists()]
    assert missing == []
    for image in IMAGE.findall(page.read_text(encoding="utf-8")):
        assert image.endswith(".png"), image


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_anchors_that_a_page_links_to_exist(page):
    text = CODE.sub("", page.read_text(encoding="utf-8"))
    for path, anchor in re.findall(r"\]\(([^)\s:#]*)#([^)\s]+)\)", text):
        target = (page.parent / path).resolve() if path else page
        if target.suffix == ".md":
            assert anchor in anchors_of(target), f"{path}#{anchor}"
