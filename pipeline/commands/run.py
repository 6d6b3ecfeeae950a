"""`forger run`."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import cloup

from pipeline.commands.base import EXIT_BLOCKED, command, examples
from pipeline.commands.options import data_changes, data_option, engine_options, home_option, profile_option, set_option
from pipeline.engines.base import Engine
from pipeline.home.home import Home


@command(
    epilog=examples(
        "forger run --profile smoke --set gan.seed=2",
        "forger run --data ~/pictures/flowers",
        "forger run --home /mnt/forger --beam-runner flink --flink-master flink:8081 --beam-parallelism 8",
    )
)
@cloup.option_group(
    "What to run",
    data_option,
    profile_option,
    set_option,
    cloup.option(
        "--source",
        metavar="PLACE",
        default="auto",
        show_default=True,
        help="Where data come from: auto, upstream, mirror or a directory.",
    ),
    cloup.option(
        "--force-baseline",
        is_flag=True,
        help="Judge by the absolute thresholds alone, not against what is served; the verdict records it.",
    ),
    cloup.option("--dry-run", is_flag=True, help="Print the resolved configuration and the nodes, run nothing."),
    home_option,
)
@engine_options
@click.pass_context
def run(
    context: click.Context,
    data_folder: Path | None,
    profile: str,
    changes: tuple[str, ...],
    home: Path,
    source: str,
    force_baseline: bool,
    engine: Engine,
    dry_run: bool,
) -> None:
    """Run the pipeline: ingest, train, gate, push; finished work is kept, an interrupted run goes on.

    `forger status --json` has the facts of the last run.
    """
    changes = tuple(data_changes(None, data_folder, changes))
    if force_baseline:
        changes = (*changes, "gate.force_baseline=true")
    if dry_run:
        from pipeline.config import resolve_config
        from pipeline.terminal.console import make_console
        from pipeline.terminal.run import show_plan

        config = resolve_config(profile, list(changes))
        show_plan(config.model_dump(mode="json"), config.nodes, engine.runner, engine.beam_args(), make_console())
        return
    from pipeline.runner.run import run_pipeline

    record = run_pipeline(profile, list(changes), Home.at(home), source, engine, debug=context.obj)
    if record.state != "blessed":
        sys.exit(EXIT_BLOCKED)
