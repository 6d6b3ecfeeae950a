"""The pixel path: bytes, images and network values."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from components.transform import pixels
from components.transform.executor import preprocessing_fn
from serving.repository.contract import IMAGE_SHAPE


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (7, *IMAGE_SHAPE), dtype=np.uint8)


def example(**features: list) -> bytes:
    lists = {
        name: tf.train.Feature(bytes_list=tf.train.BytesList(value=values))
        if isinstance(values[0], bytes)
        else tf.train.Feature(int64_list=tf.train.Int64List(value=values))
        for name, values in features.items()
    }
    return tf.train.Example(features=tf.train.Features(feature=lists)).SerializeToString()


def transform(encoded: list[bytes]) -> list[bytes]:
    function = tf.function(preprocessing_fn)
    return function({"image": tf.constant(encoded), "label": tf.zeros([len(encoded)], tf.int64)})["image"].numpy().tolist()


def test_png_becomes_its_own_pixels(images):
    encoded = [tf.io.encode_png(image).numpy() for image in images]
    assert transform(encoded) == [image.tobytes() for image in images]


def test_labels_pass_through():
    image = tf.io.encode_png(np.zeros(IMAGE_SHAPE, np.uint8))
    outputs = preprocessing_fn({"image": tf.stack([image, image]), "label": tf.constant([3, 36], tf.int64)})
    assert outputs["label"].numpy().tolist() == [3, 36]
    assert outputs["label"].dtype == tf.int64


@pytest.mark.parametrize("shape", [(28, 29, 1), (28, 28, 3), (32, 32, 1), (27, 28, 1)])
def test_wrong_shape_is_named(shape):
    wrong = tf.io.encode_png(np.zeros(shape, np.uint8)).numpy()
    with pytest.raises(
        tf.errors.InvalidArgumentError, match=r"image is\] \[{}x{}x{}\] \[but must be\] \[28x28x1\]".format(*shape)
    ):
        transform([wrong])


def test_cut_image_stops():
    encoded = tf.io.encode_png(np.zeros(IMAGE_SHAPE, np.uint8)).numpy()
    for broken in (encoded[: len(encoded) // 2], b"", b"no image"):
        with pytest.raises(tf.errors.InvalidArgumentError):
            transform([broken])


def test_transformed_examples_parse(images):
    serialized = [example(image=[image.tobytes()], label=[index]) for index, image in enumerate(images)]
    for parse in (pixels.parse_transformed, tf.function(pixels.parse_transformed)):
        parsed, labels = parse(tf.constant(serialized))
        np.testing.assert_array_equal(parsed, images)
        assert labels.numpy().tolist() == list(range(len(images)))
    parsed, labels = pixels.parse_transformed(tf.constant([], tf.string))
    assert (parsed.shape, labels.shape) == ((0, *IMAGE_SHAPE), (0,))


@pytest.mark.parametrize("broken", [{"image": [b"x" * 783], "label": [1]}, {"image": [b"x" * 784]}, {"label": [1]}])
def test_incomplete_example_stops(broken):
    with pytest.raises(tf.errors.InvalidArgumentError):
        pixels.parse_transformed(tf.constant([example(**broken)]))


def test_two_halves_are_not_one_image():
    """Row lengths are checked for themselves, not only their sum."""
    half = example(image=[b"x" * 392], label=[1])
    with pytest.raises((tf.errors.InvalidArgumentError, ValueError)):
        tf.function(pixels.parse_transformed, input_signature=[tf.TensorSpec([None], tf.string)])(tf.constant([half, half]))


def test_scale_and_quantise_are_inverse():
    every = tf.constant(np.arange(256, dtype=np.uint8))
    scaled = pixels.scale(every)
    assert scaled.dtype == tf.float32
    assert (scaled[0], scaled[-1]) == (-1.0, 1.0)
    np.testing.assert_array_equal(pixels.quantise(scaled), every)


def test_quantise_clips_and_takes_half_precision():
    values = tf.constant([-2.0, -1.0, 0.0, 1.0, 7.0])
    assert pixels.quantise(values).numpy().tolist() == [0, 0, 128, 255, 255]
    np.testing.assert_array_equal(pixels.quantise(tf.cast(values, tf.bfloat16)), pixels.quantise(values))
