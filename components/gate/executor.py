"""The executor of Gate: the stock Evaluator between a first look at the generator and the writing of the verdict."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow_model_analysis.proto import config_pb2
from tfx import types
from tfx.components.evaluator import constants
from tfx.components.evaluator import executor as stock
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import io_utils, json_utils, path_utils, proto_utils

from components.artifacts import ArtifactLists
from components.baseline.executor import DIGEST_PROPERTY, EMPTY_PROPERTY, VERSION_PROPERTY
from components.classes import group_count
from components.gate.calibration.record import Calibration
from components.gate.combiners.rows import shared_eyes, shared_reference, shared_train_reference
from components.gate.drawing.probe import Probe, probe_generator
from components.gate.drawing.showcase import make_showcase
from components.gate.tfma.eval_config import bind, metric_options
from components.gate.tfma.results import read_verdict
from components.gate.verdict.best import read_best
from components.gate.verdict.verdict import FAULTY, FIGURE_PREFIX, LOSES_CLASSES, Best, Verdict, comparison_of
from components.judge.features import load_record
from components.progress import log_note
from components.shape import ImageShape
from components.transform.examples import example_files, read_examples, read_shape
from serving.repository import contract
from serving.repository.errors import UserError
from serving.repository.metadata import metadata_or_nothing

JUDGE_KEY, CALIBRATION_KEY = "judge", "calibration"
_SHOWCASE_EXAMPLES = 2000  # real images that the showcase chooses from


class Executor(stock.Executor):
    """The stock executor between a first look at the generator and the writing of the verdict."""

    def Do(self, input_dict: ArtifactLists, output_dict: ArtifactLists, exec_properties: dict[str, Any]) -> None:
        """Judge a generator; one that can't be judged is refused, only a broken judge or data stop the run.

        Args:
            input_dict: examples, model, baseline_model (may be marked empty), judge, calibration.
            output_dict: evaluation, which also holds verdict.json; blessing.
            exec_properties: The stock Evaluator's.

        Raises:
            UserError: The judge can't be loaded, or what is served has other classes.
        """
        judge = artifact_utils.get_single_uri(input_dict[JUDGE_KEY])
        # Before the long evaluation; the metrics, in this process or another, find them again.
        shared_eyes(judge)
        place = artifact_utils.get_single_uri(input_dict[CALIBRATION_KEY])
        shared_train_reference(place)
        calibration = Calibration.load(place)
        reference, record = shared_reference(judge), load_record(judge)
        model = artifact_utils.get_single_instance(input_dict[standard_component_specs.MODEL_KEY])
        eval_config = config_pb2.EvalConfig()
        proto_utils.json_to_proto(exec_properties[standard_component_specs.EVAL_CONFIG_KEY], eval_config)
        options = metric_options(eval_config)
        class_names, timeout_s = options["class_names"], options["draw_timeout_s"]
        patterns = _example_patterns(input_dict, exec_properties)
        shape = read_shape(example_files(patterns))
        served, of_served = _usable_baseline(input_dict, class_names, timeout_s, shape)
        compared = None if options["force_baseline"] else served
        candidate = path_utils.serving_model_path(model.uri)
        probe = probe_generator(candidate, group_count(class_names), timeout_s, shape=shape)
        if probe.problem:
            verdict = Verdict(blessed=False, reason=f"the generator cannot be judged: {probe.problem}", causes=[FAULTY])
        else:
            sizes = reference.features.shape[1], reference.second.shape[1]
            known = {
                "conditional": probe.conditional,
                "compared": compared is not None,
                "compared_by_class": of_served.conditional,
            }
            bind(eval_config, judge, place, sizes, _count_examples(patterns), accuracy=record["accuracy"], **known)
            inputs = {key: value for key, value in input_dict.items() if key not in (JUDGE_KEY, CALIBRATION_KEY)}
            inputs[standard_component_specs.BASELINE_MODEL_KEY] = [compared] if compared else []
            properties = exec_properties | {standard_component_specs.EVAL_CONFIG_KEY: proto_utils.proto_to_json(eval_config)}
            super().Do(inputs, output_dict, properties)
            verdict = read_verdict(
                _evaluation(output_dict),
                eval_config,
                class_names,
                calibration,
                conditional=probe.conditional,
                has_baseline=compared is not None,
                judge=record["digest"],
                best=_best_of(compared, record["digest"]),
            )
            if compared and of_served.conditional and not probe.conditional:
                _refuse_without_classes(verdict)
            shown = path_utils.serving_model_path(served.uri) if served else None
            images, labels = read_examples(patterns, _SHOWCASE_EXAMPLES)
            make_showcase(_evaluation(output_dict), judge, images, labels, group_count(class_names), candidate, shown, timeout_s)
        verdict.judge = {"accuracy": record["accuracy"], "digest": record["digest"], "path": judge}
        verdict.calibration = {"path": place, "images": calibration.images}
        verdict.second_judge = _second_judge(verdict, record)
        verdict.examples_path = artifact_utils.get_single_uri(input_dict[standard_component_specs.EXAMPLES_KEY])
        verdict.baseline_note, verdict.forced_baseline = of_served.problem, bool(served and not compared)
        for chosen in input_dict.get(standard_component_specs.BASELINE_MODEL_KEY) or []:
            verdict.served_version = chosen.get_string_custom_property(VERSION_PROPERTY)
            verdict.served_digest = chosen.get_string_custom_property(DIGEST_PROPERTY)
        if compared:
            verdict.baseline_version, verdict.baseline_digest = verdict.served_version, verdict.served_digest
        verdict.save(_evaluation(output_dict))
        _record(artifact_utils.get_single_instance(output_dict[standard_component_specs.EVALUATION_KEY]), verdict)
        _settle_blessing(output_dict, verdict, model)
        log_note(f"the gate {'blesses' if verdict.blessed else 'refuses'} the generator: {verdict.reason}")


def _best_of(baseline: types.Artifact | None, judge: str) -> Best | None:
    """Read what was best up to the baseline, from its own metadata."""
    if baseline is None:
        return None
    metadata = metadata_or_nothing(Path(path_utils.serving_model_path(baseline.uri)))
    return read_best(metadata.get(contract.META_GATE), judge)


def _second_judge(verdict: Verdict, record: dict[str, Any]) -> dict[str, Any]:
    """Say what the second judge found, and whether it agrees with the verdict of the first one's figures."""
    checks = [check for check in verdict.checks if check.metric.startswith("second_")]
    others = [check for check in verdict.checks if not check.metric.startswith("second_")]
    content = all(check.passed for check in checks)
    return {
        "name": "autoencoder",
        "quality": record["explained"],
        "digest": record["digest"],
        "frechet_ratio": verdict.figures.get("second_frechet_ratio"),
        "agreed": content == all(check.passed for check in others) if checks else None,
    }


