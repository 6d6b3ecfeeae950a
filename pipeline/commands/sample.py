"""`forger sample`."""

from __future__ import annotations

from pathlib import Path

import click

from components.errors import UserError
from pipeline.commands.options import dataset_option, home_option
from pipeline.home import Home


@click.command()
@click.option("--server", metavar="HOST:PORT", help="Ask a running model server.")
@click.option(
    "--model", type=click.Path(path_type=Path), help="Load a SavedModel: a version's directory, or that of all versions."
)
@dataset_option
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
