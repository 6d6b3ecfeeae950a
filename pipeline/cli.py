"""The `forger` command: its subcommands, and how errors end."""

from __future__ import annotations

import contextlib
import os
import select
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn, TextIO

import click
import cloup

from pipeline.commands.base import CONTEXT, EXIT_INTERRUPTED, EXIT_PIPE, EXIT_USER, Group, group
from pipeline.commands.data import data
from pipeline.commands.doctor import doctor
from pipeline.commands.evaluate import evaluate
from pipeline.commands.generate import generate
from pipeline.commands.history import history
from pipeline.commands.kubeflow import kubeflow
from pipeline.commands.promote import promote
from pipeline.commands.report import report
from pipeline.commands.rollback import rollback
from pipeline.commands.run import run
from pipeline.commands.sample import sample
from pipeline.commands.serve import serve
from pipeline.commands.status import status
from pipeline.commands.versions import versions
from pipeline.environment import prepare_tensorflow
from serving.repository.errors import UserError, first_line
from serving.repository.version import forger_version

_LEFT_BEHIND = "draw"  # the name of the thread in which the gate lets a generator draw


@contextlib.contextmanager
def _readers_may_leave() -> Iterator[None]:
    """End a broken pipe as a shell would: click ends it with 1, which here means that the gate refused.

    Raises:
        ConnectionError: It was not standard output that broke, but a pipe or a connection of the command's own.
    """
    try:
        yield
    except BrokenPipeError as error:
        if not _is_broken(sys.stdout):
            raise ConnectionError(str(error)) from error  # without its number, by which click would end it with 1
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())  # what is flushed at the end has no reader either
        sys.exit(EXIT_PIPE)


def _is_broken(stream: TextIO) -> bool:
    poll = select.poll()
    try:
        poll.register(stream.fileno(), select.POLLOUT)
    except (OSError, ValueError):  # a stream of click's test runner has no file
        return False
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))


class Forger(Group):
    """The command as a process runs it: the user's mistakes end in one line and exit code 2, Ctrl-C in 130."""

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        """See `click.Command`; `--help` is printed here."""
        with _readers_may_leave():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """See `click.Command`."""
        with _readers_may_leave():
            return super().invoke(ctx)

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any) -> None:
        """See `click.Command`; click's test runner comes through here as well."""
        words = list(sys.argv[1:] if args is None else args)
        debug = words[:1] == ["--debug"]
        try:
            super().main(words, prog_name, **{**extra, "standalone_mode": False})
        except (click.exceptions.Abort, KeyboardInterrupt):
            _stop("interrupted; the same command goes on where it was", EXIT_INTERRUPTED)
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            sys.exit(EXIT_USER)
        except click.ClickException as error:
            _stop(_usage(error), EXIT_USER)
        except Exception as error:
            if debug:
                traceback.print_exc()
            _stop(_line(error), EXIT_USER)


@group(name="forger", cls=Forger, context_settings=CONTEXT)
@cloup.option("--debug", is_flag=True, help="Show tracebacks and the libraries' own messages.")
@cloup.version_option(forger_version(), prog_name="forger")
@click.pass_context
def cli(context: click.Context, debug: bool) -> None:
    """From a TFDS dataset to a served, gated generator."""
    context.obj = debug
    prepare_tensorflow(quiet=not debug)


# In the order of work.
SECTIONS = (
    cloup.Section("Make a generator", [data, run]),
    cloup.Section("Look at runs", [status, history, report, doctor]),
    cloup.Section("Draw images and score them", [sample, evaluate, generate]),
    cloup.Section("Serve", [serve, versions, promote, rollback]),
    cloup.Section("On a cluster", [kubeflow]),
)
for section in SECTIONS:
    cli.add_section(section)


def main() -> None:
    """Run the command, and end even where TensorFlow still works at a generator that hangs: it can't be interrupted."""
    _fill_standard_streams()
    try:
        cli()
    except SystemExit as end:
        if not any(thread.name == _LEFT_BEHIND for thread in threading.enumerate()):
            raise
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(end.code if isinstance(end.code, int) else 0)


def _fill_standard_streams() -> None:
    """Open those that the caller has closed (`2>&-`): else the next file gets their number, and native messages in its midst."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            setattr(sys, name, os.fdopen(number, "w" if number else "r", encoding="utf-8"))


def _line(error: Exception) -> str:
    if isinstance(error, UserError):
        return str(error)
    notes = getattr(error, "__notes__", [])
    if isinstance(error, OSError):
        return ": ".join(map(str, [*notes, error.strerror or error, *filter(None, [error.filename])]))
    from serving.client import ClientError  # gRPC comes with it: not before it is needed

    if isinstance(error, ClientError):
        return str(error)
    first = first_line(error)
    return f"{': '.join([*notes, first])} (forger --debug ... shows all)"


def _usage(error: click.ClickException) -> str:
    """Say on one line what click takes many for: the mistake, and whose help tells more."""
    said = " ".join(error.format_message().split())
    context = getattr(error, "ctx", None)
    return f"{said.removesuffix('.')} (`{context.command_path} --help` tells more)" if context else said


def _stop(line: str, code: int) -> NoReturn:
    click.echo(f"forger: {line}", err=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
