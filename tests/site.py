"""The built site: links, and what a reader does with it in a real browser.

`make test-site` builds the site, installs Selenium and runs this file. It needs Chrome or Chromium
and its driver, which Selenium looks for.
"""

import json
import re
import shutil
import threading
from functools import cache, partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import numpy as np
import pytest
from PIL import Image
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

import sklearn_gd_logreg

ROOT = Path(__file__).parents[1]
SITE = ROOT / "docs" / "_build" / "html"
EXAMPLES = sorted(path.stem for path in ROOT.glob("examples/plot_*.py"))
FILES = (path.relative_to(SITE).as_posix() for path in SITE.rglob("*.html"))
PAGES = sorted(page for page in FILES if not page.startswith("_static/"))
READ = [page for page in PAGES if not page.startswith(("source/", "api/generated/"))]
PHONE, DESK = 390, 1280  # pixels


# -- links ----------------------------------------------------------------------------------


class Links(HTMLParser):
    """The links of a page, and the names that others may link to."""

    def __init__(self):
        super().__init__()
        self.links, self.names = [], set()

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.names |= {attrs[key] for key in ("id", "name") if attrs.get(key)}
        target = attrs.get("href" if tag in ("a", "link") else "src")
        if target is not None and tag in ("a", "link", "img", "script"):
            self.links.append(target)


@cache
def parsed(page):
    links = Links()
    links.feed((SITE / page).read_text(encoding="utf-8"))
    return links


def test_there_is_a_site():
    assert len(READ) > 30


@pytest.mark.parametrize("page", PAGES)
def test_every_internal_link_leads_somewhere(page):
    broken = []
    for link in parsed(page).links:
        if urlsplit(link).scheme or link.startswith("//"):
            continue
        address, fragment = urldefrag(link)
        address = unquote(address.partition("?")[0])
        target = (SITE / page).parent / address if address else SITE / page
        if not target.is_file():
            broken.append(link)
        elif fragment and target.suffix == ".html":
            names = parsed(target.resolve().relative_to(SITE.resolve()).as_posix()).names
            if unquote(fragment) not in names:
                broken.append(link)
    assert broken == []


# -- in a browser ---------------------------------------------------------------------------


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def address():
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=SITE)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    options = webdriver.ChromeOptions()
    for flag in ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"):
        options.add_argument(flag)
    options.add_argument("--disable-background-networking")
    options.add_argument("--disable-component-update")
    options.add_argument("--disable-dev-shm-usage")
    options.add_argument("--hide-scrollbars")
    options.add_argument(f"--user-data-dir={tmp_path_factory.mktemp('profile')}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    options.binary_location = chromium or ""
    browser = webdriver.Chrome(options, webdriver.ChromeService(driver))
    yield browser
    browser.quit()


@pytest.fixture
def visit(address, browser):
    def visit(page, width=DESK):
        browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width == PHONE},
        )
        browser.get(address + page)
        return browser

    return visit


def until(browser, condition):
    return WebDriverWait(browser, 20).until(lambda browser: condition())


def formulas_are_set(browser):
    script = "return !window.MathJax || MathJax.startup.promise.then(() => true)"
    return browser.execute_async_script(
        f"Promise.resolve((() => {{ {script} }})()).then(arguments[0])"
    )


def test_search_finds_a_class(visit):
    browser = visit("search.html?q=GDLogisticRegression")
    results = until(
        browser, lambda: browser.find_elements(By.CSS_SELECTOR, "#search-results ul.search a")
    )
    found = {urlsplit(result.get_attribute("href")).path for result in results}
    assert "/api/generated/sklearn_gd_logreg.GDLogisticRegression.html" in found


def test_search_finds_a_korean_word(visit):
    browser = visit("search.html?q=경사하강법")
    results = until(
        browser, lambda: browser.find_elements(By.CSS_SELECTOR, "#search-results ul.search a")
    )
    assert any("/ko/" in result.get_attribute("href") for result in results)


