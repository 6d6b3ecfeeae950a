"""The validation that stops a run: the stock ExampleValidator, whose anomalies are made fatal here."""

from __future__ import annotations

import os
from typing import Any

import tensorflow_data_validation as tfdv
from tensorflow_data_validation.utils import anomalies_util
from tfx.components import ExampleValidator
from tfx.components.example_validator import executor
from tfx.dsl.components.base import executor_spec
from tfx.proto.orchestration import execution_result_pb2
from tfx.types import artifact_utils
from tfx.types import standard_component_specs as specs

from components.errors import UserError


def statistics_options() -> tfdv.StatsOptions:
    """Options of the StatisticsGen that feeds the validator; give it the schema as well.

    Image statistics belong to TFDV's semantic domains, which are off by default; every record is looked at, because one
    broken image is one too many.
    """
    return tfdv.StatsOptions(enable_semantic_domain_stats=True, semantic_domain_stats_sample_rate=1.0)


class Executor(executor.Executor):
    """Writes the anomalies as the stock executor does, then fails if there are any."""

    def Do(
        self, input_dict: dict[str, list], output_dict: dict[str, list], exec_properties: dict[str, Any]
    ) -> execution_result_pb2.ExecutorOutput:
        """Validate every split.

        Raises:
            UserError: There are anomalies; names split, feature and reason of each.
        """
        result = super().Do(input_dict, output_dict, exec_properties)
        artifact = artifact_utils.get_single_instance(output_dict[specs.ANOMALIES_KEY])
        found = []
        for split in artifact_utils.decode_split_names(artifact.split_names):
            path = os.path.join(artifact_utils.get_split_uri([artifact], split), executor.DEFAULT_FILE_NAME)
            found += [f"split {split}, {reason}" for reason in _reasons(anomalies_util.load_anomalies_binary(path))]
        if found:
            raise UserError(f"the data doesn't fit its schema: {'; '.join(found)}")
        return result


def _reasons(anomalies: Any) -> list[str]:
    """One text for each anomaly."""
    reasons = [f"feature {name}: {info.description}" for name, info in sorted(anomalies.anomaly_info.items())]
    if anomalies.HasField("dataset_anomaly_info"):
        reasons.append(f"dataset: {anomalies.dataset_anomaly_info.description}")
    return [reason.rstrip(".") for reason in reasons]


class FatalExampleValidator(ExampleValidator):
    """ExampleValidator that stops the run on any anomaly. Takes and makes what the stock one does."""

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)
