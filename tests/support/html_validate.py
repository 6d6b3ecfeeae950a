"""html-validate: holds a page to the HTML standard."""

import json
import os
import subprocess
from pathlib import Path

import pytest

# Style, not validity: a page may be written compactly.
_STYLE = ("no-inline-style", "long-title", "no-trailing-whitespace", "void-style", "no-raw-characters", "attribute-boolean-style")


def complaints(page: Path) -> list[str]:
    """What is wrong with a page: line, rule and words of each fault."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    program = cache / "forger-tests" / "html-validate-9.7.1" / "node_modules" / ".bin" / "html-validate"
    if not program.is_file():
        pytest.fail("no html-validate to check pages with: run tests/tools.sh, which needs npm", pytrace=False)
    rules = page.parent / "rules.json"
    rules.write_text(json.dumps({"root": True, "extends": ["html-validate:recommended"], "rules": dict.fromkeys(_STYLE, "off")}))
    command = [str(program), "--config", str(rules), "--formatter", "json", str(page)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode in (0, 1), done.stderr
    files = json.loads(done.stdout)
    return [f"{one['line']}: {one['ruleId']}: {one['message']}" for file in files for one in file["messages"]]
