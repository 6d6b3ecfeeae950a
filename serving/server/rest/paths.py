"""TensorFlow Serving's REST paths (model_servers/http_rest_api_util.cc)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from tensorflow_serving.apis import model_pb2

from serving.server.requests.refusals import invalid

_MODEL = r"(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
_CALL = re.compile(rf"/v1/models/(?P<name>[^/:]+){_MODEL}:(?P<method>classify|regress|predict)", re.IGNORECASE | re.ASCII)
_LOOK = re.compile(rf"/v1/models(?:/(?P<name>[^/:]+))?{_MODEL}(?:/(?P<method>metadata))?", re.IGNORECASE | re.ASCII)
_MAX_VERSION = 2**63 - 1


@dataclass(frozen=True)
class Target:
    """What a path asks for: a model spec, and `predict`, `classify`, `regress`, `metadata` or `status`."""

    spec: model_pb2.ModelSpec
    method: str


def parse(http_method: str, path: str) -> Target:
    """Read a path.

    Args:
        http_method: POST for calls, GET to look.
        path: As sent, still percent-encoded.

    Raises:
        Refusal: INVALID_ARGUMENT: no such path.
    """
    pattern = {"POST": _CALL, "GET": _LOOK}.get(http_method)
    found = pattern.fullmatch(path) if pattern else None
    if found is None:
        raise invalid(f"Malformed request: {http_method} {path}")
    if not found["name"]:
        raise invalid("Missing model name in request.")
    spec = model_pb2.ModelSpec(name=_decoded(found["name"]))
    if found["version"]:
        digits = found["version"].lstrip("0") or "0"
        if len(digits) > len(str(_MAX_VERSION)) or int(digits) > _MAX_VERSION:
            raise invalid(f"Failed to convert version: {found['version']} to numeric.")
        spec.version.value = int(digits)
    if found["label"]:
        spec.version_label = _decoded(found["label"])
    return Target(spec, (found["method"] or "status").lower())


def _decoded(text: str) -> str:
    return unquote(text, errors="replace")
