"""`forger generate`."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.commands.options import dataset_option, engine_options, home_option, label_option
from pipeline.engines.base import Engine
from pipeline.generate.request import DEFAULT_SHARD_SIZE, MAX_SHARDS, Layout
from pipeline.home.home import Home
from serving.repository.errors import UserError


@click.command()
@click.option("--count", required=True, type=click.IntRange(1, 10**12), help="How many images.")
@click.option("--out", required=True, metavar="DIR", help="Their directory, new or of the same request.")
@click.option(
    "--format",
    "layout",
    default=Layout.TFRECORD.value,
    show_default=True,
    type=click.Choice([layout.value for layout in Layout]),
    help="TFRecords of tf.train.Example, or tars of PNG files.",
)
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0, 2**63 - 1), help="Equal seeds give equal shards.")
@label_option
@click.option("--shards", type=click.IntRange(1), help="How many shards, at most; sets --shard-size.")
@click.option("--shard-size", type=click.IntRange(1), help=f"Images of a shard.  [default: {DEFAULT_SHARD_SIZE}]")
@click.option("--model", type=click.Path(path_type=Path), help="A SavedModel: a version's directory, or that of all versions.")
@dataset_option
@click.option("--version", type=click.IntRange(1), metavar="VERSION", help="A version; without it, the one that is served.")
@click.option("--version-label", metavar="LABEL", help="The version with this label: stable, previous or canary.")
@home_option
@engine_options
@click.pass_context
def generate(
    context: click.Context,
    count: int,
    out: str,
    layout: str,
    seed: int,
    label: str | None,
    shards: int | None,
    shard_size: int | None,
    model: Path | None,
    dataset: str,
    version: int | None,
    version_label: str | None,
    home: Path,
    engine: Engine,
) -> None:
    """Write any number of images as shards with Beam; finished shards are kept, an interrupted run goes on."""
    from pipeline.generate.run import generate as write
    from pipeline.home.versions import find
    from pipeline.terminal.console import quiet
    from serving.saved_model.generator import version_directory

    if shards and shard_size:
        raise UserError("name either --shards or --shard-size, not both")
    if shards and shards > count:
        raise UserError(f"--shards {shards} is more than the {count} images: name fewer")
    if model and (version or version_label):
        raise UserError("--version and --version-label choose among pushed versions: leave --model out")
    if "://" in out:
        raise UserError(f"{out} is not a local path: name a directory, or one that all workers have mounted")
    place = Home.at(home)
    size = -(-count // shards) if shards else shard_size or DEFAULT_SHARD_SIZE
    if -(-count // size) > MAX_SHARDS:
        raise UserError(f"{-(-count // size)} shards are too many for one directory: name a larger --shard-size")
    with quiet(debug=context.obj):  # TensorFlow's own import as well
        line = write(
            version_directory(model) if model else find(place.model_base(dataset), version, version_label),
            Path(out),
            place,
            dataset=dataset,
            count=count,
            seed=seed,
            label=label,
            layout=Layout(layout),
            shard_size=size,
            engine=engine,
            debug=context.obj,
        )
    click.echo(line)
