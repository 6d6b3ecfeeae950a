"""A module of the user's own, installed or in the current directory: importing it, and telling whether it changed."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path

from serving.repository.errors import UserError, first_line


def load(module: str) -> None:
    """Import a module, which registers its datasets.

    Raises:
        UserError: It can't be imported.
    """
    with _reachable(module):
        importlib.import_module(module)


def source_digest(module: str) -> str:
    """SHA-256 of a module's source, of a package all its files; the module itself is not imported, what it is part of is.

    Raises:
        UserError: There is no such module.
    """
    with _reachable(module):
        spec = importlib.util.find_spec(module)
        if spec is None:
            raise ModuleNotFoundError(f"No module named {module!r}")
        places = spec.submodule_search_locations
        files = sorted(path for place in places for path in Path(place).rglob("*.py")) if places else [Path(spec.origin or "")]
        return hashlib.sha256(b"".join(hashlib.sha256(path.read_bytes()).digest() for path in files)).hexdigest()


@contextlib.contextmanager
def _reachable(module: str) -> Iterator[None]:
    here = str(Path.cwd())
    sys.path.append(here)
    try:
        yield
    except Exception as error:  # the user's own code
        raise UserError(f"data.module={module} can't be imported ({type(error).__name__}: {first_line(error)}): "
                        "install it, or start from the folder that holds it")  from error  # fmt: skip
    finally:
        sys.path.remove(here)
