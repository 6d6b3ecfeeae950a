"""`forger evaluate`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import cloup

from pipeline.commands.base import EXIT_BLOCKED, command, examples
from pipeline.commands.connection import connection_options
from pipeline.commands.options import dataset_option, home_option, json_option, not_both, only_with
from pipeline.home.home import Home

if TYPE_CHECKING:
    from serving.client import ClientTls

_NPY = click.Path(path_type=Path, exists=True, dir_okay=False)


@command(
    epilog=examples(
        "forger evaluate",
        "forger evaluate --server 127.0.0.1:8500",
        "forger evaluate --samples images.npy --labels labels.npy --json",
    )
)
@cloup.option_group(
    "What is scored; the pushed version that is stable if nothing is named",
    cloup.option("--server", metavar="HOST:PORT", help="What a running model server answers."),
    cloup.option(
        "--model", type=click.Path(path_type=Path), metavar="DIR", help="A SavedModel, or the newest version of a directory."
    ),
    cloup.option(
        "--samples", type=_NPY, metavar="FILE.npy", help="An array, uint8 (N, H, W) or (N, H, W, 3): also someone else's GAN."
    ),
)
@cloup.option_group(
    "How",
    cloup.option("--labels", type=_NPY, metavar="FILE.npy", help="The classes of --samples, integers (N,)."),
    dataset_option,
    cloup.option(
        "--count",
        type=click.IntRange(1, 1_000_000),
        metavar="N",
        help="How many images; without it, as many as the gate looks at.",
    ),
    cloup.option(
        "--timeout",
        default=60.0,
        show_default=True,
        type=click.FloatRange(0.1),
        metavar="SECONDS",
        help="What one request may take.",
    ),
)
@connection_options()
@cloup.option(
    "--thorough",
    is_flag=True,
    help="Measure usefulness as well: what a classifier learns from the images, and whether a network can tell them from real "
    "ones. Takes minutes.",
)
@not_both("server", "samples", "model", why="name one of --server, --samples and --model, not several")
@only_with("samples", "labels", why="--labels are those of --samples: a generator says its own")
@home_option
@json_option
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
    tls: ClientTls | None,
    thorough: bool,
    as_json: bool,
    home: Path,
) -> None:
    """Score the stable version, a server, a SavedModel or an array of images with the gate's figures and thresholds."""
    from pipeline.home.damaged import naming_damaged_artifact
    from pipeline.home.versions import find_version
    from pipeline.terminal.console import make_console, quiet, shown_by
    from pipeline.terminal.run import RunView
    from pipeline.terminal.verdict import show_checks, show_usefulness

    view = RunView(make_console(stderr=True))
    # Quiet of TensorFlow's own import as well.
    with naming_damaged_artifact(Home.at(home).pipeline_root), quiet(debug=context.obj), shown_by(view):
        from components.classes import group_count
        from pipeline.sampling.candidate import Unfit, open_model, open_server, refusal
        from pipeline.sampling.evaluate import Yardstick, from_array
        from pipeline.sampling.thorough import Scores, score

        yardstick = Yardstick.of(Home.at(home), dataset, count)
        classes = group_count(yardstick.class_names)
        try:
            if samples:
                scores = score(yardstick, from_array(samples, labels, yardstick), thorough=thorough)
            elif server:
                from serving.client import GeneratorClient
                from serving.repository.layout import model_name

                with GeneratorClient(server, model_name(dataset), timeout, tls=tls) as client:
                    scores = score(yardstick, open_server(client, classes, yardstick.images.shape[1:]), thorough=thorough)
            else:
                model = model or find_version(Home.at(home).model_base(dataset), None, None)
                scores = score(yardstick, open_model(model, classes, timeout, yardstick.images.shape[1:]), thorough=thorough)
        except Unfit as problem:
            scores = Scores(refusal(problem))
    if as_json:
        click.echo(scores.to_json())
    else:
        verdict = scores.verdict
        console = make_console()
        if verdict.examples:
            console.print(f"{verdict.examples} images against as many real ones, judge {verdict.judge['digest'][:12]}")
        show_checks(verdict.model_dump(mode="json"), console)
        if scores.usefulness:
            show_usefulness(scores.usefulness, console)
    if not scores.passed:
        sys.exit(EXIT_BLOCKED)
