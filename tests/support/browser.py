"""A real browser for tests: Debian's Chromium, headless, with nothing but the pages that a test opens.

Every test can ask for the fixture `browser` (tests/conftest.py names this file as a plugin).
"""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.support.ui import WebDriverWait

_FLAGS = (
    "--headless=new",
    "--no-sandbox",  # root in a container has no user namespaces; only the tests' own pages are opened
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",  # a container's /dev/shm is small
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
    "--hide-scrollbars",
)


class Browser:
    """One window of Chromium."""

    def __init__(self, driver: WebDriver) -> None:
        self.driver = driver

    def open(self, url: str, *, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        """Open a page in a viewport of exactly that many CSS pixels; below 700 the device is a phone with a touch screen."""
        phone = width < 700
        self._cdp(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 2 if phone else 1, "mobile": phone},
        )
        self._cdp("Emulation.setTouchEmulationEnabled", {"enabled": phone})
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._cdp("Emulation.setEmulatedMedia", {"features": [scheme]})
        self.driver.get(url)

    def wait(self, condition: Callable[[WebDriver], object], seconds: float = 30.0) -> object:
        """Wait until `condition(driver)` is truthy and return what it returned."""
        return WebDriverWait(self.driver, seconds, poll_frequency=0.05).until(condition)

    def screenshot(self, path: Path, *, whole_page: bool = True) -> Path:
        """Write a PNG of the page, or of what the window shows of it."""
        size = {}
        if whole_page:
            metrics = self._cdp("Page.getLayoutMetrics", {})["cssContentSize"]
            size = {"captureBeyondViewport": True, "clip": {**metrics, "x": 0, "y": 0, "scale": 1}}
        path.write_bytes(base64.b64decode(self._cdp("Page.captureScreenshot", {"format": "png", **size})["data"]))
        return path

    def download_to(self, directory: Path) -> None:
        """Put what pages download into a directory."""
        self._cdp("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(directory)})

    def complaints(self) -> list[str]:
        """What went to the console as a warning or an error since the last call: script errors, CSP violations, failed loads."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] in ("WARNING", "SEVERE")]

    def requested(self) -> list[str]:
        """Every URL that pages asked for since the last call, `data:` ones included."""
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        return [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]

    def _cdp(self, command: str, parameters: dict) -> dict:
        return self.driver.execute_cdp_cmd(command, parameters)


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebDriver]:
    found = {name: shutil.which(name) for name in ("chromium", "chromedriver")}
    if not all(found.values()):
        pytest.fail("no Chromium to test pages with: apt-get install chromium chromium-driver", pytrace=False)
    options = Options()
    options.binary_location = found["chromium"]
    for flag in (*_FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(found["chromedriver"]))
    yield driver
    driver.quit()


@pytest.fixture
def browser(chromium: WebDriver) -> Iterator[Browser]:
    """A window with an empty page and empty logs."""
    page = Browser(chromium)
    chromium.get("about:blank")
    page.complaints(), page.requested()
    yield page
