"""The `forger` command. Each subcommand calls a library function; nothing heavy is imported before it is needed."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from components.errors import UserError
from pipeline.environment import prepare_tensorflow
from pipeline.home import DEFAULT_HOME, Home
from serving.errors import ServingError

EXIT_BLOCKED, EXIT_USER, EXIT_INTERRUPTED = 1, 2, 130

home_option = click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    default=DEFAULT_HOME,
    show_default=True,
    help="Where all state lies.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("--debug", is_flag=True, help="Show tracebacks and the libraries' own messages.")
@click.version_option(package_name="forger")
@click.pass_context
def cli(context: click.Context, debug: bool) -> None:
    """From a TFDS dataset to a served, gated generator."""
    context.obj = debug
    prepare_tensorflow(quiet=not debug)


@cli.command()
@click.option("--profile", default="quick", show_default=True, help="smoke, quick, full or article.")
@click.option(
    "--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change one setting, e.g. gan.steps=1000; may be repeated."
)
@home_option
@click.option("--source", default="auto", show_default=True, help="Where data come from: auto, upstream, mirror or a directory.")
@click.option(
    "--beam", "beam_args", multiple=True, metavar="ARG", help="A Beam argument, e.g. --runner=FlinkRunner; may be repeated."
)
@click.option("--dry-run", is_flag=True, help="Print the resolved configuration and the nodes, run nothing.")
@click.pass_context
def run(
    context: click.Context,
    profile: str,
    changes: tuple[str, ...],
    home: Path,
    source: str,
    beam_args: tuple[str, ...],
    dry_run: bool,
) -> None:
    """Run the pipeline: ingest, train, gate, push; done work is kept, an interrupted run goes on."""
    from pipeline.run import dry_run as show_plan
    from pipeline.run import run_pipeline

    if dry_run:
        show_plan(profile, list(changes))
        return
    record = run_pipeline(profile, list(changes), Home.at(home), source, list(beam_args), debug=context.obj)
    if record.state != "blessed":
        sys.exit(EXIT_BLOCKED)


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@home_option
def status(as_json: bool, home: Path) -> None:
    """Show the last run, the gate's figures against its thresholds, and what is pushed."""
    from pipeline.console import make_console
    from pipeline.status import collect, show

    if as_json:
        click.echo(json.dumps(collect(Home.at(home)), indent=1))
    else:
        show(Home.at(home), make_console())


@cli.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to bind.")
@click.option("--port", default=8500, show_default=True, type=click.IntRange(0, 65535), help="gRPC port; 0 for any free one.")
@click.option("--dataset", default="mnist", show_default=True, help="TFDS name of the generator's dataset.")
@home_option
@click.pass_context
def serve(context: click.Context, host: str, port: int, dataset: str, home: Path) -> None:
    """Serve the newest pushed version over TensorFlow Serving's gRPC contract."""
    import logging

    from pipeline.console import quiet
    from serving.contract import model_name
    from serving.server.app import serve as serve_model

    with quiet(debug=context.obj) as stream:
        logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s", stream=stream)
        logging.getLogger("forger").setLevel(logging.INFO)
        serve_model(Home.at(home).model_base(dataset), model_name(dataset), host, port)


@cli.command()
@click.option("--server", metavar="HOST:PORT", help="Ask a running model server.")
@click.option(
    "--model", type=click.Path(path_type=Path), help="Load a SavedModel: a version's directory, or that of all versions."
)
@click.option("--dataset", default="mnist", show_default=True, help="TFDS name of the generator's dataset.")
@click.option("--count", default=100, show_default=True, type=click.IntRange(1, 1_000_000), help="How many images.")
@click.option("--digit", "label", type=click.IntRange(0), help="Only this class; without it, any class, drawn from the seed.")
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0, 2**63 - 1), help="Equal seeds give equal images.")
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="FILE.png (a grid) or FILE.npy.")
@click.option("--labels-out", type=click.Path(path_type=Path, dir_okay=False), help="Also write the labels to FILE.npy.")
@home_option
@click.pass_context
def sample(
    context: click.Context,
    server: str | None,
    model: Path | None,
    dataset: str,
    count: int,
    label: int | None,
    seed: int,
    out: Path,
    labels_out: Path | None,
    home: Path,
) -> None:
    """Draw images with the newest pushed version, a SavedModel, or a running server."""
    from pipeline.console import quiet
    from pipeline.draw import draw

    if server and model:
        raise UserError("name either --server or --model, not both")
    base = model or Home.at(home).model_base(dataset)
    with quiet(debug=context.obj):
        shown = draw(
            server=server, directory=base, dataset=dataset, count=count, label=label, seed=seed, out=out, labels_out=labels_out
        )
    click.echo(shown)


@cli.group()
def data() -> None:
    """Datasets on disk."""


@data.command()
@click.option("--dataset", default="mnist", show_default=True, help="TFDS name.")
@click.option(
    "--source", default="auto", show_default=True, help="auto, upstream, mirror, or a directory with the original archives."
)
@home_option
def fetch(dataset: str, source: str, home: Path) -> None:
    """Bring a dataset to disk, checksums verified."""
    from pipeline.run import prepare_data

    prepared = prepare_data(dataset, Home.at(home), source)
    counts = ", ".join(f"{count:,} {split}" for split, count in prepared.splits.items())
    click.echo(f"{prepared.dataset} {prepared.version} ({counts}) from {prepared.door}, verified: {prepared.directory}")


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
    except (UserError, ServingError) as error:
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


def _stop(line: str, code: int) -> None:
    click.echo(f"forger: {line}", err=True)
    sys.exit(code)
