"""An API server that speaks KFP's v2beta1 HTTP API, as its swagger says, over an in-memory store.

Bodies are checked against the models of kfp-server-api, which are generated from that swagger: an unknown field, a wrong type or
a value outside of an enumeration is refused with 400, as the real server's JSON gateway does.
"""

from __future__ import annotations

import email.parser
import email.policy
import json
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import kfp_server_api

from tests.support.kubeflow.cluster import parse
from tests.support.kubeflow.http import Request, serving_json

PREFIX = "/apis/v2beta1"


class Refusal(Exception):
    """An answer other than 200."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Api:
    """The server's state, and what the tests can make it do.

    Attributes:
        token: Bearer token that is asked for; "" for none.
        failures: (method, path below the prefix) -> status and message of the answer.
        calls: "METHOD PATH" of each request that changes something.
    """

    def __init__(self) -> None:
        self.token = ""
        self.failures: dict[tuple[str, str], tuple[int, str]] = {}
        self.calls: list[str] = []
        self.pipelines: dict[str, dict[str, Any]] = {}
        self.versions: dict[str, dict[str, Any]] = {}
        self.experiments: dict[str, dict[str, Any]] = {}
        self.recurring: dict[str, dict[str, Any]] = {}
        self.runs: dict[str, dict[str, Any]] = {}

    @property
    def is_empty(self) -> bool:
        """Say whether nothing at all is on the server."""
        return not (self.pipelines or self.versions or self.experiments or self.recurring or self.runs)

    def answer(self, request: Request) -> dict[str, Any]:
        """Answer one request.

        Raises:
            Refusal: With the status of the answer.
        """
        if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            raise Refusal(401, "Unauthenticated: the request lacks a valid token")
        if not request.path.startswith(PREFIX + "/"):
            raise Refusal(404, "Not Found")
        method, path = request.method, request.path.removeprefix(PREFIX)
        if method != "GET":
            self.calls.append(f"{method} {path}")
        if (method, path) in self.failures:
            raise Refusal(*self.failures[method, path])
        for wanted, pattern, handler in _ROUTES:
            found = re.fullmatch(pattern, path)
            if wanted == method and found:
                return handler(self, request, *found.groups())
        raise Refusal(404, "Not Found")

    def healthz(self, request: Request) -> dict[str, Any]:
        return {"multi_user": False, "pipeline_store": "database"}

    def list_pipelines(self, request: Request) -> dict[str, Any]:
        return _page(self.pipelines, "pipelines", request.query)

    def create_pipeline(self, request: Request) -> dict[str, Any]:
        made = _model(request.body, "V2beta1Pipeline")
        if any(item["display_name"] == made["display_name"] for item in self.pipelines.values()):
            raise Refusal(409, f"Already exist error: pipeline {made['display_name']} already exists")
        return _put(self.pipelines, "pipeline_id", made)

    def delete_pipeline(self, request: Request, key: str) -> dict[str, Any]:
        if any(version["pipeline_id"] == key for version in self.versions.values()):
            raise Refusal(400, "Invalid input error: the pipeline still has versions")
        return _delete(self.pipelines, key)

    def list_versions(self, request: Request, key: str) -> dict[str, Any]:
        own = {each: version for each, version in self.versions.items() if version["pipeline_id"] == key}
        return _page(own, "pipeline_versions", request.query)

    def upload_version(self, request: Request) -> dict[str, Any]:
        _get(self.pipelines, request.query["pipelineid"])
        try:
            parse(_uploaded(request))
        except Exception as error:
            raise Refusal(400, f"Invalid input error: invalid v2 pipeline spec: {error}") from error
        made = {"pipeline_id": request.query["pipelineid"], "display_name": request.query["name"]}
        return _put(self.versions, "pipeline_version_id", made)

    def delete_version(self, request: Request, pipeline: str, key: str) -> dict[str, Any]:
        return _delete(self.versions, key)

    def list_experiments(self, request: Request) -> dict[str, Any]:
        return _page(self.experiments, "experiments", request.query)

    def create_experiment(self, request: Request) -> dict[str, Any]:
        return _put(self.experiments, "experiment_id", _model(request.body, "V2beta1Experiment"))

    def delete_experiment(self, request: Request, key: str) -> dict[str, Any]:
        return _delete(self.experiments, key)

    def list_recurring(self, request: Request) -> dict[str, Any]:
        return _page(self.recurring, "recurringRuns", request.query)

    def create_recurring(self, request: Request) -> dict[str, Any]:
        made = _model(request.body, "V2beta1RecurringRun")
        self._check_references(made)
        if not 1 <= int(made["max_concurrency"]) <= 10:
            raise Refusal(400, "Invalid input error: max concurrency must be between 1 and 10")
        # The real server writes 64-bit numbers as texts.
        made |= {"status": "ENABLED" if made["mode"] == "ENABLE" else "DISABLED", "max_concurrency": str(made["max_concurrency"])}
        return _put(self.recurring, "recurring_run_id", made)

    def disable_recurring(self, request: Request, key: str) -> dict[str, Any]:
        _get(self.recurring, key)["status"] = "DISABLED"
        return {}

    def delete_recurring(self, request: Request, key: str) -> dict[str, Any]:
        return _delete(self.recurring, key)

    def create_run(self, request: Request) -> dict[str, Any]:
        made = _model(request.body, "V2beta1Run")
        self._check_references(made)
        return _put(self.runs, "run_id", made)

    def _check_references(self, made: dict[str, Any]) -> None:
        reference = made["pipeline_version_reference"]
        _get(self.experiments, made["experiment_id"])
        version = _get(self.versions, reference["pipeline_version_id"])
        if version["pipeline_id"] != reference["pipeline_id"]:
            raise Refusal(400, "Invalid input error: the version is another pipeline's")


_ROUTES = [
    ("GET", "/healthz", Api.healthz),
    ("GET", "/pipelines", Api.list_pipelines),
    ("POST", "/pipelines", Api.create_pipeline),
    ("DELETE", "/pipelines/([^/]+)", Api.delete_pipeline),
    ("GET", "/pipelines/([^/]+)/versions", Api.list_versions),
    ("POST", "/pipelines/upload_version", Api.upload_version),
    ("DELETE", "/pipelines/([^/]+)/versions/([^/]+)", Api.delete_version),
    ("GET", "/experiments", Api.list_experiments),
    ("POST", "/experiments", Api.create_experiment),
    ("DELETE", "/experiments/([^/]+)", Api.delete_experiment),
    ("GET", "/recurringruns", Api.list_recurring),
    ("POST", "/recurringruns", Api.create_recurring),
    ("POST", "/recurringruns/([^/]+):disable", Api.disable_recurring),
    ("DELETE", "/recurringruns/([^/]+)", Api.delete_recurring),
    ("POST", "/runs", Api.create_run),
]


def _model(body: bytes, name: str) -> dict[str, Any]:
    """Check a body against a generated model; returns it as JSON."""
    content = json.loads(body)
    client = kfp_server_api.ApiClient()
    try:
        model = client.deserialize(SimpleNamespace(data=body.decode()), name)
    except (ValueError, TypeError) as error:
        raise Refusal(400, f"invalid {name}: {error}") from error
    if _as_texts(client.sanitize_for_serialization(model)) != _as_texts(content):
        raise Refusal(400, f"invalid {name}: unknown fields in {content}")
    return content


def _as_texts(value: Any) -> Any:
    """Make numbers texts: JSON gateways take 64-bit numbers as either."""
    if isinstance(value, dict):
        return {key: _as_texts(item) for key, item in value.items()}
    return [_as_texts(item) for item in value] if isinstance(value, list) else str(value)


def _uploaded(request: Request) -> str:
    """Return the file of a multipart upload."""
    head = f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + request.body)
    (part,) = [part for part in message.iter_parts() if part.get_param("name", header="content-disposition") == "uploadfile"]
    return part.get_payload(decode=True).decode()


def _page(items: dict[str, dict[str, Any]], key: str, query: dict[str, str]) -> dict[str, Any]:
    """Return one page of what the filter lets through; a page token is the number of the first item."""
    predicates = json.loads(query["filter"])["predicates"] if query.get("filter") else []
    assert all(predicate["operation"] in (1, "EQUALS") for predicate in predicates)
    found = [item for item in items.values() if all(item[each["key"]] == each["stringValue"] for each in predicates)]
    first, size = int(query.get("page_token") or 0), int(query.get("page_size") or 20)
    rest = {"next_page_token": str(first + size)} if first + size < len(found) else {}
    return {key: found[first : first + size], "total_size": len(found), **rest}


def _put(items: dict[str, dict[str, Any]], key: str, made: dict[str, Any]) -> dict[str, Any]:
    made[key] = str(uuid.uuid4())
    items[made[key]] = made
    return made


def _get(items: dict[str, dict[str, Any]], key: str) -> dict[str, Any]:
    if key not in items:
        raise Refusal(404, f"ResourceNotFoundError: {key} not found")
    return items[key]


def _delete(items: dict[str, dict[str, Any]], key: str) -> dict[str, Any]:
    _get(items, key)
    del items[key]
    return {}


@contextmanager
def serving(api: Api) -> Iterator[str]:
    """Serve the API; yields the URL."""

    def answer(request: Request) -> tuple[int, dict[str, Any]]:
        try:
            return 200, api.answer(request)
        except Refusal as refusal:
            return refusal.status, {"error": str(refusal), "message": str(refusal), "code": 2, "details": []}

    with serving_json(answer) as url:
        yield url
