"""What the benchmarks of the training do with the settings that they are told."""

import pytest

from components.gan.settings import GanSettings
from tests.benchmarks.peers.contenders.forger import final_rate
from tests.benchmarks.training import keep_to


def test_results_of_other_settings_are_not_mixed(tmp_path):
    keep_to(tmp_path / "out", ["gan.width=48"])
    keep_to(tmp_path / "out", ["gan.width=48"])
    with pytest.raises(SystemExit, match=r"holds results with the settings \['gan.width=48'\]: name another"):
        keep_to(tmp_path / "out", [])


@pytest.mark.parametrize(("steps", "rate"), [(4800, 1e-4), (8640, 5.397e-5), (9600, 4e-5), (14400, 2e-5), (10**6, 2e-5)])
def test_the_rate_of_another_length_falls_as_fast_within_its_limits(steps, rate):
    settings = GanSettings(steps=9600, learning_rate=8e-4, final_learning_rate=4e-5)
    assert final_rate(settings, steps) == pytest.approx(rate, rel=1e-3)
