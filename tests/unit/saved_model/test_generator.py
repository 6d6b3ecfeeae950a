"""Drawing from a directory."""

import shutil

import numpy as np
import pytest

from serving.client.rows import seeds_for
from serving.repository import contract
from serving.repository.errors import UserError
from serving.saved_model.generator import LocalGenerator
from tests.support.tiny_generator import LATENT_SIZE, build_tiny_generator


def test_a_row_depends_on_its_own_seed_and_label_alone(tiny):
    generator = LocalGenerator(tiny)
    seeds, labels = seeds_for(3, 300), np.arange(300) % 11 - 1
    images, answered = generator.sample(seeds, labels)
    assert images.shape == (300, 28, 28, 1)
    assert images.dtype == np.uint8
    assert np.array_equal(answered[labels >= 0], labels[labels >= 0])
    order = np.random.default_rng(0).permutation(300)
    shuffled, shuffled_labels = generator.sample(seeds[order], labels[order])
    assert np.array_equal(shuffled, images[order])
    assert np.array_equal(shuffled_labels, answered[order])
    for row in (0, 255, 256, 299):
        alone, label = generator.sample(seeds[row : row + 1], labels[row : row + 1])
        assert np.array_equal(alone[0], images[row])
        assert label[0] == answered[row]
    assert len({image.tobytes() for image in images}) == 300


def test_latents(tiny):
    images = LocalGenerator(tiny).sample_latent(np.zeros((2, LATENT_SIZE)), [1, 2])
    assert images.shape == (2, 28, 28, 1)
    assert images.dtype == np.float32
    with pytest.raises(UserError, match=f"takes {LATENT_SIZE}"):
        LocalGenerator(tiny).sample_latent(np.zeros((2, LATENT_SIZE + 1)), [1, 2])


def test_no_rows(tiny):
    images, labels = LocalGenerator(tiny).sample([], [])
    assert images.shape == (0, 28, 28, 1)
    assert labels.shape == (0,)


def test_a_base_means_its_newest_version(base, other):
    shutil.copytree(other, base / "12")
    (base / ".staging-13").mkdir()
    generator = LocalGenerator(base)
    assert generator.directory == base / "12"
    assert generator.metadata[contract.META_TRAINING_KEY] == "other"
    assert generator.class_names == [str(label) for label in range(10)]


def test_unconditional_and_other_class_counts(tmp_path):
    generator = LocalGenerator(build_tiny_generator(tmp_path / "m", num_classes=3, conditional=False))
    assert generator.sample([1, 2], [-1, 2])[1].tolist() == [-1, -1]
    assert len(generator.class_names) == 3


def test_unknown_label(tiny):
    with pytest.raises(UserError, match="label outside the classes") as caught:
        LocalGenerator(tiny).sample([1], [10])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["empty", "missing"])
def test_no_version(tmp_path, name):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"no model version in .*forger run"):
        LocalGenerator(tmp_path / name)


def _cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize(
    "damage",
    [
        lambda model: (model / contract.SAVED_MODEL_FILE).unlink(),
        lambda model: _cut(model / contract.SAVED_MODEL_FILE),
        lambda model: (model / contract.SAVED_MODEL_FILE).write_bytes(b""),
        lambda model: _cut(model / "variables" / "variables.index"),
        lambda model: _cut(model / "variables" / "variables.data-00000-of-00001"),
        lambda model: shutil.rmtree(model / "variables"),
        lambda model: _cut(model / contract.METADATA_FILE),
        lambda model: (model / contract.MANIFEST_FILE).write_text('{"saved_model.pb": "0"}'),
    ],
)
def test_a_corrupt_version_is_one_line_that_names_directory_and_mend(base, damage):
    damage(base / "1")
    with pytest.raises(UserError) as caught:
        LocalGenerator(base)
    assert str(base / "1") in str(caught.value)
    assert "forger run" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_another_kind_of_model(tmp_path):
    import tensorflow as tf

    module = tf.Module()
    module.double = tf.function(lambda x: {"y": 2 * x}, input_signature=[tf.TensorSpec([None], tf.float32)])
    tf.saved_model.save(module, str(tmp_path / "m"), signatures=module.double)
    with pytest.raises(UserError, match="not a Forger generator: no signature sample"):
        LocalGenerator(tmp_path / "m")
