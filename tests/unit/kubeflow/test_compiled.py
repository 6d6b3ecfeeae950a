"""The compiled file, read as strictly as KFP's API server reads it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from pipeline.config import resolve_config
from pipeline.home.home import Home
from pipeline.kubeflow.cluster import TRAINERS, Cluster, resolve_cluster
from pipeline.kubeflow.compiler import compile_pipeline
from pipeline.kubeflow.rewrite import rewrite
from serving.repository.errors import UserError
from tests.support.kubeflow.cluster import parse
from tests.support.shapes import GREY_28

RICH = {
    "image": "registry.example/forger:1",
    "pipeline_root": "s3://bucket/forger/",
    "gpus": 2,
    "gpu_image": "registry.example/forger:1-gpu",
    "retries": 3,
    "node_selector": {"pool": "cpu"},
    "tolerations": [{"key": "batch"}],
    "gpu_node_selector": {"pool": "gpu"},
    "gpu_tolerations": [{"key": "nvidia.com/gpu", "effect": "NoSchedule"}],
    "secrets": [{"name": "mirror", "env": {"password": "MIRROR_PASSWORD"}, "mount_path": "/secrets/mirror"}],
    "image_pull_secret": "registry",
    "steps": {"Gate": {"cpu": 3, "memory_gib": 12, "timeout_s": 900}},
}


@pytest.fixture(scope="module")
def text() -> str:
    """A pipeline compiled for a cluster that asks for everything."""
    return compile_pipeline("smoke", ["gan.width=8"], Cluster(**RICH), ["--direct_num_workers=2"])


def test_the_file_is_small_and_always_the_same(text: str) -> None:
    assert len(text.encode()) <= 200 * 1024
    assert compile_pipeline("smoke", ["gan.width=8"], Cluster(**RICH), ["--direct_num_workers=2"]) == text


def test_it_has_the_nodes_of_a_local_run_and_plan(text: str) -> None:
    from components.ingest.record import PreparedDataset
    from pipeline.pipeline import Places, create_components

    places = Places("x", "x", "x", "x", "x", "x", "x", ("", ""))
    prepared = PreparedDataset("mnist", "1", Path(), ("0",), {}, {GREY_28: 1}, "", "")
    components = create_components(resolve_config("smoke"), prepared, places)
    local = [component.id for component in components]
    spec, deployment, _ = parse(text)
    for component in components:  # Plan and the step must mean the same by it, see `freshness.record_made`
        arguments = list(deployment.executors[f"{component.id}_executor"].container.args)
        assert arguments[arguments.index("--executor_class") + 1] == component.executor_spec.class_path
    assert set(spec.root.dag.tasks) == {*local, "Plan"}
    for task in spec.root.dag.tasks.values():
        sources = {source.task_output_artifact.producer_task for source in task.inputs.artifacts.values()}
        assert sources <= set(task.dependent_tasks)


def test_parameters_have_defaults_and_only_plan_reads_them(text: str) -> None:
    spec, _, _ = parse(text)
    declared = spec.root.input_definitions.parameters
    defaults = {name: json_format.MessageToDict(parameter.default_value) for name, parameter in declared.items()}
    seed = resolve_config("smoke").gan.seed
    assert defaults == {
        "profile": "smoke",
        "dataset": "mnist",
        "seed": seed,
        "steps": 0,
        "cache": True,
        "settings": {"gan.width": 8},
    }
    readers = {
        name
        for name, task in spec.root.dag.tasks.items()
        if any(source.component_input_parameter for source in task.inputs.parameters.values())
    }
    assert readers == {"Plan"}


def test_only_the_trainers_ask_for_gpus(text: str) -> None:
    _, deployment, configs = parse(text)
    for label, executor in deployment.executors.items():
        name, accelerator = label.removesuffix("_executor"), executor.container.resources.accelerator
        asked = (accelerator.resource_type, accelerator.resource_count, accelerator.count)
        assert asked == (("nvidia.com/gpu", "2", 2) if name in TRAINERS else ("", "", 0)), name
        assert executor.container.image == RICH["gpu_image" if name in TRAINERS else "image"]
        assert dict(configs[label].node_selector.labels) == {"pool": "gpu" if name in TRAINERS else "cpu"}
        keys = [toleration.key for toleration in configs[label].tolerations]
        assert keys == (["batch", "nvidia.com/gpu"] if name in TRAINERS else ["batch"])


def test_each_step_has_cpu_memory_a_timeout_retries_and_its_caching(text: str) -> None:
    spec, deployment, configs = parse(text)
    for name, task in spec.root.dag.tasks.items():
        resources = deployment.executors[f"{name}_executor"].container.resources
        assert resources.resource_cpu_limit and resources.resource_memory_limit.endswith("Gi")
        assert resources.cpu_limit == float(resources.resource_cpu_limit)
        assert configs[f"{name}_executor"].active_deadline_seconds >= 60
        assert (task.retry_policy.max_retry_count, task.retry_policy.backoff_duration.seconds) == (3, 30)
        assert task.caching_options.enable_cache == (name not in ("Plan", "GeneratorPusher"))
    gate = deployment.executors["Gate_executor"].container.resources
    assert (gate.resource_cpu_limit, gate.resource_memory_limit) == ("3", "12Gi")
    assert configs["Gate_executor"].active_deadline_seconds == 900


def test_volume_and_secrets_reach_the_pods_that_need_them(text: str) -> None:
    _, _, configs = parse(text)
    for label, config in configs.items():
        mounts = [(mount.mount_path, mount.constant) for mount in config.pvc_mount]
        assert mounts == [("/forger", "forger")], label
        (variable,) = config.secret_as_env
        assert [(pair.secret_key, pair.env_var) for pair in variable.key_to_env] == [("password", "MIRROR_PASSWORD")]
        assert [(volume.secret_name, volume.mount_path) for volume in config.secret_as_volume] == [("mirror", "/secrets/mirror")]
        assert [secret.secret_name for secret in config.image_pull_secret] == ["registry"]


def test_beam_arguments_and_commands(text: str) -> None:
    _, deployment, _ = parse(text)
    for label, executor in deployment.executors.items():
        container = executor.container
        assert list(container.command)[:2] == ["python", "-m"]
        if label != "Plan_executor":
            assert container.args[-1] == "--direct_num_workers=2"
            types = json.loads(container.args[list(container.args).index("--input_types") + 1])
            assert all(title.startswith("tfx.") for title in types.values())


def test_a_step_that_kfp_cannot_run_is_refused() -> None:
    spec = pipeline_spec_pb2.PipelineSpec()
    json_format.ParseDict(
        {
            "root": {"dag": {"tasks": {"Latest": {"componentRef": {"name": "Latest"}}}}},
            "components": {"Latest": {"executorLabel": "latest"}},
            "deploymentSpec": {"executors": {"latest": {"resolver": {"outputArtifactQueries": {}}}}},
        },
        spec,
    )
    with pytest.raises(ValueError, match="step Latest: KFP runs container steps only, not a resolver"):
        rewrite(spec, Cluster(**RICH), {}, [], "x")


def test_plan_gives_each_step_its_properties_with_the_digest_of_the_data(tmp_path: Path, mnist) -> None:
    from pipeline.kubeflow.plan import make_plan

    (tmp_path / "data").symlink_to(mnist.directory.parents[1], target_is_directory=True)
    values = {"profile": "smoke", "dataset": "mnist", "seed": 1, "steps": 0, "settings": {}}
    plan = make_plan(values, Home.at(tmp_path))
    spec, _, _ = parse(compile_pipeline("smoke", [], Cluster(image="x", pipeline_root="gs://b"), []))
    assert set(plan) == {name for name in spec.root.dag.tasks if name != "Plan"}
    assert plan["TfdsExampleGen"]["data_digest"] == mnist.digest
    assert json.loads(plan["GanTrainer"]["custom_config"])["settings"]["seed"] == 1
    assert (plan["Baseline"]["version"], plan["Baseline"]["version_digest"]) == ("", "")
    assert json.dumps(make_plan(values, Home.at(tmp_path)), sort_keys=True) == json.dumps(plan, sort_keys=True)


def test_plan_refuses_a_run_whose_steps_were_not_compiled(tmp_path: Path, caplog) -> None:
    from pipeline.kubeflow import plan

    values = {"profile": "full", "dataset": "mnist", "seed": 1, "steps": 0, "settings": {}}
    executor_input = {"inputs": {"parameterValues": values}, "outputs": {"parameters": {"Gate": {}}, "outputFile": "/nowhere"}}
    assert plan.main(["--home", str(tmp_path / "home"), "--executor_input", json.dumps(executor_input)]) == 2
    assert "the compiled pipeline has no step Usefulness" in caplog.text
    assert not (tmp_path / "home").exists()


def test_what_is_given_for_a_step_leaves_its_other_defaults() -> None:
    given, usual = Cluster(**RICH | {"steps": {"GanTrainer": {"memory_gib": 16}}}), Cluster(image="x", pipeline_root="gs://b")
    assert given.step("GanTrainer") == usual.step("GanTrainer").model_copy(update={"memory_gib": 16.0})
    assert given.step("GanTrainer").timeout_s == 24 * 3600
    assert given.step("JudgeTrainer") == usual.step("JudgeTrainer")


@pytest.mark.parametrize(
    ("content", "given", "line"),
    [
        ({}, {"pipeline_root": "gs://b"}, "no image: give --image"),
        ({}, {"image": "x"}, "no pipeline root: give --pipeline-root"),
        ({}, {"image": "x", "pipeline_root": "file:///tmp"}, "pipeline_root: expected gs://BUCKET/PATH, s3://"),
        ({}, {"image": "x y", "pipeline_root": "gs://b"}, "image: "),
        ({"gpu": 1}, {"image": "x", "pipeline_root": "gs://b"}, "gpu: "),
        ({"steps": {"Gate": {"cpu": 0}}}, {"image": "x", "pipeline_root": "gs://b"}, "steps.Gate.cpu: "),
        ({"steps": {"Gait": {"cpu": 1}}}, {"image": "x", "pipeline_root": "gs://b"}, "there is no step 'Gait'"),
        (["x"], {"image": "x", "pipeline_root": "gs://b"}, "expected settings as KEY: VALUE"),
    ],
)
def test_bad_cluster_settings_are_one_line(tmp_path: Path, content: object, given: dict, line: str) -> None:
    file = tmp_path / "cluster.yaml"
    file.write_text(yaml.safe_dump(content))
    with pytest.raises(UserError, match=line) as refused:
        resolve_cluster(file, **given)
    assert "\n" not in str(refused.value)
