"""Every contender trains and draws images of the shape that it is given, and a plan says what is trained for how long."""

import numpy as np
import pytest

from tests.benchmarks.peers import contenders
from tests.benchmarks.peers.benchmark import trainings
from tests.benchmarks.peers.show import title
from tests.support.shapes import COLOUR_32


@pytest.mark.parametrize("name", [name for name in contenders.NAMES if name not in contenders.SCHEDULED])
def test_contenders_follow_the_shape(name):
    rng = np.random.default_rng(1)
    images, labels = rng.integers(0, 256, [400, *COLOUR_32], np.uint8), rng.integers(0, 3, 400)
    contender = contenders.make(name, images, labels, 1.0, 1, ["gan.width=4", "gan.batch_size=4"])
    before = contender.images_seen
    contender.train(1e-3)
    drawn = contender.draw(labels[:7])
    assert contender.images_seen > before
    assert (drawn.shape, drawn.dtype) == ((7, *COLOUR_32), np.uint8)
    assert not contender.conditional


def test_what_has_a_schedule_is_trained_for_each_time():
    plans = trainings(["forger", "wgan_gp"], [60.0, 300.0, 1200.0], [300.0, 1200.0])
    assert plans == {
        "forger_300": ("forger", [60.0, 300.0]),
        "forger": ("forger", [60.0, 300.0, 1200.0]),
        "wgan_gp": ("wgan_gp", [60.0, 300.0, 1200.0]),
    }
    assert [title(name) for name in plans] == [
        "Forger (conv recipe), planned for 300 s",
        "Forger (conv recipe)",
        "WGAN-GP as a Keras train_step",
    ]
