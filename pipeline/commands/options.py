"""Options that several commands share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from pipeline.engines.base import Engine
from pipeline.engines.flink import FLINK_VERSION
from pipeline.engines.options import ENGINES, make_engine
from pipeline.home.home import DEFAULT_HOME

home_option = click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    default=DEFAULT_HOME,
    show_default=True,
    help="Where all state lies.",
)
dataset_option = click.option("--dataset", default="mnist", show_default=True, help="TFDS name of the generator's dataset.")
label_option = click.option(
    "--label", "--digit", "label", metavar="CLASS", help="Only this class, a number or a name; else any, drawn from the seed."
)

_JAR = click.Path(path_type=Path, dir_okay=False)
# Named as the fields of the engines are.
_ENGINE_OPTIONS = (
    click.option("--beam-parallelism", type=int, metavar="N", help="Tasks of a step at a time; default: the engine's own."),
    click.option(
        "--beam-environment",
        type=click.Choice(["external", "docker", "process", "loopback"]),
        help="What the workers are: a worker pool (the default), containers, commands, or this process.",
    ),
    click.option(
        "--beam-workers",
        metavar="HOST:PORT|COMMAND",
        help="The pool as the engine sees it, default localhost:50000; or the command.",
    ),
    click.option(
        "--beam-processes", type=int, metavar="N", help="Worker processes beside each machine of the engine, default 1."
    ),
    click.option("--beam-image", metavar="IMAGE", help="The workers' container image."),
    click.option("--beam-temp", metavar="PLACE", help="Beam's temporary files, where all workers see them."),
    click.option(
        "--beam-allow-skew",
        is_flag=True,
        default=None,
        help="Take a cluster or a job server of another release than the locked one.",
    ),
    click.option("--flink-master", metavar="HOST:PORT", help="Flink's REST API."),
    click.option(
        "--flink-job-server-jar",
        type=_JAR,
        metavar="FILE",
        help=f"Beam's for Flink {FLINK_VERSION}, default: where Maven keeps it.",
    ),
    click.option("--spark-master", metavar="spark://HOST:PORT", help="Spark's master."),
    click.option("--spark-job-server-jar", type=_JAR, metavar="FILE", help="Beam's for Spark 3, default: where Maven keeps it."),
    click.option("--dataflow-project", metavar="ID", help="The Google Cloud project."),
    click.option("--dataflow-region", metavar="REGION", help="E.g. europe-west4."),
    click.option(
        "--beam", multiple=True, metavar="ARG", help="A further Beam argument, e.g. --max_parallelism=128; may be repeated."
    ),
)


def engine_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of the Beam engines; it gets the chosen one as `engine`."""

    @functools.wraps(command)
    def wrapped(*args: Any, beam_runner: str, beam: tuple[str, ...], **others: Any) -> Any:
        fields = {name for kind in ENGINES.values() for name in kind.model_fields}
        chosen = {name: others.pop(name) for name in list(others) if name in fields}
        engine: Engine = make_engine(beam_runner, beam=beam, **chosen)
        return command(*args, engine=engine, **others)

    for option in reversed(_ENGINE_OPTIONS):
        wrapped = option(wrapped)
    return click.option(
        "--beam-runner", type=click.Choice(list(ENGINES)), default="local", show_default=True, help="Where the Beam steps run."
    )(wrapped)
