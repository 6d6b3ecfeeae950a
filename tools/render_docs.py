"""Write what the docs say of the code from the code: README.md's table of commands and docs/settings.md.

Usage: python tools/render_docs.py [--check]; with --check nothing is written, and the exit code is 1 if something is out of date.
"""

from __future__ import annotations

import argparse
import sys
import types
import typing
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
from pydantic.fields import FieldInfo

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from pipeline.cli import SECTIONS, cli  # noqa: E402
from pipeline.config import DEFAULT_PROFILE, PROFILES, Config, resolve_config  # noqa: E402

BEGIN, END = "<!-- commands -->", "<!-- /commands -->"
_NAMES = {int: "whole number", float: "number", str: "text", bool: "true or false"}
_BOUNDS = {"ge": "≥ {}", "gt": "> {}", "le": "≤ {}", "lt": "< {}", "pattern": "`{}`"}


def commands_table() -> str:
    """Render all commands, in the order of `forger --help`: what is typed at least, and what it does."""
    rows = ["| command | does |", "| --- | --- |"]
    for section in SECTIONS:
        rows.append(f"| **{section.title}** | |")
        for name, command in section.list_commands():
            rows += [f"| `{_cell(line)}` | {_cell(does)} |" for line, does in _lines(command, f"forger {name}")]
    return "\n".join(rows)


def with_commands(readme: str) -> str:
    """Return README's text with the table between its two marks.

    Raises:
        ValueError: The marks are missing.
    """
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"README.md has no {BEGIN} and {END}: put them where the table of commands belongs")
    return f"{before}{BEGIN}\n{commands_table()}\n{END}{after}"


def settings_page() -> str:
    """Render the reference of all settings."""
    others = [name for name in PROFILES if name != DEFAULT_PROFILE]
    configs = {name: resolve_config(name) for name in PROFILES}
    page = [
        "# Settings",
        "",
        "Written by `make docs` from the settings' own definitions; a test compares.",
        "",
        "Change one with `forger run --set SECTION.KEY=VALUE`; `forger run --dry-run` prints them all. The default is that",
        f"of the `{DEFAULT_PROFILE}` profile; where `{'`, `'.join(others)}` differ, their values follow.",
    ]
    for section, field in Config.model_fields.items():
        kind: Any = field.annotation
        page += [
            "",
            f"## {section}",
            "",
            _summary(kind),
            "",
            "| setting | type | default | meaning |",
            "| --- | --- | --- | --- |",
        ]
        for name, setting in kind.model_fields.items():
            values = {profile: getattr(getattr(config, section), name) for profile, config in configs.items()}
            default = _value(values[DEFAULT_PROFILE])
            default += "".join(f"; {p} {_value(values[p])}" for p in others if values[p] != values[DEFAULT_PROFILE])
            row = (f"`{section}.{name}`", _type(setting), default, setting.description or "")
            page.append("| " + " | ".join(_cell(text) for text in row) + " |")
    return "\n".join(page) + "\n"


def main() -> int:
    """Write both, or say what is out of date."""
    parser = argparse.ArgumentParser(description="Write what the docs say of the code from the code.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if something is out of date")
    check = parser.parse_args().check
    readme, settings = ROOT / "README.md", ROOT / "docs" / "settings.md"
    wanted = {readme: with_commands(readme.read_text("utf-8")), settings: settings_page()}
    stale = [path for path, text in wanted.items() if not path.is_file() or path.read_text("utf-8") != text]
    for path in stale:
        if not check:
            path.write_text(wanted[path], encoding="utf-8")
        print(f"{path.relative_to(ROOT)}: {'out of date; `make docs` writes it' if check else 'written'}")
    return int(check and bool(stale))


def _lines(command: click.Command, typed: str) -> Iterator[tuple[str, str]]:
    if isinstance(command, click.Group):
        for name, one in command.commands.items():
            yield from _lines(one, f"{typed} {name}")
        return
    parts, context = [typed], click.Context(command, parent=click.Context(cli, info_name="forger"))
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            parts.append(parameter.make_metavar(context))
        elif parameter.required:
            parts.append(f"{parameter.opts[0]} {parameter.make_metavar(context)}")
    yield " ".join(parts), command.get_short_help_str()


def _summary(kind: type) -> str:
    return (kind.__doc__ or "").strip().partition("\n\n")[0].replace("\n    ", " ")


def _type(setting: FieldInfo) -> str:
    return _bounded(setting.annotation, setting.metadata)


def _bounded(kind: Any, constraints: Sequence[Any]) -> str:
    bounds = []
    for constraint in constraints:
        for name, text in _BOUNDS.items():
            if (bound := getattr(constraint, name, None)) is not None:
                bounds.append(text.format(bound))
    return ", ".join([_name(kind), *bounds])


def _name(kind: Any) -> str:
    if typing.get_origin(kind) is typing.Annotated:
        inner, *constraints = typing.get_args(kind)
        return _bounded(inner, [one for field in constraints for one in getattr(field, "metadata", [field])])
    if typing.get_origin(kind) is typing.Literal:
        return " or ".join(f"`{value}`" for value in typing.get_args(kind))
    if isinstance(kind, types.UnionType) or typing.get_origin(kind) is typing.Union:
        return " or ".join("null" if one is type(None) else _name(one) for one in typing.get_args(kind))
    return _NAMES.get(kind, str(kind))


def _value(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    return f"`{value}`" if isinstance(value, str) else str(value)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    sys.exit(main())
