"""Generators with one fault each, as SavedModels."""

from __future__ import annotations

from pathlib import Path

import tensorflow as tf

from tests.support.shapes import GREY_28
from tests.support.tiny_generator import LATENT_SIZE

_LABEL = tf.TensorSpec([None], tf.int64, "label")


class Faulty(tf.Module):
    """A generator with one fault."""

    def __init__(self, fault: str) -> None:
        super().__init__()
        self.fault = fault

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int64, "seed"), _LABEL])
    def sample(self, seed, label):
        image = tf.zeros([tf.shape(seed)[0], *GREY_28], tf.uint8)
        if self.fault == "throws":
            tf.debugging.assert_less(label, tf.constant(-5, tf.int64), "out of ideas")
        if self.fault == "late":  # after the rows that a first look draws
            tf.debugging.assert_less(tf.shape(seed)[0], 17, "out of ideas")
        if self.fault == "shape":
            image = image[:, :14]
        if self.fault == "rows":
            image = image[:1]
        if self.fault == "dtype":
            image = tf.cast(image, tf.float32)
        if self.fault == "hangs":
            label = tf.while_loop(lambda _: tf.constant(True), lambda label: [label + 0], [label])[0]
        if self.fault in ("varied", "nan", "late"):
            image += tf.cast(tf.random.stateless_uniform(tf.shape(image), [1, 2], 0, 255, tf.int32), tf.uint8)
        if self.fault == "labels":
            label = (label + 1) % 3
        outputs = {"picture" if self.fault == "output" else "image": image, "label": label}
        if self.fault == "unlabelled":
            del outputs["label"]
        return outputs

    @tf.function(input_signature=[tf.TensorSpec([None, LATENT_SIZE], tf.float32, "latent"), _LABEL])
    def from_latent(self, latent, label):
        image = tf.zeros([tf.shape(label)[0], *GREY_28])
        return {"image": image * (float("nan") if self.fault == "nan" else 1.0)}


def save_faulty(directory: Path, fault: str) -> str:
    """Save a generator with a fault: throws, shape, rows, dtype, hangs, labels, output, unlabelled, nan, late or
    signature.

    Returns:
        The directory.
    """
    module = Faulty(fault)
    signatures = {"serving_default": module.from_latent} | ({} if fault == "signature" else {"sample": module.sample})
    tf.saved_model.save(module, str(directory), signatures=signatures)
    return str(directory)
