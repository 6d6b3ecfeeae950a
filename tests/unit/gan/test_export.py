"""The exported SavedModel keeps the serving contract."""

import json

import numpy as np
import pytest
import tensorflow as tf

from components.gan.export import export
from components.gan.input.source import InMemory
from components.gan.training.loop import train
from serving.repository import contract


@pytest.fixture(scope="module", params=["conv", "article"])
def exported(request, images, tmp_path_factory):
    from components.gan.settings import GanSettings

    settings = GanSettings(recipe=request.param, steps=8, batch_size=8, width=8, latent_size=8, checkpoint_every=8)
    directory = tmp_path_factory.mktemp("export")
    state = train(InMemory(*images), 3, settings, directory / "work")
    export(state, directory / "model", "bars_gan", {contract.META_CLASS_NAMES: ["a", "b", "c"]})
    return request.param, state, directory / "model"


def test_the_signatures_are_the_contracts(exported):
    _, _, directory = exported
    signatures = tf.saved_model.load(str(directory)).signatures
    assert set(signatures) == set(contract.SIGNATURES)
    for name in contract.SIGNATURES:
        specs = signatures[name].structured_input_signature[1]
        first = contract.INPUT_LATENT if name == contract.SIGNATURE_DEFAULT else contract.INPUT_SEED
        assert set(specs) == {first, contract.INPUT_LABEL}
        assert all(spec.shape[0] is None for spec in specs.values())


def test_it_answers_alike_where_the_graph_is_loaded_without_its_python_objects(exported):
    """As TensorFlow Serving loads it: it restores the variables that the graph's saver names, whatever the signatures read."""
    _, state, directory = exported
    seeds = {"seed": np.arange(3), "label": np.array([0, 1, -1])}
    latents = {"latent": np.ones((3, state.settings.latent_size), np.float32), "label": np.array([0, 1, 2])}
    given = {name: latents if name == contract.SIGNATURE_DEFAULT else seeds for name in contract.SIGNATURES}
    objects = tf.saved_model.load(str(directory)).signatures
    expected = {name: objects[name](**{alias: tf.constant(value) for alias, value in given[name].items()}) for name in given}
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        graph = tf.compat.v1.saved_model.load(session, [tf.saved_model.SERVING], str(directory))
        for name, inputs in given.items():
            signature = graph.signature_def[name]
            fetches = {alias: info.name for alias, info in signature.outputs.items()}
            answer = session.run(fetches, {signature.inputs[alias].name: value for alias, value in inputs.items()})
            for alias, value in expected[name].items():
                np.testing.assert_array_equal(answer[alias], value.numpy())


def test_a_row_is_the_same_in_any_batch(exported):
    recipe, _, directory = exported
    sample = tf.saved_model.load(str(directory)).signatures[contract.SIGNATURE_SAMPLE]
    seeds = tf.range(300, dtype=tf.int64) * 7919
    labels = tf.where(seeds % 4 == 3, tf.constant(-1, tf.int64), seeds % 4)
    whole = sample(seed=seeds, label=labels)
    for size in (1, 2, 7, 64):
        parts = [sample(seed=seeds[i : i + size], label=labels[i : i + size]) for i in range(0, 300, size)]
        for key in whole:
            np.testing.assert_array_equal(np.concatenate([part[key] for part in parts]), whole[key])
    expected = np.where(labels < 0, whole[contract.OUTPUT_LABEL], labels) if recipe == "conv" else np.full(300, -1)
    np.testing.assert_array_equal(whole[contract.OUTPUT_LABEL], expected)


def test_png_and_uint8_show_the_same_image(exported):
    _, _, directory = exported
    signatures = tf.saved_model.load(str(directory)).signatures
    inputs = {"seed": tf.constant([5, 6], tf.int64), "label": tf.constant([1, 2], tf.int64)}
    images = signatures[contract.SIGNATURE_SAMPLE](**inputs)[contract.OUTPUT_IMAGE]
    pngs = signatures[contract.SIGNATURE_SAMPLE_PNG](**inputs)[contract.OUTPUT_PNG]
    for image, png in zip(images, pngs, strict=True):
        np.testing.assert_array_equal(tf.io.decode_png(png), image)


def test_a_class_that_does_not_exist_is_refused(exported):
    _, _, directory = exported
    sample = tf.saved_model.load(str(directory)).signatures[contract.SIGNATURE_SAMPLE]
    for label in (3, -2):
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"label must be in 0\.\.2"):
            sample(seed=tf.constant([1], tf.int64), label=tf.constant([label], tf.int64))


def test_the_reloaded_generator_draws_what_the_trained_one_drew(exported):
    _, state, directory = exported
    latent = state.recipe.draw_latents(tf.range(4, dtype=tf.int64), 8)
    label = tf.constant([0, 1, 2, 0], tf.int64)
    served = tf.saved_model.load(str(directory)).signatures[contract.SIGNATURE_DEFAULT](latent=latent, label=label)
    np.testing.assert_allclose(served[contract.OUTPUT_IMAGE], state.ema_generator([latent, label]), atol=1e-5)


def test_metadata_and_warm_up_requests_are_there(exported):
    from tensorflow_serving.apis import prediction_log_pb2

    _, _, directory = exported
    assert json.loads((directory / contract.METADATA_FILE).read_text())[contract.META_CLASS_NAMES] == ["a", "b", "c"]
    logs = [
        prediction_log_pb2.PredictionLog.FromString(raw.numpy())
        for raw in tf.data.TFRecordDataset(str(directory / contract.WARMUP_FILE))
    ]
    assert {log.predict_log.request.model_spec.signature_name for log in logs} == set(contract.SIGNATURES)
    assert {log.predict_log.request.model_spec.name for log in logs} == {"bars_gan"}


def test_a_generator_of_unlabelled_images_chooses_and_answers_no_class(images, tmp_path):
    from components.gan.settings import GanSettings

    settings = GanSettings(steps=8, batch_size=8, width=8, latent_size=8, checkpoint_every=8)
    state = train(InMemory(images[0], np.zeros(600, np.int64)), 1, settings, tmp_path / "work")
    export(state, tmp_path / "model", "bars_gan", {contract.META_CLASS_NAMES: []}, conditional=False)
    signatures = tf.saved_model.load(str(tmp_path / "model")).signatures
    seeds, any_label = tf.range(6, dtype=tf.int64), tf.fill([6], tf.constant(-1, tf.int64))
    drawn = signatures[contract.SIGNATURE_SAMPLE](seed=seeds, label=any_label)
    assert drawn[contract.OUTPUT_LABEL].numpy().tolist() == [-1] * 6
    latents = signatures[contract.SIGNATURE_LATENT](seed=seeds, label=any_label)
    assert latents[contract.OUTPUT_LABEL].numpy().tolist() == [-1] * 6
    again = signatures[contract.SIGNATURE_DEFAULT](latent=latents[contract.OUTPUT_LATENT], label=any_label)
    pixels = np.round((again[contract.OUTPUT_IMAGE].numpy() + 1) * 127.5)
    assert np.abs(pixels - drawn[contract.OUTPUT_IMAGE].numpy()).max() <= 1
    with pytest.raises(tf.errors.InvalidArgumentError, match="unlabelled images and has no classes: label must be -1"):
        signatures[contract.SIGNATURE_SAMPLE](seed=seeds, label=tf.fill([6], tf.constant(1, tf.int64)))
