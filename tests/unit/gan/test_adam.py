"""The fused optimizer against Keras's own."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.gan.adam import Adam


@pytest.mark.parametrize(("beta_1", "beta_2"), [(0.0, 0.99), (0.9, 0.999)])
def test_it_takes_the_steps_of_keras_own_adam(beta_1, beta_2):
    rng = np.random.default_rng(0)
    networks = [keras.Sequential([keras.Input([3]), keras.layers.Dense(4), keras.layers.Dense(2)]) for _ in range(2)]
    networks[1].set_weights(networks[0].get_weights())
    ours = Adam(networks[0], beta_1, beta_2)
    theirs = keras.optimizers.Adam(1e-2, beta_1, beta_2, epsilon=1e-8)
    for step in range(5):
        gradients = [tf.constant(rng.normal(size=weight.shape), tf.float32) for weight in networks[0].trainable_variables]
        norm = ours.apply(gradients, tf.constant(1e-2), tf.constant(step, tf.int64))
        theirs.apply(gradients, networks[1].trainable_variables)
        assert float(norm) == pytest.approx(np.sqrt(sum(np.sum(np.square(gradient)) for gradient in gradients)), rel=1e-5)
    for mine, expected in zip(networks[0].get_weights(), networks[1].get_weights(), strict=True):
        np.testing.assert_allclose(mine, expected, rtol=1e-4, atol=1e-6)
