"""Train the judge: a pure function from images and labels to a network."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from components.judge.fit import fit, require_images
from components.judge.network import build_network
from components.judge.settings import JudgeSettings
from components.shape import ImageShape
from components.transform.pixels import scale
from serving.repository.errors import UserError

_SHIFTED_SIDE = 28  # pixels of an image that is shifted by `max_shift`; larger ones are shifted further


def train_judge(
    images: np.ndarray, labels: np.ndarray, settings: JudgeSettings | None = None, classes: int | None = None
) -> keras.Model:
    """Train a judge.

    The result depends on the arguments alone: on one machine type the same seed gives the same weights, bit for bit on a CPU.

    Args:
        images: uint8 [N, H, W, C].
        labels: int64 [N] in 0..C-1.
        settings: The knobs; the defaults if not given.
        classes: Number of classes C; the largest label + 1 if not given.

    Returns:
        Network from float32 [N, H, W, C] in [-1, 1] to (features float32 [N, D], logits float32 [N, C]).

    Raises:
        UserError: There are no images, labels are out of range, or the loss is no longer a finite number.
    """
    settings = settings or JudgeSettings()
    require_images(images)
    classes = classes or int(labels.max()) + 1
    if labels.min() < 0 or labels.max() >= classes:
        raise UserError(f"labels span {labels.min()}..{labels.max()} but {classes} classes are named: mend the data or the names")
    network = build_network(classes, settings.feature_size, settings.seed, ImageShape(*images.shape[1:]))
    fit(
        network,
        _optimizer(settings),
        _loss(network, images, labels, settings),
        _batches(len(images), settings),
        name="judge",
        mend=f"lower its learning_rate ({settings.learning_rate})",
    )
    return network


def _batches(count: int, settings: JudgeSettings) -> np.ndarray:
    """Indices int32 [steps, batch]: whole passes in random order, one after the other."""
    rng = np.random.default_rng(settings.seed)
    wanted = settings.steps * settings.batch_size
    passes = [rng.permutation(count).astype(np.int32) for _ in range(-(-wanted // count))]
    return np.concatenate(passes)[:wanted].reshape(settings.steps, settings.batch_size)


def _optimizer(settings: JudgeSettings) -> keras.optimizers.Optimizer:
    warmup = settings.steps // 10
    rate = keras.optimizers.schedules.CosineDecay(
        settings.learning_rate / 10, settings.steps - warmup, warmup_target=settings.learning_rate, warmup_steps=warmup
    )
    return keras.optimizers.AdamW(rate, weight_decay=1e-3, beta_2=0.99)


def _loss(
    network: keras.Model, images: np.ndarray, labels: np.ndarray, settings: JudgeSettings
) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    """Return the cross-entropy of randomly shifted images, as `fit` takes it."""
    height, width = images.shape[1:3]
    shift = round(settings.max_shift * height / _SHIFTED_SIDE)
    # Padding once makes a shift a plain gather.
    padding = ((0, 0), (shift, shift), (shift, shift), (0, 0))
    padded = tf.constant(np.pad(images, padding, mode="constant" if _on_black(images) else "edge"))
    truth = tf.constant(labels, tf.int64)

    def shifted(chosen: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
        shape, seed = tf.stack([2, tf.shape(chosen)[0], 1]), tf.stack([settings.seed, step])
        offset = tf.random.stateless_uniform(shape, seed, 0, 2 * shift + 1, tf.int32)
        rows = tf.gather(tf.gather(padded, chosen), offset[0] + tf.range(height), axis=1, batch_dims=1)
        return tf.gather(rows, offset[1] + tf.range(width), axis=2, batch_dims=1)

    def loss(chosen: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
        _, logits = network(scale(shifted(chosen, step)), training=True)
        return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.gather(truth, chosen), logits=logits))

    return loss


def _on_black(images: np.ndarray) -> bool:
    """Tell whether the images are drawn on black, as digits are: most of their border is; photographs go on beyond theirs."""
    border = [images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]]
    return float(np.mean([(side == 0).mean() for side in border])) > 0.5
