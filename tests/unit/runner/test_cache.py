"""TFX's cache finds finished work in a home that was moved: real MLMD, real keys."""

import json

import pytest
from ml_metadata.proto import metadata_store_pb2 as mlmd
from tfx.orchestration import metadata
from tfx.orchestration.portable import cache_utils
from tfx.proto.orchestration import pipeline_pb2
from tfx.types import standard_artifacts

from pipeline.home.home import Home
from pipeline.runner.cache import keys_without_home


def key(home, *, place=None, shift=3):
    """The key of a node that takes an artifact of the home, its place and settings."""
    place = place or home.path
    artifact = standard_artifacts.Model()
    artifact.uri = str(place / "pipeline_root" / "model" / "7")
    artifact.id = 7
    artifact.set_string_custom_property("pushed_destination", str(place / "serving" / "1"))
    parameters = {"data_dir": str(place / "data"), "config": json.dumps({"work": str(place / "trainings")}), "shift": shift}
    connection = mlmd.ConnectionConfig()
    connection.fake_database.SetInParent()
    with keys_without_home(home.path), metadata.Metadata(connection) as handle:
        context = cache_utils.get_cache_context(
            metadata_handle=handle,
            pipeline_node=pipeline_pb2.PipelineNode(),
            pipeline_info=pipeline_pb2.PipelineInfo(id="mnist_gan"),
            executor_spec=None,
            input_artifacts={"model": [artifact]},
            output_artifacts={},
            parameters=parameters,
        )
    assert artifact.uri.startswith(str(place))  # the artifact itself is as it was
    return context.name


def test_a_moved_home_has_the_same_keys_and_another_setting_has_not(tmp_path):
    old, new = Home.at(tmp_path / "old"), Home.at(tmp_path / "ü new")  # JSON writes ü as an escape
    assert key(old) == key(new)
    assert key(old, shift=4) != key(new)
    assert key(old, place=tmp_path / "other") != key(old)


def test_tfx_is_left_as_it_was(tmp_path):
    stock = cache_utils.get_cache_context
    with pytest.raises(RuntimeError), keys_without_home(tmp_path):
        assert cache_utils.get_cache_context is not stock
        raise RuntimeError
    assert cache_utils.get_cache_context is stock
