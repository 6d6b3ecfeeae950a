"""`forger serve`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pipeline.commands.options import dataset_option, home_option
from pipeline.home.home import Home

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to bind.")
@click.option("--port", default=8500, show_default=True, type=click.IntRange(0, 65535), help="gRPC port; 0 for any free one.")
@click.option(
    "--rest-port",
    default=8501,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port of REST, metrics and the gallery; 0 for any free one.",
)
@click.option("--no-rest", is_flag=True, help="Serve gRPC alone.")
@click.option("--versions", metavar="POLICY", help="latest, latest:N, all or specific:N,N; else models.config decides.")
@click.option("--label", "labels", metavar="NAME=VERSION", multiple=True, help="Give a version a label; may be repeated.")
@click.option("--model-config-file", type=_FILE, help="Serve all models that this models.config of TensorFlow Serving lists.")
@click.option("--poll-seconds", type=float, help="Time between two looks at the pushed versions.  [default: 1]")
@click.option("--max-batch-size", type=int, help="Rows that run at once; 0 for no batching.  [default: 64]")
@click.option("--batch-timeout-ms", type=float, help="How long a batch waits to fill.  [default: 0]")
@click.option("--max-queue", type=int, help="Rows that may wait; more are refused.  [default: 2048]")
@click.option("--batching-parameters-file", type=_FILE, help="Take these from TensorFlow Serving's file of that name.")
@click.option("--max-rows", type=int, help="Rows of one request.  [default: 1024]")
@click.option("--tls-cert", type=_FILE, help="PEM certificate chain: encrypt both ports.")
@click.option("--tls-key", type=_FILE, help="PEM key of that certificate.")
@click.option("--tls-client-ca", type=_FILE, help="PEM authorities that clients' certificates must be from.")
@dataset_option
@home_option
@click.pass_context
def serve(
    context: click.Context,
    host: str,
    port: int,
    rest_port: int,
    no_rest: bool,
    versions: str | None,
    labels: tuple[str, ...],
    model_config_file: Path | None,
    batching_parameters_file: Path | None,
    tls_cert: Path | None,
    tls_key: Path | None,
    tls_client_ca: Path | None,
    dataset: str,
    home: Path,
    **limits: Any,
) -> None:
    """Serve pushed versions over TensorFlow Serving's gRPC and REST contracts, with a gallery.

    The gallery is the start page of the REST port, http://127.0.0.1:8501.
    """
    import logging

    from pipeline.terminal.console import quiet
    from serving.repository.layout import model_name
    from serving.server.app import GeneratorServer
    from serving.server.models.model_config import VersionPolicy
    from serving.server.process import serve as serve_until_stopped

    with quiet(debug=context.obj) as stream:
        logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s", stream=stream)
        logging.getLogger("forger").setLevel(logging.INFO)
        server = GeneratorServer(
            Home.at(home).model_base(dataset),
            model_name(dataset),
            host,
            port,
            _options(limits, batching_parameters_file),
            rest_port=None if no_rest else rest_port,
            tls=_tls(tls_cert, tls_key, tls_client_ca),
            policy=VersionPolicy.parse(versions) if versions else None,
            labels=_labels(labels) if labels else None,
            models_file=model_config_file,
        )
        serve_until_stopped(server)


def _options(limits: dict[str, Any], batching_file: Path | None):
    from serving.server.options import ServerOptions

    given = {name: value for name, value in limits.items() if value is not None}
    if batching_file is None:
        return ServerOptions(**given)
    if "max_batch_size" in given or "batch_timeout_ms" in given or "max_queue" in given:
        raise click.UsageError("give --batching-parameters-file or the flags about batches, not both")
    from serving.server.requests.batching_file import with_batching_file

    return with_batching_file(ServerOptions(**given), batching_file)


def _labels(given: tuple[str, ...]) -> dict[str, int]:
    labels = {}
    for one in given:
        name, _, version = one.partition("=")
        if not name or not (version.isascii() and version.isdecimal()):
            raise click.UsageError(f"--label {one}: give NAME=VERSION, e.g. stable=3")
        labels[name] = int(version)
    return labels


def _tls(cert: Path | None, key: Path | None, client_ca: Path | None):
    from serving.server.tls import Tls

    if cert is None and key is None and client_ca is None:
        return None
    if cert is None or key is None:
        raise click.UsageError("TLS needs both --tls-cert and --tls-key")
    return Tls(cert, key, client_ca)
