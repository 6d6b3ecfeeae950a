"""A failed call in words: one line that names the cause and the mend."""

from __future__ import annotations

import grpc

from .contract import SIGNATURE_LATENT
from .errors import ClientError
from .messages import Model
from .probe import Finding
from .tries import Wait, said

# gRPC's and BoringSSL's words, in lower case.
_HANDSHAKE = ("handshake", "ssl_error", "verification check")
_STRANGER = ("certificate_verify_failed", "bad_signature", "unknown_ca")
_OTHER_NAME = ("verification check", "peer name")
_CUT = ("socket closed", "connection reset", "broken pipe", "stream removed", "recvmsg", "endpoint", "end of tcp stream")
_WENT_SILENT = ("keepalive", "ping timeout")
_NOT_THERE = ("connection refused", "failed to connect", "no such file")


def worth_a_look(error: grpc.RpcError, *, answered: bool) -> bool:
    """Whether what listens at the address says more than gRPC does.

    Args:
        error: What gRPC raised.
        answered: Whether the address ever answered this client; if so, a deadline was simply too short, and a look more load.
    """
    code = error.code()
    return code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL) or (
        code is grpc.StatusCode.DEADLINE_EXCEEDED and not answered
    )


def failure(
    error: grpc.RpcError, model: Model, timeout: float, *, tls: bool, waited_for: Wait, found: Finding = Finding.UNKNOWN
) -> ClientError:
    """Explain a failed call.

    Args:
        error: What gRPC raised.
        model: What was asked for.
        timeout: Seconds that the call was given.
        tls: Whether the client speaks TLS.
        waited_for: What its last try was put off for.
        found: What listens at the address.
    """
    code, details, target = error.code(), said(error), model.target
    if waited_for is Wait.MODEL:
        text = f"{target} is still loading its model: try again in a few seconds"
    elif waited_for is Wait.ROOM:
        why = f"it refused for {timeout:g} s ({details})"
        text = f"{target} is overloaded, {why}: ask for less at a time or allow more time"
    elif code is grpc.StatusCode.UNAVAILABLE:
        text = _at_the_address(target, found, details, tls=tls) or _unavailable(target, details)
    elif code is grpc.StatusCode.DEADLINE_EXCEEDED:
        text = _at_the_address(target, found, details, tls=tls)
        text = text or f"{target} did not answer within {timeout:g} s: ask for fewer rows or allow more time"
    elif found is Finding.FOREIGN:
        text = _at_the_address(target, found, details, tls=tls)
    else:
        text = _refusal(error, model)
    return ClientError(text, code.name)


def _at_the_address(target: str, found: Finding, details: str, *, tls: bool) -> str:
    """A cause that what listens there makes plain, else nothing."""
    causes = {
        Finding.NO_NAME: f"{target} is not known to the name service: check the host's name",
        Finding.REFUSED: f"no model server answers on {target}, nothing listens there: start one with `forger serve`, "
        "or check the address",
        Finding.UNREACHABLE: f"no connection to {target}: check the address, and the network and firewalls between",
        Finding.SILENT: f"something listens on {target} but says nothing: check that it is a model server's gRPC port",
        Finding.FOREIGN: f"{target} does not speak gRPC: name the gRPC port (8500 by default), not the REST port",
    }
    if tls and found is Finding.GRPC:
        return f"no TLS connection to {target}, the server speaks gRPC without TLS: leave TLS out, or start the server with it"
    if tls and found in (Finding.TLS, Finding.MUTUAL_TLS):
        return _without_tls(target, found, details)
    if found is Finding.TLS:
        return f"{target} wants TLS: give the certificate of its authority (ClientTls(ca), or --tls-ca)"
    if found is Finding.MUTUAL_TLS:
        return f"{target} wants TLS and a certificate of the client's: give both (ClientTls(ca, cert, key), --tls-ca, --tls-cert)"
    return causes.get(found, "")


def _without_tls(target: str, found: Finding, details: str) -> str:
    """Why a client with TLS has no connection to a server with TLS; nothing where the reason is another."""
    words, text = details.lower(), f"no TLS connection to {target}"
    if any(one in words for one in _STRANGER):
        return f"{text}, its certificate isn't signed by an authority trusted here: check the certificates (ca)"
    if any(one in words for one in _OTHER_NAME):
        return f"{text}, its certificate is made out to another name: check the certificates, or give its name (server_name)"
    if any(one in words for one in _HANDSHAKE):
        return f"{text} ({details}): check the certificates"
    if found is Finding.MUTUAL_TLS:
        return f"{text}, it wants a certificate of the client's that its authority signed: check the certificates (cert, key)"
    return ""


def _unavailable(target: str, details: str) -> str:
    """A cause in gRPC's own words."""
    words = details.lower()
    if any(one in words for one in _HANDSHAKE):
        return f"no TLS connection to {target} ({details}): check the certificates, and that the server speaks TLS"
    if any(one in words for one in _WENT_SILENT):
        return f"the connection to {target} went silent during the call: try again, or check what lies between"
    if any(one in words for one in _NOT_THERE):
        return f"no model server answers on {target} ({details}): start one with `forger serve`, or check the address"
    if any(one in words for one in _CUT):
        return f"the connection to {target} was cut ({details}): try again, or check what lies between"
    return f"{target} is unavailable ({details}): try again, or see the server's log"


def _refusal(error: grpc.RpcError, model: Model) -> str:
    code, details, target = error.code(), said(error), model.target
    if code is grpc.StatusCode.NOT_FOUND:
        return f"{target} does not serve {model.name} ({details}): check the model's name and `forger serve`'s log"
    if code is grpc.StatusCode.UNIMPLEMENTED:
        return f"{target} answers, but is no model server ({details}): check the address"
    if code is grpc.StatusCode.FAILED_PRECONDITION and f'"{SIGNATURE_LATENT}" not found' in details:
        return f"the model on {target} cannot say a seed's latent, it was exported before that was possible: push a newer one"
    return f"{target} refused the request ({code.name}): {details}"
