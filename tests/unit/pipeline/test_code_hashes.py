"""A node runs again when its own code changed: TFX's cache knows of that what the hash in its parameters says."""

from __future__ import annotations

import pytest

from pipeline import pipeline
from pipeline.config import resolve_config
from pipeline.home.home import Home

# What they give follows from their parameters alone: records as they are, a version as it is.
COPYISTS = {"TfdsExampleGen", "Baseline"}


@pytest.fixture(scope="module")
def own_components(mnist, tmp_path_factory):
    home = Home.at(tmp_path_factory.mktemp("hashes") / "home")
    home.open()
    config = resolve_config("smoke", ["usefulness.enabled=true"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "code_digest", lambda *places: f"code of {' '.join(places)}.")
        places = pipeline.places_in(home, config, mnist, pipeline_name="p", pipeline_root=str(home.pipeline_root))
        components = pipeline.create_components(config, mnist, places)
    return [component for component in components if type(component).__module__.startswith("components.")]


def test_the_hash_of_a_node_is_of_its_own_folder(own_components):
    without = set()
    for component in own_components:
        folder = type(component).__module__.rpartition(".")[0].replace(".", "/")
        told = str(component.exec_properties)
        if "code of " not in told:
            without.add(component.id)
            continue
        places = told.partition("code of ")[2].partition(".")[0].split()
        assert folder in places, component.id
    assert without == COPYISTS
