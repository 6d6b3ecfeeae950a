"""The executor of GeneratorInfraValidator: asks a fresh process, without Docker or Kubernetes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tfx.components.util import model_utils
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import io_utils, path_utils

from components.artifacts import ArtifactLists
from components.infra_validate.fresh_process import replay_failure
from components.progress import log_note

TIMEOUT_KEY = "timeout_s"
CODE_HASH_KEY = "code_hash"
REASON_FILE = "reason.txt"
# The stock InfraValidator's conventions (tfx/components/infra_validator/executor.py).
_BLESSED_PROPERTY, _BLESSED_FILE, _NOT_BLESSED_FILE = "blessed", "INFRA_BLESSED", "INFRA_NOT_BLESSED"


class Executor(base_executor.BaseExecutor):
    """Replays the warm-up requests in a fresh process and blesses the model that answers them by the contract."""

    def Do(self, input_dict: ArtifactLists, output_dict: ArtifactLists, exec_properties: dict[str, Any]) -> None:
        """Validate a model.

        Args:
            input_dict: model; model_blessing (optional): a model that the gate refused is not tried.
            output_dict: blessing (InfraBlessing), marked as the stock InfraValidator marks it; the reason of a refusal is in
                its file reason.txt.
            exec_properties: timeout_s, code_hash.

        Raises:
            UserError: The fresh process took too long or was killed: nothing is said of the model.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        model = artifact_utils.get_single_instance(input_dict[standard_component_specs.MODEL_KEY])
        blessing = artifact_utils.get_single_instance(output_dict[standard_component_specs.BLESSING_KEY])
        gate = input_dict.get(standard_component_specs.MODEL_BLESSING_KEY)
        if gate and not model_utils.is_model_blessed(artifact_utils.get_single_instance(gate)):
            reason = "not tried: the gate did not bless the model"
        else:
            directory = path_utils.serving_model_path(model.uri, path_utils.is_old_model_artifact(model))
            reason = replay_failure(Path(directory), exec_properties[TIMEOUT_KEY])
        if reason is not None:
            io_utils.write_string_file(os.path.join(blessing.uri, REASON_FILE), f"{reason}\n")
            log_note(f"infra validation: {reason}")
        io_utils.write_string_file(os.path.join(blessing.uri, _BLESSED_FILE if reason is None else _NOT_BLESSED_FILE), "")
        blessing.set_int_custom_property(_BLESSED_PROPERTY, int(reason is None))
