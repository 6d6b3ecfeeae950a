"""Usefulness of generators whose worth is known, on images of several shapes."""

import numpy as np
import pytest
import tensorflow as tf
from tfx.types import artifact_utils, standard_artifacts

from components.usefulness.classifier import build_classifier
from components.usefulness.executor import Executor
from components.usefulness.measure import RealImages, measure
from components.usefulness.result import Usefulness
from components.usefulness.settings import UsefulnessSettings
from tests.support.faulty_generator import save_faulty
from tests.support.gate_builders import Replay, digits, save_examples, save_generator

SETTINGS = UsefulnessSettings(images=1000, test_images=500, steps=150, batch_size=64)
CLASSES = 10


@pytest.fixture(scope="module")
def real(mnist):
    return RealImages(*digits(mnist.directory, "train[:2000]"), *digits(mnist.directory, "test[:500]"))


@pytest.fixture(scope="module")
def others(mnist):
    """Other real images, as a perfect generator would draw them."""
    return digits(mnist.directory, "train[2000:3000]")


def test_other_real_images_are_as_useful_as_real_ones(real, others):
    found = measure(real, others, CLASSES, SETTINGS)
    assert found.training.generated > 0.85
    assert found.training.interval[0] < 1.15
    assert found.training.images == 1000
    assert found.training.tested == 500
    assert len(found.training.by_class) == CLASSES
    assert abs(found.two_sample.generated - 0.5) < 0.1
    assert abs(found.two_sample.real - 0.5) < 0.1
    assert (found.two_sample.images, found.two_sample.tested) == (1600, 400)
    assert (found.passed, found.left_out, found.reason) == (True, "", "")
    assert len(found.lines()) == 2


def test_wrong_classes_and_an_artefact_are_seen(real, others):
    images, labels = others
    shuffled = np.where(np.arange(len(labels)) % 2, labels, (labels + 1) % CLASSES)
    cornered = images.copy()
    cornered[:, :2, :2] = 255
    limits = SETTINGS.model_copy(update={"max_error_ratio": 1.5, "max_two_sample_accuracy": 0.8})
    found = measure(real, (cornered, shuffled), CLASSES, limits)
    assert found.training.error_ratio > 1.5
    assert found.two_sample.generated > 0.95
    assert not found.passed
    assert found.reason.startswith("not useful enough: a classifier trained on the generated images errs")
    assert "a network tells generated from real images in" in found.reason


def test_the_same_seed_gives_the_same_figures(real, others):
    settings = SETTINGS.model_copy(update={"steps": 20})
    assert measure(real, others, CLASSES, settings) == measure(real, others, CLASSES, settings)


@pytest.mark.parametrize("whose", ["generator", "data"])
def test_without_classes_the_score_is_left_out_and_that_is_said(real, others, whose):
    none = np.full(len(others[1]), -1)
    settings = SETTINGS.model_copy(update={"steps": 5})
    if whose == "generator":
        found = measure(real, (others[0], none), CLASSES, settings)
    else:
        unlabelled = RealImages(real.images, np.full(len(real.labels), -1), real.test_images, np.full(len(real.test_labels), -1))
        found = measure(unlabelled, (others[0], none), 0, settings)
    assert found.training is None
    assert found.two_sample is not None
    assert f"the classification accuracy score is left out: the {whose}" in found.left_out
    assert found.passed
    limited = measure(real, (others[0], none), CLASSES, settings.model_copy(update={"max_error_ratio": 9.0}))
    assert not limited.passed
    assert "no classification accuracy score to hold to usefulness.max_error_ratio=9" in limited.reason


def test_too_few_images_are_left_out(real, others):
    few = others[0][:99], others[1][:99]
    found = measure(real, few, CLASSES, SETTINGS)
    assert (found.training, found.two_sample) == (None, None)
    assert "99 images are too few" in found.left_out
    assert found.passed
    limited = measure(real, few, CLASSES, SETTINGS.model_copy(update={"max_two_sample_accuracy": 1.0}))
    assert "no two-sample test to hold to" in limited.reason
    assert not limited.passed


def test_too_few_real_images_to_halve_are_said(real, others):
    few = RealImages(real.images[:150], real.labels[:150], real.test_images, real.test_labels)
    found = measure(few, others, CLASSES, SETTINGS.model_copy(update={"steps": 5}))
    assert found.training is not None
    assert found.two_sample is None
    assert found.left_out == "the two-sample test is left out: 150 real images are too few to halve"


