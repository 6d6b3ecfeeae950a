"""GeneratorInfraValidator: can the exported model be served? Asked of a fresh process, without Docker or Kubernetes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tfx import types
from tfx.components.util import model_utils
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.types import artifact_utils, standard_artifacts, standard_component_specs
from tfx.types.component_spec import ChannelParameter, ExecutionParameter
from tfx.utils import io_utils, path_utils

from components.progress import note
from components.push.fresh_process import replay_failure

TIMEOUT_KEY = "timeout_s"
CODE_HASH_KEY = "code_hash"
REASON_FILE = "reason.txt"
# The stock InfraValidator's conventions (tfx/components/infra_validator/executor.py).
_BLESSED_PROPERTY, _BLESSED_FILE, _NOT_BLESSED_FILE = "blessed", "INFRA_BLESSED", "INFRA_NOT_BLESSED"


class Executor(base_executor.BaseExecutor):
    """Replays the warm-up requests in a fresh process and blesses the model that answers them by the contract."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Validate a model.

        Args:
            input_dict: model; model_blessing (optional): a model that the gate refused is not tried.
            output_dict: blessing (InfraBlessing), marked as the stock InfraValidator marks it; the reason of a refusal is in
                its file reason.txt.
            exec_properties: timeout_s, code_hash.
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
            note(f"infra validation: {reason}")
        io_utils.write_string_file(os.path.join(blessing.uri, _BLESSED_FILE if reason is None else _NOT_BLESSED_FILE), "")
        blessing.set_int_custom_property(_BLESSED_PROPERTY, int(reason is None))


class GeneratorInfraValidatorSpec(types.ComponentSpec):
    """What goes in and out."""

    PARAMETERS = {  # noqa: RUF012 (TFX reads a plain class attribute)
        TIMEOUT_KEY: ExecutionParameter(type=int),
        CODE_HASH_KEY: ExecutionParameter(type=str),
    }
    INPUTS = {  # noqa: RUF012
        standard_component_specs.MODEL_KEY: ChannelParameter(type=standard_artifacts.Model),
        standard_component_specs.MODEL_BLESSING_KEY: ChannelParameter(type=standard_artifacts.ModelBlessing, optional=True),
    }
    OUTPUTS = {  # noqa: RUF012
        standard_component_specs.BLESSING_KEY: ChannelParameter(type=standard_artifacts.InfraBlessing),
    }


class GeneratorInfraValidator(base_component.BaseComponent):
    """Blesses a generator that loads in a fresh process and answers by the serving contract."""

    SPEC_CLASS = GeneratorInfraValidatorSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        *,
        model: types.BaseChannel,
        timeout_s: int,
        code_hash: str,
        model_blessing: types.BaseChannel | None = None,
    ) -> None:
        """Wire the component.

        Args:
            model: The trained generator (standard_artifacts.Model).
            timeout_s: Seconds that the fresh process may take.
            code_hash: Hash of this component's sources, for TFX's cache.
            model_blessing: The gate's blessing; a model that it refused is not tried.
        """
        spec = GeneratorInfraValidatorSpec(
            model=model,
            timeout_s=timeout_s,
            code_hash=code_hash,
            model_blessing=model_blessing,
            blessing=types.Channel(type=standard_artifacts.InfraBlessing),
        )
        super().__init__(spec=spec)
