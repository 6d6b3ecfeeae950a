"""The upstream origin: is the host there, and is what was downloaded before still whole?"""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
import urllib.parse
from pathlib import Path

from serving.repository.errors import UserError

# Seconds in all to answer: name resolution, connection and first byte. TFDS itself would retry for minutes.
PROBE_LIMIT = 5.0


def probe(url: str, limit: float = PROBE_LIMIT) -> None:
    """Ask a host for the first bytes of a file, through the proxies of the environment.

    Args:
        url: The file.
        limit: Seconds in all.

    Raises:
        UserError: The host can't be reached, refuses, or doesn't answer in time.
    """
    host = urllib.parse.urlsplit(url).netloc
    outcome: list[str] = []
    # A daemon thread, because neither name resolution nor an answer that trickles in obeys a socket's time-out.
    thread = threading.Thread(target=lambda: outcome.append(_answer(url, limit)), daemon=True)
    thread.start()
    thread.join(limit)
    reason = outcome[0] if outcome else f"no answer within {limit:g} s"
    if reason:
        raise UserError(f"{host} can't be reached ({reason}): check the network or its proxy")


def _answer(url: str, limit: float) -> str:
    """What is wrong with the host's answer; empty when nothing is."""
    import requests

    try:
        with requests.get(url, stream=True, timeout=limit) as response:
            if response.status_code != requests.codes.ok:
                return f"HTTP status {response.status_code}"
            next(response.iter_content(1), None)
    except requests.RequestException as error:
        return type(error).__name__
    return ""


def cached(downloads: Path, expected: dict[str, str]) -> bool:
    """Has TFDS downloaded every archive before?

    TFDS takes a cached download for whole without looking; what is altered or unfinished is dropped here first.

    Args:
        downloads: TFDS's download directory.
        expected: Registered SHA-256 of each archive, by URL.
    """
    found: set[str] = set()
    for unfinished in downloads.rglob("*.tmp.*"):
        shutil.rmtree(unfinished, ignore_errors=True)
    for info in downloads.rglob("*.INFO"):
        archive = info.with_suffix("")
        if archive.is_file():
            with archive.open("rb") as stream:
                checksum = hashlib.file_digest(stream, "sha256").hexdigest()
            urls = {url for url in _urls(info) if expected.get(url) == checksum}
            if urls:
                found |= urls
                continue
            archive.unlink()
        info.unlink()
    return found == set(expected)


def _urls(info: Path) -> list[str]:
    """Where TFDS had an archive from; nothing if its note is damaged."""
    try:
        return json.loads(info.read_text(encoding="utf-8"))["urls"]
    except (ValueError, KeyError):
        return []
