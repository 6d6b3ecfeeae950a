"""Several workers: the step hands over to a TFJob, whose replicas are processes here, and brings the chief's outputs back."""

from __future__ import annotations

import itertools
import json
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.kubeflow.cluster import Cluster, resolve_cluster
from pipeline.kubeflow.compiler import compile_pipeline
from pipeline.kubeflow.entrypoint import main
from pipeline.kubeflow.hand_over import hand_over
from pipeline.kubeflow.lease import Lease, training_lease
from pipeline.kubeflow.training_job import Jobs, training_job
from tests.support.kubeflow.cluster import parse
from tests.support.kubeflow.kubeconfig import write_kubeconfig
from tests.support.kubeflow.objects import Refusal
from tests.support.kubeflow.training_operator import Operator, serving

CLUSTER = Cluster(
    image="forger:1",
    pipeline_root="s3://b/forger",
    workers=2,
    gpus=2,
    gpu_image="forger:1-gpu",
    gpu_tolerations=[{"key": "nvidia.com/gpu"}],
    secrets=[{"name": "store", "env": {"key": "AWS_ACCESS_KEY_ID"}}, {"name": "mirror", "mount_path": "/secrets/mirror"}],
)


@pytest.fixture
def operator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Operator]:
    """A training operator, where the kubeconfig says."""
    found = Operator(tmp_path)
    with serving(found) as url:
        monkeypatch.setenv("KUBECONFIG", str(write_kubeconfig(tmp_path / "kubeconfig", url)))
        monkeypatch.setattr("pipeline.kubeflow.training_job._POLL_S", 0.1)
        yield found


def _arguments(directory: Path, executor: str = "recording_executor") -> list[str]:
    """The command line that the step gets from KFP's launcher, with its input in place."""
    examples = directory / "pod" / "examples"
    examples.mkdir(parents=True)
    (examples / "data").write_text("digits")
    executor_input = {
        "inputs": {
            "parameterValues": {"properties": json.dumps({})},
            "artifacts": {"examples": {"artifacts": [{"name": "3", "uri": "s3://b/examples", "customPath": str(examples)}]}},
        },
        "outputs": {
            "artifacts": {
                "model": {
                    "artifacts": [
                        {
                            "name": "model",
                            "uri": "s3://b/run/model",
                            "type": {"schemaTitle": "tfx.Model"},
                            "customPath": str(directory / "pod" / "model"),
                        }
                    ]
                },
                "executor-logs": {"artifacts": [{"uri": "s3://b/run/logs", "type": {"schemaTitle": "system.Artifact"}}]},
            },
            "outputFile": str(directory / "pod" / "output_metadata.json"),
        },
    }
    return [
        *("--executor_class", f"tests.support.kubeflow.{executor}.Executor"),
        *("--input_types", json.dumps({"examples": "tfx.Examples"})),
        *("--home", str(directory / "home"), "--hold_lease", str(training_lease(directory / "home"))),
        *("--training_job", json.dumps(training_job(CLUSTER))),
        *("--executor_input", json.dumps(executor_input), "--direct_num_workers=1"),
    ]


def test_the_chiefs_outputs_come_back_with_the_stores_uris(operator: Operator, tmp_path: Path) -> None:
    assert main(_arguments(tmp_path)) == 0
    model = json.loads((tmp_path / "pod/model/model.json").read_text())
    assert model["examples"] == "digits"
    assert {kind: len(addresses) for kind, addresses in model["cluster"].items()} == {"chief": 1, "worker": 1}
    said = json.loads((tmp_path / "pod/output_metadata.json").read_text())
    (artifact,) = said["artifacts"]["model"]["artifacts"]
    assert artifact["uri"] == artifact["metadata"]["trained_in"] == "s3://b/run/model"
    assert operator.deleted == list(operator.jobs)
    assert not list((tmp_path / "home/handovers").iterdir())
    (record,) = (tmp_path / "home/kubeflow/made").iterdir()
    assert json.loads(record.read_text()) == {"s3://b/run/model": 1} == {artifact["uri"]: artifact["metadata"]["files"]}


def test_a_failed_job_fails_the_step_and_leaves_nothing(operator: Operator, tmp_path: Path) -> None:
    arguments = _arguments(tmp_path)
    executor_input = arguments[arguments.index("--executor_input") + 1]
    with pytest.raises(RuntimeError, match="failed: a replica exited with status 1"):
        hand_over(training_job(CLUSTER), tmp_path / "home", ["false"], executor_input)
    assert operator.deleted == list(operator.jobs)
    assert not list((tmp_path / "home").rglob("*.json"))
    assert not (tmp_path / "pod/output_metadata.json").exists()


