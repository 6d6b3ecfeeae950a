"""The executor of GeneratorPusher: pushes atomically, marks what it did as the stock Pusher does."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from tfx.components.pusher import executor as stock
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import io_utils

from components.artifacts import ArtifactLists
from components.progress import log_note
from components.push.layout import Pushed, push_model
from serving.repository import contract
from serving.repository.errors import UserError
from serving.repository.labels import served

EVALUATION_KEY = "evaluation"
SERVING_BASE_KEY = "serving_base"
KEEP_VERSIONS_KEY = "keep_versions"
CANARY_KEY = "canary"
CODE_HASH_KEY = "code_hash"


class Executor(stock.Executor):
    """Pushes atomically where the stock executor copies in place; blessings are checked and pushes marked as it does."""

    def Do(self, input_dict: ArtifactLists, output_dict: ArtifactLists, exec_properties: dict[str, Any]) -> None:
        """Push a blessed model.

        Args:
            input_dict: model, evaluation (holds the gate's verdict), and the optional model_blessing and infra_blessing.
            output_dict: pushed_model, marked as the stock Pusher marks it: pushed, pushed_destination, pushed_version.
            exec_properties: serving_base, keep_versions, canary (0 or 1), code_hash.

        Raises:
            UserError: The serving directory cannot be written, another version is served than the gate compared with, or the
                gate left no verdict.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        artifact = artifact_utils.get_single_instance(output_dict[standard_component_specs.PUSHED_MODEL_KEY])
        if not self.CheckBlessing(input_dict):
            self._MarkNotPushed(artifact)
            log_note("not pushed: the model is not blessed, what is served stays")
            return
        base, verdict = Path(exec_properties[SERVING_BASE_KEY]), _verdict(input_dict)
        pushed = push_model(
            Path(self.GetModelPath(input_dict)),
            base,
            run_id=self._run_id(),
            verdict=verdict,
            keep_versions=exec_properties[KEEP_VERSIONS_KEY],
            canary=bool(exec_properties[CANARY_KEY]),
            compared=(verdict[contract.GATE_SERVED_VERSION], verdict[contract.GATE_SERVED_DIGEST]),
        )
        io_utils.copy_dir(str(pushed.directory), artifact.uri)  # the archive that the stock Pusher keeps, too
        self._MarkPushed(artifact, pushed_destination=str(pushed.directory), pushed_version=str(pushed.version))
        log_note(_what_happened(pushed, base))

    def _run_id(self) -> str:
        return (self._context.pipeline_run_id if self._context else None) or ""


def _what_happened(pushed: Pushed, base: Path) -> str:
    now, version = served(base), pushed.version
    if now.canary == version:
        return (
            f"version {version} is the canary, {now.stable} stays stable: `forger promote`, or `forger rollback` to withdraw it"
        )
    if pushed.is_new:
        return f"pushed version {version} to {pushed.directory}"
    if now.stable != version:
        return f"version {version} already is this model, and was rolled back: `forger rollback --to {version}` serves it again"
    return f"version {version} already is this model, nothing new is pushed"


def _verdict(input_dict: ArtifactLists) -> dict[str, Any]:
    evaluation = artifact_utils.get_single_instance(input_dict[EVALUATION_KEY])
    path = os.path.join(evaluation.uri, contract.VERDICT_FILE)
    try:
        verdict = json.loads(io_utils.read_string_file(path)) if fileio.exists(path) else None
    except ValueError:
        verdict = None
    if not isinstance(verdict, dict) or not {contract.GATE_SERVED_VERSION, contract.GATE_SERVED_DIGEST} <= set(verdict):
        raise UserError(f"the gate left no readable {contract.VERDICT_FILE} in {evaluation.uri}: run the gate again")
    return verdict
