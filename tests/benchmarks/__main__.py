"""`make bench ARGS="NAME OPTIONS"`: one of the benchmarks by name; without one, the main job from a fresh clone."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from pathlib import Path

_DEFAULT = "main_job"


def main() -> None:
    """Run the benchmark that the first argument names: a module beside this one with a `main`."""
    found = {module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)])}
    known = sorted(found - {"__main__", "machine", "training", "validation"})
    name = _DEFAULT
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
        name = sys.argv.pop(1)
    if name not in known:
        sys.exit(f"there is no benchmark {name}: choose one of {', '.join(known)}")
    importlib.import_module(f"tests.benchmarks.{name}").main()


if __name__ == "__main__":
    main()
