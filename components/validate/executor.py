"""The executor of FatalExampleValidator: the stock one, whose anomalies stop the run, and a look at the splits themselves."""

from __future__ import annotations

import os
from typing import Any

from tensorflow_data_validation.utils import anomalies_util
from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx.components.example_validator import executor, labels
from tfx.components.util import value_utils
from tfx.proto.orchestration import execution_result_pb2
from tfx.types import artifact_utils
from tfx.types import standard_component_specs as specs
from tfx.utils import io_utils, json_utils, writer_utils

from components.ingest.settings import EVAL_SPLIT, TRAIN_SPLIT
from components.progress import log_note
from components.validate.contents import contents
from components.validate.splits import compare, note, problems
from serving.repository.errors import UserError

EXAMPLES_KEY, CLASS_NAMES_KEY, MAX_SHARED_KEY, CODE_HASH_KEY = "examples", "class_names", "max_shared", "code_hash"

# TFDV's image statistics: their name, and the number of values below which they are left out.
_IMAGE_STATISTIC = "image_format_histogram"
_FEWEST_FOR_IMAGES = 100


class Executor(executor.Executor):
    """Writes the anomalies as the stock executor does, then fails if there are any.

    TFX removes what a failed execution wrote, so the error tells all of them.
    """

    def Do(
        self, input_dict: dict[str, list], output_dict: dict[str, list], exec_properties: dict[str, Any]
    ) -> execution_result_pb2.ExecutorOutput:
        """Validate every split, then one against the other.

        Raises:
            UserError: There are anomalies, and names split, feature and reason of each; or a generator that learns from the
                training split can't be judged by the evaluation split.
        """
        result = super().Do(input_dict, output_dict, exec_properties)
        artifact = artifact_utils.get_single_instance(output_dict[specs.ANOMALIES_KEY])
        found = []
        for split in artifact_utils.decode_split_names(artifact.split_names):
            path = os.path.join(artifact_utils.get_split_uri([artifact], split), executor.DEFAULT_FILE_NAME)
            found += [f"split {split}, {reason}" for reason in _reasons(anomalies_util.load_anomalies_binary(path))]
        if found:
            raise UserError(f"the data doesn't fit its schema: {'; '.join(found)}")
        patterns = [
            io_utils.all_files_pattern(artifact_utils.get_split_uri(input_dict[EXAMPLES_KEY], split))
            for split in (TRAIN_SPLIT, EVAL_SPLIT)
        ]
        facts = compare(*map(contents, patterns))
        if found := problems(facts, json_utils.loads(exec_properties[CLASS_NAMES_KEY]), exec_properties[MAX_SHARED_KEY]):
            raise UserError("; ".join(found))
        log_note(note(facts))
        return result

    def _Validate(self, inputs: dict[str, Any], outputs: dict[str, Any]) -> anomalies_pb2.Anomalies:
        anomalies = super()._Validate(inputs, outputs)
        schema = value_utils.GetSoleValue(inputs, specs.SCHEMA_KEY)
        statistics = value_utils.GetSoleValue(inputs, specs.STATISTICS_KEY)
        for name in _silent_images(statistics, schema):
            anomalies.anomaly_info[name].severity = anomalies_pb2.AnomalyInfo.ERROR
            anomalies.anomaly_info[name].description = "More than a fifth of the values are no supported images."
        folder = value_utils.GetSoleValue(outputs, labels.SCHEMA_DIFF_PATH)
        writer_utils.write_anomalies(os.path.join(folder, executor.DEFAULT_FILE_NAME), anomalies)
        return anomalies


def _silent_images(statistics: Any, schema: Any) -> list[str]:
    """Image features without image statistics.

    TFDV leaves these out, and then checks nothing, when less than four fifths of the values are images or there are fewer
    than 100 values. The first is an anomaly; the second can't be told, so Transform decides.
    """
    wanted = {feature.name for feature in schema.feature if feature.HasField("image_domain")}
    return [
        feature.path.step[0]
        for dataset in statistics.datasets
        for feature in dataset.features
        if feature.path.step[0] in wanted
        and getattr(feature, feature.WhichOneof("stats")).common_stats.tot_num_values >= _FEWEST_FOR_IMAGES
        and not any(stat.name == _IMAGE_STATISTIC for stat in feature.custom_stats)
    ]


def _reasons(anomalies: Any) -> list[str]:
    """One text for each anomaly."""
    reasons = [f"feature {name}: {info.description}" for name, info in sorted(anomalies.anomaly_info.items())]
    if anomalies.HasField("dataset_anomaly_info"):
        reasons.append(f"dataset: {anomalies.dataset_anomaly_info.description}")
    return [reason.rstrip(".") for reason in reasons]
