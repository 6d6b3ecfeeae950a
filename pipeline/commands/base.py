"""What all commands of `forger` have in common: help that is never cut, examples, and facts as a line or as JSON."""

from __future__ import annotations

import functools
import json
from typing import Any

import click
import cloup

# How the command ends.
EXIT_BLOCKED = 1  # the gate said no: neither success nor a crash
EXIT_USER = 2
EXIT_INTERRUPTED = 130
EXIT_PIPE = 141  # the reader of standard output is gone, as a shell says it: 128 + SIGPIPE
# Lines as wide as the terminal, up to this many columns; a first column wide enough for the longest options.
CONTEXT = cloup.Context.settings(
    help_option_names=["-h", "--help"],
    max_content_width=110,
    align_option_groups=True,
    formatter_settings=cloup.HelpFormatter.settings(col1_max_width=34),
)


class WholeHelp(click.Command):
    """Says itself in its help's first sentence, whole: click cuts it where a line would be full."""

    def get_short_help_str(self, limit: int = 0) -> str:
        """See `click.Command`."""
        return (self.help or "").strip().partition("\n\n")[0].replace("\n", " ").removesuffix(".")


class Command(WholeHelp, cloup.Command):
    """One command."""


class Group(WholeHelp, cloup.Group):
    """A command of commands."""

    command_class = Command


command = functools.partial(cloup.command, cls=Command)
group = functools.partial(cloup.group, cls=Group)


def examples(*lines: str) -> str:
    """The end of a command's help."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def say(line: str, facts: Any, *, as_json: bool) -> None:
    """Print what a command has done or found: for a person, or all of it as JSON."""
    click.echo(json.dumps(facts, indent=1) if as_json else line)
