"""The compiled pipeline, executed as KFP's driver and launcher do: each step's own command in a process and a disk of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.ingest.record import PreparedDataset
from pipeline.kubeflow import cluster
from pipeline.kubeflow.compiler import compile_pipeline
from pipeline.kubeflow.parameters import declare
from serving.repository import contract
from serving.repository.layout import list_versions
from tests.e2e.conftest import SMALL
from tests.support.kubeflow.cluster import Cluster, Run, RunFailed, parse

pytestmark = pytest.mark.timeout(1800)  # the first run's twelve processes count as one test's set-up
ROOT = "minio://artifacts/forger"
CLAIM = "forger-home"
CHANGES = [f"{name}={value}" for name, value in SMALL.items()]


class Installation:
    """A cluster, the volume of the home, and the compiled pipeline."""

    def __init__(self, directory: Path, mnist: PreparedDataset) -> None:
        self.cluster = Cluster(directory)
        self.home = self.cluster.volumes / CLAIM
        self.home.mkdir(parents=True)
        (self.home / "data").symlink_to(mnist.directory.parents[1], target_is_directory=True)
        settings = cluster.Cluster(image="forger:test", pipeline_root=ROOT, home=str(directory / "mount"), claim=CLAIM, retries=1)
        self.text = compile_pipeline("smoke", CHANGES, settings, [])

    @property
    def versions(self) -> list[int]:
        """The pushed versions."""
        return list_versions(self.home / "serving" / "mnist_gan")

    def trained_steps(self) -> bool:
        """Say whether a training has left a checkpoint: this file, which is written last, names the whole ones."""
        return any(self.home.glob("trainings/*/checkpoints/checkpoint"))

    def verdict(self, run: Run) -> dict:
        """What the gate of a run wrote."""
        return json.loads(self.cluster.store.read(run.artifacts["Gate.evaluation"]["uri"] + "/verdict.json"))


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, mnist: PreparedDataset) -> Installation:
    """One installation for the tests, which follow one another."""
    return Installation(tmp_path_factory.mktemp("kubeflow"), mnist)


@pytest.fixture(scope="module")
def first(installed: Installation) -> Iterator[Run]:
    """The first run; its training's pod is lost after a checkpoint."""
    yield installed.cluster.run(installed.text, interrupt={"GanTrainer": installed.trained_steps})


def test_a_first_run_pushes_without_a_baseline_and_survives_a_lost_pod(installed: Installation, first: Run) -> None:
    spec, _, configs = parse(installed.text)
    assert first.ran == list(first.outcomes) and set(first.ran) == set(spec.root.dag.tasks)
    assert first.attempts["GanTrainer"] == 2
    assert {step for step, attempts in first.attempts.items() if attempts > 1} == {"GanTrainer"}
    assert first.artifacts["Baseline.baseline"]["metadata"]["empty"] == 1
    assert installed.verdict(first)["blessed"]
    assert first.artifacts["GeneratorPusher.pushed_model"]["metadata"]["pushed"] == 1
    assert installed.versions == [1]
    metadata = json.loads((installed.home / "serving/mnist_gan/1" / contract.METADATA_FILE).read_text())
    assert metadata[contract.META_RUN_ID] == first.run_id
    assert all(configs[f"{step}_executor"].pvc_mount for step in spec.root.dag.tasks)
    assert not [path for path in installed.home.rglob("*") if not path.is_symlink() and path.stat().st_mode & 0o022]
    assert not (installed.home / "kubeflow" / "training.lease").exists()


def test_the_retried_training_went_on_from_its_checkpoint(installed: Installation, first: Run) -> None:
    log = installed.cluster.store.read(_task_root(first, "GanTrainer.model") + "/executor-logs-1")
    assert "continued from step" in log, log[-2000:]


def test_every_uri_in_what_the_steps_said_is_the_stores(first: Run) -> None:
    for name, artifact in first.artifacts.items():
        assert artifact["uri"].startswith(f"{ROOT}/forger/{first.run_id}/"), name
        texts = [value for key, value in artifact["metadata"].items() if isinstance(value, str) and key != "pushed_destination"]
        assert not [text for text in texts if text.startswith("/")], name
    assert first.artifacts["Gate.blessing"]["metadata"]["current_model"] == first.artifacts["GanTrainer.model"]["uri"]


def test_a_run_with_nothing_changed_executes_only_what_looks_outside(installed: Installation, first: Run) -> None:
    second = installed.cluster.run(installed.text)
    assert second.ran == ["Plan", "GeneratorPusher"]
    assert installed.versions == [1]
    assert second.artifacts["GanTrainer.model"] == first.artifacts["GanTrainer.model"]


def test_another_seed_is_compared_with_the_baseline_and_refused(installed: Installation, first: Run) -> None:
    settings = declare("smoke", CHANGES)["settings"].default | {"gate.max_frechet_ratio": 0.5}
    run = installed.cluster.run(installed.text, {"seed": 2, "settings": settings})
    assert run.ran == ["Plan", "GanTrainer", "Baseline", "Gate", "GeneratorInfraValidator", "GeneratorPusher"]
    assert run.artifacts["Baseline.baseline"]["metadata"]["version"] == "1"
    verdict = installed.verdict(run)
    assert not verdict["blessed"] and verdict["baseline_version"] == "1"
    assert run.artifacts["GeneratorPusher.pushed_model"]["metadata"]["pushed"] == 0
    assert installed.versions == [1]


def test_a_bucket_that_lost_objects_costs_one_run_and_not_all_that_follow(installed: Installation, first: Run) -> None:
    installed.cluster.store.delete(first.artifacts["Transform.transformed_examples"]["uri"])
    with pytest.raises(RunFailed, match=r"only 0 of \d+ files of examples are left in minio://artifacts") as failed:
        installed.cluster.run(installed.text, {"seed": 2})
    assert failed.value.step == "Gate" and "the next run makes everything anew" in str(failed.value)
    assert failed.value.run.ran == ["Plan"]  # another limit is no reason to train again
    # Under the gate that it meets, the model that was refused becomes the next version.
    healed = installed.cluster.run(installed.text, {"seed": 2})
    assert healed.ran == list(healed.outcomes) and installed.verdict(healed)["blessed"]
    assert installed.verdict(healed)["baseline_version"] == "1"
    assert installed.versions == [1, 2]
    assert installed.cluster.run(installed.text, {"seed": 2}).ran == ["Plan", "GeneratorPusher"]


def test_a_failing_step_is_retried_and_then_stops_the_run_with_its_log(installed: Installation) -> None:
    with pytest.raises(RunFailed, match="unknown profile 'nightly': choose one of smoke") as failed:
        installed.cluster.run(installed.text, {"profile": "nightly"})
    assert (failed.value.step, failed.value.attempts) == ("Plan", 2)
    assert list(failed.value.run.outcomes) == []


def _task_root(run: Run, artifact: str) -> str:
    return run.artifacts[artifact]["uri"].rpartition("/")[0]
