"""axe-core: finds what keeps people from using a page."""

import os
from pathlib import Path

import pytest

from tests.support.browser import Browser

_RUN = """
const done = arguments[arguments.length - 1];
axe.run({ resultTypes: ["violations"] }).then((found) => done(
  found.violations.map((one) => `${one.id}: ${one.help}: ${one.nodes.map((node) => node.target.join(" ")).join(", ")}`)));
"""


def violations(browser: Browser) -> list[str]:
    """What axe finds wrong with the page that is open: rule, what it asks for, and the elements."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    script = cache / "forger-tests" / "axe-core-4.14.1" / "package" / "axe.min.js"
    if not script.is_file():
        pytest.fail("no axe-core to check pages with: run tests/tools.sh, which needs npm", pytrace=False)
    browser.driver.execute_script(script.read_text(encoding="utf-8"))
    return browser.driver.execute_async_script(_RUN)
