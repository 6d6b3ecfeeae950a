"""The hash of the sources."""

import pytest

from components import codehash


def test_it_changes_with_a_files_content_and_name_but_not_with_a_touch(tmp_path, monkeypatch):
    monkeypatch.setattr(codehash, "_ROOT", tmp_path)
    source = tmp_path / "part" / "a.py"
    source.parent.mkdir()
    source.write_text("x = 1\n")
    before = codehash.code_digest("part")
    source.touch()
    assert codehash.code_digest("part") == before
    source.write_text("x = 2\n")
    changed = codehash.code_digest("part")
    assert changed != before
    source.rename(source.with_name("b.py"))
    assert codehash.code_digest("part") not in (before, changed)


def test_a_place_without_sources_is_an_error_not_an_empty_hash():
    with pytest.raises(FileNotFoundError):
        codehash.code_digest("components/nothing_there")


def test_what_pip_built_below_the_client_changes_nothing(tmp_path, monkeypatch):
    """`pip install ./serving/client` leaves copies there; workers without them have the same Forger."""
    root = tmp_path / "build" / "checkout"  # above the root the name means nothing
    monkeypatch.setattr(codehash, "_ROOT", root)
    built = root / "part" / "client" / "build" / "lib" / "a.py"
    built.parent.mkdir(parents=True)
    (root / "part" / "a.py").write_text("x = 1\n")
    before = codehash.code_digest("part")
    built.write_text("x = 1\n")
    assert codehash.code_digest("part") == before
