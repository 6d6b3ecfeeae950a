"""Versions and manifests on disk."""

import json

import pytest

from serving.repository import contract
from serving.repository.layout import list_versions, version_directories
from serving.repository.manifest import file_digests, manifest_problem


def _touch(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")


def test_only_plain_positive_int64_directories_with_a_graph_are_versions(tmp_path):
    for name in ("1", "10", "9", "007", "0", "-3", ".staging-4", "²", "x", str(2**63)):
        _touch(tmp_path / name / contract.SAVED_MODEL_FILE)
    (tmp_path / "11").mkdir()
    _touch(tmp_path / "12")
    assert list_versions(tmp_path) == [1, 9, 10]
    assert version_directories(tmp_path) == [1, 9, 10, 11]
    assert list_versions(tmp_path / "nothing") == []


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda model: (model / "a").write_bytes(b"other"), "a differs"),
        (lambda model: (model / "sub/b").unlink(), "sub/b is missing"),
        (lambda model: _touch(model / "c"), "c is not part of it"),
        (lambda model: (model / contract.MANIFEST_FILE).write_text("{"), "not a JSON object"),
        (lambda model: (model / contract.MANIFEST_FILE).write_text("[]"), "not a JSON object"),
    ],
)
def test_manifest_names_the_first_difference(tmp_path, damage, says):
    _touch(tmp_path / "a")
    _touch(tmp_path / "sub/b")
    assert manifest_problem(tmp_path) is None
    _touch(tmp_path / contract.MANIFEST_FILE)
    (tmp_path / contract.MANIFEST_FILE).write_text(json.dumps(file_digests(tmp_path)))
    assert manifest_problem(tmp_path) is None
    damage(tmp_path)
    assert says in manifest_problem(tmp_path)
