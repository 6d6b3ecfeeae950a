"""TFX's cache and the resume of a run don't see the engine."""

import pytest
from tfx.orchestration.local import runner_utils

from pipeline.config import resolve_config
from pipeline.engines.options import resolve_engine
from pipeline.home.home import Home
from pipeline.pipeline import places_in
from pipeline.runner.local import _beam_operator, _compile
from tests.unit.engines.test_options import FLINK

BEAM_NODES = ("TfdsExampleGen", "StatisticsGen", "Transform", "Gate")


@pytest.fixture(scope="module")
def compiled(mnist, tmp_path_factory):
    home = Home.at(tmp_path_factory.mktemp("engine") / "home")
    home.open()
    config = resolve_config("smoke")
    return _compile(
        config, mnist, home, places_in(home, config, mnist, pipeline_name="mnist_gan", pipeline_root=str(home.pipeline_root))
    )


@pytest.mark.parametrize("node", BEAM_NODES)
def test_what_the_cache_key_is_made_of_names_no_engine(compiled, node):
    spec = runner_utils.extract_executor_spec(runner_utils.extract_local_deployment_config(compiled), node)
    before = spec.SerializeToString(deterministic=True)
    assert not spec.beam_pipeline_args_placeholders
    arguments = resolve_engine("flink", **FLINK).beam_args("job")
    operator = _beam_operator(arguments, spec)
    told = [each.value.string_value for each in operator.beam_pipeline_args]
    assert told == arguments
    assert spec.SerializeToString(deterministic=True) == before
