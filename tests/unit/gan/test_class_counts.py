"""Other numbers of classes than ten: few, many, and more than a sample grid has cells."""

import numpy as np
import pytest

from components.gan.export import export
from components.gan.input.source import InMemory
from components.gan.settings import GanSettings
from components.gan.training.loop import train
from components.gan.training.samples import grid_labels
from serving.repository import contract
from serving.saved_model.generator import LocalGenerator

SETTINGS = GanSettings(steps=4, batch_size=8, width=4, latent_size=8, checkpoint_every=4, sample_every=4)


@pytest.mark.parametrize(("classes", "rows"), [(3, 99), (10, 100), (47, 94), (120, 120)])
def test_a_sample_grid_shows_each_class_equally_often(classes, rows):
    labels = grid_labels(classes)
    assert len(labels) == rows
    assert (np.bincount(labels, minlength=classes) == rows // classes).all()
    assert (np.diff(labels) >= 0).all()


@pytest.mark.parametrize("classes", [3, 47])
def test_train_export_and_draw(classes, tmp_path):
    names = [f"kind {label}" for label in range(classes)]
    labels = np.arange(100) % classes
    images = np.random.default_rng(0).integers(0, 256, [100, 28, 28, 1], np.uint8)
    state = train(InMemory(images, labels), classes, SETTINGS, tmp_path / "work")
    export(state, tmp_path / "model", "kinds_gan", {contract.META_CLASS_NAMES: names})
    generator = LocalGenerator(tmp_path / "model")
    _, drawn = generator.sample(np.arange(600), np.full(600, contract.ANY_LABEL))
    assert set(drawn) == set(range(classes))
    _, drawn = generator.sample(np.arange(classes), np.arange(classes))
    assert drawn.tolist() == list(range(classes))
    with pytest.raises(Exception, match=rf"label must be in 0\.\.{classes - 1}"):
        generator.sample(np.arange(1), np.array([classes]))
