"""The GAN's training on several workers: the step hands over to a TFJob and waits for it.

The operator tells each replica in TF_CONFIG who the others are; `components.gan.training.devices` makes the strategy of it. What
the step gets and gives passes through the home on the shared volume, because KFP's launcher serves the step's own pod alone.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from pipeline.kubeflow.artifacts import LOGS, local_path
from pipeline.kubeflow.lease import training_lease
from pipeline.kubeflow.training_job import Jobs

_HANDOVERS = "handovers"  # in the home


def hand_over(job: dict[str, Any], home: Path, command: list[str], executor_input_json: str) -> None:
    """Run a step's command in all replicas of a job, and bring back what the chief wrote; needs the home's training lease.

    Args:
        job: Of `training_job`.
        home: The home on the shared volume.
        command: The step's, without its executor input.
        executor_input_json: As KFP's launcher filled it in.

    Raises:
        RuntimeError: The job failed.
    """
    name = job["metadata"]["name"]
    shared = home / _HANDOVERS / name
    jobs = Jobs()
    jobs.remove(name)  # of a step that was killed; its replicas may still be writing
    shutil.rmtree(shared, ignore_errors=True)
    given = json_format.Parse(executor_input_json, pipeline_spec_pb2.ExecutorInput(), ignore_unknown_fields=True)
    inputs, outputs = _share(given, shared)
    output_file = local_path(given.outputs.output_file)
    given.outputs.output_file = str(shared / "output_metadata.json")
    file = shared / "executor_input.json"
    try:
        for local, copy in inputs.items():
            shutil.copytree(local, copy)
        file.write_text(json_format.MessageToJson(given), encoding="utf-8")
        jobs.run(job, [*command, "--executor_input", f"@{file}", "--home", str(home), "--watch_lease", str(training_lease(home))])
        for local, copy in outputs.items():
            shutil.copytree(copy, local, dirs_exist_ok=True)
        Path(output_file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(shared / "output_metadata.json", output_file)
    finally:
        shutil.rmtree(shared, ignore_errors=True)


def _share(given: pipeline_spec_pb2.ExecutorInput, shared: Path) -> tuple[dict[str, Path], dict[str, Path]]:
    """Point all artifacts to the shared directory, in place; returns where each local path of inputs and outputs has its copy."""
    given.outputs.artifacts.pop(LOGS, None)
    copies: tuple[dict[str, Path], dict[str, Path]] = ({}, {})
    for side, artifacts, found in zip(("in", "out"), (given.inputs.artifacts, given.outputs.artifacts), copies, strict=True):
        for key, listed in artifacts.items():
            for artifact in listed.artifacts:
                copy = shared / side / key
                found[artifact.custom_path or local_path(artifact.uri)] = copy
                artifact.custom_path = str(copy)
    (shared / "out").mkdir(parents=True)
    return copies
