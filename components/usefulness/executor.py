"""The executor of Usefulness: draws from the generator, measures, and passes the gate's blessing on."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from tfx import types
from tfx.components.evaluator import constants
from tfx.components.util import model_utils
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import io_utils, path_utils

from components.artifacts import ArtifactLists
from components.gate.drawing.draw import draw
from components.ingest.settings import EVAL_SPLIT, TRAIN_SPLIT
from components.progress import log_note, report_progress
from components.usefulness.measure import Images, RealImages, held_to_limits, measure
from components.usefulness.result import Usefulness
from components.usefulness.settings import UsefulnessSettings

SETTINGS_KEY, CLASSES_KEY, DRAW_TIMEOUT_KEY, CODE_HASH_KEY = "settings", "classes", "draw_timeout_s", "code_hash"
USEFULNESS_KEY = "usefulness"
_DRAWN_AT_ONCE = 500


class Executor(base_executor.BaseExecutor):
    """Draws as many images as there are real ones to compare with, and trains on both."""

    def Do(self, input_dict: ArtifactLists, output_dict: ArtifactLists, exec_properties: dict[str, Any]) -> None:
        """Measure a generator.

        Args:
            input_dict: examples, model, model_blessing (the gate's).
            output_dict: usefulness, which holds usefulness.json; blessing, the gate's unless a limit is missed.
            exec_properties: settings (JSON), classes, draw_timeout_s, code_hash.

        Raises:
            UserError: There are no images, or a training's loss is no longer a finite number.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        settings = UsefulnessSettings.model_validate_json(exec_properties[SETTINGS_KEY])
        examples = input_dict[standard_component_specs.EXAMPLES_KEY]
        train, test = (
            io_utils.all_files_pattern(artifact_utils.get_split_uri(examples, split)) for split in (TRAIN_SPLIT, EVAL_SPLIT)
        )
        real = RealImages.read(train, test, settings)
        model = artifact_utils.get_single_instance(input_dict[standard_component_specs.MODEL_KEY])
        path = path_utils.serving_model_path(model.uri)
        seeds, labels = real.wanted(settings)
        drawn = _drawn(path, seeds, labels, exec_properties[DRAW_TIMEOUT_KEY], real.images.shape[1:])
        if isinstance(drawn, str):
            none = Usefulness(left_out=f"usefulness is left out: {drawn}", seed=settings.seed, steps=settings.steps)
            found = held_to_limits(none, settings)
        else:
            found = measure(real, drawn, exec_properties[CLASSES_KEY], settings)
        found.save(artifact_utils.get_single_uri(output_dict[USEFULNESS_KEY]))
        for line in [*found.lines(), *([found.reason] if found.reason else [])]:
            log_note(line)
        gate = artifact_utils.get_single_instance(input_dict[standard_component_specs.MODEL_BLESSING_KEY])
        blessing = artifact_utils.get_single_instance(output_dict[standard_component_specs.BLESSING_KEY])
        _mark(blessing, model, blessed=model_utils.is_model_blessed(gate) and found.passed)


def _drawn(path: str, seeds: np.ndarray, labels: np.ndarray, timeout_s: float, shape: tuple[int, ...]) -> Images | str:
    """Draw an image a row; what the generator does wrong comes back in words."""
    images, answered = [], []
    for start in range(0, len(seeds), _DRAWN_AT_ONCE):
        rows = slice(start, start + _DRAWN_AT_ONCE)
        part = draw(path, seeds[rows], labels[rows], timeout_s, shape=shape)
        if part.fault:
            return ": ".join(filter(None, (part.fault.text, part.detail)))
        images.append(part.images)
        answered.append(part.answered)
        report_progress("drawing images to learn from", min(rows.stop, len(seeds)), len(seeds), "images")
    return np.concatenate(images), np.concatenate(answered)


def _mark(blessing: types.Artifact, model: types.Artifact, *, blessed: bool) -> None:
    """Mark a blessing as the stock Evaluator does."""
    name = constants.BLESSED_FILE_NAME if blessed else constants.NOT_BLESSED_FILE_NAME
    io_utils.write_string_file(os.path.join(blessing.uri, name), "")
    value = constants.BLESSED_VALUE if blessed else constants.NOT_BLESSED_VALUE
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY, value)
    blessing.set_string_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_URI_KEY, model.uri)
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY, model.id)
