"""The gallery as a visitor has it: Chromium clicks and types, a real server draws."""

import base64
import io
import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select

from components.push.layout import push_model
from serving.client import GeneratorClient
from serving.repository import contract
from serving.saved_model.servable import Servable
from serving.server.app import GeneratorServer
from tests.support.axe import violations
from tests.support.browser import Browser
from tests.support.pushed_versions import CLASSES, push_tiny
from tests.support.tiny_generator import build_tiny_generator

# One stop for radio buttons of a name: the chosen one.
_TAB_STOPS = """
return [...document.querySelectorAll("a[href], button, input, select, [tabindex]")]
  .filter((one) => one.tabIndex >= 0 && one.checkVisibility() && (one.type !== "radio" || one.checked)).length"""
# The element or its label has an outline, within the window.
_FOCUS_SHOWS = """
const one = document.activeElement, { top, bottom } = one.getBoundingClientRect();
const outlined = (each) => getComputedStyle(each).outlineStyle !== "none" && getComputedStyle(each).outlineWidth !== "0px";
return bottom > 0 && top < innerHeight && (outlined(one) || outlined(one.parentElement))"""
COUNT = 36  # images that the page shows at first


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`<home>/serving` with versions 1 and 2."""
    directory = tmp_path_factory.mktemp("home") / "serving"
    push_tiny(directory, tmp_path_factory.mktemp("first"), scale=1.0, recall=0.7)
    push_tiny(directory, tmp_path_factory.mktemp("second"), scale=0.5, recall=0.8)
    return directory


@pytest.fixture(scope="module")
def server(serving: Path) -> Iterator[GeneratorServer]:
    with GeneratorServer(serving / "mnist_gan", "mnist_gan", port=0, rest_port=0) as running:
        yield running


@pytest.fixture(scope="module")
def client(server: GeneratorServer) -> Iterator[GeneratorClient]:
    with GeneratorClient(server.target, "mnist_gan") as drawing:
        yield drawing


class Page:
    """The gallery in a browser."""

    def __init__(self, browser: Browser, url: str) -> None:
        self.browser, self.url = browser, url

    def open(self, query: str = "", **window: int | bool) -> None:
        self.browser.open(self.url + query, **window)
        self.browser.wait(lambda _: self.all("#stages img"))

    def all(self, selector: str) -> list[WebElement]:
        return self.browser.driver.find_elements("css selector", selector)

    def one(self, selector: str) -> WebElement:
        (found,) = self.all(selector)
        return found

    def text(self, selector: str) -> str:
        return self.one(selector).text

    def type(self, selector: str, text: str) -> None:
        self.one(selector).send_keys(Keys.CONTROL, "a")
        self.one(selector).send_keys(text)

    def pixels(self, selector: str) -> np.ndarray:
        """All images that a selector finds, uint8 [N, 28, 28]."""
        script = "return [...document.querySelectorAll(arguments[0])].map((image) => image.src)"
        sources = self.browser.driver.execute_script(script, selector)
        files = [io.BytesIO(base64.b64decode(source.removeprefix("data:image/png;base64,"))) for source in sources]
        return np.array([np.asarray(Image.open(file)) for file in files])

    def shows(self, selector: str, images: np.ndarray) -> None:
        """Wait until a selector's images are these, uint8 [N, 28, 28, 1]."""
        self.browser.wait(lambda _: np.array_equal(self.pixels(selector), images[..., 0]))


@pytest.fixture
def page(browser: Browser, server: GeneratorServer) -> Iterator[Page]:
    """A visit that ends without a complaint on the console and without a request to anywhere else."""
    url = f"http://{server.rest_target}/"
    yield Page(browser, url)
    assert browser.complaints() == []
    asked = browser.requested()
    assert len(asked) > 5
    assert [one for one in asked if not one.startswith((url, "data:image/png;base64,", "about:blank"))] == []


def test_class_and_seed_choose_the_images(page: Page, client: GeneratorClient) -> None:
    page.open()
    assert page.text("#served") == "version 2 · stable"
    page.shows(".grid img", client.sample(range(COUNT), [-1] * COUNT)[0])
    assert [chip.text for chip in page.all(".chips label")] == ["any", *CLASSES]
    page.all(".chips label")[8].click()
    page.shows(".grid img", client.sample(range(COUNT), [7] * COUNT)[0])
    page.one("#forward").click()
    page.shows(".grid img", client.sample(range(COUNT, 2 * COUNT), [7] * COUNT)[0])
    page.type("#seed", "500")
    page.shows(".grid img", client.sample(range(500, 500 + COUNT), [7] * COUNT)[0])
    Select(page.one("#count")).select_by_visible_text("16")
    page.shows(".grid img", client.sample(range(500, 516), [7] * 16)[0])
    page.open(page.browser.driver.current_url.removeprefix(page.url))  # the address holds the choice
    page.shows(".grid img", client.sample(range(500, 516), [7] * 16)[0])
    assert page.one(".chips input:checked").get_attribute("value") == "7"
    page.one("#random").click()
    page.browser.wait(lambda _: page.one("#seed").get_attribute("value") != "500")