def test_sigterm_takes_the_job_and_all_that_was_handed_over_with_it(operator: Operator, tmp_path: Path) -> None:
    home = tmp_path / "home"
    command = [sys.executable, "-m", "pipeline.kubeflow.entrypoint", *_arguments(tmp_path, "sleeping_executor")]
    with subprocess.Popen(command) as step:
        _wait_for(lambda: list(home.glob("handovers/*/out/model/started")))
        assert training_lease(home).exists()
        step.send_signal(signal.SIGTERM)
        assert step.wait(timeout=60) == 143
    assert operator.deleted == list(operator.jobs)
    assert not list(home.glob("handovers/*")) and not training_lease(home).exists()


def test_a_job_that_a_killed_step_left_is_removed_before_the_next_one_trains(operator: Operator, tmp_path: Path) -> None:
    job = training_job(CLUSTER)
    left = json.loads(json.dumps(job))
    for replica in left["spec"]["tfReplicaSpecs"].values():
        replica["template"]["spec"]["containers"][0]["command"] = ["sleep", "600"]
    operator.create(left)
    (handed := tmp_path / "home/handovers" / job["metadata"]["name"] / "out").mkdir(parents=True)
    (handed / "old").touch()
    assert main(_arguments(tmp_path)) == 0
    assert operator.most == 1 and len(operator.deleted) == 2
    assert json.loads((tmp_path / "pod/model/model.json").read_text())["examples"] == "digits"
    assert not list((tmp_path / "home/handovers").glob("*"))


