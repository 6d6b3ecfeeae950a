"""`forger kubeflow`."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

_FILE = click.Path(path_type=Path, dir_okay=False)
_CONNECTION = (
    click.option("--host", envvar="KF_PIPELINES_ENDPOINT", help="KFP's address; else in-cluster, else the kubeconfig's."),
    click.option("--namespace", default="kubeflow", show_default=True, help="Kubernetes namespace; of a multi-user KFP, yours."),
    click.option("--token", envvar="FORGER_KFP_TOKEN", help="Bearer token; better given as FORGER_KFP_TOKEN."),
    click.option("--cookie", envvar="FORGER_KFP_COOKIE", help="Cookie of a login in front of KFP; or FORGER_KFP_COOKIE."),
    click.option("--ca-file", type=_FILE, help="Certificates to check KFP's own against."),
)
_RUNNING = (
    click.option("--param", "values", multiple=True, metavar="NAME=VALUE", help="A pipeline parameter; may be repeated."),
    click.option("--experiment", default="forger", show_default=True, help="KFP's group of runs; made if missing."),
    click.option("--service-account", help="Kubernetes account of the pods."),
)
_name_option = click.option("--name", default="forger", show_default=True, help="Of the schedule; there is one of each name.")
_package_argument = click.argument("package", type=_FILE)


def _with(options: tuple[Callable, ...]) -> Callable:
    def decorate(command: Callable) -> Callable:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


@click.group()
def kubeflow() -> None:
    """Run the pipeline on Kubeflow Pipelines 2."""


@kubeflow.command()
@click.option("--out", type=_FILE, required=True, help="Where the compiled pipeline goes, e.g. pipeline.yaml.")
@click.option("--image", help="Container image of the steps, with a tag or digest.")
@click.option("--pipeline-root", metavar="URI", help="Where artifacts go: gs://, s3:// or minio://.")
@click.option("--profile", default="quick", show_default=True, help="Default of the parameter: smoke, quick, full or article.")
@click.option(
    "--set", "changes", multiple=True, metavar="KEY=VALUE", help="A setting's default, e.g. gan.steps=1000; may be repeated."
)
@click.option("--cluster", "cluster_file", type=_FILE, help="YAML file of the cluster's settings (docs/kubeflow.md).")
@click.option("--gpus", type=int, help="GPUs of each training step.")
@click.option("--beam", "beam_args", multiple=True, metavar="ARG", help="A Beam argument of all steps; may be repeated.")
def compile(
    out: Path,
    image: str | None,
    pipeline_root: str | None,
    profile: str,
    changes: tuple[str, ...],
    cluster_file: Path | None,
    gpus: int | None,
    beam_args: tuple[str, ...],
) -> None:
    """Compile the pipeline into one YAML file, the same for KFP 2 and Vertex AI."""
    from pipeline.environment import quick_imports
    from pipeline.kubeflow.cluster import make_cluster

    with quick_imports():  # that is what compiling takes its time for
        from pipeline.kubeflow.compiler import compile_pipeline, write

        cluster = make_cluster(cluster_file, image=image, pipeline_root=pipeline_root, gpus=gpus)
        text = compile_pipeline(profile, list(changes), cluster, list(beam_args))
    write(text, out)
    click.echo(f"compiled {out} ({len(text) / 1024:.0f} KiB): forger kubeflow submit {out} --host ADDRESS")


@kubeflow.command()
@_package_argument
@_with(_RUNNING)
@_with(_CONNECTION)
@click.option("--name", help="Of the run; by default the pipeline's, with the time.")
def submit(
    package: Path, values: tuple[str, ...], experiment: str, service_account: str | None, name: str | None, **connection: Any
) -> None:
    """Start one run of a compiled pipeline."""
    from pipeline.kubeflow.package import read_package
    from pipeline.kubeflow.parameters import parse_values
    from pipeline.kubeflow.schedule import submit as submit_run
    from pipeline.kubeflow.server import connect

    compiled = read_package(package)
    parameters = parse_values(list(values), compiled.kinds)
    run_name = name or f"{compiled.name} {datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M:%S}"
    run_id = submit_run(connect(**connection), compiled, experiment, run_name, parameters, service_account)
    click.echo(f"started run {run_id} ({run_name}) of {compiled.version}")


@kubeflow.command()
@_package_argument
@click.option("--cron", required=True, help="When, seconds first: '0 0 3 * * *' is 3:00 each night (UTC).")
@_name_option
@click.option("--max-concurrency", type=click.IntRange(1, 10), default=1, show_default=True, help="Runs at the same time.")
@click.option("--catchup/--no-catchup", default=False, show_default=True, help="Make up for missed runs.")
@_with(_RUNNING)
@_with(_CONNECTION)
def schedule(
    package: Path,
    cron: str,
    name: str,
    max_concurrency: int,
    catchup: bool,
    values: tuple[str, ...],
    experiment: str,
    service_account: str | None,
    **connection: Any,
) -> None:
    """Run a compiled pipeline again and again; the same name changes the schedule it has."""
    from pipeline.kubeflow.cron import check_cron
    from pipeline.kubeflow.package import read_package
    from pipeline.kubeflow.parameters import parse_values
    from pipeline.kubeflow.schedule import Schedule
    from pipeline.kubeflow.schedule import schedule as put_schedule
    from pipeline.kubeflow.server import connect

    check_cron(cron)
    compiled = read_package(package)
    wanted = Schedule(name, cron, max_concurrency, catchup, parse_values(list(values), compiled.kinds), service_account)
    recurring_id, outcome = put_schedule(connect(**connection), compiled, experiment, wanted)
    click.echo(f"{outcome} schedule {name} ({cron}) of {compiled.version}: {recurring_id}")


@kubeflow.command()
@_name_option
@click.option("--pause", is_flag=True, help="Disable it only; `forger kubeflow schedule` goes on with it.")
@_with(_CONNECTION)
def unschedule(name: str, pause: bool, **connection: Any) -> None:
    """Remove a schedule; runs that have started go on."""
    from pipeline.kubeflow.schedule import unschedule as remove
    from pipeline.kubeflow.server import connect

    count = remove(connect(**connection), name, pause=pause)
    click.echo(f"{'paused' if pause else 'removed'} schedule {name}" if count else f"there is no schedule {name}")
