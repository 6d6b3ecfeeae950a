"""What `forger data fetch` says of where the data came from."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from pipeline.cli import cli
from tests.support.image_folders import write_classes


def fetch(home, *words: object) -> str:
    done = CliRunner().invoke(cli, ["data", "fetch", *map(str, words), "--home", str(home)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize("again", [False, True])
def test_what_was_held_against_checksums_is_verified(tiny, tmp_path, again):
    for _ in range(1 + again):
        said = fetch(tmp_path / "home", "--dataset", "tiny_digits")
    assert "from upstream, verified: " in said


def test_nobody_has_verified_a_folder(tmp_path):
    folder = write_classes(tmp_path / "shapes", 10)
    said = fetch(tmp_path / "home", "--data", folder)
    assert f"from {folder}: " in said
    assert "verified:" not in said
