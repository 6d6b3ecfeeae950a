"""What the docs say of commands and settings is what the code says: `make docs` writes it."""

import shutil
import subprocess
import sys

import pytest

from pipeline.config import Config
from tests.unit.commands.test_cli import commands
from tools.render_docs import BEGIN, END, ROOT, commands_table, settings_page, with_commands


def test_the_readme_has_the_table_of_commands():
    readme = (ROOT / "README.md").read_text("utf-8")
    assert with_commands(readme) == readme, "run `make docs`"


def test_the_settings_page_is_the_settings():
    assert settings_page() == (ROOT / "docs" / "settings.md").read_text("utf-8"), "run `make docs`"


def test_every_command_is_in_the_table_once():
    rows = commands_table().splitlines()
    for path, _ in commands():
        typed = " ".join(("forger", *path))
        assert (
            sum(row.startswith((f"| `{typed}`", f"| `{typed} --", f"| `{typed} [", f"| `{typed} FILE")) for row in rows) == 1
        ), typed


def test_every_setting_is_on_the_page_with_a_reason():
    page = settings_page()
    for section, field in Config.model_fields.items():
        for name, setting in field.annotation.model_fields.items():
            assert f"| `{section}.{name}` | " in page
            assert setting.description
    assert "typing." not in page  # a type of Python's is no type of a user's


def test_only_what_stands_between_the_marks_is_written():
    assert with_commands(f"a\n{BEGIN}\nold\n{END}\nb") == f"a\n{BEGIN}\n{commands_table()}\n{END}\nb"
    with pytest.raises(ValueError, match="has no <!-- commands -->"):
        with_commands("a")


def test_the_check_says_what_is_out_of_date_and_make_docs_mends_it(tmp_path):
    for package in ("pipeline", "components", "serving", "tools"):
        (tmp_path / package).symlink_to(ROOT / package)
    (tmp_path / "tools").unlink()
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "render_docs.py", tmp_path / "tools")
    (tmp_path / "docs").mkdir()
    (tmp_path / "README.md").write_text(f"{BEGIN}{END}")

    def render(*arguments):
        command = [sys.executable, str(tmp_path / "tools" / "render_docs.py"), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode, [line.partition(":")[0] for line in done.stdout.splitlines()]

    assert render("--check") == (1, ["README.md", "docs/settings.md"])
    assert not (tmp_path / "docs" / "settings.md").exists()
    assert render() == (0, ["README.md", "docs/settings.md"])
    assert (tmp_path / "docs" / "settings.md").read_text("utf-8") == settings_page()
    assert render("--check") == (0, [])
