"""The `forger` command: its subcommands, and how errors end."""

from __future__ import annotations

import sys

import click

from pipeline.commands.data import data
from pipeline.commands.evaluate import evaluate
from pipeline.commands.exits import EXIT_INTERRUPTED, EXIT_USER
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
from serving.repository.errors import UserError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("--debug", is_flag=True, help="Show tracebacks and the libraries' own messages.")
@click.version_option(package_name="forger")
@click.pass_context
def cli(context: click.Context, debug: bool) -> None:
    """From a TFDS dataset to a served, gated generator."""
    context.obj = debug
    prepare_tensorflow(quiet=not debug)


for command in (run, status, history, report, evaluate, serve, sample, generate, versions, rollback, promote, data, kubeflow):
    cli.add_command(command)


def main() -> None:
    """Run the command; the user's mistakes end in one line and exit code 2, Ctrl-C in 130."""
    debug = "--debug" in sys.argv[1:2]
    try:
        cli(standalone_mode=False)
    except click.exceptions.Abort:
        _stop("interrupted; the same command goes on where it was", EXIT_INTERRUPTED)
    except KeyboardInterrupt:
        _stop("interrupted; the same command goes on where it was", EXIT_INTERRUPTED)
    except click.ClickException as error:
        error.show()
        sys.exit(EXIT_USER)
    except _users() as error:
        if debug:
            raise
        _stop(str(error), EXIT_USER)
    except OSError as error:
        if debug:
            raise
        _stop(f"{error.strerror or error}" + (f": {error.filename}" if error.filename else ""), EXIT_USER)
    except Exception as error:
        if debug:
            raise
        first = (str(error).strip() or repr(error)).splitlines()[0][:300]
        _stop(f"{': '.join([*getattr(error, '__notes__', []), first])} (forger --debug ... shows all)", EXIT_USER)


def _users() -> tuple[type[Exception], ...]:
    """What the user can mend; asked when something failed, because the client brings gRPC along."""
    from serving.client import ClientError

    return UserError, ClientError


def _stop(line: str, code: int) -> None:
    click.echo(f"forger: {line}", err=True)
    sys.exit(code)
