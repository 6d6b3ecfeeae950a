"""Draw from a generator behind TensorFlow Serving's gRPC contract: the embedded server or TensorFlow Serving itself."""

from serving.client.asynchronous import AsyncGeneratorClient
from serving.client.channel import ClientTls
from serving.client.messages import ModelMetadata, Signature, TensorInfo, VersionStatus
from serving.client.synchronous import GeneratorClient

__all__ = ["AsyncGeneratorClient", "ClientTls", "GeneratorClient", "ModelMetadata", "Signature", "TensorInfo", "VersionStatus"]
