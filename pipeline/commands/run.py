"""`forger run`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from pipeline.commands.exits import EXIT_BLOCKED
from pipeline.commands.options import home_option
from pipeline.home import Home


@click.command()
@click.option("--profile", default="quick", show_default=True, help="smoke, quick, full or article.")
@click.option(
    "--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change one setting, e.g. gan.steps=1000; may be repeated."
)
@home_option
@click.option("--source", default="auto", show_default=True, help="Where data come from: auto, upstream, mirror or a directory.")
@click.option(
    "--beam", "beam_args", multiple=True, metavar="ARG", help="A Beam argument, e.g. --runner=FlinkRunner; may be repeated."
)
@click.option(
    "--force-baseline",
    is_flag=True,
    help="Judge by the absolute thresholds alone, not against what is served; the verdict records it.",
)
@click.option("--dry-run", is_flag=True, help="Print the resolved configuration and the nodes, run nothing.")
@click.pass_context
def run(
    context: click.Context,
    profile: str,
    changes: tuple[str, ...],
    home: Path,
    source: str,
    beam_args: tuple[str, ...],
    force_baseline: bool,
    dry_run: bool,
) -> None:
    """Run the pipeline: ingest, train, gate, push; done work is kept, an interrupted run goes on."""
    from pipeline.run import dry_run as show_plan
    from pipeline.run import run_pipeline

    if force_baseline:
        changes = (*changes, "gate.force_baseline=true")
    if dry_run:
        show_plan(profile, list(changes))
        return
    record = run_pipeline(profile, list(changes), Home.at(home), source, list(beam_args), debug=context.obj)
    if record.state != "blessed":
        sys.exit(EXIT_BLOCKED)
