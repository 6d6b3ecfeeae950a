"""What the benchmarks of the training do with the settings that they are told."""

import pytest

from components.gan.settings import GanSettings
from tests.benchmarks.peers.contenders.forger import planned
from tests.benchmarks.training import keep_to
from tests.support.shapes import COLOUR_32, GREY_28


def test_results_of_other_settings_are_not_mixed(tmp_path):
    keep_to(tmp_path / "out", ["gan.width=48"])
    keep_to(tmp_path / "out", ["gan.width=48"])
    with pytest.raises(SystemExit, match=r"holds results with the settings \['gan.width=48'\]: name another"):
        keep_to(tmp_path / "out", [])


_SETTINGS = GanSettings(steps=9600, learning_rate=8e-4, final_learning_rate=4e-5)


@pytest.mark.parametrize(("steps", "rate"), [(4800, 1e-4), (8640, 5.397e-5), (9600, 4e-5), (14400, 2e-5), (10**6, 2e-5)])
def test_the_rate_of_another_length_falls_as_fast_within_its_limits(steps, rate):
    found = planned(_SETTINGS, steps, COLOUR_32)
    assert (found.steps, found.decay_steps) == (steps, None)
    assert found.final_learning_rate == pytest.approx(rate, rel=1e-3)


@pytest.mark.parametrize(("steps", "rate", "decay_steps"), [(4800, 1e-4, None), (9600, 4e-5, None), (14400, 4e-5, 9600)])
def test_longer_trainings_of_digits_stay_at_the_end_of_the_decay(steps, rate, decay_steps):
    found = planned(_SETTINGS, steps, GREY_28)
    assert (found.steps, found.decay_steps) == (steps, decay_steps)
    assert found.final_learning_rate == pytest.approx(rate, rel=1e-3)
