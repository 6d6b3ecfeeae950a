import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from components.judge.autoencoder import explained_share, train_encoder
from components.judge.executor import choose_reference, export_judge, measure_accuracy, run_fn, weights_digest
from components.judge.features import (
    MEMORY_FILE,
    RECORD_FILE,
    REFERENCE_FILE,
    Judge,
    Reference,
    load_judge,
    load_memory,
    load_record,
    load_reference,
)
from components.judge.memory import TrainMemory
from components.judge.settings import JudgeSettings
from components.judge.training import train_judge
from serving.repository.errors import UserError
from tests.support.gate_builders import digits, tiny_judge

QUICK = JudgeSettings(steps=20, batch_size=32, feature_size=8)


def test_learns_digits(mnist):
    judge = Judge.of_networks(*tiny_judge(mnist.directory))
    assert measure_accuracy(judge, *digits(mnist.directory, "test[:500]")) > 0.9


def test_same_seed_gives_same_weights_another_seed_others(mnist):
    images, labels = digits(mnist.directory, "train[:3000]")
    first, again = (weights_digest(train_judge(images, labels, QUICK)) for _ in range(2))
    other = weights_digest(train_judge(images, labels, QUICK.model_copy(update={"seed": 8})))
    assert first == again
    assert first != other


def test_class_count_follows_the_data(mnist):
    images, labels = digits(mnist.directory, "train[:3000]")
    some = labels < 4
    network = train_judge(images[some], labels[some], QUICK)
    features, probabilities = Judge.of_networks(network).features(images[:7])
    assert features.shape == (7, 8)
    assert features.dtype == np.float32
    assert probabilities.shape == (7, 4)
    np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-5)


def test_features_do_not_depend_on_the_batch(mnist):
    judge = Judge.of_networks(*tiny_judge(mnist.directory))
    images, _ = digits(mnist.directory, "test[:500]")
    many = np.concatenate([images, images, images])  # more than one internal batch
    np.testing.assert_allclose(judge.features(many)[0][-1:], judge.features(images[-1:])[0], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("count", "labels", "classes", "words"),
    [(0, [], None, "no training images"), (3, [0, 1, 2], 2, "2 classes are named"), (2, [-1, 0], None, "span -1..0")],
)
def test_bad_input_is_one_clear_line(count, labels, classes, words):
    with pytest.raises(UserError, match=words):
        train_judge(np.zeros((count, 28, 28, 1), np.uint8), np.array(labels, np.int64), QUICK, classes)


def test_a_loss_that_is_no_number_stops_the_training(mnist):
    settings = QUICK.model_copy(update={"learning_rate": 1e30})
    with pytest.raises(UserError, match="learning_rate"):
        train_judge(*digits(mnist.directory, "train[:3000]"), settings)


def test_reference_has_each_class_in_equal_parts_by_seed_and_in_train_order():
    labels = np.repeat([0, 1, 2], [50, 30, 5])
    chosen = choose_reference(labels, 30, seed=1)
    assert np.bincount(labels[chosen]).tolist() == [10, 10, 5]
    assert (np.diff(chosen) > 0).all()
    assert chosen.tolist() == choose_reference(labels, 30, seed=1).tolist()
    assert chosen.tolist() != choose_reference(labels, 30, seed=2).tolist()