def _record(evaluation: types.Artifact, verdict: Verdict) -> None:
    """Leave the verdict in MLMD too: the history outlives the files."""
    evaluation.set_int_custom_property("blessed", int(verdict.blessed))
    texts = {
        "reason": verdict.reason,
        "comparison": comparison_of(verdict),
        "baseline_version": verdict.baseline_version,
        "judge_digest": verdict.judge["digest"],
    }
    for name, text in texts.items():
        evaluation.set_string_custom_property(name, text)
    evaluation.set_int_custom_property("examples", verdict.examples)
    for name, value in verdict.figures.items():
        if value is not None:
            evaluation.set_float_custom_property(f"{FIGURE_PREFIX}{name}", float(value))


def _usable_baseline(
    input_dict: ArtifactLists, class_names: list[str], timeout_s: float, shape: ImageShape
) -> tuple[types.Artifact | None, Probe]:
    """Look whether there is a baseline to compare with.

    A served version that can't be drawn from is no reason to keep a good generator from replacing it: it counts as none, and the
    verdict says so. One with other classes means that the serving directory is another dataset's.

    Returns:
        The baseline (None for none), and what a first look at it showed: `problem` says why a served version is left out.
    """
    artifacts = input_dict.get(standard_component_specs.BASELINE_MODEL_KEY) or []
    if not artifacts or artifacts[0].get_int_custom_property(EMPTY_PROPERTY):
        return None, Probe("")
    path = path_utils.serving_model_path(artifacts[0].uri)
    version = artifacts[0].get_string_custom_property(VERSION_PROPERTY)
    metadata = metadata_or_nothing(Path(path))
    names = metadata.get(contract.META_CLASS_NAMES, class_names)
    if names != class_names:
        raise UserError(
            f"the served version {version} is a generator of {metadata.get(contract.META_DATASET)!r} with other classes: "
            "serve this dataset from another directory, or remove that version"
        )
    probe = probe_generator(path, group_count(class_names), timeout_s, shape=shape)
    if probe.problem:
        return None, Probe(f"version {version} is not compared with: {probe.problem}")
    return artifacts[0], probe


def _refuse_without_classes(verdict: Verdict) -> None:
    """Refuse a generator that draws any class where clients of what is served ask for one and get it."""
    verdict.causes = [LOSES_CLASSES, *verdict.causes]
    why = (
        f"{LOSES_CLASSES}: what is served draws the class that it is asked for, this generator doesn't "
        "(gate.force_baseline=true lets it)"
    )
    verdict.reason = why if verdict.blessed else f"{why}; {verdict.reason}"
    verdict.blessed = False


def _example_patterns(input_dict: ArtifactLists, exec_properties: dict[str, Any]) -> list[str]:
    """Name the files of the evaluated splits."""
    artifacts = input_dict[standard_component_specs.EXAMPLES_KEY]
    splits = json_utils.loads(exec_properties[standard_component_specs.EXAMPLE_SPLITS_KEY])
    folders = [uri for split in splits for uri in artifact_utils.get_split_uris(artifacts, split)]
    return [io_utils.all_files_pattern(folder) for folder in folders]


def _count_examples(patterns: list[str]) -> int:
    files = [file for pattern in patterns for file in tf.io.gfile.glob(pattern)]
    return sum(1 for _ in tf.data.TFRecordDataset(files, compression_type="GZIP"))


def _evaluation(output_dict: ArtifactLists) -> str:
    return artifact_utils.get_single_uri(output_dict[standard_component_specs.EVALUATION_KEY])


def _settle_blessing(output_dict: ArtifactLists, verdict: Verdict, model: types.Artifact) -> None:
    """Make the blessing say what the verdict says; the stock executor leaves it open where it didn't run or saw no threshold."""
    blessing = artifact_utils.get_single_instance(output_dict[standard_component_specs.BLESSING_KEY])
    blessed_file = os.path.join(blessing.uri, constants.BLESSED_FILE_NAME)
    if verdict.blessed:
        if not tf.io.gfile.exists(blessed_file):
            raise RuntimeError("the verdict blesses but the Evaluator does not")
        return
    if tf.io.gfile.exists(blessed_file):
        tf.io.gfile.remove(blessed_file)
    io_utils.write_string_file(os.path.join(blessing.uri, constants.NOT_BLESSED_FILE_NAME), "")
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY, constants.NOT_BLESSED_VALUE)
    blessing.set_string_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_URI_KEY, model.uri)
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY, model.id)
