"""A small but whole pipeline, run as a user runs it: the real command in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from components.gate.limits import CALIBRATED
from components.ingest.record import PreparedDataset

FORGER = str(Path(sys.executable).with_name("forger"))
# Everything the smoke profile has, smaller; thresholds that so little training can meet.
SMALL = {
    "data.train_split": "train[:1500]",
    "data.eval_split": "test[:500]",
    "judge.steps": 150,
    "judge.min_accuracy": 0.8,
    "judge.reference_size": 1500,
    "judge.encoder_steps": 100,
    "judge.min_explained": 0.2,
    "gan.steps": 60,
    "gan.checkpoint_every": 20,
    "gan.sample_every": 20,
    "gan.width": 8,
    "gate.max_frechet_ratio": 1e6,
    "gate.max_class_frechet_ratio": "null",
    "gate.min_precision": "null",
    "gate.min_recall": "null",
    "gate.min_class_recall": "null",
    "gate.min_coverage": "null",
    "gate.max_second_frechet_ratio": 1e6,
    "gate.max_class_second_frechet_ratio": "null",
    "gate.min_diversity": "null",
    "gate.min_class_diversity": "null",
    "gate.max_memorisation": "null",
    "gate.max_frechet_increase": 1000,
    "gate.max_recall_drop": 1,
    "gate.max_label_agreement_drop": 1,
    **{f"gate.{one.setting}": "null" for one in CALIBRATED},
}


@dataclass
class Session:
    """One home, and the command in it."""

    home: Path

    def arguments(self, *options: str, **changes: object) -> list[str]:
        """The command line of a run; `gan__seed=2` changes gan.seed."""
        settings = SMALL | {name.replace("__", "."): value for name, value in changes.items()}
        flags = [flag for name, value in settings.items() for flag in ("--set", f"{name}={value}")]
        return [FORGER, "run", "--profile", "smoke", "--home", str(self.home), *options, *flags]

    def run(self, *options: str, **changes: object) -> subprocess.CompletedProcess:
        """Run to the end."""
        return subprocess.run(self.arguments(*options, **changes), capture_output=True, text=True, timeout=580, check=False)

    def stop_at(self, line: str, sent: int = signal.SIGKILL, **changes: object) -> tuple[int, str]:
        """Run, and send a signal soon after a line has appeared; returns the exit code and what was printed."""
        command = self.arguments(**changes)
        # A job that a script starts in the background ignores SIGINT, and so would its children: these tests, too, may be one.
        with subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=_heed_interrupts,  # noqa: PLW1509 (this process has no other thread that could hold a lock)
        ) as process:
            seen = ""
            for text in process.stdout:
                seen += text
                if line in text:
                    time.sleep(0.15)  # into the node's work
                    os.kill(process.pid, sent)
                    break
            seen += process.stdout.read()
            return process.wait(), seen

    @property
    def status(self) -> dict:
        """What `forger status --json` says."""
        done = subprocess.run([FORGER, "status", "--json", "--home", str(self.home)], capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    @property
    def outcomes(self) -> dict[str, str]:
        """Of the last run: node -> ran or cached."""
        return {node["id"]: node["outcome"] for node in self.status["last_run"]["nodes"]}

    @property
    def base(self) -> Path:
        """The pushed versions."""
        return self.home / "serving" / "mnist_gan"


def _heed_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def new_session(home: Path, mnist: PreparedDataset) -> Session:
    """A fresh home that shares the prepared data."""
    home.mkdir()
    (home / "data").symlink_to(mnist.directory.parents[1], target_is_directory=True)
    return Session(home)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory, mnist: PreparedDataset) -> Session:
    """One home for a module's tests, which follow one another."""
    return new_session(tmp_path_factory.mktemp("e2e") / "home", mnist)
