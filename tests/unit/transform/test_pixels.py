"""The pixel path: bytes, images and network values."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from components.shape import ImageShape
from components.transform import executor, pixels
from components.transform.executor import preprocessing_fn
from tests.support.shapes import COLOUR_32, COLOUR_64, GREY_28

CONFIG = {"shape": list(GREY_28), "background": "#ffffff"}


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (7, *GREY_28), dtype=np.uint8)


def example(**features: list) -> bytes:
    lists = {
        name: tf.train.Feature(bytes_list=tf.train.BytesList(value=values))
        if isinstance(values[0], bytes)
        else tf.train.Feature(int64_list=tf.train.Int64List(value=values))
        for name, values in features.items()
    }
    return tf.train.Example(features=tf.train.Features(feature=lists)).SerializeToString()


def transform(encoded: list[bytes], shape: ImageShape = GREY_28, background: str = "#ffffff") -> list[bytes]:
    config = {"shape": list(shape), "background": background}
    function = tf.function(lambda inputs: preprocessing_fn(inputs, config))
    return function({"image": tf.constant(encoded), "label": tf.zeros([len(encoded)], tf.int64)})["image"].numpy().tolist()


def transformed(encoded: tf.Tensor, shape: ImageShape, background: str = "#ffffff") -> np.ndarray:
    """The pixels that one encoded image becomes."""
    return np.frombuffer(transform([encoded.numpy()], shape, background)[0], np.uint8).reshape(shape)


def test_png_becomes_its_own_pixels(images):
    encoded = [tf.io.encode_png(image).numpy() for image in images]
    assert transform(encoded) == [image.tobytes() for image in images]


def test_labels_pass_through():
    image = tf.io.encode_png(np.zeros(GREY_28, np.uint8))
    outputs = preprocessing_fn({"image": tf.stack([image, image]), "label": tf.constant([3, 36], tf.int64)}, CONFIG)
    assert outputs["label"].numpy().tolist() == [3, 36]
    assert outputs["label"].dtype == tf.int64


def test_unlabelled_images_are_one_group():
    image = tf.io.encode_png(np.zeros(GREY_28, np.uint8))
    outputs = preprocessing_fn({"image": tf.stack([image, image])}, CONFIG)
    assert outputs["label"].numpy().tolist() == [0, 0]
    assert outputs["label"].dtype == tf.int64


@pytest.mark.parametrize("shape", [GREY_28, COLOUR_32, COLOUR_64])
def test_what_fits_keeps_its_bits(shape):
    image = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    np.testing.assert_array_equal(transformed(tf.io.encode_png(image), shape), image)


def test_scaling_averages_areas():
    """A pattern finer than the target's pixels becomes its mean, not a coarser pattern: every other way would alias."""
    checks = np.indices((112, 112)).sum(0) % 2 * 200
    found = transformed(tf.io.encode_png(checks[..., None].astype(np.uint8)), GREY_28)
    assert (found == 100).all()
    blocks = np.random.default_rng(2).integers(0, 256, (64, 4, 64, 4, 3))
    found = transformed(tf.io.encode_png(blocks.reshape(256, 256, 3).astype(np.uint8)), COLOUR_64)
    np.testing.assert_allclose(found, blocks.mean((1, 3)), atol=0.51)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("shape", [GREY_28, COLOUR_32])
def test_far_too_large_images_are_shrunk_first(monkeypatch, channels, shape):
    """Which changes nothing where the blocks fit, and next to nothing where they don't: the mean of means is the mean."""
    side = 6 * shape.height
    image = np.random.default_rng(5).integers(0, 256, (side, side + 31, channels), dtype=np.uint8)
    if channels in (2, 4):
        image[..., -1] = 100
    encoded = tf.io.encode_png(image)
    usual = transformed(encoded, shape, "#ff8000")
    monkeypatch.setattr(executor, "_LARGE", 64)
    np.testing.assert_allclose(transformed(encoded, shape, "#ff8000").astype(int), usual, atol=1)


def test_one_image_is_decoded_at_a_time():
    """And all that is made of it on the way."""
    signature = {"image": tf.TensorSpec([None], tf.string), "label": tf.TensorSpec([None], tf.int64)}
    graph = tf.function(lambda inputs: preprocessing_fn(inputs, CONFIG)).get_concrete_function(signature).graph
    loops = [node for node in graph.get_operations() if node.type in ("While", "StatelessWhile")]
    assert [loop.get_attr("parallel_iterations") for loop in loops] == [1]


