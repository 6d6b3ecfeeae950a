"""The pusher's executor without a pipeline around it."""

import pytest
from tfx.types import standard_artifacts

from components.push.executor import Executor
from serving.repository.errors import UserError


@pytest.mark.parametrize("content", [None, "{", "[]", "{}"])
def test_a_gate_without_a_verdict_stops_the_push(tiny, tmp_path, content):
    evaluation, model, pushed = (
        kind() for kind in (standard_artifacts.ModelEvaluation, standard_artifacts.Model, standard_artifacts.PushedModel)
    )
    evaluation.uri, model.uri, pushed.uri = str(tmp_path / "evaluation"), str(tmp_path / "model"), str(tmp_path / "pushed")
    (tmp_path / "evaluation").mkdir()
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "Format-Serving").symlink_to(tiny)
    if content is not None:
        (tmp_path / "evaluation" / "verdict.json").write_text(content)
    parameters = {"serving_base": str(tmp_path / "base"), "keep_versions": 1, "canary": 0, "code_hash": ""}
    with pytest.raises(UserError, match=r"no readable verdict\.json"):
        Executor().Do({"evaluation": [evaluation], "model": [model]}, {"pushed_model": [pushed]}, parameters)
    assert not (tmp_path / "base").exists()