@pytest.mark.parametrize("page", ["index.html", "getting_started.html"])
def test_the_copy_button_copies_code_without_prompts(visit, page):
    browser = visit(page)
    block = browser.find_element(By.CSS_SELECTOR, "div.highlight:has(button.copybtn)")
    shown = block.find_element(By.TAG_NAME, "pre").text
    assert shown.startswith(">>> ")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", block)
    webdriver.ActionChains(browser).move_to_element(block).perform()
    block.find_element(By.CSS_SELECTOR, "button.copybtn").click()
    browser.execute_script(
        "const area = document.createElement('textarea'); area.id = 'paste-here';"
        "document.querySelector('article').prepend(area); area.focus()"
    )
    area = browser.find_element(By.ID, "paste-here")
    area.send_keys(Keys.CONTROL, "v")
    copied = until(browser, lambda: area.get_attribute("value"))
    assert ">>>" not in copied
    prompts = ">>> ", "... "
    statements = [line[4:] for line in shown.splitlines() if f"{line} ".startswith(prompts)]
    assert copied.strip().splitlines() == statements
    compile(copied, page, "exec")


def test_the_gallery_has_a_thumbnail_of_each_example(visit):
    browser = visit("auto_examples/index.html")
    images = browser.find_elements(By.CSS_SELECTOR, ".sphx-glr-thumbcontainer img")
    names = {image.get_attribute("src") for image in images}
    assert len(names) == len(images) == len(EXAMPLES)
    until(browser, lambda: all(image.get_property("naturalWidth") > 100 for image in images))
    links = browser.find_elements(By.CSS_SELECTOR, ".sphx-glr-thumbcontainer a")
    titles = browser.find_elements(By.CSS_SELECTOR, ".sphx-glr-thumbnail-title")
    assert [link.accessible_name for link in links] == [title.text for title in titles]


@pytest.mark.parametrize("example", EXAMPLES)
@pytest.mark.parametrize("mode", ["light", "dark"])
def test_a_figure_of_the_gallery_is_on_the_paper_of_the_mode(visit, example, mode):
    browser = visit(f"auto_examples/{example}.html")
    browser.execute_script("document.documentElement.dataset.theme = arguments[0]", mode)
    images = browser.find_elements(By.CSS_SELECTOR, "img.sphx-glr-single-img")
    shown = [image for image in images if image.is_displayed()]
    assert len(images) == 2 * len(shown)
    for image in shown:
        with Image.open(SITE / "_images" / Path(image.get_attribute("src")).name) as picture:
            corner = np.mean(picture.convert("RGB").getpixel((0, 0)))
        assert (corner < 60) == (mode == "dark")


def test_a_number_and_its_unit_stay_on_one_line(visit):
    browser = visit("benchmarks.html")
    texts = browser.execute_script(
        "return [...document.querySelectorAll('.bd-article p')].map(part => part.textContent)"
    )
    assert any("80\N{NO-BREAK SPACE}%" in text for text in texts)
    assert [text for text in texts if re.search(r"\d (%|ms|MB)", text)] == []


def test_punctuation_stays_after_its_own_words(visit):
    text = visit("user_guide/solvers.html").find_element(By.TAG_NAME, "article").text
    assert 'Momentum, "momentum" or' in text
    assert re.findall(r", ?,", text) == []


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_a_word_with_a_hyphen_stays_on_one_line(visit, width):
    for page in ("why_gradient_descent.html", "benchmark_results/tables.html"):
        lines = visit(page, width).execute_script(
            "return [...document.querySelectorAll('.bd-article .nowrap')]"
            ".filter(word => !word.querySelector('mjx-container'))"
            ".map(word => [word.textContent, word.getClientRects().length])"
        )
        assert {count for _, count in lines} == {1}
        assert {"L-BFGS", "1e-3"} & {word for word, _ in lines}


