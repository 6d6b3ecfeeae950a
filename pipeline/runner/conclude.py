"""What a run came to: its record, from what its nodes left."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from components.gate.verdict.verdict import Verdict
from components.infra_validate.executor import REASON_FILE
from components.progress import log_note
from components.usefulness.result import Usefulness
from pipeline.home.home import Home
from pipeline.home.run_record import RunRecord
from pipeline.nodes import CALIBRATOR, GAN_TRAINER, GATE, INFRA_VALIDATOR, JUDGE_TRAINER, PUSHER, TRANSFORM, USEFULNESS
from pipeline.runner.pictures import make_pictures
from serving.repository.errors import first_line


def conclude(record: RunRecord, outputs: dict[str, Any], home: Home) -> None:
    """Fill in the verdict, what was pushed, and the pictures.

    Args:
        record: Filled in.
        outputs: MLMD's artifacts by "node.key".
        home: Where the pictures go.
    """
    record.evaluation, record.training = outputs[f"{GATE}.evaluation"].uri, outputs[f"{GAN_TRAINER}.model_run"].uri
    verdict = Verdict.load(Path(record.evaluation))
    # A verdict from the cache names these by where the home was when it was written.
    verdict.examples_path = outputs[f"{TRANSFORM}.transformed_examples"].uri
    verdict.judge["path"], verdict.calibration["path"] = (
        outputs[f"{JUDGE_TRAINER}.model"].uri,
        outputs[f"{CALIBRATOR}.calibration"].uri,
    )
    record.verdict = verdict.model_dump(mode="json")
    record.reason = verdict.reason
    if measured := outputs.get(f"{USEFULNESS}.usefulness"):
        useful = Usefulness.load(measured.uri)
        record.usefulness = useful.model_dump(mode="json")
        record.reason = useful.reason if verdict.blessed and not useful.passed else verdict.reason
    pushed = outputs[f"{PUSHER}.pushed_model"].custom_properties
    if pushed["pushed"].int_value:
        record.state = "blessed"
        record.pushed_path, record.pushed_version = (
            pushed["pushed_destination"].string_value,
            int(pushed["pushed_version"].string_value),
        )
    else:
        record.state = "blocked"
        infra = Path(outputs[f"{INFRA_VALIDATOR}.blessing"].uri) / REASON_FILE
        if verdict.blessed and record.reason == verdict.reason and infra.exists():
            record.reason = f"infra validation: {infra.read_text(encoding='utf-8').strip()}"
    try:
        record.pictures = make_pictures(Path(record.training), home.reports / record.run_id)
    except OSError as error:  # Pillow's of a damaged file, too; what is served is served all the same
        log_note(f"no pictures of this run: {first_line(error)}")
