"""Hash of the sources that a component depends on.

TFX's cache key does not see the code behind an importable module, so this hash travels in `custom_config`.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent


def code_digest(*places: str) -> str:
    """SHA-256 over Python sources, names and contents.

    Args:
        *places: Folders or files below the project root, e.g. "components/gan", "components/transform/pixels.py".

    Raises:
        FileNotFoundError: A place does not exist.
    """
    digest = hashlib.sha256()
    for place in sorted(places):
        path = _ROOT / place
        files = [path] if path.is_file() else [file for file in sorted(path.rglob("*.py")) if not _is_built(file)]
        if not files:
            raise FileNotFoundError(f"no sources under {place}")
        for file in files:
            content = file.read_bytes()
            digest.update(f"{file.relative_to(_ROOT).as_posix()}\0{len(content)}\0".encode())
            digest.update(content)
    return digest.hexdigest()


def _is_built(file: Path) -> bool:
    """Whether pip copied a file while it built a wheel, as it does below `serving/client`."""
    return "build" in file.relative_to(_ROOT).parts
