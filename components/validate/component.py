"""FatalExampleValidator: the stock ExampleValidator, which stops the run on any anomaly and on splits that can't be judged by."""

from __future__ import annotations

from tfx import types
from tfx.components import ExampleValidator
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import standard_artifacts, standard_component_specs
from tfx.types.component_spec import ChannelParameter, ExecutionParameter
from tfx.utils import json_utils

from components.validate.executor import CLASS_NAMES_KEY, CODE_HASH_KEY, EXAMPLES_KEY, MAX_SHARED_KEY, Executor


class FatalExampleValidatorSpec(standard_component_specs.ExampleValidatorSpec):
    """The stock ExampleValidator's, plus the examples themselves: statistics don't tell which images two splits share."""

    PARAMETERS = {  # noqa: RUF012 (TFX reads a plain class attribute)
        **standard_component_specs.ExampleValidatorSpec.PARAMETERS,
        CLASS_NAMES_KEY: ExecutionParameter(type=str),
        MAX_SHARED_KEY: ExecutionParameter(type=float),
        CODE_HASH_KEY: ExecutionParameter(type=str),
    }
    INPUTS = {  # noqa: RUF012
        **standard_component_specs.ExampleValidatorSpec.INPUTS,
        EXAMPLES_KEY: ChannelParameter(type=standard_artifacts.Examples),
    }


class FatalExampleValidator(ExampleValidator):
    """Stops the run on any anomaly, and where the evaluation split overlaps the training split or lacks a class."""

    SPEC_CLASS = FatalExampleValidatorSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        *,
        statistics: types.BaseChannel,
        schema: types.BaseChannel,
        examples: types.BaseChannel,
        class_names: list[str],
        max_shared: float,
        code_hash: str,
    ) -> None:
        """Wire the component; its output `anomalies` is the stock one's.

        Args:
            statistics: Of StatisticsGen (standard_artifacts.ExampleStatistics).
            schema: The curated schema (standard_artifacts.Schema).
            examples: Examples of `ingest` (standard_artifacts.Examples).
            class_names: Names by label.
            max_shared: Share of the evaluation split's images that may be in the training split as well.
            code_hash: Hash of this component's sources, for TFX's cache.
        """
        spec = FatalExampleValidatorSpec(
            statistics=statistics,
            schema=schema,
            examples=examples,
            exclude_splits=json_utils.dumps([]),
            class_names=json_utils.dumps(class_names),
            max_shared=max_shared,
            code_hash=code_hash,
            anomalies=types.Channel(type=standard_artifacts.ExampleAnomalies),
        )
        # The stock constructor builds the stock spec, which has no examples.
        base_component.BaseComponent.__init__(self, spec=spec)
