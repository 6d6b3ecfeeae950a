"""Compile the pipeline into a KFP v2 package: one YAML file, a PipelineSpec and a PlatformSpec."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import yaml
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from components.ingest.record import PreparedDataset
from components.shape import ImageShape
from pipeline.config import resolve_config
from pipeline.home.home import Home
from pipeline.kubeflow.cluster import Cluster
from pipeline.kubeflow.parameters import declare
from pipeline.kubeflow.plan import NAME
from pipeline.kubeflow.platform import platform_spec
from pipeline.kubeflow.rewrite import rewrite
from serving.repository.durable import replace_file
from serving.repository.version import forger_version


def sdk_version() -> str:
    """Return what a compiled file is stamped with: our own version, and that of the compiler below."""
    return f"forger-{forger_version()} tfx-{version('tfx')}"


def compile_pipeline(profile: str, changes: list[str], cluster: Cluster, beam_args: list[str]) -> str:
    """Compile the pipeline.

    Args:
        profile: Name of the profile, the parameter's default.
        changes: "SECTION.KEY=VALUE" each, the defaults of the parameters.
        cluster: What the cluster is told about the steps.
        beam_args: Further Beam arguments; an argument named again wins.

    Returns:
        Two YAML documents.

    Raises:
        UserError: What `resolve_config` refuses.
    """
    parameters = declare(profile, changes)
    from tfx.orchestration.kubeflow.v2 import kubeflow_v2_dag_runner as tfx_runner

    from pipeline.engines.local import LocalEngine
    from pipeline.pipeline import Places, create_pipeline, training_key

    home = Home.at(Path(cluster.home))
    config = resolve_config(profile, changes)
    # Only nodes, channels and types are taken from this; what is said of the data is settled on the cluster, by Plan.
    unknown = PreparedDataset(config.data.dataset, "", Path(), ("?",), {}, {ImageShape(28, 28, 1): 1}, "", "")
    places = Places(
        pipeline_name=NAME,
        pipeline_root=cluster.pipeline_root,
        data_dir=str(home.data),
        schema_file="",
        serving_base=str(home.model_base(config.data.dataset)),
        training_key=training_key(config, unknown),
        work_dir=str(home.trainings),
        baseline=("", ""),
    )
    runner = tfx_runner.KubeflowV2DagRunner(
        tfx_runner.KubeflowV2DagRunnerConfig(default_image=cluster.image, use_pipeline_spec_2_1=True)
    )
    job = runner.run(create_pipeline(config, unknown, places), write_out=False)
    compiled = json_format.ParseDict(job["pipelineSpec"], pipeline_spec_pb2.PipelineSpec())
    spec = rewrite(compiled, cluster, parameters, [*LocalEngine().arguments(), *beam_args], sdk_version())
    documents = [json_format.MessageToDict(spec), platform_spec(spec, cluster)]
    return yaml.dump_all(documents, sort_keys=True, width=200)


def write(text: str, target: Path) -> None:
    """Write a compiled file, whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    replace_file(target, text)
