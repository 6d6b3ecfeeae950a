"""`forger kubeflow`."""

from __future__ import annotations

import datetime
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import cloup

from pipeline.commands.base import EXIT_BLOCKED, examples, group, say
from pipeline.commands.options import json_option, profile_option, set_option

if TYPE_CHECKING:
    from pipeline.kubeflow.package import Package

_FILE = click.Path(path_type=Path, dir_okay=False)
_CONNECTION = cloup.option_group(
    "The KFP server",
    cloup.option(
        "--host", metavar="URL", envvar="KF_PIPELINES_ENDPOINT", help="KFP's address; else in-cluster, else the kubeconfig's."
    ),
    cloup.option(
        "--namespace",
        metavar="NAME",
        default="kubeflow",
        show_default=True,
        help="Kubernetes namespace; of a multi-user KFP, yours.",
    ),
    cloup.option("--token", metavar="TOKEN", envvar="FORGER_KFP_TOKEN", help="Bearer token; better given as FORGER_KFP_TOKEN."),
    cloup.option(
        "--cookie", metavar="COOKIE", envvar="FORGER_KFP_COOKIE", help="Cookie of a login in front of KFP; or FORGER_KFP_COOKIE."
    ),
    cloup.option("--ca-file", type=_FILE, metavar="FILE", help="Certificates to check KFP's own against."),
)
_RUNNING = cloup.option_group(
    "What is run",
    cloup.option("--param", "values", multiple=True, metavar="NAME=VALUE", help="A pipeline parameter; may be repeated."),
    cloup.option(
        "--experiment", metavar="NAME", default="forger", show_default=True, help="KFP's group of runs; made if missing."
    ),
    cloup.option("--no-cache", is_flag=True, help="Make the results of all steps anew, e.g. after the bucket has lost some."),
    cloup.option("--service-account", metavar="NAME", help="Kubernetes account of the pods."),
)
_name_option = cloup.option(
    "--name", metavar="NAME", default="forger", show_default=True, help="Of the schedule; there is one of each name."
)
_package_argument = cloup.argument("package", type=_FILE, metavar="FILE", help="What `forger kubeflow compile` has written.")


@group()
def kubeflow() -> None:
    """Run the pipeline on Kubeflow Pipelines 2."""


@kubeflow.command(
    "compile",
    epilog=examples("forger kubeflow compile --image registry/forger:1 --pipeline-root s3://bucket/forger --out pipeline.yaml"),
)
@cloup.option("--out", type=_FILE, required=True, metavar="FILE", help="Where the compiled pipeline goes, e.g. pipeline.yaml.")
@cloup.option("--image", metavar="IMAGE", help="Container image of the steps, with a tag or digest.")
@cloup.option("--pipeline-root", metavar="URI", help="Where artifacts go: gs://, s3:// or minio://.")
@profile_option
@set_option
@cloup.option(
    "--cluster", "cluster_file", type=_FILE, metavar="FILE", help="YAML file of the cluster's settings (docs/kubeflow.md)."
)
@cloup.option("--gpus", type=int, metavar="N", help="GPUs of each training step.")
@cloup.option("--beam", "beam_args", multiple=True, metavar="ARG", help="A Beam argument of all steps; may be repeated.")
@json_option
@click.pass_obj
def compile_command(
    debug: bool,
    out: Path,
    image: str | None,
    pipeline_root: str | None,
    profile: str,
    changes: tuple[str, ...],
    cluster_file: Path | None,
    gpus: int | None,
    beam_args: tuple[str, ...],
    as_json: bool,
) -> None:
    """Compile the pipeline into one YAML file, the same for KFP 2 and Vertex AI.

    A run may still choose another profile and other settings with the same steps: these are the defaults of its parameters.
    """
    from pipeline.environment import quick_imports
    from pipeline.kubeflow.cluster import resolve_cluster
    from pipeline.terminal.console import quiet

    with quiet(debug=debug), quick_imports():  # that is what compiling takes its time for
        from pipeline.kubeflow.compiler import compile_pipeline, write

        cluster = resolve_cluster(cluster_file, image=image, pipeline_root=pipeline_root, gpus=gpus)
        text = compile_pipeline(profile, list(changes), cluster, list(beam_args))
    write(text, out)
    line = f"compiled {out} ({len(text) / 1024:.0f} KiB): forger kubeflow submit {out} --host ADDRESS"
    say(line, {"file": str(out), "characters": len(text), "profile": profile}, as_json=as_json)


def _parameters(compiled: Package, values: tuple[str, ...], no_cache: bool) -> dict[str, Any]:
    """Read a run's parameters, checked as the run's first step will check them."""
    from pipeline.kubeflow.parameters import CACHE, check_values, parse_values

    given = parse_values([*values, *([f"{CACHE}=false"] if no_cache else [])], compiled.kinds)
    check_values(compiled.defaults, given)
    return given


