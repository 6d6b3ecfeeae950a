"""TFMA extractors: for each real image, draw the generators' samples and look at all of them through the judge."""

from __future__ import annotations

import functools
import hashlib
import logging
from collections.abc import Iterator
from typing import Any

import apache_beam as beam
import numpy as np
import tensorflow as tf
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.extractors import features_extractor

from components.gate.drawing import draw
from components.gate.eval_config import metric_options
from components.judge.features import Judge, load_judge
from components.transform.pixels import LABEL_KEY, parse_transformed

# Keys of the extracts that the metrics read. `facts` are int64 [N, 2]: label and key of the real image; those below a model's
# name are int64 [N, 3]: class that the judge sees, answered label, fault.
REAL, DRAWN, LOOK, FACTS = "real", "drawn", "look", "facts"
_LOGGER = logging.getLogger(__name__)
_KEY_BITS = 63  # keys are >= 0 and fit an int64, as `sample`'s seeds do


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
    look = beam.ParDo(
        DrawAndLook(options["judge"], {model.model_name: model.model_path for model in models}, options["fraction"])
    )
    return [
        features_extractor.FeaturesExtractor(eval_config),
        tfma.extractors.Extractor(stage_name="DrawAndLook", ptransform=look),
        tfma.extractors.UnbatchExtractor(),
        tfma.extractors.SliceKeyExtractor(eval_config=eval_config, materialize=False),
    ]


def content_keys(images: np.ndarray) -> np.ndarray:
    """Hash images uint8 [N, 28, 28, 1] by content: int64 [N] in 0..2^63-1, the same wherever and whenever an image is met."""
    digests = (hashlib.blake2b(image.tobytes(), digest_size=8).digest() for image in images)
    return np.array([int.from_bytes(digest, "big") % 2**_KEY_BITS for digest in digests], np.int64)


class DrawAndLook(beam.DoFn):
    """From a batch of serialized examples to features of the real images and of each generator's samples.

    A row's latent is seeded by the content of its real image: candidate and baseline draw paired samples, and neither the
    order of the rows nor their grouping matters.
    """

    def __init__(self, judge: str, models: dict[str, str], fraction: float) -> None:
        """Set up.

        Args:
            judge: The judge artifact's directory.
            models: SavedModel directories by TFMA's model name.
            fraction: Share of the examples to use, chosen by content.
        """
        super().__init__()
        self._judge_path, self._models, self._fraction = judge, models, fraction
        self._judge: Judge | None = None

    def setup(self) -> None:
        """Load the judge once a worker."""
        self._judge = _shared_judge(self._judge_path)

    def process(self, extracts: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Draw and look; a generator's fault is recorded in its rows, whose features become not-a-number."""
        parsed = parse_transformed(tf.constant(extracts[tfma.INPUT_KEY]))
        images, labels = (tensor.numpy() for tensor in parsed)
        keys = content_keys(images)
        chosen = keys < self._fraction * 2.0**_KEY_BITS
        images, labels, keys = images[chosen], labels[chosen], keys[chosen]
        if not len(labels):
            return
        drawn = {}
        for name, path in self._models.items():
            sample = draw(path, keys, labels)
            features, probabilities = self._judge.features(sample.images)
            if sample.fault:
                _LOGGER.warning("drawing from %s: %s %s", path, sample.fault.text, sample.detail)
                features = np.full_like(features, np.nan)
            facts = np.stack([probabilities.argmax(1), sample.answered, np.full(len(labels), int(sample.fault))], axis=1)
            drawn[name or tfma.CANDIDATE_KEY] = {LOOK: features, FACTS: facts.astype(np.int64)}
        yield {
            tfma.FEATURES_KEY: {LABEL_KEY: labels},  # what TFMA slices by
            REAL: {LOOK: self._judge.features(images)[0], FACTS: np.stack([labels, keys], axis=1)},
            DRAWN: drawn,
        }


@functools.lru_cache(maxsize=2)
def _shared_judge(path: str) -> Judge:
    return load_judge(path)
