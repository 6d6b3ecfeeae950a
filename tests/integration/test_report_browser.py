"""The report in a real browser: nothing complains, nothing is fetched, all is seen and told, on screen, phone and paper."""

import base64
import re

import pytest

from components.gate.verdict.verdict import Check
from pipeline.report.facts import find_record
from pipeline.report.write import write_report
from tests.support.axe import violations
from tests.support.html_validate import complaints
from tests.support.past_home import PastHome, make_showcase, make_usefulness

_NAMES = ("T-shirt/top", "Trouser", "$ankle boot$")


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """A refused run's report after two pushed versions, with every part."""
    past = PastHome(tmp_path_factory.mktemp("report") / "home")
    for version in (1, 2):
        past.add(version=version, class_names=_NAMES)
    checks = [
        Check(metric="recall", slice="", value=0.1, limit=0.6, kind="min", passed=False),
        Check(metric="frechet_ratio", slice="", value=2.5, limit=5.0, kind="max", passed=True),
        Check(metric="recall", slice=_NAMES[2], value=0.7, limit=0.4, kind="min", passed=True),
        Check(metric="recall", slice="", value=-0.5, limit=-0.1, kind="change", baseline=0.6, passed=False),
    ]
    past.add(
        "blocked", checks=checks, class_names=_NAMES, showcase=make_showcase(), usefulness=make_usefulness(), baseline_version="2"
    )
    return write_report(past.home, find_record(past.home, ""))


def test_a_page_that_did_would_be_noticed(browser, tmp_path):
    page = tmp_path / "page.html"
    page.write_text('<img src="http://127.0.0.1:9/picture.png"><script>missing()</script>')
    browser.open(page.as_uri())
    assert any("missing is not defined" in complaint for complaint in browser.complaints())
    assert "http://127.0.0.1:9/picture.png" in browser.requested()


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (390, False)])
def test_it_opens_without_a_complaint_or_a_request(browser, report, width, dark):
    browser.requested()
    browser.open(report.as_uri(), width=width, dark=dark)
    browser.wait(lambda driver: driver.execute_script("return document.readyState") == "complete")
    assert browser.complaints() == []
    asked = {url for url in browser.requested() if not url.startswith("data:image/png;base64,")}
    assert asked == {report.as_uri()}
    script = browser.driver.execute_script
    assert script("return [...document.images].filter(image => !image.complete || !image.naturalWidth).length") == 0
    assert script("return document.images.length") > 60
    # What is wider than the window scrolls within itself: tables and wide plots, never the page.
    assert script("return document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    ground = script("return getComputedStyle(document.documentElement).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", ground)[:3])) < 3 * 128) == dark


def test_a_screen_reader_is_told_everything(browser, report):
    browser.open(report.as_uri())
    nodes = browser.driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    told = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if not node["ignored"]]
    roles = {role for role, _ in told}
    assert {"banner", "main", "navigation", "contentinfo", "table", "columnheader", "rowheader"} <= roles
    pictures = [name for role, name in told if role == "image"]
    assert len(pictures) > 60
    assert all(pictures)
    assert "value 0.1, limit 0.6" in pictures
    sections = [name for role, name in told if role == "region"]
    assert {"Figures against thresholds", "Class by class", "Training", "How it was made"} <= set(sections)


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_nothing(browser, report, dark, width):
    browser.open(report.as_uri(), width=width, dark=dark)
    browser.driver.execute_script("for (const one of document.querySelectorAll('details')) one.open = true")
    assert violations(browser) == []


def test_the_html_is_valid(report):
    assert complaints(report) == []


def test_an_invalid_page_would_be_noticed(tmp_path):
    page = tmp_path / "page.html"
    page.write_text(
        '<!DOCTYPE html><html lang="en"><head><title>t</title></head><body><ul aria-label="l"><li>a</li></ul>'
        "<figure><h3>h</h3><figcaption>c</figcaption><svg></svg></figure></body></html>"
    )
    found = complaints(page)
    assert any("element-permitted-order" in one for one in found)
    assert any("aria-label-misuse" in one for one in found)


def test_the_keyboard_scrolls_what_is_wider_than_a_phone(browser, report):
    browser.open(report.as_uri(), width=390)
    script = """return [...document.querySelectorAll("*")].filter((one) => one.scrollWidth > one.clientWidth + 1
      && getComputedStyle(one).overflowX === "auto").map((one) => [one.tabIndex, one.getAttribute("aria-label") || ""])"""
    found = browser.driver.execute_script(script)
    assert len(found) >= 4
    assert all(stop == 0 and name for stop, name in found)


def test_the_keyboard_reaches_the_figures(browser, report):
    browser.open(report.as_uri())
    browser.driver.switch_to.active_element.send_keys("\ue004")  # Tab
    first = browser.driver.switch_to.active_element
    assert first.text == "Skip to the figures"
    first.send_keys("\ue007")  # Enter
    assert browser.wait(lambda driver: driver.execute_script("return location.hash")) == "#figures"


def test_plots_take_the_pages_colours(browser, report):
    seen = []
    for dark in (False, True):
        browser.open(report.as_uri(), dark=dark)
        script = "return getComputedStyle(document.querySelector('svg.chart text')).fill"
        seen.append(browser.driver.execute_script(script))
    assert seen == ["rgb(29, 33, 41)", "rgb(233, 234, 238)"]


def test_it_prints_on_few_pages(browser, report):
    browser.open(report.as_uri(), dark=True)
    printed = browser.driver.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})
    paper = base64.b64decode(printed["data"])
    assert paper.startswith(b"%PDF-")
    assert 3 <= len(re.findall(rb"/Type /Page\b", paper)) <= 7
    # A4, in points.
    width, height = map(float, re.search(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", paper).groups())
    assert (round(width), round(height)) == (595, 842)