@pytest.mark.parametrize(("width", "columns"), [(PHONE, 1), (DESK, 2)])
def test_the_index_is_as_wide_as_its_page(visit, width, columns):
    browser = visit("genindex.html", width)
    wider = browser.execute_script(
        "return [...document.querySelectorAll('table')].map(e => e.scrollWidth > e.clientWidth)"
    )
    assert set(wider) == {False}
    share = browser.execute_script(
        "const cell = document.querySelector('.genindextable td');"
        "return cell.offsetWidth / document.querySelector('article h2').offsetWidth"
    )
    assert share == pytest.approx(1 / columns, abs=0.1)


def test_a_class_in_a_type_is_a_link(visit):
    browser = visit("api/generated/sklearn_gd_logreg.display.CostSurfaceDisplay.html")
    types = browser.find_elements(By.CSS_SELECTOR, "dt a")
    assert [link.text for link in types].count("CostSurfaceDisplay") == 3  # one of each method


def test_the_language_switch_leads_to_the_korean_page_and_back(visit):
    browser = visit("course_map.html")
    assert browser.find_element(By.TAG_NAME, "html").get_attribute("lang") == "en"
    browser.find_element(By.CSS_SELECTOR, "a.language-switch").click()
    until(browser, lambda: browser.current_url.endswith("/ko/course_map.html"))
    assert browser.find_element(By.TAG_NAME, "html").get_attribute("lang") == "ko"
    assert "경사하강법" in browser.find_element(By.TAG_NAME, "article").text
    browser.find_element(By.CSS_SELECTOR, "a.language-switch").click()
    until(browser, lambda: browser.current_url.endswith("/course_map.html"))
    assert "/ko/" not in browser.current_url


@pytest.mark.parametrize("page", [page for page in READ if page.startswith("user_guide/")])
def test_every_class_of_ours_is_a_link_in_the_guide(visit, page):
    names = [name for name in sklearn_gd_logreg.__all__ if name[0].isupper()]
    plain = visit(page).execute_script(
        "return [...document.querySelectorAll('article code')].filter(code => !code.closest('a'))"
        ".map(code => code.textContent).filter(text => arguments[0].includes(text))",
        names,
    )
    assert plain == []


@pytest.mark.parametrize("page", [page for page in PAGES if not page.startswith("source/")])
def test_a_phone_shows_all_of_a_page(visit, page):
    browser = visit(page, PHONE)
    formulas_are_set(browser)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= PHONE
    wider = "return [...document.querySelectorAll('.bd-article-container')]"
    wider += ".filter(part => part.scrollWidth > part.clientWidth).length"
    assert browser.execute_script(wider) == 0
    cut = browser.execute_script(
        """
        const scrolls = element => element && element.closest && (
            getComputedStyle(element).overflowX !== "visible" || scrolls(element.parentElement));
        return [...document.querySelectorAll("article *")]
            .filter(element => element.getBoundingClientRect().right > innerWidth + 1)
            .filter(element => element.offsetParent && !scrolls(element.parentElement))
            .map(element => element.outerHTML.slice(0, 80));
        """
    )
    assert cut == []


@pytest.mark.parametrize("page", READ)
def test_a_page_needs_no_network_and_misses_no_picture(visit, address, page):
    browser = visit(page)
    browser.get_log("browser")  # of the pages before
    browser = visit(page)
    assert formulas_are_set(browser)
    loaded = browser.execute_script(
        "return performance.getEntriesByType('resource').map(entry => entry.name)"
    )
    assert [name for name in loaded if not name.startswith((address, "data:"))] == []
    broken = browser.execute_script(
        "return [...document.images].filter(i => i.loading !== 'lazy' && i.complete &&"
        " !i.naturalWidth).map(i => i.src)"
    )
    assert broken == []
    errors = [
        json.dumps(entry) for entry in browser.get_log("browser") if entry["level"] == "SEVERE"
    ]
    assert errors == []
    text = browser.find_element(By.TAG_NAME, "main").text
    assert "\\(" not in text
    assert "\\frac" not in text
