"""One cluster for all tests here, and Forger's command as production has it: from the wheel, outside the checkout."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from components.ingest.record import PreparedDataset
from tests.e2e.conftest import SMALL
from tests.scale.downloads import is_stand_in
from tests.scale.flink import FlinkCluster


@pytest.fixture(scope="session")
def cluster() -> Iterator[FlinkCluster]:
    """Two slots, one process of workers."""
    with FlinkCluster(slots=2) as running:
        print(f"job server: {running.job_server_jar}{' (a stand-in)' if is_stand_in(running.job_server_jar) else ''}")
        yield running


def engine_flags(cluster: FlinkCluster, **changes: Any) -> list[str]:
    """The command line's options for a cluster; `flink_master=None` leaves one out."""
    options = {
        "beam_runner": "flink",
        "flink_master": cluster.master,
        "flink_job_server_jar": cluster.job_server_jar,
        "beam_workers": cluster.worker_pool,
        "beam_parallelism": cluster.slots,
        "beam_allow_skew": is_stand_in(cluster.job_server_jar),
    } | changes
    flags = {f"--{name.replace('_', '-')}": value for name, value in options.items() if value not in {None, False}}
    return [str(part) for flag, value in flags.items() for part in ([flag] if value is True else [flag, value])]


@dataclass
class Place:
    """A home, and the installed command in it."""

    home: Path
    site: Path
    settings: dict[str, Any] = field(default_factory=lambda: dict(SMALL))

    def start(self, *flags: str, **changes: Any) -> subprocess.Popen:
        """Start a run; `gan__seed=2` changes gan.seed."""
        settings = self.settings | {name.replace("__", "."): value for name, value in changes.items()}
        chosen = [part for name, value in settings.items() for part in ("--set", f"{name}={value}")]
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        return subprocess.Popen(
            [self.site / "bin/forger", "run", "--profile", "smoke", "--home", str(self.home), *chosen, *flags],
            cwd=self.home.parent,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *flags: str, **changes: Any) -> tuple[int, str]:
        """Run to the end; returns the exit code and what was printed."""
        with self.start(*flags, **changes) as process:
            seen, _ = process.communicate(timeout=900)
            return process.returncode, seen

    @property
    def last_run(self) -> dict[str, Any]:
        """The newest run's record."""
        return json.loads(max((self.home / "runs").glob("*.json")).read_text("utf-8"))

    @property
    def ran(self) -> set[str]:
        """Nodes that the newest run did not take from the cache."""
        return {node["id"] for node in self.last_run["nodes"] if node["outcome"] == "ran"}

    def output(self, node: str, key: str) -> Path:
        """The newest output directory of a node."""
        return max((self.home / "pipeline_root" / node / key).iterdir(), key=lambda path: int(path.name))


@pytest.fixture(scope="session")
def place(cluster: FlinkCluster, mnist: PreparedDataset, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Make homes that share the prepared data."""

    def make(name: str) -> Place:
        home = tmp_path_factory.mktemp(name) / "home"
        home.mkdir()
        (home / "data").symlink_to(mnist.directory.parents[1], target_is_directory=True)
        return Place(home, cluster.site)

    return make


@pytest.fixture(scope="session")
def local(place: Any) -> Place:
    """A home in which the whole pipeline has run on this machine alone."""
    made = place("local")
    code, seen = made.run()
    assert code == 0, seen
    return made
