"""Infra validator and pusher as a real TFX pipeline with MLMD, fed by importers."""

import json
import shutil

import pytest

from serving.repository import contract
from serving.saved_model.generator import LocalGenerator
from tests.support.tiny_generator import build_tiny_generator

_VERDICT = {
    "blessed": True,
    "metrics": {"frechet_ratio": 2.0},
    contract.GATE_SERVED_VERSION: "",  # nothing was served
    contract.GATE_SERVED_DIGEST: "",
}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return build_tiny_generator(tmp_path_factory.mktemp("tiny") / "model")


def _run(home, model, blessed):
    """Run the two components over a trained model that the gate blessed or not; returns their outputs by MLMD."""
    from tfx import v1 as tfx
    from tfx.orchestration.metadata import Metadata

    from components.infra_validate.component import GeneratorInfraValidator
    from components.push.component import GeneratorPusher

    types = tfx.types.standard_artifacts
    trained, evaluation = home / "trained", home / "evaluation"
    shutil.copytree(model, trained / "Format-Serving")
    evaluation.mkdir()
    (evaluation / "verdict.json").write_text(json.dumps(_VERDICT))
    (home / "blessing").mkdir()

    def imported(name, uri, kind, **custom):
        node = tfx.dsl.Importer(source_uri=str(uri), artifact_type=kind, custom_properties=custom).with_id(name)
        return node, node.outputs["result"]

    model_node, model_channel = imported("Model", trained, types.Model)
    gate_node, gate_channel = imported("Evaluation", evaluation, types.ModelEvaluation)
    blessing_node, blessing_channel = imported("Blessing", home / "blessing", types.ModelBlessing, blessed=int(blessed))
    validator = GeneratorInfraValidator(model=model_channel, model_blessing=blessing_channel, timeout_s=300, code_hash="a")
    pusher = GeneratorPusher(
        model=model_channel,
        evaluation=gate_channel,
        model_blessing=blessing_channel,
        infra_blessing=validator.outputs["blessing"],
        serving_base=str(home / "serving" / "tiny"),
        keep_versions=3,
        canary=False,
        code_hash="b",
    )
    database = tfx.orchestration.metadata.sqlite_metadata_connection_config(str(home / "metadata.sqlite"))
    pipeline = tfx.dsl.Pipeline(
        pipeline_name="push",
        pipeline_root=str(home / "root"),
        components=[model_node, gate_node, blessing_node, validator, pusher],
        metadata_connection_config=database,
    )
    tfx.orchestration.LocalDagRunner().run(pipeline)
    with Metadata(database) as metadata:
        (infra,) = metadata.store.get_artifacts_by_type("InfraBlessing")
        (pushed,) = metadata.store.get_artifacts_by_type("PushedModel")
    return infra, pushed


def test_a_blessed_model_is_pushed(tiny, tmp_path):
    infra, pushed = _run(tmp_path, tiny, blessed=True)
    assert infra.custom_properties["blessed"].int_value == 1
    assert {path.name for path in (tmp_path / "root/GeneratorInfraValidator/blessing").rglob("INFRA*")} == {"INFRA_BLESSED"}
    version = tmp_path / "serving" / "tiny" / "1"
    assert pushed.custom_properties["pushed"].int_value == 1
    assert pushed.custom_properties["pushed_destination"].string_value == str(version)
    assert pushed.custom_properties["pushed_version"].string_value == "1"
    metadata = LocalGenerator(version.parent).metadata
    assert metadata[contract.META_GATE] == _VERDICT
    assert metadata[contract.META_RUN_ID]
    assert LocalGenerator(pushed.uri.removeprefix("file://")).metadata == metadata


def test_a_model_that_the_gate_refused_is_neither_tried_nor_pushed(tiny, tmp_path):
    infra, pushed = _run(tmp_path, tiny, blessed=False)
    assert infra.custom_properties["blessed"].int_value == 0
    assert pushed.custom_properties["pushed"].int_value == 0
    (reason,) = (tmp_path / "root").rglob("reason.txt")
    assert reason.read_text() == "not tried: the gate did not bless the model\n"
    assert (reason.parent / "INFRA_NOT_BLESSED").exists()
    assert not (tmp_path / "serving").exists()


def test_a_model_that_cannot_be_served_is_not_pushed(tiny, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(tiny, broken)
    (broken / contract.WARMUP_FILE).unlink()
    infra, pushed = _run(tmp_path, broken, blessed=True)
    assert infra.custom_properties["blessed"].int_value == 0
    assert pushed.custom_properties["pushed"].int_value == 0
    (reason,) = (tmp_path / "root").rglob("reason.txt")
    assert reason.read_text() == "assets.extra/tf_serving_warmup_requests is missing\n"
    assert not (tmp_path / "serving").exists()
