"""One network's blind spot can't bless: images made to please the first judge are refused by the second."""

import numpy as np
import tensorflow as tf

from components.gate.combiners.keys import content_keys
from components.gate.combiners.rows import look, shared_eyes
from components.gate.combiners.scoring import OVERALL, Scorer
from components.gate.limits import reach_limits
from components.gate.settings import GateSettings
from components.transform.pixels import quantise, scale
from tests.support.gate_builders import digits, save_calibration, save_judge, tiny_judge


def pleasing(network, wanted: np.ndarray) -> np.ndarray:
    """Turn noise into images uint8 [N, 28, 28, 1] that the network sees as it sees `wanted`, by descent on the pixels."""
    targets = network(scale(tf.constant(wanted)), training=False)[0]
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, wanted.shape)
    pixels = tf.Variable(np.arctanh(noise).astype(np.float32))
    optimizer = tf.keras.optimizers.Adam(0.05)

    @tf.function
    def step() -> None:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(network(tf.tanh(pixels), training=False)[0] - targets))
        optimizer.apply([tape.gradient(loss, pixels)], [pixels])

    for _ in range(150):
        step()
    return quantise(tf.tanh(pixels)).numpy()


def test_what_fools_the_first_judge_is_refused_by_the_second(mnist, tmp_path):
    networks = tiny_judge(mnist.directory)
    train = digits(mnist.directory, "train[:3000]")
    path = str(save_judge(tmp_path / "judge", networks, *train))
    calibration = str(save_calibration(tmp_path / "calibration", path, *train))
    eyes = shared_eyes(path)
    real, labels = digits(mnist.directory, "test[:1000]")
    real, labels = real[:400], labels[:400]
    fooling = pleasing(networks[0], real)
    assert np.abs(fooling.astype(int) - real).mean() > 60  # nothing like digits
    scorer = Scorer(path, calibration, 10)
    view, drawn = look(eyes, real), look(eyes, fooling)
    found = scorer.score(view, labels, content_keys(real), drawn, fooling, labels, per_class=False)[OVERALL]
    limits, _ = reach_limits(GateSettings(), "any other dataset")
    assert found["frechet_ratio"] < limits["max_frechet_ratio"]
    assert found["label_agreement"] > 0.9
    assert found["recall"] > limits["min_recall"]
    assert found["second_frechet_ratio"] > 5 * limits["max_second_frechet_ratio"]
