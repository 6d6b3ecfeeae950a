"""What the benchmarks of the training loop share: their options, and where the result goes."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

Measured = dict[str, Any]


def keep_to(directory: Path, changes: list[str]) -> None:
    """Make a directory that results of these settings go on in; end the program where it holds those of others."""
    directory.mkdir(parents=True, exist_ok=True)
    record = directory / "changes.json"
    if record.exists() and (found := json.loads(record.read_text(encoding="utf-8"))) != changes:
        sys.exit(f"{directory} holds results with the settings {found}: name another directory with --out")
    record.write_text(json.dumps(changes) + "\n", encoding="utf-8")


def run(name: str, summary: str, measure: Callable[[str, list[str]], Measured], show: Callable[[Measured], None]) -> None:
    """Measure with the settings that the command line asks for, write `<name>.json`, print."""
    parser = argparse.ArgumentParser(prog=f"make bench ARGS={name}", description=summary)
    parser.add_argument("--profile", default="quick")
    parser.add_argument("--set", dest="changes", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--out", type=Path, default=Path(f"{name}.json"))
    options = parser.parse_args()
    measured = measure(options.profile, options.changes)
    options.out.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    show(measured)
