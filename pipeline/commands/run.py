"""`forger run`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from pipeline.commands.exits import EXIT_BLOCKED
from pipeline.commands.options import engine_options, home_option
from pipeline.engines.base import Engine
from pipeline.home.home import Home


@click.command()
@click.option("--profile", default="quick", show_default=True, help="smoke, quick, full or article.")
@click.option(
    "--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change one setting, e.g. gan.steps=1000; may be repeated."
)
@home_option
@click.option("--source", default="auto", show_default=True, help="Where data come from: auto, upstream, mirror or a directory.")
@click.option(
    "--force-baseline",
    is_flag=True,
    help="Judge by the absolute thresholds alone, not against what is served; the verdict records it.",
)
@engine_options
@click.option("--dry-run", is_flag=True, help="Print the resolved configuration and the nodes, run nothing.")
@click.pass_context
def run(
    context: click.Context,
    profile: str,
    changes: tuple[str, ...],
    home: Path,
    source: str,
    force_baseline: bool,
    engine: Engine,
    dry_run: bool,
) -> None:
    """Run the pipeline: ingest, train, gate, push; done work is kept, an interrupted run goes on."""
    from pipeline.runner.run import dry_run as show_plan
    from pipeline.runner.run import run_pipeline

    if force_baseline:
        changes = (*changes, "gate.force_baseline=true")
    if dry_run:
        show_plan(profile, list(changes), engine)
        return
    record = run_pipeline(profile, list(changes), Home.at(home), source, engine, debug=context.obj)
    if record.state != "blessed":
        sys.exit(EXIT_BLOCKED)