def test_middle_square_is_kept():
    image = np.zeros((32, 52, 3), np.uint8)
    image[:, 10:42] = 77
    assert (transformed(tf.io.encode_png(image), COLOUR_32) == 77).all()
    assert (transformed(tf.io.encode_png(image.swapaxes(0, 1)), COLOUR_32) == 77).all()


def test_grey_becomes_colour_and_colour_grey():
    grey = np.random.default_rng(3).integers(0, 256, (32, 32, 1), dtype=np.uint8)
    np.testing.assert_array_equal(transformed(tf.io.encode_png(grey), COLOUR_32), np.repeat(grey, 3, axis=2))
    three = np.repeat(np.random.default_rng(4).integers(0, 256, GREY_28, dtype=np.uint8), 3, axis=2)
    np.testing.assert_array_equal(transformed(tf.io.encode_png(three), GREY_28), three[..., :1])
    green = np.zeros((28, 28, 3), np.uint8) + np.array([0, 255, 0], np.uint8)
    assert (transformed(tf.io.encode_png(green), GREY_28) == 150).all()


def test_transparent_pixels_show_the_background():
    image = np.full((32, 32, 4), 10, np.uint8)
    image[..., 3] = 0
    image[:16, :, 3] = 255
    found = transformed(tf.io.encode_png(image), COLOUR_32, "#ff8000")
    assert (found[:16] == 10).all()
    assert (found[16:] == [255, 128, 0]).all()
    half = np.full((28, 28, 2), 0, np.uint8)
    half[..., 1] = 51
    assert (transformed(tf.io.encode_png(half), GREY_28) == 204).all()


def test_other_formats_decode():
    image = np.full((40, 40, 3), 90, np.uint8)
    for encoded in (tf.io.encode_jpeg(image, quality=100), tf.io.encode_png(image)):
        np.testing.assert_allclose(transformed(encoded, COLOUR_32), 90, atol=1)


def test_shape_travels_with_every_example():
    image = tf.io.encode_png(np.zeros((28, 28, 1), np.uint8))
    outputs = preprocessing_fn(
        {"image": tf.stack([image] * 3), "label": tf.zeros([3], tf.int64)}, {"shape": [32, 32, 3], "background": "#000000"}
    )
    assert outputs["shape"].numpy().tolist() == [[32, 32, 3]] * 3
    assert pixels.shape_of(example(image=[b""], shape=[32, 32, 3])) == COLOUR_32
    with pytest.raises(TypeError):
        pixels.shape_of(example(image=[b""]))


def test_cut_image_stops():
    encoded = tf.io.encode_png(np.zeros(GREY_28, np.uint8)).numpy()
    for broken in (encoded[: len(encoded) // 2], b"", b"no image"):
        with pytest.raises(tf.errors.InvalidArgumentError):
            transform([broken])


def test_transformed_examples_parse(images):
    serialized = [example(image=[image.tobytes()], label=[index]) for index, image in enumerate(images)]
    for parse in (pixels.parse_transformed, tf.function(pixels.parse_transformed)):
        parsed, labels = parse(tf.constant(serialized), GREY_28)
        np.testing.assert_array_equal(parsed, images)
        assert labels.numpy().tolist() == list(range(len(images)))
    parsed, labels = pixels.parse_transformed(tf.constant([], tf.string), GREY_28)
    assert (parsed.shape, labels.shape) == ((0, *GREY_28), (0,))


@pytest.mark.parametrize("broken", [{"image": [b"x" * 783], "label": [1]}, {"image": [b"x" * 784]}, {"label": [1]}])
def test_incomplete_example_stops(broken):
    with pytest.raises(tf.errors.InvalidArgumentError):
        pixels.parse_transformed(tf.constant([example(**broken)]), GREY_28)


def test_two_halves_are_not_one_image():
    """Row lengths are checked for themselves, not only their sum."""
    half = example(image=[b"x" * 392], label=[1])
    parse = tf.function(lambda rows: pixels.parse_transformed(rows, GREY_28), input_signature=[tf.TensorSpec([None], tf.string)])
    with pytest.raises((tf.errors.InvalidArgumentError, ValueError)):
        parse(tf.constant([half, half]))


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
