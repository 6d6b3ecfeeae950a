"""One network's blind spot can't bless: images made to please the first judge are refused by the second."""

import numpy as np
import tensorflow as tf

from components.gate.combiners.keys import content_keys
from components.gate.combiners.rows import look
from components.gate.combiners.scoring import OVERALL, Scorer
from components.gate.settings import GateSettings
from components.judge.features import load_judge, load_memory
from components.transform.pixels import quantise, scale
from tests.support.gate_builders import digits, save_judge, tiny_judge


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
    path = str(save_judge(tmp_path, networks, *digits(mnist.directory, "train[:3000]")))
    judge, memory = load_judge(path), load_memory(path)
    real, labels = digits(mnist.directory, "test[:1000]")
    real, labels = real[:400], labels[:400]
    fooling = pleasing(networks[0], real)
    assert np.abs(fooling.astype(int) - real).mean() > 60  # nothing like digits
    scorer = Scorer(path, 10)
    view = look(judge, memory, real)
    found = scorer.score(view, labels, content_keys(real), look(judge, memory, fooling), labels, per_class=False)[OVERALL]
    settings = GateSettings()
    assert found["frechet_ratio"] < settings.max_frechet_ratio
    assert found["label_agreement"] > 0.9
    assert found["recall"] > settings.min_recall
    assert found["second_frechet_ratio"] > 5 * settings.max_second_frechet_ratio
