"""Hold the imports to setup.py by deptry: the packages need what INSTALL_REQUIRES declares, the tests and tools the `dev` extra.

deptry reads no setup.py: the two lists go to it as requirement files, in a directory that is gone afterwards.
"""

from __future__ import annotations

import ast
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ["pipeline", "components", "serving"]


def declared(setup: Path = ROOT / "setup.py") -> tuple[list[str], dict[str, list[str]]]:
    """Read setup.py's requirements without running it.

    Returns:
        INSTALL_REQUIRES, and EXTRAS_REQUIRE by extra.
    """
    body = ast.parse(setup.read_text(encoding="utf-8")).body
    named = [node for node in body if isinstance(node, ast.Assign)]
    lists = {target.id: node.value for node in named for target in node.targets if isinstance(target, ast.Name)}
    return ast.literal_eval(lists["INSTALL_REQUIRES"]), ast.literal_eval(lists["EXTRAS_REQUIRE"])


def main() -> int:
    """Check the packages, then tests and tools; returns the first failure's exit code."""
    install, extras = declared()
    with tempfile.TemporaryDirectory() as directory:
        files = []
        for name, lines in (("install.txt", install), ("dev.txt", extras["dev"])):
            files.append(Path(directory) / name)
            files[-1].write_text("\n".join(lines) + "\n", encoding="utf-8")
        # As development requirements they may not be imported by the packages; nothing there has to use them.
        product = [*PACKAGES, "--requirements-files", str(files[0]), "--requirements-files-dev", str(files[1])]
        # Tests and tools: what is imported is declared; what only the packages use is not missed there.
        rest = ["tests", "tools", "--requirements-files", ",".join(map(str, files)), "--ignore", "DEP002", "--exclude", "typings"]
        for arguments in (product, rest):
            done = subprocess.run([Path(sys.executable).with_name("deptry"), *arguments], cwd=ROOT, check=False)
            if done.returncode:
                return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