def test_a_job_belongs_to_the_steps_pod(operator: Operator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KFP_POD_NAME", "forger-abc")
    monkeypatch.setenv("KFP_POD_UID", "1234")
    assert main(_arguments(tmp_path)) == 0
    (job,) = operator.jobs.values()
    assert job["metadata"]["ownerReferences"] == [{"apiVersion": "v1", "kind": "Pod", "name": "forger-abc", "uid": "1234"}]
    command = job["spec"]["tfReplicaSpecs"]["Chief"]["template"]["spec"]["containers"][0]["command"]
    assert command[command.index("--watch_lease") + 1] == str(training_lease(tmp_path / "home"))


def test_a_second_training_waits_for_the_first(operator: Operator, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pipeline.kubeflow.entrypoint", *_arguments(tmp_path)]
    with Lease(training_lease(tmp_path / "home")).held():
        step = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert step.stderr is not None
        assert any("waiting for" in line for line in step.stderr)
        assert not operator.jobs
    assert step.wait(timeout=120) == 0
    step.stderr.close()
    assert len(operator.jobs) == 1


def _first(calls: float, of: str, error: Exception) -> Callable[[str], None]:
    """Let the first calls of a method fail."""
    number = itertools.count()

    def trouble(method: str) -> None:
        if method == of and next(number) < calls:
            raise error

    return trouble


@pytest.mark.parametrize(
    "error",
    [
        Refusal(500, "etcdserver: request timed out"),
        Refusal(503, "apiserver is shutting down"),
        Refusal(429, "too many requests"),
        ConnectionResetError(),
    ],
    ids=["500", "503", "429", "dropped"],
)
def test_an_api_server_that_is_briefly_away_ends_no_training(
    operator: Operator, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    operator.trouble = _first(9, "GET", error)  # more than urllib3 tries by itself
    Jobs().run(training_job(CLUSTER), ["true"])
    assert operator.deleted == list(operator.jobs)
    assert len([record for record in caplog.records if "can't look at TFJob default/" in record.getMessage()]) == 1


def test_a_connection_that_says_nothing_holds_the_step_for_one_timeout(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    polls, second, overtaken = itertools.count(), threading.Event(), queue.Queue()

    def trouble(method: str) -> None:
        if method != "GET":
            return
        if next(polls):
            second.set()
        else:
            overtaken.put(second.wait(30))
            raise ConnectionResetError

    operator.trouble = trouble
    monkeypatch.setattr("pipeline.kubeflow.training_job._TIMEOUT_S", 2)
    Jobs().run(training_job(CLUSTER), ["true"])
    assert overtaken.get(timeout=30)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (Refusal(500, "etcdserver: request timed out"), r"Kubernetes answered 500 \(etcdserver: request timed out\)"),
        (ConnectionResetError(), r"Kubernetes doesn't answer \(.*\)"),
    ],
    ids=["500", "dropped"],
)
def test_an_api_server_that_stays_away_ends_the_step_in_one_line(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    operator.trouble = _first(float("inf"), "GET", error)
    monkeypatch.setattr("pipeline.kubeflow.training_job._PATIENCE_S", 0.5)
    with pytest.raises(RuntimeError, match=rf"^can't look at TFJob default/forger-gan-\w+: {said}$"):
        Jobs().run(training_job(CLUSTER), ["sleep", "600"])
    assert operator.deleted == list(operator.jobs)


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_refusal_ends_the_step_at_once(operator: Operator, status: int) -> None:
    operator.trouble = _first(1, "GET", Refusal(status, "no"))
    with pytest.raises(RuntimeError, match=rf"^can't look at TFJob default/forger-gan-\w+: Kubernetes answered {status} \(no\)$"):
        Jobs().run(training_job(CLUSTER), ["true"])
    assert operator.deleted == list(operator.jobs)


def test_a_job_that_is_not_admitted_fails_the_step_in_one_line(operator: Operator) -> None:
    operator.trouble = _first(1, "POST", Refusal(403, "tfjobs is forbidden"))
    with pytest.raises(RuntimeError, match=r"^can't create TFJob .*: Kubernetes answered 403 \(tfjobs is forbidden\)$"):
        Jobs().run(training_job(CLUSTER), ["true"])
    assert not operator.jobs


def test_what_was_trained_counts_though_the_job_cannot_be_deleted(operator: Operator, caplog: pytest.LogCaptureFixture) -> None:
    operator.trouble = _first(1, "DELETE", Refusal(500, "etcdserver: request timed out"))
    Jobs().run(training_job(CLUSTER), ["true"])
    assert "can't delete TFJob" in caplog.text and not operator.deleted


def test_an_older_job_is_removed_once_the_api_server_is_back(operator: Operator) -> None:
    jobs, job = Jobs(), training_job(CLUSTER)
    Jobs().run(job, ["true"])
    operator.create(operator.jobs[job["metadata"]["name"]])
    operator.trouble = _first(9, "DELETE", ConnectionResetError())
    jobs.remove(job["metadata"]["name"])
    assert len(operator.deleted) == 2


def _wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_the_manifest_and_the_step_that_waits_ask_for_what_they_need() -> None:
    spec, deployment, _ = parse(compile_pipeline("smoke", [], CLUSTER, []))
    container = deployment.executors["GanTrainer_executor"].container
    arguments = list(container.args)
    job = json.loads(arguments[arguments.index("--training_job") + 1])
    assert (container.image, container.resources.accelerator.resource_count) == ("forger:1", "")
    replicas = job["spec"]["tfReplicaSpecs"]
    assert {kind: replica["replicas"] for kind, replica in replicas.items()} == {"Chief": 1, "Worker": 1}
    pod = replicas["Worker"]["template"]["spec"]
    assert pod["containers"][0]["image"] == "forger:1-gpu"
    assert pod["containers"][0]["resources"]["limits"] == {"cpu": "4", "memory": "8Gi", "nvidia.com/gpu": 2}
    assert pod["volumes"] == [
        {"name": "home", "persistentVolumeClaim": {"claimName": "forger"}},
        {"name": "secret-1", "secret": {"secretName": "mirror"}},
    ]
    mounts = {mount["name"]: mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]}
    assert mounts == {"home": "/forger", "secret-1": "/secrets/mirror"}
    assert replicas["Worker"]["template"]["metadata"]["annotations"] == {"sidecar.istio.io/inject": "false"}
    assert arguments[arguments.index("--hold_lease") + 1] == "/forger/kubeflow/training.lease"
    assert pod["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists"}]
    assert pod["containers"][0]["env"][0]["valueFrom"] == {"secretKeyRef": {"name": "store", "key": "key"}}
    assert "GanTrainer" in spec.root.dag.tasks


def test_workers_without_a_shared_volume_are_refused(tmp_path: Path) -> None:
    from serving.repository.errors import UserError

    file = tmp_path / "cluster.yaml"
    file.write_text("workers: 2\nclaim: ''\n")
    with pytest.raises(UserError, match="several workers need a volume"):
        resolve_cluster(file, image="x", pipeline_root="gs://b")
