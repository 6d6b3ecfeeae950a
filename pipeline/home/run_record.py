"""What is remembered of each run: one JSON file, rewritten as the run goes on."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from serving.repository.durable import replace_file

# running: under way, or killed; blessed and blocked: the gate's verdict; failed: an error stopped it.
State = Literal["running", "blessed", "blocked", "failed"]


class NodeRecord(BaseModel):
    """One finished node of a run."""

    model_config = ConfigDict(extra="forbid")

    id: str
    outcome: Literal["ran", "cached"]
    seconds: float


class RunRecord(BaseModel):
    """One run of the pipeline.

    Its paths are absolute here, and on disk relative to the home where they are in it: a home may be moved or copied.
    """

    model_config = ConfigDict(extra="forbid")

    run_id: str
    state: State
    started: str  # ISO 8601, UTC
    profile: str
    config: dict[str, Any]
    pipeline_digest: str  # of all that decides the pipeline: equal digests may share a run id
    training_key: str  # of the GAN training, see components/gan/training_key.py
    nodes: list[NodeRecord] = []
    reason: str = ""  # one line: why blocked or failed
    verdict: dict[str, Any] | None = None
    usefulness: dict[str, Any] | None = None  # see components/usefulness/result.py; None where it was not measured
    evaluation: str = ""  # directory of the gate's evaluation
    training: str = ""  # directory of the GAN training's journal
    pushed_version: int | None = None
    pushed_path: str = ""
    pictures: dict[str, str] = {}

    def save(self, directory: Path) -> None:
        """Write the record into a home's directory of runs, atomically."""
        kept = self._with_paths(lambda path: _inside(path, directory.parent))
        replace_file(directory / f"{self.run_id}.json", kept.model_dump_json(indent=1))

    @classmethod
    def load(cls, path: Path) -> RunRecord:
        """Read a record from a home's directory of runs.

        Raises:
            OSError: The file can't be read.
            ValueError: It is no record.
        """
        # Bytes, so that what is not UTF-8 is one more form of "no record".
        record = cls.model_validate_json(path.read_bytes())
        if path.stem != record.run_id or "dataset" not in (record.config.get("data") or {}):
            raise ValueError(f"{path} is not the record of a run")
        return record._with_paths(lambda recorded: str(path.parent.parent / recorded) if recorded else "")

    def _with_paths(self, change: Callable[[str], str]) -> RunRecord:
        """Copy the record with each path changed."""
        verdict = copy.deepcopy(self.verdict)
        if verdict:
            for holder, key in ((verdict, "examples_path"), (verdict.get("judge"), "path"), (verdict.get("calibration"), "path")):
                if isinstance(holder, dict) and isinstance(holder.get(key), str):
                    holder[key] = change(holder[key])
        paths = {name: change(getattr(self, name)) for name in ("evaluation", "training", "pushed_path")}
        pictures = {name: change(path) for name, path in self.pictures.items()}
        return self.model_copy(update={**paths, "pictures": pictures, "verdict": verdict})


def _inside(path: str, home: Path) -> str:
    """Name a path from the home, where it is in it."""
    place = Path(path)
    return str(place.relative_to(home)) if path and place.is_relative_to(home) else path


def load_all(directory: Path) -> list[RunRecord]:
    """Return the records of all runs, newest first; those that can't be read are passed over, `forger doctor` names them."""
    records = []
    for path in sorted(directory.glob("*.json"), reverse=True):
        try:
            records.append(RunRecord.load(path))
        except (ValueError, OSError):
            continue
    return records


def load_last(directory: Path) -> RunRecord | None:
    """Return the newest run's record, or None."""
    return next(iter(load_all(directory)), None)
