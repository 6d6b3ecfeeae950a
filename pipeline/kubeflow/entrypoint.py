"""What a step's container runs: a TFX executor between KFP's launcher and the object store's directories.

TFX's own entrypoint expects Vertex AI: URIs that TensorFlow opens itself, typed inputs, and no output of the launcher's own.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Any

from pipeline.environment import prepare_tensorflow, quick_imports
from pipeline.home.home import Home
from pipeline.kubeflow.freshness import EPOCH, FILES, check_inputs, count_files, record_made
from pipeline.kubeflow.lease import Lease, end_without
from serving.repository.errors import UserError

PROPERTIES = "properties"  # the step's execution properties, as JSON, of the Plan step
RUN_ID = "run_id"
EXIT_USER = 2
EXIT_TERMINATED = 143  # as a shell says it: 128 + SIGTERM
_UMASK = 0o022  # Argo's executor starts containers with 0: what they push would be anybody's to change
COMMAND = ["python", "-m", "pipeline.kubeflow.entrypoint"]
_LOGGER = logging.getLogger("forger.step")


def main(arguments: list[str] | None = None) -> int:
    """Run one step; an error of the user's ends in one line and status 2."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)  # Beam has arguments of its own
    parser.add_argument("--executor_class", required=True, help="MODULE.CLASS")
    parser.add_argument("--input_types", required=True, type=json.loads, help="schema title of each input, as JSON")
    parser.add_argument("--executor_input", required=True, help="KFP's ExecutorInput, as JSON, or @FILE that holds it")
    parser.add_argument("--home", type=Path, help="the home on the shared volume")
    parser.add_argument("--hold_lease", type=Path, help="lease to wait for and to hold meanwhile")
    parser.add_argument("--watch_lease", type=Path, help="lease of whoever waits for this process, which ends with it")
    parser.add_argument("--training_job", type=json.loads, help="TFJob that does the work instead of this process, as JSON")
    parsed, beam_args = parser.parse_known_args(arguments)
    start_process()
    try:
        text = _text(parsed.executor_input)
        home = Home.at(parsed.home) if parsed.home else None
        check_inputs(json.loads(text), home)
        if parsed.watch_lease:
            end_without(parsed.watch_lease)
        with Lease(parsed.hold_lease).held() if parsed.hold_lease else contextlib.nullcontext():
            if parsed.training_job:
                from pipeline.kubeflow.hand_over import hand_over

                types = json.dumps(parsed.input_types)
                command = [*COMMAND, "--executor_class", parsed.executor_class, "--input_types", types, *beam_args]
                hand_over(parsed.training_job, parsed.home, command, text)
            else:
                run(parsed.executor_class, parsed.input_types, text, beam_args, home)
    except UserError as error:
        _LOGGER.error("%s", error)
        return EXIT_USER
    return 0


def _text(executor_input: str) -> str:
    return Path(executor_input[1:]).read_text(encoding="utf-8") if executor_input.startswith("@") else executor_input


def start_process() -> None:
    """Set up what every step's process needs: TensorFlow's environment, the pod's log, private files, an end that cleans up."""
    prepare_tensorflow(quiet=True)
    os.umask(_UMASK)
    signal.signal(signal.SIGTERM, _leave)
    # Our own lines, and the libraries' warnings.
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(message)s", stream=sys.stderr)
    logging.getLogger("forger").setLevel(logging.INFO)


def _leave(*_: object) -> None:
    """End as from an error, so that what must be cleaned up is; whoever asks twice doesn't interrupt that."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(EXIT_TERMINATED)


def run(
    executor_class: str, input_types: dict[str, str], executor_input_json: str, beam_args: list[str], home: Home | None = None
) -> None:
    """Run an executor on what KFP's launcher placed, and write what the launcher collects.

    Args:
        executor_class: Import path of the class.
        input_types: Schema title of each input artifact.
        executor_input_json: KFP's ExecutorInput.
        beam_args: For Beam executors.
        home: Where it is written down what was left in the bucket.
    """
    # TFX takes seconds to import: a wrong command line is told before.
    with quick_imports():
        from google.protobuf import json_format
        from kfp.pipeline_spec import pipeline_spec_pb2
        from tfx.dsl.components.base import base_beam_executor, base_executor
        from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_entrypoint_utils as tfx_utils
        from tfx.orchestration.portable import outputs_utils
        from tfx.utils import import_utils

        from components.gan.training.workers import is_chief
        from pipeline.engines.local import keep_streams_whole
        from pipeline.kubeflow.artifacts import localize, restore

        kind: Any = import_utils.import_class_by_path(executor_class)

    message = json_format.Parse(executor_input_json, pipeline_spec_pb2.ExecutorInput(), ignore_unknown_fields=True)
    uris = localize(message, input_types)
    parameters: dict[str, Any] = {key: json_format.MessageToDict(value) for key, value in message.inputs.parameter_values.items()}
    names: dict[int, str] = {}
    inputs = tfx_utils.parse_raw_artifact_dict(message.inputs.artifacts, names)
    outputs = tfx_utils.parse_raw_artifact_dict(message.outputs.artifacts, names)
    for artifacts in outputs.values():
        for artifact in artifacts:
            os.makedirs(artifact.uri, exist_ok=True)  # KFP makes the parent only, TFX's local launcher the directory itself
    task = Path(message.outputs.output_file).parent
    known: dict[str, Any] = {"tmp_dir": str(task / ".temp"), "unique_id": "1", "pipeline_run_id": parameters.get(RUN_ID)}
    context: Any
    if issubclass(kind, base_beam_executor.BaseBeamExecutor):
        keep_streams_whole()
        context = base_beam_executor.BaseBeamExecutor.Context(beam_pipeline_args=list(beam_args), **known)
    else:
        context = base_executor.BaseExecutor.Context(extra_flags=beam_args, **known)
    try:
        properties = json.loads(parameters[PROPERTIES])
        properties.pop(EPOCH, None)
        kind(context).Do(inputs, outputs, properties)
    except RuntimeError as error:
        if is_chief() or "failed to generate model" not in str(error):
            raise
    if not is_chief():
        return  # a worker beside the chief writes nothing, which TFX's Trainer takes for a failure
    outputs_utils.tag_output_artifacts_with_version(outputs)
    if blessing := outputs.get("blessing"):
        tfx_utils.refactor_model_blessing(blessing[0], names)
    answer, files = pipeline_spec_pb2.ExecutorOutput(), {}
    for key, listed in tfx_utils.translate_executor_output(outputs, names).items():
        answer.artifacts[key].CopyFrom(listed)
        for artifact, written in zip(answer.artifacts[key].artifacts, outputs[key], strict=True):
            artifact.metadata[FILES] = files[uris[written.uri]] = count_files(written.uri)
    if home is not None:
        record_made(home, executor_class, parameters[PROPERTIES], files)
    write_output(message.outputs.output_file, restore(json_format.MessageToDict(answer), uris))


def write_output(file: str, content: dict[str, Any]) -> None:
    """Write KFP's ExecutorOutput where its launcher reads it."""
    path = Path(file)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