@pytest.mark.parametrize(
    ("shape", "classes"), [((28, 28, 1), 10), ((32, 48, 3), 2), ((5, 7, 1), 37), ((128, 128, 3), 3), ((1, 1, 1), 2)]
)
def test_any_shape_and_number_of_classes(shape, classes):
    logits = build_classifier(shape, classes, 0)(tf.zeros([2, *shape]))
    assert logits.shape == (2, classes)


def test_colour_images_of_two_classes():
    rng = np.random.default_rng(0)

    def drawn(count):
        labels = rng.integers(0, 2, count)
        images = rng.integers(0, 100, (count, 12, 9, 3)).astype(np.uint8)
        images[labels == 1, :, :, 2] += 100
        return images, labels

    found = measure(RealImages(*drawn(600), *drawn(200)), drawn(300), 2, SETTINGS)
    assert found.training.generated > 0.95
    assert len(found.training.by_class) == 2


class _Node:
    """The node's executor on artifacts, as TFX calls it."""

    def __init__(self, directory, mnist, real):
        self.directory = directory
        examples = save_examples(directory / "examples", real.test_images, real.test_labels)
        save_examples(directory / "more", real.images[:400], real.labels[:400])
        (directory / "more" / "Split-test").rename(examples / "Split-train")
        self.examples = standard_artifacts.Examples()
        self.examples.uri, self.examples.split_names = str(examples), artifact_utils.encode_split_names(["train", "test"])
        self.runs = 0

    def run(self, model, *, blessed=True, **changes):
        self.runs += 1
        settings = UsefulnessSettings(**{"images": 200, "test_images": 200, "steps": 5, "batch_size": 16, **changes})
        gate, generator = standard_artifacts.ModelBlessing(), standard_artifacts.Model()
        gate.set_int_custom_property("blessed", int(blessed))
        generator.uri = str(model)
        outputs = {"usefulness": standard_artifacts.ModelEvaluation(), "blessing": standard_artifacts.ModelBlessing()}
        for key, artifact in outputs.items():
            artifact.uri = str(self.directory / f"{key}{self.runs}")
            tf.io.gfile.makedirs(artifact.uri)
        Executor().Do(
            {"examples": [self.examples], "model": [generator], "model_blessing": [gate]},
            {key: [artifact] for key, artifact in outputs.items()},
            {"settings": settings.model_dump_json(), "classes": CLASSES, "draw_timeout_s": 60.0, "code_hash": "c"},
        )
        result = outputs["blessing"].get_int_custom_property("blessed")
        assert tf.io.gfile.exists(f"{outputs['blessing'].uri}/{'BLESSED' if result else 'NOT_BLESSED'}")
        return Usefulness.load(outputs["usefulness"].uri), bool(result)


@pytest.fixture(scope="module")
def node(tmp_path_factory, mnist, real):
    return _Node(tmp_path_factory.mktemp("usefulness"), mnist, real)


@pytest.fixture(scope="module")
def replay(tmp_path_factory, others):
    return save_generator(tmp_path_factory.mktemp("replay"), Replay(*others), [str(label) for label in range(CLASSES)])


def test_the_node_hands_the_gates_blessing_on(node, replay):
    found, blessed = node.run(replay)
    assert blessed
    assert found.training.images == 200
    assert (found.seed, found.steps) == (11, 5)
    assert not node.run(replay, blessed=False)[1]


def test_the_node_takes_it_back_where_a_limit_is_missed(node, replay):
    found, blessed = node.run(replay, max_two_sample_accuracy=0.5, max_error_ratio=1e-6)
    assert not blessed
    assert "limit" in found.reason


def test_a_generator_that_cannot_be_drawn_from_is_left_out(node, tmp_path):
    save_faulty(tmp_path / "Format-Serving", "rows")
    found, blessed = node.run(tmp_path)
    assert blessed  # the gate has looked at it itself
    assert "usefulness is left out: its signature 'sample' does not answer uint8 images" in found.left_out
    limited, blessed = node.run(tmp_path, max_error_ratio=9.0)
    assert not blessed
    assert "no classification accuracy score" in limited.reason
