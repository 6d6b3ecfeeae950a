"""`forger evaluate`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from pipeline.commands.exits import EXIT_BLOCKED
from pipeline.commands.options import dataset_option, home_option
from pipeline.home.home import Home
from serving.repository.errors import UserError

_NPY = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command()
@click.option("--server", metavar="HOST:PORT", help="Draw from a running model server.")
@click.option("--samples", type=_NPY, metavar="FILE.npy", help="Score an array, uint8 (N, 28, 28): also someone else's GAN.")
@click.option("--labels", type=_NPY, metavar="FILE.npy", help="The classes of --samples, integers (N,).")
@click.option("--model", type=click.Path(path_type=Path), help="Draw from a SavedModel, or the newest version of a directory.")
@dataset_option
@click.option("--count", type=click.IntRange(1, 1_000_000), help="How many images; without it, as many as the gate looks at.")
@click.option("--timeout", default=60.0, show_default=True, type=click.FloatRange(0.1), help="Seconds for one request.")
@click.option("--json", "as_json", is_flag=True, help="Print all figures as JSON.")
@home_option
@click.pass_context
def evaluate(
    context: click.Context,
    server: str | None,
    samples: Path | None,
    labels: Path | None,
    model: Path | None,
    dataset: str,
    count: int | None,
    timeout: float,
    as_json: bool,
    home: Path,
) -> None:
    """Score what is served, a SavedModel or an array of images with the gate's figures and thresholds."""
    if sum(source is not None for source in (server, samples, model)) != 1:
        raise UserError("name one of --server, --samples and --model")
    if labels and not samples:
        raise UserError("--labels are those of --samples: a generator says its own")
    from pipeline.home.status import show_checks
    from pipeline.terminal.console import make_console, quiet

    with quiet(debug=context.obj):  # TensorFlow's own import as well
        from pipeline.sampling.evaluate import Yardstick, draw_with, from_array

        yardstick = Yardstick.of(Home.at(home), dataset, count)
        if samples:
            verdict = yardstick.judge(*from_array(samples, labels, yardstick))
        elif server:
            from serving.client import GeneratorClient
            from serving.repository.layout import model_name

            with GeneratorClient(server, model_name(dataset), timeout) as client:
                verdict = yardstick.judge(*draw_with(client, yardstick))
        else:
            from serving.saved_model.generator import LocalGenerator

            verdict = yardstick.judge(*draw_with(LocalGenerator(model), yardstick))
    if as_json:
        click.echo(verdict.model_dump_json(indent=1))
    else:
        console = make_console()
        console.print(f"{verdict.examples} images against as many real ones, judge {verdict.judge['digest'][:12]}")
        show_checks(verdict.model_dump(mode="json"), console)
    if not verdict.blessed:
        sys.exit(EXIT_BLOCKED)
