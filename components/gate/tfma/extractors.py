"""TFMA extractors: for each real image, draw the generators' samples and look at all of them through the judge."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import apache_beam as beam
import numpy as np
import tensorflow as tf
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.extractors import features_extractor

from components.gate.combiners.keys import content_keys, within
from components.gate.combiners.rows import look, shared_eyes
from components.gate.drawing.draw import draw
from components.gate.tfma.eval_config import metric_options
from components.progress import report_progress
from components.transform.pixels import LABEL_KEY, parse_transformed, shape_of

# Keys of the extracts that the metrics read: views of the real images with their labels and keys, and below each model's name
# views of its samples with the images, the answered labels and faults.
REAL, DRAWN, VIEW, IMAGE, LABEL, KEY, ANSWERED, FAULT = "real", "drawn", "view", "image", "label", "key", "answered", "fault"
# Below a model's name where there are two: features of both judges, [N, draws, D] and [N, draws, E], of all that was drawn.
COMPARED = "compared"
_MEASURED = ("features", "second", "nearest", "residual", "code", "closeness")  # of a view: not-a-number after a fault
_LOGGER = logging.getLogger(__name__)


def custom_extractors(eval_shared_model: Any, eval_config: Any, tensor_adapter_config: Any) -> list[Any]:
    """Make the extractors; the name and the arguments are the stock Evaluator's.

    Args:
        eval_shared_model: TFMA's model, or the list of candidate and baseline.
        eval_config: The configuration whose metrics name the judge.
        tensor_adapter_config: Not needed: examples go through the one pixel path.
    """
    del tensor_adapter_config
    models = eval_shared_model if isinstance(eval_shared_model, list) else [eval_shared_model]
    options = metric_options(eval_config)
    paths = {model.model_name: model.model_path for model in models}
    draws = options["comparison_draws"] if len(paths) > 1 else 1
    chosen = options["fraction"], options["images"]
    draw_and_look = beam.ParDo(DrawAndLook(options["judge"], paths, *chosen, draws, options["draw_timeout_s"]))
    return [
        features_extractor.FeaturesExtractor(eval_config),
        tfma.extractors.Extractor(stage_name="DrawAndLook", ptransform=draw_and_look),
        tfma.extractors.UnbatchExtractor(),
        tfma.extractors.SliceKeyExtractor(eval_config=eval_config, materialize=False),
    ]


class DrawAndLook(beam.DoFn):
    """From a batch of serialized examples to features of the real images and of each generator's samples.

    A row's latent is seeded by the content of its real image: candidate and baseline draw paired samples, and neither the
    order of the rows nor their grouping matters.
    """

    def __init__(self, judge: str, models: dict[str, str], fraction: float, images: int, draws: int, timeout_s: float) -> None:
        """Set up.

        Args:
            judge: The judge artifact's directory.
            models: SavedModel directories by TFMA's model name.
            fraction: Share of the examples to use, chosen by content.
            images: About how many these are.
            draws: Samples for each real image; what is beyond the first only serves the comparison of two models.
            timeout_s: Seconds that one batch may take a generator.
        """
        super().__init__()
        self._judge, self._models, self._fraction, self._images = judge, models, fraction, images
        self._draws, self._timeout_s = draws, timeout_s

    def setup(self) -> None:
        """Begin to count: the local engine has one worker, in the process that shows the run's progress."""
        self._looked = 0

    def process(self, extracts: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Draw and look; a generator's fault is recorded in its rows, whose features become not-a-number."""
        shape = shape_of(extracts[tfma.INPUT_KEY][0])
        parsed = parse_transformed(tf.constant(extracts[tfma.INPUT_KEY]), shape)
        images, labels = (tensor.numpy() for tensor in parsed)
        keys = content_keys(images)
        chosen = within(keys, self._fraction)
        images, labels, keys = images[chosen], labels[chosen], keys[chosen]
        if not len(labels):
            return
        eyes = shared_eyes(self._judge)
        drawn = {}
        for name, path in self._models.items():
            samples = [draw(path, keys ^ number, labels, self._timeout_s, shape=shape) for number in range(self._draws)]
            # Whether what is served copies train images was settled when it was pushed.
            view = look(eyes, samples[0].images, copies=name != tfma.BASELINE_KEY)
            others = [
                (eyes.judge.features(sample.images)[0], eyes.judge.second_features(sample.images)) for sample in samples[1:]
            ]
            columns = [np.stack(column, axis=1) for column in zip(view[:2], *others, strict=True)]
            sample = max(samples, key=lambda sample: sample.fault)
            if sample.fault:
                _LOGGER.warning("drawing from %s: %s %s", path, sample.fault.text, sample.detail)
                view = view._replace(**{name: np.full_like(getattr(view, name), np.nan) for name in _MEASURED})
                columns = [np.full_like(column, np.nan) for column in columns]
            drawn[name or tfma.CANDIDATE_KEY] = {
                VIEW: view._asdict(),
                IMAGE: samples[0].images,
                COMPARED: dict(zip(("features", "second"), columns, strict=True)),
                ANSWERED: sample.answered,
                FAULT: np.full(len(labels), int(sample.fault)),
            }
        self._looked += len(labels)
        report_progress("looking at generated images", self._looked, max(self._images, self._looked), "images")
        yield {
            tfma.FEATURES_KEY: {LABEL_KEY: labels},  # what TFMA slices by
            REAL: {VIEW: look(eyes, images, copies=False)._asdict(), LABEL: labels, KEY: keys},
            DRAWN: drawn,
        }
