"""Gate: the stock Evaluator, looking through the judge, with a verdict that says why."""

from __future__ import annotations

from tfx import types
from tfx.components.evaluator import component as stock_component
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import standard_artifacts, standard_component_specs
from tfx.types.component_spec import ChannelParameter
from tfx.utils import json_utils

from components.gate.executor import CALIBRATION_KEY, JUDGE_KEY, Executor
from components.gate.settings import GateSettings
from components.gate.tfma.eval_config import make_eval_config
from components.gate.tfma.extractors import custom_extractors


class GateSpec(standard_component_specs.EvaluatorSpec):
    """The stock Evaluator's, plus the judge and the calibration."""

    INPUTS = {  # noqa: RUF012 (TFX reads a plain class attribute)
        **standard_component_specs.EvaluatorSpec.INPUTS,
        JUDGE_KEY: ChannelParameter(type=standard_artifacts.Model, optional=True),
        CALIBRATION_KEY: ChannelParameter(type=standard_artifacts.ModelEvaluation, optional=True),
    }


class Gate(stock_component.Evaluator):
    """Judges a generator's samples against real images and against what is served.

    Outputs `blessing` (standard_artifacts.ModelBlessing) and `evaluation` (standard_artifacts.ModelEvaluation), which also
    holds verdict.json.
    """

    SPEC_CLASS = GateSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(
        self,
        *,
        examples: types.BaseChannel,
        model: types.BaseChannel,
        judge: types.BaseChannel,
        calibration: types.BaseChannel,
        settings: GateSettings,
        dataset: str,
        class_names: list[str],
        code_hash: str,
        baseline: types.BaseChannel | None = None,
        split: str = "test",
    ) -> None:
        """Wire the component.

        Args:
            examples: Transformed examples (standard_artifacts.Examples).
            model: The trained generator (standard_artifacts.Model).
            judge: The judge (standard_artifacts.Model).
            calibration: How the figures behave on these data (standard_artifacts.ModelEvaluation).
            settings: Thresholds and sizes.
            dataset: TFDS name; what is known of it gives the limits that the settings leave open.
            class_names: Names by label.
            code_hash: Hash of the gate's sources, for TFX's cache.
            baseline: What is served, of the Baseline component (standard_artifacts.Model); it may be marked empty.
            split: Split of held-out real images.
        """
        spec = GateSpec(
            examples=examples,
            model=model,
            baseline_model=baseline,
            judge=judge,
            calibration=calibration,
            eval_config=make_eval_config(settings, dataset, class_names, code_hash),
            example_splits=json_utils.dumps([split]),
            fairness_indicator_thresholds=json_utils.dumps(None),
            module_path=custom_extractors.__module__,
            evaluation=types.Channel(type=standard_artifacts.ModelEvaluation),
            blessing=types.Channel(type=standard_artifacts.ModelBlessing),
        )
        # The stock constructor builds the stock spec, which has no judge.
        base_beam_component.BaseBeamComponent.__init__(self, spec=spec)
