"""What is remembered of each run: one JSON file, rewritten as the run goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

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
    """One run of the pipeline."""

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
    evaluation: str = ""  # directory of the gate's evaluation
    training: str = ""  # directory of the GAN training's journal
    pushed_version: int | None = None
    pushed_path: str = ""
    pictures: dict[str, str] = {}

    def save(self, directory: Path) -> None:
        """Write the record, atomically."""
        replace_file(directory / f"{self.run_id}.json", self.model_dump_json(indent=1))


def load_all(directory: Path) -> list[RunRecord]:
    """Return the records of all runs, newest first; those that can't be read are passed over."""
    records = []
    for path in sorted(directory.glob("*.json"), reverse=True):
        try:
            records.append(RunRecord.model_validate_json(path.read_text(encoding="utf-8")))
        except (ValidationError, OSError):
            continue
    return records


def load_last(directory: Path) -> RunRecord | None:
    """Return the newest run's record, or None."""
    return next(iter(load_all(directory)), None)
