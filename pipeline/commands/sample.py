"""`forger sample`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
import cloup

from pipeline.commands.base import command, examples, say
from pipeline.commands.connection import connection_options
from pipeline.commands.options import (
    SEED,
    dataset_option,
    home_option,
    json_option,
    label_option,
    model_option,
    not_both,
    not_with,
    version_label_option,
    version_option,
)
from pipeline.home.home import Home

if TYPE_CHECKING:
    from serving.client import ClientTls

_OUT = click.Path(path_type=Path, dir_okay=False)


@command(
    epilog=examples(
        "forger sample --out digits.png", "forger sample --server 127.0.0.1:8500 --digit 7 --count 1000 --out sevens.npy"
    )
)
@cloup.option_group(
    "What draws; the pushed version that is stable if nothing is named",
    cloup.option("--server", metavar="HOST:PORT", help="A running model server."),
    model_option,
    dataset_option,
    version_option,
    version_label_option,
)
@cloup.option_group(
    "What is drawn",
    cloup.option(
        "--count", default=100, show_default=True, type=click.IntRange(1, 1_000_000), metavar="N", help="How many images."
    ),
    label_option,
    cloup.option("--seed", default=1, show_default=True, type=SEED, metavar="N", help="Equal seeds give equal images."),
    cloup.option("--first-row", type=click.IntRange(0), metavar="N", help="Begin with this of the seed's rows.  [default: 0]"),
    cloup.option("--to-seed", type=SEED, metavar="N", help="Draw the way from --seed to this seed, in --count steps."),
)
@cloup.option_group(
    "Where to",
    cloup.option("--out", required=True, type=_OUT, metavar="FILE", help="FILE.png (a grid) or FILE.npy."),
    cloup.option("--labels-out", type=_OUT, metavar="FILE.npy", help="Also write the labels."),
)
@connection_options(
    cloup.option(
        "--timeout",
        default=30.0,
        show_default=True,
        type=click.FloatRange(0.1),
        metavar="SECONDS",
        help="What one request may take.",
    ),
)
@not_both("server", "model", why="name either --server or --model, not both")
@not_both("version", "version_label", why="name either --version or --version-label, not both")
@not_with(
    "model",
    "version",
    "version_label",
    why="--version and --version-label choose among pushed versions or a server's: leave --model out",
)
@not_both(
    "first_row",
    "to_seed",
    why="--first-row begins among one seed's rows, --to-seed leads to another seed: name one of them",
)
@home_option
@json_option
@click.pass_context
def sample(
    context: click.Context,
    server: str | None,
    model: Path | None,
    dataset: str,
    version: int | None,
    version_label: str | None,
    count: int,
    label: str | None,
    seed: int,
    first_row: int | None,
    to_seed: int | None,
    out: Path,
    labels_out: Path | None,
    timeout: float,
    tls: ClientTls | None,
    home: Path,
    as_json: bool,
) -> None:
    """Draw images with the stable version, any other one, a SavedModel, or a running server."""
    from pipeline.home.versions import find_version
    from pipeline.sampling.draw import draw, open_server
    from pipeline.terminal.console import quiet
    from serving.client.images import check_names

    check_names(out, labels_out)
    how = {"count": count, "label": label, "seed": seed, "first_row": first_row or 0, "last_seed": to_seed}
    how |= {"out": out, "labels_out": labels_out}
    with quiet(debug=context.obj):
        if server:
            how_reached = {"version": version, "version_label": version_label, "timeout": timeout, "tls": tls}
            with open_server(server, dataset, **how_reached) as client:
                drawn = draw(client, server, **how)
        else:
            from serving.saved_model.generator import LocalGenerator

            directory = model or find_version(Home.at(home).model_base(dataset), version, version_label)
            drawn = draw(LocalGenerator(directory), str(directory), **how)
    say(drawn.line, drawn.facts, as_json=as_json)
