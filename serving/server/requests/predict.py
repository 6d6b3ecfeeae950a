"""Predict: from a model spec and inputs to arrays, whichever protocol they came by.

Status codes and messages are TensorFlow Serving's own (servables/tensorflow/predict_util.cc, predict_impl.cc).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import grpc
import tensorflow as tf
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef
from tensorflow_serving.apis import model_pb2, predict_pb2

from serving.repository import contract
from serving.repository.errors import flat_message
from serving.server.metrics import Request
from serving.server.models.one_version import LoadedVersion
from serving.server.models.registry import ModelRegistry
from serving.server.options import ServerOptions
from serving.server.requests.batching import QueueFull
from serving.server.requests.calls import Arrays
from serving.server.requests.refusals import Refusal, invalid, without_paths
from serving.server.requests.tensors import read_inputs, write_tensor

_CODES = {code.value[0]: code for code in grpc.StatusCode}


def _unknown_signature(name: str) -> Refusal:
    return Refusal(grpc.StatusCode.FAILED_PRECONDITION, f'Serving signature key "{name}" not found.')


@dataclass(frozen=True)
class Answer:
    """What a signature answered.

    Attributes:
        version: The version that ran.
        signature: The signature's name.
        outputs: Arrays by alias, those that were asked for.
    """

    version: int
    signature: str
    outputs: Arrays


class Predictor:
    """Runs signatures of served versions."""

    def __init__(self, registry: ModelRegistry, options: ServerOptions) -> None:
        self._registry, self._options = registry, options

    def predict(
        self, request: predict_pb2.PredictRequest, noted: Request, deadline: float | None = None
    ) -> predict_pb2.PredictResponse:
        """Answer a PredictRequest.

        Args:
            request: As in TensorFlow Serving.
            noted: Filled with the model and signature.
            deadline: When the answer is no longer of use, on the clock of `time.monotonic`.

        Raises:
            Refusal: Anything but an answer.
        """
        if not request.HasField("model_spec"):
            raise invalid("Missing ModelSpec")

        def read(signature: SignatureDef) -> Arrays:
            return read_inputs(signature, request.inputs, self._options)

        answer = self.run(request.model_spec, read, noted, deadline, request.output_filter)
        response = predict_pb2.PredictResponse()
        spec = response.model_spec
        spec.name, spec.signature_name, spec.version.value = request.model_spec.name, answer.signature, answer.version
        for alias, array in answer.outputs.items():
            write_tensor(response.outputs[alias], array)
        return response

    def run(
        self,
        spec: model_pb2.ModelSpec,
        read: Callable[[SignatureDef], Arrays],
        noted: Request,
        deadline: float | None = None,
        output_filter: Iterable[str] = (),
        unknown: Callable[[str], Refusal] = _unknown_signature,
    ) -> Answer:
        """Run a signature.

        Args:
            spec: Names the model, version and signature.
            read: Makes the inputs of the request, for the signature.
            noted: Filled with the model and signature.
            deadline: When the answer is no longer of use, on the clock of `time.monotonic`.
            output_filter: Outputs that are wanted; none for all.
            unknown: How a signature that the model does not have is refused.

        Raises:
            Refusal: Anything but an answer.
        """
        with self._registry.lease(spec) as leased:
            noted.model = spec.name
            name = spec.signature_name or contract.SIGNATURE_DEFAULT
            signature = signature_of(leased, name)
            if signature is None:
                raise unknown(name)
            noted.signature = name
            inputs = read(signature)
            aliases = _wanted_outputs(signature, output_filter)
            outputs = self._outputs(leased, name, inputs, deadline)
        return Answer(leased.number, name, {alias: outputs[alias] for alias in aliases})

    def _outputs(self, leased: LoadedVersion, name: str, inputs: Arrays, deadline: float | None) -> Arrays:
        try:
            return leased.batcher.run(name, inputs, deadline)
        except QueueFull as full:
            raise Refusal(
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                f"The batch scheduling queue to which this task was submitted is full: {full}",
            ) from None
        except TimeoutError:
            raise Refusal(grpc.StatusCode.DEADLINE_EXCEEDED, "the deadline passed before the request's turn came") from None
        except tf.errors.OpError as error:
            raise Refusal(_CODES.get(error.error_code, grpc.StatusCode.INTERNAL), without_paths(flat_message(error))) from error


def deadline_of(context: grpc.ServicerContext) -> float | None:
    """A call's deadline on the clock of `time.monotonic`, None where the client set none."""
    remaining = context.time_remaining()
    return None if remaining is None else time.monotonic() + remaining


def signature_of(leased: LoadedVersion, name: str) -> SignatureDef | None:
    """A signature that can be run, by name."""
    return leased.servable.signature_defs.get(name) if leased.servable.has_signature(name) else None


def _wanted_outputs(signature: SignatureDef, output_filter: Iterable[str]) -> list[str]:
    known = sorted(signature.outputs)
    wanted: list[str] = []
    for alias in output_filter:
        if alias not in signature.outputs:
            expected = "{" + ",".join(known) + "}"
            raise invalid(f"output tensor alias not found in signature: {alias} Outputs expected to be in the set {expected}.")
        if alias in wanted:
            raise invalid(f"duplicate output tensor alias: {alias}")
        wanted.append(alias)
    return wanted or known
