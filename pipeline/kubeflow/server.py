"""The connection to a KFP server, by kfp's own client; whatever goes wrong on it ends in one clear line."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kfp
import kfp_server_api
import urllib3

from pipeline.kubeflow.release import OLDEST, parse_release, release_name
from serving.repository.errors import UserError, first_line

# Characters of what a server says: KFP puts the cause at the end, behind all that failed because of it.
_WHOLE, _PART = 100_000, 300
_TIMEOUT_S = 30  # of the first call; an address that never answers would hold us for minutes
_MENDS = {
    401: "give a valid --token or --cookie",
    403: "your account may not do this; ask for access to the namespace, or name yours with --namespace",
    404: "is --host the address of a KFP 2 API server?",
    409: "somebody else changed it meanwhile; try again",
}


class Client(kfp.Client):
    """kfp's client, which asks for the server's health once: the original tries for half a minute even when access is refused.

    Attributes:
        release: KFP's release, e.g. (2, 16, 1); None where the server doesn't say.
    """

    release: tuple[int, ...] | None = None

    def get_kfp_healthz(self, sleep_duration: int = 0) -> Any:
        """See `kfp.Client`."""
        health = self._healthz_api.healthz_service_get_healthz(_request_timeout=_TIMEOUT_S)
        # The release is in what is sent, and not in the swagger that the answer's class was made from.
        sent: Any = self._healthz_api.api_client.last_response
        with contextlib.suppress(ValueError, AttributeError, TypeError):
            self.release = parse_release(json.loads(sent.data).get("tag_name") or "")
        return health

    @property
    def release_name(self) -> str:
        """The release, as KFP names it."""
        return release_name(self.release)


def connect(host: str | None, namespace: str, token: str | None, cookie: str | None, ca_file: Path | None) -> Client:
    """Connect; without a host kfp looks at its environment variables, the pod it runs in, and the kubeconfig.

    Args:
        host: Address of the API server.
        namespace: Kubernetes namespace.
        token: Bearer token.
        cookie: Cookie of a login in front of the server.
        ca_file: Certificates that its own is checked against.

    Raises:
        UserError: There is no server, it is no KFP or too old a one, or it refuses access.
    """
    with one_line("connect"):
        client = Client(
            host=host,
            namespace=namespace,
            existing_token=token,
            cookies=cookie,
            ssl_ca_cert=None if ca_file is None else str(ca_file),
        )
        health = client.get_kfp_healthz()
    if not isinstance(health, kfp_server_api.V2beta1GetHealthzResponse):
        raise UserError("can't connect: what answers there is no KFP 2 API; is a login in front of it? give --token or --cookie")
    if client.release is not None and client.release < OLDEST:
        newer = f"upgrade it to {release_name(OLDEST)} or newer"
        raise UserError(f"the server is {client.release_name}, which can't run the pipeline: {newer}")
    return client


@contextlib.contextmanager
def one_line(what: str) -> Iterator[None]:
    """Run calls quietly and turn what they raise into one line.

    Args:
        what: What can't be done, e.g. "upload the pipeline".

    Raises:
        UserError: The line.
    """
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    try:
        # kfp prints links to its own web pages and warns of its age.
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except kfp_server_api.ApiException as error:
        raise UserError(f"can't {what}: KFP answered {error.status} ({_message(error)}){_mend(error.status)}") from None
    except urllib3.exceptions.HTTPError as error:
        reason = getattr(error, "reason", None) or error
        pool = getattr(error, "pool", None)
        where = f" at {pool.host}:{pool.port}" if pool is not None else ""
        raise UserError(f"can't {what}: no KFP server answers{where} ({_short(reason)}); check --host") from None
    except (ValueError, AttributeError, TypeError) as error:  # an answer that is no JSON, or of another shape
        raise UserError(f"can't {what}: not understood ({_short(error)}); is this a KFP 2 API server?") from None


def _mend(status: int) -> str:
    mend = _MENDS.get(status) or ("the server's own log says more; try again later" if status >= 500 else "")
    return f": {mend}" if mend else ""


def _message(error: kfp_server_api.ApiException) -> str:
    """Return what the server says of an error: the error or message field of its JSON body."""
    try:
        body = json.loads(error.body or "")
    except ValueError:
        body = None
    said = (body.get("error") or body.get("message") or "") if isinstance(body, dict) else ""
    return _short(said or error.reason or "no reason given")


def _short(error: BaseException | str) -> str:
    said = first_line(error, _WHOLE).rpartition(">: ")[2]  # what urllib3 says begins with its connection
    return said if len(said) <= 2 * _PART else f"{said[:_PART]} ... {said[-_PART:]}"
