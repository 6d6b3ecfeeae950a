"""What the server of `tests.support.kubeflow.server` keeps: objects by id, their pages, and bodies as KFP's swagger has them."""

from __future__ import annotations

import email.parser
import email.policy
import json
import uuid
from types import SimpleNamespace
from typing import Any

import kfp_server_api

from tests.support.kubeflow.http import Request


class Refusal(Exception):
    """An answer other than 200."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def model(body: bytes, name: str) -> dict[str, Any]:
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


def uploaded(request: Request) -> str:
    """Return the file of a multipart upload."""
    head = f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + request.body)
    (part,) = [part for part in message.iter_parts() if part.get_param("name", header="content-disposition") == "uploadfile"]
    return part.get_payload(decode=True).decode()


def page(items: dict[str, dict[str, Any]], key: str, query: dict[str, str]) -> dict[str, Any]:
    """Return one page of what the filter lets through; a page token is the number of the first item."""
    predicates = json.loads(query["filter"])["predicates"] if query.get("filter") else []
    assert all(predicate["operation"] in (1, "EQUALS") for predicate in predicates)
    found = [item for item in items.values() if all(item[each["key"]] == each["stringValue"] for each in predicates)]
    first, size = int(query.get("page_token") or 0), int(query.get("page_size") or 20)
    rest = {"next_page_token": str(first + size)} if first + size < len(found) else {}
    return {key: found[first : first + size], "total_size": len(found), **rest}


def put(items: dict[str, dict[str, Any]], key: str, made: dict[str, Any]) -> dict[str, Any]:
    made[key] = str(uuid.uuid4())
    items[made[key]] = made
    return made


def get(items: dict[str, dict[str, Any]], key: str) -> dict[str, Any]:
    if key not in items:
        raise Refusal(404, f"ResourceNotFoundError: {key} not found")
    return items[key]


def delete(items: dict[str, dict[str, Any]], key: str) -> dict[str, Any]:
    get(items, key)
    del items[key]
    return {}
