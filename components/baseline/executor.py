"""The executor of Baseline: copies the served version, so that nothing pruned later is missed."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components.artifacts import ArtifactLists
from components.baseline.choice import what_is_left
from components.progress import log_note
from serving.repository.errors import UserError

BASELINE_KEY = "baseline"
# Custom properties of the output artifact.
EMPTY_PROPERTY = "empty"  # 1: there is no baseline
VERSION_PROPERTY = "version"  # the served version's number, as a string
DIGEST_PROPERTY = "version_digest"  # digest of that version's metadata, see `choose_baseline`

SERVING_BASE_KEY, TRAINING_KEY_KEY, VERSION_KEY, VERSION_DIGEST_KEY = "serving_base", "training_key", "version", "version_digest"


class Executor(base_executor.BaseExecutor):
    """Copies the version, so that the evaluation doesn't depend on what is pruned later."""

    def Do(self, input_dict: ArtifactLists, output_dict: ArtifactLists, exec_properties: dict[str, Any]) -> None:
        """Fill the output artifact, or mark it empty.

        Args:
            input_dict: Nothing.
            output_dict: baseline.
            exec_properties: serving_base, training_key, version, version_digest.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        artifact = artifact_utils.get_single_instance(output_dict[BASELINE_KEY])
        base, key = Path(exec_properties[SERVING_BASE_KEY]), exec_properties[TRAINING_KEY_KEY]
        chosen = exec_properties[VERSION_KEY], exec_properties[VERSION_DIGEST_KEY]
        version, digest = what_is_left(base, key, chosen)
        if version != chosen[0]:
            instead = f"{version} stands in" if version else "judged without a baseline"
            log_note(f"version {chosen[0]} is no longer in {base}: {instead}")
        copy = Path(path_utils.serving_model_dir(artifact.uri))
        shutil.rmtree(copy, ignore_errors=True)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if version:
            try:
                shutil.copytree(base / version, copy)
            except (OSError, shutil.Error) as error:
                raise UserError(f"version {version} in {base} cannot be copied: {error}; mend or remove it") from error
        artifact.set_string_custom_property(VERSION_PROPERTY, version)
        artifact.set_string_custom_property(DIGEST_PROPERTY, digest)
        artifact.set_int_custom_property(EMPTY_PROPERTY, 0 if version else 1)
