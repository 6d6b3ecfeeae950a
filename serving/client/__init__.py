"""Draw from a generator behind TensorFlow Serving's gRPC contract: Forger's own server or TensorFlow Serving itself.

This folder is `serving.client` in Forger and, built by itself, the package `forger_client`: its imports are relative, and it
needs nothing else of Forger.
"""

from __future__ import annotations

from .asynchronous import AsyncGeneratorClient
from .channel import ClientTls
from .contract import ANY_LABEL
from .errors import ClientError
from .messages import ModelMetadata, Signature, TensorInfo, VersionStatus
from .rows import labels_for, seeds_for
from .synchronous import GeneratorClient

__all__ = [
    "ANY_LABEL",
    "AsyncGeneratorClient",
    "ClientError",
    "ClientTls",
    "GeneratorClient",
    "ModelMetadata",
    "Signature",
    "TensorInfo",
    "VersionStatus",
    "labels_for",
    "seeds_for",
]
