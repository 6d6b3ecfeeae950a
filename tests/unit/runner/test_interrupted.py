"""Which run goes on after an interruption, and which begins anew."""

from __future__ import annotations

import pytest

from components.baseline.choice import choose_baseline
from pipeline.config import resolve_config
from pipeline.engines.options import resolve_engine
from pipeline.home.home import Home
from pipeline.home.run_record import load_all
from pipeline.runner import local
from serving.repository.labels import roll_back
from tests.support.pushed_versions import push_tiny

# Protobuf's own, which TFX's compiled pipeline meets.
pytestmark = pytest.mark.filterwarnings(r"ignore:label\(\) is deprecated:DeprecationWarning")


def _interrupt(*_):
    raise KeyboardInterrupt


@pytest.fixture
def interrupted(mnist, tmp_path, monkeypatch):
    """Run until the first node, as often as called; returns the ids of the home's runs."""
    monkeypatch.setattr(local, "_launch", _interrupt)
    home = Home.at(tmp_path / "home")
    home.open()

    def run(**changes):
        config = resolve_config("smoke", [f"{name}={value}" for name, value in changes.items()])
        with pytest.raises(KeyboardInterrupt):
            local.run_nodes(config, "smoke", mnist, home, [], resolve_engine("local"))
        return {record.run_id for record in load_all(home.runs)}

    run.home = home
    return run


def test_an_interrupted_run_goes_on(interrupted):
    first = interrupted()
    assert len(first) == 1
    assert interrupted() == first
    assert len(interrupted(**{"gan.seed": 2})) == 2


def test_a_run_begins_anew_where_another_version_is_served_since(interrupted, tmp_path):
    """Within a run TFX takes up a finished node whatever its parameters: the gate would compare with what was served."""
    for number in (1, 2):
        push_tiny(interrupted.home.serving, tmp_path / str(number), scale=number / 2, recall=0.8)
    base = interrupted.home.model_base("mnist")
    first, before = interrupted(), choose_baseline(base, "another")
    roll_back(base, 1)
    assert choose_baseline(base, "another") != before
    second = interrupted()
    assert len(second) == 2 > len(first)
    assert interrupted() == second
