"""Killed, interrupted and competing runs."""

import signal
import subprocess
import time

import numpy as np
import pytest
import tensorflow as tf

from components.gan.input.source import InMemory
from components.gan.settings import GanSettings
from components.gan.training.loop import train
from components.transform.examples import read_examples
from serving.repository import contract
from serving.repository.layout import list_versions
from tests.e2e.conftest import new_session

pytestmark = pytest.mark.timeout(1200)  # nine starts of a run, of a minute each on slow cores

# Where the run is stopped, one after the other, each time going on from the stop before. The push, done in a moment, has
# a test of its own that stops it at every step: tests/integration/test_push_kill.py.
STOPS = [
    ("TfdsExampleGen           started", signal.SIGKILL),
    ("StatisticsGen            started", signal.SIGKILL),
    ("Transform                started", signal.SIGKILL),
    ("training the judge: 50/150", signal.SIGKILL),
    ("training the generator: ", signal.SIGKILL),
    ("training the generator: ", signal.SIGINT),
    ("Gate                     started", signal.SIGKILL),
    ("GeneratorInfraValidator  started", signal.SIGKILL),
]


@pytest.fixture(scope="module")
def session(tmp_path_factory, mnist):
    return new_session(tmp_path_factory.mktemp("stopped") / "home", mnist)


# Long enough that a signal meets the training while it is under way, with checkpoints close together.
TRAINING = {"gan__steps": 1200, "gan__checkpoint_every": 8, "gan__sample_every": 400}


def test_a_run_killed_at_every_node_ends_as_if_it_had_not_been(session):
    run_ids = set()
    for line, sent in STOPS:
        code, seen = session.stop_at(line, sent, **TRAINING)
        assert line in seen, seen
        assert code == (130 if sent == signal.SIGINT else -sent), seen
        assert list_versions(session.base) in ([], [1])
        if sent == signal.SIGKILL:
            node = "GanTrainer" if "generator" in line else "JudgeTrainer" if "judge" in line else line.split()[0]
            assert f"forger: {node}: the run was killed" in seen
        else:
            assert "continued from step" in seen
            assert "the same command goes on where it was" in seen
        run_ids.add(session.status["last_run"]["run_id"])
    done = session.run(**TRAINING)
    assert done.returncode == 0, done.stdout + done.stderr
    run_ids.add(session.status["last_run"]["run_id"])
    assert len(run_ids) == 1, "an interrupted run goes on under its own id"
    assert list_versions(session.base) == [1]

    (examples,) = (session.home / "pipeline_root" / "Transform" / "transformed_examples").iterdir()
    images, labels = read_examples([str(examples / "Split-train" / "*")])
    # Without the many checkpoints, which don't touch the weights.
    settings = GanSettings(**session.status["last_run"]["config"]["gan"] | {"checkpoint_every": TRAINING["gan__steps"]})
    whole = train(InMemory(images, labels), 10, settings, session.home / "uninterrupted")
    latent, label = tf.zeros([10, settings.latent_size]), tf.range(10, dtype=tf.int64)
    pushed = tf.saved_model.load(str(session.base / "1")).signatures[contract.SIGNATURE_DEFAULT](latent=latent, label=label)
    expected = tf.cast(whole.ema_generator([latent, label], training=False), tf.float32)
    np.testing.assert_array_equal(pushed[contract.OUTPUT_IMAGE].numpy(), expected.numpy())


def test_a_second_run_in_the_same_home_is_refused(session):
    first = subprocess.Popen(session.arguments(gan__seed=9, gan__steps=4000), stdout=subprocess.PIPE, text=True)
    try:
        for line in first.stdout:
            if "started" in line:
                break
        began = time.monotonic()
        second = session.run()
        assert second.returncode == 2
        assert "another run is working" in second.stderr
        assert time.monotonic() - began < 30
        assert session.status["busy"]
    finally:
        first.kill()
        first.wait()
    assert not session.status["busy"]