def test_keyboard_alone_reaches_an_image_and_its_file(page: Page, client: GeneratorClient, tmp_path: Path) -> None:
    page.browser.download_to(tmp_path)
    page.open("?class=9")
    page.one('.grid button[tabindex="0"]').send_keys(Keys.ARROW_DOWN)
    page.browser.driver.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
    page.browser.driver.switch_to.active_element.send_keys(Keys.ENTER)
    image, _ = client.sample([7], [9])
    page.shows("#chosen img", image)
    assert page.text("#chosen figcaption") == "<nine>, seed 7"
    assert len(page.all('.grid button[tabindex="0"]')) == 1
    page.one("#chosen .small").send_keys(Keys.ENTER)
    file = tmp_path / "mnist_gan-v2-class9-seed7.png"
    page.browser.wait(lambda _: file.is_file())
    np.testing.assert_array_equal(np.asarray(Image.open(file)), image[0, :, :, 0])
    page.one("#sheet").click()
    page.browser.wait(lambda _: (tmp_path / f"mnist_gan-v2-class9-seeds0to{COUNT - 1}.png").is_file())


def test_the_slider_moves_between_two_seeds(page: Page, client: GeneratorClient) -> None:
    page.open("?class=2")
    page.all(".grid button")[5].click()
    page.one("#set-to").click()
    way, _ = client.interpolate(0, 5, 33, 2)
    page.shows(".strip img", way[::4])
    page.shows("#stages img", way[:1])
    page.one("#position").send_keys(Keys.END)
    page.shows("#stages img", client.sample([5], [2])[0])
    page.one("#position").send_keys(Keys.ARROW_LEFT)
    page.shows("#stages img", way[31:32])
    assert page.text("#percent") == "97 %"
    page.type("#from", "11")
    page.shows("#stages img", client.interpolate(11, 5, 33, 2)[0][31:32])
    page.one("#play").click()
    page.browser.wait(lambda _: page.one("#position").get_attribute("value") not in ("31", "32"))
    assert page.text("#play") == "Stop"
    page.one("#play").click()


def test_two_versions_side_by_side(page: Page, client: GeneratorClient) -> None:
    page.open()
    assert [option.text for option in Select(page.one("#against")).options] == ["nothing", "1 · previous"]
    Select(page.one("#against")).select_by_visible_text("1 · previous")
    page.shows('.panel[data-version="1"] img', client.at(version=1).sample(range(COUNT), [-1] * COUNT)[0])
    page.shows('.panel[data-version="2"] img', client.at(version=2).sample(range(COUNT), [-1] * COUNT)[0])
    page.all('.panel[data-version="1"] button')[3].click()
    both = [client.at(version=version).sample([3], [-1])[0][0] for version in (2, 1)]
    page.shows("#chosen img", np.array(both))
    assert page.text("#reason") == "Version 2: all 1 checks passed (recall 0.8)."
    rows = {row.find_element("tag name", "th").text.splitlines()[0]: row for row in page.all("#figures tbody tr")}
    assert [cell.text for cell in rows["Recall"].find_elements("tag name", "td")] == ["0.8", "0.7", "≥ 0.6"]
    assert [cell.text for cell in rows["A new figure"].find_elements("tag name", "td")] == ["–", "–", ""]


def test_latency_is_live(page: Page) -> None:
    page.open()
    page.browser.wait(lambda _: len(page.all("#bars rect")) >= 2)
    now, median, slowest = (float(page.text(selector)) for selector in ("#now", "#median", "#slowest"))
    assert 0 < median <= slowest
    assert 0 < now <= slowest
    assert "36 in " in page.text(".took")


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_nothing(page: Page, dark: bool, width: int) -> None:
    page.open("?against=1&class=3", width=width, dark=dark)
    page.browser.wait(lambda _: len(page.all(".panel")) == 2 and not page.all(".busy") and page.all("#bars rect"))
    assert violations(page.browser) == []


def test_the_tab_key_passes_every_control_once_and_each_is_seen(page: Page) -> None:
    page.open("?against=1", width=390)
    expected = page.browser.driver.execute_script(_TAB_STOPS)
    passed = []
    for _ in range(expected):
        page.browser.driver.switch_to.active_element.send_keys(Keys.TAB)
        passed.append(page.browser.driver.switch_to.active_element)
        assert page.browser.driver.execute_script(_FOCUS_SHOWS), passed[-1].get_attribute("outerHTML")
    assert len({one.id for one in passed}) == expected


