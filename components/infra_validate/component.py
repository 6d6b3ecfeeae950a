"""GeneratorInfraValidator: can the exported model be served?"""

from __future__ import annotations

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import standard_artifacts, standard_component_specs
from tfx.types.component_spec import ChannelParameter, ExecutionParameter

from components.infra_validate.executor import CODE_HASH_KEY, TIMEOUT_KEY, Executor


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
