"""`forger serve`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import cloup

from pipeline.commands.base import command, examples
from pipeline.commands.options import dataset_option, home_option, needs, not_with, together
from pipeline.home.home import Home

if TYPE_CHECKING:
    from serving.server.options import ServerOptions
    from serving.server.tls import Tls

_FILE = click.Path(path_type=Path, dir_okay=False)
_PORT = click.IntRange(0, 65535)


@command(epilog=examples("forger serve", "forger serve --host 0.0.0.0 --tls-cert server.pem --tls-key server.key"))
@cloup.option_group(
    "Where it listens",
    cloup.option("--host", metavar="ADDRESS", default="127.0.0.1", show_default=True, help="Address to bind."),
    cloup.option("--port", default=8500, show_default=True, type=_PORT, metavar="N", help="gRPC port; 0 for any free one."),
    cloup.option(
        "--rest-port",
        default=8501,
        show_default=True,
        type=_PORT,
        metavar="N",
        help="Port of REST, metrics and the gallery; 0 for any free one.",
    ),
    cloup.option(
        "--cors-origin",
        "cors_origins",
        metavar="ORIGIN",
        multiple=True,
        help="Let pages of this origin use REST from a browser; may be repeated, * for all.",
    ),
    cloup.option("--no-rest", is_flag=True, help="Serve gRPC alone."),
    cloup.option("--tls-cert", type=_FILE, metavar="FILE", help="PEM certificate chain: encrypt both ports."),
    cloup.option("--tls-key", type=_FILE, metavar="FILE", help="PEM key of that certificate."),
    cloup.option("--tls-client-ca", type=_FILE, metavar="FILE", help="PEM authorities that clients' certificates must be from."),
)
@cloup.option_group(
    "What it serves",
    dataset_option,
    cloup.option("--versions", metavar="POLICY", help="latest, latest:N, all or specific:N,N; else models.config decides."),
    cloup.option("--label", "labels", metavar="NAME=VERSION", multiple=True, help="Give a version a label; may be repeated."),
    cloup.option(
        "--model-config-file",
        type=_FILE,
        metavar="FILE",
        help="Serve all models that this models.config of TensorFlow Serving lists.",
    ),
    cloup.option(
        "--poll-seconds", type=float, metavar="SECONDS", help="Time between two looks at the pushed versions.  [default: 1]"
    ),
)
@cloup.option_group(
    "Batches and limits",
    cloup.option("--max-batch-size", type=int, metavar="N", help="Rows that run at once; 0 for no batching.  [default: 64]"),
    cloup.option("--batch-timeout-ms", type=float, metavar="MS", help="How long a batch waits to fill.  [default: 0]"),
    cloup.option("--max-queue", type=int, metavar="N", help="Requests that may wait; more are refused.  [default: 256]"),
    cloup.option("--max-queue-bytes", type=int, metavar="N", help="Memory of those and their answers.  [default: 256 MiB]"),
    cloup.option(
        "--batching-parameters-file",
        type=_FILE,
        metavar="FILE",
        help="Take these three from TensorFlow Serving's file of that name.",
    ),
    cloup.option("--max-rows", type=int, metavar="N", help="Rows of one request.  [default: 1024]"),
)
@not_with(
    "batching_parameters_file",
    "max_batch_size",
    "batch_timeout_ms",
    "max_queue",
    why="give --batching-parameters-file or the flags about batches, not both",
)
@together("tls_cert", "tls_key", why="TLS needs both --tls-cert and --tls-key")
@needs("tls_client_ca", "tls_cert", "tls_key", why="TLS needs both --tls-cert and --tls-key")
@home_option
@click.pass_context
def serve(
    context: click.Context,
    host: str,
    port: int,
    rest_port: int,
    cors_origins: tuple[str, ...],
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
    from serving.server import process
    from serving.server.app import GeneratorServer
    from serving.server.models.model_config import VersionPolicy

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
            cors_origins=cors_origins,
        )
        process.serve(server)


def _options(limits: dict[str, Any], batching_file: Path | None) -> ServerOptions:
    from serving.server.options import ServerOptions

    given = {name: value for name, value in limits.items() if value is not None}
    if batching_file is None:
        return ServerOptions(**given)
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


def _tls(cert: Path | None, key: Path | None, client_ca: Path | None) -> Tls | None:
    from serving.server.tls import Tls

    return None if cert is None or key is None else Tls(cert, key, client_ca)
