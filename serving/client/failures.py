"""A failed call in words: one line that names the cause and the mend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from serving.client.messages import Model
from serving.repository import contract
from serving.repository.errors import ServingError

if TYPE_CHECKING:
    import grpc

_TLS_FAILURES = ("handshake failed", "verification check failed")  # gRPC's words, in lower case


def still_loading(error: grpc.RpcError) -> bool:
    """Whether the server is there but has no model yet: worth waiting for until the deadline."""
    import grpc

    return error.code() is grpc.StatusCode.UNAVAILABLE and _details(error) == contract.STILL_LOADING


def failure(error: grpc.RpcError, model: Model, timeout: float, *, loading: bool) -> ServingError:
    """Explain a failed call.

    Args:
        error: What gRPC raised.
        model: What was asked for.
        timeout: Seconds that the call was given.
        loading: Whether the server said that it still loads.
    """
    if loading:
        return ServingError(f"{model.target} is still loading its model: try again in a few seconds", error.code().name)
    return ServingError(_explain(error, model, timeout), error.code().name)


def _details(error: grpc.RpcError) -> str:
    return " ".join((error.details() or "").split())


def _explain(error: grpc.RpcError, model: Model, timeout: float) -> str:
    import grpc

    code, details, target = error.code(), _details(error), model.target
    if code is grpc.StatusCode.UNAVAILABLE and any(words in details.lower() for words in _TLS_FAILURES):
        text = f"no TLS connection to {target} ({details}): check the certificates, and that the server speaks TLS"
    elif code is grpc.StatusCode.UNAVAILABLE and "Socket closed" in details:
        text = f"{target} closes the connection: check whether it wants TLS, and a certificate of the client's"
    elif code is grpc.StatusCode.UNAVAILABLE:
        text = f"no model server answers on {target}: start one with `forger serve`, or check the address"
    elif code is grpc.StatusCode.DEADLINE_EXCEEDED:
        text = f"{target} did not answer within {timeout:g} s: ask for fewer rows or allow more time"
    elif code is grpc.StatusCode.NOT_FOUND:
        text = f"{target} does not serve {model.name} ({details}): check the model's name and `forger serve`'s log"
    elif code is grpc.StatusCode.FAILED_PRECONDITION and f'"{contract.SIGNATURE_LATENT}" not found' in details:
        text = f"the model on {target} cannot say a seed's latent, it was exported before that was possible: push a newer one"
    else:
        text = f"{target} refused the request ({code.name}): {details}"
    return text
