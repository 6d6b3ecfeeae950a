"""The rule by which the unseen network judges, and the kinds of generators that it judges."""

import numpy as np
import pytest

from components.gan.export import export
from components.gan.recipes import conv
from components.gan.settings import GanSettings
from components.gan.train_state import TrainState
from components.gate.calibration.faults import CATALOGUE
from serving.saved_model.generator import LocalGenerator
from tests.benchmarks.gate_unseen import rule
from tests.benchmarks.gate_unseen.benchmark import resumed, write
from tests.benchmarks.gate_unseen.kinds import BAD, GOOD, KINDS
from tests.benchmarks.gate_unseen.network import FEATURES, UnseenNetwork
from tests.benchmarks.gate_unseen.show import table
from tests.benchmarks.gate_unseen.source import Source
from tests.benchmarks.gate_unseen.warps import elastic, jpeg, levels, turned
from tests.support.gate_builders import digits
from tests.support.shapes import GREY_28

CLASSES = 3
LABELS = np.arange(120) % CLASSES


@pytest.fixture(scope="module")
def source(tmp_path_factory, mnist):
    """Draw from an untrained generator, exported as a run exports it."""
    settings, directory = GanSettings(width=4, latent_size=8, batch_size=6), tmp_path_factory.mktemp("model") / "1"
    names = [str(label) for label in range(CLASSES)]
    metadata = {"config": settings.model_dump(), "image_shape": list(GREY_28), "class_names": names}
    export(TrainState(conv, settings, CLASSES, GREY_28, "float32"), directory, "digits", metadata)
    images, labels = digits(mnist.directory, "train[:600]")
    kept = labels < CLASSES
    return Source.of(LocalGenerator(directory), np.arange(len(LABELS)), LABELS, images[kept], labels[kept])


def _seen(seed: int, shift: float = 0.0, wrong: float = 0.0) -> rule.Seen:
    rng = np.random.default_rng(seed)
    labels = np.arange(900) % CLASSES
    features = rng.normal(size=(900, 6)) + 5 * labels[:, np.newaxis] + shift
    return rule.Seen(features.astype(np.float32), np.where(rng.random(900) < wrong, (labels + 1) % CLASSES, labels), labels)


@pytest.fixture(scope="module")
def judged():
    """Return the reference, and what is allowed by resamples of a generator as good as real images."""
    reference = rule.Reference(_seen(0), _seen(1))
    return reference, rule.limits([reference.figures(_seen(seed)) for seed in range(2, 12)])


def test_forty_kinds_that_the_gate_has_no_fault_for():
    assert (len(GOOD), len(BAD), len(KINDS)) == (12, 28, 40)
    assert not set(KINDS) & {fault.name for fault in CATALOGUE}


def test_real_images_are_at_the_floor_and_good(judged):
    reference, allowed = judged
    assert reference.figures(_seen(1))["frechet"] == pytest.approx(1)
    assert rule.faults(reference.figures(_seen(50)), allowed) == []


@pytest.mark.parametrize(
    ("images", "fault"),
    [
        (_seen(50, shift=1.0), "frechet"),
        (_seen(50, shift=6.0), "precision"),
        (_seen(50, wrong=0.03), "label_agreement"),
        (_seen(50).taken(np.tile(np.arange(30), 30)), "recall"),
    ],
)
def test_what_the_rule_calls_bad(images, fault, judged):
    reference, allowed = judged
    assert fault in rule.faults(reference.figures(images), allowed)


def test_one_bad_class_is_enough(judged):
    reference, allowed = judged
    images = _seen(50)
    images.features[images.labels == 1] += 1.0
    found = rule.faults(reference.figures(images), allowed)
    assert "frechet of 1" in found
    assert "frechet of 2" not in found


def test_what_is_no_number_is_bad(judged):
    reference, allowed = judged
    images = _seen(50)
    images.features[0] = np.nan
    assert {"frechet", "frechet of 0", "recall"} <= set(rule.faults(reference.figures(images), allowed))


def test_a_source_draws_what_the_exported_generator_draws(source):
    assert np.array_equal(source.images, source.again(np.arange(len(LABELS))))
    assert np.array_equal(source.images, source.from_latents(source.latents))
    assert np.array_equal(source.images, source.reweighted(lambda weight: weight))
    assert not np.array_equal(source.images, source.reweighted(lambda weight: weight * 0))
    assert np.array_equal(source.images, source.from_latents(source.latents))  # the weights are back


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_changes_images_the_same_way_each_time(name, source):
    before = source.images.copy()
    images, again = (KINDS[name](source, np.random.default_rng(1)) for _ in range(2))
    assert (images.shape, images.dtype) == (source.images.shape, np.uint8)
    assert np.array_equal(images, again)
    assert np.array_equal(before, source.images)
    # An untrained network is near grey, where a gamma or 64 levels leave the bytes alone.
    assert name in GOOD or not np.array_equal(images, before)


def test_partners_are_of_the_class_or_of_another(source):
    rng = np.random.default_rng(0)
    same, other = source.partners(rng, same=True), source.partners(rng, same=False)
    assert np.array_equal(LABELS[same], LABELS)
    assert (same != np.arange(len(LABELS))).all()
    assert (LABELS[other] != LABELS).all()


def test_warps_do_what_they_say(mnist):
    images, _ = digits(mnist.directory, "test[:20]")
    assert np.array_equal(turned(images, np.array(0.0)), images)
    assert np.array_equal(turned(images, np.array(90.0)), np.rot90(images, -1, (1, 2)))
    assert len(np.unique(levels(images, 4))) == 4
    moved = elastic(images, 1.0, np.random.default_rng(0)).astype(float)
    assert 0 < np.abs(moved - images).mean() < images.mean()
    assert np.abs(jpeg(images, 95).astype(float) - images).mean() < np.abs(jpeg(images, 10).astype(float) - images).mean()


def test_the_network_is_trained_once_and_loaded_after(mnist, tmp_path, monkeypatch):
    monkeypatch.setattr("tests.benchmarks.gate_unseen.network._STEPS", 60)
    images, labels = digits(mnist.directory, "train[:1000]")
    cached = tmp_path / "unseen.weights.h5"
    features, seen = UnseenNetwork.trained(images, labels, 10, cached).look(images)
    assert features.shape == (1000, FEATURES)
    assert (seen == labels).mean() > 0.5
    again = UnseenNetwork.trained(images[:0], labels[:0], 10, cached).look(images)[0]
    assert np.array_equal(features, again)


def test_what_was_stopped_goes_on_for_the_same_generator_and_judge_alone(tmp_path):
    path, made_of = tmp_path / "out" / "found.json", {"generator": "a", "judge": "b"}
    assert resumed(path, made_of) is None
    found = {"made_of": made_of, "rows": [{"generator": "black or white", "gate": "bad"}, {"generator": "sharpened"}]}
    write(path, found)
    assert resumed(path, made_of) == found
    assert resumed(path, {**made_of, "judge": "c"}) is None
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_the_table_shows_disagreement_and_what_is_not_judged_yet():
    seen = {"unseen": "bad", "unseen_figures": {"frechet": 4.0}, "unseen_faults": ["frechet", "frechet of 1", "recall"]}
    judged = {"gate": "good", "agree": False, "frechet_ratio": 1.5, "gate_faults": []}
    lines = table([{"generator": "a", **seen, **judged}, {"generator": "b", **seen}]).splitlines()
    assert lines[2] == "| a | bad | 4.00 | `frechet`, `recall` | **good** | 1.50 |  |"
    assert lines[3] == "| b | bad | 4.00 | `frechet`, `recall` | not yet |  |  |"
