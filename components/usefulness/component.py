"""Usefulness: what a classifier learns from the generated images, and whether a network can tell them from real ones."""

from __future__ import annotations

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import standard_artifacts, standard_component_specs
from tfx.types.component_spec import ChannelParameter, ExecutionParameter

from components.usefulness.executor import (
    CLASSES_KEY,
    CODE_HASH_KEY,
    DRAW_TIMEOUT_KEY,
    SETTINGS_KEY,
    USEFULNESS_KEY,
    Executor,
)
from components.usefulness.settings import UsefulnessSettings


class UsefulnessSpec(types.ComponentSpec):
    """What goes in and out."""

    PARAMETERS = {  # noqa: RUF012 (TFX reads a plain class attribute)
        SETTINGS_KEY: ExecutionParameter(type=str),
        CLASSES_KEY: ExecutionParameter(type=int),
        DRAW_TIMEOUT_KEY: ExecutionParameter(type=float),
        CODE_HASH_KEY: ExecutionParameter(type=str),
    }
    INPUTS = {  # noqa: RUF012
        standard_component_specs.EXAMPLES_KEY: ChannelParameter(type=standard_artifacts.Examples),
        standard_component_specs.MODEL_KEY: ChannelParameter(type=standard_artifacts.Model),
        standard_component_specs.MODEL_BLESSING_KEY: ChannelParameter(type=standard_artifacts.ModelBlessing),
    }
    OUTPUTS = {  # noqa: RUF012
        USEFULNESS_KEY: ChannelParameter(type=standard_artifacts.ModelEvaluation),
        standard_component_specs.BLESSING_KEY: ChannelParameter(type=standard_artifacts.ModelBlessing),
    }


class Usefulness(base_component.BaseComponent):
    """Measures usefulness beside that of as many real images.

    Outputs `usefulness` (standard_artifacts.ModelEvaluation), which holds usefulness.json, and `blessing`: the gate's, unless a
    limit is set and missed.
    """

    SPEC_CLASS = UsefulnessSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        *,
        examples: types.BaseChannel,
        model: types.BaseChannel,
        model_blessing: types.BaseChannel,
        settings: UsefulnessSettings,
        classes: int,
        draw_timeout_s: float,
        code_hash: str,
    ) -> None:
        """Wire the component.

        Args:
            examples: Transformed examples (standard_artifacts.Examples).
            model: The trained generator (standard_artifacts.Model).
            model_blessing: The gate's blessing; a refused generator is measured too, it may have missed by little.
            settings: The knobs.
            classes: Number of classes C.
            draw_timeout_s: Seconds that one batch may take the generator.
            code_hash: Hash of this component's sources, for TFX's cache.
        """
        spec = UsefulnessSpec(
            examples=examples,
            model=model,
            model_blessing=model_blessing,
            settings=settings.model_dump_json(),
            classes=classes,
            draw_timeout_s=draw_timeout_s,
            code_hash=code_hash,
            usefulness=types.Channel(type=standard_artifacts.ModelEvaluation),
            blessing=types.Channel(type=standard_artifacts.ModelBlessing),
        )
        super().__init__(spec=spec)
