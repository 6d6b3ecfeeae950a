"""How a client reaches its servers: balancing, retries, TLS, message sizes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import grpc

from .contract import MODEL_SERVICE, PREDICTION_SERVICE
from .errors import ClientError

_MAX_MESSAGE_BYTES = 64 * 2**20  # an answer's size is the server's to limit
FIRST_BACKOFF, LAST_BACKOFF = 0.2, 2.0  # seconds, between tries and between attempts to connect
_ATTEMPTS = 5  # gRPC's own upper limit
# A connection that brings nothing while a call waits is asked for a sign of life, and given up where none comes: a proxy or a
# firewall may have forgotten it, and tells nobody. TensorFlow Serving has gRPC's own limits: it closes a connection upon the
# fourth such ping since it last sent something. So a call's whole time holds two. `max_pings_without_data` alone does not see to
# it: newer releases of gRPC (1.85 was tried) then ping once a minute, and a silent call was cut off after 200 s.
KEEPALIVE_MS, KEEPALIVE_TIMEOUT_MS = 10_000, 10_000
_PINGS_A_CALL = 2


@dataclass(frozen=True)
class ClientTls:
    """TLS towards a server, with PEM files.

    Attributes:
        ca: Certificates that are trusted; None for those that gRPC brings along.
        cert: The client's certificate, for mutual TLS.
        key: The client's key, for mutual TLS.
        server_name: The name that the server's certificate must carry, where it isn't the target's.
    """

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    server_name: str | None = None

    def credentials(self) -> grpc.ChannelCredentials:
        """Read the files.

        Raises:
            ClientError: A file that can't be read, or a certificate without key.
        """
        if (self.cert is None) != (self.key is None):
            raise ClientError("mutual TLS needs the client's certificate and its key: give both or neither")
        return grpc.ssl_channel_credentials(_read(self.ca), _read(self.key), _read(self.cert))


def keepalive_ms(timeout: float) -> int:
    """Milliseconds that a call waits for a sign of life before it asks for one.

    Args:
        timeout: Seconds that a call may take.
    """
    return max(KEEPALIVE_MS, int(timeout * 1000 / (_PINGS_A_CALL + 1)))


def channel_options(tls: ClientTls | None, timeout: float) -> list[tuple[str, str | int]]:
    """gRPC's options for a channel to the servers behind one target.

    Every address that the target's name resolves to gets calls in turn. What ends with UNAVAILABLE (no server, a full queue,
    a connection that was cut) is tried up to 5 times, with growing pauses and jitter: a call changes nothing on a server.

    Args:
        tls: None for none.
        timeout: Seconds that a call may take.
    """
    policy = {
        "maxAttempts": _ATTEMPTS,
        "initialBackoff": f"{FIRST_BACKOFF}s",
        "maxBackoff": f"{LAST_BACKOFF}s",
        "backoffMultiplier": 2,
        "retryableStatusCodes": ["UNAVAILABLE"],
    }
    services = [{"service": PREDICTION_SERVICE}, {"service": MODEL_SERVICE}]
    config = {"loadBalancingConfig": [{"round_robin": {}}], "methodConfig": [{"name": services, "retryPolicy": policy}]}
    options: list[tuple[str, str | int]] = [
        ("grpc.service_config", json.dumps(config)),
        ("grpc.service_config_disable_resolution", 1),  # a DNS record has no say in it
        ("grpc.max_receive_message_length", _MAX_MESSAGE_BYTES),
        ("grpc.max_send_message_length", _MAX_MESSAGE_BYTES),
        ("grpc.enable_http_proxy", 0),  # a proxy for the web is no way to a model server
        ("grpc.initial_reconnect_backoff_ms", int(FIRST_BACKOFF * 1000)),
        ("grpc.max_reconnect_backoff_ms", int(LAST_BACKOFF * 1000)),
        ("grpc.keepalive_time_ms", keepalive_ms(timeout)),
        ("grpc.keepalive_timeout_ms", KEEPALIVE_TIMEOUT_MS),
        ("grpc.http2.max_pings_without_data", _PINGS_A_CALL),
        ("grpc.keepalive_permit_without_calls", 0),  # an idle connection costs nothing
        ("grpc.http2.ping_timeout_ms", KEEPALIVE_TIMEOUT_MS),  # gRPC's own pings, for bandwidth, hold the keepalive's back
    ]
    if tls is not None and tls.server_name:
        options.append(("grpc.ssl_target_name_override", tls.server_name))
    return options


def _read(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ClientError(f"cannot read {path}: {error.strerror or error}; name a PEM file") from error
