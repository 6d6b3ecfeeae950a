"""The executor of GateCalibrator."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import io_utils

from components.artifacts import ArtifactLists
from components.classes import group_count
from components.gate.calibration.calibrate import calibrate
from components.ingest.settings import EVAL_SPLIT, TRAIN_SPLIT
from components.judge.features import load_record
from components.progress import log_note
from components.transform.examples import read_examples

EXAMPLES_KEY, JUDGE_KEY, CALIBRATION_KEY = "examples", "judge", "calibration"
MAX_EXAMPLES_KEY, CODE_HASH_KEY = "max_examples", "code_hash"


class Executor(base_executor.BaseExecutor):
    """Looks at real images, and at images with a known fault, through the judge."""

    def Do(self, input_dict: ArtifactLists, output_dict: ArtifactLists, exec_properties: dict[str, Any]) -> None:
        """Calibrate.

        Args:
            input_dict: examples, judge.
            output_dict: calibration.
            exec_properties: max_examples, the images that the gate compares.

        Raises:
            UserError: The judge can't be loaded, or there are no images.
        """
        judge = artifact_utils.get_single_uri(input_dict[JUDGE_KEY])
        record = load_record(judge)
        limit = record["settings"]["max_images"]
        train, unseen = (_read(input_dict, split, limit) for split in (TRAIN_SPLIT, EVAL_SPLIT))
        found = calibrate(
            judge,
            train,
            unseen,
            Path(artifact_utils.get_single_uri(output_dict[CALIBRATION_KEY])),
            classes=group_count(record.get("class_names") or []),
            count=exec_properties[MAX_EXAMPLES_KEY],
        )
        powerless = sorted(name for name in found.noise if found.limit(name) is None)
        log_note(
            f"the gate is calibrated for {found.images} images in {found.seconds:.0f} s"
            + (f"; without power on these data, and not gated: {', '.join(powerless)}" if powerless else "")
        )


def _read(input_dict: ArtifactLists, split: str, limit: int) -> Any:
    uri = artifact_utils.get_split_uris(input_dict[EXAMPLES_KEY], split)
    return read_examples([io_utils.all_files_pattern(folder) for folder in uri], limit)
