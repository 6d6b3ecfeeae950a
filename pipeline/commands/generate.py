"""`forger generate`."""

from __future__ import annotations

from pathlib import Path

import click
import cloup

from pipeline.commands.base import command, examples, say
from pipeline.commands.options import (
    SEED,
    dataset_option,
    engine_options,
    home_option,
    json_option,
    label_option,
    model_option,
    not_both,
    not_with,
    version_label_option,
    version_option,
)
from pipeline.engines.base import Engine
from pipeline.generate.request import DEFAULT_SHARD_SIZE, MAX_SHARDS, Layout
from pipeline.home.home import Home
from serving.repository.errors import UserError


@command(
    epilog=examples(
        "forger generate --count 1000000 --out images",
        "forger generate --count 70000 --out sevens --digit 7 --format png --shards 10",
    )
)
@cloup.option_group(
    "What",
    cloup.option("--count", required=True, type=click.IntRange(1, 10**12), metavar="N", help="How many images."),
    label_option,
    cloup.option("--seed", default=1, show_default=True, type=SEED, metavar="N", help="Equal seeds give equal shards."),
    model_option,
    dataset_option,
    version_option,
    version_label_option,
)
@cloup.option_group(
    "Where to",
    cloup.option("--out", required=True, metavar="DIR", help="Their directory, new or of the same request."),
    cloup.option(
        "--format",
        "layout",
        default=Layout.TFRECORD.value,
        show_default=True,
        type=click.Choice([layout.value for layout in Layout]),
        help="TFRecords of tf.train.Example, or tars of PNG files.",
    ),
    cloup.option("--shards", type=click.IntRange(1), metavar="N", help="How many shards, at most; sets --shard-size."),
    cloup.option(
        "--shard-size", type=click.IntRange(1), metavar="N", help=f"Images of a shard.  [default: {DEFAULT_SHARD_SIZE}]"
    ),
)
@engine_options
@not_both("shards", "shard_size", why="name either --shards or --shard-size, not both")
@not_both("version", "version_label", why="name either --version or --version-label, not both")
@not_with(
    "model", "version", "version_label", why="--version and --version-label choose among pushed versions: leave --model out"
)
@home_option
@json_option
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
    as_json: bool,
) -> None:
    """Write any number of images as shards with Beam; finished shards are kept, an interrupted run goes on."""
    from pipeline.generate.run import generate_shards
    from pipeline.home.versions import find_version
    from pipeline.terminal.console import make_console, quiet
    from serving.saved_model.generator import version_directory

    if shards and shards > count:
        raise UserError(f"--shards {shards} is more than the {count} images: name fewer")
    if "://" in out:
        raise UserError(f"{out} is not a local path: name a directory, or one that all workers have mounted")
    place = Home.at(home)
    size = -(-count // shards) if shards else shard_size or DEFAULT_SHARD_SIZE
    if -(-count // size) > MAX_SHARDS:
        raise UserError(f"{-(-count // size)} shards are too many for one directory: name a larger --shard-size")
    console = make_console(stderr=as_json)  # before native messages are turned away
    with quiet(debug=context.obj):  # TensorFlow's own import as well
        done = generate_shards(
            version_directory(model) if model else find_version(place.model_base(dataset), version, version_label),
            Path(out),
            place,
            dataset=dataset,
            count=count,
            seed=seed,
            label=label,
            layout=Layout(layout),
            shard_size=size,
            engine=engine,
            console=console,
            debug=context.obj,
        )
    say(done.line, done.facts, as_json=as_json)
