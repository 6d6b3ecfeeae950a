"""The options of the connection to a running model server."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import cloup

from pipeline.commands.options import only_with, together

if TYPE_CHECKING:
    from serving.client import ClientTls

_PEM = click.Path(path_type=Path, exists=True, dir_okay=False)


def connection_options(*others: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add the options of the connection to `--server`; the command gets `tls`, a ClientTls or None.

    Args:
        others: Options that stand before those of TLS in the same group.
    """

    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(
            *arguments: Any, tls: bool, tls_ca: Path | None, tls_cert: Path | None, tls_key: Path | None, **named: Any
        ) -> Any:
            return function(*arguments, tls=_client_tls(tls, tls_ca, tls_cert, tls_key), **named)

        decorated = only_with(
            "server", "tls", "tls_ca", "tls_cert", "tls_key", why="the options of TLS are for --server: name one"
        )(call)
        decorated = together("tls_cert", "tls_key", why="mutual TLS needs both --tls-cert and --tls-key")(decorated)
        return cloup.option_group(
            "The connection to --server",
            *others,
            cloup.option("--tls", is_flag=True, help="Speak TLS; implied by the three files."),
            cloup.option("--tls-ca", type=_PEM, metavar="FILE", help="PEM file of the certificates that are trusted."),
            cloup.option("--tls-cert", type=_PEM, metavar="FILE", help="PEM file of this client's certificate, for mutual TLS."),
            cloup.option("--tls-key", type=_PEM, metavar="FILE", help="PEM file of this client's key, for mutual TLS."),
        )(decorated)

    return add


def _client_tls(tls: bool, ca: Path | None, cert: Path | None, key: Path | None) -> ClientTls | None:
    if not (tls or ca or cert or key):
        return None
    from serving.client import ClientTls

    return ClientTls(ca, cert, key)