@kubeflow.command(epilog=examples("forger kubeflow submit pipeline.yaml --host https://kfp.example.org --param seed=2"))
@_package_argument
@_RUNNING
@_CONNECTION
@cloup.option("--name", metavar="NAME", help="Of the run; by default the pipeline's, with the time.")
@json_option
def submit(
    package: Path,
    values: tuple[str, ...],
    no_cache: bool,
    experiment: str,
    service_account: str | None,
    name: str | None,
    as_json: bool,
    **connection: Any,
) -> None:
    """Start one run of a compiled pipeline."""
    from pipeline.kubeflow.package import read_package
    from pipeline.kubeflow.runs import submit_run
    from pipeline.kubeflow.server import connect

    compiled = read_package(package)
    parameters = _parameters(compiled, values, no_cache)
    run_name = name or f"{compiled.name} {datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M:%S}"
    run_id = submit_run(connect(**connection), compiled, experiment, run_name, parameters, service_account)
    facts = {"run_id": run_id, "name": run_name, "pipeline_version": compiled.version, "experiment": experiment}
    say(f"started run {run_id} ({run_name}) of {compiled.version}", facts, as_json=as_json)


@kubeflow.command(epilog=examples("forger kubeflow schedule pipeline.yaml --cron '0 0 3 * * *'"))
@_package_argument
@cloup.option("--cron", required=True, metavar="CRON", help="When, seconds first: '0 0 3 * * *' is 3:00 each night (UTC).")
@_name_option
@cloup.option(
    "--max-concurrency",
    type=click.IntRange(1, 10),
    metavar="N",
    default=1,
    show_default=True,
    help="Runs at the same time.",
)
@cloup.option("--catchup/--no-catchup", default=False, show_default=True, help="Make up for missed runs.")
@_RUNNING
@_CONNECTION
@json_option
def schedule(
    package: Path,
    cron: str,
    name: str,
    max_concurrency: int,
    catchup: bool,
    values: tuple[str, ...],
    no_cache: bool,
    experiment: str,
    service_account: str | None,
    as_json: bool,
    **connection: Any,
) -> None:
    """Run a compiled pipeline again and again; the same name changes the schedule it has."""
    from pipeline.kubeflow.cron import check_cron
    from pipeline.kubeflow.package import read_package
    from pipeline.kubeflow.schedule import Schedule, put_schedule
    from pipeline.kubeflow.server import connect

    check_cron(cron)
    compiled = read_package(package)
    wanted = Schedule(name, cron, max_concurrency, catchup, _parameters(compiled, values, no_cache), service_account)
    recurring_id, outcome = put_schedule(connect(**connection), compiled, experiment, wanted)
    facts = {
        "outcome": outcome,
        "name": name,
        "cron": cron,
        "pipeline_version": compiled.version,
        "recurring_run_id": recurring_id,
    }
    say(f"{outcome} schedule {name} ({cron}) of {compiled.version}: {recurring_id}", facts, as_json=as_json)


@kubeflow.command(epilog=examples("forger kubeflow check --host http://localhost:8888 --cluster cluster.yaml"))
@cloup.option(
    "--cluster", "cluster_file", type=_FILE, metavar="FILE", help="The cluster's settings, as for `forger kubeflow compile`."
)
@cloup.option("--service-account", metavar="NAME", help="Kubernetes account of the pods, if you name one.")
@_CONNECTION
@json_option
def check(cluster_file: Path | None, service_account: str | None, as_json: bool, **connection: Any) -> None:
    """Look whether a cluster has what the pipeline needs; changes nothing.

    One line each for KFP's release, the account, the volume claim, the secrets and the GPU type, as far as your rights and the
    kubeconfig go. Exit code 1 means that something is missing.
    """
    from pipeline.kubeflow.check import check_cluster
    from pipeline.kubeflow.cluster import resolve_cluster
    from pipeline.kubeflow.server import connect

    # Neither is looked at, so a file without them will do.
    cluster = resolve_cluster(cluster_file, **({} if cluster_file else {"image": "any", "pipeline_root": "s3://any"}))
    client = connect(**connection)
    found = list(check_cluster(client, connection["namespace"], cluster, service_account))
    facts = [{"state": finding.state, "what": finding.what} for finding in found]
    say("\n".join(f"{finding.state:8}{finding.what}" for finding in found), facts, as_json=as_json)
    if any(finding.state == "missing" for finding in found):
        sys.exit(EXIT_BLOCKED)


@kubeflow.command()
@_name_option
@cloup.option("--pause", is_flag=True, help="Disable it only; `forger kubeflow schedule` goes on with it.")
@_CONNECTION
@json_option
def unschedule(name: str, pause: bool, as_json: bool, **connection: Any) -> None:
    """Remove a schedule; runs that have started go on."""
    from pipeline.kubeflow.schedule import remove_schedule
    from pipeline.kubeflow.server import connect

    client = connect(**connection)
    count, under_way = remove_schedule(client, name, pause=pause)
    outcome = ("paused" if pause or under_way else "removed") if count else "absent"
    line = f"{outcome} schedule {name}" if count else f"there is no schedule {name}"
    if under_way:
        line += f", not removed: {client.release_name} would end its {under_way} under way; repeat when they have ended"
    say(line, {"outcome": outcome, "name": name, "runs_under_way": under_way}, as_json=as_json)
