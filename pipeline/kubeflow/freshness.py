"""Whether the results in KFP's cache are still there: a bucket may drop objects that the cache goes on naming.

Each step writes down how many files it left. Where the pods may list the bucket, Plan looks whether they are all there; elsewhere
only KFP's launcher has the store's keys, and a step that is handed fewer says so on the home. Plan then starts a new epoch: a
word in every step's properties, and by that in KFP's cache keys, so that everything is made anew.
"""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pipeline.home.home import Home
from pipeline.kubeflow.artifacts import local_path
from serving.repository.durable import replace_file
from serving.repository.errors import UserError

FILES = "files"  # an output artifact's number of files, among its metadata
EPOCH = "cache_epoch"  # among a step's properties, where there has been a new epoch at all
_EPOCH_FILE, _GONE_FILE, _MADE_DIR = "epoch.json", "gone", "made"


def count_files(directory: str | Path) -> int:
    """Count the files below a directory; 0 where there is none."""
    return sum(path.is_file() for path in Path(directory).rglob("*"))


def check_inputs(executor_input: dict[str, Any], home: Home | None) -> None:
    """Check that all files of a step's inputs were there to be handed to it.

    Args:
        executor_input: KFP's, as JSON.
        home: Where the next run learns of it.

    Raises:
        UserError: Some are gone.
    """
    for key, uri, found, written in _inputs(executor_input):
        if found < written:
            mend = "`forger kubeflow submit --no-cache` makes everything anew"
            if home is not None and home.path.is_dir():
                home.kubeflow.mkdir(exist_ok=True)
                replace_file(home.kubeflow / _GONE_FILE, f"{uri}\n")
                mend = "the next run makes everything anew"
            raise UserError(f"only {found} of {written} files of {key} are left in {uri}, a lifecycle rule of the bucket? {mend}")


def _inputs(executor_input: dict[str, Any]) -> Iterator[tuple[str, str, int, int]]:
    """Yield key, URI, files now and files once of each input artifact that says how many it had."""
    for key, listed in executor_input.get("inputs", {}).get("artifacts", {}).items():
        for artifact in listed.get("artifacts", []):
            if written := int(artifact.get("metadata", {}).get(FILES, 0)):
                uri = artifact.get("uri", "")
                yield key, uri, count_files(artifact.get("customPath") or local_path(uri)), written


def record_made(home: Home, executor_class: str, properties: str, written: Mapping[str, int]) -> None:
    """Write down what a step has left in the bucket.

    Args:
        home: The home on the shared volume.
        executor_class: Of the step.
        properties: The step's, as Plan wrote them.
        written: Number of files of each URI.
    """
    if home.path.is_dir():
        (home.kubeflow / _MADE_DIR).mkdir(parents=True, exist_ok=True)
        replace_file(_record(home, executor_class, properties), json.dumps(dict(written)) + "\n")


def made(home: Home, executor_class: str, properties: str) -> dict[str, int]:
    """Return what a step with these properties left in the bucket when it ran last; nothing where it never did."""
    try:
        return dict(json.loads(_record(home, executor_class, properties).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def _record(home: Home, executor_class: str, properties: str) -> Path:
    key = hashlib.sha256(f"{executor_class} {properties}".encode()).hexdigest()[:32]
    return home.kubeflow / _MADE_DIR / f"{key}.json"


def current_epoch(home: Home, *, renew: bool, max_days: float) -> str:
    """Return the word that tells results that count from those that no longer do; "" until there has been a reason for one.

    Args:
        home: The home on the shared volume, open.
        renew: Start a new epoch in any case.
        max_days: Age at which an epoch ends; 0 for never.
    """
    home.kubeflow.mkdir(exist_ok=True)
    file, gone = home.kubeflow / _EPOCH_FILE, home.kubeflow / _GONE_FILE
    now = datetime.datetime.now(datetime.UTC)
    try:
        epoch, since = (json.loads(file.read_text(encoding="utf-8"))[key] for key in ("epoch", "since"))
        age = (now - datetime.datetime.fromisoformat(since)).total_seconds() / 86400
    except (OSError, ValueError, KeyError, TypeError):
        epoch, age = None, 0.0
    if renew or gone.exists() or (max_days and age >= max_days):
        epoch = now.isoformat(timespec="microseconds")
    elif epoch is not None:
        return epoch
    else:
        epoch = ""  # the first is from the beginning on
    replace_file(file, json.dumps({"epoch": epoch, "since": now.isoformat()}) + "\n")
    gone.unlink(missing_ok=True)
    return epoch
