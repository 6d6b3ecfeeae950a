"""GateCalibrator: measures what the gate's figures are for real images, and for images with a known fault."""

from __future__ import annotations

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ExecutionParameter

from components.calibrate.executor import (
    CALIBRATION_KEY,
    CODE_HASH_KEY,
    EXAMPLES_KEY,
    JUDGE_KEY,
    MAX_EXAMPLES_KEY,
    Executor,
)


class GateCalibratorSpec(types.ComponentSpec):
    """What the figures depend on: the data, the judge, the number of images compared, and the code."""

    PARAMETERS = {  # noqa: RUF012 (TFX reads a plain class attribute)
        MAX_EXAMPLES_KEY: ExecutionParameter(type=int),
        CODE_HASH_KEY: ExecutionParameter(type=str),
    }
    INPUTS = {  # noqa: RUF012
        EXAMPLES_KEY: ChannelParameter(type=standard_artifacts.Examples),
        JUDGE_KEY: ChannelParameter(type=standard_artifacts.Model),
    }
    # A type of TFX's own: on Kubeflow a step would have to import one of ours by its title, which TFX's entrypoint hardly can.
    OUTPUTS = {CALIBRATION_KEY: ChannelParameter(type=standard_artifacts.ModelEvaluation)}  # noqa: RUF012


class GateCalibrator(base_component.BaseComponent):
    """Calibrates the gate; outputs `calibration` (standard_artifacts.ModelEvaluation)."""

    SPEC_CLASS = GateCalibratorSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(self, *, examples: types.BaseChannel, judge: types.BaseChannel, max_examples: int, code_hash: str) -> None:
        """Wire the component.

        Args:
            examples: Transformed examples (standard_artifacts.Examples).
            judge: The judge (standard_artifacts.Model).
            max_examples: Images that the gate compares.
            code_hash: Hash of the gate's sources, for TFX's cache.
        """
        spec = GateCalibratorSpec(
            examples=examples,
            judge=judge,
            max_examples=max_examples,
            code_hash=code_hash,
            calibration=types.Channel(type=standard_artifacts.ModelEvaluation),
        )
        super().__init__(spec=spec)