@pytest.mark.parametrize("width", [360, 390])
@pytest.mark.parametrize("dark", [False, True])
def test_it_fits_a_phone(page: Page, dark: bool, width: int, tmp_path: Path) -> None:
    page.open("?count=16&against=1", width=width, height=740, dark=dark)
    script = "return [innerWidth, document.documentElement.scrollWidth]"
    assert page.browser.driver.execute_script(script) == [width, width]
    small = [one.get_attribute("outerHTML") for one in page.all("button, select, input:not([name]), .chips label, .button")
             if one.rect["height"] < 40 or one.rect["width"] < 40]  # fmt: skip
    assert small == []  # a finger needs that much
    shot = np.asarray(Image.open(page.browser.screenshot(tmp_path / "phone.png")).convert("L"))
    assert bool(np.median(shot) < 80) is dark


def test_a_version_that_is_being_loaded_is_said_so(
    browser: Browser, serving: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(serving, tmp_path / "serving")
    (tmp_path / "serving" / "models.config").unlink()
    entered, go_on, warm_up = threading.Event(), threading.Event(), Servable.warm_up
    monkeypatch.setattr(Servable, "warm_up", lambda servable: (entered.set(), go_on.wait(), warm_up(servable))[2])
    server = GeneratorServer(tmp_path / "serving" / "mnist_gan", "mnist_gan", port=0, rest_port=0)
    starting = threading.Thread(target=server.start)
    starting.start()
    try:
        entered.wait()
        browser.open(f"http://{server.rest_target}/", width=390)
        page = Page(browser, "")
        browser.wait(lambda _: page.text("#served") == "version 2 is loading")
        assert page.text("#problem") == "Version 2 is being loaded: its images come as soon as it answers."
        assert [one.text for one in page.all(".card") if one.is_displayed()] == []  # there is nothing to steer yet
        assert violations(browser) == []
        go_on.set()
        browser.wait(lambda _: page.all("#stages img"))
        assert page.text("#problem") == ""
        browser.wait(lambda _: page.text("#served") == "version 2")
    finally:
        go_on.set()
        starting.join()
        server.stop()
    browser.complaints()


@pytest.mark.parametrize("dark", [False, True])
def test_unlabelled_colour_images(browser: Browser, tmp_path: Path, dark: bool) -> None:
    """There is no class to choose and none in a name, and a link's class is passed over."""
    model = build_tiny_generator(tmp_path / "model", num_classes=1, conditional=False, shape=(32, 32, 3))
    path = model / contract.METADATA_FILE
    path.write_text(json.dumps({**json.loads(path.read_text()), contract.META_DATASET: "own", contract.META_CLASS_NAMES: []}))
    push_model(model, tmp_path / "own_gan", run_id="run", verdict={}, keep_versions=5)
    with GeneratorServer(tmp_path / "own_gan", "own_gan", port=0, rest_port=0) as server:
        page = Page(browser, f"http://{server.rest_target}/")
        page.open("?class=7&count=16", width=390, dark=dark)
        assert page.text("#model") == "own_gan, unlabelled images"
        assert not page.one("#classes").is_displayed()
        with GeneratorClient(server.target, "own_gan") as client:
            drawn = client.sample(range(16), [-1] * 16)[0]
        browser.wait(lambda _: np.array_equal(page.pixels(".grid img"), drawn))
        assert [one.get_attribute("alt") for one in page.all(".grid img")] == [f"seed {seed}" for seed in range(16)]
        assert violations(browser) == []
        assert browser.complaints() == []


def test_an_open_page_follows_a_push_and_says_when_the_server_stops(browser: Browser, serving: Path, tmp_path: Path) -> None:
    shutil.copytree(serving, tmp_path / "serving")
    (tmp_path / "serving" / "models.config").unlink()  # it names the copied directory
    with GeneratorServer(tmp_path / "serving" / "mnist_gan", "mnist_gan", port=0, rest_port=0) as server:
        page = Page(browser, f"http://{server.rest_target}/")
        page.open()
        assert page.text("#served") == "version 2"
        push_tiny(tmp_path / "serving", tmp_path, scale=0.25, recall=0.9)
        browser.wait(lambda _: page.text("#served") == "version 3 · stable")
        with GeneratorClient(server.target, "mnist_gan") as client:
            page.shows(".grid img", client.at(version=3).sample(range(COUNT), [-1] * COUNT)[0])
        assert browser.complaints() == []
    browser.wait(lambda _: "The server does not answer" in page.text("#problem"))
    assert page.text("#served") == "not answering"
