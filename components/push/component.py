"""GeneratorPusher: the stock Pusher's part in a pipeline, with a push that a crash cannot leave half done."""

from __future__ import annotations

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import standard_artifacts, standard_component_specs
from tfx.types.component_spec import ChannelParameter, ExecutionParameter

from components.push.executor import CANARY_KEY, CODE_HASH_KEY, EVALUATION_KEY, KEEP_VERSIONS_KEY, SERVING_BASE_KEY, Executor


class GeneratorPusherSpec(types.ComponentSpec):
    """The stock Pusher's inputs and output, plus the evaluation that holds the gate's verdict."""

    PARAMETERS = {  # noqa: RUF012 (TFX reads a plain class attribute)
        SERVING_BASE_KEY: ExecutionParameter(type=str),
        KEEP_VERSIONS_KEY: ExecutionParameter(type=int),
        CANARY_KEY: ExecutionParameter(type=int),
        CODE_HASH_KEY: ExecutionParameter(type=str),
    }
    INPUTS = {  # noqa: RUF012
        standard_component_specs.MODEL_KEY: ChannelParameter(type=standard_artifacts.Model),
        EVALUATION_KEY: ChannelParameter(type=standard_artifacts.ModelEvaluation),
        standard_component_specs.MODEL_BLESSING_KEY: ChannelParameter(type=standard_artifacts.ModelBlessing, optional=True),
        standard_component_specs.INFRA_BLESSING_KEY: ChannelParameter(type=standard_artifacts.InfraBlessing, optional=True),
    }
    OUTPUTS = {  # noqa: RUF012
        standard_component_specs.PUSHED_MODEL_KEY: ChannelParameter(type=standard_artifacts.PushedModel),
    }


class GeneratorPusher(base_component.BaseComponent):
    """Pushes a blessed generator into a serving directory as its next version."""

    SPEC_CLASS = GeneratorPusherSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        *,
        model: types.BaseChannel,
        evaluation: types.BaseChannel,
        serving_base: str,
        keep_versions: int,
        canary: bool,
        code_hash: str,
        model_blessing: types.BaseChannel | None = None,
        infra_blessing: types.BaseChannel | None = None,
    ) -> None:
        """Wire the component.

        Args:
            model: The trained generator (standard_artifacts.Model).
            evaluation: The gate's evaluation (standard_artifacts.ModelEvaluation), which holds verdict.json.
            serving_base: The model base directory, e.g. `<home>/serving/mnist_gan`.
            keep_versions: Versions that stay on disk.
            canary: Push beside the stable version, for a trial.
            code_hash: Hash of this component's sources, for TFX's cache.
            model_blessing: The gate's blessing.
            infra_blessing: The infra validator's blessing.
        """
        spec = GeneratorPusherSpec(
            model=model,
            evaluation=evaluation,
            serving_base=serving_base,
            keep_versions=keep_versions,
            canary=int(canary),
            code_hash=code_hash,
            model_blessing=model_blessing,
            infra_blessing=infra_blessing,
            pushed_model=types.Channel(type=standard_artifacts.PushedModel),
        )
        super().__init__(spec=spec)
