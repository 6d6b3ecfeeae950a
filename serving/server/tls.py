"""TLS for both ports: a certificate and its key, and optionally the authority that clients' certificates must be from."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

from serving.repository.errors import UserError


@dataclass(frozen=True)
class Tls:
    """PEM files.

    Attributes:
        cert: The server's certificate, followed by those between it and its authority.
        key: Its private key, without a passphrase.
        client_ca: Authorities of clients; with it every client must present a certificate of theirs (mutual TLS).
    """

    cert: Path
    key: Path
    client_ca: Path | None = None

    def check(self) -> None:
        """Read all files once: gRPC itself says nothing about a wrong one until a handshake fails.

        Raises:
            UserError: A file that is missing or wrong, or a key that does not belong to the certificate.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            context.load_cert_chain(self.cert, self.key, password=lambda: b"")
            if self.client_ca:
                context.load_verify_locations(self.client_ca)
        except (OSError, ValueError) as error:  # SSLError is an OSError
            files = ", ".join(str(path) for path in (self.cert, self.key, self.client_ca) if path)
            why = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
            raise UserError(
                f"cannot use the TLS files {files}: {why}; give PEM files, the key without a passphrase and of that certificate"
            ) from error

    def credentials(self) -> grpc.ServerCredentials:
        """What gRPC's secure port takes."""
        ca = self.client_ca.read_bytes() if self.client_ca else None
        return grpc.ssl_server_credentials(
            [(self.key.read_bytes(), self.cert.read_bytes())], root_certificates=ca, require_client_auth=ca is not None
        )

    def for_uvicorn(self) -> dict[str, Any]:
        """What uvicorn takes."""
        options: dict[str, Any] = {"ssl_certfile": str(self.cert), "ssl_keyfile": str(self.key)}
        if self.client_ca:
            options |= {"ssl_ca_certs": str(self.client_ca), "ssl_cert_reqs": ssl.CERT_REQUIRED}
        return options