def test_export_and_load_keep_every_bit(mnist, tmp_path):
    networks = tiny_judge(mnist.directory)
    images, labels = digits(mnist.directory, "test[:500]")
    judge = Judge.of_networks(*networks)
    reference = Reference(judge.features(images)[0], labels, judge.second_features(images))
    memory = TrainMemory.of(images, 8)
    export_judge(*networks, tmp_path / "Format-Serving", {"accuracy": 0.5, "digest": "x"}, reference, memory)
    loaded = load_judge(tmp_path)
    np.testing.assert_allclose(loaded.features(images)[0], reference.features, rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(loaded.second_features(images), reference.second, rtol=1e-5, atol=1e-4)
    for stored, kept in zip(load_reference(tmp_path), reference, strict=True):
        np.testing.assert_array_equal(stored, kept)
    distances, places = load_memory(tmp_path).nearest(images[:9])
    np.testing.assert_array_equal(places, np.arange(9))
    np.testing.assert_array_equal(distances, memory.nearest(images[:9])[0])
    assert load_record(tmp_path / "Format-Serving") == {"accuracy": 0.5, "digest": "x"}


def test_the_second_judge_keeps_what_it_takes_to_draw_an_image_again(mnist):
    images, _ = digits(mnist.directory, "test[:500]")
    train, _ = digits(mnist.directory, "train[:3000]")
    _, encoder = tiny_judge(mnist.directory)
    short = QUICK.model_copy(update={"encoder_steps": 5})
    again, same = train_encoder(train, short), train_encoder(train, short)
    assert weights_digest(again) == weights_digest(same) != weights_digest(encoder)
    assert explained_share(encoder, images) > 0.3
    assert explained_share(again, images) < explained_share(encoder, images)


def test_few_images_are_not_learnt_by_heart(mnist):
    """Steps beyond 300 passes over 50 images are left out."""
    train, _ = digits(mnist.directory, "train[:50]")
    most = -(-300 * 50 // QUICK.batch_size)
    capped, more = (train_encoder(train, QUICK.model_copy(update={"encoder_steps": steps})) for steps in (most, 10_000))
    assert weights_digest(capped) == weights_digest(more)


def test_a_missing_or_broken_judge_is_one_clear_line(tmp_path):
    for load in (load_judge, load_reference, load_memory, load_record):
        with pytest.raises(UserError, match="no usable judge"):
            load(tmp_path)
    (tmp_path / "assets.extra").mkdir()
    (tmp_path / RECORD_FILE).write_text("{", "utf-8")
    np.savez(tmp_path / REFERENCE_FILE, labels=np.array([{}], object))
    (tmp_path / MEMORY_FILE).write_bytes(b"PK no zip")
    for load in (load_judge, load_reference, load_memory, load_record):
        with pytest.raises(UserError, match="no usable judge"):
            load(tmp_path)


class FnArgs:
    """The part of TFX's FnArgs that a run_fn reads."""

    def __init__(self, home: Path, **settings) -> None:
        self.train_files = [str(home / "train-*")]
        self.eval_files = [str(home / "test-*")]
        self.serving_model_dir = str(home / "model" / "Format-Serving")
        self.custom_config = {
            "settings": settings,
            "dataset": "mnist",
            "class_names": [str(label) for label in range(10)],
            "code_hash": "h",
        }


def write_examples(path: Path, images: np.ndarray, labels: np.ndarray) -> None:
    with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
        for image, label in zip(images, labels, strict=True):
            example = tf.train.Example()
            example.features.feature["image"].bytes_list.value.append(image.tobytes())
            example.features.feature["label"].int64_list.value.append(int(label))
            example.features.feature["shape"].int64_list.value.extend(image.shape)
            writer.write(example.SerializeToString())


def test_run_fn_exports_above_the_bar_and_stops_below(mnist, tmp_path):
    write_examples(tmp_path / "train-0", *digits(mnist.directory, "train[:3000]"))
    write_examples(tmp_path / "test-0", *digits(mnist.directory, "test[:500]"))
    with pytest.raises(UserError, match=r"below the bar judge.min_accuracy=0.999"):
        run_fn(FnArgs(tmp_path, steps=20, min_accuracy=0.999))
    with pytest.raises(UserError, match=r"below the bar judge.min_explained=0.99"):
        run_fn(FnArgs(tmp_path, steps=20, min_accuracy=0.0, encoder_steps=5, min_explained=0.99))
    assert not (tmp_path / "model").exists()
    sizes = {"reference_size": 100, "feature_size": 48, "encoder_size": 6, "memory_size": 500, "memory_components": 12}
    run_fn(FnArgs(tmp_path, steps=60, min_accuracy=0.3, encoder_steps=100, min_explained=0.0, max_images=2000, **sizes))
    record = json.loads((tmp_path / "model" / "Format-Serving" / RECORD_FILE).read_text("utf-8"))
    assert record["dataset"] == "mnist"
    assert record["code_hash"] == "h"
    assert record["accuracy"] > 0.3
    assert record["images"] == 2000
    assert len(record["class_names"]) == 10
    assert 0 < record["explained"] < 1
    reference = load_reference(tmp_path / "model")
    assert (reference.features.shape, reference.second.shape) == ((100, 48), (100, 6))
    memory = load_memory(tmp_path / "model")
    assert (memory.images.shape, memory.components.shape) == ((500, 28, 28, 1), (784, 12))


def test_run_fn_without_examples_names_the_split(tmp_path):
    with pytest.raises(UserError, match="no examples match"):
        run_fn(FnArgs(tmp_path))
