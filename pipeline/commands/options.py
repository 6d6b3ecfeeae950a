"""Options that several commands share, and what goes with what."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import cloup
from cloup.constraints import Constraint, If, IsSet, accept_none, all_or_none, mutually_exclusive, require_all

from pipeline.commands.completion import complete_profiles, complete_settings, complete_version_labels, complete_versions
from pipeline.engines.base import Engine
from pipeline.engines.flink import FLINK_VERSION
from pipeline.engines.options import ENGINES, resolve_engine
from pipeline.home.home import DEFAULT_HOME
from pipeline.home.temporary import find_room

SEED = click.IntRange(0, 2**63 - 1)


def _with_room(_: click.Context, __: click.Parameter, home: Path) -> Path:
    find_room(home)
    return home


home_option = cloup.option(
    "--home",
    callback=_with_room,
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    default=DEFAULT_HOME,
    show_default=True,
    help="Where all state lies.",
)
json_option = cloup.option("--json", "as_json", is_flag=True, help="Print the facts as JSON.")
dataset_option = cloup.option(
    "--dataset", metavar="NAME", default="mnist", show_default=True, help="TFDS name of the generator's dataset."
)
profile_option = cloup.option(
    "--profile",
    metavar="NAME",
    default="quick",
    show_default=True,
    shell_complete=complete_profiles,
    help="Settings to begin with: smoke, quick, full or article.",
)
set_option = cloup.option(
    "--set",
    "changes",
    multiple=True,
    metavar="KEY=VALUE",
    shell_complete=complete_settings,
    help="Change one setting, e.g. gan.steps=1000; may be repeated.",
)
data_option = cloup.option(
    "--data",
    "data_folder",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="A folder of images of your own: DIR/CLASS/..., DIR/SPLIT/CLASS/..., or all in DIR itself, unlabelled.",
)
model_option = cloup.option(
    "--model",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="A SavedModel: the directory of one version or of all.",
)
label_option = cloup.option(
    "--label", "--digit", "label", metavar="CLASS", help="Only this class, a number or a name; else any, drawn from the seed."
)
version_option = cloup.option(
    "--version",
    type=click.IntRange(1),
    metavar="N",
    shell_complete=complete_versions,
    help="This version; without it, the one that is served.",
)
version_label_option = cloup.option(
    "--version-label",
    metavar="LABEL",
    shell_complete=complete_version_labels,
    help="The version with this label: stable, previous or canary.",
)


def data_changes(dataset: str | None, folder: Path | None, changes: tuple[str, ...]) -> list[str]:
    """Settings that --dataset and --data stand for, before those of --set, which win."""
    named = [] if dataset is None else [f"data.dataset={json.dumps(dataset)}"]
    return [*named, *([] if folder is None else [f"data.folder={json.dumps(str(folder))}"]), *changes]


def together(*names: str, why: str) -> Callable:
    """Refuse some of these options without the others."""
    return cloup.constraint(_said(all_or_none, why), names)


def not_both(*names: str, why: str) -> Callable:
    """Refuse more than one of these options."""
    return cloup.constraint(_said(mutually_exclusive, why), names)


def not_with(name: str, *others: str, why: str) -> Callable:
    """Refuse the others where one option is given."""
    return cloup.constraint(_said(If(name, then=accept_none), why), others)


def only_with(name: str, *others: str, why: str) -> Callable:
    """Refuse the others where one option isn't given."""
    return cloup.constraint(_said(If(~IsSet(name), then=accept_none), why), others)


def needs(name: str, *others: str, why: str) -> Callable:
    """Refuse one option without all of the others."""
    return cloup.constraint(_said(If(name, then=require_all), why), others)


def _said(constraint: Constraint, why: str) -> Constraint:
    return constraint.rephrased(error=why)


# Named as the fields of the engines are.
_BEAM = cloup.option_group(
    "Where the Beam steps run",
    cloup.option(
        "--beam-runner",
        type=click.Choice(list(ENGINES)),
        default="local",
        show_default=True,
        help="This process, a cluster of Flink or Spark, or Google Cloud Dataflow.",
    ),
    cloup.option("--beam-parallelism", type=int, metavar="N", help="Tasks of a step at a time; default: the engine's own."),
    cloup.option(
        "--beam", multiple=True, metavar="ARG", help="A further Beam argument, e.g. --max_parallelism=128; may be repeated."
    ),
)
_WORKERS = cloup.option_group(
    "Workers of Flink, Spark and Dataflow",
    cloup.option(
        "--beam-environment",
        type=click.Choice(["external", "docker", "process", "loopback"]),
        help="What the workers are: a worker pool (the default), containers, commands, or this process.",
    ),
    cloup.option(
        "--beam-workers",
        metavar="HOST:PORT|COMMAND",
        help="The pool as the engine sees it, default localhost:50000; or the command.",
    ),
    cloup.option(
        "--beam-processes", type=int, metavar="N", help="Worker processes beside each machine of the engine, default 1."
    ),
    cloup.option("--beam-image", metavar="IMAGE", help="The workers' container image."),
    cloup.option("--beam-temp", metavar="PLACE", help="Beam's temporary files, where all workers see them."),
    cloup.option(
        "--beam-allow-skew",
        is_flag=True,
        default=None,
        help="Take a cluster or a job server of another release than the locked one.",
    ),
)
_JAR = click.Path(path_type=Path, dir_okay=False)
_CLUSTERS = cloup.option_group(
    "One engine's own options",
    cloup.option("--flink-master", metavar="HOST:PORT", help="Flink's REST API."),
    cloup.option(
        "--flink-job-server-jar",
        type=_JAR,
        metavar="FILE",
        help=f"Beam's for Flink {FLINK_VERSION}, default: where Maven keeps it.",
    ),
    cloup.option("--spark-master", metavar="spark://HOST:PORT", help="Spark's master."),
    cloup.option("--spark-job-server-jar", type=_JAR, metavar="FILE", help="Beam's for Spark 3, default: where Maven keeps it."),
    cloup.option("--dataflow-project", metavar="ID", help="The Google Cloud project."),
    cloup.option("--dataflow-region", metavar="REGION", help="E.g. europe-west4."),
)


def engine_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of the Beam engines; it gets the chosen one as `engine`."""

    @functools.wraps(function)
    def wrapped(*args: Any, beam_runner: str, beam: tuple[str, ...], **others: Any) -> Any:
        fields = {name for kind in ENGINES.values() for name in kind.model_fields}
        chosen = {name: others.pop(name) for name in list(others) if name in fields}
        engine: Engine = resolve_engine(beam_runner, beam=beam, **chosen)
        return function(*args, engine=engine, **others)

    return _BEAM(_WORKERS(_CLUSTERS(wrapped)))
