"""The checks of infra validation, on models that break the contract in one place each."""

import functools
import json
import shutil

import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from components.infra_validate.replay import ContractError, check_model
from serving.repository import contract
from tests.support.tiny_generator import LATENT_SIZE, build_tiny_generator, write_warmup

_SEEDS = tf.TensorSpec([None], tf.int64, contract.INPUT_SEED)
_LABELS = tf.TensorSpec([None], tf.int64, contract.INPUT_LABEL)
_LATENTS = tf.TensorSpec([None, LATENT_SIZE], tf.float32, contract.INPUT_LATENT)


@pytest.mark.parametrize("conditional", [True, False])
def test_a_generator_by_the_contract(tmp_path, conditional):
    assert check_model(build_tiny_generator(tmp_path / "m", conditional=conditional, num_classes=3)) == 8


def _rebuilt(tiny, directory, **replaced):
    """The tiny generator with some signatures replaced by a function of (model, first input, labels), or left out by None."""
    shutil.copytree(tiny, directory)
    model = tf.saved_model.load(str(tiny))
    signatures = {"serving_default": model.from_latent, "sample": model.sample, "sample_png": model.sample_png}
    signatures["latent"] = model.latent
    for name, function in replaced.items():
        if function is None:
            del signatures[name]
            continue
        specs = [_LATENTS if name == "serving_default" else _SEEDS, _LABELS]
        signatures[name] = tf.function(functools.partial(function, model), input_signature=specs)
    module = tf.Module()
    module.model, module.functions = model, list(signatures.values())
    tf.saved_model.save(module, str(directory), signatures=signatures)
    return directory


def _refused(directory, says):
    with pytest.raises(ContractError, match=says):
        check_model(directory)


def test_variables_that_no_saver_restores(tiny, tmp_path):
    """It runs where Python's objects are loaded with it, and nowhere else."""
    shutil.copytree(tiny, tmp_path / "m")
    path = tmp_path / "m" / contract.SAVED_MODEL_FILE
    model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    (graph,) = model.meta_graphs
    (nothing,) = [node.name for node in graph.graph_def.node if node.op == "NoOp"]
    graph.saver_def.restore_op_name = nothing
    path.write_bytes(model.SerializeToString())
    assert tf.saved_model.load(str(tmp_path / "m")).signatures
    _refused(tmp_path / "m", "TensorFlow Serving could not run sample: .*Could not find (variable|resource)")


def test_a_missing_signature(tiny, tmp_path):
    _refused(_rebuilt(tiny, tmp_path / "m", sample_png=None), "signature sample_png is missing")


def test_another_dtype(tiny, tmp_path):
    def floats(model, seed, label):
        answer = model.sample(seed, label)
        return {**answer, "image": tf.cast(answer["image"], tf.float32)}

    _refused(_rebuilt(tiny, tmp_path / "m", sample=floats), "output of sample: image is float32, the contract has uint8")


def test_another_output_name(tiny, tmp_path):
    def renamed(model, seed, label):
        answer = model.sample(seed, label)
        return {"images": answer["image"], "label": answer["label"]}

    _refused(_rebuilt(tiny, tmp_path / "m", sample=renamed), "names are .*images")


def test_another_shape(tiny, tmp_path):
    def flat(model, seed, label):
        answer = model.sample(seed, label)
        return {**answer, "image": tf.reshape(answer["image"], (-1, 784))}

    _refused(_rebuilt(tiny, tmp_path / "m", sample=flat), r"image has shape \[None, 784\]")


def test_rows_that_see_each_other(tiny, tmp_path):
    def normalised(model, seed, label):
        answer = model.sample(seed, label)
        mean = tf.reduce_mean(tf.cast(answer["image"], tf.float32), axis=0, keepdims=True)
        return {**answer, "image": tf.cast(tf.cast(answer["image"], tf.float32) / 2 + mean / 2, tf.uint8)}

    _refused(_rebuilt(tiny, tmp_path / "m", sample=normalised), "depends on the batch that it travels in")


def test_rows_that_depend_on_their_place(tiny, tmp_path):
    def placed(model, seed, label):
        return model.sample(seed + tf.range(tf.size(seed, out_type=tf.int64)), label)

    _refused(_rebuilt(tiny, tmp_path / "m", sample=placed), "depends on the batch that it travels in")


def test_labels_that_are_not_the_requested_ones(tiny, tmp_path):
    def relabelled(model, seed, label):
        answer = model.sample(seed, label)
        return {**answer, "label": tf.zeros_like(label)}

    _refused(_rebuilt(tiny, tmp_path / "m", sample=relabelled), "sample answers labels")


def test_pngs_of_other_images(tiny, tmp_path):
    def shifted(model, seed, label):
        return model.sample_png(seed + 1, label)

    _refused(_rebuilt(tiny, tmp_path / "m", sample_png=shifted), "different images")


def test_latents_of_other_images(tiny, tmp_path):
    def shifted(model, seed, label):
        return model.latent(seed + 1, label)

    _refused(_rebuilt(tiny, tmp_path / "m", latent=shifted), "serving_default draws other images from latent's latents")


def test_pixels_out_of_range(tiny, tmp_path):
    def broken(model, latent, label):
        return {"image": model.from_latent(latent, label)["image"] * float("nan")}

    _refused(_rebuilt(tiny, tmp_path / "m", serving_default=broken), "not finite or not within")


def test_warm_up_requests(tiny, tmp_path):
    model = tmp_path / "m"
    shutil.copytree(tiny, model)
    write_warmup(model, batch_sizes=())
    _refused(model, "0 warm-up requests")
    (model / contract.WARMUP_FILE).unlink()
    _refused(model, "warmup_requests is missing")


@pytest.mark.parametrize(
    ("key", "value"), [("format", 2), ("class_names", "0123456789"), ("training_key", None), ("conditional", "yes")]
)
def test_metadata(tiny, tmp_path, key, value):
    model = tmp_path / "m"
    shutil.copytree(tiny, model)
    path = model / contract.METADATA_FILE
    path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))
    _refused(model, f"{key} must be")
    path.unlink()
    _refused(model, "cannot be read")


def test_a_colour_generator_by_the_contract(tmp_path):
    assert check_model(build_tiny_generator(tmp_path / "m", num_classes=3, shape=(32, 32, 3))) == 8


@pytest.mark.parametrize(
    ("shape", "says"),
    [
        ([32, 32, 3], r"output of serving_default: image has shape \[None, 28, 28, 1\], the contract has \[None, 32, 32, 3\]"),
        ([28, 28], "image_shape must be"),
        ([28, 28, 2], "image_shape must be"),
        (None, "image_shape must be list"),
    ],
)
def test_metadata_with_another_shape(tiny, tmp_path, shape, says):
    model = shutil.copytree(tiny, tmp_path / "m")
    metadata = json.loads((model / contract.METADATA_FILE).read_text())
    (model / contract.METADATA_FILE).write_text(json.dumps({**metadata, contract.META_IMAGE_SHAPE: shape}))
    _refused(model, says)
