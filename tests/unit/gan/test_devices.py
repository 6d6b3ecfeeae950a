"""A GPU that TensorFlow can't use is told of, not trained beside in silence."""

import pytest

from components.gan.input.source import InMemory
from components.gan.training import devices
from components.gan.training.loop import train


@pytest.fixture
def nodes(tmp_path, monkeypatch):
    """What the kernel shows of two NVIDIA GPUs; no TensorFlow has ever found these."""
    shown = tmp_path / "dev"
    shown.mkdir()
    for name in ("nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm"):
        (shown / name).touch()
    monkeypatch.setattr(devices, "_DEVICES", shown)
    monkeypatch.setattr(devices.tf.config, "list_physical_devices", lambda kind: [])
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return shown


def test_gpus_that_tensorflow_does_not_find_are_counted(nodes):
    assert devices.unused_gpus() == 2
    for node in nodes.glob("nvidia[01]"):
        node.unlink()
    assert devices.unused_gpus() == 0


@pytest.mark.parametrize(("visible", "unused"), [("", 0), ("-1", 0), ("0,1", 2)])
def test_hidden_ones_are_meant_to_be(nodes, monkeypatch, visible, unused):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert devices.unused_gpus() == unused


def test_used_ones_are_not_counted(nodes, monkeypatch):
    monkeypatch.setattr(devices.tf.config, "list_physical_devices", lambda kind: ["a GPU"])
    assert devices.unused_gpus() == 0


def test_a_training_says_so(nodes, images, settings, tmp_path, caplog):
    with caplog.at_level("INFO", "forger.progress"):
        train(InMemory(*images), 3, settings["article"], tmp_path / "work")
    assert "TensorFlow can't use the 2 NVIDIA GPU(s) here: `make setup EXTRAS=dev,gpu` adds CUDA's libraries" in caplog.text
