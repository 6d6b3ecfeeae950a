"""The same training on one device, on two devices of one process, and by two worker processes."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from components.gan.training.journal_files import read_metrics
from components.gan.training.outcome import read_outcome

STEPS = 48


def start(
    directory: Path,
    devices: int = 1,
    steps: int = STEPS,
    tf_config: dict | None = None,
    source: str = "memory",
    factor: tuple[str, ...] = (),
) -> subprocess.Popen:
    command = [sys.executable, "-m", "tests.support.train_tiny", str(directory), str(devices), str(steps), source, *factor]
    environment = {**os.environ, **({"TF_CONFIG": json.dumps(tf_config)} if tf_config else {})}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def start_workers(
    directory: Path, steps: int = STEPS, source: str = "memory", factor: tuple[str, ...] = ()
) -> list[subprocess.Popen]:
    with socket.socket() as one, socket.socket() as two:
        for held in (one, two):
            held.bind(("localhost", 0))
        addresses = [f"localhost:{held.getsockname()[1]}" for held in (one, two)]
    return [
        start(directory, 1, steps, {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}, source, factor)
        for index in range(2)
    ]


def finish(process: subprocess.Popen) -> str:
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 0, said
    return said


@pytest.fixture(scope="module")
def alone(tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("alone")
    finish(start(directory))
    return directory


def curve(directory: Path) -> list[tuple[float, float, float]]:
    return [(line["step"], line["d_loss"], line["g_loss"], line["d_grad_norm"]) for line in read_metrics(directory)]


def weights(directory: Path) -> list[np.ndarray]:
    return list(np.load(directory / "weights.npz").values())


def drawn(directory: Path) -> np.ndarray:
    """uint8 [30, 28, 28, 1] as int64, from the exported model."""
    sample = tf.saved_model.load(str(directory / "model")).signatures["sample"]
    return sample(seed=tf.range(30, dtype=tf.int64), label=tf.range(30, dtype=tf.int64) % 3)["image"].numpy().astype(np.int64)


def test_two_devices_of_one_process_train_as_one(alone, tmp_path):
    said = finish(start(tmp_path, devices=2))
    assert "2 x CPU" in said
    np.testing.assert_allclose(curve(tmp_path), curve(alone), rtol=1e-3)
    np.testing.assert_allclose(drawn(tmp_path), drawn(alone), atol=2)  # grey levels


def test_streamed_images_reach_two_devices_and_two_workers_as_they_reach_one(tmp_path):
    alone, devices, workers = (tmp_path / name for name in ("alone", "devices", "workers"))
    running = [
        start(alone, 1, 24, source="stream"),
        start(devices, 2, 24, source="stream"),
        *start_workers(workers, 24, source="stream"),
    ]
    said = [finish(process) for process in running]
    assert all("200 images streamed from files" in text for text in said)
    assert all("2 x CPU" in text for text in said[1:])
    np.testing.assert_allclose(curve(devices), curve(alone), rtol=1e-3)
    np.testing.assert_allclose(curve(workers), curve(alone), rtol=1e-3)


def test_two_workers_train_as_one_and_a_killed_worker_costs_only_what_was_not_saved(alone, tmp_path):
    whole = tmp_path / "whole"
    said = [finish(worker) for worker in start_workers(whole)]
    assert all("2 x CPU" in text for text in said)
    np.testing.assert_allclose(curve(whole), curve(alone), rtol=1e-3)

    killed = tmp_path / "killed"
    workers = start_workers(killed)
    while len(read_metrics(killed)) < 2:
        assert all(worker.poll() is None for worker in workers), "ended too soon to be killed"
        time.sleep(0.05)
    workers[1].kill()
    said, _ = workers[0].communicate(timeout=300)
    assert workers[0].returncode == 2, said
    assert "another worker of this training is gone" in said
    assert "continues from its last checkpoint" in said
    assert not (killed / "weights.npz").exists()

    again = [finish(worker) for worker in start_workers(killed)]
    assert all("continued from step" in text for text in again)
    for mine, expected in zip(weights(killed), weights(whole), strict=True):
        np.testing.assert_array_equal(mine, expected)


def test_a_collapse_stops_all_workers_at_once_and_the_best_is_exported(tmp_path):
    chief, other = [finish(worker) for worker in start_workers(tmp_path, 96, factor=("30",))]
    outcome = read_outcome(tmp_path)
    assert (outcome.ended, outcome.steps) == ("stopped", 96)
    assert outcome.step <= 64 < outcome.reached < 96
    assert outcome.sentence() in chief
    assert "exported" not in other  # it only trains
    assert read_metrics(tmp_path)[-1]["step"] == outcome.reached

    again = [finish(worker) for worker in start_workers(tmp_path, 96, factor=("30",))]
    assert all(f"continued from step {outcome.reached}" in text for text in again)
    assert read_outcome(tmp_path) == outcome
